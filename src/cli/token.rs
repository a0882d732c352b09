//! `groundwork token`.

use serde_json::json;

use super::aws;
use super::exit::{Error, Exit};
use crate::ui;

/// Print a token for an EKS cluster, as kubectl asks for it
///
/// The kubeconfig of an environment on AWS names this command; nobody needs to call it.
#[derive(Debug, clap::Args)]
pub struct Token {
    /// The cluster's name
    #[arg(long)]
    cluster: String,
    /// The cluster's region
    #[arg(long)]
    region: String,
}

impl Token {
    pub(super) async fn run(self) -> Result<Exit, Error> {
        let token = aws::connector()
            .await?
            .token(&self.region, &self.cluster)
            .await?;
        let expires =
            jiff::Timestamp::from_second(token.expires.as_second()).unwrap_or(token.expires);
        let credential = json!({
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "kind": "ExecCredential",
            "status": { "token": token.value.expose(), "expirationTimestamp": expires.to_string() },
        });
        ui::print(format_args!("{credential}\n"))?;
        Ok(Exit::Done)
    }
}
