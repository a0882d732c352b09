//! Teardown ends with proof: what the cluster's controllers made goes as well, what is not ours stays, and whatever is
//! still there is named.

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification};
use aws_sdk_elasticloadbalancingv2::types::{LoadBalancerTypeEnum, ProtocolEnum, TargetTypeEnum};
use common::{Silence, World, apply, destroy, never_stopped};
use groundwork::cloud::{Clock, Cloud};
use groundwork::environment::{self, Environment};
use groundwork::ops::{self, Error, Planned, Remains, Session, Teardown};
use groundwork::plan::{Goal, Verb};
use groundwork::sandbox::faults::Misbehaviour;
use groundwork::sandbox::store::Effect;
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
    ops::destroy(session, planned, &Silence, never_stopped())
        .await
        .unwrap()
}

/// The reason that the plan gives for what it does at `address`.
fn reason<'a>(planned: &'a Planned, address: &str) -> &'a str {
    let action = planned.plan.action(&address.parse().unwrap()).unwrap();
    assert_eq!(action.verb, Verb::Delete);
    &action.reason
}

type Tags<'a> = [(&'a str, &'a str)];

fn ec2_tags(resource: ResourceType, tags: &Tags<'_>) -> TagSpecification {
    let tags = tags
        .iter()
        .map(|(key, value)| Tag::builder().key(*key).value(*value).build());
    let specification = TagSpecification::builder().resource_type(resource);
    specification.set_tags(Some(tags.collect())).build()
}

fn elb_tags(tags: &Tags<'_>) -> Vec<aws_sdk_elasticloadbalancingv2::types::Tag> {
    let tag = |(key, value): &(&str, &str)| {
        let tag = aws_sdk_elasticloadbalancingv2::types::Tag::builder();
        tag.key(*key).value(*value).build()
    };
    tags.iter().map(tag).collect()
}

async fn vpc(cloud: &Cloud) -> String {
    let tag = Filter::builder()
        .name("tag:groundwork:environment")
        .values("tear");
    let call = cloud.aws.ec2.describe_vpcs().filters(tag.build());
    let found = call.send().await.unwrap();
    found.vpcs()[0].vpc_id().unwrap().to_owned()
}

async fn subnets(cloud: &Cloud) -> Vec<String> {
    let public = Filter::builder()
        .name("tag:kubernetes.io/role/elb")
        .values("1");
    let call = cloud.aws.ec2.describe_subnets().filters(public.build());
    let found = call.send().await.unwrap();
    let ids = found.subnets().iter();
    ids.map(|subnet| subnet.subnet_id().unwrap().to_owned())
        .collect()
}

async fn security_group(cloud: &Cloud, name: &str, tags: &Tags<'_>) -> String {
    let call = cloud.aws.ec2.create_security_group();
    let call = call.group_name(name).description("planted");
    let call = call.vpc_id(vpc(cloud).await);
    let made = call
        .tag_specifications(ec2_tags(ResourceType::SecurityGroup, tags))
        .send();
    made.await.unwrap().group_id().unwrap().to_owned()
}

/// A network load balancer that wears `group`, with a target group that it forwards to.
async fn load_balancer(cloud: &Cloud, name: &str, group: &str, tags: &Tags<'_>) {
    let elb = &cloud.aws.load_balancers;
    let call = elb.create_load_balancer().name(name).security_groups(group);
    let call = call
        .r#type(LoadBalancerTypeEnum::Network)
        .set_tags(Some(elb_tags(tags)));
    let made = call.set_subnets(Some(subnets(cloud).await)).send().await;
    let made = made.unwrap();
    let call = elb.create_target_group().name(format!("{name}-targets"));
    let call = call.protocol(ProtocolEnum::Tcp).port(80);
    let call = call
        .vpc_id(vpc(cloud).await)
        .target_type(TargetTypeEnum::Ip);
    let targets = call.set_tags(Some(elb_tags(tags))).send().await.unwrap();
    let action = aws_sdk_elasticloadbalancingv2::types::Action::builder()
        .r#type(aws_sdk_elasticloadbalancingv2::types::ActionTypeEnum::Forward)
        .set_target_group_arn(
            targets.target_groups()[0]
                .target_group_arn()
                .map(str::to_owned),
        );
    let call = elb.create_listener().protocol(ProtocolEnum::Tcp).port(80);
    let arn = made.load_balancers()[0].load_balancer_arn().unwrap();
    let call = call.load_balancer_arn(arn).default_actions(action.build());
    call.send().await.unwrap();
}

