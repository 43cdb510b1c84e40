//! What a peer knows: the database at the end of the log as far as it has read it.
//!
//! Everything here is derived from the log, by applying its records in order, each once (I2).

use std::collections::VecDeque;

use futures_channel::oneshot;

use super::subscription_set::SubscriptionSet;
use super::watch_set::{WatchId, WatchOutcome, WatchSet};
use crate::pure::{CommitRecord, CommittedTransaction, ConflictSet, RecordReader, VersionClock, VersionMap};
use crate::storage::LogEntry;
use crate::words::{
    Error, ErrorCode, Key, Result, SequenceNumber, TRANSACTION_AGE_VERSIONS_MAX, Value, Version,
};

/// The point in history that a transaction reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Every commit at or before this version is visible, none after it.
    pub version: Version,
    /// What the monotonic clock said when it was the newest one: its age is measured from here, so that
    /// it grows also while nobody commits.
    pub taken_us: u64,
}

/// The derived state.
#[derive(Debug)]
pub(super) struct State {
    tail: SequenceNumber,
    clock: VersionClock,
    map: VersionMap,
    conflicts: ConflictSet,
    pub(super) watches: WatchSet,
    pub(super) subscriptions: SubscriptionSet,
    /// Whether transactions may read here. Before, while the log is first read, no history is kept.
    is_serving: bool,
    /// Versions of the commits that still matter for the horizon, oldest first.
    recent: VecDeque<Version>,
    /// Ids of the batches applied of late, newest last, to find one whose answer was lost.
    recent_batches: VecDeque<([u8; 16], Version)>,
}

/// How many batch ids are kept: a lost answer is looked for right after the next log read.
const RECENT_BATCHES_MAX: usize = 1_024;

impl State {
    pub(super) fn new(monotonic_us: u64, unix_us: u64) -> State {
        let mut map = VersionMap::new();
        map.forget(Version::FIRST);
        State {
            tail: SequenceNumber::ZERO,
            clock: VersionClock::new(Version::FIRST, monotonic_us, unix_us),
            map,
            conflicts: ConflictSet::new(),
            watches: WatchSet::new(),
            subscriptions: SubscriptionSet::default(),
            is_serving: false,
            recent: VecDeque::new(),
            recent_batches: VecDeque::new(),
        }
    }

    /// The log has been read: from now on transactions may read, at this version or later.
    pub(super) fn begin_to_serve(&mut self) {
        self.is_serving = true;
    }

    /// Lets go of all data. Watches that were never armed are still counted until they are discarded.
    pub(super) fn release(&mut self, monotonic_us: u64, unix_us: u64) {
        let watches = std::mem::replace(&mut self.watches, WatchSet::new());
        *self = State {
            watches,
            ..State::new(monotonic_us, unix_us)
        };
    }

    /// The place of the last entry applied.
    pub(super) fn tail(&self) -> SequenceNumber {
        self.tail
    }

    /// The newest version applied.
    pub(super) fn newest(&self) -> Version {
        self.clock.last()
    }

    pub(super) fn clock(&self) -> &VersionClock {
        &self.clock
    }

    pub(super) fn map(&self) -> &VersionMap {
        &self.map
    }

    pub(super) fn conflicts(&self) -> &ConflictSet {
        &self.conflicts
    }

    /// The version of the batch with this id, if it was applied of late.
    pub(super) fn find_batch(&self, batch_id: &[u8; 16]) -> Option<Version> {
        self.recent_batches
            .iter()
            .rev()
            .find(|(id, _)| id == batch_id)
            .map(|&(_, version)| version)
    }

    /// Applies entries read from the log. Those applied before are skipped, so that two reads that
    /// overlap do no harm.
    ///
    /// # Errors
    /// `file_corrupt` naming the log record; the records before it are applied.
    pub(super) fn apply_entries(&mut self, entries: &[LogEntry], monotonic_us: u64) -> Result<()> {
        let mut reader = RecordReader::after(self.tail);
        let tail = self.tail;
        for entry in entries.iter().filter(|entry| entry.sequence > tail) {
            if let Some(record) = reader.push(entry.sequence, &entry.bytes)? {
                self.apply_record(&record, entry.sequence, monotonic_us)?;
            }
        }
        Ok(())
    }

