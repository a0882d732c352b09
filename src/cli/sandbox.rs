//! `groundwork sandbox`.

use super::context::sandbox;
use super::exit::{Error, Exit};
use super::{Global, kubeconfig};
use crate::sandbox::serve::{Server, aws_url, cluster_url};
use crate::sandbox::show;
use crate::sandbox::store::Effect;
use crate::ui;

/// The embedded AWS and Kubernetes
#[derive(Debug, clap::Subcommand)]
pub enum Sandbox {
    /// Offer both APIs on loopback, so that aws, kubectl and every other client can look inside
    Serve {
        /// The port; 0 takes a free one
        #[arg(long, default_value_t = 4510)]
        port: u16,
    },
    /// Print what exists in it, with names in the place of identifiers
    Show {
        /// Everything about each, as JSON
        #[arg(long)]
        json: bool,
    },
    /// Forget the whole world and begin a new one
    Reset {
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

impl Sandbox {
    pub(super) async fn run(self, global: &Global) -> Result<Exit, Error> {
        let sandbox = sandbox(global);
        match self {
            Self::Serve { port } => serve(global, sandbox, port).await,
            Self::Show { json } => {
                let world = sandbox
                    .store()
                    .transact(Effect::Reads, |world| show(world))?;
                if json {
                    ui::print_json(&world)?;
                } else {
                    list(&world)?;
                }
                Ok(Exit::Done)
            }
            Self::Reset { yes } => {
                if !super::confirm::confirm(yes, "Forget everything that exists in the sandbox?")
                    .await?
                {
                    return Ok(Exit::Failed);
                }
                sandbox.store().reset()?;
                ui::tell("the sandbox is new\n");
                Ok(Exit::Done)
            }
        }
    }
}

/// One line for each resource and each object.
fn list(world: &serde_json::Value) -> Result<(), ui::Unprinted> {
    let lists = |part: &str| world[part].as_object().into_iter().flatten();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    for (kind, resources) in lists("resources") {
        for resource in resources.as_array().into_iter().flatten() {
            ui::print(format_args!("{kind}  {}\n", text(&resource["name"])))?;
        }
    }
    for (cluster, objects) in lists("kubernetes") {
        for object in objects.as_array().into_iter().flatten() {
            let metadata = &object["metadata"];
            let name = match metadata["namespace"].as_str() {
                Some(namespace) => format!("{namespace}/{}", text(&metadata["name"])),
                None => text(&metadata["name"]),
            };
            let kind = text(&object["kind"]);
            ui::print(format_args!("{cluster}  {kind}  {name}\n"))?;
        }
    }
    Ok(())
}

/// Serves until Ctrl-C or SIGTERM.
async fn serve(
    global: &Global,
    sandbox: crate::sandbox::Sandbox,
    port: u16,
) -> Result<Exit, Error> {
    let server = Server::bind(sandbox.clone(), port).await?;
    let address = server.address();
    ui::print(format_args!(
        "any credentials will do, and the region is the environment's:\n\n  \
         export AWS_ACCESS_KEY_ID=sandbox AWS_SECRET_ACCESS_KEY=sandbox AWS_DEFAULT_REGION=us-east-1\n  \
         aws --endpoint-url {} ec2 describe-vpcs\n",
        aws_url(address)
    ))?;
    let clusters: Vec<String> = sandbox.store().transact(Effect::Reads, |world| {
        world.clusters.keys().cloned().collect()
    })?;
    for cluster in &clusters {
        let Some((region, name)) = cluster.split_once('/') else {
            continue;
        };
        let path = global
            .directory
            .join(".groundwork/sandbox")
            .join(format!("kubeconfig-{name}.yaml"));
        kubeconfig::write(
            &path,
            kubeconfig::plain(name, &cluster_url(address, region, name)).as_bytes(),
        )?;
        let path = path.display();
        ui::print(format_args!("  kubectl --kubeconfig {path} get all -A\n"))?;
    }
    if clusters.is_empty() {
        ui::print(
            "\nthere is no cluster yet: begin again once one is there, or use groundwork kubeconfig ENV --server URL\n",
        )?;
    }
    let mut stop = super::signals::listen();
    server
        .run(async move {
            // An error means that nobody can signal any more, which ends the server as well.
            drop(stop.wait_for(|stopped| *stopped).await);
        })
        .await;
    Ok(Exit::Done)
}
