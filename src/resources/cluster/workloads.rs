//! `cluster.workloads`: what runs in the cluster, is no resource of ours and has effects outside. It stands only in a
//! teardown, which takes it away while the controllers live that undo those effects (FACTS §3).
//!
//! It goes in waves, each once nothing of the one before it is left: an Argo CD application brings back what it
//! deployed, and a disk is released only by what mounts it.

use std::collections::BTreeSet;

use async_trait::async_trait;
use futures::future::try_join_all;
use kube::Client;
use serde_json::{Value, json};

use super::{disks, not_made, workloads};
use crate::address::Address;
use crate::cloud::{Cloud, Fault};
use crate::resources::bootstrap::api;
use crate::resources::bootstrap::id::ObjectId;
use crate::resources::bootstrap::object::owner;
use crate::resources::inventory::Inventory;
use crate::resources::{
    Condition, Context, Desired, Field, Fields, Kind, Observed, Order, Outputs, Owner, Ownership,
    Unseen, Usual, WORKLOADS, Wanted,
};

/// The kind `cluster.workloads`.
pub struct Workloads;

/// The types of each wave, as API version and kind. The last is not deleted but waited for.
const WAVES: [&[(&str, &str)]; 4] = [
    &[
        ("argoproj.io/v1alpha1", "ApplicationSet"),
        ("argoproj.io/v1alpha1", "Application"),
    ],
    &[
        ("v1", "Service"),
        ("networking.k8s.io/v1", "Ingress"),
        ("gateway.networking.k8s.io/v1", "Gateway"),
    ],
    &[("v1", CLAIM)],
    &[("v1", VOLUME)],
];

const CLAIM: &str = "PersistentVolumeClaim";
const VOLUME: &str = "PersistentVolume";

/// What keeps a Service there until its load balancer is gone, whatever its type has become since: of the cloud
/// provider's controller, and of EKS Auto Mode (inferred from how its other names go).
const BALANCED: [&str; 2] = [
    "service.kubernetes.io/load-balancer-cleanup",
    "service.eks.amazonaws.com/resources",
];

/// From a pod to what made it in the end is never further than this: CronJob, Job, Pod, and room for an operator.
const GENERATIONS: usize = 5;

/// One object with effects outside the cluster.
#[derive(Clone, Debug)]
struct Effect {
    id: ObjectId,
    going: bool,
}

/// Every such object in the cluster that is not ours, as the plan names it.
///
/// # Errors
/// The fault of the first call that failed.
pub async fn names(client: &Client, ownership: &Ownership) -> Result<Vec<String>, Fault> {
    let waves = survey(client, ownership).await?;
    Ok(waves.iter().flatten().map(name).collect())
}

/// `service/shop/web`; without a namespace where there is none.
fn name(effect: &Effect) -> String {
    let ObjectId {
        kind,
        namespace,
        name,
        ..
    } = &effect.id;
    let kind = kind.to_ascii_lowercase();
    match namespace.as_str() {
        "" => format!("{kind}/{name}"),
        namespace => format!("{kind}/{namespace}/{name}"),
    }
}

/// What is there of each wave.
async fn survey(client: &Client, ownership: &Ownership) -> Result<Vec<Vec<Effect>>, Fault> {
    let waves = WAVES.iter().map(|types| async move {
        let lists = types.iter().map(|(api_version, kind)| async move {
            api::list(client, &like(api_version, kind), "").await
        });
        let objects = try_join_all(lists).await?.into_iter().flatten();
        Ok(objects
            .filter(|object| has_effects(object) && owner(ownership, object) != Owner::Ours)
            .filter_map(|object| {
                let id = ObjectId::of(&object)?;
                let going = id.kind == VOLUME || is_going(&object);
                Some(Effect { id, going })
            })
            .collect())
    });
    try_join_all(waves).await
}

pub(super) fn like(api_version: &str, kind: &str) -> ObjectId {
    ObjectId {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        namespace: String::new(),
        name: String::new(),
    }
}

fn is_going(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some()
}

