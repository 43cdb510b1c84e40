//! The calls of a transaction that read.
//!
//! Each captures the writes as of its call, is answered at once if the read version is known, and adds
//! its read conflict range when it completes. Reads that were started are awaited by the commit and
//! fail it when they fail; those that are refused at the call do not.

use std::rc::Rc;

use futures_channel::oneshot;

use super::attempt::Attempt;
use super::legal::{
    check_length, check_order, check_range_end, check_read_key, cut, is_special, key_bytes_max,
};
use super::merged_range::{BatchLimits, RangeProgress, Resolved, SelectorProgress, View, apply_operations};
use super::read::Read;
use super::read_conflict::{self, RangeRead};
use super::special_keys;
use super::transaction::Transaction;
use super::watch::Watch;
use crate::engine::{Engine, Snapshot};
use crate::pure::{DatabaseAt, Found, Overlay, RangeWeights, Stop, WriteMap};
use crate::storage::Storage;
use crate::words::{
    Error, ErrorCode, Key, KeyRange, KeySelector, LocalFuture, Perturbation, RangeOptions, RangeRows, Result,
    SYSTEM_KEY_SPACE_END, StreamingMode, Value, Version, display_key,
};

/// On whose behalf a read is made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// Of a caller who relies on the answer: it adds a read conflict range.
    Caller,
    /// Of a caller who does not.
    Snapshot,
    /// Of a watch: as a caller's, but its failure is the watch's, not the commit's.
    Watch,
}

impl Reader {
    fn of_caller(snapshot: bool) -> Reader {
        if snapshot {
            Reader::Snapshot
        } else {
            Reader::Caller
        }
    }

    fn is_snapshot(self) -> bool {
        self == Reader::Snapshot
    }

    /// The error, if the commit is to fail with it.
    fn error_of_commit(self, error: Option<&Error>) -> Option<&Error> {
        error.filter(|_| self != Reader::Watch)
    }
}

impl<S: Storage> Transaction<S> {
    /// The value of a key, `None` if there is no such key. A key longer than any stored one is absent.
    ///
    /// # Errors
    /// `key_outside_legal_range`; `accessed_unreadable`; `transaction_too_old`; `future_version`; those of
    /// special keys; those of the storage.
    pub fn get(&self, key: &[u8], snapshot: bool) -> Read<Option<Value>> {
        let attempt = self.attempt();
        if is_special(key) {
            return special_keys::get(self, key);
        }
        self.value(&attempt, key, Reader::of_caller(snapshot))
    }

