//! Teardown ends with proof: what the cluster's controllers made goes as well, what is not ours stays, and whatever is
//! still there is named.

mod ended;
mod namesakes;
mod planted;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::common::{Silence, World, apply, destroy, example, never_stopped};
use groundwork::clock::Clock;
use groundwork::environment::{self, Environment};
use groundwork::ops::{self, Confirmed, Error, Planned, Remains, Session, Teardown};
use groundwork::plan::{Goal, Verb};
use groundwork::sandbox::Sandbox;
use groundwork::sandbox::aws::{Call, Params, dispatch};
use groundwork::sandbox::faults::{Misbehaviour, Stop};
use groundwork::sandbox::store::Effect;
use groundwork::sandbox::time::ClockSource;
use planted::{
    admit, interface, load_balancer, log_group, security_group, volume, volumes_and_logs,
};
use serde_json::{Value, json};

const REGION: &str = "us-east-1";

const FILE: &str = r#"
[environment]
name = "tear"
region = "us-east-1"

[cloud]
provider = "sandbox"

[network]
cidr = "10.30.0.0/16"
zones = 2
nat = "single"
private_zone = "tear.example.com"

[cluster]
logging = ["api"]

[cluster.node_groups.default]
instance_types = ["t3.small"]
min = 1
max = 2
"#;

/// An environment of `extra` lines after [`FILE`].
fn environment(world: &World, extra: &str) -> Environment {
    let folder = world.folder.path().join("environments");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("tear.toml");
    std::fs::write(&path, format!("{FILE}{extra}")).unwrap();
    environment::load(&path, None).unwrap()
}

/// Everything in the world but its time, its source of ids and what it has yet to do.
fn contents(world: &World) -> Value {
    let document = world
        .sandbox
        .store()
        .transact(Effect::Reads, |world| json!(world))
        .unwrap();
    let mut document = document;
    for key in ["now", "ids", "schedule"] {
        document.as_object_mut().unwrap().remove(key);
    }
    // Route 53's history of changes is nobody's resource.
    document["global"]["route53"]["changes"] = json!({});
    document
}

async fn run(session: &Session, planned: &Planned) -> Teardown {
    ops::destroy(
        session,
        planned,
        &Confirmed::default(),
        &Silence,
        never_stopped(),
    )
    .await
    .unwrap()
}

/// The reason that the plan gives for what it does at `address`.
fn reason<'a>(planned: &'a Planned, address: &str) -> &'a str {
    let action = planned.plan.action(&address.parse().unwrap()).unwrap();
    assert_eq!(action.verb, Verb::Delete);
    &action.reason
}

fn kinds(remains: &[Remains]) -> Vec<&str> {
    remains.iter().map(|found| found.kind.as_str()).collect()
}

