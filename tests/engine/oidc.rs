//! A cluster that IAM knows as an OpenID Connect provider, and roles that trust the tokens of its service accounts.

use std::error::Error;

use groundwork::ops::{self, Confirmed, Session};
use groundwork::plan::Goal;
use serde_json::{Value, json};

use crate::common::{Silence, Steps, World, apply, carry_out, never_stopped, remembered};
use crate::guest::agreed;

const FILE: &str = r#"
[environment]
name = "tokens"
region = "us-east-1"

[cloud]
provider = "sandbox"

[network]
cidr = "10.40.0.0/16"
nat = "single"

[bootstrap.ingress]
controller = "traefik"

[cluster.node_groups.default]
instance_types = ["t3.medium"]
"#;

const PROVIDER: &str = "[cluster]\noidc_provider = true\n";

const READER: &str = r#"
[cluster.identities.reader]
namespace = "shop"
service_account = "reader"
policies = ["AmazonS3ReadOnlyAccess"]
by = "oidc"
"#;

fn session(world: &World, more: &str) -> Session {
    world.session_of("tokens", &format!("{more}{FILE}"))
}

/// The ARNs of IAM's OpenID Connect providers.
async fn providers(session: &Session) -> Vec<String> {
    let call = session.cloud.aws.iam.list_open_id_connect_providers();
    let listed = call.send().await.unwrap();
    let listed = listed.open_id_connect_provider_list().iter();
    listed
        .filter_map(|one| one.arn().map(str::to_owned))
        .collect()
}

/// Destroys all of it, and gives what went when.
async fn torn_down(session: &Session) -> Steps {
    let planned = session.plan(Goal::Destroy).await.unwrap();
    let (gone, nothing) = (Steps::default(), Confirmed::default());
    let teardown = ops::destroy(session, &planned, &nothing, &gone, never_stopped()).await;
    let teardown = teardown.unwrap();
    assert!(teardown.report.is_complete(), "{:#?}", teardown.report);
    assert_eq!(teardown.remains, []);
    gone
}

#[tokio::test(start_paused = true)]
async fn roles_trust_its_service_accounts_as_long_as_anything_runs_in_it() {
    let world = World::new();
    let session = session(&world, &format!("{PROVIDER}{READER}"));
    apply(&session).await;
    let again = session.plan(Goal::Apply).await.unwrap();
    assert!(
        again.plan.is_empty(),
        "{:#?}",
        again.plan.work().collect::<Vec<_>>()
    );

    let state = remembered(&session).unwrap();
    let outputs = ops::outputs(&session.environment, &state);
    let provider = &outputs["cluster.oidc_provider"];
    assert_eq!(providers(&session).await.join(" "), *provider);
    let role = "arn:aws:iam::123456789012:role/tokens-reader";
    assert_eq!(outputs["identity.reader.role"], role);
    let call = session.cloud.aws.iam.get_role().role_name("tokens-reader");
    let role = call.send().await.unwrap().role.unwrap();
    let trust = role.assume_role_policy_document().unwrap();
    let trust = percent_encoding::percent_decode_str(trust)
        .decode_utf8()
        .unwrap();
    let trust: Value = serde_json::from_str(&trust).unwrap();
    let issuer = provider.split_once(":oidc-provider/").unwrap().1;
    assert!(
        issuer.starts_with("oidc.eks.us-east-1.amazonaws.com/id/"),
        "{issuer}"
    );
    assert_eq!(
        trust["Statement"],
        json!([{
            "Effect": "Allow",
            "Principal": {"Federated": provider},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {
                (format!("{issuer}:aud")): "sts.amazonaws.com",
                (format!("{issuer}:sub")): "system:serviceaccount:shop:reader",
            }},
        }])
    );
    // Nobody hands these pods an identity.
    let listed = session.cloud.aws.eks.list_pod_identity_associations();
    let listed = listed.cluster_name("tokens").send().await.unwrap();
    assert_eq!(listed.associations(), []);

    let gone = torn_down(&session).await;
    assert_eq!(providers(&session).await, Vec::<String>::new());
    gone.come_in_order(&[
        "finished cluster.workloads",
        "finished cluster.role.identity.reader",
        "finished cluster.oidc-provider",
        "finished cluster.control-plane",
    ]);
    gone.come_in_order(&[
        "finished bootstrap.ingress.service.traefik",
        "finished cluster.role.identity.reader",
    ]);
}

/// Roles that others made may trust it, and what runs in the cluster may act by them.
#[tokio::test(start_paused = true)]
async fn a_provider_that_no_role_of_ours_trusts_stays_as_long() {
    let world = World::new();
    apply(&session(&world, PROVIDER)).await;
    let without = FILE.replace("[bootstrap.ingress]\ncontroller = \"traefik\"\n", "");
    let without = world.session_of("tokens", &without);
    let planned = without.plan(Goal::Apply).await.unwrap();
    let (gone, consent) = (Steps::default(), agreed(&["bootstrap.namespace.traefik"]));
    let report = ops::apply(&without, &planned, &consent, &gone, never_stopped()).await;
    let report = report.unwrap();
    assert!(report.is_complete(), "{report:#?}");
    gone.come_in_order(&[
        "finished bootstrap.ingress.service.traefik",
        "finished cluster.oidc-provider",
    ]);
}

/// Other tools make a provider for a cluster as well. It is theirs.
#[tokio::test(start_paused = true)]
async fn one_that_somebody_else_made_is_refused_and_stays() {
    let world = World::new();
    let without = session(&world, "");
    apply(&without).await;
    let (aws, name) = (&without.cloud.aws, "tokens");
    let cluster = aws.eks.describe_cluster().name(name).send().await.unwrap();
    let oidc = cluster
        .cluster()
        .unwrap()
        .identity()
        .unwrap()
        .oidc()
        .unwrap();
    let call = aws.iam.create_open_id_connect_provider();
    let call = call
        .url(oidc.issuer().unwrap())
        .client_id_list("sts.amazonaws.com");
    call.send().await.unwrap();
    let before = providers(&without).await;

    let with = session(&world, PROVIDER);
    let planned = with.plan(Goal::Apply).await.unwrap();
    let nothing = Confirmed::default();
    let report = ops::apply(&with, &planned, &nothing, &Silence, never_stopped())
        .await
        .unwrap();
    let [(address, error)] = report.failed.as_slice() else {
        panic!("{:#?}", report.failed);
    };
    assert_eq!(address.as_str(), "cluster.oidc-provider");
    let cause = error.source().unwrap().to_string();
    assert!(cause.contains("EntityAlreadyExists"), "{cause}");

    let planned = without.plan(Goal::Apply).await.unwrap();
    carry_out(&without, &planned).await;
    crate::common::destroy(&without).await;
    assert_eq!(providers(&without).await, before);
}
