//! The policy that a file's runs need is held to the calls that the program makes, both ways.

use std::collections::BTreeSet;
use std::path::Path;

use groundwork::environment::Environment;
use groundwork::environment::model::StateBackend;
use groundwork::permissions::{LONGEST, policy};
use groundwork::resources::kinds;

use crate::bench::staging;
use crate::common::{World, apply, destroy, example, read};
use crate::layers::rust_files;
use crate::shared::trim_agent;

/// Where a service's calls and its IAM actions go by other names.
const RENAMED: [(&str, &str); 1] = [("tagging", "tag")];

/// What no policy can withhold.
const FREE: &str = "sts:GetCallerIdentity";

/// What AWS asks for beside the calls themselves, by its Service Authorization Reference.
const BESIDE: [(&str, &str); 3] = [
    (
        "iam:PassRole",
        "CreateCluster and CreateNodegroup hand a role on",
    ),
    (
        "iam:CreateServiceLinkedRole",
        "the first of its sort in an account",
    ),
    (
        "rds:CreateDBSnapshot",
        "DeleteDBInstance with a final snapshot",
    ),
];

/// Pairs of texts in the source that name an error of a service.
const ERRORS: [&str; 2] = ["MalformedPolicyDocument", "InvalidDBInstanceState"];

fn action(service: &str, operation: &str) -> String {
    let renamed = RENAMED.iter().find(|(call, _)| *call == service);
    let service = renamed.map_or(service, |(_, prefix)| prefix);
    format!("{service}:{operation}")
}

fn granted(environment: &Environment) -> BTreeSet<String> {
    let statements = policy(environment).statement.into_iter();
    statements.flat_map(|statement| statement.action).collect()
}

/// Every call that the source names: each is made with the service and operation that an error of it tells.
fn named() -> BTreeSet<String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let callers = ["resources", "observe", "ops", "cloud", "cli"].map(|layer| source.join(layer));
    let files = callers.iter().flat_map(|folder| rust_files(folder));
    let mut found = BTreeSet::new();
    for path in files.filter(|path| !crate::layers::only_tests(path)) {
        let text = read(&path);
        let code = text.split("#[cfg(test)]\nmod tests {").next();
        let texts: Vec<&str> = code.unwrap_or(&text).split('"').collect();
        for window in texts.windows(3) {
            let [service, between, operation] = window else {
                continue;
            };
            let is_service = SERVICES.contains(service) && between.trim() == ",";
            let is_operation = operation.starts_with(|sign: char| sign.is_ascii_uppercase())
                && !operation.ends_with("Exception")
                && !operation.contains('.')
                && !ERRORS.contains(operation);
            if is_service && is_operation {
                found.insert(action(service, operation));
            }
        }
    }
    found
}

const SERVICES: [&str; 13] = [
    "ec2",
    "ecr",
    "eks",
    "elasticache",
    "elasticloadbalancing",
    "iam",
    "logs",
    "rds",
    "route53",
    "secretsmanager",
    "servicequotas",
    "sts",
    "tagging",
];

#[test]
fn what_is_called_is_granted_and_nothing_else() {
    let mut wanted = named();
    assert!(wanted.remove(FREE), "{wanted:#?}");
    wanted.extend(BESIDE.map(|(action, _)| action.to_owned()));
    let granted = granted(&staging());
    let missing: Vec<_> = wanted.difference(&granted).collect();
    let idle: Vec<_> = granted.difference(&wanted).collect();
    assert!(
        missing.is_empty() && idle.is_empty(),
        "missing: {missing:#?}, idle: {idle:#?}"
    );
}

/// What no work is checked against: what was done before there is a plan, what only teardowns need, what AWS does by itself
/// where it is not there yet, and `Names`, which is about a zone whose id is not known from the file.
const NOT_ASKED: [&str; 8] = [
    "FinalSnapshots",
    "LeftoverBalancers",
    "Leftovers",
    "Look",
    "Names",
    "ServiceRoles",
    "State",
    "StateHistory",
];

