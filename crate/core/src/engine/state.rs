//! What a peer knows: the database at the end of the log as far as it has read it.
//!
//! Everything here is derived from the pages of one root and the log after it, by applying its records in
//! order, each once (I2).

use std::collections::VecDeque;

use futures_channel::oneshot;

use super::subscription_set::SubscriptionSet;
use super::unfolded_log::{LogPrefix, UnfoldedLog};
use super::watch_set::{WatchId, WatchOutcome, WatchSet};
use crate::pure::{
    CommitRecord, CommittedTransaction, ConflictSet, DatabaseAt, PageSource, RecordReader, Root, SortedSet,
    Tree, VersionClock, VersionMap,
};
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
    tree: Tree,
    log: UnfoldedLog,
    conflicts: ConflictSet,
    pub(super) watches: WatchSet,
    pub(super) subscriptions: SubscriptionSet,
    /// Watched keys whose newest value has to be read to know whether it changed.
    unread_watches: SortedSet<Key>,
    /// The oldest version that transactions may read; none while the log is first read, when no history
    /// is kept.
    serves_from: Option<Version>,
    /// Versions of the commits that still matter for the horizon, oldest first.
    recent: VecDeque<Version>,
    /// Ids of the batches applied of late, newest last, to find one whose answer was lost.
    recent_batches: VecDeque<([u8; 16], Version)>,
}

/// Where a record is in the log, and how large.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogPlace {
    /// The place of its last entry.
    pub(super) last: SequenceNumber,
    pub(super) bytes: u64,
}

/// How many batch ids are kept: a lost answer is looked for right after the next log read.
const RECENT_BATCHES_MAX: usize = 1_024;

impl State {
    /// The state that a root's pages hold.
    pub(super) fn of_root(root: &Root, monotonic_us: u64, unix_us: u64) -> State {
        State {
            tail: root.folded_sequence,
            clock: VersionClock::new(root.folded_version, monotonic_us, unix_us),
            map: VersionMap::over_pages(root.folded_version, root.tree.is_some()),
            tree: Tree::new(root.tree),
            log: UnfoldedLog::after(root.folded_sequence),
            conflicts: ConflictSet::new(),
            watches: WatchSet::new(),
            subscriptions: SubscriptionSet::default(),
            unread_watches: SortedSet::default(),
            serves_from: None,
            recent: VecDeque::new(),
            recent_batches: VecDeque::new(),
        }
    }

    /// The log has been read: from now on transactions may read, at this version or later.
    pub(super) fn begin_to_serve(&mut self) {
        self.serves_from = Some(self.newest());
    }

    /// Lets go of all data. Watches that were never armed are still counted until they are discarded.
    pub(super) fn release(&mut self, monotonic_us: u64, unix_us: u64) {
        let watches = std::mem::replace(&mut self.watches, WatchSet::new());
        *self = State {
            watches,
            ..State::of_root(&Root::new([0; 16]), monotonic_us, unix_us)
        };
    }

    /// Takes the place of a state that was behind the folded log. Its watches are compared anew, and for
    /// its subscriptions everything may have changed.
    pub(super) fn replace(&mut self, mut newer: State) {
        newer.watches = std::mem::replace(&mut self.watches, WatchSet::new());
        newer.unread_watches.insert_keys(newer.watches.keys().cloned());
        newer.subscriptions = std::mem::take(&mut self.subscriptions);
        newer.subscriptions.note_everything();
        *self = newer;
    }

    /// Everything up to the root's folded version is in its pages now.
    pub(super) fn fold_through(&mut self, root: &Root) {
        self.tree = Tree::new(root.tree);
        self.log.fold_through(root.folded_sequence);
        self.map.fold_through(root.folded_version, root.tree.is_some());
    }

    /// The database at a version.
    pub(super) fn at<'a>(&'a self, version: Version, pages: &'a dyn PageSource) -> DatabaseAt<'a> {
        DatabaseAt::new(&self.map, self.tree, pages, version)
    }

    /// The place of the last entry applied, or passed because it is void.
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

    pub(super) fn map_mut(&mut self) -> &mut VersionMap {
        &mut self.map
    }

    pub(super) fn tree(&self) -> Tree {
        self.tree
    }

    /// The log that is not in pages.
    pub(super) fn unfolded(&self) -> Option<LogPrefix> {
        self.log.all()
    }

    /// The part of it that could be folded up to a version, if the state at its end can still be told.
    pub(super) fn foldable(&self, version: Version) -> Option<LogPrefix> {
        let prefix = self.log.up_to(version)?;
        (prefix.version >= self.map.horizon()).then_some(prefix)
    }

