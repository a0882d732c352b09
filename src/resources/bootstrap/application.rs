//! `bootstrap.application`: what the agent deploys, as Argo CD Applications.

use kube::Client;
use serde_json::{Value, json};

use super::id::ObjectId;
use super::object::{ObjectKind, Spec};
use super::{agent, api, in_namespace, project, repository, seconds};
use crate::address::Address;
use crate::cloud::Fault;
use crate::environment::model::{Agent, Application, Sync};
use crate::resources::{Context, Desired};

/// The kind `bootstrap.application`.
pub const KIND: ObjectKind = ObjectKind {
    name: "bootstrap.application",
    desired,
    usual: seconds(30, 5),
};

/// The version of Argo CD's own types.
const API_VERSION: &str = "argoproj.io/v1alpha1";

/// Makes Argo CD take away what it deployed before the Application goes.
const FINALIZER: &str = "resources-finalizer.argocd.argoproj.io";

fn desired(context: &Context<'_>) -> Vec<Desired> {
    let bootstrap = context.environment.bootstrap.as_ref();
    let Some(agent) = bootstrap.and_then(|bootstrap| bootstrap.agent.as_ref()) else {
        return Vec::new();
    };
    let controllers = agent::controllers(context);
    let applications = agent.applications.iter();
    applications
        .map(|(key, application)| {
            let address = Address::of(&["bootstrap", "application", key]);
            let manifest = manifest(agent, application);
            let spec = Spec::new(context.ownership, &address, manifest);
            let desired = in_namespace(KIND.described(&spec, address), &agent.namespace);
            let mut desired = in_namespace(desired, &application.namespace);
            let projects = project::projects(agent);
            if projects.contains_key(&application.project) {
                desired = desired.after(project::address(&application.project));
            }
            // Any of them may match: Argo CD takes the one whose URL is that of the application.
            let repositories = agent
                .repositories
                .keys()
                .map(|key| repository::address(key));
            desired.depends_on.extend(repositories);
            controllers.iter().cloned().fold(desired, Desired::after)
        })
        .collect()
}

/// An Application in its cluster, for those who act on it.
pub struct Deployed {
    client: Client,
    id: ObjectId,
}

/// The manager of what is asked of an Application once, beside what is applied.
const MANAGER: &str = "groundwork-sync";

impl Deployed {
    /// The Application with this id; none where it is no id.
    pub fn new(client: Client, id: &str) -> Option<Self> {
        let id = id.parse().ok()?;
        Some(Self { client, id })
    }

    /// It as it is, if it is there.
    ///
    /// # Errors
    /// The fault of the call.
    pub async fn get(&self) -> Result<Option<Value>, Fault> {
        api::get(&self.client, &self.id).await
    }

    /// Puts `patch` into it.
    ///
    /// # Errors
    /// The fault of the call.
    pub async fn patch(&self, patch: &Value) -> Result<(), Fault> {
        let patched = api::merge(&self.client, &self.id, patch, MANAGER).await;
        patched.map(drop)
    }
}

fn manifest(agent: &Agent, application: &Application) -> Value {
    let mut manifest = json!({
        "apiVersion": API_VERSION,
        "kind": "Application",
        "metadata": {
            "name": application.name,
            "namespace": agent.namespace,
            "finalizers": [FINALIZER],
        },
        "spec": {
            "project": application.project,
            "source": {
                "repoURL": application.repository,
                "targetRevision": application.revision,
                "path": application.path,
            },
            "destination": {
                "server": "https://kubernetes.default.svc",
                "namespace": application.namespace,
            },
        },
    });
    if application.sync == Sync::Automatic {
        manifest["spec"]["syncPolicy"] = json!({"automated": {"prune": true, "selfHeal": true}});
    }
    manifest
}

/// How an application is, in Argo CD's own words; empty while Argo CD has not looked at it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApplicationStatus {
    /// `Synced`, `OutOfSync` or `Unknown`.
    pub sync: String,
    /// `Healthy`, `Progressing`, `Missing` and others.
    pub health: String,
}

impl ApplicationStatus {
    /// Whether the cluster has what the repository says.
    pub fn is_synced(&self) -> bool {
        self.sync == "Synced"
    }

    /// Whether nothing of it has ever been deployed.
    pub fn is_missing(&self) -> bool {
        !self.is_synced() && matches!(self.health.as_str(), "" | "Missing" | "Unknown")
    }
}

/// How `application` is.
///
/// # Errors
/// The fault of the call. One that is not there has an empty status.
pub async fn application_status(
    client: &Client,
    agent: &Agent,
    application: &Application,
) -> Result<ApplicationStatus, Fault> {
    let id = ObjectId {
        api_version: API_VERSION.to_owned(),
        kind: "Application".to_owned(),
        namespace: agent.namespace.clone(),
        name: application.name.clone(),
    };
    let found = api::get(client, &id).await?.unwrap_or_default();
    let word = |part: &str| {
        let word = found["status"][part]["status"].as_str();
        word.unwrap_or_default().to_owned()
    };
    Ok(ApplicationStatus {
        sync: word("sync"),
        health: word("health"),
    })
}
