//! Volumes: what claims leave behind.

use super::describe::{self, Listing, View};
use super::kind::Kind;
use super::state::Volume;
use super::{done, tags, tokens, zones};
use crate::sandbox::aws::{Call, Fault, Fields, Reply};
use crate::sandbox::world::World;

/// CreateVolume; the same again with the same client token answers the same volume.
pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = tokens::once(world, call, make)?;
    let view = View::of(world, &call.region);
    Ok(reply(&view, &id, view.ec2.volume(&id)?))
}

fn make(world: &mut World, call: &Call) -> Result<String, Fault> {
    let params = &call.params;
    let tags = tags::specified(params, Kind::Volume)?;
    let zone = params.required("AvailabilityZone")?;
    if !zones::names(&call.region).contains(&zone) {
        return Err(Fault::new(
            "InvalidZone.NotFound",
            format!("The zone '{zone}' does not exist."),
        ));
    }
    params.required("Size")?;
    let volume = Volume {
        zone,
        gib: params.int("Size")?.unwrap_or_default(),
        volume_type: (params.text("VolumeType")).unwrap_or_else(|| "gp2".to_owned()),
        created: world.now,
    };
    let id = world.ids.ec2(Kind::Volume.prefix());
    let ec2 = &mut world.region(&call.region).ec2;
    ec2.volumes.insert(id.clone(), volume);
    ec2.add_tags(&id, tags);
    Ok(id)
}

/// DeleteVolume.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = call.params.required("VolumeId")?;
    let ec2 = &mut world.region(&call.region).ec2;
    ec2.volume(&id)?;
    ec2.volumes.remove(&id);
    ec2.forget(&id);
    Ok(done())
}

/// DescribeVolumes.
pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let listing = Listing {
        set: "volumeSet",
        ids: "VolumeId",
        kind: Some(Kind::Volume),
        id_member: "volumeId",
        filters: &[
            ("availability-zone", "availabilityZone"),
            ("size", "size"),
            ("status", "status"),
            ("volume-id", "volumeId"),
            ("volume-type", "volumeType"),
        ],
    };
    describe::all(world, call, &listing, |ec2| &ec2.volumes, reply)
}

fn reply(view: &View<'_>, id: &str, volume: &Volume) -> Reply {
    Fields::new()
        .with("volumeId", id)
        .with("size", volume.gib)
        .with("availabilityZone", &volume.zone)
        .with("status", "available")
        .with("createTime", volume.created)
        .with("volumeType", &volume.volume_type)
        .with("encrypted", false)
        // What a gp3 volume has where nobody asks for more.
        .maybe("iops", (volume.volume_type == "gp3").then_some(3000))
        .with("attachmentSet", Reply::List("item", Vec::new()))
        .with("tagSet", view.tag_set(id))
        .into()
}
