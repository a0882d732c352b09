//! `cluster.existing`: a cluster that somebody else made and keeps. It is never made, changed or deleted; what is put into
//! it is ours, object by object.
//!
//! It is reached as the kubeconfig says that the user named, or else as EKS describes the cluster of that name. Both say
//! where a cluster is, and not which one: its id is that of its namespace `kube-system`, which is as old as the cluster.
//! So another cluster behind the same kubeconfig is never taken for this one.

use async_trait::async_trait;
use aws_sdk_eks::types::ClusterStatus;
use serde_json::{Value, json};

use super::control_plane;
use super::inventory::describe_cluster;
use crate::address::Address;
use crate::cloud::{Class, Cloud, ClusterEndpoint, Fault};
use crate::resources::bootstrap::api;
use crate::resources::bootstrap::id::ObjectId;
use crate::resources::inventory::Inventory;
use crate::resources::sighting::outputs;
use crate::resources::{
    Condition, Context, Desired, EXISTING_CLUSTER, Field, Fields, Kind, Observed, Order, Owner,
    Unseen, Wanted,
};

/// The kind `cluster.existing`.
pub struct ExistingCluster;

const KIND: &str = EXISTING_CLUSTER;

/// The operation of finding it.
pub const FIND: &str = "find the cluster";

/// Such a cluster, as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// How to reach it.
    pub endpoint: ClusterEndpoint,
    /// Which one it is.
    pub id: String,
}

/// The name of the existing cluster that the file asks for, or else of the one that the state remembers.
pub fn name<'a>(wanted: &Wanted<'a>) -> Option<&'a str> {
    let known = wanted.known().filter(|(_, kind, ..)| *kind == KIND);
    known.map(|(_, _, name, _)| name).last()
}

/// Whether the environment is, or was, in a cluster that somebody else made.
pub fn is_used(wanted: &Wanted<'_>) -> bool {
    name(wanted).is_some()
}

/// Whether the state remembers another cluster than the one with this id.
pub fn is_another(wanted: &Wanted<'_>, found: &Found) -> bool {
    let mut recorded = wanted.recorded.values();
    recorded.any(|recorded| recorded.kind == KIND && recorded.id != found.id)
}

/// Finds the cluster that is called `name`, and which one it is.
///
/// # Errors
/// When it can't be reached, or there is none. It was there before us, so that it is never merely absent.
pub async fn find(cloud: &Cloud, region: &str, name: &str) -> Result<Found, Fault> {
    let endpoint = endpoint(cloud, region, name).await?;
    let client = cloud.connector.connect(&endpoint).await?;
    let first = api::get(&client, &ObjectId::of_namespace("kube-system")).await?;
    let id = first.as_ref().and_then(|it| it.pointer("/metadata/uid"));
    let id = id.and_then(Value::as_str).map(str::to_owned);
    let id = id.ok_or_else(|| {
        let message = "it has no namespace kube-system, so there is nothing to know it by again";
        stopped("NoIdentity", message.to_owned())
    })?;
    Ok(Found { endpoint, id })
}

/// The minor version of Kubernetes that the cluster called `name` has, such as `1.35`.
///
/// # Errors
/// When it can't be reached, or there is none.
pub async fn version(cloud: &Cloud, region: &str, name: &str) -> Result<String, Fault> {
    let endpoint = endpoint(cloud, region, name).await?;
    let client = cloud.connector.connect(&endpoint).await?;
    let told = client.apiserver_version().await;
    let told = told.map_err(|error| Fault::kubernetes("ask for the version", error))?;
    // Who builds on a release of Kubernetes may say so by a plus.
    Ok(format!(
        "{}.{}",
        told.major,
        told.minor.trim_end_matches('+')
    ))
}

/// Where the kubeconfig leads that the user named, or else what EKS tells.
async fn endpoint(cloud: &Cloud, region: &str, name: &str) -> Result<ClusterEndpoint, Fault> {
    match cloud.connector.named() {
        Some(url) => Ok(ClusterEndpoint {
            name: name.to_owned(),
            region: region.to_owned(),
            url,
            certificate_authority: String::new(),
        }),
        None => described(cloud, region, name).await,
    }
}

