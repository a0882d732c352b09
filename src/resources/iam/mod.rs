//! Section `iam`: groups and the policies that are ours, and the roles that a cluster needs.
//!
//! IAM is global and its names are unique in the account, so everything of ours stands under a path that carries
//! environment, region and lineage. For groups, which take no tags, that path is the whole proof of ownership.

mod group;
pub mod inventory;
mod policy;
pub mod role;
mod trust;

pub use group::IamGroup;
pub use policy::IamPolicy;
pub use role::IamRole;

use super::{Owner, Ownership};

const ROOT: &str = "/groundwork/";

/// The path under which everything of ours stands.
pub fn path(ownership: &Ownership) -> String {
    let Ownership {
        environment,
        region,
        lineage,
        ..
    } = ownership;
    format!("{ROOT}{environment}/{region}/{lineage}/")
}

/// Whose an entity under `found` is.
pub fn owner(ownership: &Ownership, found: &str) -> Owner {
    if found == path(ownership) {
        return Owner::Ours;
    }
    let lineage = found
        .strip_prefix(ROOT)
        .and_then(|names| names.split('/').nth(2))
        .filter(|lineage| !lineage.is_empty())
        .map(str::to_owned);
    Owner::Other { lineage }
}

#[cfg(test)]
mod tests;
