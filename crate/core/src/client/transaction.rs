//! Transactions: reads of one snapshot with own writes on top, and a commit that succeeds only if
//! what was read is still true. This file holds the life cycle; `reading` and `writing` the calls.
//!
//! Writes are kept here until the commit. Reads see them as they were at the call (I7), add the read
//! conflict ranges that FoundationDB adds, trimmed by own writes, and are awaited by the commit, which
//! fails with their first error. After `commit` every use fails with `used_during_commit` until
//! `reset` or a successful `on_error`, and makes a commit that is still on its way fail with it.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use futures_channel::oneshot;

use super::attempt::Attempt;
use super::operation_lock::OperationLock;
use super::options::{PersistentOptions, TransactionOptions, checked_value, transaction_option};
use crate::engine::{CommitIntent, Committed, Engine, Rejection, Turn};
use crate::pure::{RangeSet, RetryState, VERSIONSTAMP_BYTES};
use crate::storage::Storage;
use crate::words::{Bytes, Env, Error, ErrorCode, Key, KeyRange, LocalFuture, Result, TransactionOption};

/// A transaction. Its futures make progress whether or not they are polled.
pub struct Transaction<S: Storage> {
    pub(super) engine: Rc<Engine<S>>,
    pub(super) defaults: TransactionOptions,
    persistent: Cell<PersistentOptions>,
    attempt: RefCell<Rc<Attempt<S>>>,
    retry_state: Cell<RetryState>,
    /// When its timeout began to run.
    began_us: Cell<u64>,
    /// Stops the timer when it is dropped.
    timer: RefCell<Option<oneshot::Sender<()>>>,
    /// What the last conflict was about, if that was to be reported. Outlives retries and resets.
    pub(super) conflicting_keys: Rc<RefCell<RangeSet>>,
    /// Keeps its directory operations apart.
    pub(super) directory_lock: OperationLock,
    rivalry: Rc<Rivalry>,
}

/// How a transaction stands towards others that want the same.
#[derive(Default)]
struct Rivalry {
    /// What its last commit lost over.
    contended: RefCell<Option<Key>>,
    /// Its turn in the line of the losers.
    turn: RefCell<Option<Turn>>,
    /// How often it lost although it was its turn.
    lost_turns: Cell<u32>,
}

/// How often who has its turn tries again at once. It lost to somebody outside the line, as a rule in another
/// tab, who begins its next transaction in that moment, too. To wait now would be to lose again: who waits
/// begins somewhere in the other's transaction, and is the later one.
const LOST_TURNS_MAX: u32 = 20;

impl<S: Storage> Transaction<S> {
    pub(super) fn new(engine: Rc<Engine<S>>, defaults: TransactionOptions) -> Rc<Transaction<S>> {
        let attempt = RefCell::new(Attempt::new(Rc::clone(&engine), &defaults));
        let began_us = Cell::new(engine.env().monotonic_us());
        let transaction = Rc::new(Transaction {
            engine,
            defaults,
            persistent: Cell::new(PersistentOptions::new(&defaults)),
            attempt,
            retry_state: Cell::default(),
            began_us,
            timer: RefCell::default(),
            conflicting_keys: Rc::default(),
            directory_lock: OperationLock::default(),
            rivalry: Rc::default(),
        });
        transaction.start_timer();
        transaction
    }

