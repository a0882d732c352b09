//! One environment with its cloud and its state: what every operation begins with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::Error;
use super::teardown::{add_sweep, add_teardown, ending_cluster};
use crate::address::Address;
use crate::cloud::{Cloud, Retry, fault, retry};
use crate::environment::model::{Bootstrap, SecretSource};
use crate::environment::{Environment, Provider};
use crate::observe::{self, Depth, Observation};
use crate::plan::{self, Basis, Goal, Plan, Verb};
use crate::resources::bootstrap::{self, Published};
use crate::resources::cluster::existing;
use crate::resources::{
    self, Context, Desired, Ownership, Problem, Unseen, Variables, Wanted, cluster, kinds,
};
use crate::state::{State, Store};

/// One environment, ready to be planned and changed.
pub struct Session {
    /// The file.
    pub environment: Environment,
    /// Both clouds.
    pub cloud: Cloud,
    /// The twelve digits of the account that the credentials are of, or [`Environment::NO_ACCOUNT`].
    pub account: String,
    /// Where the state is kept.
    pub store: Store,
    /// The variables that the file names, as far as they are set.
    pub variables: Variables,
    /// What others publish: the agent, charts. None where only what exists is looked at or removed: then
    /// the state says what that consists of, and nothing has to be fetched.
    pub published: Option<Published>,
}

/// A plan and everything that it was made from.
pub struct Planned {
    /// The state as it was read.
    pub state: State,
    /// What makes a resource ours.
    pub ownership: Ownership,
    /// What the file asks for.
    pub desired: BTreeMap<Address, Desired>,
    /// How far was looked.
    pub depth: Depth,
    /// What was found.
    pub observation: Observation,
    /// What would be done.
    pub plan: Plan,
}

impl Planned {
    /// What the plan was made from, once more.
    pub fn basis(&self) -> Basis<'_> {
        Basis {
            goal: self.plan.goal,
            desired: &self.desired,
            state: &self.state,
            observed: &self.observation.found,
            kind: resources::kind,
        }
    }
}

/// Finds out which account the credentials are of, and refuses any but the file's.
///
/// # Errors
/// When AWS does not say, or says another account. An environment of which nothing is in AWS asks nobody.
pub async fn identify(cloud: &Cloud, environment: &Environment) -> Result<String, Error> {
    if environment.is_without_aws() {
        return Ok(Environment::NO_ACCOUNT.to_owned());
    }
    let ask = || async {
        let answer = cloud
            .aws
            .sts
            .get_caller_identity()
            .send()
            .await
            .map_err(fault("sts", "GetCallerIdentity"))?;
        answer
            .account
            .ok_or_else(|| crate::cloud::Fault::incomplete("sts", "GetCallerIdentity", "Account"))
    };
    let bound = Duration::from_secs(30);
    let found = retry(cloud.clock.as_ref(), Retry::Idempotent, bound, ask)
        .await
        .map_err(Error::Identity)?;
    match (&environment.account, environment.provider) {
        (Some(expected), Provider::Aws) if *expected != found => Err(Error::WrongAccount {
            expected: expected.clone(),
            found,
        }),
        (Some(_) | None, Provider::Aws | Provider::Sandbox) => Ok(found),
    }
}

impl Session {
    /// The minor version of Kubernetes that charts are made for: what the file says, or what the cluster has, or what EKS gives a
    /// new one. None where there are no charts, or nobody says.
    ///
    /// # Errors
    /// When the cluster or EKS does not tell.
    pub async fn version_for_charts(&self) -> Result<Option<String>, Error> {
        let environment = &self.environment;
        let mut bootstrap = environment.bootstrap.iter();
        if !bootstrap.any(Bootstrap::has_charts) {
            return Ok(None);
        }
        let (cloud, region) = (&self.cloud, &environment.region);
        let own = environment.cluster.as_ref();
        if let Some(asked) = own.and_then(|cluster| cluster.version.clone()) {
            return Ok(Some(asked));
        }
        let ask = || async {
            match (&environment.existing_cluster, own) {
                (Some(others), _) => {
                    let told = existing::version(cloud, region, &others.name).await;
                    told.map(Some)
                }
                (None, Some(own)) => cluster::version(cloud, &own.name).await,
                (None, None) => Ok(None),
            }
        };
        let bound = Duration::from_secs(60);
        let told = retry(cloud.clock.as_ref(), Retry::Idempotent, bound, ask).await;
        told.map_err(|fault| Error::Unseen(Unseen(Arc::new(fault))))
    }

