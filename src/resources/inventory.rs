//! One concurrent sweep of list calls: what refresh, drift, adoption, orphan detection and the proof after
//! teardown all read.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::dns::inventory::Dns;
use super::iam::inventory::Iam;
use super::registries::inventory::Registries;
use super::secrets::inventory::Secrets;
use super::{Unseen, Wanted};
use crate::cloud::{Cloud, Fault, Retry, retry};

/// A part of the inventory: present, or unknown because a call failed. Never absent by failure.
pub type Seen<T> = Result<T, Unseen>;

/// Turns the fault of a list call into "unknown".
pub fn seen<T>(result: Result<T, Fault>) -> Seen<T> {
    result.map_err(|fault| Unseen(Arc::new(fault)))
}

/// How long a part is asked for again while its service throttles or does not answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Everything that the list calls found, one part for each section.
#[derive(Clone, Debug)]
pub struct Inventory {
    /// Users, groups, roles and policies.
    pub iam: Seen<Iam>,
    /// Private zones and their records.
    pub dns: Seen<Dns>,
    /// Secrets, and the values that have to be compared.
    pub secrets: Seen<Secrets>,
    /// Image repositories.
    pub registries: Seen<Registries>,
}

impl Inventory {
    /// Sweeps every service at once.
    pub async fn sweep(cloud: &Cloud, wanted: &Wanted<'_>) -> Self {
        let (iam, dns, secrets, registries) = futures::join!(
            part(cloud, || Iam::list(cloud, wanted.ownership)),
            part(cloud, || Dns::list(cloud, wanted)),
            part(cloud, || Secrets::list(cloud, wanted)),
            part(cloud, || Registries::list(cloud, wanted)),
        );
        Self {
            iam,
            dns,
            secrets,
            registries,
        }
    }

    /// Looks at what is in the cluster, if `found` has one of ours.
    pub async fn look_into_cluster(
        &mut self,
        _cloud: &Cloud,
        _wanted: &Wanted<'_>,
        _found: &std::collections::BTreeMap<crate::address::Address, Vec<super::Observed>>,
    ) {
    }
}

/// Reads one part, patiently.
async fn part<T, F>(cloud: &Cloud, list: impl FnMut() -> F) -> Seen<T>
where
    F: Future<Output = Result<T, Fault>>,
{
    seen(retry(&*cloud.clock, Retry::Idempotent, PATIENCE, list).await)
}
