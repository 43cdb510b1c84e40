//! One attempt of a transaction: from its creation, reset or retry to the next of these.
//!
//! It holds what a retry must forget: the read version, the writes, the conflict ranges, the reads
//! still on their way, the watches to be armed by its commit. Answers of an attempt that has ended
//! are replaced by the error that ended it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use futures_channel::oneshot;

use super::read::Read;
use crate::engine::{Committed, Engine, Snapshot, WatchId, WatchOutcome};
use crate::pure::{Overlay, RangeSet, VERSIONSTAMP_BYTES, WriteMap, versionstamp};
use crate::storage::Storage;
use crate::words::{Error, ErrorCode, Key, KeyRange, Result, Value};

/// A watch that waits for the commit of its transaction.
struct WaitingWatch {
    key: Key,
    /// The value to compare with; not known until the watch's own read has completed.
    reference: Option<Option<Value>>,
    sender: oneshot::Sender<WatchOutcome>,
}

/// Where the read version of an attempt stands.
enum ReadVersion {
    Unknown,
    Requested(Vec<oneshot::Sender<Result<Snapshot>>>),
    Known(Snapshot),
}

/// The state of one attempt.
pub(super) struct Attempt<S: Storage> {
    engine: Rc<Engine<S>>,
    read_version: RefCell<ReadVersion>,
    /// Shared with the reads on their way: each sees the writes as of its call.
    writes: RefCell<Rc<WriteMap>>,
    read_conflicts: RefCell<RangeSet>,
    watches: RefCell<BTreeMap<WatchId, WaitingWatch>>,
    ended: RefCell<Option<Error>>,
    is_commit_called: Cell<bool>,
    committed: Cell<Option<Committed>>,
    outstanding_reads: Cell<usize>,
    reads_done: RefCell<Vec<oneshot::Sender<()>>>,
    first_read_error: RefCell<Option<Error>>,
    /// Who waits for the commit's versionstamp.
    stamps: RefCell<Vec<oneshot::Sender<Result<[u8; VERSIONSTAMP_BYTES]>>>>,
    /// Who waits for something that the end of the attempt makes pointless.
    until_ended: RefCell<Vec<oneshot::Sender<Error>>>,
    /// Whether the next write adds no write conflict range.
    skips_next_conflict: Cell<bool>,
}

impl<S: Storage> Attempt<S> {
    pub(super) fn new(engine: Rc<Engine<S>>) -> Rc<Attempt<S>> {
        Rc::new(Attempt {
            engine,
            read_version: RefCell::new(ReadVersion::Unknown),
            writes: RefCell::default(),
            read_conflicts: RefCell::default(),
            watches: RefCell::default(),
            ended: RefCell::default(),
            is_commit_called: Cell::new(false),
            committed: Cell::new(None),
            outstanding_reads: Cell::new(0),
            reads_done: RefCell::default(),
            first_read_error: RefCell::default(),
            stamps: RefCell::default(),
            until_ended: RefCell::default(),
            skips_next_conflict: Cell::new(false),
        })
    }

    /// Fails if the attempt has ended, or its commit was called.
    pub(super) fn check_usable(&self) -> Result<()> {
        self.check_not_ended()?;
        if self.is_commit_called.get() {
            return Err(ErrorCode::UsedDuringCommit.into());
        }
        Ok(())
    }

    pub(super) fn check_not_ended(&self) -> Result<()> {
        self.ended.borrow().clone().map_or(Ok(()), Err)
    }

    /// Ends the attempt: its pending reads and waiting watches fail with this error.
    pub(super) fn end(&self, error: &Error) {
        self.ended.borrow_mut().get_or_insert_with(|| error.clone());
        self.fail_watches(error);
        for sender in self.stamps.take() {
            let _receiver_gone = sender.send(Err(error.clone()));
        }
        for sender in self.until_ended.take() {
            let _receiver_gone = sender.send(error.clone());
        }
    }

    /// Waits for `pending`, or for the end of the attempt, whichever comes first. `lost` is the error
    /// if nobody is left to answer.
    pub(super) fn or_ended<T, P: Future<Output = Option<Result<T>>> + Unpin>(
        &self,
        mut pending: P,
        lost: ErrorCode,
    ) -> impl Future<Output = Result<T>> + use<S, T, P> {
        let (sender, mut ended) = oneshot::channel();
        let mut until_ended = self.until_ended.borrow_mut();
        // Only when it would grow: many reads on their way at once must not each look at all of them.
        if until_ended.len() == until_ended.capacity() {
            until_ended.retain(|sender| !sender.is_canceled());
        }
        until_ended.push(sender);
        drop(until_ended);
        poll_fn(move |context| {
            if let Poll::Ready(Ok(error)) = Pin::new(&mut ended).poll(context) {
                return Poll::Ready(Err(error));
            }
            Pin::new(&mut pending)
                .poll(context)
                .map(|answer| answer.unwrap_or_else(|| Err(lost.into())))
        })
    }