    /// Applies one record whose last entry is at `tail`.
    pub(super) fn apply_record(
        &mut self,
        record: &CommitRecord,
        tail: SequenceNumber,
        monotonic_us: u64,
    ) -> Result<()> {
        if record.version <= self.newest() {
            let (found, newest) = (record.version, self.newest());
            let detail = format!("log record {tail}: version {found} does not follow version {newest}");
            return Err(Error::new(ErrorCode::FileCorrupt, detail));
        }
        self.tail = tail;
        self.clock.advance(record.version, record.unix_us, monotonic_us);
        for transaction in &record.transactions {
            for write in &transaction.writes {
                self.map.apply(&write.mutation, record.version);
            }
        }
        if self.is_serving {
            let transactions = record.transactions.iter();
            self.conflicts.insert(
                transactions.flat_map(CommittedTransaction::write_conflicts),
                record.version,
            );
        } else {
            // Nobody reads here yet, so nobody needs what was there before.
            self.map.forget(record.version);
        }
        self.recent.push_back(record.version);
        self.recent_batches.push_back((record.batch_id, record.version));
        if self.recent_batches.len() > RECENT_BATCHES_MAX {
            self.recent_batches.pop_front();
        }
        self.forget();
        let writes = record
            .transactions
            .iter()
            .flat_map(|transaction| &transaction.writes);
        let mutations = writes.map(|write| &write.mutation);
        self.subscriptions.note(mutations.clone());
        self.watches.fire(mutations, &self.map);
        Ok(())
    }

    /// Starts a watch.
    pub(super) fn arm_watch(
        &mut self,
        id: WatchId,
        key: Key,
        reference: Option<Value>,
        sender: oneshot::Sender<WatchOutcome>,
    ) {
        self.watches.arm(id, key, reference, sender, &self.map);
    }

    /// The snapshot of a version that was asked for; `None` if it lies in the future. It is as old as the
    /// commit that replaced it: the newest version has no age.
    pub(super) fn snapshot_at(&self, version: Version, monotonic_us: u64, unix_us: u64) -> Option<Snapshot> {
        if version > self.newest() {
            return None;
        }
        let next = self.recent.partition_point(|&commit| commit <= version);
        let age_us = self.recent.get(next).map_or(0, |&replaced_at| {
            self.clock.now(monotonic_us, unix_us).get() - replaced_at.get()
        });
        let taken_us = monotonic_us.saturating_sub(age_us);
        Some(Snapshot { version, taken_us })
    }

    /// Fails if the snapshot can't be read any more, or not yet.
    ///
    /// # Errors
    /// `transaction_too_old`, `future_version`.
    pub(super) fn check_readable(&self, snapshot: &Snapshot, monotonic_us: u64) -> Result<()> {
        self.check_age(snapshot, monotonic_us)?;
        if snapshot.version > self.newest() {
            return Err(ErrorCode::FutureVersion.into());
        }
        Ok(())
    }

    /// Fails if the snapshot is older than five million microseconds, or older than what is remembered.
    ///
    /// # Errors
    /// `transaction_too_old`.
    pub(super) fn check_age(&self, snapshot: &Snapshot, monotonic_us: u64) -> Result<()> {
        // Versions advance by one per microsecond.
        let is_old = monotonic_us.saturating_sub(snapshot.taken_us) > TRANSACTION_AGE_VERSIONS_MAX;
        if is_old || snapshot.version < self.map.horizon() {
            return Err(ErrorCode::TransactionTooOld.into());
        }
        Ok(())
    }

    /// Lets go of what only transactions beyond the age limit could need. The horizon is the version
    /// that was the newest one five million versions ago: it and everything after stays readable.
    fn forget(&mut self) {
        let oldest = self.newest().minus(TRANSACTION_AGE_VERSIONS_MAX);
        let mut horizon = None;
        while let Some(&version) = self.recent.front()
            && version <= oldest
        {
            horizon = Some(version);
            self.recent.pop_front();
        }
        if let Some(horizon) = horizon {
            self.map.forget(horizon);
            self.conflicts.forget(horizon);
        }
    }
}
