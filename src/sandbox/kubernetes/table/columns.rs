//! Which columns each kind has.

use serde_json::{Value, json};

use super::text::{
    access_modes, age, containers, duration, endpoints, load_balancer, or_none, pairs, selector,
    service_ports,
};
use crate::sandbox::kubernetes::kinds::Kind;
use crate::sandbox::kubernetes::object::{condition, int, is_going, list, text, text_map, texts};
use crate::sandbox::time::SimTime;

/// What a cell shows.
#[derive(Clone)]
enum Content {
    /// The text or number at a pointer.
    At(String),
    /// How long ago the moment at a pointer was.
    Since(String),
    /// Something made of several fields.
    Made(fn(&Value) -> Value),
}

/// One column.
#[derive(Clone)]
pub struct Column {
    /// Its heading.
    pub name: String,
    /// `string` or `integer`.
    pub kind: &'static str,
    /// 0 where it is always shown, 1 where only `-o wide` shows it.
    pub priority: i64,
    content: Content,
}

impl Column {
    fn new(name: &str, content: Content) -> Self {
        Self {
            name: name.to_owned(),
            kind: "string",
            priority: 0,
            content,
        }
    }

    /// What the column shows of an object.
    pub fn cell(&self, object: &Value, now: SimTime) -> Value {
        match &self.content {
            Content::At(pointer) => match object.pointer(pointer) {
                Some(Value::String(text)) => text.clone().into(),
                Some(Value::Number(number)) => number.clone().into(),
                Some(Value::Bool(flag)) => flag.to_string().into(),
                Some(Value::Array(values)) => json!(values).to_string().into(),
                Some(Value::Null | Value::Object(_)) | None if self.kind == "integer" => 0.into(),
                Some(Value::Null | Value::Object(_)) | None => "".into(),
            },
            Content::Since(pointer) => age(text(object, pointer), now).into(),
            Content::Made(make) => make(object),
        }
    }
}

fn at(name: &str, pointer: &str) -> Column {
    Column::new(name, Content::At(pointer.to_owned()))
}

fn number(name: &str, pointer: &str) -> Column {
    Column {
        kind: "integer",
        ..at(name, pointer)
    }
}

fn made(name: &str, make: fn(&Value) -> Value) -> Column {
    Column::new(name, Content::Made(make))
}

fn wide(column: Column) -> Column {
    Column {
        priority: 1,
        ..column
    }
}

fn since(name: &str, pointer: &str) -> Column {
    Column::new(name, Content::Since(pointer.to_owned()))
}

/// The columns of a kind: the name first, then its own, with the age among them.
pub fn of(kind: &Kind) -> Vec<Column> {
    let name = at("Name", "/metadata/name");
    let age = since("Age", "/metadata/creationTimestamp");
    let mut columns = vec![name];
    if kind.custom {
        columns.extend(kind.columns.iter().filter_map(custom));
        if kind.columns.is_empty() {
            columns.push(age);
        }
        return columns;
    }
    let (before, after) = own(&kind.kind);
    columns.extend(before);
    if kind.kind != "CustomResourceDefinition" {
        columns.push(age);
    }
    columns.extend(after);
    columns
}

/// A column of a custom resource definition: a path of plain fields.
fn custom(definition: &Value) -> Option<Column> {
    let path = text(definition, "/jsonPath").strip_prefix('.')?;
    let pointer = format!("/{}", path.replace('.', "/"));
    let name = text(definition, "/name");
    let column = match text(definition, "/type") {
        "date" => since(name, &pointer),
        "integer" => number(name, &pointer),
        _ => at(name, &pointer),
    };
    Some(Column {
        priority: int(definition, "/priority").unwrap_or_default(),
        ..column
    })
}

