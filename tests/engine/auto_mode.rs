//! Whole lives with EKS Auto Mode, alone and beside node groups: it brings nodes when pods need them, the ingress gets its
//! load balancer from it, and nothing of either is left. Switched on and off, the one who makes load balancers changes.

use groundwork::event::SmokeResult;
use groundwork::ops::{self, Confirmed, Error, Session};
use groundwork::plan::{Danger, Goal, Verb};
use serde_json::{Value, json};

use crate::common::{Silence, Steps, World, apply, carry_out, destroy, never_stopped};
use crate::hands::Hands;

const FILE: &str = r#"
[environment]
name = "auto"
region = "us-east-1"

[cloud]
provider = "sandbox"

[network]
cidr = "10.40.0.0/16"
nat = "single"

[bootstrap.ingress]
controller = "traefik"

[[smoke]]
host = "flightsvc.com"
expect = 404
within = "4m"

[cluster.addons.coredns]
"#;

/// A node group that takes only what asks for it, with what its nodes need beside Auto Mode.
const GROUP: &str = r#"
[cluster.addons.kube-proxy]
[cluster.addons.vpc-cni]
[cluster.node_groups.gpu]
instance_types = ["m5.large"]
min = 1
labels = { tier = "gpu" }
taints = [{ key = "gpu", value = "yes", effect = "NoSchedule" }]
"#;

const AUTO: &str = "[cluster.auto_mode]\n";

fn session(world: &World, more: &str) -> Session {
    world.session_of("auto", &format!("{FILE}{more}"))
}

async fn nothing_to_do(session: &Session) {
    let planned = session.plan(Goal::Apply).await.unwrap();
    let work: Vec<_> = planned.plan.work().collect();
    assert!(work.is_empty(), "{work:#?}");
}

const SERVICE: &str = "/api/v1/namespaces/traefik/services/traefik";

/// What the ingress load balancer is called, by the Service's status, and whom it sends to.
async fn balancer(session: &Session, hands: &Hands) -> (String, String) {
    let service = hands.get(SERVICE).await;
    let hostname = service.pointer("/status/loadBalancer/ingress/0/hostname");
    let hostname = hostname.and_then(Value::as_str).unwrap_or_default();
    let balancers = &session.cloud.aws.load_balancers;
    let there = balancers.describe_load_balancers().send().await.unwrap();
    let scheme = there.load_balancers()[0]
        .scheme()
        .map(|scheme| scheme.as_str());
    assert_eq!(scheme, Some("internet-facing"));
    let groups = balancers.describe_target_groups().send().await.unwrap();
    let sorts = groups
        .target_groups()
        .iter()
        .filter_map(|group| group.target_type());
    let mut sorts: Vec<_> = sorts.map(|sort| sort.as_str().to_owned()).collect();
    sorts.dedup();
    (hostname.to_owned(), sorts.join(" "))
}

/// The nodes, each by its pool or its group, with the pods on it that are not everywhere.
async fn nodes(hands: &Hands) -> Vec<String> {
    let nodes = hands.get("/api/v1/nodes").await;
    let labels = nodes["items"].as_array().unwrap().iter().map(|node| {
        let labels = &node["metadata"]["labels"];
        let of = ["karpenter.sh/nodepool", "eks.amazonaws.com/nodegroup"];
        of.iter()
            .find_map(|label| labels[label].as_str())
            .unwrap_or("?")
            .to_owned()
    });
    let mut labels: Vec<_> = labels.collect();
    labels.sort();
    labels
}

/// What add-ons run in `kube-system`.
async fn addons(hands: &Hands) -> Vec<String> {
    let mut names = Vec::new();
    for kind in ["deployments", "daemonsets"] {
        let there = format!("/apis/apps/v1/namespaces/kube-system/{kind}");
        let there = hands.get(&there).await;
        let there = there["items"].as_array().unwrap().iter();
        names.extend(there.filter_map(|it| Some(it["metadata"]["name"].as_str()?.to_owned())));
    }
    names
}

