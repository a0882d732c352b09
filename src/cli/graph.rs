//! `groundwork graph`.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Global;
use super::context::environment;
use super::exit::{Error, Exit};
use crate::address::Address;
use crate::environment::Environment;
use crate::graph;
use crate::ops;
use crate::resources::bootstrap::Published;
use crate::resources::{Context, Desired, Ownership, Variables, bootstrap};
use crate::sandbox::stand_ins;
use crate::sandbox::world::DEFAULT_ACCOUNT;
use crate::ui;

/// Print the resources and what they depend on as a Mermaid flowchart
///
/// Shown is what each waits for last; the objects of the deploy agent and of each release are one.
#[derive(Debug, clap::Args)]
pub struct Graph {
    /// The environment
    environment: String,
}

impl Graph {
    /// Needs the file and nothing else: of what is made up here, no address or order speaks. Of what others
    /// publish stand-ins are enough, whose objects are drawn as one.
    pub(super) fn run(self, global: &Global) -> Result<Exit, Error> {
        let environment = environment(global, &self.environment)?;
        let ownership = Ownership {
            environment: environment.name.clone(),
            region: environment.region.clone(),
            lineage: String::new(),
            expires: None,
            owner: None,
        };
        let context = Context {
            environment: &environment,
            ownership: &ownership,
            account: environment.account.as_deref().unwrap_or(DEFAULT_ACCOUNT),
            variables: &Variables::new(),
            published: &published(&environment)?,
        };
        ui::print(flowchart(&ops::desired(&context)))?;
        Ok(Exit::Done)
    }
}

/// What stands in for all that others publish.
fn published(environment: &Environment) -> Result<Published, Error> {
    let mut published = Published::default();
    if let Some(bootstrap) = &environment.bootstrap {
        if let Some(agent) = &bootstrap.agent {
            published.agent = stand_ins::argocd(agent.flavour)?;
        }
        published.ingress = stand_ins::ingress("traefik");
        let releases = bootstrap.releases.keys();
        published.releases = releases
            .map(|key| (key.clone(), stand_ins::release(key)))
            .collect();
    }
    Ok(published)
}

/// The resources in Mermaid's words, within the 500 edges and 50,000 characters that it takes by default.
fn flowchart(desired: &BTreeMap<Address, Desired>) -> String {
    let first = |address: &Address, count: usize| {
        let names: Vec<&str> = address.as_str().split('.').take(count).collect();
        Address::of(&names)
    };
    let shown = |address: &Address| match desired.get(address) {
        Some(one) if one.kind == bootstrap::AGENT.name => first(address, 2),
        Some(one) if one.kind == bootstrap::RELEASE.name => first(address, 3),
        Some(_) | None => address.clone(),
    };
    let mut graph = graph::Graph::default();
    for (address, desired) in desired {
        graph.add(shown(address));
        for first in &desired.depends_on {
            graph.wait(shown(address), shown(first));
        }
    }
    let graph = graph.reduced();
    let mut text = "flowchart LR\n".to_owned();
    for address in graph.nodes() {
        let _ = writeln!(text, "    {}[\"{address}\"]", node(address));
        for first in graph.waits_for(address) {
            let _ = writeln!(text, "    {} --> {}", node(first), node(address));
        }
    }
    text
}

/// The address as a Mermaid node: letters, digits and underscores.
fn node(address: &Address) -> String {
    address
        .as_str()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect()
}
