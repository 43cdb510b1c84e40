//! Transactions: reads of one snapshot with own writes on top, and a commit that succeeds only if
//! what was read is still true.
//!
//! Writes are kept here until the commit. Reads see them as they were at the call (I7), add the read
//! conflict ranges that FoundationDB adds, trimmed by own writes, and are awaited by the commit, which
//! fails with their first error. After `commit` every use fails with `used_during_commit` until
//! `reset` or a successful `on_error`.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use futures_channel::oneshot;

use super::attempt::Attempt;
use super::legal::{
    check_key, check_key_value, check_length, check_range_end, check_template, checked_range, cut,
};
use super::merged_range::{BatchLimits, Resolved, View, apply_operations};
use super::read::Read;
use super::read_conflict::{self, RangeRead};
use super::watch::Watch;
use crate::engine::{CommitIntent, Committed, Engine};
use crate::pure::{Overlay, RetryPolicy, RetryState, VERSIONSTAMP_BYTES, VersionMap, conflict_bytes};
use crate::storage::Storage;
use crate::words::{
    AtomicOp, Durability, Error, ErrorCode, KEY_BYTES_MAX, Key, KeyRange, KeySelector, LocalFuture,
    RangeOptions, RangeRows, Result, TRANSACTION_BYTES_MAX, Value, Version,
};

/// How a transaction is to behave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransactionOptions {
    /// When its commit counts as done.
    pub durability: Durability,
    /// How often and how patiently `on_error` lets it retry.
    pub retry: RetryPolicy,
    /// Microseconds from its creation, or `reset`, after which every use of it fails with
    /// `transaction_timed_out`, retries included; `None` for never.
    pub timeout_us: Option<u64>,
    /// The largest size that it may commit; `None` for 10,000,000 bytes.
    pub size_limit: Option<u64>,
}

/// A transaction. Its futures make progress whether or not they are polled.
pub struct Transaction<S: Storage> {
    engine: Rc<Engine<S>>,
    options: TransactionOptions,
    attempt: RefCell<Rc<Attempt<S>>>,
    retry_state: Cell<RetryState>,
    /// Stops the timer when it is dropped.
    timer: RefCell<Option<oneshot::Sender<()>>>,
}

impl<S: Storage> Transaction<S> {
    pub(super) fn new(engine: Rc<Engine<S>>, options: TransactionOptions) -> Rc<Transaction<S>> {
        let attempt = RefCell::new(Attempt::new(Rc::clone(&engine)));
        let (retry_state, timer) = (Cell::default(), RefCell::default());
        let transaction = Rc::new(Transaction {
            engine,
            options,
            attempt,
            retry_state,
            timer,
        });
        transaction.start_timer();
        transaction
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
        // What the writes say of this one key is all that the answer needs of them: a copy of the whole
        // map would have to be made if a write came before the answer.
        let operations = match attempt.writes().overlay(key) {
            Overlay::Set(value) => return Read::Ready(Ok(Some(value))),
            Overlay::Cleared => return Read::Ready(Ok(None)),
            Overlay::Unreadable(_) => return attempt.failed_read(ErrorCode::AccessedUnreadable.into()),
            Overlay::Unmodified => Vec::new(),
            Overlay::Dependent(operations) => operations,
        };
        let key: Key = key.into();
        self.read(move |attempt, map, version| {
            let value = apply_operations(map.get(&key, version).cloned(), &operations);
            if !snapshot {
                attempt.read_conflicts().borrow_mut().insert_key(&key);
            }
            Ok(value)
        })
    }

    /// The key that a selector selects among the keys that the transaction sees: the empty key or the
    /// end of the key space if there are not enough.
    ///
    /// # Errors
    /// As [`Transaction::get`].
    pub fn get_key(&self, selector: &KeySelector, snapshot: bool) -> Read<Key> {
        let attempt = self.attempt();
        if let Err(error) = attempt
            .check_usable()
            .and_then(|()| check_range_end(&selector.key))
        {
            return Read::Ready(Err(error));
        }
        let selector = cut(selector).normalized();
        let writes = attempt.writes();
        self.read(move |attempt, map, version| {
            let resolved = View {
                map,
                version,
                writes: &writes,
            }
            .resolve(&selector)?;
            if !snapshot {
                attempt.add_read_conflict(&writes, &read_conflict::of_selector(&selector, &resolved));
            }
            Ok(resolved.key)
        })
    }