async fn interface(cloud: &Cloud, description: &str, tags: &Tags<'_>) -> String {
    let call = cloud.aws.ec2.create_network_interface();
    let call = call
        .subnet_id(&subnets(cloud).await[0])
        .description(description);
    let tags = ec2_tags(ResourceType::NetworkInterface, tags);
    let made = call.tag_specifications(tags).send().await.unwrap();
    let made = made.network_interface().unwrap();
    made.network_interface_id().unwrap().to_owned()
}

async fn volume(cloud: &Cloud, tags: &Tags<'_>) -> String {
    let call = cloud.aws.ec2.create_volume().size(8);
    let call = call.availability_zone("us-east-1a");
    let tags = ec2_tags(ResourceType::Volume, tags);
    let made = call.tag_specifications(tags).send().await.unwrap();
    made.volume_id().unwrap().to_owned()
}

async fn log_group(cloud: &Cloud, name: &str) {
    let call = cloud.aws.logs.create_log_group().log_group_name(name);
    call.send().await.unwrap();
}

/// Names of all volumes and log groups there are.
async fn volumes_and_logs(cloud: &Cloud) -> Vec<String> {
    let volumes = cloud.aws.ec2.describe_volumes().send().await.unwrap();
    let volumes = volumes
        .volumes()
        .iter()
        .filter_map(|volume| volume.volume_id());
    let logs = cloud.aws.logs.describe_log_groups().send().await.unwrap();
    let logs = logs
        .log_groups()
        .iter()
        .filter_map(|group| group.log_group_name());
    volumes.chain(logs).map(str::to_owned).collect()
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

    // What the Load Balancer Controller makes: the group of the balancer is named by a rule of another group.
    let owned = [("elbv2.k8s.aws/cluster", "tear")];
    let group = security_group(cloud, "k8s-traffic-tear", &owned).await;
    let other = security_group(cloud, "shared", &owned).await;
    let pair = aws_sdk_ec2::types::UserIdGroupPair::builder().group_id(&group);
    let rule = aws_sdk_ec2::types::IpPermission::builder().ip_protocol("tcp");
    let rule = rule.from_port(80).to_port(80);
    let rule = rule.user_id_group_pairs(pair.build()).build();
    let call = cloud.aws.ec2.authorize_security_group_ingress();
    let call = call.group_id(&other).ip_permissions(rule);
    call.send().await.unwrap();
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
        "log group /aws/eks/tear/cluster",
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
    assert_eq!(session.store.load().unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn the_world_is_what_it_was_and_a_second_destroy_has_nothing_to_do() {
    let world = World::new();
    let session = world.session(environment(&world, ""));
    let before = contents(&world);
    apply(&session).await;
    assert_ne!(contents(&world), before);
    destroy(&session).await;
    // AWS lists deleted NAT gateways and terminated instances for an hour.
    world.sandbox.sleep(Duration::from_secs(2 * 3600)).await;
    drop(volumes_and_logs(&session.cloud).await);
    assert_eq!(contents(&world)["global"], before["global"]);
    assert_eq!(contents(&world)["clusters"], before["clusters"]);
    let region = &contents(&world)["regions"][REGION];
    let untouched = json!(groundwork::sandbox::aws::Region::default());
    assert_eq!(*region, untouched);

    let again = session.plan(Goal::Destroy).await.unwrap();
    assert!(again.plan.is_empty(), "{:#?}", again.plan);
    let teardown = run(&session, &again).await;
    assert!(teardown.report.is_complete());
    assert_eq!(teardown.remains, []);
    assert_eq!(session.store.load().unwrap(), None);
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
    assert!(session.store.load().unwrap().is_some());

    let call = session.cloud.aws.ec2.delete_network_interface();
    call.network_interface_id(foreign).send().await.unwrap();
    destroy(&session).await;
    assert_eq!(session.store.load().unwrap(), None);
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
    let mut state = session.store.load().unwrap().unwrap();
    state.resources.clear();
    state.serial += 1;
    session.store.save(&state).unwrap();
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