/// Whether an object of one of our waves holds anything outside the cluster.
fn has_effects(object: &Value) -> bool {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    match text("/kind") {
        Some("Service") => {
            let finalizers = object.pointer("/metadata/finalizers");
            let finalizers = finalizers.and_then(Value::as_array).into_iter().flatten();
            text("/spec/type") == Some("LoadBalancer")
                || finalizers
                    .into_iter()
                    .any(|one| BALANCED.iter().any(|name| one == name))
        }
        // What is kept on purpose, and what can't go any more, is left to the sweep.
        Some(VOLUME) => {
            text("/spec/persistentVolumeReclaimPolicy") == Some("Delete")
                && object.pointer("/spec/claimRef").is_some()
                && matches!(text("/status/phase"), Some("Bound" | "Released"))
        }
        Some(_) | None => true,
    }
}

fn observed(order_name: &str, found: Vec<String>, condition: Condition) -> Observed {
    Observed {
        address: workloads(),
        kind: WORKLOADS,
        id: order_name.to_owned(),
        name: order_name.to_owned(),
        owner: Owner::Ours,
        condition,
        fields: Fields::from_iter([("found".to_owned(), json!(found))]),
        outputs: Outputs::new(),
    }
}

#[async_trait]
impl Kind for Workloads {
    fn name(&self) -> &'static str {
        WORKLOADS
    }

    fn fields(&self) -> &'static [Field] {
        &[]
    }

    fn lives_in_cluster(&self) -> bool {
        true
    }

    fn goes_in_waves(&self) -> bool {
        true
    }

    fn parts(&self, fields: &Fields) -> Vec<String> {
        super::found(fields)
    }

    fn usual(&self, _address: &Address) -> Usual {
        Usual::secs(1, 1, 10)
    }

    fn desired(&self, _context: &Context<'_>) -> Vec<Desired> {
        Vec::new()
    }

    /// There as soon as there is a cluster to look into: between plan and run more may come.
    fn observe(&self, inventory: &Inventory, wanted: &Wanted<'_>) -> Result<Vec<Observed>, Unseen> {
        let found = inventory.workloads.as_ref().map_err(Clone::clone)?;
        let asked = wanted.desired.get(&workloads());
        let observed = asked
            .zip(found.as_ref())
            .map(|(asked, found)| observed(&asked.name, found.clone(), Condition::Ready));
        Ok(observed.into_iter().collect())
    }

    async fn create(&self, _cloud: &Cloud, order: &Order<'_>) -> Result<String, Fault> {
        Err(not_made(order))
    }

    async fn read(
        &self,
        _cloud: &Cloud,
        order: &Order<'_>,
        id: &str,
    ) -> Result<Option<Observed>, Fault> {
        let waves = survey(client(order)?, order.wanted.ownership).await?;
        let Some(wave) = waves.into_iter().find(|wave| !wave.is_empty()) else {
            return Ok(None);
        };
        let found: Vec<String> = wave.iter().map(name).collect();
        let condition = if wave.iter().all(|effect| effect.going) {
            Condition::Settling(format!("waiting for {}", found.join(", ")))
        } else {
            Condition::Ready
        };
        Ok(Some(observed(id, found, condition)))
    }

    async fn update(
        &self,
        _cloud: &Cloud,
        order: &Order<'_>,
        _observed: &Observed,
        _changed: &[String],
    ) -> Result<(), Fault> {
        Err(not_made(order))
    }

    /// Sends one wave on its way, once it is known which disks are the cluster's.
    async fn delete(&self, cloud: &Cloud, order: &Order<'_>, _id: &str) -> Result<(), Fault> {
        let client = client(order)?;
        disks::claim(cloud, client, order.name).await?;
        let waves = survey(client, order.wanted.ownership).await?;
        let Some(wave) = waves.iter().find(|wave| !wave.is_empty()) else {
            return Ok(());
        };
        let staying = wave.iter().filter(|effect| !effect.going);
        try_join_all(staying.map(|effect| api::delete(client, &effect.id))).await?;
        let claims: Vec<&ObjectId> = wave.iter().map(|effect| &effect.id).collect();
        if claims.iter().any(|id| id.kind == CLAIM) {
            release(client, &claims).await?;
        }
        Ok(())
    }
}

fn client<'a>(order: &Order<'a>) -> Result<&'a Client, Fault> {
    order
        .cluster
        .ok_or_else(|| Fault::incomplete("eks", "DescribeCluster", "endpoint"))
}

