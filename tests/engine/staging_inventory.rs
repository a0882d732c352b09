//! Staging as groundwork makes it, beside the inventory of the environment that it describes; and the document
//! that tells what exists: equal worlds print equal bytes.

use std::collections::BTreeMap;

use crate::common::{World, apply, destroy, example, project, read};
use groundwork::sandbox::show;
use groundwork::sandbox::store::Effect;
use serde_json::Value;

/// A way in which staging may differ from the inventory. Paths are `kind/name/member/…`; `*` stands for any part of
/// one, and `**` at the end for everything below.
#[derive(Debug)]
enum Difference {
    /// The resource at this path has this name in staging.
    Renamed(&'static str, &'static str),
    /// The member has another value: the inventory's, and staging's.
    Changed(&'static str, &'static str, &'static str),
    /// Only staging has this.
    Added(&'static str),
}
use Difference::{Added, Changed, Renamed};

const SUPPORTED: &str = "Kubernetes and AMI versions that AWS supports today";
const MYSQL: &str = "the newest MySQL 8 that AWS supports";
const REDIS: &str =
    "Redis is a replication group of one node, which AWS shows with its full version";
const NODE_ROLE: &str = "FACTS §2: nodes only pull from the registry";
const ACCESS: &str =
    "FACTS §2: access entries, and nodes that reach the API server inside the network";
const PORT_ONLY: &str =
    "issue, point 5: the group that EKS's nodes wear, on the engine's own port only";
const OWN_GROUP: &str = "issue, point 5: one port of each engine needs a group of its own";
const OWNERSHIP: &str = "our ownership tags, and the path of a group, which takes no tags";
const EKS: &str = "made by EKS itself, with the cluster and its nodes";
const BALANCER: &str = "made by the load balancer itself, for Traefik's Service";
const SEED: &str = "the user that is there before us";
const UNLISTED: &str = "exists in every such environment, but the inventory does not list it";

/// Every allowed difference, with its reason. One that does not occur fails the test as well.
const ALLOWED: &[(Difference, &str)] = &[
    (
        Changed(
            "eks_cluster/ms-cluster-staging/version",
            r#""1.19""#,
            r#""1.35""#,
        ),
        SUPPORTED,
    ),
    (
        Changed(
            "eks_nodegroup/ms-cluster-staging:microservices/ami",
            r#""AL2_x86_64""#,
            r#""AL2023_x86_64_STANDARD""#,
        ),
        SUPPORTED,
    ),
    (
        Changed(
            "db_instance/microservices-mysql/version",
            r#""8.0""#,
            r#""8.4.7""#,
        ),
        MYSQL,
    ),
    (
        Changed(
            "db_instance/microservices-mysql/parameter_groups",
            r#"["default.mysql8.0"]"#,
            r#"["default.mysql8.4"]"#,
        ),
        MYSQL,
    ),
    (
        Renamed(
            "cache_cluster/microservices-redis",
            "cache_cluster/microservices-redis-001",
        ),
        REDIS,
    ),
    (Added("cache_cluster/microservices-redis-001/group"), REDIS),
    (
        Changed(
            "cache_cluster/microservices-redis-001/version",
            r#""7.0""#,
            r#""7.0.7""#,
        ),
        REDIS,
    ),
    (
        Added("cache_replication_group/microservices-redis/**"),
        REDIS,
    ),
    (
        Changed(
            "iam_role/ms-cluster-staging-worker/policies",
            r#"["arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly","arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy","arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy"]"#,
            r#"["arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly","arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy","arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy"]"#,
        ),
        NODE_ROLE,
    ),
    (Added("eks_cluster/ms-cluster-staging/access/**"), ACCESS),
    (
        Added("eks_cluster/ms-cluster-staging/authentication"),
        ACCESS,
    ),
    (
        Changed(
            "security_group/staging-allow-eks-db/ingress/0/from",
            "null",
            "3306",
        ),
        PORT_ONLY,
    ),
    (
        Changed(
            "security_group/staging-allow-eks-db/ingress/0/to",
            "null",
            "3306",
        ),
        PORT_ONLY,
    ),
    (
        Changed(
            "security_group/staging-allow-eks-db/ingress/0/protocol",
            r#""-1""#,
            r#""tcp""#,
        ),
        PORT_ONLY,
    ),
    (
        Changed(
            "security_group/staging-allow-eks-db/ingress/0/groups",
            r#"["@security_group/ms-cluster-staging"]"#,
            r#"["@security_group/eks-cluster-sg-ms-cluster-staging"]"#,
        ),
        PORT_ONLY,
    ),
    (
        Changed(
            "cache_cluster/microservices-redis-001/security_groups",
            r#"["@security_group/staging-allow-eks-db"]"#,
            r#"["@security_group/staging-microservices-cache"]"#,
        ),
        OWN_GROUP,
    ),
    (
        Added("security_group/staging-microservices-cache/**"),
        OWN_GROUP,
    ),
    (Added("*/*/tags/groundwork:*"), OWNERSHIP),
    (Added("security_group/*/ingress/0/rules/0/**"), OWNERSHIP),
    (Added("iam_group/DB-Ops/path"), OWNERSHIP),
    (
        Added("security_group/eks-cluster-sg-ms-cluster-staging/**"),
        EKS,
    ),
    (Added("instance/ms-cluster-staging:microservices/**"), EKS),
    (Added("load_balancer/traefik|traefik/**"), BALANCER),
    (Added("target_group/traefik|traefik:*/**"), BALANCER),
    (Added("security_group/k8s-elb-traefik|traefik/**"), BALANCER),
    (Added("iam_user/ops-account/policies"), SEED),
    (Added("network_interface/*/**"), UNLISTED),
    (Added("db_instance/microservices-mysql/encrypted"), UNLISTED),
    (
        Added("db_instance/microservices-mysql/retention_days"),
        UNLISTED,
    ),
    // The inventory tells the tags of EC2 only.
    (Added("*/*/tags/Name"), UNLISTED),
];

/// What stands at each path.
type Leaves = BTreeMap<String, String>;

fn shown(world: &World) -> Value {
    let store = world.sandbox.store();
    (store.transact(Effect::Reads, |world| show(world))).expect("a world")
}

fn printed(world: &World) -> String {
    serde_json::to_string_pretty(&shown(world)).expect("plain values")
}

/// Every value of the inventory, lists of plain values as one. Names of resources may be replaced.
fn leaves(inventory: &Value, rename: impl Fn(&str) -> Option<&'static str>) -> Leaves {
    let mut found = Leaves::new();
    for (kind, resources) in inventory["resources"].as_object().expect("kinds") {
        for resource in resources.as_array().expect("a list") {
            let name = resource["name"].as_str().expect("a name");
            // A slash in a name is no step of a path.
            let path = format!("{kind}/{}", name.replace('/', "|"));
            let path = rename(&path).map_or(path, str::to_owned);
            for (member, value) in resource.as_object().expect("members") {
                if member != "name" {
                    collect(
                        format!("{path}/{}", member.replace('/', "|")),
                        value,
                        &mut found,
                    );
                }
            }
        }
    }
    found
}

fn collect(path: String, value: &Value, found: &mut Leaves) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, each) in fields {
                collect(format!("{path}/{}", key.replace('/', "|")), each, found);
            }
        }
        Value::Array(list) if list.iter().any(Value::is_object) => {
            for (index, each) in list.iter().enumerate() {
                collect(format!("{path}/{index}"), each, found);
            }
        }
        _ => {
            found.insert(path, value.to_string());
        }
    }
}