    /// The state as it is kept, or that of an environment which was never applied.
    ///
    /// # Errors
    /// When it can't be read or used.
    pub async fn state(&self) -> Result<State, Error> {
        let environment = &self.environment;
        let state = self.store.load().await?;
        let state = state.unwrap_or_else(|| self.fresh_state());
        if state.region != environment.region {
            return Err(Error::OtherRegion {
                environment: environment.name.clone(),
                was: state.region,
                is: environment.region.clone(),
            });
        }
        Ok(state)
    }

    /// The state of an environment that was never applied, and begins now.
    pub(super) fn fresh_state(&self) -> State {
        let environment = &self.environment;
        State::new(
            &environment.name,
            environment.provider.as_str(),
            &self.account,
            &environment.region,
            self.cloud.clock.now(),
        )
    }

    /// What makes a resource of this environment ours.
    pub fn ownership(&self, state: &State) -> Ownership {
        let expires = self.environment.ttl.and_then(|ttl| {
            let ttl = SignedDuration::try_from(ttl.duration()).ok()?;
            Some(whole_seconds(state.since.checked_add(ttl).ok()?).to_string())
        });
        Ownership {
            environment: state.environment.clone(),
            region: state.region.clone(),
            lineage: state.lineage.to_string(),
            expires,
            owner: self.environment.owner.clone(),
        }
    }

    /// Every resource that the file asks for.
    pub fn desired(&self, ownership: &Ownership, state: &State) -> BTreeMap<Address, Desired> {
        let remembered = || Published::remembered(&state.resources);
        let published = self.published.clone().unwrap_or_else(remembered);
        let context = Context {
            environment: &self.environment,
            ownership,
            account: &self.account,
            variables: &self.variables,
            published: &published,
        };
        desired(&context)
    }

    /// Observes, plans, and has the cloud check what the file asks.
    ///
    /// # Errors
    /// Whatever makes a plan impossible; nothing is changed by planning.
    pub async fn plan(&self, goal: Goal) -> Result<Planned, Error> {
        if goal == Goal::Apply {
            self.require_variables()?;
        }
        let planned = self.look(goal).await?;
        self.check(&planned).await?;
        Ok(planned)
    }

    /// Plans a teardown that leaves what is in the cluster to the sweep, or, where the cluster is not ours, as it is: for a
    /// cluster that can't be reached.
    ///
    /// # Errors
    /// Whatever makes a plan impossible.
    pub async fn plan_skipping_cluster(&self) -> Result<Planned, Error> {
        self.look_to(Goal::Destroy, Depth::Aws).await
    }

    /// Observes and plans, without asking whether the plan could be carried out.
    ///
    /// # Errors
    /// When not everything can be seen, or something of it is not ours.
    pub async fn look(&self, goal: Goal) -> Result<Planned, Error> {
        self.look_to(goal, Depth::Cluster).await
    }

    async fn look_to(&self, goal: Goal, depth: Depth) -> Result<Planned, Error> {
        let state = self.state().await?;
        let ownership = self.ownership(&state);
        let mut desired = self.desired(&ownership, &state);
        if goal == Goal::Destroy {
            self.require_unprotected()?;
            add_teardown(&mut desired, &state, depth);
        }
        let mut planned = self.decide(goal, depth, state, ownership, desired).await?;
        if goal == Goal::Apply
            && let Some(cluster) = ending_cluster(&planned.plan, &planned.state)
        {
            let Planned {
                state,
                ownership,
                mut desired,
                ..
            } = planned;
            add_sweep(&mut desired, &state, &cluster, depth);
            planned = self.decide(goal, depth, state, ownership, desired).await?;
        }
        Ok(planned)
    }

    async fn decide(
        &self,
        goal: Goal,
        depth: Depth,
        state: State,
        ownership: Ownership,
        desired: BTreeMap<Address, Desired>,
    ) -> Result<Planned, Error> {
        let wanted = Wanted {
            ownership: &ownership,
            desired: &desired,
            recorded: &state.resources,
            open: &state.open,
            variables: &self.variables,
            teardown: goal == Goal::Destroy,
        };
        let observation = observe::observe(&self.cloud, &wanted, Some(&state), depth).await;
        let observation = observation.map_err(|unseen| match goal {
            Goal::Destroy if cluster::existing::is_used(&wanted) => {
                Error::unseen_in_teardown_of_guest(unseen)
            }
            Goal::Destroy => Error::unseen_in_teardown(unseen),
            Goal::Apply => Error::Unseen(unseen),
        })?;
        let basis = Basis {
            goal,
            desired: &desired,
            state: &state,
            observed: &observation.found,
            kind: resources::kind,
        };
        let plan = plan::plan(&basis).map_err(|refusals| Error::Refused {
            environment: self.environment.name.clone(),
            refusals,
        })?;
        Ok(Planned {
            state,
            ownership,
            desired,
            depth,
            observation,
            plan,
        })
    }

