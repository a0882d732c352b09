//! `groundwork output`.

use std::collections::BTreeMap;

use super::context::{Remembered, kubeconfig_path, output_columns, remembered};
use super::exit::{Error, Exit};
use super::{Global, kubeconfig};
use crate::ops;
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
        let outputs = outputs(global, &remembered(global, &self.environment).await?)?;
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
            None => ui::print(ui::outputs(&outputs, output_columns()))?,
        }
        Ok(Exit::Done)
    }
}

/// What the environment gives, and a kubeconfig in its file, written anew each time.
pub fn outputs(
    global: &Global,
    remembered: &Remembered,
) -> Result<BTreeMap<String, String>, Error> {
    let mut outputs = ops::outputs(&remembered.environment, &remembered.state);
    if let Some(config) = kubeconfig::kubeconfig(remembered, None) {
        let path = kubeconfig_path(&global.directory, &remembered.environment.name);
        kubeconfig::write(&path, config.as_bytes())?;
        outputs.insert("kubeconfig".to_owned(), path.display().to_string());
    }
    Ok(outputs)
}
