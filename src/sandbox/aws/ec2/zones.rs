//! Availability zones: a, b and c in every region, with the ids that the well-known regions give them.

use super::describe::{self, Listing};
use crate::sandbox::aws::{Call, Fault, Fields, Reply};

const LETTERS: [&str; 3] = ["a", "b", "c"];

/// Names of a region's zones.
pub fn names(region: &str) -> [String; 3] {
    LETTERS.map(|letter| format!("{region}{letter}"))
}

/// The id of a zone, which means the same place in every account.
pub fn id(region: &str, zone: &str) -> String {
    let (short, numbers) = match region {
        "us-east-1" => ("use1", [4, 6, 1]),
        "us-west-2" => ("usw2", [1, 2, 3]),
        "eu-central-1" => ("euc1", [2, 3, 1]),
        "eu-west-1" => ("euw1", [3, 1, 2]),
        _ => return unknown_region_id(region, zone),
    };
    let position = names(region).iter().position(|name| name == zone);
    format!("{short}-az{}", numbers[position.unwrap_or(0)])
}

/// AWS shortens `ap-southeast-2` to `apse2`: the first letters of the direction's parts.
fn unknown_region_id(region: &str, zone: &str) -> String {
    let directions = ["north", "south", "east", "west", "central"];
    let short: String = region
        .split('-')
        .map(|part| {
            if part.len() <= 2 {
                return part.to_owned();
            }
            directions
                .iter()
                .filter(|direction| part.contains(**direction))
                .map(|direction| &direction[..1])
                .collect()
        })
        .collect();
    let number = names(region).iter().position(|name| name == zone);
    format!("{short}-az{}", number.unwrap_or(0) + 1)
}

/// DescribeAvailabilityZones.
pub(super) fn describe(call: &Call) -> Result<Reply, Fault> {
    let listing = Listing {
        set: "availabilityZoneInfo",
        ids: "ZoneName",
        kind: None,
        id_member: "zoneName",
        filters: &[
            ("group-name", "groupName"),
            ("opt-in-status", "optInStatus"),
            ("region-name", "regionName"),
            ("state", "zoneState"),
            ("zone-id", "zoneId"),
            ("zone-name", "zoneName"),
            ("zone-type", "zoneType"),
        ],
    };
    let region = &call.region;
    let wanted_ids = call.params.texts("ZoneId");
    let elements = names(region)
        .into_iter()
        .map(|name| (id(region, &name), name))
        .filter(|(id, _)| wanted_ids.is_empty() || wanted_ids.contains(id))
        .map(|(id, name)| {
            let zone = Fields::new()
                .with("optInStatus", "opt-in-not-required")
                .with("messageSet", Reply::List("item", Vec::new()))
                .with("regionName", region)
                .with("zoneName", &name)
                .with("zoneId", id)
                .with("groupName", format!("{region}-zg-1"))
                .with("networkBorderGroup", region)
                .with("zoneType", "availability-zone")
                .with("zoneState", "available");
            (name, zone.into())
        })
        .collect();
    describe::answer(call, &listing, elements)
}