    /// Asks the cloud about everything that will be made or changed, before anything is.
    async fn check(&self, planned: &Planned) -> Result<(), Error> {
        let Planned {
            plan,
            desired,
            observation,
            ..
        } = planned;
        let changing = plan
            .actions
            .iter()
            .filter(|action| matches!(action.verb, Verb::Create | Verb::Update | Verb::Replace));
        let checks = changing.filter_map(|action| {
            let (desired, kind) = (
                desired.get(&action.address)?,
                resources::kind(&action.kind)?,
            );
            Some(async move {
                let checked = kind
                    .check(&self.cloud, &observation.inventory, desired)
                    .await;
                checked.map_err(|source| Error::Unchecked {
                    address: desired.address.clone(),
                    source,
                })
            })
        });
        let mut problems: Vec<Problem> = Vec::new();
        for checked in join_all(checks).await {
            problems.extend(checked?);
        }
        let recorded = &planned.state.resources;
        problems.extend(cluster::lacking_without_auto_mode(recorded, desired));
        problems.extend(self.handed_over(plan));
        // What stands in the way of many is told once.
        let mut told: Vec<Problem> = Vec::new();
        for problem in problems {
            if !told.contains(&problem) {
                told.push(problem);
            }
        }
        if told.is_empty() {
            Ok(())
        } else {
            Err(Error::Impossible(told))
        }
    }

    /// Namespaces that we made, and that the file now takes to be others': they would go, with all that it puts into them.
    fn handed_over(&self, plan: &Plan) -> Vec<Problem> {
        let bootstrap = self.environment.bootstrap.iter();
        let others: BTreeSet<&String> = bootstrap.flat_map(|it| &it.existing_namespaces).collect();
        let going = plan.actions.iter().filter(|action| {
            action.verb == Verb::Delete
                && action.kind == bootstrap::NAMESPACE.name
                && others.contains(&action.name)
        });
        let problems = going.map(|action| Problem {
            address: action.address.clone(),
            message: format!(
                "this environment made the namespace `{}`, and takes it away when it is no longer under `namespaces`: \
                 leave it there",
                action.name
            ),
        });
        problems.collect()
    }

    /// What is protected is not destroyed, nor is it planned to be.
    pub(super) fn require_unprotected(&self) -> Result<(), Error> {
        if self.environment.protect {
            return Err(Error::Protected(self.environment.name.clone()));
        }
        Ok(())
    }

    /// Every variable that the file names must be set before anything is created.
    fn require_variables(&self) -> Result<(), Error> {
        let named =
            self.environment
                .secrets
                .iter()
                .filter_map(|(key, secret)| match &secret.source {
                    SecretSource::Environment(variable) => {
                        Some((variable.clone(), Address::of(&["secret", key])))
                    }
                    SecretSource::Generate { .. } => None,
                });
        let unset: Vec<_> = named
            .filter(|(variable, _)| !self.variables.contains_key(variable))
            .collect();
        if unset.is_empty() {
            Ok(())
        } else {
            Err(Error::UnsetVariables(unset))
        }
    }
}

/// Every resource that a file asks for.
pub fn desired(context: &Context<'_>) -> BTreeMap<Address, Desired> {
    let desired = kinds().iter().flat_map(|kind| kind.desired(context));
    desired
        .map(|desired| (desired.address.clone(), desired))
        .collect()
}

/// Names of the environment variables that the file asks for.
pub fn variable_names(environment: &Environment) -> BTreeSet<&str> {
    let sources = environment.secrets.values().map(|secret| &secret.source);
    sources
        .filter_map(|source| match source {
            SecretSource::Environment(variable) => Some(variable.as_str()),
            SecretSource::Generate { .. } => None,
        })
        .collect()
}

/// The moment without its fraction: expiry is told in whole seconds.
fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}
