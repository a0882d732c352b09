//! EKS: clusters, node groups, and who is let in.

use serde_json::{Value, json};

use super::item::Item;
use crate::sandbox::aws::eks::{
    Access, AccessEntry, Addon, Association, Cluster, Eks, Nodegroup, Unavailable,
};

/// Everything in EKS.
pub fn items(eks: &Eks) -> Vec<Item> {
    let mut items = Vec::new();
    for each in eks.clusters.values() {
        items.push(cluster(each));
        items.extend(each.nodegroups.values().map(|group| nodegroup(each, group)));
        let entries = each.access_entries.values().filter(|entry| !entry.by_eks);
        items.extend(entries.map(|entry| access_entry(each, entry)));
        items.extend(each.addons.values().map(|one| addon(each, one)));
        let associations = each.associations.values();
        items.extend(associations.map(|one| pod_identity(each, one)));
    }
    items
}

fn cluster(cluster: &Cluster) -> Item {
    let usual = Access {
        public: true,
        private: false,
        public_cidrs: vec!["0.0.0.0/0".to_owned()],
    };
    let access = (cluster.access != usual).then(|| {
        let Access {
            public,
            private,
            public_cidrs,
        } = &cluster.access;
        json!({"public": public, "private": private, "cidrs": public_cidrs})
    });
    let auto = cluster.auto.as_ref();
    let auto = auto.map(|auto| json!({"pools": auto.pools, "role": auto.node_role}));
    let logging = (!cluster.logging.is_empty()).then(|| json!(cluster.logging));
    Item::new(
        "eks_cluster",
        &cluster.name,
        json!({
            "role": cluster.role_arn, "security_groups": cluster.group_ids, "status": cluster.status.word(),
            "subnets": cluster.subnets, "version": cluster.version,
        }),
    )
    .id(&cluster.uid)
    .maybe("access", access)
    .maybe("logging", logging)
    .maybe("auto_mode", auto)
    .unless("authentication", cluster.authentication.as_str(), "CONFIG_MAP")
    .unless("support", cluster.support.as_str(), "EXTENDED")
    .unless("creator_is_admin", cluster.creator_is_admin, true)
    .unless("protected", cluster.protected, false)
    .tags(&cluster.tags)
}

fn access_entry(cluster: &Cluster, entry: &AccessEntry) -> Item {
    let groups = (!entry.groups.is_empty()).then(|| json!(entry.groups));
    Item::new(
        "eks_access_entry",
        format!("{}:{}", cluster.name, entry.principal),
        json!({"policies": entry.policies}),
    )
    .id(&entry.arn)
    .maybe("groups", groups)
    .unless("type", entry.kind.as_str(), "STANDARD")
    .tags(&entry.tags)
}

fn addon(cluster: &Cluster, addon: &Addon) -> Item {
    Item::new(
        "eks_addon",
        format!("{}:{}", cluster.name, addon.name),
        json!({"status": addon.status.word(), "version": addon.version}),
    )
    .id(&addon.uid)
    .maybe("configuration", addon.configuration.as_deref())
    .tags(&addon.tags)
}

fn pod_identity(cluster: &Cluster, one: &Association) -> Item {
    let account = format!("{}/{}", one.namespace, one.service_account);
    Item::new(
        "eks_pod_identity",
        format!("{}:{account}", cluster.name),
        json!({"role": one.role_arn}),
    )
    .id(&one.id)
    .tags(&one.tags)
}

fn nodegroup(cluster: &Cluster, group: &Nodegroup) -> Item {
    let settings = &group.settings;
    let unavailable = match settings.unavailable {
        Unavailable::Count(1) => None,
        Unavailable::Count(count) => Some(json!(count)),
        Unavailable::Percent(part) => Some(format!("{part} %").into()),
    };
    let list = |values: Vec<Value>| (!values.is_empty()).then_some(values);
    let taints = (settings.taints.iter())
        .map(|taint| json!({"key": taint.key, "value": taint.value, "effect": taint.effect}));
    let issues =
        (group.issues.iter()).map(|issue| json!({"code": issue.code, "message": issue.message}));
    Item::new(
        "eks_nodegroup",
        format!("{}:{}", cluster.name, group.name),
        json!({
            "ami": group.ami_type, "capacity": group.capacity, "disk": group.disk_gib, "role": group.role_arn,
            "scaling": {
                "desiredSize": settings.scaling.desired, "maxSize": settings.scaling.max,
                "minSize": settings.scaling.min,
            },
            "status": group.status.word(), "subnets": group.subnets, "types": group.instance_types,
        }),
    )
    .id(&group.uid)
    .unless("version", group.version.as_str(), cluster.version.as_str())
    .maybe("max_unavailable", unavailable)
    .maybe("labels", (!settings.labels.is_empty()).then(|| json!(settings.labels)))
    .maybe("taints", list(taints.collect()))
    .maybe("issues", list(issues.collect()))
    .tags(&group.tags)
}
