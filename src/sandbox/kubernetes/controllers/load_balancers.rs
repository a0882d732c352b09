//! Services of type LoadBalancer: the cloud provider makes a load balancer in AWS, and takes it away again before the
//! Service goes. It is a classic one unless the annotation asks for a network load balancer. While EKS Auto Mode is on,
//! it makes those of its class.

use serde_json::{Value, json};

use super::Scene;
use crate::sandbox::aws::elbv2::{
    Kind, Maker, NewServiceLoadBalancer, ServicePort, create_for_service, delete_for_service,
    update_for_service,
};
use crate::sandbox::durations::{LOAD_BALANCER_DELETE, LOAD_BALANCER_HOSTNAME};
use crate::sandbox::kubernetes::cluster::{Cluster, key_of};
use crate::sandbox::kubernetes::defaults::AUTO_MODE_CLASS;
use crate::sandbox::kubernetes::lifecycle::release;
use crate::sandbox::kubernetes::object::{
    add_finalizer, drop_finalizer, has_finalizer, is_going, list, name, namespace, set, text,
    text_map, uid,
};

const ANNOTATION: &str = "service.beta.kubernetes.io/aws-load-balancer-";

/// How long the provider waits after AWS refused (inferred).
const RETRY_SECONDS: u64 = 10;

/// Does what is due.
pub fn step(scene: &mut Scene<'_>) {
    for service in scene.cluster.snapshot("services") {
        let wanted = maker(&scene.cluster, &service).filter(|_| !is_going(&service));
        match wanted {
            Some((maker, kind)) => make(scene, &service, maker, kind),
            None => {
                let made = Maker::ALL
                    .into_iter()
                    .filter(|maker| works(&scene.cluster, *maker))
                    .find(|maker| has_finalizer(&service, cleanup(*maker)));
                if let Some(maker) = made {
                    unmake(scene, &service, maker);
                }
            }
        }
    }
}

/// What keeps a Service until its load balancer is gone; Auto Mode's goes by what its other names are like (inferred).
fn cleanup(maker: Maker) -> &'static str {
    match maker {
        Maker::Legacy => "service.kubernetes.io/load-balancer-cleanup",
        Maker::AutoMode => "service.eks.amazonaws.com/resources",
    }
}

fn works(cluster: &Cluster, maker: Maker) -> bool {
    maker == Maker::Legacy || cluster.auto_mode
}

/// Who makes the load balancer that the Service asks for, and of which sort. Other controllers take the types `external`
/// and `nlb-ip` and other classes; here is none of them.
fn maker(cluster: &Cluster, service: &Value) -> Option<(Maker, Kind)> {
    if text(service, "/spec/type") != "LoadBalancer" {
        return None;
    }
    match text(service, "/spec/loadBalancerClass") {
        "" => Some((Maker::Legacy, legacy_kind(service)?)),
        AUTO_MODE_CLASS if works(cluster, Maker::AutoMode) => {
            Some((Maker::AutoMode, Kind::Network))
        }
        _ => None,
    }
}

/// The sort of load balancer that the Service asks the legacy controller for.
fn legacy_kind(service: &Value) -> Option<Kind> {
    let annotations = text_map(service, "/metadata/annotations");
    let asked = annotations.get(&format!("{ANNOTATION}type"));
    match asked.map(String::as_str) {
        None => Some(Kind::Classic),
        Some("nlb") => Some(Kind::Network),
        Some(_) => None,
    }
}

/// Auto Mode's are internal unless they are asked to face the internet.
fn is_internal(service: &Value, maker: Maker) -> bool {
    let annotations = text_map(service, "/metadata/annotations");
    let is = |name: &str, value: &str| {
        annotations
            .get(&format!("{ANNOTATION}{name}"))
            .is_some_and(|found| found == value)
    };
    match maker {
        Maker::Legacy => is("internal", "true") || is("scheme", "internal"),
        Maker::AutoMode => !is("scheme", "internet-facing"),
    }
}

fn make(scene: &mut Scene<'_>, service: &Value, maker: Maker, kind: Kind) {
    let key = key_of(service);
    if !list(service, "/status/loadBalancer/ingress").is_empty() {
        let _ = ensure(scene, service, maker, kind);
        return;
    }
    scene.editor().edit("services", &key, |service| {
        add_finalizer(service, cleanup(maker));
    });
    let Some(hostname) = ensure(scene, service, maker, kind) else {
        return;
    };
    if scene.has_passed("load-balancer", uid(service), LOAD_BALANCER_HOSTNAME) {
        scene.editor().edit("services", &key, |service| {
            set(
                service,
                "/status/loadBalancer/ingress",
                json!([{"hostname": hostname}]),
            );
        });
    }
}

