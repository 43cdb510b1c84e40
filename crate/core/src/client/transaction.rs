//! Transactions: reads of one snapshot with own writes on top, and a commit that succeeds only if
//! what was read is still true.
//!
//! Writes are kept here until the commit. Reads see them as they were at the call (I7), add the read
//! conflict ranges that FoundationDB adds, trimmed by own writes, and are awaited by the commit, which
//! fails with their first error. After `commit` every use fails with `used_during_commit` until
//! `reset` or a successful `on_error`.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_channel::oneshot;

use super::attempt::Attempt;
use super::merged_range::read_merged_range;
use super::read::Read;
use super::watch::Watch;
use crate::engine::{CommitIntent, Committed, Engine};
use crate::pure::{
    CommittedTransaction, Overlay, RetryPolicy, RetryState, VersionMap, WriteMap, conflict_bytes,
};
use crate::storage::Storage;
use crate::words::{
    Durability, Error, ErrorCode, KEY_BYTES_MAX, KEY_SPACE_END, Key, KeyRange, LocalFuture, RangeOptions,
    RangeRows, Result, TRANSACTION_BYTES_MAX, VALUE_BYTES_MAX, Value, Version, display_key, key_after,
};

/// How a transaction is to behave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransactionOptions {
    /// When its commit counts as done.
    pub durability: Durability,
    /// How often and how patiently `on_error` lets it retry.
    pub retry: RetryPolicy,
}

/// A transaction. Its futures make progress whether or not they are polled.
pub struct Transaction<S: Storage> {
    engine: Rc<Engine<S>>,
    options: TransactionOptions,
    attempt: RefCell<Rc<Attempt<S>>>,
    retry_state: Cell<RetryState>,
}

impl<S: Storage> Transaction<S> {
    pub(super) fn new(engine: Rc<Engine<S>>, options: TransactionOptions) -> Transaction<S> {
        let attempt = RefCell::new(Attempt::new(Rc::clone(&engine)));
        Transaction {
            engine,
            options,
            attempt,
            retry_state: Cell::default(),
        }
    }

    /// The value of a key, `None` if there is no such key. A key longer than any stored one is absent.
    ///
    /// # Errors
    /// `key_outside_legal_range`; `transaction_too_old`; those of the storage.
    pub fn get(&self, key: &[u8], snapshot: bool) -> Read<Option<Value>> {
        let attempt = self.attempt();
        if let Err(error) = attempt.check_usable().and_then(|()| check_key(key)) {
            return Read::Ready(Err(error));
        }
        if key.len() > KEY_BYTES_MAX {
            return Read::Ready(Ok(None));
        }
        match attempt.writes().overlay(key) {
            Overlay::Set(value) => Read::Ready(Ok(Some(value))),
            Overlay::Cleared => Read::Ready(Ok(None)),
            Overlay::Unmodified => {
                let key: Key = key.into();
                self.read(move |attempt, map, version| {
                    let value = map.get(&key, version).cloned();
                    if !snapshot {
                        attempt.read_conflicts().borrow_mut().insert_key(&key);
                    }
                    value
                })
            }
        }
    }

    /// One batch of the rows with `begin <= key < end`. `begin >= end` is an empty range.
    ///
    /// # Errors
    /// As [`Transaction::get`].
    pub fn get_range(&self, begin: &[u8], end: &[u8], options: RangeOptions) -> Read<RangeRows> {
        let attempt = self.attempt();
        let checked = attempt
            .check_usable()
            .and_then(|()| check_range_end(begin))
            .and_then(|()| check_range_end(end));
        if let Err(error) = checked {
            return Read::Ready(Err(error));
        }
        let range = KeyRange {
            begin: truncated(begin),
            end: truncated(end),
        };
        if range.is_empty() {
            return Read::Ready(Ok(RangeRows::default()));
        }
        let writes = attempt.writes();
        self.read(move |attempt, map, version| {
            let rows = read_merged_range(map, version, &writes, &range, &options);
            if !options.snapshot {
                add_range_conflict(attempt, &writes, range, &rows, options.reverse);
            }
            rows
        })
    }

