//! Nodes that don't join: EKS says so after twenty minutes, and we within five, with what to do about it.

use std::cell::Cell;
use std::time::Duration;

use aws_sdk_ec2::types::Filter;
use futures::future::LocalBoxFuture;
use groundwork::cloud::Clients;
use groundwork::environment::Environment;
use groundwork::event::{Event, Listener};
use groundwork::ops::{Confirmed, apply};
use groundwork::plan::Goal;
use tokio::time::{Instant, sleep};

use crate::common::{World, example, never_stopped};
use crate::shared::trim_agent;

const CLUSTER: &str = "ms-cluster-staging";
const NODES: &str = "microservices";
const ROLE: &str = "ms-cluster-staging-worker";
const ADDRESS: &str = "cluster.node-group.microservices";

/// Notes how long the node group took to fail.
#[derive(Default)]
struct Watch(std::sync::Mutex<(Option<Instant>, Option<Duration>)>);

impl Listener for Watch {
    fn hear(&self, event: &Event) {
        let mut seen = self.0.lock().expect("no test panics here");
        match event {
            Event::Started { address, .. } if address.as_str() == ADDRESS => {
                seen.0 = Some(Instant::now());
            }
            Event::Failed { address, .. } if address.as_str() == ADDRESS => {
                seen.1 = seen.0.map(|begun| begun.elapsed());
            }
            _ => {}
        }
    }
}

/// Brings staging up while somebody breaks something as soon as the node group is being made; gives what is told of it.
async fn told(
    environment: Environment,
    breaks: impl Fn(Clients) -> LocalBoxFuture<'static, ()>,
) -> String {
    let world = World::new();
    let mut session = world.session(environment);
    trim_agent(&mut session);
    let aws = session.cloud.aws.clone();
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    let (watch, nothing) = (Watch::default(), Confirmed::default());
    let broken = Cell::new(false);
    let hands = async {
        loop {
            let call = aws.eks.describe_nodegroup().cluster_name(CLUSTER);
            if call.nodegroup_name(NODES).send().await.is_ok() {
                break;
            }
            sleep(Duration::from_secs(2)).await;
        }
        breaks(aws.clone()).await;
        broken.set(true);
    };
    let run = apply(&session, &planned, &nothing, &watch, never_stopped());
    let (report, ()) = futures::join!(run, hands);
    assert!(broken.get());
    let report = report.expect("a run");
    let mut failed = report.failed.iter();
    let failed = failed.find(|(address, _)| address.as_str() == ADDRESS);
    let (_, error) = failed.unwrap_or_else(|| panic!("the nodes joined: {:#?}", report.failed));
    let took = watch.0.lock().expect("no test panics here").1;
    let took = took.expect("it was heard to fail");
    assert!(took < Duration::from_secs(300), "it took {took:?}");
    error.to_string()
}

#[tokio::test(start_paused = true)]
async fn missing_rights_are_named() {
    let told = told(example("staging"), |aws| {
        Box::pin(async move {
            let call = aws.iam.detach_role_policy().role_name(ROLE);
            let call = call.policy_arn("arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy");
            call.send().await.expect("it is detached");
        })
    });
    let told = told.await;
    let expected = "the nodes' role ms-cluster-staging-worker has no AmazonEKS_CNI_Policy";
    assert!(told.contains(expected), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_missing_access_entry_is_named() {
    let told = told(example("staging"), |aws| {
        Box::pin(async move {
            let call = aws.eks.delete_access_entry().cluster_name(CLUSTER);
            let role = format!("arn:aws:iam::123456789012:role/{ROLE}");
            call.principal_arn(role).send().await.expect("it is gone");
        })
    });
    let told = told.await;
    let expected = "no access entry lets the nodes' role in: `aws eks create-access-entry";
    assert!(told.contains(expected), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_missing_route_is_named() {
    let told = told(example("staging"), |aws| {
        Box::pin(async move {
            let ours = Filter::builder()
                .name("tag:Name")
                .values("*private*")
                .build();
            let tables = aws.ec2.describe_route_tables().filters(ours).send().await;
            for table in tables.expect("tables").route_tables() {
                let call = aws.ec2.delete_route().destination_cidr_block("0.0.0.0/0");
                let call = call.route_table_id(table.route_table_id().expect("an id"));
                call.send().await.expect("it is gone");
            }
        })
    });
    let told = told.await;
    assert!(
        told.contains("has no way out: its route table rtb-"),
        "{told}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_lack_of_addresses_is_named() {
    let mut environment = example("staging");
    let network = environment.network.as_mut().expect("a network");
    for (key, block) in [
        ("private-a", "10.10.128.0/27"),
        ("private-b", "10.10.192.0/27"),
    ] {
        let subnet = network.subnets.get_mut(key).expect("a subnet");
        subnet.cidr = block.parse().expect("a block");
    }
    let cluster = environment.cluster.as_mut().expect("a cluster");
    let nodes = cluster.node_groups.get_mut(NODES).expect("nodes");
    (nodes.desired, nodes.max) = (80, 80);
    let told = told(environment, |_| Box::pin(async {})).await;
    assert!(told.contains("no address is free in subnet-"), "{told}");
}
