//! A bench for kinds: brings what a file asks for into being in the sandbox, through the same contract as the
//! engine, and tells what differs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use jiff::Timestamp;
use serde_json::Value;

use super::bootstrap::Published;
use super::inventory::Inventory;
use super::network::{filter, vpc};
use super::{
    Change, Condition, Context, Desired, Fields, Kind, Observed, Order, Ownership, Variables,
    Wanted, kind, kinds, resolve,
};
use crate::address::Address;
use crate::clock::Clock;
use crate::cloud::{Clients, Cloud, ClusterEndpoint, Connector, Fault};
use crate::environment::model::Flavour;
use crate::environment::{Environment, parse};
use crate::graph::Graph;
use crate::sandbox::faults::Misbehaviour;
use crate::sandbox::time::ClockSource;
use crate::sandbox::{Sandbox, stand_ins};
use crate::sensitive::Sensitive;
use crate::state::{Action, Entry, Fence, Recorded};

/// No action of these tests takes longer, in simulated time.
const LONGEST: Duration = Duration::from_secs(3600);

/// A sandbox, what a file asks for, and what was made of it.
pub(super) struct Bench {
    _folder: tempfile::TempDir,
    pub sandbox: Sandbox,
    pub cloud: Cloud,
    pub ownership: Ownership,
    pub variables: Variables,
    pub desired: BTreeMap<Address, Desired>,
    pub recorded: BTreeMap<Address, Recorded>,
    /// What others publish.
    pub published: Published,
    /// What was begun and not finished.
    pub open: BTreeMap<Address, Entry>,
    /// Whether everything is to go.
    pub teardown: bool,
    /// Whether what the file asks for in the cluster is looked at, too.
    in_cluster: bool,
    /// The cluster, once it is there.
    pub cluster: Option<kube::Client>,
    /// The token of the action that is under way; each action has its own.
    token: String,
    actions: u32,
}

fn environment(text: &str) -> Environment {
    let documents = |path: &str| Err(std::io::Error::other(path.to_owned()));
    parse("test.toml", text, None, &documents)
        .unwrap_or_else(|wrong| panic!("{}", wrong.render(false, 120)))
}

struct SandboxClock(tokio::time::Instant);

#[async_trait]
impl Clock for SandboxClock {
    fn now(&self) -> Timestamp {
        let passed = jiff::SignedDuration::try_from(self.0.elapsed()).expect("a short test");
        Timestamp::UNIX_EPOCH + passed
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

struct SandboxConnector(Sandbox);

#[async_trait]
impl Connector for SandboxConnector {
    async fn connect(&self, cluster: &ClusterEndpoint) -> Result<kube::Client, Fault> {
        Ok(self.0.kubernetes_client(&cluster.region, &cluster.name))
    }
}

impl Bench {
    /// An empty world, and what this file asks for.
    pub(super) fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let sandbox = Sandbox::open(folder.path(), ClockSource::Virtual);
        let environment = environment(text);
        let credentials = Credentials::new("AKIDSANDBOX", "secret", None, None, "tests");
        let config = aws_config::SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(sandbox.aws_http_client())
            .build();
        let mut bench = Self {
            _folder: folder,
            cloud: Cloud {
                aws: Clients::new(&config, &environment.region, &Fence::default()),
                connector: Arc::new(SandboxConnector(sandbox.clone())),
                visitor: Arc::new(sandbox.clone()),
                clock: Arc::new(SandboxClock(tokio::time::Instant::now())),
                fence: Fence::default(),
            },
            sandbox,
            ownership: Ownership {
                environment: environment.name.clone(),
                region: environment.region.clone(),
                lineage: "6d3f0c1e-0000-4000-8000-000000000001".to_owned(),
                expires: None,
                owner: None,
            },
            variables: ["PASSWORD", "MYSQL_PASSWORD"]
                .map(|name| (name.to_owned(), Sensitive::new("correct-horse")))
                .into(),
            desired: BTreeMap::new(),
            recorded: BTreeMap::new(),
            published: Published {
                agent: stand_ins::argocd(Flavour::Full).expect("the stand-in is YAML"),
                ..Published::default()
            },
            open: BTreeMap::new(),
            teardown: false,
            in_cluster: false,
            cluster: None,
            token: String::new(),
            actions: 0,
        };
        bench.begin();
        bench.ask(text);
        bench
    }

    /// The same, with what the file asks for in the cluster.
    pub(super) fn in_cluster(text: &str) -> Self {
        let mut bench = Self::new(text);
        bench.in_cluster = true;
        bench.ask(text);
        bench
    }

    /// The kinds that are looked at.
    fn kinds(&self) -> impl Iterator<Item = &'static dyn Kind> {
        let in_cluster = self.in_cluster;
        let kinds = kinds().iter().copied();
        kinds.filter(move |kind| in_cluster || !kind.lives_in_cluster())
    }