    /// Sets a key.
    ///
    /// # Errors
    /// `key_outside_legal_range`, `key_too_large`, `value_too_large`.
    pub fn set(&self, key: &[u8], value: &[u8]) -> Result<()> {
        let attempt = self.attempt();
        attempt.check_usable()?;
        check_key(key)?;
        check_length(key.len(), KEY_BYTES_MAX, ErrorCode::KeyTooLarge, "key")?;
        check_length(value.len(), VALUE_BYTES_MAX, ErrorCode::ValueTooLarge, "value")?;
        attempt.write(|writes| writes.set(key.into(), value.into()));
        Ok(())
    }

    /// Clears a key. A key longer than any stored one is not there to be cleared.
    ///
    /// # Errors
    /// `key_outside_legal_range`.
    pub fn clear(&self, key: &[u8]) -> Result<()> {
        let attempt = self.attempt();
        attempt.check_usable()?;
        check_key(key)?;
        if key.len() <= KEY_BYTES_MAX {
            attempt.write(|writes| writes.clear_range(KeyRange::of_key(key.into())));
        }
        Ok(())
    }

    /// Clears every key with `begin <= key < end`.
    ///
    /// # Errors
    /// `key_outside_legal_range`, `inverted_range`.
    pub fn clear_range(&self, begin: &[u8], end: &[u8]) -> Result<()> {
        let attempt = self.attempt();
        attempt.check_usable()?;
        let range = checked_range(begin, end)?;
        attempt.write(|writes| writes.clear_range(range));
        Ok(())
    }

    /// Makes the transaction fail if another one writes into the range, as if it had read it.
    ///
    /// # Errors
    /// `key_outside_legal_range`, `inverted_range`.
    pub fn add_read_conflict_range(&self, begin: &[u8], end: &[u8]) -> Result<()> {
        let attempt = self.attempt();
        attempt.check_usable()?;
        let range = checked_range(begin, end)?;
        for part in attempt.writes().unmodified_parts(&range) {
            attempt.read_conflicts().borrow_mut().insert(part);
        }
        Ok(())
    }

    /// Makes others that read the range fail, as if this transaction wrote it.
    ///
    /// # Errors
    /// `key_outside_legal_range`, `inverted_range`.
    pub fn add_write_conflict_range(&self, begin: &[u8], end: &[u8]) -> Result<()> {
        let attempt = self.attempt();
        attempt.check_usable()?;
        let range = checked_range(begin, end)?;
        attempt.write(|writes| writes.add_write_conflict(range));
        Ok(())
    }

    /// Watches a key: a read of it (with its conflict), whose value is compared with the newest one
    /// after the commit. Errors come with the watch, not with the call.
    pub fn watch(&self, key: &[u8]) -> Watch<S> {
        let attempt = self.attempt();
        let checked = attempt
            .check_usable()
            .and_then(|()| check_key(key))
            .and_then(|()| check_length(key.len(), KEY_BYTES_MAX, ErrorCode::KeyTooLarge, "key"))
            .and_then(|()| self.engine.create_watch());
        let id = match checked {
            Ok(id) => id,
            Err(error) => return Watch::failed(error),
        };
        let (sender, receiver) = oneshot::channel();
        attempt.add_watch(id, key.into(), sender);
        match self.get(key, false) {
            Read::Ready(value) => attempt.set_watch_reference(id, value),
            Read::Pending(value) => {
                // Counted as a read of its own, so that the commit finds the reference in place.
                attempt.read_began();
                let attempt = Rc::clone(&attempt);
                self.engine.env().spawn(Box::pin(async move {
                    let value = value.await;
                    attempt.set_watch_reference(id, value);
                    attempt.read_ended(None);
                }));
            }
        }
        Watch::new(Rc::clone(&self.engine), &attempt, id, key.into(), receiver)
    }

    /// The version that the transaction reads.
    ///
    /// # Errors
    /// Those of reading the log; `transaction_cancelled`.
    pub fn read_version(&self) -> Read<Version> {
        let attempt = self.attempt();
        match attempt.check_not_ended().and_then(|()| attempt.known_snapshot()) {
            Ok(Some(snapshot)) => Read::Ready(Ok(snapshot.version)),
            Err(error) => Read::Ready(Err(error)),
            Ok(None) => Read::Pending(Box::pin(async move {
                let snapshot = attempt.snapshot().await?;
                attempt.check_not_ended()?;
                Ok(snapshot.version)
            })),
        }
    }

    /// Where the commit is in history; `None` before it and for a transaction that wrote nothing.
    pub fn committed(&self) -> Option<Committed> {
        self.attempt().committed()
    }

