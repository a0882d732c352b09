//! `bootstrap.repository`: how the agent signs in to repositories that not everyone may read, as the Secrets in which Argo CD
//! looks for that. What is secret in them is fetched when they are compared or applied, and stays nowhere.

use serde_json::json;

use super::object::{ObjectKind, Spec};
use super::secret::{Data, of_secret, of_text};
use super::{in_namespace, seconds};
use crate::address::Address;
use crate::environment::model::{Repository, RepositoryKind, SignIn};
use crate::resources::{Context, Desired};

/// The kind `bootstrap.repository`.
pub const KIND: ObjectKind = ObjectKind {
    name: "bootstrap.repository",
    desired,
    usual: seconds(2, 1),
};

/// The address of a repository.
pub fn address(key: &str) -> Address {
    Address::of(&["bootstrap", "repository", key])
}

fn desired(context: &Context<'_>) -> Vec<Desired> {
    let bootstrap = context.environment.bootstrap.as_ref();
    let Some(agent) = bootstrap.and_then(|bootstrap| bootstrap.agent.as_ref()) else {
        return Vec::new();
    };
    let repositories = agent.repositories.iter();
    repositories
        .map(|(key, repository)| {
            let address = address(key);
            let manifest = json!({
                "apiVersion": "v1",
                "kind": "Secret",
                "type": "Opaque",
                "metadata": {
                    "name": format!("repository-{key}"),
                    "namespace": agent.namespace,
                    // By which Argo CD finds it.
                    "labels": {"argocd.argoproj.io/secret-type": "repository"},
                },
            });
            let mut spec = Spec::new(context.ownership, &address, manifest);
            spec.data = data(repository);
            in_namespace(KIND.described(&spec, address), &agent.namespace)
        })
        .collect()
}

fn data(repository: &Repository) -> Data {
    let kind = match repository.kind {
        RepositoryKind::Git => "git",
        RepositoryKind::Helm => "helm",
    };
    let mut data = vec![("type", of_text(kind)), ("url", of_text(&repository.url))];
    match &repository.sign_in {
        SignIn::Password { username, secret } => {
            data.push(("username", of_text(username)));
            data.push(("password", of_secret(secret)));
        }
        SignIn::SshKey(secret) => data.push(("sshPrivateKey", of_secret(secret))),
    }
    if let Some(project) = &repository.project {
        data.push(("project", of_text(project)));
    }
    data.into_iter()
        .map(|(key, source)| (key.to_owned(), source))
        .collect()
}
