//! `groundwork output`.

use std::collections::BTreeMap;

use super::context::{columns, kubeconfig_path, session_on_record};
use super::exit::{Error, Exit};
use super::{Global, kubeconfig};
use crate::ops::{self, Session};
use crate::ui;

/// Print what an environment gives: endpoints, addresses, names
#[derive(Debug, clap::Args)]
pub struct Output {
    /// The environment
    environment: String,
    /// Only this output, bare
    name: Option<String>,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

impl Output {
    pub(super) async fn run(self, global: &Global) -> Result<Exit, Error> {
        let session = session_on_record(global, &self.environment).await?;
        let outputs = outputs(global, &session)?;
        match self.name {
            Some(name) => {
                let known = || outputs.keys().cloned().collect();
                let value = outputs.get(&name).ok_or_else(|| Error::NotThere {
                    what: "output",
                    name: name.clone(),
                    known: known(),
                })?;
                ui::print(format_args!("{value}\n"))?;
            }
            None if self.json => ui::print_json(&outputs)?,
            None => ui::print(ui::outputs(&outputs, columns()))?,
        }
        Ok(Exit::Done)
    }
}

/// What the environment gives, and a kubeconfig in its file, written anew each time.
pub fn outputs(global: &Global, session: &Session) -> Result<BTreeMap<String, String>, Error> {
    let state = session.state()?;
    let mut outputs = ops::outputs(session, &state)?;
    if let Some(config) = kubeconfig::kubeconfig(global, session, &state, None) {
        let path = kubeconfig_path(&global.directory, &session.environment.name);
        kubeconfig::write(&path, config.as_bytes())?;
        outputs.insert("kubeconfig".to_owned(), path.display().to_string());
    }
    Ok(outputs)
}
