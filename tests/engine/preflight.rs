//! What is found out before the first change: rights that are missing, quotas that are met, and what nobody can tell.

use std::time::Duration;

use aws_sdk_ec2::types::ConnectivityType;
use groundwork::ops::{self, Error, Obstacles, Session};
use groundwork::permissions::{Statement, policy};
use groundwork::plan::Goal;
use groundwork::sandbox::faults::Misbehaviour;
use serde_json::{Value, json};

use crate::common::{World, apply, example};

const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
const CALLER: &str = "arn:aws:iam::123456789012:user/sandbox";

async fn preflight(session: &Session) -> Result<Vec<String>, Obstacles> {
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    match ops::preflight(session, &planned).await {
        Ok(unchecked) => Ok(unchecked),
        Err(Error::Preflight(obstacles)) => Err(*obstacles),
        Err(other) => panic!("{other}"),
    }
}

/// Leaves the caller nothing but these statements, in as many policies as their length needs.
async fn allow_only(session: &Session, statements: &[Value]) {
    let iam = &session.cloud.aws.iam;
    let detach = iam.detach_user_policy().user_name("sandbox");
    detach.policy_arn(ADMINISTRATOR).send().await.unwrap();
    for (number, part) in statements.chunks(4).enumerate() {
        let document = json!({ "Version": "2012-10-17", "Statement": part });
        let made = iam.create_policy().policy_name(format!("part-{number}"));
        let made = made.policy_document(document.to_string()).send().await;
        let policy = made.unwrap().policy.unwrap();
        let attach = iam.attach_user_policy().user_name("sandbox");
        let attach = attach.policy_arn(policy.arn.unwrap());
        attach.send().await.unwrap();
    }
}

/// The statements that `groundwork permissions` prints.
fn granted(session: &Session) -> Vec<Value> {
    let statements = policy(&session.environment).statement.into_iter();
    let value = |statement: Statement| serde_json::to_value(statement).unwrap();
    statements.map(value).collect()
}

fn named(obstacles: &Obstacles) -> Vec<&String> {
    let rights = obstacles.rights.iter();
    rights.flat_map(|rights| &rights.actions).collect()
}

fn without(mut statements: Vec<Value>, withheld: impl Fn(&str) -> bool) -> Vec<Value> {
    for statement in &mut statements {
        let actions = statement["Action"].as_array_mut().unwrap();
        actions.retain(|action| !withheld(action.as_str().unwrap()));
    }
    statements.retain(|statement| statement["Action"] != json!([]));
    statements
}

