//! The journal: transitions become durable in the order in which they are made, many in one write.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot};

use super::document::{Damage, State, Transition};
use super::fence::Overtaken;
use super::place::Version;
use super::store::{Store, StoreError};

/// The journal refused a transition or could not write it: nothing new may be started.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Stopped {
    /// The store failed.
    #[error("the journal could not be written, so nothing more is started")]
    Store(#[source] Arc<StoreError>),
    /// Another run may be at work.
    #[error("the journal is no longer ours, so nothing more is started")]
    Overtaken(#[source] Overtaken),
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
    writes: Arc<AtomicU64>,
}

impl Journal {
    /// Opens the journal of `state`, which is made durable first if it never was. The caller holds the lock, or the
    /// lease that bounds the store's fence.
    ///
    /// # Errors
    /// When someone else wrote since the state was read, or the first write fails.
    pub async fn open(store: Store, mut state: State) -> Result<Self, StoreError> {
        let mut version = store.version_of(&state).await?;
        if state.serial > 0 {
            store.keep(&state).await?;
        }
        let mut written = 0;
        if state.serial == 0 {
            state.serial = 1;
            version = store.write(&state, &version).await?;
            written = 1;
        }
        let (requests, queue) = mpsc::unbounded_channel();
        let writer = Writer::new(store, version, state);
        writer.writes.store(written, Ordering::Relaxed);
        let journal = Self {
            requests,
            state: Arc::clone(&writer.durable),
            writes: Arc::clone(&writer.writes),
        };
        tokio::spawn(writer.write_in_groups(queue));
        Ok(journal)
    }

    /// How often the state was written.
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
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

/// The one task that writes.
pub(super) struct Writer {
    store: Store,
    version: Version,
    durable: Arc<Mutex<State>>,
    writes: Arc<AtomicU64>,
    stopped: Option<Stopped>,
}

impl Writer {
    /// The writer of `state`, which is kept as `version`.
    pub(super) fn new(store: Store, version: Version, state: State) -> Self {
        Self {
            store,
            version,
            durable: Arc::new(Mutex::new(state)),
            writes: Arc::default(),
            stopped: None,
        }
    }

    /// Takes whatever has gathered while the last write ran, and makes it durable with one write.
    async fn write_in_groups(mut self, mut queue: mpsc::UnboundedReceiver<(Transition, Reply)>) {
        while let Some(first) = queue.recv().await {
            // Lets every task that is ready to run add its transition to this write.
            tokio::task::yield_now().await;
            self.store.gather().await;
            let mut group = vec![first];
            while let Ok(next) = queue.try_recv() {
                group.push(next);
            }
            let mut state = self.durable();
            state.serial += 1;
            let mut accepted = Vec::with_capacity(group.len());
            for (transition, reply) in group {
                let recorded = match &self.stopped {
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
            let written = self.write(state).await;
            if let Err(error) = &written {
                self.stopped = Some(error.clone());
            }
            for reply in accepted {
                drop(reply.send(written.clone()));
            }
        }
    }

    pub(super) fn durable(&self) -> State {
        let durable = self.durable.lock().unwrap_or_else(PoisonError::into_inner);
        durable.clone()
    }

    pub(super) async fn write(&mut self, state: State) -> Result<(), Stopped> {
        let written = self.store.write(&state, &self.version).await;
        self.version = written.map_err(|error| match error {
            StoreError::Overtaken(overtaken) => Stopped::Overtaken(overtaken),
            error => Stopped::Store(Arc::new(error)),
        })?;
        self.writes.fetch_add(1, Ordering::Relaxed);
        *self.durable.lock().unwrap_or_else(PoisonError::into_inner) = state;
        Ok(())
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
        let store = Store::local(folder.path(), "sandbox", "1", "demo");
        let state = State::new("demo", "sandbox", "1", "us-east-1", Timestamp::UNIX_EPOCH);
        let journal = Journal::open(store.clone(), state).await.unwrap();
        for result in join_all((0..20).map(|n| journal.record(end(n)))).await {
            result.unwrap();
        }
        assert_eq!(journal.state().serial, 2);
        assert_eq!(store.load().await.unwrap(), Some(journal.state()));
    }

    #[tokio::test]
    async fn after_a_failed_write_nothing_is_recorded_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::local(folder.path(), "sandbox", "1", "demo");
        let state = State::new("demo", "sandbox", "1", "us-east-1", Timestamp::UNIX_EPOCH);
        let journal = Journal::open(store.clone(), state).await.unwrap();
        let obstacle = store.file().unwrap().with_extension("json.next");
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
