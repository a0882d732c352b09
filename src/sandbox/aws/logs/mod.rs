//! CloudWatch Logs: groups only. EKS makes one for a cluster whose control plane logs, and nobody removes it for it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::call::{Call, Fault, Params, Reply};
use super::tags::Tags;
use super::{Fields, page, tag_operations};
use crate::sandbox::time::SimTime;
use crate::sandbox::world::World;

/// CloudWatch Logs in one region.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Logs {
    /// Groups by name.
    pub groups: BTreeMap<String, Group>,
}

/// A log group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Group {
    /// Its ARN, without the `:*` that some answers add.
    pub arn: String,
    /// When it was made.
    pub created: SimTime,
    /// Days for which events are kept; `None` keeps them for ever.
    pub retention_days: Option<i64>,
    /// Its tags.
    pub tags: Tags,
}

/// How long AWS lets a group keep its events, in days.
const RETENTIONS: [i64; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

/// Answers one request.
///
/// # Errors
/// The error that AWS would answer.
pub fn handle(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (params, region) = (&call.params, call.region.as_str());
    match call.operation.as_str() {
        "CreateLogGroup" => create(world, region, params),
        "DescribeLogGroups" => describe(world, region, params),
        "DeleteLogGroup" => {
            let name = name(params)?;
            let removed = world.region(region).logs.groups.remove(&name);
            removed.map(|_| Reply::empty()).ok_or_else(not_found)
        }
        "PutRetentionPolicy" => put_retention(world, region, params),
        "DeleteRetentionPolicy" => {
            let name = name(params)?;
            let group = world.region(region).logs.groups.get_mut(&name);
            group.ok_or_else(not_found)?.retention_days = None;
            Ok(Reply::empty())
        }
        "TagResource" | "UntagResource" | "ListTagsForResource" => {
            let arn = params.required("resourceArn")?;
            let arn = arn.trim_end_matches(":*");
            let groups = &mut world.region(region).logs.groups;
            let group = groups.values_mut().find(|group| group.arn == arn);
            tag_operations::json(call, &mut group.ok_or_else(not_found)?.tags)
        }
        _ => Err(Fault::unknown_operation(call)),
    }
}

/// Makes a group unless it exists: what a service does that has something to log.
pub fn ensure(world: &mut World, region: &str, name: &str) {
    let group = Group {
        arn: format!("arn:aws:logs:{region}:{}:log-group:{name}", world.account),
        created: world.now,
        retention_days: None,
        tags: Tags::new(),
    };
    let groups = &mut world.region(region).logs.groups;
    groups.entry(name.to_owned()).or_insert(group);
}

/// Every group of the region with its tags.
pub fn tagged_arns(world: &World, region: &str) -> Vec<(String, Tags)> {
    let logs = world.regions.get(region).map(|region| &region.logs);
    let groups = logs.into_iter().flat_map(|logs| logs.groups.values());
    groups
        .map(|group| (group.arn.clone(), group.tags.clone()))
        .collect()
}

fn invalid(message: String) -> Fault {
    Fault::new("InvalidParameterException", message)
}

fn not_found() -> Fault {
    Fault::new(
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    )
}

fn name(params: &Params) -> Result<String, Fault> {
    let name = params.text("logGroupName").unwrap_or_default();
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-/.#".contains(c);
    match (1..=512).contains(&name.len()) && name.chars().all(allowed) {
        true => Ok(name),
        false => Err(invalid(format!(
            "logGroupName is not one that AWS takes: '{name}'"
        ))),
    }
}

fn create(world: &mut World, region: &str, params: &Params) -> Result<Reply, Fault> {
    let name = name(params)?;
    if world.region(region).logs.groups.contains_key(&name) {
        return Err(Fault::new(
            "ResourceAlreadyExistsException",
            "The specified log group already exists",
        ));
    }
    ensure(world, region, &name);
    if let Some(group) = world.region(region).logs.groups.get_mut(&name) {
        group.tags = tag_operations::from_map(params, "tags");
    }
    Ok(Reply::empty())
}

fn put_retention(world: &mut World, region: &str, params: &Params) -> Result<Reply, Fault> {
    let name = name(params)?;
    let days = params.int("retentionInDays")?.unwrap_or_default();
    if !RETENTIONS.contains(&days) {
        return Err(invalid(format!("retentionInDays can't be {days}")));
    }
    let group = world.region(region).logs.groups.get_mut(&name);
    group.ok_or_else(not_found)?.retention_days = Some(days);
    Ok(Reply::empty())
}

fn describe(world: &mut World, region: &str, params: &Params) -> Result<Reply, Fault> {
    let prefix = params.text("logGroupNamePrefix").unwrap_or_default();
    let pattern = params.text("logGroupNamePattern").unwrap_or_default();
    let size = page::size(params, "limit", 50, 50, "InvalidParameterException")?;
    let groups = world.region(region).logs.groups.iter();
    let found = groups
        .filter(|(name, _)| name.starts_with(&prefix) && name.contains(&pattern))
        .map(|(name, group)| (name.clone(), render(name, group)));
    let page = page::cut(found, params.text("nextToken").as_deref(), size);
    Ok(Fields::new()
        .list("logGroups", "member", page.items)
        .maybe("nextToken", page.next)
        .into())
}

fn render(name: &str, group: &Group) -> Reply {
    let created_ms = i64::try_from(group.created.0).unwrap_or(i64::MAX);
    Fields::new()
        .with("logGroupName", name)
        .with("creationTime", created_ms)
        .maybe("retentionInDays", group.retention_days)
        .with("metricFilterCount", 0)
        .with("arn", format!("{}:*", group.arn))
        .with("storedBytes", 0)
        .with("logGroupClass", "STANDARD")
        .with("logGroupArn", &group.arn)
        .into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::Desk;

    #[test]
    fn a_group_comes_is_found_by_prefix_and_goes() {
        let mut desk = Desk::new();
        let group = json!({"logGroupName": "/aws/eks/one/cluster", "tags": {"a": "1"}});
        desk.ok("logs", "CreateLogGroup", group.clone());
        let taken = desk.refused("logs", "CreateLogGroup", group);
        assert_eq!(taken, "ResourceAlreadyExistsException");
        desk.ok("logs", "CreateLogGroup", json!({"logGroupName": "/other"}));
        let retention = json!({"logGroupName": "/other", "retentionInDays": 7});
        desk.ok("logs", "PutRetentionPolicy", retention);

        let found = desk.ok(
            "logs",
            "DescribeLogGroups",
            json!({"logGroupNamePrefix": "/aws/eks/"}),
        );
        assert_eq!(
            found["logGroups"][0]["logGroupName"],
            "/aws/eks/one/cluster"
        );
        assert_eq!(found["logGroups"].as_array().unwrap().len(), 1);
        let arn = found["logGroups"][0]["arn"].clone();
        let tags = desk.ok("logs", "ListTagsForResource", json!({"resourceArn": arn}));
        assert_eq!(tags["tags"]["a"], "1");

        let name = json!({"logGroupName": "/aws/eks/one/cluster"});
        desk.ok("logs", "DeleteLogGroup", name.clone());
        assert_eq!(
            desk.refused("logs", "DeleteLogGroup", name),
            "ResourceNotFoundException"
        );
    }
}
