//! A cluster that ends in an apply is quieted and swept as in a teardown; what is in it goes only with consent.

use std::collections::BTreeSet;

use groundwork::address::Address;
use groundwork::cloud::Cloud;
use groundwork::environment::Environment;
use groundwork::event::{Event, Listener};
use groundwork::ops::{self, Confirmed, Error, Planned, Session};
use groundwork::plan::{Danger, Goal};
use groundwork::sandbox::faults::{Misbehaviour, Stop};

use tokio::sync::watch;

use super::planted::{log_group, volume, volumes_and_logs};
use super::*;
use crate::common::carry_out_with;

const NAMESPACE: &str = "\n[bootstrap]\nnamespaces = [\"shop\"]\n";

/// The environment after somebody worked in its cluster, and what is there that nobody here made.
async fn worked_in(world: &World) -> (Session, BTreeSet<String>) {
    let session = world.session(environment(world, NAMESPACE));
    apply(&session).await;
    volume(&session.cloud, &[("kubernetes.io/cluster/other", "owned")]).await;
    volume(&session.cloud, &[("ebs.csi.aws.com/cluster", "true")]).await;
    log_group(&session.cloud, "/aws/eks/tear2/cluster").await;
    let mut others: BTreeSet<String> = volumes_and_logs(&session.cloud).await.into_iter().collect();
    assert!(others.remove("/aws/eks/tear/cluster") && others.len() == 3);
    kubernetes(world, "POST", SERVICE, balanced("web")).await;
    let sets = "/apis/apps/v1/namespaces/default/statefulsets";
    kubernetes(world, "POST", sets, stateful()).await;
    world.sandbox.sleep(Duration::from_secs(300)).await;
    assert_eq!(balancers(&session.cloud).await.len(), 1);
    assert_eq!(volumes_and_logs(&session.cloud).await.len(), 5);
    (session, others)
}

async fn balancers(cloud: &Cloud) -> Vec<String> {
    let listed = cloud.aws.load_balancers.describe_load_balancers();
    let listed = listed.send().await.unwrap();
    let names = listed.load_balancers().iter();
    names
        .map(|one| one.load_balancer_name().unwrap().to_owned())
        .collect()
}

/// Security groups and target groups that Kubernetes made.
async fn made_by_kubernetes(cloud: &Cloud) -> Vec<String> {
    let targets = cloud.aws.load_balancers.describe_target_groups();
    let targets = targets.send().await.unwrap();
    let targets = targets.target_groups().iter();
    let targets = targets.filter_map(|one| one.target_group_name());
    let groups = cloud.aws.ec2.describe_security_groups();
    let groups = groups.send().await.unwrap();
    let groups = groups.security_groups().iter();
    let groups = groups.filter_map(|one| one.group_name());
    let groups = groups.filter(|name| name.starts_with("k8s-"));
    targets.chain(groups).map(str::to_owned).collect()
}

/// The same file without its cluster.
fn without_cluster(world: &World) -> Environment {
    let mut environment = environment(world, "");
    (environment.cluster, environment.bootstrap) = (None, None);
    environment
}

/// The same file with a cluster of another name, which can't be changed.
fn with_another(world: &World) -> Environment {
    let mut environment = environment(world, NAMESPACE);
    let cluster = environment.cluster.as_mut().unwrap();
    "tear-anew".clone_into(&mut cluster.name);
    environment
}

fn lost(planned: &Planned) -> Confirmed {
    let lost = planned.plan.work();
    let lost = lost.filter(|action| action.danger == Some(Danger::LosesData));
    Confirmed {
        data_loss: lost.map(|action| action.address.clone()).collect(),
    }
}