/// A pod with these settings in `default`, and a minute for it to be placed; the node that it is on.
async fn placed(hands: &Hands, name: &str, more: Value) -> Option<String> {
    let mut spec = json!({"containers": [{"name": "it", "image": "it:1"}]});
    for (key, value) in more.as_object().unwrap() {
        spec[key] = value.clone();
    }
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec});
    hands.create("/api/v1/namespaces/default/pods", pod).await;
    hands.wait(90).await;
    let pod = hands
        .get(&format!("/api/v1/namespaces/default/pods/{name}"))
        .await;
    let node = hands
        .get(&format!(
            "/api/v1/nodes/{}",
            pod["spec"]["nodeName"].as_str()?
        ))
        .await;
    let labels = &node["metadata"]["labels"];
    let pool = labels["karpenter.sh/nodepool"].as_str();
    pool.or(labels["tier"].as_str()).map(str::to_owned)
}

#[tokio::test(start_paused = true)]
async fn alone_it_brings_all_that_a_cluster_needs_and_takes_it_away() {
    let world = World::new();
    let session = session(&world, AUTO);
    apply(&session).await;
    nothing_to_do(&session).await;
    let hands = Hands::on(&world, &session);
    assert_eq!(nodes(&hands).await, ["general-purpose"]);
    assert_eq!(addons(&hands).await, ["coredns"]);
    let (hostname, sends_to) = balancer(&session, &hands).await;
    assert!(hostname.starts_with("k8s-traefik-traefik-"), "{hostname}");
    assert_eq!(sends_to, "ip");
    let tests = ops::smoke(&session, &Silence, never_stopped()).await;
    let tests = tests.unwrap().tests;
    assert_eq!(tests[0].result, SmokeResult::Passed, "{tests:#?}");

    // What the cluster itself needs has a pool of its own; who names no class gets Auto Mode's.
    let tolerates = json!({"tolerations": [{"key": "CriticalAddonsOnly", "operator": "Exists"}],
        "nodeSelector": {"karpenter.sh/nodepool": "system"}});
    assert_eq!(
        placed(&hands, "dns", tolerates).await.as_deref(),
        Some("system")
    );
    let nowhere = json!({"nodeSelector": {"tier": "gpu"}});
    assert_eq!(placed(&hands, "model", nowhere).await, None);
    let services = "/api/v1/namespaces/default/services";
    let plain = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}});
    hands.create(services, plain).await;
    let web = hands.get(&format!("{services}/web")).await;
    assert_eq!(web["spec"]["loadBalancerClass"], "eks.amazonaws.com/nlb");

    // A disk of its driver, which stays when its claim goes.
    let class = json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
        "metadata": {"name": "kept"}, "provisioner": "ebs.csi.eks.amazonaws.com", "reclaimPolicy": "Retain"});
    hands
        .create("/apis/storage.k8s.io/v1/storageclasses", class)
        .await;
    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
        "spec": {"storageClassName": "kept", "accessModes": ["ReadWriteOnce"],
                 "resources": {"requests": {"storage": "1Gi"}}}});
    let claims = "/api/v1/namespaces/default/persistentvolumeclaims";
    hands.create(claims, claim).await;
    hands.wait(60).await;
    let disks = session
        .cloud
        .aws
        .ec2
        .describe_volumes()
        .send()
        .await
        .unwrap();
    let tags = disks.volumes()[0].tags().iter();
    let tags: Vec<_> = tags
        .filter_map(|tag| Some((tag.key()?, tag.value()?)))
        .collect();
    assert!(tags.contains(&("eks:eks-cluster-name", "auto")), "{tags:?}");
    destroy(&session).await;
    assert_eq!(
        session
            .cloud
            .aws
            .ec2
            .describe_volumes()
            .send()
            .await
            .unwrap()
            .volumes(),
        []
    );
}

/// The cluster can't be asked any more: what Auto Mode made is found by its tag.
#[tokio::test(start_paused = true)]
async fn what_it_left_is_found_by_its_tag() {
    let world = World::new();
    let session = session(&world, AUTO);
    apply(&session).await;
    let planned = session.plan_skipping_cluster().await.unwrap();
    let teardown = ops::destroy(
        &session,
        &planned,
        &Confirmed::default(),
        &Silence,
        never_stopped(),
    )
    .await
    .unwrap();
    assert!(teardown.report.is_complete(), "{:#?}", teardown.report);
    assert_eq!(teardown.remains, []);
    let balancers = &session.cloud.aws.load_balancers;
    let left = balancers.describe_load_balancers().send().await.unwrap();
    assert_eq!(left.load_balancers(), []);
}

