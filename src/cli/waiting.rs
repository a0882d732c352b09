//! Commands that change something, one at a time.

use super::Global;
use super::exit::{Error, Exit};
use crate::ops::Session;
use crate::state::{Claim, Holder, Terms};
use crate::ui;

/// What to do while another run is at work.
#[derive(Debug, clap::Args)]
pub struct Waiting {
    /// Leave with code 75 if another run is at work on the environment, instead of waiting until it ends
    #[arg(long)]
    no_wait: bool,
}

impl Waiting {
    /// Does `work` with the right to change the environment, which a command holds from before its plan to its end.
    pub(super) async fn hold(
        &self,
        global: &Global,
        session: &Session,
        operation: &str,
        work: impl Future<Output = Result<Exit, Error>>,
    ) -> Result<Exit, Error> {
        let claim = self.claim(global, session, operation).await?;
        let ended = work.await;
        claim.release().await;
        ended
    }

    async fn claim(
        &self,
        global: &Global,
        session: &Session,
        operation: &str,
    ) -> Result<Claim, Error> {
        let shared = session.store.folder().is_none();
        let machine = || rustix::system::uname().nodename().to_string_lossy().into();
        let holder = Holder {
            pid: std::process::id(),
            machine: shared.then(machine),
            operation: operation.to_owned(),
            since: session.cloud.clock.now(),
        };
        let terms = Terms {
            length: std::time::Duration::from_secs(global.lease_seconds),
        };
        let name = &session.environment.name;
        let told = |theirs: &Holder| {
            ui::tell(format_args!(
                "waiting for another run of `{name}`: {theirs}; --no-wait leaves instead\n"
            ));
        };
        let claim = session.store.claim(&holder, terms, !self.no_wait, told);
        Ok(claim.await?)
    }
}