    pub(super) fn writes(&self) -> Rc<WriteMap> {
        Rc::clone(&self.writes.borrow())
    }

    /// Changes the writes, then ends watches that the change makes obsolete.
    pub(super) fn write(&self, change: impl FnOnce(&mut WriteMap)) {
        change(Rc::make_mut(&mut self.writes.borrow_mut()));
        self.fire_watches_of_own_writes();
    }

    /// A read that failed at its call, as the commit's failure too.
    pub(super) fn failed_read<T>(&self, error: Error) -> Read<T> {
        self.note_read_error(Some(&error));
        Read::Ready(Err(error))
    }

    /// Adds a read conflict range, without what `writes` decide.
    pub(super) fn add_read_conflict(&self, writes: &WriteMap, range: &KeyRange) {
        for part in writes.unmodified_parts(range) {
            self.read_conflicts.borrow_mut().insert(part);
        }
    }

    pub(super) fn skip_next_conflict(&self) {
        self.skips_next_conflict.set(true);
    }

    /// Whether the write that asks is to add no write conflict range; the next one will.
    pub(super) fn takes_skipped_conflict(&self) -> bool {
        self.skips_next_conflict.replace(false)
    }

    /// The smallest versionstamp that the commit can get.
    pub(super) fn first_stamp(&self) -> [u8; VERSIONSTAMP_BYTES] {
        match &*self.read_version.borrow() {
            ReadVersion::Known(snapshot) => versionstamp(snapshot.version.plus(1), 0),
            ReadVersion::Unknown | ReadVersion::Requested(_) => [0; VERSIONSTAMP_BYTES],
        }
    }

    /// Gets the commit's versionstamp when it is known.
    pub(super) fn await_stamp(&self) -> oneshot::Receiver<Result<[u8; VERSIONSTAMP_BYTES]>> {
        let (sender, receiver) = oneshot::channel();
        self.stamps.borrow_mut().push(sender);
        receiver
    }

    /// The commit is over: tells its versionstamp, or that it has none.
    pub(super) fn settle_stamps(&self, result: &Result<()>) {
        let stamp = match (result, self.committed.get()) {
            (Ok(()), Some(committed)) => Ok(versionstamp(committed.version, committed.batch_index)),
            (Ok(()), None) => Err(ErrorCode::NoCommitVersion.into()),
            (Err(_), _) => Err(Error::from(ErrorCode::TransactionInvalidVersion)),
        };
        for sender in self.stamps.take() {
            let _receiver_gone = sender.send(stamp.clone());
        }
    }

    pub(super) fn read_conflicts(&self) -> &RefCell<RangeSet> {
        &self.read_conflicts
    }

    pub(super) fn committed(&self) -> Option<Committed> {
        self.committed.get()
    }

    pub(super) fn set_committed(&self, committed: Committed) {
        self.committed.set(Some(committed));
    }

    pub(super) fn call_commit(&self) {
        self.is_commit_called.set(true);
    }

    /// The read version, if it is there or can be had at once.
    pub(super) fn known_snapshot(&self) -> Result<Option<Snapshot>> {
        if let ReadVersion::Known(snapshot) = &*self.read_version.borrow() {
            return Ok(Some(*snapshot));
        }
        let known = self.engine.known_read_version()?;
        let mut read_version = self.read_version.borrow_mut();
        // While one is being fetched, everybody waits for that one: an attempt has one read version.
        if let (Some(snapshot), ReadVersion::Unknown) = (known, &*read_version) {
            *read_version = ReadVersion::Known(snapshot);
            return Ok(Some(snapshot));
        }
        Ok(None)
    }

    /// The read version, fetched once for all who ask.
    pub(super) async fn snapshot(self: &Rc<Self>) -> Result<Snapshot> {
        if let Some(snapshot) = self.known_snapshot()? {
            return Ok(snapshot);
        }
        let (sender, receiver) = oneshot::channel();
        let must_fetch = match &mut *self.read_version.borrow_mut() {
            ReadVersion::Requested(waiting) => {
                waiting.push(sender);
                false
            }
            unknown => {
                *unknown = ReadVersion::Requested(vec![sender]);
                true
            }
        };
        if must_fetch {
            let attempt = Rc::clone(self);
            self.engine.env().spawn(Box::pin(async move {
                let result = attempt.engine.read_version().await;
                let next = result
                    .as_ref()
                    .map_or(ReadVersion::Unknown, |&snapshot| ReadVersion::Known(snapshot));
                if let ReadVersion::Requested(waiting) = attempt.read_version.replace(next) {
                    for sender in waiting {
                        let _receiver_gone = sender.send(result.clone());
                    }
                }
            }));
        }
        receiver
            .await
            .unwrap_or_else(|_| Err(ErrorCode::OperationCancelled.into()))
    }

    /// Counts a read that its commit has to wait for.
    pub(super) fn read_began(&self) {
        self.outstanding_reads.set(self.outstanding_reads.get() + 1);
    }