async fn is_swept(session: &Session, others: &BTreeSet<String>) {
    assert_eq!(balancers(&session.cloud).await, Vec::<String>::new());
    assert_eq!(
        made_by_kubernetes(&session.cloud).await,
        Vec::<String>::new()
    );
    let left = volumes_and_logs(&session.cloud).await.into_iter();
    let left: BTreeSet<String> = left
        .filter(|it| it != "/aws/eks/tear-anew/cluster")
        .collect();
    assert_eq!(left, *others);
    let again = session.plan(Goal::Apply).await.unwrap();
    assert!(
        again.plan.is_empty(),
        "{:#?}",
        again.plan.work().collect::<Vec<_>>()
    );
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_the_file_drops_or_replaces_leaves_nothing_behind() {
    for edit in [without_cluster, with_another] {
        let world = World::new();
        let (session, others) = worked_in(&world).await;
        let edited = world.session(edit(&world));
        let planned = edited.plan(Goal::Apply).await.unwrap();
        let found = reason(&planned, "cluster.workloads");
        for object in [
            "service/default/web",
            "persistentvolumeclaim/default/data-db-0",
        ] {
            assert!(found.contains(object), "{object} is not in: {found}");
        }
        let confirmed = lost(&planned);
        carry_out_with(&edited, &planned, &confirmed).await;
        is_swept(&edited, &others).await;
        drop(session);
    }
}

/// Volumes are claimed in clusters and namespaces, so that these hold data wherever they go.
#[tokio::test(start_paused = true)]
async fn clusters_and_namespaces_go_only_with_consent() {
    let world = World::new();
    let (session, _) = worked_in(&world).await;
    let mut without_namespace = environment(&world, NAMESPACE);
    without_namespace.bootstrap = None;
    let cluster = ["cluster.control-plane", "cluster.log-group"];
    for (file, addresses) in [
        (without_namespace, &["bootstrap.namespace.shop"][..]),
        (without_cluster(&world), &cluster),
        (with_another(&world), &cluster),
    ] {
        let edited = world.session(file);
        let planned = edited.plan(Goal::Apply).await.unwrap();
        let addresses: Vec<Address> = addresses.iter().map(|a| a.parse().unwrap()).collect();
        let action = planned.plan.action(&addresses[0]).unwrap();
        assert!(
            action
                .reason
                .ends_with("every volume that is claimed in it")
        );
        assert_eq!(lost(&planned).data_loss, addresses);
        let changes = world.sandbox.faults().changes();
        let nobody = Confirmed::default();
        let applied = ops::apply(&edited, &planned, &nobody, &Silence, never_stopped()).await;
        let Err(Error::DataLoss(refused)) = applied else {
            panic!("{addresses:?} go without consent");
        };
        assert_eq!(refused, addresses);
        assert_eq!(world.sandbox.faults().changes(), changes);
    }
    // Destroying says it with its name.
    let planned = session.plan(Goal::Destroy).await.unwrap();
    run(&session, &planned).await;
}

#[tokio::test(start_paused = true)]
async fn a_cluster_whose_end_is_cut_off_anywhere_is_swept_by_the_next_apply() {
    let world = World::new();
    let (session, others) = worked_in(&world).await;
    // What no object in the cluster speaks of is left to the sweep.
    volume(&session.cloud, &[("kubernetes.io/cluster/tear", "owned")]).await;
    let whole = twin(&world);
    let session = whole.session(without_cluster(&whole));
    let planned = session.plan(Goal::Apply).await.unwrap();
    carry_out_with(&session, &planned, &lost(&planned)).await;
    is_swept(&session, &others).await;
    let changes = whole.sandbox.faults().changes();
    assert!(changes > 10, "only {changes} changes");

    for number in (1..=changes).step_by(5) {
        let stop = if number % 2 == 1 {
            Stop::Before(number)
        } else {
            Stop::After(number)
        };
        let cut = twin(&world);
        let session = cut.session(without_cluster(&cut));
        let planned = session.plan(Goal::Apply).await.unwrap();
        cut.sandbox.faults().set(Misbehaviour {
            stop: Some(stop),
            ..Misbehaviour::default()
        });
        let confirmed = lost(&planned);
        let ended = ops::apply(&session, &planned, &confirmed, &Silence, never_stopped()).await;
        assert!(
            !ended.is_ok_and(|report| report.is_complete()),
            "{stop:?} of {changes}"
        );
        cut.sandbox.faults().set(Misbehaviour::default());
        let planned = session.plan(Goal::Apply).await.unwrap();
        carry_out_with(&session, &planned, &lost(&planned)).await;
        is_swept(&session, &others).await;
    }
}

/// Asks for an end as soon as the cluster is gone.
struct Interrupt(watch::Sender<bool>);

impl Listener for Interrupt {
    fn hear(&self, event: &Event) {
        if let Event::Finished { address, .. } = event
            && address.as_str() == "cluster.control-plane"
        {
            self.0.send_replace(true);
        }
    }
}

/// Once the cluster is gone and forgotten nothing else tells that it is to be swept up after.
#[tokio::test(start_paused = true)]
async fn a_cluster_that_ended_before_its_sweep_began_is_swept_by_the_next_apply() {
    let world = World::new();
    let (session, others) = worked_in(&world).await;
    volume(&session.cloud, &[("kubernetes.io/cluster/tear", "owned")]).await;
    let session = world.session(without_cluster(&world));
    let planned = session.plan(Goal::Apply).await.unwrap();
    let (stop, stopped) = watch::channel(false);
    let interrupt = Interrupt(stop);
    let confirmed = lost(&planned);
    let report = ops::apply(&session, &planned, &confirmed, &interrupt, stopped).await;
    assert!(!report.unwrap().is_complete());
    let clusters = session.cloud.aws.eks.list_clusters().send().await.unwrap();
    assert_eq!(clusters.clusters().len(), 0);
    assert!(volumes_and_logs(&session.cloud).await.len() > others.len());
    let planned = session.plan(Goal::Apply).await.unwrap();
    carry_out_with(&session, &planned, &lost(&planned)).await;
    is_swept(&session, &others).await;
}