    /// One batch of the rows from the key that `begin` selects up to, not including, the one that `end`
    /// selects. An inverted range is empty.
    ///
    /// # Errors
    /// As [`Transaction::get`]; `exact_mode_without_limits`.
    pub fn get_range(
        &self,
        begin: &KeySelector,
        end: &KeySelector,
        options: RangeOptions,
    ) -> Read<RangeRows> {
        let attempt = self.attempt();
        let checked = attempt
            .check_usable()
            .and_then(|()| check_range_end(&begin.key))
            .and_then(|()| check_range_end(&end.key))
            .and_then(|()| options.bytes_max());
        let bytes = match checked {
            Ok(bytes) => bytes,
            Err(error) => return Read::Ready(Err(error)),
        };
        let (begin, end) = (cut(begin).normalized(), cut(end).normalized());
        if begin.offset >= end.offset && begin.key >= end.key {
            return Read::Ready(Ok(RangeRows::default()));
        }
        let limits = BatchLimits {
            rows: options.limit,
            bytes,
            reverse: options.reverse,
        };
        let writes = attempt.writes();
        self.read(move |attempt, map, version| {
            let view = View {
                map,
                version,
                writes: &writes,
            };
            let (first, past) = (resolve_end(&view, &begin)?, resolve_end(&view, &end)?);
            let range = KeyRange {
                begin: first.key,
                end: past.key,
            };
            let rows = if range.is_empty() {
                RangeRows::default()
            } else {
                view.range(&range, limits)?
            };
            if !options.snapshot {
                let read = RangeRead {
                    begin: &begin,
                    end: &end,
                    is_before_first: first.is_before_first || past.is_before_first,
                    is_past_last: first.is_past_last || past.is_past_last,
                    rows: &rows,
                    reverse: options.reverse,
                };
                attempt.add_read_conflict(&writes, &read.conflict_range());
            }
            Ok(rows)
        })
    }

    /// Sets a key.
    ///
    /// # Errors
    /// `key_outside_legal_range`, `key_too_large`, `value_too_large`.
    pub fn set(&self, key: &[u8], value: &[u8]) -> Result<()> {
        let (attempt, has_conflict) = self.begin_write()?;
        check_key_value(key, value)?;
        attempt.write(|writes| writes.set(key.into(), value.into(), has_conflict));
        Ok(())
    }

    /// Has the database carry out an operation on a key's value at the commit, without reading it.
    ///
    /// # Errors
    /// As [`Transaction::set`].
    pub fn atomic(&self, op: AtomicOp, key: &[u8], operand: &[u8]) -> Result<()> {
        let (attempt, has_conflict) = self.begin_write()?;
        check_key_value(key, operand)?;
        attempt.write(|writes| writes.atomic(op, key.into(), operand.into(), has_conflict));
        attempt.fire_watches_of(key);
        Ok(())
    }

    /// Sets a key part of which is the commit's versionstamp: the last four bytes of `template` say
    /// where its ten bytes go, and are removed. Always a write conflict, on the final key.
    ///
    /// # Errors
    /// As [`Transaction::set`]; `client_invalid_operation` if the stamp does not fit.
    pub fn set_versionstamped_key(&self, template: &[u8], value: &[u8]) -> Result<()> {
        let (attempt, _) = self.begin_write()?;
        check_key_value(template, value)?;
        check_template(template)?;
        let first_stamp = attempt.first_stamp();
        attempt.write(|writes| writes.set_versionstamped_key(template.into(), value.into(), &first_stamp));
        Ok(())
    }

    /// Sets a key to a value part of which is the commit's versionstamp: the last four bytes of
    /// `template` say where its ten bytes go, and are removed.
    ///
    /// # Errors
    /// As [`Transaction::set`]; `client_invalid_operation` if the stamp does not fit.
    pub fn set_versionstamped_value(&self, key: &[u8], template: &[u8]) -> Result<()> {
        let (attempt, has_conflict) = self.begin_write()?;
        check_key_value(key, template)?;
        check_template(template)?;
        attempt.write(|writes| writes.set_versionstamped_value(key.into(), template.into(), has_conflict));
        attempt.fire_watches_of(key);
        Ok(())
    }