    /// The version of the record after the one with this version, if there is one.
    #[cfg(feature = "canaries")]
    pub(super) fn version_after(&self, version: Version) -> Version {
        let next = self.recent.partition_point(|&commit| commit <= version);
        self.recent.get(next).copied().unwrap_or(version)
    }

    /// Watched keys that have to be read.
    pub(super) fn take_unread_watches(&mut self) -> SortedSet<Key> {
        std::mem::take(&mut self.unread_watches)
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
    pub(super) fn apply_entries(
        &mut self,
        entries: &[LogEntry],
        monotonic_us: u64,
        pages: &dyn PageSource,
    ) -> Result<()> {
        self.apply_piece(entries, u64::MAX, monotonic_us, pages)
    }

    /// As [`State::apply_entries`], but stops after the record with which so many bytes are applied.
    ///
    /// # Errors
    /// The same.
    pub(super) fn apply_piece(
        &mut self,
        entries: &[LogEntry],
        piece_bytes: u64,
        monotonic_us: u64,
        pages: &dyn PageSource,
    ) -> Result<()> {
        let mut reader = RecordReader::after(self.tail);
        let tail = self.tail;
        let (mut bytes, mut applied_bytes) = (0, 0);
        for entry in entries.iter().filter(|entry| entry.sequence > tail) {
            bytes += entry.bytes.len() as u64;
            let record = reader.push(entry.sequence, &entry.bytes)?;
            if reader.is_inside_record() {
                continue;
            }
            applied_bytes += bytes;
            let place = LogPlace {
                last: entry.sequence,
                bytes: std::mem::take(&mut bytes),
            };
            match record {
                Some(record) => self.apply_record(&record, place, monotonic_us, pages)?,
                None => self.pass_void(place),
            }
            if applied_bytes >= piece_bytes {
                break;
            }
        }
        Ok(())
    }

    /// Passes an entry that counts for nothing: the next one comes after it all the same.
    fn pass_void(&mut self, place: LogPlace) {
        self.tail = place.last;
        self.log.push_void(place.bytes);
    }

    /// Applies one record.
    pub(super) fn apply_record(
        &mut self,
        record: &CommitRecord,
        place: LogPlace,
        monotonic_us: u64,
        pages: &dyn PageSource,
    ) -> Result<()> {
        let tail = place.last;
        if record.version <= self.newest() {
            let (found, newest) = (record.version, self.newest());
            let detail = format!("log record {tail}: version {found} does not follow version {newest}");
            return Err(Error::new(ErrorCode::FileCorrupt, detail));
        }
        let previous = self.newest();
        self.tail = tail;
        self.log.push(record.version, tail, place.bytes);
        self.clock.advance(record.version, record.unix_us, monotonic_us);
        let tree = self.tree;
        let lookup = |key: &[u8]| tree.get(pages, key).ok();
        for transaction in &record.transactions {
            for write in &transaction.writes {
                self.map.apply(&write.mutation, record.version, &lookup);
            }
        }
        if self.serves_from.is_some() {
            let transactions = record.transactions.iter();
            self.conflicts.insert(
                transactions.flat_map(CommittedTransaction::write_conflicts),
                record.version,
            );
        } else {
            // Nobody reads here yet, so nobody needs what was there before. A fold may, up to the last
            // record but one.
            self.map.forget(previous);
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
        let database = DatabaseAt::new(&self.map, self.tree, pages, record.version);
        let newest = |key: &Key| database.get(key).ok();
        let unread = self.watches.fire(mutations, &newest);
        self.unread_watches.insert_keys(unread);
        Ok(())
    }

    /// Starts a watch.
    pub(super) fn arm_watch(
        &mut self,
        id: WatchId,
        key: Key,
        reference: Option<Value>,
        sender: oneshot::Sender<WatchOutcome>,
        pages: &dyn PageSource,
    ) {
        let newest = DatabaseAt::new(&self.map, self.tree, pages, self.newest()).get(&key);
        let newest = newest.ok();
        if newest.is_none() {
            self.unread_watches.insert(key.clone(), ());
        }
        self.watches.arm(id, key, reference, sender, newest);
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
        // A fold can hold back the map's horizon, not that of the conflict history.
        let remembered = self.map.horizon().max(self.conflicts.horizon());
        let oldest = self.serves_from.max(Some(remembered));
        if is_old || Some(snapshot.version) < oldest {
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
