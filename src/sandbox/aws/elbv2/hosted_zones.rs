//! The zones in which names of load balancers stand, as AWS publishes them in "Elastic Load Balancing endpoints and
//! quotas" (AWS General Reference). Regions that are left out here have none in the sandbox.

use super::Kind;

/// Region, zone of network load balancers, zone of the others.
const ZONES: [(&str, &str, &str); 8] = [
    ("us-east-1", "Z26RNL4JYFTOTI", "Z35SXDOTRQ7X7K"),
    ("us-east-2", "ZLMOA37VPKANP", "Z3AADJGX6KTTL2"),
    ("us-west-1", "Z24FKFUX50B4VW", "Z368ELLRRE2KJ0"),
    ("us-west-2", "Z18D5FSROUN65G", "Z1H1FL5HABSF5"),
    ("eu-west-1", "Z2IFOLAFXWLO4F", "Z32O12XQLNTSW2"),
    ("eu-west-2", "ZD4D7Y8KGAS4G", "ZHURV8PSTC4K8"),
    ("eu-west-3", "Z1CMS0P5QUZ6D5", "Z3Q77PNBQS71R4"),
    ("eu-central-1", "Z3F0SRJ5LGBH90", "Z215JYRZR1TBD5"),
];

/// The zone in which the name of such a load balancer stands.
pub fn canonical_zone(kind: Kind, region: &str) -> Option<&'static str> {
    let (_, network, others) = ZONES.iter().find(|(known, ..)| *known == region)?;
    Some(match kind {
        Kind::Network => network,
        Kind::Application | Kind::Classic => others,
    })
}

/// The domain that such a zone is for.
pub fn domain(zone: &str) -> Option<String> {
    ZONES.iter().find_map(|(region, network, others)| {
        if zone == *network {
            Some(format!("elb.{region}.amazonaws.com"))
        } else {
            (zone == *others).then(|| format!("{region}.elb.amazonaws.com"))
        }
    })
}