    /// Sets an option by FoundationDB's number; integers are eight bytes, little-endian. A retry forgets
    /// all but the timeout and how to retry.
    ///
    /// # Errors
    /// `invalid_option` for an unknown number or one that is refused; `invalid_option_value`;
    /// `client_invalid_operation` for one that comes too late; those of tags.
    pub fn set_option(self: &Rc<Self>, number: u16, value: &[u8]) -> Result<()> {
        // An unknown number is told at the call, even where other errors are deferred.
        let option = transaction_option(number)?;
        let attempt = self.attempt();
        self.or_deferred(&attempt, || {
            let value = checked_value(option.entry(), value)?;
            if option == TransactionOption::NextWriteNoWriteConflictRange {
                attempt.skip_next_conflict();
            }
            let is_used = attempt.is_used();
            attempt.options().borrow_mut().set(option, &value, is_used)?;
            let mut persistent = self.persistent.get();
            persistent.set(option, &value);
            self.persistent.set(persistent);
            if option == TransactionOption::Timeout {
                self.start_timer();
            }
            Ok(())
        })
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

    /// An estimate of the size so far, as counted towards the limit: it grows with every write, read
    /// conflict and write conflict, also where the commit merges them.
    ///
    /// # Errors
    /// `transaction_cancelled` and what else ended the transaction; an error that was deferred.
    pub fn approximate_size(&self) -> Result<u64> {
        let attempt = self.attempt();
        attempt.check_not_ended()?;
        attempt.check_not_deferred()?;
        Ok(attempt.approximate_bytes())
    }

    /// Commits. Waits for the reads on their way; a transaction that wrote nothing succeeds at once.
    ///
    /// # Errors
    /// The first error of any of its reads; `not_committed` on a conflict; `transaction_too_old`;
    /// `transaction_too_large`; `used_during_commit` when called twice or used meanwhile; those of the
    /// storage.
    pub fn commit(&self) -> LocalFuture<Result<()>> {
        let attempt = self.attempt();
        if let Err(error) = attempt.check_usable() {
            return Box::pin(std::future::ready(Err(error)));
        }
        attempt.call_commit();
        let (sender, receiver) = oneshot::channel();
        let engine = Rc::clone(&self.engine);
        let conflicting_keys = Rc::clone(&self.conflicting_keys);
        let rivalry = Rc::clone(&self.rivalry);
        let answer = attempt.or_ended(
            Box::pin(async move { receiver.await.ok() }),
            ErrorCode::CommitUnknownResult,
        );
        self.engine.env().spawn(Box::pin(async move {
            let result = commit_attempt(&engine, &attempt).await.map_err(|rejection| {
                if rejection.error.code() == ErrorCode::NotCommitted {
                    conflicting_keys.replace(range_set(rejection.conflicting_keys));
                }
                rivalry.contended.replace(rejection.contended);
                rejection.error
            });
            if result.is_ok() {
                rivalry.turn.take();
            }
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
    /// everything but how often it has been tried, the timeout, and how to retry.
    ///
    /// # Errors
    /// The error itself if it is not retryable or the retry limit is used up: the transaction then
    /// fails with `transaction_cancelled` until `reset`. The error that a cancelled transaction has.
    pub fn on_error(self: &Rc<Self>, error: &Error) -> LocalFuture<Result<()>> {
        let attempt = self.attempt();
        if let Err(ended) = attempt.check_not_ended() {
            return Box::pin(std::future::ready(Err(ended)));
        }
        let (before, mut state) = (self.retry_state.get(), self.retry_state.get());
        let policy = self.persistent.get().retry;
        let delay = state.on_error(error, &policy, self.engine.env().random_u64());
        let contended = self.rivalry.contended.take();
        let contended = contended.filter(|_| error.code() == ErrorCode::NotCommitted);
        let has_turn = self.rivalry.turn.borrow().is_some();
        let lost_turns = self.rivalry.lost_turns.get();
        if delay.is_ok() && contended.is_some() && has_turn && lost_turns < LOST_TURNS_MAX {
            self.rivalry.lost_turns.set(lost_turns + 1);
            self.retry_state.set(state.with_backoff_of(before));
            self.begin_attempt();
            return Box::pin(std::future::ready(Ok(())));
        }
        let lost_over = contended.filter(|_| !has_turn);
        if delay.is_ok()
            && let Some(key) = lost_over
        {
            self.retry_state.set(state.with_backoff_of(before));
            return self.retry_in_turn(attempt, key, policy.retry_delay_max_us);
        }
        self.retry_state.set(state);
        match delay {
            Err(error) => {
                self.rivalry.turn.take();
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

    /// The next attempt begins when those who lost over the same key before are done, or after the
    /// longest back-off.
    fn retry_in_turn(
        self: &Rc<Self>,
        attempt: Rc<Attempt<S>>,
        lost_over: Key,
        retry_delay_max_us: u64,
    ) -> LocalFuture<Result<()>> {
        let transaction = Rc::clone(self);
        let mut turn = self.engine.line_up(lost_over);
        let mut bound = self.engine.env().sleep(retry_delay_max_us);
        Box::pin(async move {
            let waited = poll_fn(|context| {
                if let Poll::Ready(turn) = Pin::new(&mut turn).poll(context) {
                    return Poll::Ready(Some(Ok(turn.ok())));
                }
                bound.as_mut().poll(context).map(|()| Some(Ok(None)))
            });
            let turn = attempt.or_ended(waited, ErrorCode::TransactionCancelled).await?;
            transaction.begin_attempt();
            transaction.rivalry.lost_turns.set(0);
            transaction.rivalry.turn.replace(turn);
            Ok(())
        })
    }

    /// Makes the transaction as good as new: its options are the defaults again.
    pub fn reset(self: &Rc<Self>) {
        self.rivalry.turn.take();
        self.retry_state.set(RetryState::default());
        self.persistent.set(PersistentOptions::new(&self.defaults));
        self.began_us.set(self.engine.env().monotonic_us());
        self.begin_attempt();
        self.start_timer();
    }

    /// Ends every use of the transaction with `transaction_cancelled`, until `reset`. A commit in
    /// flight may or may not happen.
    pub fn cancel(&self) {
        self.rivalry.turn.take();
        self.attempt().end(&ErrorCode::TransactionCancelled.into());
    }

    fn start_timer(self: &Rc<Self>) {
        let Some(timeout_us) = self.persistent.get().timeout_us else {
            self.timer.take();
            return;
        };
        let env = self.engine.env();
        let elapsed_us = env.monotonic_us().saturating_sub(self.began_us.get());
        if timeout_us <= elapsed_us {
            self.attempt().end(&ErrorCode::TransactionTimedOut.into());
            return;
        }
        let (stop, mut stopped) = oneshot::channel::<()>();
        let mut elapsed = env.sleep(timeout_us - elapsed_us);
        let transaction = Rc::downgrade(self);
        self.timer.replace(Some(stop));
        env.spawn(Box::pin(async move {
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
        let attempt = Attempt::new(Rc::clone(&self.engine), &self.defaults);
        let ended = self.attempt.replace(attempt);
        ended.end(&ErrorCode::TransactionCancelled.into());
    }

    pub(super) fn attempt(&self) -> Rc<Attempt<S>> {
        Rc::clone(&self.attempt.borrow())
    }

    /// Makes a call that only changes the transaction. Where errors are deferred, its error is kept, and
    /// while one is kept further calls are skipped.
    pub(super) fn or_deferred(
        &self,
        attempt: &Attempt<S>,
        change: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        if !self.defaults.defers_errors {
            return change();
        }
        if attempt.check_not_deferred().is_ok()
            && let Err(error) = change()
        {
            attempt.defer(error);
        }
        Ok(())
    }
}

async fn commit_attempt<S: Storage>(
    engine: &Rc<Engine<S>>,
    attempt: &Rc<Attempt<S>>,
) -> std::result::Result<(), Rejection> {
    attempt.reads_done().await?;
    attempt.check_not_ended()?;
    engine.check_usable()?;
    if attempt.has_no_writes() {
        return Ok(());
    }
    let options = attempt.options().borrow().clone();
    let (bytes, bytes_max) = (attempt.commit_bytes(), options.common.size_limit);
    if bytes > bytes_max {
        let detail = format!("at most {bytes_max} bytes were expected, found {bytes}");
        return Err(Error::new(ErrorCode::TransactionTooLarge, detail).into());
    }
    let read_conflicts: Vec<KeyRange> = attempt.read_conflicts().ranges().iter().collect();
    // A transaction that only wrote needs no read version, unless it already asked for one.
    let snapshot = if !read_conflicts.is_empty() || attempt.wanted_version().is_some() {
        Some(attempt.snapshot().await?)
    } else {
        attempt.own_snapshot()
    };
    let idempotency_id = match options.idempotency_id {
        None if options.common.automatic_idempotency => random_id(&**engine.env()),
        chosen => chosen.unwrap_or_else(|| [].as_slice().into()),
    };
    let committed = engine
        .commit(CommitIntent {
            snapshot,
            read_conflicts,
            writes: attempt.commit_writes(),
            further_conflicts: attempt.writes().further_conflicts(),
            bytes,
            durability: options.common.durability,
            idempotency_id,
            is_age_ignored: options.causal_write_risky,
            reports_conflicting_keys: options.common.report_conflicting_keys,
        })
        .await?;
    attempt.set_committed(committed);
    Ok(attempt.check_not_ended()?)
}

fn random_id(env: &dyn Env) -> Bytes {
    [env.random_u64(), env.random_u64()]
        .into_iter()
        .flat_map(u64::to_le_bytes)
        .collect()
}

fn range_set(ranges: Vec<KeyRange>) -> RangeSet {
    let mut set = RangeSet::new();
    for range in ranges {
        set.insert(range);
    }
    set
}