    /// The size so far, as counted towards the limit of 10,000,000 bytes.
    pub fn approximate_size(&self) -> u64 {
        let attempt = self.attempt();
        let conflicts = conflict_bytes(&attempt.read_conflicts().borrow());
        attempt.writes().commit_bytes() + conflicts
    }

    /// Commits. Waits for the reads on their way; a transaction that wrote nothing succeeds at once.
    ///
    /// # Errors
    /// The first error of any of its reads; `not_committed` on a conflict; `transaction_too_old`;
    /// `transaction_too_large`; `used_during_commit` when called twice; those of the storage.
    pub fn commit(&self) -> LocalFuture<Result<()>> {
        let attempt = self.attempt();
        if let Err(error) = attempt.check_usable() {
            return Box::pin(std::future::ready(Err(error)));
        }
        attempt.call_commit();
        let (sender, receiver) = oneshot::channel();
        let (engine, durability) = (Rc::clone(&self.engine), self.options.durability);
        self.engine.env().spawn(Box::pin(async move {
            let result = commit_attempt(&engine, &attempt, durability).await;
            match &result {
                Ok(()) => attempt.arm_watches(),
                Err(error) => attempt.fail_watches(error),
            }
            let _receiver_gone = sender.send(result);
        }));
        Box::pin(async move {
            receiver
                .await
                .unwrap_or_else(|_| Err(ErrorCode::CommitUnknownResult.into()))
        })
    }

    /// Prepares the next attempt after a failure: waits as long as FoundationDB would, then forgets
    /// everything but how often it has been tried.
    ///
    /// # Errors
    /// The error itself if it is not retryable or the retry limit is used up: the transaction then
    /// fails with `transaction_cancelled` until `reset`. The error that a cancelled transaction has.
    pub fn on_error(self: &Rc<Self>, error: &Error) -> LocalFuture<Result<()>> {
        let attempt = self.attempt();
        if let Err(ended) = attempt.check_not_ended() {
            return Box::pin(std::future::ready(Err(ended)));
        }
        let mut state = self.retry_state.get();
        let delay = state.on_error(error, &self.options.retry, self.engine.env().random_u64());
        self.retry_state.set(state);
        match delay {
            Err(error) => {
                attempt.end(&ErrorCode::TransactionCancelled.into());
                Box::pin(std::future::ready(Err(error)))
            }
            Ok(delay_us) => {
                let transaction = Rc::clone(self);
                Box::pin(async move {
                    transaction.engine.env().sleep(delay_us).await;
                    // Cancelled while it waited.
                    attempt.check_not_ended()?;
                    transaction.begin_attempt();
                    Ok(())
                })
            }
        }
    }

    /// Makes the transaction as good as new.
    pub fn reset(&self) {
        self.retry_state.set(RetryState::default());
        self.begin_attempt();
    }

    /// Ends every use of the transaction with `transaction_cancelled`, until `reset`. A commit in
    /// flight may or may not happen.
    pub fn cancel(&self) {
        self.attempt().end(&ErrorCode::TransactionCancelled.into());
    }

    fn begin_attempt(&self) {
        let ended = self.attempt.replace(Attempt::new(Rc::clone(&self.engine)));
        ended.end(&ErrorCode::TransactionCancelled.into());
    }

    fn attempt(&self) -> Rc<Attempt<S>> {
        Rc::clone(&self.attempt.borrow())
    }

    /// Runs `read` on the snapshot: now if the read version is known, else as soon as it is.
    fn read<T: 'static>(
        &self,
        read: impl FnOnce(&Attempt<S>, &VersionMap, Version) -> T + 'static,
    ) -> Read<T> {
        let attempt = self.attempt();
        match attempt.known_snapshot() {
            Ok(Some(snapshot)) => {
                let result = self
                    .engine
                    .read(&snapshot, |map| read(&attempt, map, snapshot.version));
                attempt.note_read_error(result.as_ref().err());
                Read::Ready(result)
            }
            Ok(None) => {
                attempt.read_began();
                let (sender, receiver) = oneshot::channel();
                let engine = Rc::clone(&self.engine);
                self.engine.env().spawn(Box::pin(async move {
                    let result = read_later(&engine, &attempt, read).await;
                    attempt.read_ended(result.as_ref().err());
                    let _receiver_gone = sender.send(result);
                }));
                Read::Pending(Box::pin(async move {
                    receiver
                        .await
                        .unwrap_or_else(|_| Err(ErrorCode::TransactionCancelled.into()))
                }))
            }
            Err(error) => {
                attempt.note_read_error(Some(&error));
                Read::Ready(Err(error))
            }
        }
    }
}

