//! Changes of the file: what AWS can change is changed in place, what it can't is replaced and the plan says which
//! field forces it, what is no longer asked for goes, and what holds data goes only with consent.

use std::collections::BTreeSet;

use groundwork::address::Address;
use groundwork::environment::Environment;
use groundwork::environment::model::{
    DefaultRoute, GroupPolicy, LogType, Sync, Taint, TaintEffect, ValueSource,
};
use groundwork::ops::{Confirmed, Error, Planned, Session};
use groundwork::plan::{Danger, Goal, Verb};
use groundwork::sensitive::Sensitive;

use crate::bench::{applied, document, session, session_on, staging};
use crate::common::{World, carry_out_with};
use crate::hands::Hands;

/// What a plan does, one line for each: verb, address and the fields that change.
fn lines(planned: &Planned) -> Vec<String> {
    let work = planned.plan.work();
    work.map(|action| {
        let fields: BTreeSet<&str> = action.changes.iter().map(|c| c.field.as_str()).collect();
        let fields: Vec<&str> = fields.into_iter().collect();
        let line = format!("{:?} {} {}", action.verb, action.address, fields.join(","));
        line.trim_end().to_owned()
    })
    .collect()
}

/// Plans, and expects these lines.
async fn expect(session: &Session, expected: &[&str]) -> Planned {
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    assert_eq!(lines(&planned), expected);
    planned
}

/// Carries it out with consent to everything, and expects nothing to be left.
async fn carry_out(session: &Session, planned: &Planned) {
    let lost = planned.plan.work();
    let lost = lost.filter(|action| action.danger == Some(Danger::LosesData));
    let confirmed = Confirmed {
        data_loss: lost.map(|action| action.address.clone()).collect(),
    };
    carry_out_with(session, planned, &confirmed).await;
    expect(session, &[]).await;
}

/// Edits the file, expects these lines of the plan, applies it; then takes the edit back, which changes as much.
async fn edit(change: impl FnOnce(&mut Environment), expected: &[&str]) {
    let world = applied();
    let mut environment = staging();
    change(&mut environment);
    let edited = session_on(&world, environment);
    let planned = expect(&edited, expected).await;
    carry_out(&edited, &planned).await;
    let before = session(&world);
    let planned = before.plan(Goal::Apply).await.expect("a plan");
    assert_eq!(
        planned.plan.work().count(),
        expected.len(),
        "{:#?}",
        lines(&planned)
    );
    carry_out(&before, &planned).await;
}

fn database(environment: &mut Environment) -> &mut groundwork::environment::model::Database {
    environment.databases.get_mut("microservices").unwrap()
}

fn cache(environment: &mut Environment) -> &mut groundwork::environment::model::Cache {
    environment.caches.get_mut("microservices").unwrap()
}

fn nodes(environment: &mut Environment) -> &mut groundwork::environment::model::NodeGroup {
    let cluster = environment.cluster.as_mut().unwrap();
    cluster.node_groups.get_mut("microservices").unwrap()
}

#[tokio::test(start_paused = true)]
async fn nodes_are_changed_in_place() {
    let nodes_changed = |environment: &mut Environment| {
        let nodes = nodes(environment);
        (nodes.min, nodes.desired, nodes.max) = (2, 3, 7);
        nodes.labels.insert("team".to_owned(), "flights".to_owned());
        nodes.taints.push(Taint {
            key: "team".to_owned(),
            value: None,
            effect: TaintEffect::PreferNoSchedule,
        });
    };
    let expected = ["Update cluster.node-group.microservices desired,labels,max,min,taints"];
    edit(nodes_changed, &expected).await;
}