    /// Begins another action.
    fn begin(&mut self) {
        self.actions += 1;
        self.token = format!("{:08x}-0000-4000-8000-000000000000", self.actions);
    }

    /// The file says this now.
    pub(super) fn ask(&mut self, text: &str) {
        let environment = environment(text);
        let published = &self.published;
        self.variables.extend(published.values());
        let context = Context {
            environment: &environment,
            ownership: &self.ownership,
            account: "123456789012",
            variables: &self.variables,
            published,
        };
        let desired = self.kinds().flat_map(|kind| kind.desired(&context));
        self.desired = desired.map(|d| (d.address.clone(), d)).collect();
    }

    pub(super) fn wanted(&self) -> Wanted<'_> {
        Wanted {
            ownership: &self.ownership,
            desired: &self.desired,
            recorded: &self.recorded,
            open: &self.open,
            variables: &self.variables,
            teardown: self.teardown,
        }
    }

    fn kind_at(&self, address: &Address) -> &'static dyn Kind {
        let desired = self.desired.get(address).map(|desired| desired.kind);
        let recorded = self.recorded.get(address).map(|r| r.kind.as_str());
        let name = desired.or(recorded).expect("something stands there");
        kind(name).expect("the kind is known")
    }

    /// The fields asked for, with everything known of others filled in.
    pub(super) fn fields(&self, address: &Address) -> Fields {
        let lookup = |address: &Address, output: &str| {
            self.recorded.get(address)?.outputs.get(output).cloned()
        };
        let asked = &self.desired[address].fields;
        let resolved = asked
            .iter()
            .map(|(name, value)| (name.clone(), resolve(value, &lookup)));
        resolved.collect()
    }

    /// What was asked for first, then what waits for it.
    pub(super) fn order(&self) -> Vec<Address> {
        let mut graph = Graph::default();
        for (address, desired) in &self.desired {
            graph.add(address.clone());
            for first in &desired.depends_on {
                graph.wait(address.clone(), first.clone());
            }
        }
        graph.order().expect("no ring")
    }

    /// Makes everything that the file asks for and that is not there.
    pub(super) async fn up(&mut self) {
        for address in self.order() {
            assert!(
                self.desired.contains_key(&address),
                "nobody asks for {address}"
            );
            if !self.recorded.contains_key(&address) {
                self.make(&address).await;
            }
        }
    }

    /// Makes one resource.
    pub(super) async fn make(&mut self, address: &Address) {
        self.begin();
        let id = self
            .create(address)
            .await
            .unwrap_or_else(|fault| panic!("{address}: {fault}"));
        self.converge(address, &id).await;
    }

    /// Sends the create of one resource.
    pub(super) async fn create(&self, address: &Address) -> Result<String, Fault> {
        let fields = self.fields(address);
        let order = self.order_for(address, &fields);
        self.kind_at(address).create(&self.cloud, &order).await
    }

    /// Leaves one resource as a run that was killed in its create does: begun, and perhaps not heard of.
    pub(super) fn leave_open(&mut self, address: &Address, id: Option<&str>) {
        let desired = &self.desired[address];
        let entry = Entry {
            action: Action::Create,
            kind: desired.kind.to_owned(),
            name: desired.name.clone(),
            token: self.token.clone(),
            begun: self.cloud.clock.now(),
            id: id.map(str::to_owned),
            depends_on: desired.depends_on.clone(),
            fields: self.fields(address),
        };
        self.open.insert(address.clone(), entry);
    }

    /// From now on these operations tell of the world as it is now.
    pub(super) fn late(&self, operations: &[&str]) {
        self.sandbox.faults().set(Misbehaviour {
            late_reads: operations.iter().map(|name| (*name).to_owned()).collect(),
            ..Misbehaviour::default()
        });
    }

    /// Sends the update of everything in which one resource differs.
    pub(super) async fn update(&self, address: &Address) -> Result<(), Fault> {
        let (kind, fields) = (self.kind_at(address), self.fields(address));
        let order = self.order_for(address, &fields);
        let id = &self.recorded[address].id;
        let read = kind.read(&self.cloud, &order, id).await?;
        let observed = read.expect("it is there");
        let changed = differing(kind, &fields, &observed.fields);
        kind.update(&self.cloud, &order, &observed, &changed).await
    }

    fn order_for<'a>(&'a self, address: &'a Address, fields: &'a Fields) -> Order<'a> {
        let desired = self
            .desired
            .get(address)
            .map(|desired| desired.name.as_str());
        let recorded = self
            .recorded
            .get(address)
            .map(|recorded| recorded.name.as_str());
        Order {
            address,
            name: desired.or(recorded).expect("it has a name"),
            wanted: self.wanted(),
            fields,
            token: &self.token,
            variables: &self.variables,
            cluster: self.cluster.as_ref(),
        }
    }

    /// Reads until it is ready, and updates until nothing differs.
    pub(super) async fn converge(&mut self, address: &Address, id: &str) {
        let (kind, fields) = (self.kind_at(address), self.fields(address));
        let begun = tokio::time::Instant::now();
        let observed = loop {
            assert!(begun.elapsed() < LONGEST, "{address} does not come to rest");
            let order = self.order_for(address, &fields);
            let read = kind.read(&self.cloud, &order, id).await;
            let read = read.unwrap_or_else(|fault| panic!("{address}: {fault}"));
            let observed = read.unwrap_or_else(|| panic!("{address} is not there"));
            match &observed.condition {
                Condition::Ready => {
                    let changed = differing(kind, &fields, &observed.fields);
                    if changed.is_empty() {
                        break observed;
                    }
                    let done = kind.update(&self.cloud, &order, &observed, &changed).await;
                    if let Err(fault) = done {
                        assert_eq!(
                            fault.class,
                            crate::cloud::Class::Retry,
                            "{address}: {fault}"
                        );
                    }
                }
                Condition::Settling(_) => {}
                other => panic!("{address} is {other:?}"),
            }
            tokio::time::sleep(Duration::from_secs(5)).await;
        };
        if let Some(made) = ClusterEndpoint::of(&observed.outputs) {
            self.cluster = Some(self.sandbox.kubernetes_client(&made.region, &made.name));
        }
        let desired = &self.desired[address];
        let recorded = Recorded {
            kind: desired.kind.to_owned(),
            id: observed.id,
            name: desired.name.clone(),
            fields,
            outputs: observed.outputs,
            depends_on: desired.depends_on.clone(),
            since: Timestamp::UNIX_EPOCH,
        };
        self.recorded.insert(address.clone(), recorded);
        self.begin();
    }

    /// Deletes one resource, and waits until it is gone.
    pub(super) async fn remove(&mut self, address: &Address) {
        self.begin();
        let kind = self.kind_at(address);
        let recorded = self.recorded[address].clone();
        let begun = tokio::time::Instant::now();
        let order = self.order_for(address, &recorded.fields);
        while let Err(fault) = kind.delete(&self.cloud, &order, &recorded.id).await {
            assert_eq!(
                fault.class,
                crate::cloud::Class::Retry,
                "{address}: {fault}"
            );
            assert!(
                begun.elapsed() < LONGEST,
                "{address} can't be deleted: {fault}"
            );
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        loop {
            let read = kind.read(&self.cloud, &order, &recorded.id).await;
            if read
                .unwrap_or_else(|fault| panic!("{address}: {fault}"))
                .is_none()
            {
                break;
            }
            assert!(begun.elapsed() < LONGEST, "{address} does not go");
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        // Deleting what is gone succeeds.
        kind.delete(&self.cloud, &order, &recorded.id)
            .await
            .expect("gone is gone");
        self.recorded.remove(address);
    }

    /// Deletes everything that was made, backwards.
    pub(super) async fn down(&mut self) {
        for address in self.order().into_iter().rev() {
            if self.recorded.contains_key(&address) {
                self.remove(&address).await;
            }
        }
    }

    /// Everything that one sweep finds.
    pub(super) async fn observe(&self) -> Vec<Observed> {
        let wanted = self.wanted();
        let mut inventory = Inventory::sweep(&self.cloud, &wanted).await;
        let see = |kind: &dyn Kind, inventory: &Inventory| {
            kind.observe(inventory, &wanted).expect("all is seen")
        };
        let aws = kinds().iter().filter(|kind| !kind.lives_in_cluster());
        let mut found: Vec<Observed> = aws.flat_map(|kind| see(*kind, &inventory)).collect();
        if self.in_cluster {
            let mut by_address: BTreeMap<Address, Vec<Observed>> = BTreeMap::new();
            for observed in found.clone() {
                by_address
                    .entry(observed.address.clone())
                    .or_default()
                    .push(observed);
            }
            inventory
                .look_into_cluster(&self.cloud, &wanted, &by_address)
                .await;
            let objects = kinds().iter().filter(|kind| kind.lives_in_cluster());
            found.extend(objects.flat_map(|kind| see(*kind, &inventory)));
        }
        found
    }

    /// The kinds of which a sweep can't tell what is there.
    pub(super) async fn unseen(&self) -> BTreeSet<&'static str> {
        let wanted = self.wanted();
        let inventory = Inventory::sweep(&self.cloud, &wanted).await;
        let aws = kinds().iter().filter(|kind| !kind.lives_in_cluster());
        let unseen = aws.filter(|kind| kind.observe(&inventory, &wanted).is_err());
        unseen.map(|kind| kind.name()).collect()
    }

    /// The fields that differ and would have the resource replaced.
    pub(super) fn replacing(&self, address: &Address, observed: &Observed) -> Vec<&'static str> {
        let kind = self.kind_at(address);
        let differing = differing(kind, &self.fields(address), &observed.fields);
        let fields = kind.fields().iter().filter(|field| {
            field.change == Change::Replace && differing.iter().any(|name| name == field.name)
        });
        fields.map(|field| field.name).collect()
    }

    /// What a sweep finds different from what is asked for, as `address field`, `address missing` or
    /// `address unasked`.
    pub(super) async fn differences(&self) -> BTreeSet<String> {
        let found = self.observe().await;
        let mut differences = BTreeSet::new();
        for address in self.desired.keys() {
            let Some(observed) = found.iter().find(|found| found.address == *address) else {
                differences.insert(format!("{address} missing"));
                continue;
            };
            let kind = self.kind_at(address);
            let fields = differing(kind, &self.fields(address), &observed.fields);
            differences.extend(fields.into_iter().map(|field| format!("{address} {field}")));
        }
        let unasked = found
            .iter()
            .filter(|found| !self.desired.contains_key(&found.address));
        differences.extend(unasked.map(|found| format!("{} unasked", found.address)));
        differences
    }

    /// Changes a field in the file and brings it about, and then sees the old file ask for it back: what
    /// `update` does takes effect, and what somebody does behind our back is seen.
    pub(super) async fn edits(&mut self, address: &Address, field: &str, value: Value) {
        let expected = BTreeSet::from([format!("{address} {field}")]);
        self.edits_with(address, &[(field, value)], &expected).await;
    }

    /// The same for fields that change together.
    pub(super) async fn edits_with(
        &mut self,
        address: &Address,
        edits: &[(&str, Value)],
        expected: &BTreeSet<String>,
    ) {
        let before = self.desired[address].clone();
        let id = self.recorded[address].id.clone();
        let mut after = before.clone();
        for (field, value) in edits {
            after.fields.insert((*field).to_owned(), value.clone());
        }
        self.desired.insert(address.clone(), after);
        assert_eq!(self.differences().await, *expected, "the file was edited");
        self.converge(address, &id).await;
        assert_eq!(
            self.differences().await,
            BTreeSet::new(),
            "the edit was made"
        );
        self.desired.insert(address.clone(), before);
        assert_eq!(
            self.differences().await,
            *expected,
            "it was changed behind our back"
        );
        self.converge(address, &id).await;
        assert_eq!(self.differences().await, BTreeSet::new(), "it was put back");
    }

    /// The tags asked for and one more, for [`Bench::edits`].
    pub(super) fn one_more_tag(&self, address: &Address) -> Value {
        let mut tags = self.desired[address].fields["tags"].clone();
        tags["team"] = "flights".into();
        tags
    }

    /// The VPC's own security group.
    pub(super) async fn default_group(&self) -> String {
        let vpc = filter("vpc-id", [self.recorded[&vpc()].id.as_str()]);
        let call = self.cloud.aws.ec2.describe_security_groups().filters(vpc);
        let call = call.filters(filter("group-name", ["default"]));
        let found = call.send().await.expect("groups are listed");
        found.security_groups()[0]
            .group_id()
            .expect("an id")
            .to_owned()
    }

    /// How many requests were made since the start.
    pub(super) fn requests(&self) -> u64 {
        let requests = self.sandbox.faults().requests();
        requests.iter().map(|(_, _, count)| count).sum()
    }
}

/// The fields of `kind` that are not as asked for. Lists of text are sets.
fn differing(kind: &dyn Kind, asked: &Fields, observed: &Fields) -> Vec<String> {
    let sorted = |value: &Value| match value {
        Value::Array(elements) if elements.iter().all(Value::is_string) => {
            let mut elements = elements.clone();
            elements.sort_by_key(Value::to_string);
            Value::Array(elements)
        }
        other => other.clone(),
    };
    let fields = kind.fields().iter().filter(|field| {
        let now = observed.get(field.name).map_or(Value::Null, sorted);
        asked
            .get(field.name)
            .is_some_and(|asked| sorted(asked) != now)
    });
    fields.map(|field| field.name.to_owned()).collect()
}