    /// A counted read is done; the first error is the commit's too.
    pub(super) fn read_ended(&self, error: Option<&Error>) {
        self.note_read_error(error);
        self.outstanding_reads.set(self.outstanding_reads.get() - 1);
        if self.outstanding_reads.get() == 0 {
            for sender in self.reads_done.take() {
                let _receiver_gone = sender.send(());
            }
        }
    }

    pub(super) fn note_read_error(&self, error: Option<&Error>) {
        if let Some(error) = error {
            self.first_read_error
                .borrow_mut()
                .get_or_insert_with(|| error.clone());
        }
    }

    /// Waits for the reads on their way.
    ///
    /// # Errors
    /// The first error of any read of this attempt.
    pub(super) async fn reads_done(&self) -> Result<()> {
        while self.outstanding_reads.get() > 0 {
            let (sender, receiver) = oneshot::channel();
            self.reads_done.borrow_mut().push(sender);
            let _sender_gone = receiver.await;
        }
        self.first_read_error.borrow().clone().map_or(Ok(()), Err)
    }

    pub(super) fn add_watch(&self, id: WatchId, key: Key, sender: oneshot::Sender<WatchOutcome>) {
        let watch = WaitingWatch {
            key,
            reference: None,
            sender,
        };
        self.watches.borrow_mut().insert(id, watch);
    }

    /// The watch's own read is done: this is the value to compare with, or why there is none.
    pub(super) fn set_watch_reference(&self, id: WatchId, value: Result<Option<Value>>) {
        let outcome = match value {
            Ok(value) => {
                let mut watches = self.watches.borrow_mut();
                let Some(watch) = watches.get_mut(&id) else { return };
                watch.reference = Some(value);
                watch.outcome_of_own_writes(&self.writes.borrow())
            }
            Err(error) => Some(Err(error)),
        };
        if let Some(outcome) = outcome {
            self.end_watch(id, outcome);
        }
    }

    /// Cancels a watch that waits for the commit; false if none with this id does.
    pub(super) fn cancel_watch(&self, id: WatchId) -> bool {
        self.end_watch(id, Err(ErrorCode::OperationCancelled.into()))
    }

    /// Fires the waiting watches of a key whose value an operation will change, to whatever.
    pub(super) fn fire_watches_of(&self, key: &[u8]) {
        let is_fired = |watch: &WaitingWatch| &*watch.key == key;
        let ids: Vec<WatchId> = self
            .watches
            .borrow()
            .iter()
            .filter(|(_, watch)| is_fired(watch))
            .map(|(&id, _)| id)
            .collect();
        for id in ids {
            self.end_watch(id, Ok(()));
        }
    }

    /// The commit succeeded: from now on the engine compares.
    pub(super) fn arm_watches(&self) {
        for (id, watch) in self.watches.take() {
            let reference = watch.reference.unwrap_or_default();
            self.engine.arm_watch(id, watch.key, reference, watch.sender);
        }
    }

    pub(super) fn fail_watches(&self, error: &Error) {
        let ids: Vec<WatchId> = self.watches.borrow().keys().copied().collect();
        for id in ids {
            self.end_watch(id, Err(error.clone()));
        }
    }

    fn fire_watches_of_own_writes(&self) {
        let fired: Vec<(WatchId, WatchOutcome)> = {
            let (watches, writes) = (self.watches.borrow(), self.writes.borrow());
            let outcome =
                |(&id, watch): (&WatchId, &WaitingWatch)| Some((id, watch.outcome_of_own_writes(&writes)?));
            watches.iter().filter_map(outcome).collect()
        };
        for (id, outcome) in fired {
            self.end_watch(id, outcome);
        }
    }

    /// Ends a watch that waits for the commit; false if none with this id does.
    fn end_watch(&self, id: WatchId, outcome: WatchOutcome) -> bool {
        let Some(watch) = self.watches.borrow_mut().remove(&id) else {
            return false;
        };
        self.engine.discard_watch();
        let _receiver_gone = watch.sender.send(outcome);
        true
    }
}

impl WaitingWatch {
    /// Before the commit only own writes count: one that leaves another value than the reference.
    fn outcome_of_own_writes(&self, writes: &WriteMap) -> Option<WatchOutcome> {
        let reference = self.reference.as_ref()?;
        let is_changed = match writes.overlay(&self.key) {
            // Operations fire their watches at the call.
            Overlay::Unmodified | Overlay::Dependent(_) | Overlay::Unreadable(_) => false,
            Overlay::Cleared => reference.is_some(),
            Overlay::Set(value) => reference.as_ref() != Some(&value),
        };
        is_changed.then_some(Ok(()))
    }
}

/// An attempt that nobody holds any more has no commit: its watches can't fire.
impl<S: Storage> Drop for Attempt<S> {
    fn drop(&mut self) {
        self.fail_watches(&ErrorCode::TransactionCancelled.into());
    }
}