/// Asks the API server of the environment's cluster.
async fn kubernetes(world: &World, method: &str, path: &str, body: Value) -> Value {
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json");
    let request = request.body(body.to_string().into_bytes()).unwrap();
    let client = world.sandbox.kubernetes_client(REGION, "tear");
    client.request(request).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_controllers_left_goes_and_what_is_not_theirs_stays() {
    let world = World::new();
    let session = world.session(environment(&world, ""));
    let cloud = &session.cloud;
    apply(&session).await;
    let unrelated = volume(cloud, &[("kubernetes.io/cluster/other", "owned")]).await;
    let plain = volume(cloud, &[("ebs.csi.aws.com/cluster", "true")]).await;
    log_group(cloud, "/aws/eks/tear2/cluster").await;
    let others = volumes_and_logs(cloud).await;
    let others: Vec<String> = others
        .into_iter()
        .filter(|name| name != "/aws/eks/tear/cluster")
        .collect();
    assert!(others.contains(&unrelated) && others.contains(&plain) && others.len() == 3);

    // What the Load Balancer Controller makes: groups whose rules name each other.
    let owned = [("elbv2.k8s.aws/cluster", "tear")];
    let group = security_group(cloud, "k8s-traffic-tear", &owned).await;
    let shared = security_group(cloud, "k8s-shared-tear", &owned).await;
    admit(cloud, &group, &shared).await;
    admit(cloud, &shared, &group).await;
    load_balancer(cloud, "k8s-web", &group, &owned).await;
    interface(
        cloud,
        "aws-K8S-i-0123456789abcdef0",
        &[("cluster.k8s.amazonaws.com/name", "tear")],
    )
    .await;
    // An old CNI sets no tags.
    interface(cloud, "aws-K8S-i-0fedcba9876543210", &[]).await;
    let owned = [
        ("ebs.csi.aws.com/cluster", "true"),
        ("kubernetes.io/cluster/tear", "owned"),
    ];
    volume(cloud, &owned).await;

    let planned = session.plan(Goal::Destroy).await.unwrap();
    let found = reason(&planned, "cluster.leftovers");
    for left in [
        "load balancer k8s-web",
        "target group k8s-web-targets",
        "(k8s-traffic-tear)",
        "(aws-K8S-i-0123456789abcdef0)",
        "(aws-K8S-i-0fedcba9876543210)",
        "volume vol-",
    ] {
        assert!(found.contains(left), "{left} is not in: {found}");
    }
    assert!(!found.contains("eks-cluster-sg-"), "{found}");
    let teardown = run(&session, &planned).await;
    assert!(
        teardown.report.failed.is_empty(),
        "{:#?}",
        teardown.report.failed
    );
    assert_eq!(teardown.remains, []);
    assert_eq!(volumes_and_logs(cloud).await, others);
    assert_eq!(session.store.load().await.unwrap(), None);
}

/// Makes an environment and takes it away again.
async fn leaves_no_trace(name: &str) {
    let world = World::new();
    let session = world.session(example(name));
    let before = contents(&world);
    apply(&session).await;
    assert_ne!(contents(&world), before);
    destroy(&session).await;
    // AWS lists deleted NAT gateways and terminated instances for an hour.
    world.sandbox.sleep(Duration::from_secs(2 * 3600)).await;
    drop(volumes_and_logs(&session.cloud).await);
    let mut after = contents(&world);
    let regions = after["regions"].take();
    let untouched = json!(groundwork::sandbox::aws::Region::default());
    for (name, region) in regions.as_object().unwrap() {
        assert_eq!(*region, untouched, "{name}");
    }
    after["regions"] = json!({});
    assert_eq!(after, before);

    let again = session.plan(Goal::Destroy).await.unwrap();
    assert!(again.plan.is_empty(), "{:#?}", again.plan);
    let teardown = run(&session, &again).await;
    assert!(teardown.report.is_complete());
    assert_eq!(teardown.remains, []);
    assert_eq!(session.store.load().await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn demo_leaves_no_trace() {
    leaves_no_trace("demo").await;
}

#[tokio::test(start_paused = true)]
async fn staging_leaves_no_trace() {
    leaves_no_trace("staging").await;
}

#[tokio::test(start_paused = true)]
async fn what_blocks_and_is_not_ours_is_named_and_stays() {
    let world = World::new();
    let session = world.session(environment(&world, ""));
    apply(&session).await;
    let foreign = interface(&session.cloud, "somebody's", &[("Name", "somebody's")]).await;
    let planned = session.plan(Goal::Destroy).await.unwrap();
    let teardown = run(&session, &planned).await;
    assert!(!teardown.report.is_complete());
    let named = teardown
        .remains
        .iter()
        .find(|found| found.id == foreign)
        .unwrap();
    assert_eq!(
        (named.kind.as_str(), named.name.as_str(), named.found_by),
        ("network interface", "somebody's", "VPC")
    );
    let left = kinds(&teardown.remains);
    assert_eq!(
        left,
        ["network interface", "network.subnet", "network.vpc"],
        "{:#?}",
        teardown.remains
    );
    assert!(session.store.load().await.unwrap().is_some());

    let call = session.cloud.aws.ec2.delete_network_interface();
    call.network_interface_id(foreign).send().await.unwrap();
    destroy(&session).await;
    assert_eq!(session.store.load().await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn names_and_tags_alone_make_nothing_ours() {
    let world = World::new();
    let session = world.session(environment(&world, ""));
    log_group(&session.cloud, "/aws/eks/tear/cluster").await;
    volume(&session.cloud, &[("kubernetes.io/cluster/tear", "owned")]).await;
    let before = volumes_and_logs(&session.cloud).await;
    let planned = session.plan(Goal::Destroy).await.unwrap();
    assert!(planned.plan.is_empty(), "{:#?}", planned.plan);
    let teardown = run(&session, &planned).await;
    assert_eq!(teardown.remains, []);
    assert_eq!(volumes_and_logs(&session.cloud).await, before);
}

#[tokio::test(start_paused = true)]
async fn a_state_that_forgot_everything_but_its_lineage_is_enough() {
    let world = World::new();
    let session = world.session(environment(&world, ""));
    apply(&session).await;
    let mut state = session.store.load().await.unwrap().unwrap();
    state.resources.clear();
    state.serial += 1;
    session.store.save(&state).await.unwrap();
    volume(&session.cloud, &[("kubernetes.io/cluster/tear", "owned")]).await;
    destroy(&session).await;
    assert_eq!(volumes_and_logs(&session.cloud).await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn what_is_protected_is_not_even_planned_to_go() {
    let world = World::new();
    let mut environment = environment(&world, "");
    environment.protect = true;
    let session = world.session(environment);
    apply(&session).await;
    let refused = session.plan(Goal::Destroy).await.map(drop);
    assert!(matches!(refused, Err(Error::Protected(_))), "{refused:?}");
    assert!(session.plan(Goal::Apply).await.unwrap().plan.is_empty());
}

const SERVICE: &str = "/api/v1/namespaces/default/services";

fn balanced(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": name, "annotations": {"service.beta.kubernetes.io/aws-load-balancer-type": "nlb"}},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}], "selector": {"app": name}},
    })
}

/// A StatefulSet that mounts a claim which it makes itself.
fn stateful() -> Value {
    let mount = json!({"name": "data", "mountPath": "/data"});
    let container = json!({"name": "db", "image": "db:1", "volumeMounts": [mount]});
    json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"},
        "spec": {
            "serviceName": "db", "replicas": 1, "selector": {"matchLabels": {"app": "db"}},
            "template": {"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [container]}},
            "volumeClaimTemplates": [{
                "metadata": {"name": "data"},
                "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "gp2",
                         "resources": {"requests": {"storage": "8Gi"}}},
            }],
        },
    })
}

#[tokio::test(start_paused = true)]
async fn the_cluster_is_made_quiet_while_its_controllers_live() {
    let world = World::new();
    let bootstrap = "\n[bootstrap.agent]\nkind = \"argocd\"\nversion = \"v3.5.1\"\n";
    let session = world.session(environment(&world, bootstrap));
    apply(&session).await;
    kubernetes(&world, "POST", SERVICE, balanced("web")).await;
    let sets = "/apis/apps/v1/namespaces/default/statefulsets";
    kubernetes(&world, "POST", sets, stateful()).await;
    let application = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": "shop", "finalizers": ["resources-finalizer.argocd.argoproj.io"]},
        "spec": {
            "project": "default", "syncPolicy": {"automated": {"selfHeal": true}},
            "source": {"repoURL": "https://example.com/shop", "targetRevision": "HEAD", "path": "."},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "default"},
        },
    });
    let applications = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications";
    kubernetes(&world, "POST", applications, application).await;
    world.sandbox.sleep(Duration::from_secs(300)).await;
    let web = kubernetes(&world, "GET", &format!("{SERVICE}/web"), Value::Null).await;
    assert!(
        web.pointer("/status/loadBalancer/ingress/0/hostname")
            .is_some(),
        "{web:#}"
    );

    let planned = session.plan(Goal::Destroy).await.unwrap();
    let found = reason(&planned, "cluster.workloads");
    for object in [
        "service/default/web",
        "application/argocd/shop",
        "persistentvolumeclaim/default/data-db-0",
    ] {
        assert!(found.contains(object), "{object} is not in: {found}");
    }
    // What the agent consists of goes with the cluster, and is only forgotten.
    let verbs: BTreeMap<&str, Verb> = planned
        .plan
        .actions
        .iter()
        .map(|action| (action.address.as_str(), action.verb))
        .collect();
    let agent = verbs
        .iter()
        .filter(|(address, _)| address.starts_with("bootstrap.agent"));
    assert!(agent.clone().count() > 5);
    assert!(agent.clone().all(|(_, verb)| *verb == Verb::Forget));
    let teardown = run(&session, &planned).await;
    assert!(
        teardown.report.failed.is_empty(),
        "{:#?}",
        teardown.report.failed
    );
    assert_eq!(teardown.remains, []);
    assert_eq!(volumes_and_logs(&session.cloud).await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_does_not_answer_is_skipped_only_on_demand() {
    let world = World::new();
    let session = world.session(environment(&world, ""));
    apply(&session).await;
    kubernetes(&world, "POST", SERVICE, balanced("web")).await;
    world.sandbox.sleep(Duration::from_secs(300)).await;
    world.sandbox.faults().set(Misbehaviour {
        failing_reads: ["GET /api/v1/services".to_owned()].into(),
        ..Misbehaviour::default()
    });
    let before = world.sandbox.faults().changes();
    let refused = session.plan(Goal::Destroy).await.map(drop).unwrap_err();
    assert!(matches!(refused, Error::ClusterUnseen(_)), "{refused:?}");
    assert!(refused.to_string().contains("--skip-cluster"), "{refused}");
    assert_eq!(world.sandbox.faults().changes(), before);

    let planned = session.plan_skipping_cluster().await.unwrap();
    assert!(
        planned
            .plan
            .action(&"cluster.workloads".parse().unwrap())
            .is_none()
    );
    let teardown = run(&session, &planned).await;
    assert!(
        teardown.report.failed.is_empty(),
        "{:#?}",
        teardown.report.failed
    );
    assert_eq!(teardown.remains, []);
}

#[tokio::test(start_paused = true)]
async fn names_of_external_dns_go_and_other_names_keep_the_zone() {
    let world = World::new();
    let session = world.session(environment(&world, ""));
    apply(&session).await;
    let route53 = &session.cloud.aws.route53;
    let zones = route53.list_hosted_zones().send().await.unwrap();
    let zone = zones.hosted_zones()[0].id().to_owned();
    let change = async |action: &str, name: &str, rr_type: &str, value: &str| {
        use aws_sdk_route53::types::{Change, ChangeBatch, ResourceRecord, ResourceRecordSet};
        let record = ResourceRecord::builder().value(value).build().unwrap();
        let set = ResourceRecordSet::builder()
            .name(name)
            .r#type(rr_type.into());
        let set = set.ttl(60).resource_records(record).build().unwrap();
        let change = Change::builder()
            .action(action.into())
            .resource_record_set(set);
        let batch = ChangeBatch::builder().changes(change.build().unwrap());
        let call = route53.change_resource_record_sets().hosted_zone_id(&zone);
        let call = call.change_batch(batch.build().unwrap());
        call.send().await.unwrap();
    };
    let heritage = "\"heritage=external-dns,external-dns/owner=tear,external-dns/resource=service/default/web\"";
    change("CREATE", "web.tear.example.com", "A", "10.30.0.9").await;
    change("CREATE", "a-web.tear.example.com", "TXT", heritage).await;
    change("CREATE", "mail.tear.example.com", "A", "10.30.0.8").await;

    let planned = session.plan(Goal::Destroy).await.unwrap();
    let teardown = run(&session, &planned).await;
    assert!(!teardown.report.is_complete());
    assert_eq!(
        kinds(&teardown.remains),
        ["dns.zone", "network.vpc"],
        "{:#?}",
        teardown.remains
    );
    let failed = format!("{:?}", teardown.report.failed);
    assert!(failed.contains("mail.tear.example.com A"), "{failed}");
    assert!(!failed.contains("web.tear.example.com"), "{failed}");

    change("DELETE", "mail.tear.example.com", "A", "10.30.0.8").await;
    destroy(&session).await;
}

/// Asks for a classic load balancer, which is what Kubernetes makes unless told otherwise.
async fn classic(world: &World) {
    let mut service = balanced("old");
    service["metadata"]["annotations"] = json!({});
    kubernetes(world, "POST", SERVICE, service).await;
    world.sandbox.sleep(Duration::from_secs(300)).await;
}

#[tokio::test(start_paused = true)]
async fn a_classic_load_balancer_goes_with_its_service() {
    let world = World::new();
    let session = world.session(environment(&world, ""));
    apply(&session).await;
    classic(&world).await;
    destroy(&session).await;
}

#[tokio::test(start_paused = true)]
async fn a_classic_load_balancer_that_is_left_is_named_until_somebody_deletes_it() {
    let world = World::new();
    let session = world.session(environment(&world, ""));
    apply(&session).await;
    classic(&world).await;
    let planned = session.plan_skipping_cluster().await.unwrap();
    let teardown = run(&session, &planned).await;
    assert!(!teardown.report.is_complete());
    let there = teardown.remains.iter();
    let names: Vec<&str> = there
        .filter(|found| found.kind == "classic load balancer")
        .map(|found| found.name.as_str())
        .collect();
    let [name] = names[..] else {
        panic!("{:#?}", teardown.remains);
    };
    let failed = format!("{:?}", teardown.report.failed);
    assert!(
        failed.contains(&format!("--load-balancer-name {name}")),
        "{failed}"
    );

    let call = Call {
        service: "elasticloadbalancing-classic".to_owned(),
        region: REGION.to_owned(),
        operation: "DeleteLoadBalancer".to_owned(),
        params: Params(json!({"LoadBalancerName": name})),
    };
    let delete = |world: &mut _| dispatch(world, &call).is_ok();
    assert!(
        world
            .sandbox
            .store()
            .transact(Effect::Changes, delete)
            .unwrap()
    );
    destroy(&session).await;
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The same world and state once more.
fn twin(world: &World) -> World {
    let folder = tempfile::tempdir().unwrap();
    copy(world.folder.path(), folder.path());
    let sandbox = Sandbox::open(folder.path().join("sandbox"), ClockSource::Virtual);
    World { folder, sandbox }
}

#[tokio::test(start_paused = true)]
async fn a_teardown_that_is_cut_off_anywhere_is_finished_by_the_next() {
    let world = World::new();
    let file = environment(&world, "");
    let session = world.session(file.clone());
    apply(&session).await;
    volume(&session.cloud, &[("kubernetes.io/cluster/tear", "owned")]).await;
    let whole = twin(&world);
    destroy(&whole.session(file.clone())).await;
    let changes = whole.sandbox.faults().changes();
    assert!(changes > 20, "only {changes} changes");

    for number in (1..=changes).step_by(11) {
        let stop = if number % 2 == 1 {
            Stop::Before(number)
        } else {
            Stop::After(number)
        };
        let cut = twin(&world);
        let session = cut.session(file.clone());
        let planned = session.plan(Goal::Destroy).await.unwrap();
        cut.sandbox.faults().set(Misbehaviour {
            stop: Some(stop),
            ..Misbehaviour::default()
        });
        let ended = ops::destroy(
            &session,
            &planned,
            &Confirmed::default(),
            &Silence,
            never_stopped(),
        )
        .await;
        // What can't be looked at is no proof.
        assert!(
            matches!(ended, Err(Error::Unseen(_))),
            "{stop:?}: {ended:?}"
        );
        assert!(session.store.load().await.unwrap().is_some(), "{stop:?}");
        cut.sandbox.faults().set(Misbehaviour::default());
        destroy(&session).await;
        assert_eq!(volumes_and_logs(&session.cloud).await, Vec::<String>::new());
        assert_eq!(session.store.load().await.unwrap(), None, "{stop:?}");
    }
}