    fn value(&self, attempt: &Rc<Attempt<S>>, key: &[u8], reader: Reader) -> Read<Option<Value>> {
        let checked = attempt
            .check_use()
            .and_then(|()| check_read_key(key, attempt.options().borrow().read_end));
        if let Err(error) = checked {
            return Read::Ready(Err(error));
        }
        if key.len() > key_bytes_max(key) {
            return Read::Ready(Ok(None));
        }
        // What the writes say of this one key is all that the answer needs of them: a copy of the whole
        // map would have to be made if a write came before the answer.
        let operations = match visible_overlay(attempt, key, reader.is_snapshot()) {
            Overlay::Set(value) => return Read::Ready(Ok(Some(value))),
            Overlay::Cleared => return Read::Ready(Ok(None)),
            Overlay::Unreadable => {
                return failed_read(attempt, reader, ErrorCode::AccessedUnreadable.into());
            }
            Overlay::Unmodified => Vec::new(),
            Overlay::Dependent(operations) => operations,
        };
        let key: Key = key.into();
        self.read(reader, move |attempt, database| {
            let value = apply_operations(database.get(&key)?, &operations);
            if !reader.is_snapshot() {
                attempt.add_read_conflict_key(key.clone());
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
        let end = attempt.options().borrow().read_end;
        let checked = attempt
            .check_use()
            .and_then(|()| check_range_end(&selector.key, end));
        if let Err(error) = checked {
            return Read::Ready(Err(error));
        }
        let selector = cut(selector).normalized();
        let writes = attempt.visible_writes(snapshot);
        let mut progress = SelectorProgress::default();
        self.read(Reader::of_caller(snapshot), move |attempt, database| {
            let view = View {
                database,
                writes: &writes,
                end,
            };
            let resolved = view.resolve(&selector, &mut progress)?;
            if !snapshot {
                let range = read_conflict::of_selector(&selector, &resolved, end);
                attempt.add_read_conflict(&writes, &range);
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
        if special_keys::are_asked_for(begin, end) {
            return special_keys::get_range(self, begin, end, options);
        }
        let space_end = attempt.options().borrow().read_end;
        let checked = attempt
            .check_use()
            .and_then(|()| check_range_end(&begin.key, space_end))
            .and_then(|()| check_range_end(&end.key, space_end))
            .and_then(|()| options.bytes_max());
        let bytes = match checked {
            Ok(bytes) => bytes,
            Err(error) => return Read::Ready(Err(error)),
        };
        let (begin, end) = (cut(begin).normalized(), cut(end).normalized());
        if begin.offset >= end.offset && begin.key >= end.key {
            return Read::Ready(Ok(RangeRows::default()));
        }
        let mut limits = BatchLimits {
            rows: options.limit,
            bytes,
            reverse: options.reverse,
        };
        let is_open_ended = options.mode != StreamingMode::Exact && limits.rows == 0;
        if is_open_ended && self.engine.env().is_perturbed(Perturbation::ShortBatch) {
            limits.rows = 1 + (self.engine.env().random_u64() % 3) as usize;
        }
        let writes = attempt.visible_writes(options.snapshot);
        let (mut to_first, mut to_past) = (SelectorProgress::default(), SelectorProgress::default());
        let mut progress = RangeProgress::default();
        self.read(Reader::of_caller(options.snapshot), move |attempt, database| {
            let view = View {
                database,
                writes: &writes,
                end: space_end,
            };
            let first = resolve_end(&view, &begin, &mut to_first)?;
            let past = resolve_end(&view, &end, &mut to_past)?;
            let range = KeyRange {
                begin: first.key,
                end: past.key,
            };
            let rows = if range.is_empty() {
                RangeRows::default()
            } else {
                view.range(&range, limits, &mut progress)?
            };
            if !options.snapshot {
                let read = RangeRead {
                    begin: &begin,
                    end: &end,
                    is_before_first: first.is_before_first || past.is_before_first,
                    is_past_last: first.is_past_last || past.is_past_last,
                    rows: &rows,
                    reverse: options.reverse,
                    space_end,
                };
                add_range_conflict(attempt, &writes, &read);
            }
            Ok(rows)
        })
    }

    /// Watches a key: a read of it (with its conflict), whose value is compared with the newest one
    /// after the commit. Errors come with the watch, not with the call.
    pub fn watch(&self, key: &[u8]) -> Watch<S> {
        let attempt = self.attempt();
        let checked = self
            .check_watch(&attempt, key)
            .and_then(|()| self.engine.create_watch());
        let id = match checked {
            Ok(id) => id,
            Err(error) => return Watch::failed(error),
        };
        let (sender, receiver) = oneshot::channel();
        attempt.add_watch(id, key.into(), sender);
        match self.value(&attempt, key, Reader::Watch) {
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
        if let Err(error) = attempt
            .check_not_ended()
            .and_then(|()| attempt.check_not_deferred())
        {
            return Read::Ready(Err(error));
        }
        if let Some(version) = attempt.wanted_version() {
            return Read::Ready(Ok(version));
        }
        match attempt.known_snapshot() {
            Ok(Some(snapshot)) => Read::Ready(Ok(snapshot.version)),
            Err(error) => Read::Ready(Err(error)),
            Ok(None) => {
                let snapshot = attempt.snapshot();
                Read::Pending(Box::pin(async move {
                    let snapshot = snapshot.await?;
                    attempt.check_not_ended()?;
                    Ok(snapshot.version)
                }))
            }
        }
    }

    /// Has the transaction read at this version. Reads of one that is not there yet wait for it, for up
    /// to a second.
    ///
    /// # Errors
    /// `version_invalid` if it is not positive; `read_version_already_set` if the transaction has one.
    pub fn set_read_version(&self, version: i64) -> Result<()> {
        let attempt = self.attempt();
        self.or_deferred(&attempt, || {
            attempt.check_usable()?;
            match u64::try_from(version) {
                // Past the largest version lies the future as well.
                Ok(version) if version > 0 => attempt.set_read_version(Version::ZERO.plus(version)),
                _ => Err(Error::new(
                    ErrorCode::VersionInvalid,
                    format!("a read version above 0 was expected, found {version}"),
                )),
            }
        })
    }

    /// Bytes of the keys and values in a range, without the transaction's own writes. No conflict.
    ///
    /// # Errors
    /// `inverted_range`; those of reading.
    pub fn estimated_range_bytes(&self, begin: &[u8], end: &[u8]) -> Read<u64> {
        if let Err(error) = self
            .attempt()
            .check_usable()
            .and_then(|()| check_order(begin, end))
        {
            return Read::Ready(Err(error));
        }
        let range = KeyRange::new(begin, end);
        self.read_untracked(move |_, database| database.estimated_bytes(&range))
    }

    /// Keys that cut a range into pieces of about `chunk_bytes`, its begin and end included; what was cleared
    /// or overwritten since the last fold still counts. No conflict.
    ///
    /// # Errors
    /// `inverted_range`, `key_outside_legal_range`; `client_invalid_operation` for a chunk of nothing;
    /// those of reading.
    pub fn range_split_points(&self, begin: &[u8], end: &[u8], chunk_bytes: u64) -> Read<Vec<Key>> {
        let attempt = self.attempt();
        let space_end = attempt.options().borrow().read_end;
        let checked = attempt
            .check_usable()
            .and_then(|()| check_order(begin, end))
            .and_then(|()| check_range_end(begin, space_end))
            .and_then(|()| check_range_end(end, space_end));
        if let Err(error) = checked {
            return Read::Ready(Err(error));
        }
        if chunk_bytes == 0 {
            let detail = "a chunk of one byte or more was expected, found 0";
            return Read::Ready(Err(Error::new(ErrorCode::ClientInvalidOperation, detail)));
        }
        let range = KeyRange::new(begin, end);
        // Within an eighth of what was asked for.
        let mut weights = RangeWeights::new(&range, chunk_bytes / 8);
        self.read_untracked(move |_, database| database.split_points(&range, chunk_bytes, &mut weights))
    }

    fn check_watch(&self, attempt: &Attempt<S>, key: &[u8]) -> Result<()> {
        attempt.check_use()?;
        let options = attempt.options().borrow();
        if options.read_your_writes_disable {
            return Err(ErrorCode::WatchesDisabled.into());
        }
        if key >= SYSTEM_KEY_SPACE_END {
            let detail = format!("a key below \\xff\\xff was expected, found {}", display_key(key));
            return Err(Error::new(ErrorCode::KeyOutsideLegalRange, detail));
        }
        check_read_key(key, options.read_end)?;
        check_length(key.len(), key_bytes_max(key), ErrorCode::KeyTooLarge, "key")
    }

    /// Runs `read` on the snapshot: now if the read version is known and the pages are in memory, else as
    /// soon as they are; it is called again after each stop for missing pages. The commit waits for it, and
    /// fails if it fails, unless it is a watch's.
    fn read<T: 'static>(
        &self,
        reader: Reader,
        mut read: impl FnMut(&Attempt<S>, &DatabaseAt<'_>) -> Found<T> + 'static,
    ) -> Read<T> {
        let attempt = self.attempt();
        let known = match attempt.known_snapshot() {
            Ok(known) => known,
            Err(error) => return failed_read(&attempt, reader, error),
        };
        if let Some(snapshot) = known {
            let found = self
                .engine
                .read_now(&snapshot, &mut |database| read(&attempt, database));
            match found {
                Ok(value) => return Read::Ready(Ok(value)),
                Err(Stop::Failed(error)) => return failed_read(&attempt, reader, error),
                Err(Stop::Missing(_)) => {}
            }
        }
        attempt.read_began();
        let (sender, receiver) = oneshot::channel();
        let answer = attempt.or_ended(
            Box::pin(async move { receiver.await.ok() }),
            ErrorCode::TransactionCancelled,
        );
        let (engine, snapshot) = (Rc::clone(&self.engine), attempt.snapshot());
        self.engine.env().spawn(Box::pin(async move {
            let result = read_later(&engine, &attempt, snapshot, read).await;
            attempt.read_ended(reader.error_of_commit(result.as_ref().err()));
            let _receiver_gone = sender.send(result);
        }));
        Read::Pending(Box::pin(answer))
    }

    /// As `read`, of no concern to the commit.
    fn read_untracked<T: 'static>(
        &self,
        read: impl FnMut(&Attempt<S>, &DatabaseAt<'_>) -> Found<T> + 'static,
    ) -> Read<T> {
        let (attempt, engine) = (self.attempt(), Rc::clone(&self.engine));
        let snapshot = attempt.snapshot();
        Read::Pending(Box::pin(async move {
            read_later(&engine, &attempt, snapshot, read).await
        }))
    }
}

async fn read_later<S: Storage, T>(
    engine: &Engine<S>,
    attempt: &Rc<Attempt<S>>,
    snapshot: LocalFuture<Result<Snapshot>>,
    mut read: impl FnMut(&Attempt<S>, &DatabaseAt<'_>) -> Found<T>,
) -> Result<T> {
    let snapshot = snapshot.await?;
    let mut read_attempt = |database: &DatabaseAt<'_>| {
        attempt.check_not_ended()?;
        read(attempt, database)
    };
    engine.read(&snapshot, &mut read_attempt).await
}

/// A read that failed at its call.
fn failed_read<S: Storage, T>(attempt: &Attempt<S>, reader: Reader, error: Error) -> Read<T> {
    attempt.note_read_error(reader.error_of_commit(Some(&error)));
    Read::Ready(Err(error))
}

/// What the writes that a read sees say of a key.
fn visible_overlay<S: Storage>(attempt: &Attempt<S>, key: &[u8], snapshot: bool) -> Overlay {
    let options = attempt.options().borrow();
    if !options.sees_own_writes(snapshot) {
        Overlay::Unmodified
    } else if options.common.bypass_unreadable {
        attempt.writes().overlay_without_stamps(key)
    } else {
        attempt.writes().overlay(key)
    }
}

fn add_range_conflict<S: Storage>(attempt: &Attempt<S>, writes: &WriteMap, read: &RangeRead<'_>) {
    let range = if attempt.options().borrow().read_your_writes_disable {
        read.conflict_range_below()
    } else {
        read.conflict_range()
    };
    attempt.add_read_conflict(writes, &range);
}

/// Where a range begins or ends. A plain key needs no search: the rows from the first key at or after it
/// are the rows from it.
fn resolve_end(view: &View<'_>, selector: &KeySelector, progress: &mut SelectorProgress) -> Found<Resolved> {
    if selector.offset != 1 {
        return view.resolve(selector, progress);
    }
    Ok(Resolved {
        key: selector.key.clone(),
        is_before_first: false,
        is_past_last: false,
    })
}