    /// Clears a key. A key longer than any stored one is not there to be cleared.
    ///
    /// # Errors
    /// `key_outside_legal_range`.
    pub fn clear(&self, key: &[u8]) -> Result<()> {
        let (attempt, has_conflict) = self.begin_write()?;
        check_key(key)?;
        if key.len() <= KEY_BYTES_MAX {
            attempt.write(|writes| writes.clear_range(KeyRange::of_key(key.into()), has_conflict));
        }
        Ok(())
    }

    /// Clears every key with `begin <= key < end`.
    ///
    /// # Errors
    /// `key_outside_legal_range`, `inverted_range`.
    pub fn clear_range(&self, begin: &[u8], end: &[u8]) -> Result<()> {
        let (attempt, has_conflict) = self.begin_write()?;
        let range = checked_range(begin, end)?;
        attempt.write(|writes| writes.clear_range(range, has_conflict));
        Ok(())
    }

    /// Lets the next call that writes add no write conflict range, also if that call fails.
    ///
    /// # Errors
    /// `used_during_commit`, `transaction_cancelled`.
    pub fn next_write_no_write_conflict_range(&self) -> Result<()> {
        let attempt = self.attempt();
        attempt.check_not_ended()?;
        attempt.skip_next_conflict();
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
        attempt.add_read_conflict(&attempt.writes(), &range);
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

    /// The ten bytes of the versionstamp that the commit used: the commit version and the batch index,
    /// big-endian. To be called before the commit; ready after it.
    ///
    /// # Errors
    /// `no_commit_version` if the transaction wrote nothing; `transaction_invalid_version` if its commit
    /// failed; `transaction_cancelled`; `used_during_commit` when called after `commit`.
    pub fn versionstamp(&self) -> LocalFuture<Result<[u8; VERSIONSTAMP_BYTES]>> {
        let attempt = self.attempt();
        match attempt.check_usable() {
            Err(error) => Box::pin(std::future::ready(Err(error))),
            Ok(()) => {
                let stamp = attempt.await_stamp();
                Box::pin(async move {
                    stamp
                        .await
                        .unwrap_or_else(|_| Err(ErrorCode::TransactionCancelled.into()))
                })
            }
        }
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
        let (engine, options) = (Rc::clone(&self.engine), self.options);
        let answer = attempt.or_ended(
            Box::pin(async move { receiver.await.ok() }),
            ErrorCode::CommitUnknownResult,
        );
        self.engine.env().spawn(Box::pin(async move {
            let result = commit_attempt(&engine, &attempt, &options).await;
            attempt.settle_stamps(&result);
            match &result {
                Ok(()) => attempt.arm_watches(),
                Err(error) => attempt.fail_watches(error),
            }
            let _receiver_gone = sender.send(result);
        }));
        Box::pin(answer)
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
                let mut delay = self.engine.env().sleep(delay_us);
                Box::pin(async move {
                    let delayed = poll_fn(|context| delay.as_mut().poll(context).map(|()| Some(Ok(()))));
                    attempt.or_ended(delayed, ErrorCode::TransactionCancelled).await?;
                    transaction.begin_attempt();
                    Ok(())
                })
            }
        }
    }

    /// Makes the transaction as good as new.
    pub fn reset(self: &Rc<Self>) {
        self.retry_state.set(RetryState::default());
        self.begin_attempt();
        self.start_timer();
    }

    /// Ends every use of the transaction with `transaction_cancelled`, until `reset`. A commit in
    /// flight may or may not happen.
    pub fn cancel(&self) {
        self.attempt().end(&ErrorCode::TransactionCancelled.into());
    }

    fn start_timer(self: &Rc<Self>) {
        let Some(timeout_us) = self.options.timeout_us else {
            return;
        };
        let (stop, mut stopped) = oneshot::channel::<()>();
        let mut elapsed = self.engine.env().sleep(timeout_us);
        let transaction = Rc::downgrade(self);
        self.timer.replace(Some(stop));
        self.engine.env().spawn(Box::pin(async move {
            let is_elapsed = poll_fn(|context| match Pin::new(&mut stopped).poll(context) {
                Poll::Ready(_) => Poll::Ready(false),
                Poll::Pending => elapsed.as_mut().poll(context).map(|()| true),
            });
            if is_elapsed.await
                && let Some(transaction) = transaction.upgrade()
            {
                transaction.attempt().end(&ErrorCode::TransactionTimedOut.into());
            }
        }));
    }

    fn begin_attempt(&self) {
        let ended = self.attempt.replace(Attempt::new(Rc::clone(&self.engine)));
        ended.end(&ErrorCode::TransactionCancelled.into());
    }

    /// The attempt to write to, and whether this write is to conflict with readers.
    fn begin_write(&self) -> Result<(Rc<Attempt<S>>, bool)> {
        let attempt = self.attempt();
        let has_conflict = !attempt.takes_skipped_conflict();
        attempt.check_usable()?;
        Ok((attempt, has_conflict))
    }

    fn attempt(&self) -> Rc<Attempt<S>> {
        Rc::clone(&self.attempt.borrow())
    }

    /// Runs `read` on the snapshot: now if the read version is known, else as soon as it is.
    fn read<T: 'static>(
        &self,
        read: impl FnOnce(&Attempt<S>, &VersionMap, Version) -> Result<T> + 'static,
    ) -> Read<T> {
        let attempt = self.attempt();
        match attempt.known_snapshot() {
            Ok(Some(snapshot)) => {
                let result = self
                    .engine
                    .read(&snapshot, |map| read(&attempt, map, snapshot.version))
                    .and_then(|read| read);
                attempt.note_read_error(result.as_ref().err());
                Read::Ready(result)
            }
            Ok(None) => {
                attempt.read_began();
                let (sender, receiver) = oneshot::channel();
                let answer = attempt.or_ended(
                    Box::pin(async move { receiver.await.ok() }),
                    ErrorCode::TransactionCancelled,
                );
                let engine = Rc::clone(&self.engine);
                self.engine.env().spawn(Box::pin(async move {
                    let result = read_later(&engine, &attempt, read).await;
                    attempt.read_ended(result.as_ref().err());
                    let _receiver_gone = sender.send(result);
                }));
                Read::Pending(Box::pin(answer))
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
    read: impl FnOnce(&Attempt<S>, &VersionMap, Version) -> Result<T>,
) -> Result<T> {
    let snapshot = attempt.snapshot().await?;
    attempt.check_not_ended()?;
    engine
        .read(&snapshot, |map| read(attempt, map, snapshot.version))
        .and_then(|read| read)
}

async fn commit_attempt<S: Storage>(
    engine: &Rc<Engine<S>>,
    attempt: &Rc<Attempt<S>>,
    options: &TransactionOptions,
) -> Result<()> {
    attempt.reads_done().await?;
    attempt.check_not_ended()?;
    engine.check_usable()?;
    let writes = attempt.writes();
    if writes.is_empty() {
        return Ok(());
    }
    let bytes = writes.commit_bytes() + conflict_bytes(&attempt.read_conflicts().borrow());
    let bytes_max = options.size_limit.unwrap_or(TRANSACTION_BYTES_MAX);
    if bytes > bytes_max {
        let detail = format!("at most {bytes_max} bytes were expected, found {bytes}");
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
            writes: writes.writes(),
            further_conflicts: writes.further_conflicts(),
            bytes,
            durability: options.durability,
        })
        .await?;
    attempt.set_committed(committed);
    attempt.check_not_ended()
}

/// Where a range begins or ends. A plain key needs no search: the rows from the first key at or after it
/// are the rows from it.
fn resolve_end(view: &View<'_>, selector: &KeySelector) -> Result<Resolved> {
    if selector.offset != 1 {
        return view.resolve(selector);
    }
    Ok(Resolved {
        key: selector.key.clone(),
        is_before_first: false,
        is_past_last: false,
    })
}
