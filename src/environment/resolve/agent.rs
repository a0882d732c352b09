//! The deploy agent: its applications, what they may do, and where they come from.

use std::collections::BTreeMap;

use super::Resolver;
use super::bootstrap::AGENT_NAMESPACE;
use crate::environment::faults::Fault;
use crate::environment::forms::ObjectName;
use crate::environment::model::{Agent, Application, DEFAULT_PROJECT, Project, Repository, SignIn};
use crate::environment::raw;
use crate::environment::source::Path;

impl Resolver<'_> {
    pub(super) fn agent(&mut self, bootstrap: &raw::Bootstrap, raw: &raw::Agent) -> Agent {
        let at = Path::of(["bootstrap", "agent"]);
        let mut applications = BTreeMap::new();
        for (key, application) in raw.applications.iter() {
            let at = at.to("applications").to(&**key);
            applications.insert(
                key.to_string(),
                self.application(bootstrap, raw, application, key, &at),
            );
        }
        Agent {
            kind: raw.kind,
            version: raw.version.to_string(),
            namespace: AGENT_NAMESPACE.to_owned(),
            flavour: raw.flavour,
            source: self.agent_source(raw, &at),
            applications,
            projects: self.projects(raw, &at),
            repositories: self.repositories(raw, &at),
        }
    }

    fn application(
        &mut self,
        bootstrap: &raw::Bootstrap,
        agent: &raw::Agent,
        raw: &raw::Application,
        key: &str,
        at: &Path,
    ) -> Application {
        self.check_listed(bootstrap, &raw.namespace, at);
        if raw.path.split('/').any(|part| part == "..") {
            let fault = Fault::value(&at.to("path"), "a path that leaves the repository");
            self.faults
                .add(fault.label("expected a folder in it, such as `ms-flights`"));
        }
        let project = raw.project.as_deref().unwrap_or(DEFAULT_PROJECT).to_owned();
        self.check_project(agent, &project, &at.to("project"));
        if let Some(allowed) = agent.projects.get(project.as_str()) {
            let told = [
                (
                    "namespace",
                    &*raw.namespace,
                    allowed
                        .namespaces
                        .iter()
                        .map(|it| &**it)
                        .collect::<Vec<_>>(),
                ),
                (
                    "repository",
                    &*raw.repository,
                    allowed.repositories.iter().map(|it| &**it).collect(),
                ),
            ];
            for (key, value, patterns) in told {
                if !patterns.iter().any(|pattern| fits(pattern, value)) {
                    let fault = Fault::value(
                        &at.to(key),
                        format!("the project `{project}` does not allow this {key}"),
                    );
                    let of = Path::of(["bootstrap", "agent", "projects"]).to(&project);
                    self.faults.add(fault.also(&of, "allows others"));
                }
            }
        }
        Application {
            project,
            name: self.name::<ObjectName>(
                "application",
                at,
                "name",
                raw.name.as_ref(),
                key.to_owned(),
            ),
            repository: raw.repository.to_string(),
            path: raw.path.to_string(),
            revision: raw.revision.to_string(),
            namespace: raw.namespace.to_string(),
            sync: raw.sync,
        }
    }

    fn check_project(&mut self, agent: &raw::Agent, project: &str, at: &Path) {
        if project != DEFAULT_PROJECT && !agent.projects.contains_key(project) {
            let section = format!("`[bootstrap.agent.projects.{project}]`");
            let known = agent.projects.keys().map(|known| &**known);
            self.dangling(at, "project", project, &section, known);
        }
    }

    fn projects(&mut self, raw: &raw::Agent, at: &Path) -> BTreeMap<String, Project> {
        let mut projects = BTreeMap::new();
        for (key, project) in raw.projects.iter() {
            if &**key == DEFAULT_PROJECT {
                let fault = Fault::key(
                    &at.to("projects").to(key),
                    "`default` is Argo CD's own project",
                );
                self.faults
                    .add(fault.remedy("choose another name, and name it in the applications"));
            }
            let objects = project.cluster_objects.iter();
            let objects = objects.map(|it| (it.group.to_string(), it.kind.to_string()));
            let of = Project {
                description: project.description.as_deref().map(str::to_owned),
                repositories: project
                    .repositories
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
                namespaces: project.namespaces.iter().map(ToString::to_string).collect(),
                cluster_objects: objects.collect(),
            };
            projects.insert(key.to_string(), of);
        }
        projects
    }

    fn repositories(&mut self, raw: &raw::Agent, at: &Path) -> BTreeMap<String, Repository> {
        let mut repositories = BTreeMap::new();
        for (key, repository) in raw.repositories.iter() {
            let at = at.to("repositories").to(&**key);
            if let Some(project) = &repository.project {
                self.check_project(raw, project, &at.to("project"));
            }
            self.take(
                "repository of the agent",
                &repository.url,
                &at.to("url"),
                "url",
            );
            let Some(sign_in) = self.sign_in(repository, &at) else {
                continue;
            };
            let of = Repository {
                url: repository.url.to_string(),
                kind: repository.kind,
                sign_in,
                project: repository.project.as_deref().map(str::to_owned),
            };
            repositories.insert(key.to_string(), of);
        }
        repositories
    }

    fn sign_in(&mut self, raw: &raw::Repository, at: &Path) -> Option<SignIn> {
        for (key, reference) in [("password", &raw.password), ("ssh_key", &raw.ssh_key)] {
            if let Some(reference) = reference
                && !self.file.secrets.contains_key(&*reference.secret)
            {
                self.no_secret(&at.to(key).to("secret"), &reference.secret);
            }
        }
        match (&raw.username, &raw.password, &raw.ssh_key) {
            (Some(username), Some(password), None) => Some(SignIn::Password {
                username: username.to_string(),
                secret: password.secret.to_string(),
            }),
            (None, None, Some(key)) => {
                if raw.url.starts_with("http") {
                    let fault =
                        Fault::key(&at.to("ssh_key"), "no key opens what is reached over HTTP");
                    self.faults.add(fault.also(&at.to("url"), "this").remedy(
                        "write the URL as `git@host:path`, or give `username` and `password`",
                    ));
                }
                Some(SignIn::SshKey(key.secret.to_string()))
            }
            _ => {
                if !self.is_told(at, &["username", "password", "ssh_key"]) {
                    let fault = Fault::key(at, "this says not exactly one way to sign in");
                    self.faults.add(fault.remedy(
                        "give `username` and `password = { secret = \"…\" }`, or only `ssh_key = { secret = \"…\" }`",
                    ));
                }
                None
            }
        }
    }
}

/// Whether `text` fits a pattern of Argo CD, in which `*` is anything. One that begins with `!` forbids: whether it does is
/// left to Argo CD.
fn fits(pattern: &str, text: &str) -> bool {
    if pattern.starts_with('!') {
        return false;
    }
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_is_anything() {
        for (pattern, text, expected) in [
            ("*", "x", true),
            ("shop", "shop", true),
            ("shop", "shops", false),
            ("shop-*", "shop-a", true),
            ("https://*/deploy", "https://example.com/deploy", true),
            ("https://*/deploy", "https://example.com/deploys", false),
            ("a*b*c", "axxbyyc", true),
            ("a*a", "a", false),
            ("!shop", "shop", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }
}
