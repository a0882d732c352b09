//! How much simulated time apply and destroy of the example environments take, next to a floor.
//!
//! The floor is added up by hand from the durations that FACTS.md gives, along the chains that nature imposes.
//! It knows nothing of our own graph, so a dependency too many shows. Polling is included in our figures.
#![expect(
    clippy::disallowed_macros,
    reason = "a table for whoever runs the benchmark"
)]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use groundwork::environment::model::Flavour;
use groundwork::event::{Event, Listener};
use groundwork::ops::{self, Confirmed, Session};
use groundwork::plan::Goal;
use groundwork::resources::bootstrap::Published;
use groundwork::sandbox::durations::{
    DB_INSTANCE_DELETE, EKS_CLUSTER_CREATE, EKS_CLUSTER_DELETE, LOAD_BALANCER_DELETE,
    NETWORK_PENDING, NODE_GROUP_CREATE, NODE_GROUP_DELETE, POD_READY,
};
use groundwork::sandbox::{Sandbox, stand_ins, time::ClockSource};
use groundwork::sensitive::Sensitive;
use groundwork::state::Store;
use tokio::sync::watch;

/// VPC, then subnets, then control plane, then nodes, then the pods that the deploy agent runs in.
const APPLY_FLOOR: u64 =
    NETWORK_PENDING + NETWORK_PENDING + EKS_CLUSTER_CREATE + NODE_GROUP_CREATE + POD_READY;

/// The load balancer, whose controller may run on the nodes, then the nodes, then the control plane. The database, the
/// cache and the NAT gateways go meanwhile; the rest takes no time.
const DESTROY_FLOOR: u64 = LOAD_BALANCER_DELETE + NODE_GROUP_DELETE + EKS_CLUSTER_DELETE;
const _: () = assert!(DESTROY_FLOOR > DB_INSTANCE_DELETE);

/// How much longer than the floor a run may take.
const LIMIT: f64 = 0.05;

struct Silence;

impl Listener for Silence {
    fn hear(&self, _event: &Event) {}
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    println!(
        "{:<10} {:<8} {:>8} {:>8} {:>7}",
        "", "", "floor s", "ours s", "over"
    );
    for name in ["demo", "staging"] {
        measure(name).await?;
    }
    Ok(())
}

async fn measure(name: &str) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let sandbox = Sandbox::open(folder.path().join("sandbox"), ClockSource::Virtual);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("environments/{name}.toml"));
    let environment = groundwork::environment::load(&file, None)?;
    let account = "123456789012".to_owned();
    let session = Session {
        cloud: sandbox.cloud(&environment.region),
        store: Store::local(folder.path(), "sandbox", &account, name),
        account,
        variables: BTreeMap::from([(
            "MYSQL_PASSWORD".to_owned(),
            Sensitive::new("benchmark-password"),
        )]),
        published: Some(Published {
            agent: stand_ins::argocd(Flavour::Full)?,
            ..Published::default()
        }),
        environment,
    };
    let (_stop, never) = watch::channel(false);

    let planned = session.plan(Goal::Apply).await?;
    let begun = session.cloud.clock.now();
    let report = ops::apply(
        &session,
        &planned,
        &Confirmed::default(),
        &Silence,
        never.clone(),
    )
    .await?;
    print_row(
        name,
        "apply",
        APPLY_FLOOR,
        session.cloud.clock.now().duration_since(begun).as_secs(),
        report.is_complete(),
    )?;

    let planned = session.plan(Goal::Destroy).await?;
    let begun = session.cloud.clock.now();
    let teardown = ops::destroy(&session, &planned, &Confirmed::default(), &Silence, never).await?;
    let complete = teardown.report.is_complete() && teardown.remains.is_empty();
    print_row(
        name,
        "destroy",
        DESTROY_FLOOR,
        session.cloud.clock.now().duration_since(begun).as_secs(),
        complete,
    )
}

/// Prints a row; an error when the run did not come to its end, or took too long.
fn print_row(
    name: &str,
    operation: &str,
    floor: u64,
    ours: i64,
    complete: bool,
) -> Result<(), Box<dyn Error>> {
    let over = ours as f64 / floor as f64 - 1.0;
    println!(
        "{name:<10} {operation:<8} {floor:>8} {ours:>8} {:>+6.1}%",
        over * 100.0
    );
    if !complete {
        return Err(format!("{operation} of {name} did not come to its end").into());
    }
    if over > LIMIT {
        return Err(format!("{operation} of {name} takes too long").into());
    }
    Ok(())
}
