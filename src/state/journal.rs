//! The journal: transitions become durable in the order in which they are made, many in one write.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot};

use super::document::{Damage, State, Transition};
use super::store::{LocalStore, StoreError};

/// The journal refused a transition or could not write it: nothing new may be started.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Stopped {
    /// The store failed.
    #[error("the journal could not be written, so nothing more is started")]
    Store(#[source] Arc<StoreError>),
    /// The transition does not follow from what was recorded.
    #[error("the journal refused a step")]
    Illegal(#[source] Arc<Damage>),
}

type Reply = oneshot::Sender<Result<(), Stopped>>;

/// A handle on the journal; clones share it.
#[derive(Clone, Debug)]
pub struct Journal {
    requests: mpsc::UnboundedSender<(Transition, Reply)>,
    state: Arc<Mutex<State>>,
}

impl Journal {
    /// Opens the journal of `state`, which is made durable first if it never was. The caller holds the lock.
    ///
    /// # Errors
    /// When the first write fails.
    pub fn open(store: LocalStore, mut state: State) -> Result<Self, StoreError> {
        if state.serial == 0 {
            state.serial = 1;
            store.save(&state)?;
        }
        let (requests, queue) = mpsc::unbounded_channel();
        let state = Arc::new(Mutex::new(state));
        tokio::spawn(write_in_groups(store, Arc::clone(&state), queue));
        Ok(Self { requests, state })
    }

    /// The state with every durable transition.
    pub fn state(&self) -> State {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Makes a transition; returns once it is durable.
    ///
    /// # Errors
    /// When it is not durable. After a failed write the journal stays stopped.
    pub async fn record(&self, transition: Transition) -> Result<(), Stopped> {
        let (reply, answer) = oneshot::channel();
        let closed = || {
            Stopped::Illegal(Arc::new(Damage::Unreadable(
                "the journal is closed".to_owned(),
            )))
        };
        self.requests
            .send((transition, reply))
            .map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }
}

/// Takes whatever has gathered while the last write ran, and makes it durable with one write.
async fn write_in_groups(
    store: LocalStore,
    durable: Arc<Mutex<State>>,
    mut queue: mpsc::UnboundedReceiver<(Transition, Reply)>,
) {
    let mut stopped: Option<Stopped> = None;
    while let Some(first) = queue.recv().await {
        // Lets every task that is ready to run add its transition to this write.
        tokio::task::yield_now().await;
        let mut group = vec![first];
        while let Ok(next) = queue.try_recv() {
            group.push(next);
        }
        let mut state = durable
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        state.serial += 1;
        let mut accepted = Vec::with_capacity(group.len());
        for (transition, reply) in group {
            let recorded = match &stopped {
                Some(stopped) => Err(stopped.clone()),
                None => state
                    .record(transition)
                    .map_err(|damage| Stopped::Illegal(Arc::new(damage))),
            };
            match recorded {
                Ok(()) => accepted.push(reply),
                // A caller that went away needs no answer.
                Err(error) => drop(reply.send(Err(error))),
            }
        }
        if accepted.is_empty() {
            continue;
        }
        let written = store
            .replace(&state)
            .map_err(|error| Stopped::Store(Arc::new(error)));
        match &written {
            Ok(()) => *durable.lock().unwrap_or_else(PoisonError::into_inner) = state,
            Err(error) => stopped = Some(error.clone()),
        }
        for reply in accepted {
            drop(reply.send(written.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;
    use jiff::Timestamp;

    use super::*;
    use crate::state::document::Outcome;

    fn end(operation: usize) -> Transition {
        Transition::End(Outcome {
            operation: operation.to_string(),
            at: Timestamp::UNIX_EPOCH,
            complete: true,
        })
    }

    #[tokio::test]
    async fn what_is_recorded_at_once_shares_one_write() {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalStore::new(folder.path(), "sandbox", "1", "demo");
        let state = State::new("demo", "sandbox", "1", "us-east-1", Timestamp::UNIX_EPOCH);
        let journal = Journal::open(store.clone(), state).unwrap();
        for result in join_all((0..20).map(|n| journal.record(end(n)))).await {
            result.unwrap();
        }
        assert_eq!(journal.state().serial, 2);
        assert_eq!(store.load().unwrap(), Some(journal.state()));
    }

    #[tokio::test]
    async fn after_a_failed_write_nothing_is_recorded_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalStore::new(folder.path(), "sandbox", "1", "demo");
        let state = State::new("demo", "sandbox", "1", "us-east-1", Timestamp::UNIX_EPOCH);
        let journal = Journal::open(store.clone(), state).unwrap();
        let obstacle = store.path().with_extension("json.next");
        std::fs::create_dir(&obstacle).unwrap();
        assert!(matches!(
            journal.record(end(1)).await,
            Err(Stopped::Store(_))
        ));
        std::fs::remove_dir(&obstacle).unwrap();
        assert!(matches!(
            journal.record(end(2)).await,
            Err(Stopped::Store(_))
        ));
        assert_eq!(journal.state().serial, 1);
    }
}