/// Whether a path is one of those that a pattern means.
fn is_match(pattern: &str, path: &str) -> bool {
    let mut parts = path.split('/');
    for expected in pattern.split('/') {
        if expected == "**" {
            return true;
        }
        let Some(part) = parts.next() else {
            return false;
        };
        let fits = match expected.split_once('*') {
            Some((start, end)) => {
                part.len() >= start.len() + end.len()
                    && part.starts_with(start)
                    && part.ends_with(end)
            }
            None => part == expected,
        };
        if !fits {
            return false;
        }
    }
    parts.next().is_none()
}

/// Every difference that the table does not allow, and every row of the table that allows nothing.
fn compare(inventory: &Value, staging: &Value) -> Vec<String> {
    let mut used = vec![false; ALLOWED.len()];
    let inventory_leaves = leaves(inventory, |path| {
        (ALLOWED.iter()).find_map(|(difference, _)| match difference {
            Renamed(from, to) if *from == path => Some(*to),
            Renamed(..) | Changed(..) | Added(_) => None,
        })
    });
    let staging_leaves = leaves(staging, |_| None);
    let mut wrong = Vec::new();
    let paths: std::collections::BTreeSet<&String> = inventory_leaves
        .keys()
        .chain(staging_leaves.keys())
        .collect();
    for (row, (difference, _)) in ALLOWED.iter().enumerate() {
        if let Renamed(_, to) = difference {
            used[row] = inventory_leaves.keys().any(|path| path.starts_with(to));
        }
    }
    for path in paths {
        let (before, after) = (inventory_leaves.get(path), staging_leaves.get(path));
        if before == after {
            continue;
        }
        let allowing = ALLOWED.iter().position(|(difference, _)| match difference {
            Added(pattern) => before.is_none() && is_match(pattern, path),
            Changed(pattern, from, to) => {
                before.is_some_and(|value| value == from)
                    && after.is_some_and(|value| value == to)
                    && is_match(pattern, path)
            }
            Renamed(..) => false,
        });
        match allowing {
            Some(row) => used[row] = true,
            None => wrong.push(format!(
                "{path}\n    inventory: {}\n    staging:   {}",
                before.map_or("-", String::as_str),
                after.map_or("-", String::as_str)
            )),
        }
    }
    let idle = ALLOWED.iter().zip(used).filter(|(_, used)| !used);
    wrong.extend(idle.map(|((difference, reason), _)| {
        format!("allowed, but it does not occur: {difference:?} ({reason})")
    }));
    wrong
}

