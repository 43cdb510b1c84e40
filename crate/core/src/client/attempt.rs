//! One attempt of a transaction: from its creation, reset or retry to the next of these.
//!
//! It holds what a retry must forget: the read version, the writes, the conflict ranges, the reads
//! still on their way, the watches to be armed by its commit. Answers of an attempt that has ended
//! are replaced by the error that ended it.

use std::cell::{Cell, RefCell, RefMut};
use std::future::{poll_fn, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use futures_channel::oneshot;

use super::options::{AttemptOptions, TransactionOptions};
use crate::engine::{Committed, Engine, Snapshot, WatchId, WatchOutcome};
use crate::pure::{
    RangeSet, ReadSet, SortedMap, StampedWrite, VERSIONSTAMP_BYTES, WriteMap, conflict_bytes, possible_keys,
    stamped, versionstamp,
};
use crate::storage::Storage;
use crate::words::{
    CONFLICT_RANGE_OVERHEAD_BYTES, Error, ErrorCode, Key, KeyRange, LocalFuture, Mutation, Result, Value,
    Version, Write,
};

/// A watch that waits for the commit of its transaction.
struct WaitingWatch {
    key: Key,
    /// The value to compare with; not known until the watch's own read has completed.
    reference: Option<Option<Value>>,
    /// What own writes have made of the key while the reference was not known.
    written: Vec<Option<Value>>,
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
    options: RefCell<AttemptOptions>,
    read_version: RefCell<ReadVersion>,
    /// The read version that was asked for.
    wanted_version: Cell<Option<Version>>,
    /// Shared with the reads on their way: each sees the writes as of its call.
    writes: RefCell<Rc<WriteMap>>,
    /// The writes in the order of their calls, if reads don't see them.
    unseen_writes: RefCell<Vec<StampedWrite>>,
    read_conflicts: RefCell<ReadSet>,
    /// A running estimate of the size: unlike the true one, it never shrinks when writes are merged.
    approximate_bytes: Cell<u64>,
    /// Whether anything was read or written.
    is_used: Cell<bool>,
    /// The first error of a call that could not tell it.
    deferred: RefCell<Option<Error>>,
    watches: RefCell<SortedMap<WatchId, WaitingWatch>>,
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
    pub(super) fn new(engine: Rc<Engine<S>>, defaults: &TransactionOptions) -> Rc<Attempt<S>> {
        Rc::new(Attempt {
            engine,
            options: RefCell::new(AttemptOptions::new(defaults)),
            read_version: RefCell::new(ReadVersion::Unknown),
            wanted_version: Cell::new(None),
            writes: RefCell::default(),
            unseen_writes: RefCell::default(),
            read_conflicts: RefCell::default(),
            approximate_bytes: Cell::new(0),
            is_used: Cell::new(false),
            deferred: RefCell::default(),
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

    pub(super) fn options(&self) -> &RefCell<AttemptOptions> {
        &self.options
    }

    /// Fails if the attempt has ended, its commit was called, or an error was deferred. A use after
    /// `commit` ends the attempt, its commit included, unless an option says otherwise.
    pub(super) fn check_usable(&self) -> Result<()> {
        self.check_not_ended()?;
        if self.is_commit_called.get() {
            let error = Error::from(ErrorCode::UsedDuringCommit);
            if !self.options.borrow().common.used_during_commit_protection_disable {
                self.end(&error);
            }
            return Err(error);
        }
        self.check_not_deferred()
    }

    /// As `check_usable`, for a call that reads or writes.
    pub(super) fn check_use(&self) -> Result<()> {
        self.check_usable()?;
        self.is_used.set(true);
        Ok(())
    }

    pub(super) fn is_used(&self) -> bool {
        self.is_used.get()
    }

    pub(super) fn check_not_deferred(&self) -> Result<()> {
        self.deferred.borrow().clone().map_or(Ok(()), Err)
    }

    /// Keeps the error of a call that can't tell it, unless an earlier one is kept.
    pub(super) fn defer(&self, error: Error) {
        self.deferred.borrow_mut().get_or_insert(error);
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

    /// The writes as a read sees them that is issued now.
    pub(super) fn visible_writes(&self, snapshot: bool) -> Rc<WriteMap> {
        if self.options.borrow().sees_own_writes(snapshot) {
            self.writes()
        } else {
            Rc::default()
        }
    }

    /// Adds a write, then ends watches that it makes obsolete.
    pub(super) fn write(&self, write: StampedWrite) {
        self.approximate_bytes
            .set(self.approximate_bytes.get() + write.commit_bytes());
        if self.options.borrow().read_your_writes_disable {
            self.unseen_writes.borrow_mut().push(write);
            return;
        }
        let first_stamp = self.first_stamp();
        if !self.watches.borrow().is_empty() {
            self.fire_watches_of(&write);
        }
        Rc::make_mut(&mut self.writes.borrow_mut()).apply(write, &first_stamp);
    }

    pub(super) fn add_write_conflict(&self, range: KeyRange) {
        if range.is_empty() {
            return;
        }
        self.note_conflict_bytes(&range);
        Rc::make_mut(&mut self.writes.borrow_mut()).add_write_conflict(range);
    }

    /// Whether a commit has nothing to do: no mutation and no write conflict range.
    pub(super) fn has_no_writes(&self) -> bool {
        self.writes.borrow().is_empty() && self.unseen_writes.borrow().is_empty()
    }

    /// The writes in the order of the commit.
    pub(super) fn commit_writes(&self) -> Vec<StampedWrite> {
        let unseen = self.unseen_writes.borrow();
        if unseen.is_empty() {
            self.writes.borrow().writes()
        } else {
            unseen.clone()
        }
    }

    /// The size as counted towards the limit.
    pub(super) fn commit_bytes(&self) -> u64 {
        let unseen: u64 = self
            .unseen_writes
            .borrow()
            .iter()
            .map(StampedWrite::commit_bytes)
            .sum();
        self.writes.borrow().commit_bytes()
            + unseen
            + conflict_bytes(self.read_conflicts.borrow_mut().ranges())
    }

    /// An estimate of the size that grows with every call that adds to it.
    pub(super) fn approximate_bytes(&self) -> u64 {
        self.approximate_bytes.get()
    }

    fn note_conflict_bytes(&self, range: &KeyRange) {
        let bytes = (range.begin.len() + range.end.len()) as u64 + CONFLICT_RANGE_OVERHEAD_BYTES;
        self.approximate_bytes.set(self.approximate_bytes.get() + bytes);
    }

    /// The write conflict ranges: of a key with a versionstamp all that it may become, or after the
    /// commit the one that it became.
    pub(super) fn write_conflicts(&self) -> RangeSet {
        let mut conflicts = self.writes.borrow().write_conflicts();
        let stamp = self
            .committed
            .get()
            .map(|committed| versionstamp(committed.version, committed.batch_index));
        for write in self.commit_writes() {
            let range = match (&write, stamp) {
                (StampedWrite::Key { template, .. }, Some(stamp)) => {
                    stamped(template, &stamp).map(KeyRange::of_key)
                }
                (StampedWrite::Key { template, .. }, None) => possible_keys(template, &self.first_stamp()),
                _ => write.conflict_range(),
            };
            if let Some(range) = range {
                conflicts.insert(range);
            }
        }
        conflicts
    }

    /// Adds a read conflict range, without what `writes` decide.
    pub(super) fn add_read_conflict(&self, writes: &WriteMap, range: &KeyRange) {
        for part in writes.unmodified_parts(range) {
            self.note_conflict_bytes(&part);
            self.read_conflicts.borrow_mut().insert(part);
        }
    }

    /// Adds a key whose value the database decides.
    pub(super) fn add_read_conflict_key(&self, key: Key) {
        let bytes = 2 * key.len() as u64 + 1 + CONFLICT_RANGE_OVERHEAD_BYTES;
        self.approximate_bytes.set(self.approximate_bytes.get() + bytes);
        self.read_conflicts.borrow_mut().insert_key(key);
    }

    /// Has the transaction read this version.
    ///
    /// # Errors
    /// `read_version_already_set` if it has or awaits one.
    pub(super) fn set_read_version(&self, version: Version) -> Result<()> {
        let is_unknown = matches!(*self.read_version.borrow(), ReadVersion::Unknown);
        if !is_unknown || self.wanted_version.get().is_some() {
            return Err(ErrorCode::ReadVersionAlreadySet.into());
        }
        self.wanted_version.set(Some(version));
        Ok(())
    }

    pub(super) fn wanted_version(&self) -> Option<Version> {
        self.wanted_version.get()
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

    pub(super) fn read_conflicts(&self) -> RefMut<'_, ReadSet> {
        self.read_conflicts.borrow_mut()
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

    /// The read version, if it has one.
    pub(super) fn own_snapshot(&self) -> Option<Snapshot> {
        match &*self.read_version.borrow() {
            ReadVersion::Known(snapshot) => Some(*snapshot),
            ReadVersion::Unknown | ReadVersion::Requested(_) => None,
        }
    }

    /// The read version, if it is there or can be had at once.
    pub(super) fn known_snapshot(&self) -> Result<Option<Snapshot>> {
        let own = self.own_snapshot();
        if own.is_some() {
            return Ok(own);
        }
        let known = match self.wanted_version.get() {
            Some(version) => self.engine.snapshot_at(version)?,
            None if self.options.borrow().common.causal_read_risky => Some(self.engine.newest_known()?),
            None => self.engine.known_read_version()?,
        };
        let mut read_version = self.read_version.borrow_mut();
        // While one is being fetched, everybody waits for that one: an attempt has one read version.
        if let (Some(snapshot), ReadVersion::Unknown) = (known, &*read_version) {
            *read_version = ReadVersion::Known(snapshot);
            return Ok(Some(snapshot));
        }
        Ok(None)
    }

    /// The read version, fetched once for all who ask.
    pub(super) fn snapshot(self: &Rc<Self>) -> LocalFuture<Result<Snapshot>> {
        // Asked for at the call, not when the future is first polled.
        match self.known_snapshot() {
            Ok(Some(snapshot)) => Box::pin(ready(Ok(snapshot))),
            Ok(None) => {
                let requested = self.request_snapshot();
                Box::pin(async move {
                    requested
                        .await
                        .unwrap_or_else(|_| Err(ErrorCode::OperationCancelled.into()))
                })
            }
            Err(error) => Box::pin(ready(Err(error))),
        }
    }

    fn request_snapshot(self: &Rc<Self>) -> oneshot::Receiver<Result<Snapshot>> {
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
                let result = match attempt.wanted_version.get() {
                    Some(version) => attempt.engine.await_version(version).await,
                    None => attempt.engine.read_version().await,
                };
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

    /// The reads that a commit would wait for.
    pub(super) fn outstanding_reads(&self) -> usize {
        self.outstanding_reads.get()
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
            written: Vec::new(),
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
                let is_changed = watch.written.iter().any(|written| *written != value);
                watch.reference = Some(value);
                is_changed.then_some(Ok(()))
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

    /// Fires the waiting watches that a write makes obsolete: it leaves another value than the one to
    /// compare with, or one that is not known.
    fn fire_watches_of(&self, write: &StampedWrite) {
        if self.watches.borrow().is_empty() {
            return;
        }
        let (range, value) = match write {
            StampedWrite::Plain(Write { mutation, .. }) => match mutation {
                Mutation::Set(key, value) => (KeyRange::of_key(key.clone()), Some(Some(value))),
                Mutation::ClearRange(range) => (range.clone(), Some(None)),
                Mutation::Atomic(_, key, _) => (KeyRange::of_key(key.clone()), None),
            },
            StampedWrite::Value { key, .. } => (KeyRange::of_key(key.clone()), None),
            StampedWrite::Key { .. } => return,
        };
        let mut watches = self.watches.borrow_mut();
        let of_range = watches.iter().filter(|(_, watch)| range.contains(&watch.key));
        let mut fired: Vec<WatchId> = of_range.map(|(&id, _)| id).collect();
        fired.retain(|id| {
            watches
                .get_mut(id)
                .is_some_and(|watch| watch.is_changed_by(value))
        });
        drop(watches);
        for id in fired {
            self.end_watch(id, Ok(()));
        }
    }

    /// The commit succeeded: from now on the engine compares.
    pub(super) fn arm_watches(&self) {
        let mut watches = self.watches.take();
        while let Some((id, watch)) = watches.pop_first() {
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
    /// Before the commit only own writes count. `value` is what one leaves; `None` if that is not known.
    fn is_changed_by(&mut self, value: Option<Option<&Value>>) -> bool {
        match (value, &self.reference) {
            (None, _) => true,
            (Some(value), Some(reference)) => value != reference.as_ref(),
            (Some(value), None) => {
                self.written.push(value.cloned());
                false
            }
        }
    }
}

/// An attempt that nobody holds any more has no commit: its watches can't fire.
impl<S: Storage> Drop for Attempt<S> {
    fn drop(&mut self) {
        self.fail_watches(&ErrorCode::TransactionCancelled.into());
    }
}
