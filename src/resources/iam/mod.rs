//! Section `iam`: groups and the policies that are ours, and the roles that a cluster needs.
//!
//! IAM is global and its names are unique in the account, so everything of ours stands under a path that carries
//! environment, region and lineage. For groups, which take no tags, that path is the whole proof of ownership.

mod group;
pub mod inventory;
mod policy;
mod role;

use std::future::Future;
use std::time::Duration;

pub use group::IamGroup;
pub use policy::IamPolicy;
pub use role::IamRole;

use super::{Owner, Ownership};
use crate::cloud::{Class, Cloud, Fault, Retry, retry};

const ROOT: &str = "/groundwork/";

/// How long IAM may take until what was just made can be named (FACTS §4).
const SETTLES: Duration = Duration::from_secs(120);

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

/// Makes a call that names what may have been made a moment ago: that IAM does not know it yet passes by itself.
/// The call has the same effect when it is made twice.
///
/// # Errors
/// The fault of the last call.
pub async fn settled<T, F>(cloud: &Cloud, mut call: impl FnMut() -> F) -> Result<T, Fault>
where
    F: Future<Output = Result<T, Fault>>,
{
    let later = |fault: Fault| match fault.class {
        Class::Absent => Fault {
            class: Class::Retry,
            ..fault
        },
        _ => fault,
    };
    retry(&*cloud.clock, Retry::Idempotent, SETTLES, || {
        let answer = call();
        async move { answer.await.map_err(later) }
    })
    .await
}

#[cfg(test)]
mod tests;
