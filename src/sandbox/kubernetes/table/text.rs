//! How cells are written.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::sandbox::kubernetes::object::{list, text, text_map, texts};
use crate::sandbox::time::SimTime;

/// A text, or what kubectl shows where there is none.
pub fn or_none(text: String) -> String {
    if text.is_empty() {
        "<none>".to_owned()
    } else {
        text
    }
}

/// How long ago a moment was, as kubectl writes ages.
pub fn age(moment: &str, now: SimTime) -> String {
    let Ok(moment) = moment.parse::<jiff::Timestamp>() else {
        return "<unknown>".to_owned();
    };
    let now = i64::try_from(now.0 / 1000).unwrap_or(i64::MAX);
    duration(now.saturating_sub(moment.as_second()).max(0))
}

/// A duration in seconds, ever coarser.
pub fn duration(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let pair = |whole: i64, unit: char, rest: i64, small: char| match rest {
        0 => format!("{whole}{unit}"),
        rest => format!("{whole}{unit}{rest}{small}"),
    };
    match seconds {
        ..120 => format!("{seconds}s"),
        120..600 => pair(minutes, 'm', seconds % 60, 's'),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => pair(hours, 'h', minutes % 60, 'm'),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => pair(days, 'd', hours % 24, 'h'),
        691_200..63_072_000 => format!("{days}d"),
        63_072_000.. => pair(days / 365, 'y', days % 365, 'd'),
    }
}

/// `a=1,b=2`.
pub fn pairs(map: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = map
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    or_none(pairs.join(","))
}

/// The selector of a workload or a service.
pub fn selector(object: &Value) -> String {
    let labels = text_map(object, "/spec/selector/matchLabels");
    if labels.is_empty() {
        pairs(&text_map(object, "/spec/selector"))
    } else {
        pairs(&labels)
    }
}

/// One field of each container of a workload's template.
pub fn containers(object: &Value, field: &str) -> String {
    let fields: Vec<&str> = list(object, "/spec/template/spec/containers")
        .iter()
        .map(|container| text(container, field))
        .collect();
    fields.join(",")
}

/// `RWO,RWX`.
pub fn access_modes(object: &Value) -> String {
    let short = |mode: &str| match mode {
        "ReadWriteOnce" => "RWO".to_owned(),
        "ReadOnlyMany" => "ROX".to_owned(),
        "ReadWriteMany" => "RWX".to_owned(),
        "ReadWriteOncePod" => "RWOP".to_owned(),
        other => other.to_owned(),
    };
    let modes: Vec<String> = texts(object, "/spec/accessModes")
        .into_iter()
        .map(short)
        .collect();
    modes.join(",")
}

/// The ports of a service, with node ports.
pub fn service_ports(object: &Value) -> String {
    let ports: Vec<String> = list(object, "/spec/ports")
        .iter()
        .map(|port| match port.get("nodePort") {
            Some(node_port) => {
                format!("{}:{node_port}/{}", port["port"], text(port, "/protocol"))
            }
            None => format!("{}/{}", port["port"], text(port, "/protocol")),
        })
        .collect();
    or_none(ports.join(","))
}

/// The addresses of a load balancer in the status.
pub fn load_balancer(object: &Value) -> String {
    let addresses: Vec<&str> = list(object, "/status/loadBalancer/ingress")
        .iter()
        .map(|entry| match text(entry, "/hostname") {
            "" => text(entry, "/ip"),
            hostname => hostname,
        })
        .collect();
    addresses.join(",")
}

/// Addresses and ports behind a service.
pub fn endpoints(object: &Value) -> String {
    let mut shown = Vec::new();
    for subset in list(object, "/subsets") {
        for port in list(subset, "/ports") {
            for address in list(subset, "/addresses") {
                shown.push(format!("{}:{}", text(address, "/ip"), port["port"]));
            }
        }
    }
    let more = shown.len().saturating_sub(3);
    shown.truncate(3);
    let mut shown = shown.join(",");
    if more > 0 {
        shown.push_str(&format!(" + {more} more..."));
    }
    or_none(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_kubectl_writes_them() {
        for (seconds, expected) in [
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (125, "2m5s"),
            (600, "10m"),
            (10_800, "3h"),
            (10_860, "3h1m"),
            (86_400, "24h"),
            (172_800, "2d"),
            (176_400, "2d1h"),
            (86_400 * 30, "30d"),
            (86_400 * 731, "2y1d"),
        ] {
            assert_eq!(duration(seconds), expected);
        }
    }
}