/// Takes away what mounts the claims: Kubernetes keeps a claim as long as a pod uses it.
async fn release(client: &Client, claims: &[&ObjectId]) -> Result<(), Fault> {
    let pods = api::list(client, &like("v1", "Pod"), "").await?;
    let mounting = pods
        .iter()
        .filter(|pod| !is_going(pod) && mounts_any(pod, claims));
    let makers = try_join_all(mounting.map(|pod| maker(client, pod))).await?;
    let makers: BTreeSet<ObjectId> = makers.into_iter().flatten().collect();
    try_join_all(makers.iter().map(|id| api::delete(client, id))).await?;
    Ok(())
}

fn mounts_any(pod: &Value, claims: &[&ObjectId]) -> bool {
    let namespace = &pod["metadata"]["namespace"];
    let volumes = pod.pointer("/spec/volumes").and_then(Value::as_array);
    volumes.into_iter().flatten().any(|volume| {
        let name = &volume["persistentVolumeClaim"]["claimName"];
        claims
            .iter()
            .any(|id| *name == id.name.as_str() && *namespace == id.namespace.as_str())
    })
}

/// What made the pod in the end, such as its StatefulSet: itself where nothing did that still stands.
async fn maker(client: &Client, pod: &Value) -> Result<Option<ObjectId>, Fault> {
    let mut made = pod.clone();
    for _ in 0..GENERATIONS {
        let Some(id) = controller(&made) else { break };
        match api::get(client, &id).await? {
            Some(object) => made = object,
            None => break,
        }
    }
    Ok(ObjectId::of(&made))
}

/// The controller that owns the object; it stands in the same namespace.
fn controller(object: &Value) -> Option<ObjectId> {
    let owners = object.pointer("/metadata/ownerReferences")?.as_array()?;
    let owner = owners.iter().find(|owner| owner["controller"] == true)?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Some(ObjectId {
        api_version: text(&owner["apiVersion"])?,
        kind: text(&owner["kind"])?,
        namespace: text(&object["metadata"]["namespace"])?,
        name: text(&owner["name"])?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_reaches_outside_is_taken_away_before_the_cluster() {
        let service = |spec: Value, finalizers: Value| json!({"kind": "Service", "metadata": {"finalizers": finalizers}, "spec": spec});
        assert!(has_effects(&service(
            json!({"type": "LoadBalancer"}),
            json!([])
        )));
        assert!(!has_effects(&service(
            json!({"type": "ClusterIP"}),
            json!([])
        )));
        for balanced in BALANCED {
            let was_balanced = service(json!({"type": "ClusterIP"}), json!([balanced]));
            assert!(has_effects(&was_balanced));
        }
        let volume = |policy: &str, phase: &str| {
            json!({
                "kind": VOLUME, "status": {"phase": phase},
                "spec": {"persistentVolumeReclaimPolicy": policy, "claimRef": {"name": "data"}},
            })
        };
        assert!(has_effects(&volume("Delete", "Released")));
        assert!(!has_effects(&volume("Retain", "Released")));
        assert!(!has_effects(&volume("Delete", "Failed")));
        assert!(has_effects(&json!({"kind": CLAIM})));
    }

    #[test]
    fn a_pod_is_known_by_the_claims_that_it_mounts() {
        let pod = json!({
            "metadata": {"name": "db-0", "namespace": "shop", "ownerReferences": [
                {"apiVersion": "v1", "kind": "ConfigMap", "name": "x"},
                {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "controller": true},
            ]},
            "spec": {"volumes": [{"name": "tmp", "emptyDir": {}},
                                 {"name": "data", "persistentVolumeClaim": {"claimName": "data-db-0"}}]},
        });
        let claim = |text: &str| text.parse::<ObjectId>().unwrap();
        let mine = claim("v1/PersistentVolumeClaim/shop/data-db-0");
        assert!(mounts_any(&pod, &[&mine]));
        assert!(!mounts_any(
            &pod,
            &[&claim("v1/PersistentVolumeClaim/other/data-db-0")]
        ));
        assert_eq!(
            controller(&pod).unwrap().to_string(),
            "apps/v1/StatefulSet/shop/db"
        );
    }

    #[test]
    fn objects_are_named_as_people_name_them() {
        let name = |text: &str| {
            let id = text.parse().unwrap();
            name(&Effect { id, going: false })
        };
        assert_eq!(name("v1/Service/shop/web"), "service/shop/web");
        assert_eq!(name("v1/PersistentVolume//pvc-1"), "persistentvolume/pvc-1");
    }
}
