//! What is filled into a Service: its addresses and node ports above all.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::sandbox::kubernetes::cluster::Cluster;
use crate::sandbox::kubernetes::object::{default, int, list, list_mut, remove, set, text};

/// The class of EKS Auto Mode's network load balancers.
pub const AUTO_MODE_CLASS: &str = "eks.amazonaws.com/nlb";

const NODE_PORTS: std::ops::RangeInclusive<i64> = 30_000..=32_767;

/// Completes a Service. What `before` was given stays, and what it no longer needs goes.
pub fn complete(object: &mut Value, before: Option<&Value>, cluster: &Cluster) {
    default(object, "/spec/type", "ClusterIP");
    default(object, "/spec/sessionAffinity", "None");
    default(object, "/status/loadBalancer", json!({}));
    for port in list_mut(object, "/spec/ports") {
        default(port, "/protocol", "TCP");
        let number = port["port"].clone();
        default(port, "/targetPort", number);
    }
    let kind = text(object, "/spec/type").to_owned();
    if kind == "ExternalName" {
        for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            remove(object, &format!("/spec/{field}"));
        }
        return;
    }
    default(object, "/spec/internalTrafficPolicy", "Cluster");
    default(object, "/spec/ipFamilies", json!(["IPv4"]));
    default(object, "/spec/ipFamilyPolicy", "SingleStack");
    allot_address(object, before, cluster);
    if kind == "NodePort" || kind == "LoadBalancer" {
        default(object, "/spec/externalTrafficPolicy", "Cluster");
        allot_node_ports(object, before, cluster);
    } else {
        remove(object, "/spec/externalTrafficPolicy");
        for port in list_mut(object, "/spec/ports") {
            remove(port, "/nodePort");
        }
    }
    if kind == "LoadBalancer" {
        // Auto Mode's webhook sees new Services only (EKS user guide, "Use Service Annotations to configure Network Load
        // Balancers": the class is the cluster's default).
        if cluster.auto_mode && before.is_none() {
            default(object, "/spec/loadBalancerClass", AUTO_MODE_CLASS);
        }
        default(object, "/spec/allocateLoadBalancerNodePorts", true);
    } else {
        remove(object, "/spec/allocateLoadBalancerNodePorts");
    }
}

fn allot_address(object: &mut Value, before: Option<&Value>, cluster: &Cluster) {
    if text(object, "/spec/clusterIP").is_empty() {
        let kept = before.map_or("", |before| text(before, "/spec/clusterIP"));
        let address = if kept.is_empty() {
            free_address(cluster)
        } else {
            kept.to_owned()
        };
        set(object, "/spec/clusterIP", address);
    }
    let address = text(object, "/spec/clusterIP").to_owned();
    default(object, "/spec/clusterIPs", json!([address]));
}

/// EKS numbers services from 172.20.0.0/16; .1 is the API server's, .10 the name server's.
fn free_address(cluster: &Cluster) -> String {
    let taken: BTreeSet<&str> = cluster
        .all("services")
        .map(|service| text(service, "/spec/clusterIP"))
        .collect();
    (11..u16::MAX)
        .map(|number| format!("172.20.{}.{}", number / 256, number % 256))
        .find(|address| !taken.contains(address.as_str()))
        .unwrap_or_default()
}

fn allot_node_ports(object: &mut Value, before: Option<&Value>, cluster: &Cluster) {
    let mut taken: BTreeSet<i64> = cluster
        .all("services")
        .chain([&*object])
        .flat_map(|service| list(service, "/spec/ports"))
        .filter_map(|port| int(port, "/nodePort"))
        .collect();
    let kept: Vec<Value> =
        before.map_or_else(Vec::new, |before| list(before, "/spec/ports").to_vec());
    for port in list_mut(object, "/spec/ports") {
        if int(port, "/nodePort").is_some_and(|number| number != 0) {
            continue;
        }
        let same =
            |other: &&Value| other["port"] == port["port"] && other["protocol"] == port["protocol"];
        let number = kept
            .iter()
            .find(same)
            .and_then(|other| int(other, "/nodePort"))
            .or_else(|| NODE_PORTS.clone().find(|number| !taken.contains(number)));
        if let Some(number) = number {
            taken.insert(number);
            set(port, "/nodePort", number);
        }
    }
}