/// The order of machine types says which are taken first, and EKS never changes it.
#[tokio::test(start_paused = true)]
async fn machine_types_in_another_order_are_others() {
    let world = applied();
    let mut planned = Vec::new();
    for types in [["t3.medium", "t3.large"], ["t3.large", "t3.medium"]] {
        let mut environment = staging();
        nodes(&mut environment).instance_types = types.map(str::to_owned).into();
        let edited = session_on(&world, environment);
        let plan = edited.plan(Goal::Apply).await.expect("a plan");
        carry_out(&edited, &plan).await;
        planned.push(lines(&plan));
    }
    let line = "Replace cluster.node-group.microservices instance_types".to_owned();
    assert!(
        planned.iter().all(|lines| lines.contains(&line)),
        "{planned:#?}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_control_plane_is_changed_in_place() {
    let changed = |environment: &mut Environment| {
        let cluster = environment.cluster.as_mut().unwrap();
        cluster.public_access_cidrs = vec!["203.0.113.0/24".parse().unwrap()];
        cluster.logging = [LogType::Audit].into();
    };
    edit(
        changed,
        &["Update cluster.control-plane logging,public_access_cidrs"],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn databases_are_changed_in_place() {
    let world = applied();
    let mut environment = staging();
    let changed = database(&mut environment);
    "db.t3.small".clone_into(&mut changed.class);
    (
        changed.storage_gib,
        changed.multi_az,
        changed.backup_retention_days,
    ) = (30, true, 7);
    let edited = session_on(&world, environment);
    let fields = "backup_retention_days,class,multi_az,storage_gib";
    let line = format!("Update database.microservices.instance {fields}");
    let planned = expect(&edited, &[&line]).await;
    carry_out(&edited, &planned).await;
}

/// Growing it is no way back: RDS never shrinks storage, and says so before anything is changed.
#[tokio::test(start_paused = true)]
async fn storage_that_would_shrink_is_refused_at_plan() {
    let world = applied();
    let mut environment = staging();
    database(&mut environment).storage_gib = 19;
    let Err(Error::Impossible(problems)) = session_on(&world, environment).plan(Goal::Apply).await
    else {
        panic!("RDS never shrinks storage");
    };
    assert!(problems[0].message.contains("never shrinks"));
}

#[tokio::test(start_paused = true)]
async fn caches_are_changed_in_place() {
    let changed = |environment: &mut Environment| {
        let cache = cache(environment);
        cache.nodes = 3;
        "cache.m4.xlarge".clone_into(&mut cache.node_type);
    };
    let expected = [
        "Update cache.microservices.replication-group automatic_failover,multi_az,node_type,nodes",
    ];
    edit(changed, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn rules_of_security_groups_are_changed_in_place() {
    let changed = |environment: &mut Environment| {
        let office = "198.51.100.0/24".parse().unwrap();
        database(environment).allow.insert(office);
    };
    edit(
        changed,
        &["Update database.microservices.security-group ingress"],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn zones_share_a_way_out_and_get_their_own_again() {
    let changed = |environment: &mut Environment| {
        let network = environment.network.as_mut().unwrap();
        network.nat_gateways.remove("b").unwrap();
        let table = network.route_tables.get_mut("private-b").unwrap();
        table.default_route = DefaultRoute::Nat("a".to_owned());
    };
    let expected = [
        "Delete network.address.b",
        "Delete network.nat-gateway.b",
        "Update network.route-table.private-b routes",
    ];
    edit(changed, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn owner_and_expiry_are_only_tags() {
    let world = applied();
    for change in [
        |environment: &mut Environment| environment.owner = Some("flights".to_owned()),
        |environment: &mut Environment| environment.ttl = Some("8h".parse().unwrap()),
        |environment: &mut Environment| (environment.owner, environment.ttl) = (None, None),
    ] {
        let mut environment = staging();
        change(&mut environment);
        let edited = session_on(&world, environment);
        let planned = edited.plan(Goal::Apply).await.expect("a plan");
        let tagged = planned.desired.values();
        let tagged = tagged.filter(|desired| desired.fields.contains_key("tags"));
        let expected: Vec<String> = tagged
            .map(|desired| format!("Update {} tags", desired.address))
            .collect();
        assert!(expected.len() > 25);
        assert_eq!(lines(&planned), expected);
        carry_out(&edited, &planned).await;
    }
}

#[tokio::test(start_paused = true)]
async fn rights_are_changed_in_place() {
    let world = applied();
    let iam = session(&world).cloud.aws.iam;
    iam.create_user()
        .user_name("new-hire")
        .send()
        .await
        .unwrap();
    let mut environment = staging();
    let group = environment.groups.get_mut("DB-Ops").unwrap();
    group.members = ["new-hire".to_owned()].into();
    group.policies.remove(0);
    let sqs = "arn:aws:iam::aws:policy/AdministratorAccess".to_owned();
    group.policies.push(GroupPolicy::Arn(sqs));
    let policy = environment.policies.get_mut("queue-readers").unwrap();
    policy.document = document("sqs:SendMessage");
    let edited = session_on(&world, environment);
    let expected = [
        "Update iam.group.DB-Ops members,policies",
        "Update iam.policy.queue-readers document",
    ];
    let planned = expect(&edited, &expected).await;
    carry_out(&edited, &planned).await;
}

#[tokio::test(start_paused = true)]
async fn a_member_that_does_not_exist_is_refused_at_plan() {
    let world = applied();
    let mut environment = staging();
    let group = environment.groups.get_mut("DB-Ops").unwrap();
    group.members.insert("nobody".to_owned());
    let Err(Error::Impossible(problems)) = session_on(&world, environment).plan(Goal::Apply).await
    else {
        panic!("nobody is no user");
    };
    assert!(problems[0].message.contains("`nobody`"));
}

#[tokio::test(start_paused = true)]
async fn names_and_repositories_are_changed_in_place() {
    let changed = |environment: &mut Environment| {
        let network = environment.network.as_mut().unwrap();
        let zone = network.private_zone.as_mut().unwrap();
        "names of ours".clone_into(&mut zone.comment);
        let registry = environment.registries.get_mut("flights").unwrap();
        (registry.immutable_tags, registry.scan_on_push) = (false, false);
        let secret = environment.secrets.get_mut("mysql-password").unwrap();
        secret.description = Some("another".to_owned());
    };
    let expected = [
        "Update network.private-zone comment",
        "Update registry.flights immutable_tags,scan_on_push",
        "Update secret.mysql-password description",
    ];
    edit(changed, &expected).await;
}

/// A new value of the variable reaches the secret, the database, and the secret in the cluster.
#[tokio::test(start_paused = true)]
async fn a_new_password_is_rolled_out() {
    let world = applied();
    let mut edited = session(&world);
    let password = "another-horse-battery";
    let variable = "MYSQL_PASSWORD".to_owned();
    edited.variables.insert(variable, Sensitive::new(password));
    let expected = [
        "Update bootstrap.repository.deploy data",
        "Update bootstrap.secret.mysql data",
        "Update database.microservices.instance password",
        "Update secret.mysql-password value",
    ];
    let planned = expect(&edited, &expected).await;
    assert!(
        !serde_json::to_string(&planned.plan)
            .unwrap()
            .contains(password)
    );
    carry_out(&edited, &planned).await;
    let state = std::fs::read_to_string(edited.store.file().unwrap()).unwrap();
    assert!(!state.contains(password));
    let hands = Hands::on(&world, &edited);
    let of_database = hands.read(&crate::hands::region(
        "rds/instances/microservices-mysql/password",
    ));
    assert_eq!(of_database, password);
    let path = "/api/v1/namespaces/microservices/secrets/mysql";
    let in_cluster = hands.get(path).await;
    assert_eq!(
        in_cluster["data"]["password"],
        "YW5vdGhlci1ob3JzZS1iYXR0ZXJ5"
    );
}

#[tokio::test(start_paused = true)]
async fn objects_in_the_cluster_are_changed_in_place() {
    let changed = |environment: &mut Environment| {
        let bootstrap = environment.bootstrap.as_mut().unwrap();
        bootstrap.namespaces.insert("more".to_owned());
        bootstrap.ingress.as_mut().unwrap().replicas = 3;
        let agent = bootstrap.agent.as_mut().unwrap();
        let application = agent.applications.get_mut("flight-info").unwrap();
        application.sync = Sync::Automatic;
        let secret = bootstrap.secrets.get_mut("mysql").unwrap();
        let user = ValueSource::Plain("microservices".to_owned());
        secret.data.insert("user".to_owned(), user);
    };
    let world = applied();
    let mut environment = staging();
    changed(&mut environment);
    let edited = session_on(&world, environment);
    let expected = [
        "Update bootstrap.application.flight-info manifest",
        "Update bootstrap.ingress.deployment.traefik manifest",
        "Create bootstrap.namespace.more",
        "Update bootstrap.secret.mysql data",
    ];
    let planned = expect(&edited, &expected).await;
    carry_out(&edited, &planned).await;
    let before = session(&world);
    let expected = [
        "Update bootstrap.application.flight-info manifest",
        "Update bootstrap.ingress.deployment.traefik manifest",
        "Delete bootstrap.namespace.more",
        "Update bootstrap.secret.mysql data",
    ];
    let planned = expect(&before, &expected).await;
    carry_out(&before, &planned).await;
}

/// What runs on the nodes moves with them, and is waited for.
#[tokio::test(start_paused = true)]
async fn kubernetes_is_upgraded_in_place() {
    let world = applied();
    let mut environment = staging();
    let cluster = environment.cluster.as_mut().unwrap();
    cluster.version = Some("1.35".to_owned());
    let edited = session_on(&world, environment);
    let expected = [
        "Update bootstrap.agent.deployment.argocd-server",
        "Update bootstrap.agent.statefulset.argocd-application-controller",
        "Update bootstrap.ingress.deployment.traefik",
        "Update bootstrap.release.ledger.job.ledger",
        "Update cluster.addon.kube-proxy kubernetes",
        "Update cluster.control-plane version",
        "Update cluster.node-group.microservices version",
    ];
    let planned = expect(&edited, &expected).await;
    carry_out(&edited, &planned).await;
}

/// Without consent nothing is done; with it the data goes, and the address is what has to be named.
#[tokio::test(start_paused = true)]
async fn data_goes_only_with_consent() {
    let world = applied();
    let removed: fn(&mut Environment) = |environment| environment.caches.clear();
    let renamed: fn(&mut Environment) = |environment| {
        "other".clone_into(&mut database(environment).username);
    };
    for (change, verb, address, forced) in [
        (
            removed,
            Verb::Delete,
            "cache.microservices.replication-group",
            None,
        ),
        (
            renamed,
            Verb::Replace,
            "database.microservices.instance",
            Some("username"),
        ),
    ] {
        let mut environment = staging();
        change(&mut environment);
        let edited = session_on(&world, environment);
        let planned = edited.plan(Goal::Apply).await.expect("a plan");
        let address = address.parse().unwrap();
        let action = planned.plan.action(&address).unwrap();
        assert_eq!(
            (action.verb, action.danger),
            (verb, Some(Danger::LosesData))
        );
        assert!(forced.is_none_or(|field| action.reason.contains(field)));
        let nobody = Confirmed::default();
        let refused = refuse(&world, &edited, &planned, &nobody).await;
        assert!(matches!(&refused, Error::DataLoss(lost) if *lost == [address.clone()]));
        // A slip of the pen is no consent, and is told even if the rest would do.
        let slip: Address = "cache.micro-services.replication-group".parse().unwrap();
        let data_loss = vec![address, slip.clone()];
        let refused = refuse(&world, &edited, &planned, &Confirmed { data_loss }).await;
        assert!(matches!(&refused, Error::UnknownAddress(unknown) if *unknown == slip));
        carry_out(&edited, &planned).await;
        let before = session(&world);
        let planned = before.plan(Goal::Apply).await.expect("a plan");
        carry_out(&before, &planned).await;
    }
}

/// Why an apply with no more consent is refused. It changes nothing.
async fn refuse(
    world: &World,
    session: &Session,
    planned: &Planned,
    confirmed: &Confirmed,
) -> Error {
    let changes = world.sandbox.faults().changes();
    let stop = crate::common::never_stopped();
    let silence = crate::common::Silence;
    let applied = groundwork::ops::apply(session, planned, confirmed, &silence, stop).await;
    assert_eq!(world.sandbox.faults().changes(), changes);
    applied.expect_err("the data is lost")
}

/// A cluster that the file no longer asks for takes everything in it along, and its load balancer; databases stay.
#[tokio::test(start_paused = true)]
async fn a_removed_cluster_leaves_nothing_behind() {
    let world = applied();
    let mut environment = staging();
    (environment.cluster, environment.bootstrap) = (None, None);
    environment.load_balancer_names.clear();
    let edited = session_on(&world, environment);
    let planned = edited.plan(Goal::Apply).await.expect("a plan");
    for action in planned.plan.work() {
        let section = action.address.section();
        let access = action.address.as_str().ends_with(".access");
        assert!(
            access || ["bootstrap", "cluster", "dns"].contains(&section),
            "{action:#?}"
        );
        assert!(
            matches!(action.verb, Verb::Delete | Verb::Forget),
            "{action:#?}"
        );
    }
    carry_out(&edited, &planned).await;
    let aws = &edited.cloud.aws;
    let balancers = aws.load_balancers.describe_load_balancers().send().await;
    assert!(balancers.unwrap().load_balancers().is_empty());
    let databases = aws.rds.describe_db_instances().send().await.unwrap();
    assert_eq!(databases.db_instances().len(), 1);
    let before = session(&world);
    let planned = before.plan(Goal::Apply).await.expect("a plan");
    carry_out(&before, &planned).await;
}

/// All that is left of the file is the environment itself.
#[tokio::test(start_paused = true)]
async fn a_file_that_asks_for_nothing_takes_everything_away() {
    let world = applied();
    let mut environment = staging();
    (
        environment.cluster,
        environment.bootstrap,
        environment.network,
    ) = (None, None, None);
    environment.databases.clear();
    environment.caches.clear();
    environment.groups.clear();
    environment.policies.clear();
    environment.registries.clear();
    environment.secrets.clear();
    environment.load_balancer_names.clear();
    environment.smoke.clear();
    let edited = session_on(&world, environment);
    let planned = edited.plan(Goal::Apply).await.expect("a plan");
    carry_out(&edited, &planned).await;
    let state = edited.store.load().await.unwrap().unwrap();
    assert!(state.is_empty());
    let remains = groundwork::ops::look_again(&edited, &planned).await;
    assert_eq!(remains.expect("a look"), Vec::new());
}
