//! The journal: transitions become durable in the order in which they are made, many in one write.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

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

/// What the writer is asked for.
#[derive(Debug)]
enum Request {
    /// That a transition becomes durable, which nobody waits for.
    Note(Transition),
    /// An answer as soon as everything that was noted before is durable.
    Settle(oneshot::Sender<Result<(), Stopped>>),
}

/// In a bucket: for how long what somebody waits for gathers with what comes at the same time. A request takes about as
/// long.
const GATHERS: Duration = Duration::from_millis(200);

/// In a bucket: for how long what nobody waits for is kept back, to share the write of what comes next.
const LINGERS: Duration = Duration::from_secs(5);

/// A handle on the journal; clones share it.
#[derive(Clone, Debug)]
pub struct Journal {
    requests: mpsc::UnboundedSender<Request>,
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
    /// When it is not durable. After a failed write or an illegal step the journal stays stopped.
    pub async fn record(&self, transition: Transition) -> Result<(), Stopped> {
        self.note(transition)?;
        self.settle().await
    }

    /// Makes a transition that is durable before any that comes later, and soon. What becomes of it is told to whoever
    /// settles or records next.
    ///
    /// # Errors
    /// When the journal is closed.
    pub fn note(&self, transition: Transition) -> Result<(), Stopped> {
        let sent = self.requests.send(Request::Note(transition));
        sent.map_err(|_| Self::closed())
    }

    /// Returns once everything that was noted is durable.
    ///
    /// # Errors
    /// When it is not.
    pub async fn settle(&self) -> Result<(), Stopped> {
        let (reply, answer) = oneshot::channel();
        let sent = self.requests.send(Request::Settle(reply));
        sent.map_err(|_| Self::closed())?;
        answer.await.map_err(|_| Self::closed())?
    }

    fn closed() -> Stopped {
        Stopped::Illegal(Arc::new(Damage::Unreadable(
            "the journal is closed".to_owned(),
        )))
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

    /// Makes one group after the other durable, each with one write.
    async fn write_in_groups(mut self, mut queue: mpsc::UnboundedReceiver<Request>) {
        while let Some(group) = self.gather(&mut queue).await {
            let mut waiting = Vec::new();
            let mut state = self.durable();
            let mut noted = false;
            for request in group {
                match request {
                    Request::Settle(reply) => waiting.push(reply),
                    Request::Note(_) if self.stopped.is_some() => {}
                    Request::Note(transition) => match state.record(transition) {
                        Ok(()) => noted = true,
                        Err(damage) => self.stopped = Some(Stopped::Illegal(Arc::new(damage))),
                    },
                }
            }
            if noted {
                state.serial += 1;
                if let Err(error) = self.write(state).await {
                    self.stopped = Some(error);
                }
            }
            for reply in waiting {
                // A caller that went away needs no answer.
                drop(reply.send(self.stopped.clone().map_or(Ok(()), Err)));
            }
        }
    }

    /// Whatever has come while the last write ran. Where a write costs more than some waiting, also what comes in a while.
    async fn gather(&self, queue: &mut mpsc::UnboundedReceiver<Request>) -> Option<Vec<Request>> {
        let mut group = vec![queue.recv().await?];
        // Lets every task that is ready to run add its transition to this write.
        tokio::task::yield_now().await;
        if self.store.is_shared() {
            let mut lingering = pin!(self.store.uptime.sleep(LINGERS));
            while matches!(group.last(), Some(Request::Note(_))) {
                tokio::select! {
                    Some(next) = queue.recv() => group.push(next),
                    () = &mut lingering => break,
                }
            }
            if matches!(group.first(), Some(Request::Note(_))) {
                self.store.uptime.sleep(GATHERS).await;
            }
        }
        while let Ok(next) = queue.try_recv() {
            group.push(next);
        }
        Some(group)
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
    use object_store::memory::InMemory;
    use tokio::time::Instant;

    use super::*;
    use crate::state::document::Outcome;

    fn nobodys() -> State {
        State::new("demo", "sandbox", "1", "us-east-1", Timestamp::UNIX_EPOCH)
    }

    async fn in_a_bucket() -> Journal {
        let whose = ["sandbox", "1", "demo"];
        let store = Store::shared(Arc::new(InMemory::new()), "memory", "", whose);
        Journal::open(store, nobodys()).await.unwrap()
    }

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
        let journal = Journal::open(store.clone(), nobodys()).await.unwrap();
        for result in join_all((0..20).map(|n| journal.record(end(n)))).await {
            result.unwrap();
        }
        assert_eq!(journal.state().serial, 2);
        assert_eq!(store.load().await.unwrap(), Some(journal.state()));
    }

    #[tokio::test]
    async fn what_is_noted_is_durable_with_what_is_recorded_next() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::local(folder.path(), "sandbox", "1", "demo");
        let journal = Journal::open(store.clone(), nobodys()).await.unwrap();
        journal.note(end(1)).unwrap();
        journal.record(end(2)).await.unwrap();
        let kept = store.load().await.unwrap().unwrap();
        assert_eq!(
            (kept.serial, kept.outcome.unwrap().operation),
            (2, "2".to_owned())
        );
    }

    #[tokio::test]
    async fn what_is_noted_becomes_durable_in_a_folder_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::local(folder.path(), "sandbox", "1", "demo");
        let journal = Journal::open(store.clone(), nobodys()).await.unwrap();
        journal.note(end(1)).unwrap();
        while journal.writes() == 1 {
            tokio::task::yield_now().await;
        }
        assert!(store.load().await.unwrap().unwrap().outcome.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn in_a_bucket_what_is_noted_waits_to_share_a_write_and_not_for_ever() {
        let journal = in_a_bucket().await;
        journal.note(end(1)).unwrap();
        tokio::time::sleep(LINGERS / 2).await;
        let begun = Instant::now();
        journal.record(end(2)).await.unwrap();
        assert_eq!((journal.writes(), begun.elapsed()), (2, GATHERS));
        journal.note(end(3)).unwrap();
        tokio::time::sleep(LINGERS + 2 * GATHERS).await;
        assert_eq!(journal.writes(), 3);
        journal.settle().await.unwrap();
        assert_eq!(journal.writes(), 3);
    }

    #[tokio::test]
    async fn after_an_illegal_step_nothing_is_recorded_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::local(folder.path(), "sandbox", "1", "demo");
        let journal = Journal::open(store, nobodys()).await.unwrap();
        let never_begun = "network.vpc".parse().unwrap();
        journal
            .note(Transition::Identify(never_begun, "vpc-1".to_owned()))
            .unwrap();
        let next = journal.record(end(1)).await;
        assert!(matches!(next, Err(Stopped::Illegal(_))), "{next:?}");
        assert_eq!(journal.state().serial, 1);
    }

    #[tokio::test]
    async fn after_a_failed_write_nothing_is_recorded_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::local(folder.path(), "sandbox", "1", "demo");
        let journal = Journal::open(store.clone(), nobodys()).await.unwrap();
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