#[tokio::test(start_paused = true)]
async fn the_printed_policy_is_enough_for_the_simulator() {
    for name in ["demo", "staging"] {
        let session = World::new().session(example(name));
        allow_only(&session, &granted(&session)).await;
        let unchecked = preflight(&session).await.expect("no obstacles");
        assert_eq!(unchecked, [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_right_that_is_missing_is_named_before_the_first_change() {
    let world = World::new();
    let session = world.session(example("staging"));
    let withheld = [
        "ec2:CreateNatGateway",
        "iam:PassRole",
        "rds:CreateDBInstance",
    ];
    let statements = without(granted(&session), |action| withheld.contains(&action));
    allow_only(&session, &statements).await;
    let changes = world.sandbox.faults().changes();
    let obstacles = preflight(&session).await.expect_err("obstacles");
    assert_eq!(world.sandbox.faults().changes(), changes);
    assert_eq!(obstacles.principal, CALLER);
    assert_eq!(named(&obstacles), withheld);
    let told = obstacles.to_string();
    let on = "rds:CreateDBInstance\n  on arn:aws:rds:us-east-1:123456789012:db:microservices-mysql";
    assert!(told.contains(on), "{told}");
}

/// Who may make and not remove can make; a plan that removes needs more.
#[tokio::test(start_paused = true)]
async fn rights_to_remove_are_asked_for_where_something_is_removed() {
    let mut environment = example("demo");
    let repository = example("staging").registries.pop_first().expect("one").1;
    for name in ["flights", "bookings"] {
        let mut of_its_own = repository.clone();
        of_its_own.name = name.to_owned();
        environment.registries.insert(name.to_owned(), of_its_own);
    }
    let mut session = World::new().session(environment);
    let removes = |action: &str| {
        let operation = action.split(':').nth(1).unwrap();
        let verbs = ["Delete", "Detach", "Release", "Revoke"];
        verbs.iter().any(|verb| operation.starts_with(verb))
    };
    allow_only(&session, &without(granted(&session), removes)).await;
    preflight(&session).await.expect("no obstacles");
    apply(&session).await;
    session.environment.registries.pop_first();
    let obstacles = preflight(&session).await.expect_err("obstacles");
    assert_eq!(named(&obstacles), ["ecr:DeleteRepository"]);
}

/// An operation that calls a thing otherwise than its kind does.
#[tokio::test(start_paused = true)]
async fn the_right_to_make_a_provider_anew_is_asked_for() {
    let mut environment = example("demo");
    let cluster = environment.cluster.as_mut().expect("a cluster");
    cluster.oidc_provider = true;
    let mut session = World::new().session(environment);
    apply(&session).await;
    let cluster = session.environment.cluster.as_mut().expect("a cluster");
    cluster.name = "another".to_owned();
    let removal = "iam:DeleteOpenIDConnectProvider";
    allow_only(&session, &without(granted(&session), |it| it == removal)).await;
    let obstacles = preflight(&session).await.expect_err("obstacles");
    assert_eq!(named(&obstacles), [removal]);
}

/// A routine change is no reason to ask for the right to delete what is changed.
#[tokio::test(start_paused = true)]
async fn a_change_in_place_needs_no_right_to_delete() {
    let mut session = World::new().session(example("demo"));
    let deletes = |action: &str| ["eks:DeleteCluster", "ec2:DeleteVpc"].contains(&action);
    allow_only(&session, &without(granted(&session), deletes)).await;
    apply(&session).await;
    session.environment.owner = Some("delivery".to_owned());
    preflight(&session).await.expect("no obstacles");
}

/// Yesterday's policy knows nothing of what came into the file today.
#[tokio::test(start_paused = true)]
async fn a_right_on_the_old_alone_is_not_enough_for_the_new() {
    let mut session = World::new().session(example("staging"));
    allow_only(&session, &granted(&session)).await;
    let registries = &mut session.environment.registries;
    let (key, mut repository) = registries.pop_first().expect("one");
    let old = repository.clone();
    repository.name = "bookings".to_owned();
    registries.extend([(key, old), ("bookings".to_owned(), repository)]);
    let obstacles = preflight(&session).await.expect_err("obstacles");
    assert!(named(&obstacles).contains(&&"ecr:CreateRepository".to_owned()));
    assert!(obstacles.rights.len() == 1, "{obstacles}");
}

#[tokio::test(start_paused = true)]
async fn a_denial_is_told_from_what_nobody_allows() {
    let session = World::new().session(example("demo"));
    let mut statements = granted(&session);
    statements.push(json!({ "Effect": "Deny", "Action": "ec2:CreateVpc", "Resource": "*" }));
    allow_only(&session, &statements).await;
    let obstacles = preflight(&session).await.expect_err("obstacles");
    assert_eq!(obstacles.rights.len(), 1);
    assert!(
        obstacles
            .to_string()
            .contains("(denied by a policy that says Deny)")
    );
}

/// The simulator can't know from which address a request will come.
#[tokio::test(start_paused = true)]
async fn what_hangs_on_a_request_is_told_and_stops_nothing() {
    let session = World::new().session(example("demo"));
    let mut statements = granted(&session);
    for statement in &mut statements {
        if statement["Sid"] == "Network" {
            statement["Condition"] = json!({ "IpAddress": { "aws:SourceIp": "10.0.0.0/8" } });
        }
    }
    allow_only(&session, &statements).await;
    let unchecked = preflight(&session).await.expect("no obstacles");
    assert_eq!(unchecked.len(), 1, "{unchecked:?}");
    assert!(unchecked[0].contains("aws:SourceIp"), "{unchecked:?}");
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_asked_is_told_and_stops_nothing() {
    let world = World::new();
    let session = world.session(example("demo"));
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    world.sandbox.faults().set(Misbehaviour {
        failing_reads: ["SimulatePrincipalPolicy", "GetServiceQuota"]
            .map(str::to_owned)
            .into(),
        ..Misbehaviour::default()
    });
    let unchecked = ops::preflight(&session, &planned)
        .await
        .expect("no obstacles");
    assert_eq!(unchecked.len(), 2, "{unchecked:?}");
    assert!(
        unchecked[0].contains("SimulatePrincipalPolicy"),
        "{unchecked:?}"
    );
    assert!(unchecked[1].contains("GetServiceQuota"), "{unchecked:?}");
}

#[tokio::test(start_paused = true)]
async fn an_account_without_room_is_told_of_before_the_first_change() {
    let world = World::new();
    let session = world.session(example("staging"));
    let ec2 = &session.cloud.aws.ec2;
    for number in 0..5 {
        let vpc = ec2.create_vpc().cidr_block(format!("10.{number}.0.0/16"));
        vpc.send().await.unwrap();
    }
    for _ in 0..3 {
        ec2.allocate_address().send().await.unwrap();
    }
    let just_enough = preflight(&session).await.expect_err("obstacles");
    assert_eq!(just_enough.shortages.len(), 1);
    ec2.allocate_address().send().await.unwrap();
    let changes = world.sandbox.faults().changes();
    let obstacles = preflight(&session).await.expect_err("obstacles");
    assert_eq!(world.sandbox.faults().changes(), changes);
    assert_eq!(obstacles.rights, []);
    let told = obstacles.to_string();
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(
        lines[1..],
        [
            "VPCs in the region: 5 of 5 are taken, and it makes 1 (quota L-F678F1CE of vpc)",
            "Elastic IP addresses in the region: 4 of 5 are taken, and it makes 2 (quota L-0263D0A3 of ec2)",
        ]
    );
}

/// NAT gateways are counted zone by zone, and those that failed or are gone no more.
#[tokio::test(start_paused = true)]
async fn a_zone_without_room_is_named() {
    let session = World::new().session(example("staging"));
    let ec2 = &session.cloud.aws.ec2;
    let vpc = ec2.create_vpc().cidr_block("10.0.0.0/16").send().await;
    let vpc = vpc.unwrap().vpc.unwrap().vpc_id.unwrap();
    let mut gateways = Vec::new();
    for (number, zone) in ["us-east-1a", "us-east-1b"].into_iter().enumerate() {
        let subnet = ec2.create_subnet().vpc_id(&vpc).availability_zone(zone);
        let subnet = subnet
            .cidr_block(format!("10.0.{number}.0/24"))
            .send()
            .await;
        let subnet = subnet.unwrap().subnet.unwrap().subnet_id.unwrap();
        for _ in 0..5 {
            let private = ConnectivityType::Private;
            let gateway = ec2.create_nat_gateway().connectivity_type(private);
            let gateway = gateway.subnet_id(&subnet).send().await.unwrap();
            gateways.push(gateway.nat_gateway.unwrap().nat_gateway_id.unwrap());
        }
    }
    let one_more = ec2.delete_nat_gateway().nat_gateway_id(&gateways[0]);
    one_more.send().await.unwrap();
    session.cloud.clock.sleep(Duration::from_secs(600)).await;
    let obstacles = preflight(&session).await.expect_err("obstacles");
    let named: Vec<_> = obstacles
        .shortages
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        named,
        ["NAT gateways in us-east-1b: 5 of 5 are taken, and it makes 1 (quota L-FE5A380F of vpc)"]
    );
}

/// What stands already takes no more room.
#[tokio::test(start_paused = true)]
async fn what_stands_already_needs_no_more_room() {
    let world = World::new();
    let session = world.session(example("demo"));
    apply(&session).await;
    let ec2 = &session.cloud.aws.ec2;
    for number in 0..4 {
        let vpc = ec2.create_vpc().cidr_block(format!("10.{number}.0.0/16"));
        vpc.send().await.unwrap();
        ec2.allocate_address().send().await.unwrap();
    }
    let mut other = session;
    other.environment.owner = Some("delivery".to_owned());
    preflight(&other).await.expect("no obstacles");
}