/// Makes the load balancer where there is none, or brings its listeners in line; its hostname.
fn ensure(scene: &mut Scene<'_>, service: &Value, maker: Maker, kind: Kind) -> Option<String> {
    let failed_before = scene
        .cluster
        .timers
        .contains_key(&format!("load-balancer-retry/{}", uid(service)));
    if failed_before && !scene.has_passed("load-balancer-retry", uid(service), RETRY_SECONDS) {
        return None;
    }
    let eks = &scene.world.region(scene.region).eks;
    let vpc_id = eks.clusters.get(&scene.cluster.name)?.vpc_id.clone();
    let new = NewServiceLoadBalancer {
        cluster: scene.cluster.name.clone(),
        vpc_id,
        namespace: namespace(service).to_owned(),
        service: name(service).to_owned(),
        uid: uid(service).to_owned(),
        maker,
        kind,
        internal: is_internal(service, maker),
        ports: ports(service),
    };
    let elbv2 = &scene.world.region(scene.region).elbv2;
    let there = elbv2.by_name(&new.name());
    let there = there.and_then(|arn| Some((arn.to_owned(), elbv2.load_balancers.get(arn)?)));
    let there = there.map(|(arn, balancer)| (arn, balancer.dns_name.clone()));
    let ensured = match there {
        Some((arn, hostname)) => {
            let updated = update_for_service(scene.world, scene.region, &arn, &new);
            updated.map(|()| hostname)
        }
        // One that somebody deleted is not missed: the provider looks again only when the Service changes.
        None if !list(service, "/status/loadBalancer/ingress").is_empty() => return None,
        None => {
            let trying = "Ensuring load balancer";
            tell(scene, service, "Normal", "EnsuringLoadBalancer", trying);
            create_for_service(scene.world, scene.region, &new).map(|made| made.hostname)
        }
    };
    match ensured {
        Ok(hostname) => Some(hostname),
        Err(fault) => {
            let retry = format!("load-balancer-retry/{}", uid(service));
            scene.cluster.forget_timer(&retry);
            scene.has_passed("load-balancer-retry", uid(service), RETRY_SECONDS);
            let why =
                format!("Error syncing load balancer: failed to ensure load balancer: {fault}");
            tell(scene, service, "Warning", "SyncLoadBalancerFailed", &why);
            None
        }
    }
}

/// The ports of a Service, with the certificate for those that are to speak TLS: all of them where it names none.
fn ports(service: &Value) -> Vec<ServicePort> {
    let annotations = text_map(service, "/metadata/annotations");
    let asked = |name: &str| annotations.get(&format!("{ANNOTATION}{name}"));
    let (certificate, named) = (asked("ssl-cert"), asked("ssl-ports"));
    let backend = asked("backend-protocol");
    let ports = list(service, "/spec/ports").iter().map(|port| {
        let number = port["port"].as_i64().unwrap_or_default();
        let is_named = |names: &String| {
            let mut names = names.split(',').map(str::trim);
            names.any(|one| one == "*" || one == number.to_string() || one == text(port, "/name"))
        };
        ServicePort {
            port: number,
            node_port: port["nodePort"].as_i64().unwrap_or_default(),
            protocol: text(port, "/protocol").to_owned(),
            certificate: certificate.filter(|_| named.is_none_or(is_named)).cloned(),
            encrypted_backend: backend.is_some_and(|backend| backend == "ssl"),
        }
    });
    ports.collect()
}

/// Tells what happens, where `kubectl describe` looks for it.
fn tell(scene: &mut Scene<'_>, service: &Value, sort: &str, reason: &str, message: &str) {
    let mut editor = scene.editor();
    let now = editor.time();
    let short: String = uid(service).chars().take(8).collect();
    editor.create(
        "events",
        json!({
            "apiVersion": "v1", "kind": "Event", "type": sort, "reason": reason, "message": message,
            "metadata": {
                "name": format!("{}.{short}.{}", name(service), reason.to_ascii_lowercase()),
                "namespace": namespace(service),
            },
            "involvedObject": {
                "kind": "Service", "apiVersion": "v1", "name": name(service), "namespace": namespace(service),
                "uid": uid(service),
            },
            "source": {"component": "service-controller"}, "count": 1,
            "firstTimestamp": now, "lastTimestamp": now,
        }),
    );
}

fn unmake(scene: &mut Scene<'_>, service: &Value, maker: Maker) {
    let balancer = maker.name_for((namespace(service), name(service)), uid(service));
    delete_for_service(scene.world, scene.region, &balancer);
    if !scene.has_passed("load-balancer-gone", uid(service), LOAD_BALANCER_DELETE) {
        return;
    }
    release(
        &mut scene.editor(),
        "services",
        &key_of(service),
        |service| {
            drop_finalizer(service, cleanup(maker));
            set(service, "/status/loadBalancer", json!({}));
        },
    );
    for what in ["load-balancer", "load-balancer-gone"] {
        scene
            .cluster
            .forget_timer(&format!("{what}/{}", uid(service)));
    }
}
