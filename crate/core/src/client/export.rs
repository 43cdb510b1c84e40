//! An export: the rows of a range as frames (`pure/export_frame.rs`), in constant memory, at one version.
//!
//! A transaction reads for five seconds at most, and an export may take hours. So it is made in rounds, as
//! FoundationDB makes backups. The first one goes over the whole range, chunk by chunk, each at whatever
//! version can be read; meanwhile the engine notes which keys change. Each following round exports what
//! changed during the one before. The export ends when a round was read at a single version, or when
//! nothing has changed: then the changes, done in order, make the range as it was at that version. If all
//! of it is read in five seconds, the first round is the only one.

use std::collections::VecDeque;
use std::rc::Rc;

use super::database::Database;
use super::options::TransactionOptions;
use super::subscription::checked;
use super::transaction::Transaction;
use crate::engine::{ChangedKeys, SubscriptionId};
use crate::pure::{ExportTotals, ExportWriter};
use crate::storage::Storage;
use crate::words::{
    Error, ErrorCode, Key, KeyRange, KeySelector, Mutation, RangeOptions, Result, StreamingMode, Version,
    key_after,
};

/// Changed keys are remembered one by one up to so many bytes.
const CHANGED_BYTES_MAX: usize = 8 << 20;
/// Counted per changed key besides its bytes.
const CHANGED_KEY_OVERHEAD_BYTES: usize = 64;
/// Frames that are made before they are asked for, so that a slow reader does not make a round slow.
const READ_AHEAD_BYTES: usize = 4 << 20;
/// How long it works without letting others have their turn.
const PIECE_US: u64 = 3_000;
/// Rounds before it is given up.
const ROUNDS_MAX: u32 = 30;

/// What one round has to export, and at which version it is read.
#[derive(Debug)]
struct Round {
    ranges: VecDeque<KeyRange>,
    keys: VecDeque<Key>,
    version: Option<Version>,
    /// Whether all of it so far was read at one version.
    is_exact: bool,
}

/// An export under way. Dropping it ends it.
pub struct Export<S: Storage> {
    database: Database<S>,
    id: SubscriptionId,
    range: KeyRange,
    writer: ExportWriter,
    ready: VecDeque<Vec<u8>>,
    ready_bytes: usize,
    round: Round,
    round_count: u32,
    transaction: Option<Rc<Transaction<S>>>,
    changed: ChangedKeys,
    changed_bytes: usize,
    has_begun: bool,
    has_ended: bool,
    /// Reads row by row, because there is damage ahead.
    is_careful: bool,
    skipped_count: u64,
}

impl<S: Storage> Export<S> {
    pub(super) fn new(database: Database<S>, range: &KeyRange) -> Result<Export<S>> {
        let range = checked(range)?;
        let id = database.engine().subscribe(range.clone());
        // That everything is new is not a change: the first round goes over all of it.
        database.engine().take_changes(id)?;
        Ok(Export {
            database,
            id,
            writer: ExportWriter::new(),
            ready: VecDeque::new(),
            ready_bytes: 0,
            round: Round {
                ranges: VecDeque::from([range.clone()]),
                keys: VecDeque::new(),
                version: None,
                is_exact: true,
            },
            range,
            round_count: 0,
            transaction: None,
            changed: ChangedKeys::default(),
            changed_bytes: 0,
            has_begun: false,
            has_ended: false,
            is_careful: false,
            skipped_count: 0,
        })
    }

    /// What was exported so far, and its bytes.
    pub fn totals(&self) -> (ExportTotals, u64) {
        (self.writer.totals(), self.writer.bytes())
    }