#[tokio::test(start_paused = true)]
async fn beside_node_groups_each_pod_finds_its_own() {
    let world = World::new();
    let session = session(&world, &format!("{GROUP}{AUTO}"));
    apply(&session).await;
    nothing_to_do(&session).await;
    let hands = Hands::on(&world, &session);
    assert_eq!(nodes(&hands).await, ["general-purpose", "gpu"]);
    assert_eq!(addons(&hands).await, ["coredns", "aws-node", "kube-proxy"]);
    let trained = json!({"nodeSelector": {"tier": "gpu"},
        "tolerations": [{"key": "gpu", "operator": "Equal", "value": "yes", "effect": "NoSchedule"}]});
    assert_eq!(
        placed(&hands, "model", trained).await.as_deref(),
        Some("gpu")
    );
    assert_eq!(nodes(&hands).await, ["general-purpose", "gpu"]);
    destroy(&session).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_cluster_lacks_that_was_made_with_it_is_told_before_it_goes() {
    let world = World::new();
    apply(&session(&world, AUTO)).await;
    let group = GROUP.replace("[cluster.addons.vpc-cni]\n", "");
    let planned = session(&world, &group).plan(Goal::Apply).await;
    let Err(Error::Impossible(problems)) = planned else {
        panic!("{:#?}", planned.map(|planned| planned.plan));
    };
    let [problem] = problems.as_slice() else {
        panic!("{problems:#?}");
    };
    assert_eq!(problem.address.as_str(), "cluster.control-plane");
    let told = &problem.message;
    assert!(told.ends_with("add `[cluster.addons.vpc-cni]`"), "{told}");
    let listed = session(&world, GROUP);
    listed.plan(Goal::Apply).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn whoever_makes_load_balancers_changes_with_it() {
    let world = World::new();
    let open = GROUP.replace("NoSchedule", "PreferNoSchedule");
    let without = session(&world, &open);
    apply(&without).await;
    let hands = Hands::on(&world, &without);
    let (hostname, sends_to) = balancer(&without, &hands).await;
    assert!(hostname.starts_with('a'), "{hostname}");
    assert_eq!(sends_to, "instance");

    // A class that nobody serves waits.
    let services = "/api/v1/namespaces/default/services";
    let classed = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {
        "type": "LoadBalancer", "loadBalancerClass": "eks.amazonaws.com/nlb", "ports": [{"port": 80}]}});
    hands.create(services, classed).await;
    hands.wait(300).await;
    let web = hands.get(&format!("{services}/web")).await;
    assert_eq!(web["status"]["loadBalancer"], json!({}));
    hands.delete(&format!("{services}/web")).await;

    let with = session(&world, &format!("{open}{AUTO}"));
    let planned = with.plan(Goal::Apply).await.unwrap();
    let work: Vec<_> = planned
        .plan
        .work()
        .map(|action| (action.address.as_str(), action.verb))
        .collect();
    assert_eq!(
        work,
        [
            ("bootstrap.ingress.service.traefik", Verb::Replace),
            ("cluster.control-plane", Verb::Update),
            ("cluster.role.auto", Verb::Create),
            ("cluster.role.control", Verb::Update),
        ]
    );
    carry_out(&with, &planned).await;
    nothing_to_do(&with).await;
    let (hostname, sends_to) = balancer(&with, &hands).await;
    assert!(hostname.starts_with("k8s-traefik-traefik-"), "{hostname}");
    assert_eq!(sends_to, "ip");

    // Off again: its load balancer goes while it is still there to take it away, and its rights go last.
    let planned = without.plan(Goal::Apply).await.unwrap();
    let off = "cluster.control-plane".parse().unwrap();
    let off = planned.plan.action(&off).unwrap();
    assert_eq!(off.danger, Some(Danger::Disrupts));
    let told = "its nodes go and all that runs on them, and its load balancers";
    assert!(off.reason.contains(told), "{}", off.reason);
    let steps = Steps::default();
    let nothing = Confirmed::default();
    let report = ops::apply(&without, &planned, &nothing, &steps, never_stopped())
        .await
        .unwrap();
    assert!(report.is_complete(), "{:#?}", report.failed);
    steps.come_in_order(&[
        "removed bootstrap.ingress.service.traefik",
        "began cluster.control-plane",
        "finished cluster.control-plane",
        "began cluster.role.control",
    ]);
    nothing_to_do(&without).await;
    assert_eq!(balancer(&without, &hands).await.1, "instance");
    assert_eq!(nodes(&hands).await, ["gpu"]);
    destroy(&without).await;
}
