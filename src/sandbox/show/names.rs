//! From identifiers to names: `vpc-0f31…` becomes `@vpc/staging`, wherever it stands.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::item::{Form, Item};
use crate::resources::TAG_EXPIRES;
use crate::sandbox::kubernetes::Cluster;
use crate::sandbox::world::World;

/// How often names are looked up again: a name may hold an identifier, whose name may hold another one.
const ROUNDS: usize = 3;

/// The members of AWS's resources in which a port may be a node port.
const PORTS: [&str; 3] = ["from", "port", "to"];

/// The one list whose order means something to AWS: the types of a node group, preferred ones first.
const ORDERED: &str = "types";

/// What each identifier is written as.
#[derive(Clone, Default)]
pub struct Names {
    written: HashMap<String, String>,
    /// The lengths of identifiers, the longest first.
    lengths: Vec<usize>,
    /// Which port of which Service a node port belongs to.
    node_ports: BTreeMap<i64, String>,
}

impl Names {
    /// The names of all of these.
    pub fn of<'a>(items: impl Iterator<Item = &'a Item>, world: &World) -> Self {
        let items: Vec<&Item> = items.collect();
        let mut names = Self {
            node_ports: world.clusters.values().flat_map(node_ports).collect(),
            ..Self::default()
        };
        // What has no name yet is written in a way that does not tell which one it is.
        for item in &items {
            names.write(item, "?");
        }
        let lengths: BTreeSet<usize> = names.written.keys().map(String::len).collect();
        names.lengths = lengths.into_iter().rev().collect();
        for _ in 0..ROUNDS {
            names = names.next(&items);
        }
        names
    }

    /// The names that follow from these.
    fn next(&self, items: &[&Item]) -> Self {
        let mut alike: BTreeMap<(&str, String), Vec<&Item>> = BTreeMap::new();
        for item in items {
            if !item.identifiers.is_empty() {
                let label = (item.kind.as_str(), self.text(&item.name));
                alike.entry(label).or_default().push(item);
            }
        }
        let mut next = Self {
            written: HashMap::with_capacity(self.written.len()),
            lengths: self.lengths.clone(),
            node_ports: self.node_ports.clone(),
        };
        for ((_, label), mut items) in alike {
            if items.len() > 1 {
                // What they were called so far must not decide.
                let mut others = self.clone();
                items.iter().for_each(|item| others.write(item, "?"));
                items.sort_by_cached_key(|item| (others.looks(item), item.order.clone()));
            }
            for (index, item) in items.iter().enumerate() {
                match index {
                    0 => next.write(item, &label),
                    _ => next.write(item, &format!("{label} #{}", index + 1)),
                }
            }
        }
        next
    }

    fn write(&mut self, item: &Item, label: &str) {
        for (identifier, form) in &item.identifiers {
            let written = match form {
                Form::Reference => format!("@{}/{label}", item.kind),
                Form::Name => label.to_owned(),
                Form::LastName => label.rsplit('/').next().unwrap_or(label).to_owned(),
                Form::Text(text) => text.clone(),
            };
            self.written.insert(identifier.clone(), written);
        }
    }

    fn looks(&self, item: &Item) -> String {
        let mut body = Value::Object(item.body.clone());
        self.rewrite(&mut body);
        body.to_string()
    }

    /// `text` with every identifier in it written as a name.
    pub fn text(&self, text: &str) -> String {
        let mut result = String::with_capacity(text.len());
        let mut rest = text;
        let mut at_start = true;
        while let Some(next) = rest.chars().next() {
            let found = at_start.then(|| self.identifier_at(rest)).flatten();
            let (length, written) = match found {
                Some((length, name)) => (length, name),
                None => (next.len_utf8(), &rest[..next.len_utf8()]),
            };
            result.push_str(written);
            at_start = !rest[..length].ends_with(|last: char| last.is_alphanumeric());
            rest = &rest[length..];
        }
        result
    }

    /// The identifier that `text` begins with, and what it is written as.
    fn identifier_at<'a>(&'a self, text: &str) -> Option<(usize, &'a str)> {
        self.lengths.iter().find_map(|length| {
            let (candidate, after) = text.split_at_checked(*length)?;
            let written = self.written.get(candidate)?;
            let ends = !after.starts_with(|next: char| next.is_alphanumeric());
            ends.then_some((*length, written.as_str()))
        })
    }

    /// Writes every identifier in `value` as a name, those in keys too.
    pub fn rewrite(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(list) => list.iter_mut().for_each(|each| self.rewrite(each)),
            Value::Object(fields) => {
                let before = std::mem::take(fields);
                fields.extend(before.into_iter().map(|(key, mut each)| {
                    self.rewrite(&mut each);
                    (self.text(&key), each)
                }));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// An AWS resource as the document shows it.
    pub fn resource(&self, item: Item) -> Value {
        let reference = (item.identifiers.iter()).find(|(_, form)| *form == Form::Reference);
        let label = (reference.and_then(|(id, _)| self.written.get(id)))
            .and_then(|written| written.split_once('/'))
            .map_or_else(|| self.text(&item.name), |(_, label)| label.to_owned());
        let mut body = Value::Object(item.body);
        self.rewrite(&mut body);
        self.settle(&mut body);
        body["name"] = label.into();
        body
    }

    /// Sorts what AWS keeps without order, writes node ports as the Services whose they are, and leaves times out.
    fn settle(&self, value: &mut Value) {
        match value {
            Value::Array(list) => {
                list.iter_mut().for_each(|each| self.settle(each));
                list.sort_by_cached_key(Value::to_string);
            }
            Value::Object(fields) => {
                for (key, each) in fields {
                    let port = (each.as_i64()).and_then(|port| self.node_ports.get(&port));
                    match port {
                        Some(port) if PORTS.contains(&key.as_str()) => *each = port.clone().into(),
                        _ if key == TAG_EXPIRES => *each = "…".into(),
                        _ if key == ORDERED => {}
                        _ => self.settle(each),
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

/// The node ports of a cluster's Services.
fn node_ports(cluster: &Cluster) -> Vec<(i64, String)> {
    let services = cluster
        .objects
        .get("services")
        .into_iter()
        .flat_map(|all| all.iter());
    services
        .flat_map(|(key, service)| {
            let ports = service["spec"]["ports"].as_array().into_iter().flatten();
            ports.filter_map(move |port| {
                let written = format!("@Service/{key}:{}", port["port"]);
                Some((port["nodePort"].as_i64()?, written))
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::time::SimTime;
    use serde_json::json;

    fn named(items: &[Item]) -> Names {
        Names::of(items.iter(), &World::new("1", SimTime::EPOCH))
    }

    #[test]
    fn an_identifier_is_replaced_whole_or_not_at_all() {
        let names = named(&[
            Item::new("vpc", "one", json!({})).id("vpc-1"),
            Item::new("address", "inner", json!({})).id("10.0.0.5"),
        ]);
        assert_eq!(
            names.text("in vpc-1, vpc-12, xvpc-1"),
            "in @vpc/one, vpc-12, xvpc-1"
        );
        assert_eq!(
            names.text("10.0.0.5/32 10.0.0.57"),
            "@address/inner/32 10.0.0.57"
        );
        assert_eq!(names.text("ünïcödé vpc-1"), "ünïcödé @vpc/one");
    }

    #[test]
    fn a_name_may_hold_the_name_of_something_else() {
        let names = named(&[
            Item::new("nic", "of i-1", json!({})).id("eni-1"),
            Item::new("instance", "in subnet-1", json!({})).id("i-1"),
            Item::new("subnet", "a", json!({})).id("subnet-1"),
        ]);
        assert_eq!(names.text("eni-1"), "@nic/of @instance/in @subnet/a");
    }

    #[test]
    fn what_something_is_called_does_not_decide_what_it_is_called() {
        let pod = |name: &str, node: &str| {
            let body = json!({"name": name, "on": node});
            Item::new("pod", "p", body)
                .written(name, Form::Name)
                .order(name)
        };
        let node = |id: &str, zone: &str| Item::new("node", zone, json!({})).id(id);
        let names = named(&[
            pod("p-1", "i-2"),
            pod("p-2", "i-1"),
            node("i-1", "a"),
            node("i-2", "b"),
        ]);
        assert_eq!(
            (names.text("p-1"), names.text("p-2")),
            ("p #2".to_owned(), "p".to_owned())
        );
    }

    #[test]
    fn those_that_look_alike_are_told_apart_by_what_they_refer_to() {
        let node = |id: &str, subnet: &str| {
            Item::new("instance", "node", json!({"subnet": subnet})).id(id)
        };
        let subnet = |id: &str, name: &str| Item::new("subnet", name, json!({})).id(id);
        let one = named(&[
            subnet("subnet-1", "a"),
            subnet("subnet-2", "b"),
            node("i-1", "subnet-2"),
            node("i-2", "subnet-1"),
        ]);
        assert_eq!(one.text("i-1"), "@instance/node #2");
        assert_eq!(one.text("i-2"), "@instance/node");
    }
}