    /// The next frame; `None` after the last one.
    ///
    /// # Errors
    /// `transaction_too_old` if changes kept coming faster than they could be exported; those of reading.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let env = Rc::clone(self.database.engine().env());
        let mut since_us = env.monotonic_us();
        loop {
            // A round after the first is read at once, as far as memory allows: at one version, hopefully.
            let is_first_round = self.round_count == 0;
            let must_read = self.ready.is_empty()
                || (!is_first_round && !self.has_ended && self.ready_bytes < READ_AHEAD_BYTES);
            if !must_read || (self.has_ended && self.ready.is_empty()) {
                break;
            }
            self.advance().await?;
            if env.monotonic_us() - since_us >= PIECE_US {
                env.yield_now().await;
                since_us = env.monotonic_us();
            }
        }
        let frame = self.ready.pop_front();
        self.ready_bytes -= frame.as_ref().map_or(0, Vec::len);
        Ok(frame)
    }

    /// How many keys, or ranges of keys, are left out because a page is damaged: in a database that was opened
    /// for salvage. In any other, damage ends the export.
    pub fn skipped_count(&self) -> u64 {
        self.skipped_count
    }

    fn keep(&mut self, frame: Option<Vec<u8>>) {
        if let Some(frame) = frame {
            self.ready_bytes += frame.len();
            self.ready.push_back(frame);
        }
    }

    /// Does the next bit of work.
    async fn advance(&mut self) -> Result<()> {
        if !self.has_begun {
            // What is committed from now on is not in it, if it does not take too long.
            self.transaction().await?;
            self.has_begun = true;
            let unix_us = self.database.engine().env().unix_us();
            let frame = self.writer.begin(&self.range, unix_us);
            self.keep(Some(frame));
            return Ok(());
        }
        if let Some(range) = self.round.ranges.front().cloned() {
            self.export_rows(range).await?;
        } else if let Some(key) = self.round.keys.front().cloned() {
            self.export_key(key).await?;
        } else {
            return self.end_round().await;
        }
        let (_, changed) = self.database.engine().take_changes(self.id)?;
        self.note(&changed);
        Ok(())
    }

    fn note(&mut self, changed: &ChangedKeys) {
        if changed.is_empty() {
            return;
        }
        self.changed.add(changed);
        let added = changed
            .keys
            .keys()
            .map(|key| key.len() + CHANGED_KEY_OVERHEAD_BYTES);
        self.changed_bytes += added.sum::<usize>();
        if self.changed_bytes > CHANGED_BYTES_MAX {
            self.changed.condense();
            self.changed_bytes = 0;
        }
    }

    /// Ends the export if what was exported is the range at a version; else begins the next round.
    async fn end_round(&mut self) -> Result<()> {
        let engine = self.database.engine();
        let (newest, changed) = engine.take_changes(self.id)?;
        let round_version = match self.round.version {
            Some(version) => version,
            // A round in which nothing was to be read.
            None => newest,
        };
        self.note(&changed);
        let is_unchanged = self.changed.is_empty();
        if self.round.is_exact || is_unchanged {
            let version = if self.round.is_exact {
                round_version
            } else {
                newest
            };
            let rest = self.writer.flush();
            self.keep(rest);
            let end = self.writer.end(version);
            self.keep(Some(end));
            self.has_ended = true;
            self.transaction = None;
            return Ok(());
        }
        self.round_count += 1;
        if self.round_count > ROUNDS_MAX {
            let detail = format!(
                "keys changed faster than they could be exported, in {ROUNDS_MAX} rounds, each over what \
                 changed in the one before"
            );
            return Err(Error::new(ErrorCode::TransactionTooOld, detail));
        }
        let changed = std::mem::take(&mut self.changed);
        self.changed_bytes = 0;
        for range in changed.replaced.iter() {
            let frame = self.writer.push(&Mutation::ClearRange(range));
            self.keep(frame);
        }
        // At this very version: all changes up to it are known, and none after it is seen.
        let transaction = self.database.create_transaction(TransactionOptions::default());
        transaction.set_read_version(newest.get() as i64)?;
        self.transaction = Some(transaction);
        self.round = Round {
            ranges: changed.replaced.iter().collect(),
            keys: changed.keys.into_keys().into(),
            version: Some(newest),
            is_exact: true,
        };
        Ok(())
    }

    async fn export_rows(&mut self, range: KeyRange) -> Result<()> {
        let begin = KeySelector::first_greater_or_equal(range.begin.clone());
        let end = KeySelector::first_greater_or_equal(range.end.clone());
        let options = RangeOptions {
            limit: usize::from(self.is_careful),
            mode: StreamingMode::WantAll,
            snapshot: true,
            ..RangeOptions::default()
        };
        let transaction = self.transaction().await?;
        let batch = match transaction.get_range(&begin, &end, options).await {
            Ok(batch) => batch,
            Err(error) if self.goes_around(&error) => return self.go_around(&range).await,
            Err(error) => return self.begin_again_after(error),
        };
        match batch.rows.last() {
            Some((last, _)) if batch.more => {
                if let Some(rest) = self.round.ranges.front_mut() {
                    rest.begin = key_after(last);
                }
            }
            _ => {
                self.round.ranges.pop_front();
            }
        }
        for (key, value) in batch.rows {
            let frame = self.writer.push(&Mutation::Set(key, value));
            self.keep(frame);
        }
        Ok(())
    }

    async fn export_key(&mut self, key: Key) -> Result<()> {
        let transaction = self.transaction().await?;
        let value = match transaction.get(&key, true).await {
            Ok(value) => value,
            Err(error) if self.goes_around(&error) => {
                self.skipped_count += 1;
                self.round.keys.pop_front();
                return Ok(());
            }
            Err(error) => return self.begin_again_after(error),
        };
        self.round.keys.pop_front();
        let change = match value {
            Some(value) => Mutation::Set(key, value),
            None => Mutation::ClearRange(KeyRange::of_key(key)),
        };
        let frame = self.writer.push(&change);
        self.keep(frame);
        Ok(())
    }

    fn goes_around(&self, error: &Error) -> bool {
        error.code() == ErrorCode::FileCorrupt && self.database.engine().is_salvaging()
    }

    /// Goes on behind what is damaged: looks for it row by row first.
    async fn go_around(&mut self, range: &KeyRange) -> Result<()> {
        if !std::mem::replace(&mut self.is_careful, true) {
            return Ok(());
        }
        let engine = self.database.engine();
        let part = engine.unreadable_part(range).await?;
        if !part.is_empty() {
            // What was written since the page was: memory has it.
            let recent = engine.recent_keys(&part);
            self.round.keys.extend(recent);
            self.skipped_count += 1;
            self.is_careful = false;
        }
        match self.round.ranges.front_mut() {
            Some(rest) if part.end < range.end => rest.begin = part.end,
            _ => {
                self.round.ranges.pop_front();
            }
        }
        Ok(())
    }

    /// The transaction that reads; a new one at the newest version if there is none.
    async fn transaction(&mut self) -> Result<Rc<Transaction<S>>> {
        if let Some(transaction) = &self.transaction {
            return Ok(Rc::clone(transaction));
        }
        let transaction = self.database.create_transaction(TransactionOptions::default());
        let version = transaction.read_version().await?;
        match self.round.version {
            Some(_) => self.round.is_exact = false,
            None => self.round.version = Some(version),
        }
        self.transaction = Some(Rc::clone(&transaction));
        Ok(transaction)
    }

    /// Reads on at a newer version if that helps.
    fn begin_again_after(&mut self, error: Error) -> Result<()> {
        self.transaction = None;
        if error.code().is_retryable() {
            Ok(())
        } else {
            Err(error)
        }
    }
}

impl<S: Storage> Drop for Export<S> {
    fn drop(&mut self) {
        self.database.engine().unsubscribe(self.id);
    }
}
