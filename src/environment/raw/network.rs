//! `[network]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::environment::forms::*;

/// The VPC, its subnets and its ways out.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::environment) struct Network {
    /// The VPC's name, from which the names of its parts are derived; the environment's name by default.
    pub name: Option<TagValue>,
    /// The VPC's address block, from /16 to /28.
    pub cidr: Cidr,
    /// In how many availability zones to have one public and one private subnet, carved from the block in equal parts.
    /// Not together with `subnets`. 2 by default.
    #[schemars(range(min = 1, max = 6))]
    pub zones: Option<u32>,
    /// Subnets one by one, such as `public-a`, instead of `zones`.
    #[serde(default)]
    pub subnets: Named<Key, Subnet>,
    /// How private subnets reach the internet.
    #[serde(default)]
    pub nat: Nat,
    /// A domain for names inside the VPC.
    pub private_zone: Option<Domain>,
}

/// A subnet.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::environment) struct Subnet {
    /// Its name; derived from the network's by default.
    pub name: Option<TagValue>,
    /// Its address block, inside the VPC's.
    pub cidr: Cidr,
    /// Its availability zone, such as `eu-central-1a`.
    pub zone: Zone,
    /// Whether the internet can reach it.
    #[serde(default)]
    pub public: bool,
}

/// How private subnets reach the internet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::environment) enum Nat {
    /// A NAT gateway in each zone: none of them depends on another zone.
    PerZone,
    /// One NAT gateway for all zones: cheaper.
    #[default]
    Single,
    /// Not at all.
    None,
}
