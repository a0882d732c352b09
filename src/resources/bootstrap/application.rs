//! `bootstrap.application`: what the agent deploys, as Argo CD Applications.

use serde_json::json;

use super::object::{ObjectKind, Spec};
use super::{agent, in_namespace, seconds};
use crate::address::Address;
use crate::environment::model::{Agent, Application, Sync};
use crate::resources::{Context, Desired};

/// The kind `bootstrap.application`.
pub const KIND: ObjectKind = ObjectKind {
    name: "bootstrap.application",
    desired,
    usual: seconds(30, 5),
};

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
            let desired = in_namespace(desired, &application.namespace);
            controllers.iter().cloned().fold(desired, Desired::after)
        })
        .collect()
}

fn manifest(agent: &Agent, application: &Application) -> serde_json::Value {
    let mut manifest = json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {
            "name": application.name,
            "namespace": agent.namespace,
            "finalizers": [FINALIZER],
        },
        "spec": {
            "project": "default",
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
