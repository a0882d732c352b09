//! Brings the cloud in line with the file.

use super::{Error, Planned, Session};
use crate::address::Address;
use crate::apply::{Job, Report, run};
use crate::event::Listener;
use crate::plan::{Danger, Goal};
use crate::resources::Wanted;
use crate::state::{Journal, State};

/// What the one who runs it has agreed to.
#[derive(Clone, Debug, Default)]
pub struct Confirmed {
    /// Resources whose data may be lost.
    pub data_loss: Vec<Address>,
}

/// Carries out a plan that was shown and confirmed. The caller holds the lock since before it was made.
///
/// # Errors
/// When data would be lost without consent, or the state can't be written; nothing was changed then.
pub async fn apply(
    session: &Session,
    planned: &Planned,
    confirmed: &Confirmed,
    listener: &dyn Listener,
    stop: tokio::sync::watch::Receiver<bool>,
) -> Result<Report, Error> {
    require_consent(planned, confirmed)?;
    Ok(carry_out(session, planned, listener, stop).await?.0)
}

/// Runs the plan of `planned` against a journal of its state. Gives the state as it then is, too.
pub(super) async fn carry_out(
    session: &Session,
    planned: &Planned,
    listener: &dyn Listener,
    stop: tokio::sync::watch::Receiver<bool>,
) -> Result<(Report, State), Error> {
    session.cloud.fence.check()?;
    let journal = Journal::open(session.store.clone(), planned.state.clone()).await?;
    let wanted = Wanted {
        ownership: &planned.ownership,
        desired: &planned.desired,
        recorded: &planned.state.resources,
        open: &planned.state.open,
        variables: &session.variables,
        teardown: planned.plan.goal == Goal::Destroy,
    };
    let job = Job {
        cloud: &session.cloud,
        plan: &planned.plan,
        basis: planned.basis(),
        wanted,
        journal: &journal,
        listener,
        stop,
    };
    let report = run(&job).await?;
    Ok((report, journal.state()))
}

/// In apply, losing data needs its own word for each address; destroy says it with its name. What others made in a
/// cluster that is not ours needs it in both.
pub(super) fn require_consent(planned: &Planned, confirmed: &Confirmed) -> Result<(), Error> {
    let is_known = |address: &&Address| {
        planned.desired.contains_key(*address)
            || planned.state.resources.contains_key(*address)
            || planned.plan.action(address).is_some()
    };
    if let Some(unknown) = (confirmed.data_loss.iter()).find(|address| !is_known(address)) {
        return Err(Error::UnknownAddress(unknown.clone()));
    }
    let taking: Vec<(Address, String)> = planned
        .plan
        .work()
        .filter(|action| action.danger == Some(Danger::TakesOthers))
        .filter(|action| !confirmed.data_loss.contains(&action.address))
        .map(|action| (action.address.clone(), action.reason.clone()))
        .collect();
    if !taking.is_empty() {
        return Err(Error::TakesOthers(taking));
    }
    let lost: Vec<Address> = planned
        .plan
        .work()
        .filter(|action| {
            planned.plan.goal == Goal::Apply && action.danger == Some(Danger::LosesData)
        })
        .map(|action| action.address.clone())
        .filter(|address| !confirmed.data_loss.contains(address))
        .collect();
    if lost.is_empty() {
        Ok(())
    } else {
        Err(Error::DataLoss(lost))
    }
}
