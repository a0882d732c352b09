//! The disks that a cluster's own volumes speak of. Once the cluster is gone nothing tells whose they were: the driver
//! writes the cluster's name on them only where it is told to (FACTS §3). So while the cluster lives they get the tag
//! by which the sweep finds them.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::Tag;
use kube::Client;
use serde_json::Value;

use super::leftovers::{Mark, mark, owned};
use crate::cloud::{Cloud, Fault, absent_is_done, fault};
use crate::resources::bootstrap::api;
use crate::resources::network::filter;
use crate::resources::sighting::tags_from;

/// The drivers that make disks in EC2: the add-on's and that of EKS Auto Mode.
const DRIVERS: [&str; 2] = ["ebs.csi.aws.com", "ebs.csi.eks.amazonaws.com"];

/// The tag in which a driver keeps the name of the volume that it made a disk for.
const MADE_FOR: &str = "CSIVolumeName";

/// The most values that a filter takes.
const FILTERED_AT_ONCE: usize = 200;

/// Writes the name of `cluster` on every disk that was made for one of its volumes, whatever becomes of the volume:
/// one that is kept when its claim goes is the environment's all the same.
///
/// A disk that a volume of the cluster mounts and that was not made for it may be anybody's, and so may one that
/// names another cluster: these are left as they are.
///
/// # Errors
/// The fault of the first call that failed.
pub(super) async fn claim(cloud: &Cloud, client: &Client, cluster: &str) -> Result<(), Fault> {
    let volumes = api::list(
        client,
        &super::workloads::like("v1", "PersistentVolume"),
        "",
    )
    .await?;
    let spoken_of: BTreeMap<&str, &str> = volumes.iter().filter_map(disk).collect();
    let ids: Vec<&str> = spoken_of.keys().copied().collect();
    let mut ours = Vec::new();
    for ids in ids.chunks(FILTERED_AT_ONCE) {
        let call = cloud.aws.ec2.describe_volumes();
        let call = call.filters(filter("volume-id", ids.iter().copied()));
        let listed = call.into_paginator().items().send().try_collect().await;
        let listed = listed.map_err(fault("ec2", "DescribeVolumes"))?;
        ours.extend(listed.into_iter().filter_map(|disk| {
            let tags = tags_from(disk.tags(), |tag| (tag.key(), tag.value()));
            let id = disk.volume_id?;
            let made_for = tags.get(MADE_FOR).map(String::as_str);
            let is_ours = made_for.is_some_and(|name| spoken_of.get(id.as_str()) == Some(&name));
            (is_ours && mark(&tags, cluster) == Mark::None).then_some(id)
        }));
    }
    for disk in ours {
        let (key, value) = owned(cluster);
        let tag = Tag::builder().key(key).value(value).build();
        let call = cloud.aws.ec2.create_tags().resources(disk).tags(tag);
        absent_is_done(
            call.send()
                .await
                .map(drop)
                .map_err(fault("ec2", "CreateTags")),
        )?;
    }
    Ok(())
}

/// The disk that a volume stands for, and the volume's name.
fn disk(volume: &Value) -> Option<(&str, &str)> {
    let text = |pointer: &str| volume.pointer(pointer).and_then(Value::as_str);
    let driver = text("/spec/csi/driver")?;
    let disk = text("/spec/csi/volumeHandle").filter(|_| DRIVERS.contains(&driver))?;
    Some((disk, text("/metadata/name")?))
}