/// What a security group lets in, in words.
fn admitted(world: &Value, group: &str) -> Vec<String> {
    let groups = world["resources"]["security_group"]
        .as_array()
        .expect("groups");
    let group = (groups.iter())
        .find(|each| each["name"] == group)
        .expect("the group");
    let rules = group["ingress"].as_array().expect("rules");
    (rules.iter())
        .flat_map(|rule| {
            let peers = ["cidrs", "groups"].map(|peers| rule[peers].as_array().expect("peers"));
            peers.into_iter().flatten().map(|peer| {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                let (protocol, peer) = (text(&rule["protocol"]), text(peer));
                format!("{protocol} {}-{} {peer}", rule["from"], rule["to"])
            })
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn staging_is_what_the_inventory_tells() {
    let world = World::new();
    let session = world.session(example("staging"));
    apply(&session).await;
    let staging = shown(&world);
    let inventory = read(&project().join("tests/fixtures/staging-inventory.json"));
    let inventory: Value = serde_json::from_str(&inventory).expect("the fixture is JSON");

    let wrong = compare(&inventory, &staging);
    assert!(
        wrong.is_empty(),
        "{} differences:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert_eq!(staging["implicit"], inventory["implicit"]);
    assert_eq!(
        admitted(&staging, "staging-microservices-cache"),
        ["tcp 6379-6379 @security_group/eks-cluster-sg-ms-cluster-staging"]
    );
    for (kind, count) in staging["counts"].as_object().expect("counts") {
        let listed = staging["resources"][kind].as_array().expect("a list").len();
        assert_eq!(*count, listed, "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn equal_worlds_print_equal_bytes() {
    for name in ["staging", "demo"] {
        let (one, other) = (World::new(), World::new());
        // The other world gives out other identifiers: it has given out many already.
        let store = other.sandbox.store();
        let used = store.transact(Effect::Changes, |world| {
            (0..1000).map(|_| world.ids.hex(12).len()).sum::<usize>()
        });
        assert_eq!(used.expect("a world"), 12_000);
        let mut documents = Vec::new();
        for world in [&one, &other] {
            let session = world.session(example(name));
            apply(&session).await;
            let document = shown(world);
            // The demo draws its password at random: that much is not equal.
            let secret = &document["resources"]["secret"][0]["value_sha256"];
            let digest = secret.as_str().expect("a secret").to_owned();
            documents.push(printed(world).replace(&digest, "…"));
        }
        let lines = documents[0].lines().zip(documents[1].lines());
        let differing: Vec<_> = lines.filter(|(one, other)| one != other).collect();
        assert!(differing.is_empty(), "{name}: {differing:#?}");
        assert_eq!(documents[0].len(), documents[1].len(), "{name}");
        assert!(!documents[0].contains("correct-horse-battery"), "{name}");
        assert!(!documents[0].contains("\"2026-"), "{name} tells a time");
    }
}

#[tokio::test(start_paused = true)]
async fn a_world_after_destroy_prints_what_a_new_one_prints() {
    for name in ["staging", "demo"] {
        let world = World::new();
        let new = printed(&world);
        let session = world.session(example(name));
        apply(&session).await;
        assert_ne!(printed(&world), new, "{name}");
        destroy(&session).await;
        assert_eq!(printed(&world), new, "{name}");
    }
}