/// The endpoint that EKS tells.
async fn described(cloud: &Cloud, region: &str, name: &str) -> Result<ClusterEndpoint, Fault> {
    if !cloud.aws.has_account() {
        let message = format!(
            "nobody said how the cluster `{name}` is reached: add --kubeconfig FILE; if it is an EKS cluster, give \
             its `account` in `[environment]` instead"
        );
        return Err(stopped("NoWay", message));
    }
    let Some(found) = describe_cluster(cloud, name).await? else {
        let message = format!(
            "there is no EKS cluster `{name}` in {region}: say its name with `name` in `[cluster]`, or, for a \
             cluster elsewhere, add --kubeconfig FILE"
        );
        return Err(stopped("NoCluster", message));
    };
    match found.status() {
        None | Some(ClusterStatus::Active | ClusterStatus::Updating) => {}
        Some(other) => {
            let message = format!("the EKS cluster `{name}` is {}", other.as_str());
            return Err(stopped("NotActive", message));
        }
    }
    let authority = found.certificate_authority();
    let authority = authority.and_then(|authority| authority.data());
    let missing = |part| Fault::incomplete("eks", "DescribeCluster", part);
    Ok(ClusterEndpoint {
        name: name.to_owned(),
        region: region.to_owned(),
        url: found
            .endpoint()
            .ok_or_else(|| missing("endpoint"))?
            .to_owned(),
        certificate_authority: authority.unwrap_or_default().to_owned(),
    })
}

fn stopped(code: &str, message: String) -> Fault {
    Fault {
        service: "groundwork",
        operation: FIND,
        code: code.to_owned(),
        message,
        class: Class::Stop,
        source: None,
    }
}

fn observed(address: Address, found: &Found) -> Observed {
    let Found { endpoint, id } = found;
    Observed {
        address,
        kind: KIND,
        id: id.clone(),
        name: endpoint.name.clone(),
        // What the environment uses is not for the planner to refuse; that it is not ours, the kind says.
        owner: Owner::Ours,
        condition: Condition::Ready,
        fields: Fields::from_iter([("name".to_owned(), json!(endpoint.name))]),
        outputs: outputs([
            ("id", Some(id.as_str())),
            ("cluster_name", Some(endpoint.name.as_str())),
            ("region", Some(endpoint.region.as_str())),
            ("endpoint", Some(endpoint.url.as_str())),
            (
                "certificate_authority",
                Some(endpoint.certificate_authority.as_str()),
            ),
        ]),
    }
}

#[async_trait]
impl Kind for ExistingCluster {
    fn name(&self) -> &'static str {
        KIND
    }

    fn fields(&self) -> &'static [Field] {
        &[]
    }

    fn is_given(&self) -> bool {
        true
    }

    fn desired(&self, context: &Context<'_>) -> Vec<Desired> {
        let existing = context.environment.existing_cluster.iter();
        existing
            .map(|asked| {
                let spec = json!({ "name": asked.name });
                Desired::new(KIND, control_plane(), &asked.name, &spec)
            })
            .collect()
    }

    fn observe(&self, inventory: &Inventory, wanted: &Wanted<'_>) -> Result<Vec<Observed>, Unseen> {
        let found = inventory.existing.as_ref().map_err(Clone::clone)?;
        let known = wanted.known().filter(|(_, kind, ..)| *kind == KIND);
        let address = known.map(|(address, ..)| address.clone()).last();
        let sighting = found.as_ref().zip(address);
        Ok(sighting
            .map(|(found, address)| observed(address, found))
            .into_iter()
            .collect())
    }

    async fn create(&self, _cloud: &Cloud, order: &Order<'_>) -> Result<String, Fault> {
        let message = format!("{} is not made by us", order.address);
        Err(stopped("NotOurs", message))
    }

    async fn read(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        _id: &str,
    ) -> Result<Option<Observed>, Fault> {
        let found = find(cloud, &order.wanted.ownership.region, order.name).await?;
        Ok(Some(observed(order.address.clone(), &found)))
    }

    async fn update(
        &self,
        _cloud: &Cloud,
        _order: &Order<'_>,
        _observed: &Observed,
        _changed: &[String],
    ) -> Result<(), Fault> {
        Ok(())
    }

    async fn delete(&self, _cloud: &Cloud, order: &Order<'_>, _id: &str) -> Result<(), Fault> {
        let message = format!("{} is not deleted by us", order.address);
        Err(stopped("NotOurs", message))
    }
}