async fn read_later<S: Storage, T>(
    engine: &Engine<S>,
    attempt: &Rc<Attempt<S>>,
    read: impl FnOnce(&Attempt<S>, &VersionMap, Version) -> T,
) -> Result<T> {
    let snapshot = attempt.snapshot().await?;
    attempt.check_not_ended()?;
    engine.read(&snapshot, |map| read(attempt, map, snapshot.version))
}

async fn commit_attempt<S: Storage>(
    engine: &Rc<Engine<S>>,
    attempt: &Rc<Attempt<S>>,
    durability: Durability,
) -> Result<()> {
    attempt.reads_done().await?;
    attempt.check_not_ended()?;
    engine.check_usable()?;
    let writes = attempt.writes();
    if writes.is_empty() {
        return Ok(());
    }
    let bytes = writes.commit_bytes() + conflict_bytes(&attempt.read_conflicts().borrow());
    if bytes > TRANSACTION_BYTES_MAX {
        let detail = format!("at most {TRANSACTION_BYTES_MAX} bytes were expected, found {bytes}");
        return Err(Error::new(ErrorCode::TransactionTooLarge, detail));
    }
    let read_conflicts: Vec<KeyRange> = attempt.read_conflicts().borrow().iter().collect();
    // A transaction that only wrote needs no read version, unless it already asked for one.
    let snapshot = match attempt.known_snapshot()? {
        None if !read_conflicts.is_empty() => Some(attempt.snapshot().await?),
        known => known,
    };
    let committed = engine
        .commit(CommitIntent {
            snapshot,
            read_conflicts,
            transaction: CommittedTransaction {
                writes: writes.writes(),
                further_conflicts: writes.further_conflicts(),
                ..CommittedTransaction::default()
            },
            bytes,
            durability,
        })
        .await?;
    attempt.set_committed(committed);
    attempt.check_not_ended()
}

/// The read conflict range of a range read between plain keys: up to the last row if it stopped at a
/// limit, else all of it.
fn add_range_conflict<S: Storage>(
    attempt: &Attempt<S>,
    writes: &WriteMap,
    range: KeyRange,
    rows: &RangeRows,
    reverse: bool,
) {
    let mut conflict = range;
    if let (true, Some((last, _))) = (rows.more, rows.rows.last()) {
        if reverse {
            conflict.begin = last.clone();
        } else {
            conflict.end = key_after(last);
        }
    }
    for part in writes.unmodified_parts(&conflict) {
        attempt.read_conflicts().borrow_mut().insert(part);
    }
}

fn check_key(key: &[u8]) -> Result<()> {
    if key < KEY_SPACE_END {
        return Ok(());
    }
    let detail = format!("a key below \\xff was expected, found {}", display_key(key));
    Err(Error::new(ErrorCode::KeyOutsideLegalRange, detail))
}

fn check_range_end(key: &[u8]) -> Result<()> {
    if key <= KEY_SPACE_END {
        return Ok(());
    }
    let detail = format!(
        "the end of a range up to \\xff was expected, found {}",
        display_key(key)
    );
    Err(Error::new(ErrorCode::KeyOutsideLegalRange, detail))
}

fn check_length(found: usize, expected_max: usize, code: ErrorCode, what: &str) -> Result<()> {
    if found <= expected_max {
        return Ok(());
    }
    Err(Error::new(
        code,
        format!("a {what} of at most {expected_max} bytes was expected, found {found}"),
    ))
}

/// A range for a write or a conflict range; over-long keys are cut to one byte past the longest key.
fn checked_range(begin: &[u8], end: &[u8]) -> Result<KeyRange> {
    check_range_end(begin)?;
    check_range_end(end)?;
    if begin > end {
        let (begin, end) = (display_key(begin), display_key(end));
        let detail = format!("a range whose begin is not after its end was expected, found {begin} .. {end}");
        return Err(Error::new(ErrorCode::InvertedRange, detail));
    }
    Ok(KeyRange {
        begin: truncated(begin),
        end: truncated(end),
    })
}

/// No stored key is longer than the limit, so a longer bound selects what its prefix selects.
fn truncated(key: &[u8]) -> Key {
    key.iter().copied().take(KEY_BYTES_MAX + 1).collect()
}