#[test]
fn each_statement_is_asked_for_by_some_kinds_work() {
    let mut environment = staging();
    environment.load_balancer_names[0].public_zone = Some("msur-vpc.com".to_owned());
    environment.state = StateBackend::S3 {
        bucket: "acme".to_owned(),
        prefix: String::new(),
    };
    let statements = policy(&environment).statement.into_iter();
    let unasked = statements.filter(|statement| {
        let mut kinds = kinds().iter();
        !kinds.any(|kind| statement.is_needed_for(kind.name()))
    });
    let mut unasked: Vec<_> = unasked.map(|statement| statement.sid).collect();
    unasked.sort_unstable();
    assert_eq!(unasked, NOT_ASKED);
}

/// What a file does not ask for it is not granted, and its whole life does without.
#[tokio::test(start_paused = true)]
async fn a_life_asks_for_nothing_that_is_not_granted() {
    for environment in [example("demo"), example("staging")] {
        let mut allowed = granted(&environment);
        allowed.insert(FREE.to_owned());
        let world = World::new();
        let mut session = world.session(environment);
        trim_agent(&mut session);
        apply(&session).await;
        destroy(&session).await;
        let requests = world.sandbox.faults().requests().into_iter();
        let asked = requests.filter(|(service, ..)| service != "kubernetes");
        let asked: BTreeSet<_> = asked
            .map(|(service, operation, _)| action(&service, &operation))
            .collect();
        let missing: Vec<_> = asked.difference(&allowed).collect();
        assert!(missing.is_empty(), "{missing:#?}");
        assert!(asked.len() > 80, "{asked:#?}");
    }
}

#[test]
fn only_what_the_file_names_is_touched() {
    let mut environment = staging();
    environment.account = Some("111122223333".to_owned());
    let policy = policy(&environment);
    let on = |sid: &str| {
        let found = policy
            .statement
            .iter()
            .find(|statement| statement.sid == sid);
        found
            .unwrap_or_else(|| panic!("no {sid}"))
            .resource
            .join(" ")
    };
    assert_eq!(
        on("Cluster"),
        "arn:aws:eks:us-east-1:111122223333:cluster/ms-cluster-staging arn:aws:eks:us-east-1:111122223333:nodegroup/ms-cluster-staging/* arn:aws:eks:us-east-1:111122223333:access-entry/ms-cluster-staging/* arn:aws:eks:us-east-1:111122223333:addon/ms-cluster-staging/* arn:aws:eks:us-east-1:111122223333:podidentityassociation/ms-cluster-staging/*"
    );
    assert_eq!(
        on("Secrets"),
        "arn:aws:secretsmanager:us-east-1:111122223333:secret:staging/mysql-password-??????"
    );
    assert_eq!(
        on("Groups"),
        "arn:aws:iam::111122223333:group/groundwork/staging/us-east-1/*/DB-Ops"
    );
    assert_eq!(
        on("Registries"),
        "arn:aws:ecr:us-east-1:111122223333:repository/ms-flights"
    );
    let everywhere: Vec<_> = (policy.statement.iter())
        .filter(|statement| statement.resource == ["*"])
        .map(|statement| statement.sid)
        .collect();
    assert_eq!(everywhere, ["Look", "NewZone"]);
    environment.load_balancer_names[0].public_zone = Some("msur-vpc.com".to_owned());
    let with_names = groundwork::permissions::policy(&environment);
    let names = (with_names.statement.iter()).find(|statement| statement.sid == "Names");
    let condition = names.expect("a statement").condition.as_ref();
    assert_eq!(
        condition.expect("a condition")["ForAllValues:StringEquals"]["route53:ChangeResourceRecordSetsNormalizedRecordNames"],
        serde_json::json!(["\\052.staging.msur-vpc.com"])
    );
    environment.state = StateBackend::S3 {
        bucket: "acme".to_owned(),
        prefix: "environments".to_owned(),
    };
    let in_a_bucket = groundwork::permissions::policy(&environment);
    let state = in_a_bucket
        .statement
        .iter()
        .find(|statement| statement.sid == "State");
    assert_eq!(
        state.expect("a statement").resource,
        ["arn:aws:s3:::acme/environments/*"]
    );
    environment.databases.clear();
    let without = granted(&environment);
    assert!(
        !without.contains("rds:CreateDBInstance") && without.contains("rds:DescribeDBInstances")
    );
}

/// A policy that IAM does not take is of no use.
#[test]
fn iam_takes_it() {
    for environment in [example("demo"), staging()] {
        let length = serde_json::to_string(&policy(&environment)).unwrap().len();
        assert!(length <= LONGEST, "{length}");
    }
}