/// The columns before and after the age.
fn own(kind: &str) -> (Vec<Column>, Vec<Column>) {
    let images = || {
        vec![
            wide(made("Containers", |object| {
                containers(object, "/name").into()
            })),
            wide(made("Images", |object| containers(object, "/image").into())),
        ]
    };
    let select = || wide(made("Selector", |object| selector(object).into()));
    match kind {
        "Pod" => (
            vec![
                made("Ready", pod_ready),
                made("Status", pod_status),
                made("Restarts", |_| 0.into()),
            ],
            vec![
                wide(made("IP", |object| {
                    or_none(text(object, "/status/podIP").to_owned()).into()
                })),
                wide(made("Node", |object| {
                    or_none(text(object, "/spec/nodeName").to_owned()).into()
                })),
            ],
        ),
        "Deployment" => (
            vec![
                made("Ready", |object| ready_of(object).into()),
                number("Up-to-date", "/status/updatedReplicas"),
                number("Available", "/status/availableReplicas"),
            ],
            [images(), vec![select()]].concat(),
        ),
        "ReplicaSet" => (
            vec![
                number("Desired", "/spec/replicas"),
                number("Current", "/status/replicas"),
                number("Ready", "/status/readyReplicas"),
            ],
            [images(), vec![select()]].concat(),
        ),
        "StatefulSet" => (
            vec![made("Ready", |object| ready_of(object).into())],
            images(),
        ),
        "DaemonSet" => (
            vec![
                number("Desired", "/status/desiredNumberScheduled"),
                number("Current", "/status/currentNumberScheduled"),
                number("Ready", "/status/numberReady"),
                number("Up-to-date", "/status/updatedNumberScheduled"),
                number("Available", "/status/numberAvailable"),
                made("Node Selector", |object| {
                    pairs(&text_map(object, "/spec/template/spec/nodeSelector")).into()
                }),
            ],
            [images(), vec![select()]].concat(),
        ),
        "Job" => (
            vec![
                made("Status", job_status),
                made("Completions", |object| {
                    let done = int(object, "/status/succeeded").unwrap_or_default();
                    format!("{done}/{}", object["spec"]["completions"]).into()
                }),
                made("Duration", job_duration),
            ],
            images(),
        ),
        "CronJob" => (
            vec![
                at("Schedule", "/spec/schedule"),
                made("Timezone", |object| {
                    or_none(text(object, "/spec/timeZone").to_owned()).into()
                }),
                at("Suspend", "/spec/suspend"),
                made("Active", |object| {
                    list(object, "/status/active").len().into()
                }),
                made("Last Schedule", |_| "<none>".into()),
            ],
            Vec::new(),
        ),
        "Service" => (
            vec![
                at("Type", "/spec/type"),
                made("Cluster-IP", |object| {
                    or_none(text(object, "/spec/clusterIP").to_owned()).into()
                }),
                made("External-IP", external_address),
                made("Port(s)", |object| service_ports(object).into()),
            ],
            vec![select()],
        ),
        "Endpoints" => (
            vec![made("Endpoints", |object| endpoints(object).into())],
            Vec::new(),
        ),
        "EndpointSlice" => (
            vec![
                at("AddressType", "/addressType"),
                made("Endpoints", |object| {
                    let all: Vec<&str> = list(object, "/endpoints")
                        .iter()
                        .flat_map(|endpoint| texts(endpoint, "/addresses"))
                        .collect();
                    or_none(all.join(",")).into()
                }),
            ],
            Vec::new(),
        ),
        "Ingress" => (
            vec![
                made("Class", |object| {
                    or_none(text(object, "/spec/ingressClassName").to_owned()).into()
                }),
                made("Hosts", |object| {
                    let hosts: Vec<&str> = list(object, "/spec/rules")
                        .iter()
                        .map(|rule| text(rule, "/host"))
                        .filter(|host| !host.is_empty())
                        .collect();
                    if hosts.is_empty() {
                        "*".into()
                    } else {
                        hosts.join(",").into()
                    }
                }),
                made("Address", |object| load_balancer(object).into()),
                made("Ports", |object| {
                    if list(object, "/spec/tls").is_empty() {
                        "80".into()
                    } else {
                        "80, 443".into()
                    }
                }),
            ],
            Vec::new(),
        ),
        "IngressClass" => (
            vec![
                at("Controller", "/spec/controller"),
                made("Parameters", |_| "<none>".into()),
            ],
            Vec::new(),
        ),
        "Namespace" => (vec![at("Status", "/status/phase")], Vec::new()),
        "Node" => (
            vec![
                made("Status", node_status),
                made("Roles", |_| "<none>".into()),
            ],
            vec![
                at("Version", "/status/nodeInfo/kubeletVersion"),
                wide(at("Internal-IP", "/status/addresses/0/address")),
                wide(made("External-IP", |_| "<none>".into())),
                wide(at("OS-Image", "/status/nodeInfo/osImage")),
                wide(at("Kernel-Version", "/status/nodeInfo/kernelVersion")),
                wide(at(
                    "Container-Runtime",
                    "/status/nodeInfo/containerRuntimeVersion",
                )),
            ],
        ),
        "Secret" => (
            vec![
                at("Type", "/type"),
                made("Data", |object| count(object, "data")),
            ],
            Vec::new(),
        ),
        "ConfigMap" => (
            vec![made("Data", |object| count(object, "data"))],
            Vec::new(),
        ),
        "ServiceAccount" => (
            vec![made("Secrets", |object| {
                list(object, "/secrets").len().into()
            })],
            Vec::new(),
        ),
        "PersistentVolumeClaim" => (
            vec![
                at("Status", "/status/phase"),
                at("Volume", "/spec/volumeName"),
                at("Capacity", "/status/capacity/storage"),
                made("Access Modes", |object| access_modes(object).into()),
                at("StorageClass", "/spec/storageClassName"),
                made("VolumeAttributesClass", |_| "<unset>".into()),
            ],
            vec![wide(at("VolumeMode", "/spec/volumeMode"))],
        ),
        "PersistentVolume" => (
            vec![
                at("Capacity", "/spec/capacity/storage"),
                made("Access Modes", |object| access_modes(object).into()),
                at("Reclaim Policy", "/spec/persistentVolumeReclaimPolicy"),
                at("Status", "/status/phase"),
                made("Claim", |object| {
                    let claim = &object["spec"]["claimRef"];
                    format!("{}/{}", text(claim, "/namespace"), text(claim, "/name")).into()
                }),
                at("StorageClass", "/spec/storageClassName"),
            ],
            vec![wide(at("VolumeMode", "/spec/volumeMode"))],
        ),
        "StorageClass" => (
            vec![
                at("Provisioner", "/provisioner"),
                at("ReclaimPolicy", "/reclaimPolicy"),
                at("VolumeBindingMode", "/volumeBindingMode"),
                made("AllowVolumeExpansion", |object| {
                    (object["allowVolumeExpansion"] == true).to_string().into()
                }),
            ],
            Vec::new(),
        ),
        "CustomResourceDefinition" => (
            vec![at("Created At", "/metadata/creationTimestamp")],
            Vec::new(),
        ),
        "RoleBinding" | "ClusterRoleBinding" => (
            vec![made("Role", |object| {
                format!(
                    "{}/{}",
                    text(object, "/roleRef/kind"),
                    text(object, "/roleRef/name")
                )
                .into()
            })],
            Vec::new(),
        ),
        "Event" => (
            vec![
                at("Type", "/type"),
                at("Reason", "/reason"),
                made("Object", |object| {
                    let about = &object["involvedObject"];
                    format!(
                        "{}/{}",
                        text(about, "/kind").to_lowercase(),
                        text(about, "/name")
                    )
                    .into()
                }),
                at("Message", "/message"),
            ],
            Vec::new(),
        ),
        "Lease" => (vec![at("Holder", "/spec/holderIdentity")], Vec::new()),
        "NetworkPolicy" => (
            vec![made("Pod-Selector", |object| {
                pairs(&text_map(object, "/spec/podSelector/matchLabels")).into()
            })],
            Vec::new(),
        ),
        _ => (Vec::new(), Vec::new()),
    }
}

