//! `bootstrap.project`: what applications of the agent may do, as Argo CD's AppProjects.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::object::ObjectKind;
use super::{agent, in_namespace, seconds};
use crate::address::Address;
use crate::environment::model::{Agent, DEFAULT_PROJECT, Flavour, Project};
use crate::resources::{Context, Desired};

/// The kind `bootstrap.project`.
pub const KIND: ObjectKind = ObjectKind {
    name: "bootstrap.project",
    desired,
    usual: seconds(2, 1),
};

/// The address of a project.
pub fn address(name: &str) -> Address {
    Address::of(&["bootstrap", "project", name])
}

/// The projects of the file, and with the core the one of applications that name none.
pub fn projects(agent: &Agent) -> BTreeMap<String, Project> {
    let mut projects = agent.projects.clone();
    // Elsewhere Argo CD's server makes it when it starts, and the core has no server (server/server.go,
    // initializeDefaultProject).
    if agent.flavour == Flavour::Core {
        let any = || vec!["*".to_owned()];
        let default = Project {
            description: None,
            repositories: any(),
            namespaces: any(),
            cluster_objects: vec![("*".to_owned(), "*".to_owned())],
        };
        projects.insert(DEFAULT_PROJECT.to_owned(), default);
    }
    projects
}

fn desired(context: &Context<'_>) -> Vec<Desired> {
    let bootstrap = context.environment.bootstrap.as_ref();
    let Some(agent) = bootstrap.and_then(|bootstrap| bootstrap.agent.as_ref()) else {
        return Vec::new();
    };
    let controllers = agent::controllers(context);
    let projects = projects(agent).into_iter();
    projects
        .map(|(name, project)| {
            let manifest = manifest(&agent.namespace, &name, &project);
            let desired = KIND.object(context.ownership, address(&name), manifest);
            let desired = in_namespace(desired, &agent.namespace);
            controllers.iter().cloned().fold(desired, Desired::after)
        })
        .collect()
}

fn manifest(home: &str, name: &str, project: &Project) -> Value {
    let to = |namespace: &String| json!({"server": "https://kubernetes.default.svc", "namespace": namespace});
    let destinations: Vec<Value> = project.namespaces.iter().map(to).collect();
    let mut manifest = json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": name, "namespace": home},
        "spec": {"sourceRepos": project.repositories, "destinations": destinations},
    });
    if let Some(description) = &project.description {
        manifest["spec"]["description"] = json!(description);
    }
    if !project.cluster_objects.is_empty() {
        let one = |(group, kind): &(String, String)| json!({"group": group, "kind": kind});
        let objects: Vec<Value> = project.cluster_objects.iter().map(one).collect();
        manifest["spec"]["clusterResourceWhitelist"] = json!(objects);
    }
    manifest
}
