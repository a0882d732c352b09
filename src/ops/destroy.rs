//! Takes everything of an environment away, and looks again.

use std::time::Duration;

use super::apply::{carry_out, require_consent};
use super::{Confirmed, Error, Planned, Remains, Session, look_again};
use crate::apply::Report;
use crate::event::Listener;

/// How a teardown ended.
#[derive(Debug)]
pub struct Teardown {
    /// What was done.
    pub report: Report,
    /// What is left, found by looking again; empty is the proof. A run that was asked to stop does not look.
    pub remains: Vec<Remains>,
}

/// How long what AWS still shows after everything was done may take to disappear.
const LINGERS: Duration = Duration::from_secs(60);

/// How long to wait before looking once more.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Carries out a plan whose goal is [`crate::plan::Goal::Destroy`], then looks again. When nothing is left the
/// state is removed as well.
///
/// # Errors
/// When the environment is protected, what others made would go without consent, the state can't be written, or the last look can't see everything.
pub async fn destroy(
    session: &Session,
    planned: &Planned,
    confirmed: &Confirmed,
    listener: &dyn Listener,
    stop: tokio::sync::watch::Receiver<bool>,
) -> Result<Teardown, Error> {
    session.require_unprotected()?;
    require_consent(planned, confirmed)?;
    let (report, state) = if planned.plan.is_empty() {
        (Report::default(), planned.state.clone())
    } else {
        carry_out(session, planned, listener, stop.clone()).await?
    };
    if *stop.borrow() && !report.is_complete() {
        let remains = Vec::new();
        return Ok(Teardown { report, remains });
    }
    let mut remains = look_again(session, planned).await?;
    let mut waited = Duration::ZERO;
    while report.is_complete() && !remains.is_empty() && waited < LINGERS {
        session.cloud.clock.sleep(LOOK_AGAIN).await;
        waited += LOOK_AGAIN;
        remains = look_again(session, planned).await?;
    }
    if report.is_complete() && remains.is_empty() {
        session.cloud.fence.check()?;
        session.store.remove(&state).await?;
    }
    Ok(Teardown { report, remains })
}