fn count(object: &Value, field: &str) -> Value {
    object[field]
        .as_object()
        .map_or(0, serde_json::Map::len)
        .into()
}

fn ready_of(object: &Value) -> String {
    let ready = int(object, "/status/readyReplicas").unwrap_or_default();
    let wanted = int(object, "/spec/replicas").unwrap_or_default();
    format!("{ready}/{wanted}")
}

fn pod_ready(object: &Value) -> Value {
    let statuses = list(object, "/status/containerStatuses");
    let ready = statuses
        .iter()
        .filter(|status| status["ready"] == true)
        .count();
    format!("{ready}/{}", list(object, "/spec/containers").len()).into()
}

fn pod_status(object: &Value) -> Value {
    if is_going(object) {
        return "Terminating".into();
    }
    let waiting = list(object, "/status/containerStatuses")
        .iter()
        .map(|status| text(status, "/state/waiting/reason"))
        .find(|reason| !reason.is_empty());
    match (waiting, text(object, "/status/phase")) {
        (Some(reason), _) => reason.into(),
        (None, "Succeeded") => "Completed".into(),
        (None, phase) => phase.into(),
    }
}

fn job_status(object: &Value) -> Value {
    let states = [
        ("Complete", "Complete"),
        ("Failed", "Failed"),
        ("Suspended", "Suspended"),
    ];
    states
        .iter()
        .find(|(kind, _)| condition(object, kind) == "True")
        .map_or("Running", |(_, shown)| shown)
        .into()
}

fn job_duration(object: &Value) -> Value {
    let moment = |pointer| text(object, pointer).parse::<jiff::Timestamp>().ok();
    match (
        moment("/status/startTime"),
        moment("/status/completionTime"),
    ) {
        (Some(start), Some(end)) => duration(end.as_second() - start.as_second()).into(),
        _ => "".into(),
    }
}

fn external_address(object: &Value) -> Value {
    match text(object, "/spec/type") {
        "LoadBalancer" => match load_balancer(object) {
            none if none.is_empty() => "<pending>".into(),
            addresses => addresses.into(),
        },
        "ExternalName" => text(object, "/spec/externalName").into(),
        _ => "<none>".into(),
    }
}

fn node_status(object: &Value) -> Value {
    let mut status = if condition(object, "Ready") == "True" {
        "Ready"
    } else {
        "NotReady"
    }
    .to_owned();
    if object["spec"]["unschedulable"] == true {
        status.push_str(",SchedulingDisabled");
    }
    status.into()
}
