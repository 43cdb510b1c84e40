//! A peer: one open database in one tab, worker or process, equal to every other (I6).
//!
//! It reads from its own state, commits straight to the storage, and learns what others committed by
//! reading the log: for a read version, when a commit finds the log further on, and when news of a
//! commit arrives. News is a hint; losing, delaying or repeating it changes latency only.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use futures_channel::oneshot;

use super::commit_pipeline::CommitQueue;
use super::contention::{Contention, Turn};
use super::exclusivity::{Exclusivity, Locks};
use super::fold::FoldState;
use super::gate::Gate;
use super::options::EngineOptions;
use super::pager::{HeldPages, Pager, ReadPages};
use super::read_versions::ReadVersionQueue;
use super::resolver::{Committed, Rejection};
use super::root_follower::{KnownRoot, is_damage, load, never_still};
use super::state::{Snapshot, State};
use super::subscription_set::{ChangedKeys, SubscriptionId};
use super::watch_set::{WatchId, WatchOutcome};
use crate::pure::{DatabaseAt, Found, LOG_PARTS_MAX, Root, Stop};
use crate::storage::Storage;
#[cfg(feature = "canaries")]
use crate::words::Canary;
use crate::words::{Env, Error, ErrorCode, Key, KeyRange, Probe, Result, SequenceNumber, Value, Version};

/// Entries of one read of the log: more than the largest record has.
pub(super) const LOG_READ_ENTRIES: usize = 512;
const _: () = assert!(LOG_READ_ENTRIES > LOG_PARTS_MAX);

/// How often opening begins again because the root has moved on.
const OPEN_ATTEMPTS_MAX: u32 = 100;

/// How long news wait for a commit that is under way.
const NEWS_PATIENCE_US: u64 = 20_000;
/// The first delay before the log is read again after news whose entries could not be read; doubled
/// each time.
const NEWS_RETRY_DELAY_US: u64 = 10_000;
/// From this delay on it is given up.
const NEWS_RETRY_DELAY_MAX_US: u64 = 5_000_000;

/// How often the log is looked at while watches or subscriptions are outstanding, for news that were lost.
const NEWS_POLL_US: u64 = 1_000_000;

/// Tells other peers that the log has grown.
pub trait News {
    /// The log now ends at `tail`, durably.
    fn publish(&self, tail: SequenceNumber);
    /// Somebody is here: who is alone is so no longer.
    fn hello(&self);
}

/// One peer's engine over a storage.
pub struct Engine<S> {
    pub(super) storage: S,
    pub(super) env: Rc<dyn Env>,
    pub(super) news: Box<dyn News>,
    pub(super) options: EngineOptions,
    me: Weak<Engine<S>>,
    pub(super) root: RefCell<KnownRoot>,
    pub(super) root_gate: Gate<()>,
    pub(super) state: RefCell<State>,
    pub(super) pager: Pager,
    pub(super) folds: FoldState,
    pub(super) is_sweeping: Cell<bool>,
    /// How often the state was built anew because the log it had not read was folded.
    pub(super) restart_count: Cell<u64>,
    pub(super) read_versions: RefCell<ReadVersionQueue>,
    pub(super) commits: RefCell<CommitQueue>,
    contention: Contention,
    /// Where there are no locks, or nothing to be locked, `None`.
    pub(super) exclusivity: Option<Rc<Exclusivity>>,
    /// Why the engine can't be used any more.
    failure: RefCell<Option<Error>>,
    is_closing: Cell<bool>,
    is_following_news: Cell<bool>,
    is_polling: Cell<bool>,
    heard_tail: Cell<SequenceNumber>,
    pub(super) committed_count: Cell<u64>,
    pub(super) conflict_count: Cell<u64>,
    pub(super) log_read_count: Cell<u64>,
}

impl<S: Storage> Engine<S> {
    /// Opens a database: creates its root if it has none, and reads the log after its pages.
    ///
    /// # Errors
    /// `file_corrupt` naming the damaged record, unless it is opened for salvage;
    /// `incompatible_protocol_version`; the storage's; `file_not_found` if there is nothing to salvage.
    pub async fn open(
        storage: S,
        env: Rc<dyn Env>,
        news: Box<dyn News>,
        locks: Option<Box<dyn Locks>>,
        options: EngineOptions,
    ) -> Result<Rc<Engine<S>>> {
        let mut database_id = [0; 16];
        let random = [env.random_u64(), env.random_u64()]
            .into_iter()
            .flat_map(u64::to_le_bytes);
        for (place, byte) in database_id.iter_mut().zip(random) {
            *place = byte;
        }
        let initial = Root::new(database_id).encode();
        let pager = Pager::new(options.cache_bytes);
        let salvage = options.salvage;
        // Who neither commits nor follows the others is none of them.
        let locks = locks.filter(|_| !salvage);
        let exclusivity = locks.map(|locks| Exclusivity::new(locks, Rc::clone(&env), options.lease_us));
        if let Some(exclusivity) = &exclusivity {
            exclusivity.reserve().await;
        }
        let (root, state) = load_newest(&storage, &*env, &initial, &pager, salvage).await?;
        let engine = Rc::new_cyclic(|me| Engine {
            exclusivity,
            storage,
            env,
            news,
            options,
            me: Weak::clone(me),
            root: RefCell::new(root),
            root_gate: Gate::default(),
            state: RefCell::new(state),
            pager,
            folds: FoldState::default(),
            is_sweeping: Cell::new(false),
            restart_count: Cell::new(0),
            read_versions: RefCell::default(),
            commits: RefCell::default(),
            contention: Contention::default(),
            failure: RefCell::default(),
            is_closing: Cell::new(false),
            is_following_news: Cell::new(false),
            is_polling: Cell::new(false),
            heard_tail: Cell::new(SequenceNumber::ZERO),
            committed_count: Cell::new(0),
            conflict_count: Cell::new(0),
            log_read_count: Cell::new(1),
        });
        engine.take_part();
        if !salvage {
            engine.recover_later();
        }
        engine.consider_folding(engine.env.monotonic_us());
        Ok(engine)
    }

    /// Runs a task of this engine for as long as somebody holds the engine.
    pub(super) fn spawn(&self, task: impl AsyncFnOnce(&Engine<S>) + 'static) {
        if let Some(engine) = self.me.upgrade() {
            self.env.spawn(Box::pin(async move { task(&engine).await }));
        }
    }

    /// Ends the use of the database: waits for commits already submitted, ends watches with
    /// `operation_cancelled`, and refuses everything else with `client_invalid_operation`.
    pub async fn close(&self) {
        self.is_closing.set(true);
        self.commits_idle().await;
        self.leave_peers().await;
        self.fail(&Error::new(
            ErrorCode::ClientInvalidOperation,
            "the database is closed",
        ));
        self.storage.close();
        // Handles may linger until they are collected; what they refer to need not.
        self.state
            .borrow_mut()
            .release(self.env.monotonic_us(), self.env.unix_us());
        self.pager.clear();
    }

    /// Tells this database from every other.
    pub fn database_id(&self) -> [u8; 16] {
        self.root.borrow().root.database_id
    }

    /// Lets so many watches be outstanding.
    pub fn set_watches_max(&self, watches_max: usize) {
        self.state.borrow_mut().watches.set_outstanding_max(watches_max);
    }

    /// The surroundings of this engine.
    pub fn env(&self) -> &Rc<dyn Env> {
        &self.env
    }

    /// Calls `read` with the database at a snapshot, with those of its pages that are in memory.
    ///
    /// # Errors
    /// [`Stop::Missing`] if others are needed; `transaction_too_old`, `future_version`, or why the engine
    /// can't be used.
    pub fn read_now<T>(
        &self,
        snapshot: &Snapshot,
        read: &mut dyn FnMut(&DatabaseAt<'_>) -> Found<T>,
    ) -> Found<T> {
        self.read_with(snapshot, &HeldPages::default(), read)
    }

    /// Calls `read` again and again, each time with the pages that it missed, until it gets through. What
    /// it has done so far it must remember itself.
    ///
    /// # Errors
    /// As [`Engine::read_now`]; the storage's; `file_corrupt` naming a page.
    pub async fn read<T>(
        &self,
        snapshot: &Snapshot,
        read: &mut dyn FnMut(&DatabaseAt<'_>) -> Found<T>,
    ) -> Result<T> {
        let mut held = HeldPages::default();
        let generation = self.root_generation();
        loop {
            match self.read_with(snapshot, &held, read) {
                Ok(value) => {
                    if self.root_generation() != generation {
                        self.env.note(Probe::FoldDuringRead);
                    }
                    return Ok(value);
                }
                Err(Stop::Failed(error)) => return Err(error),
                Err(Stop::Missing(ids)) => self.bring(&ids, &mut held).await?,
            }
        }
    }

    fn read_with<T>(
        &self,
        snapshot: &Snapshot,
        held: &HeldPages,
        read: &mut dyn FnMut(&DatabaseAt<'_>) -> Found<T>,
    ) -> Found<T> {
        self.check_usable()?;
        let state = self.state.borrow();
        state.check_readable(snapshot, self.env.monotonic_us())?;
        let pages = ReadPages {
            pager: &self.pager,
            held,
        };
        read(&state.at(snapshot.version, &pages))
    }

    /// Learns that the log ended at `tail` when somebody published it.
    pub fn hear(self: &Rc<Self>, tail: SequenceNumber) {
        self.hear_hello();
        self.heard_tail.set(self.heard_tail.get().max(tail));
        let is_followed = !self.options.salvage && self.check_usable().is_ok();
        let is_news = tail > self.state.borrow().tail() && is_followed;
        if !is_news || self.is_following_news.replace(true) {
            return;
        }
        let engine = Rc::clone(self);
        self.env
            .spawn(Box::pin(async move { engine.follow_news().await }));
    }

    /// Reads the log for what was missed. If it can't be read, whoever needs it next will say so.
    pub(super) fn look_at_log(self: &Rc<Self>) {
        let engine = Rc::clone(self);
        self.env.spawn(Box::pin(async move {
            let _told_later = engine.catch_up().await;
        }));
    }

    async fn follow_news(self: Rc<Self>) {
        let mut delay_us = NEWS_RETRY_DELAY_US;
        loop {
            // A commit reads what it comes after, and has to, if that is what the news are of.
            self.batch_answered(NEWS_PATIENCE_US).await;
            let heard = self.heard_tail.get();
            if heard <= self.state.borrow().tail() {
                break;
            }
            let result = self.catch_up().await;
            let is_retried =
                result.is_err() && self.check_usable().is_ok() && delay_us < NEWS_RETRY_DELAY_MAX_US;
            if is_retried {
                // Watches depend on it: nobody else may be about to read the log here.
                self.env.sleep(delay_us).await;
                delay_us *= 2;
            } else if result.is_err() || self.state.borrow().tail() < heard || self.heard_tail.get() == heard
            {
                // Caught up; or the storage is gone, which whoever needs it will be told; or the news
                // was of entries that do not exist.
                break;
            }
        }
        self.heard_tail.set(SequenceNumber::ZERO);
        self.is_following_news.set(false);
    }

    /// A place in the line of those who lost a conflict over this key.
    pub fn line_up(&self, contended: Key) -> oneshot::Receiver<Turn> {
        self.env.note(Probe::ConflictRetriedInTurn);
        self.contention.line_up(contended)
    }

    /// Counts a new watch, to be armed when its transaction has committed.
    ///
    /// # Errors
    /// `too_many_watches`.
    pub fn create_watch(&self) -> Result<WatchId> {
        self.check_usable()?;
        self.state.borrow_mut().watches.create()
    }

    /// Forgets a watch that will not be armed.
    pub fn discard_watch(&self) {
        self.state.borrow_mut().watches.discard();
    }

    /// Starts a watch: it fires as soon as the key's newest value differs from `reference`.
    pub fn arm_watch(
        self: &Rc<Self>,
        id: WatchId,
        key: Key,
        reference: Option<Value>,
        sender: oneshot::Sender<WatchOutcome>,
    ) {
        if let Err(error) = self.check_usable() {
            self.discard_watch();
            let _receiver_gone = sender.send(Err(error));
            return;
        }
        #[cfg(feature = "canaries")]
        let reference = match self.env.canary() {
            Some(Canary::WatchArmedLate) => {
                let state = self.state.borrow();
                let newest = state.at(state.newest(), &self.pager).get(&key);
                newest.unwrap_or(reference)
            }
            _ => reference,
        };
        self.state
            .borrow_mut()
            .arm_watch(id, key, reference, sender, &self.pager);
        self.read_watches_later();
        self.poll_for_news();
    }

    /// Starts to follow a range: everything in it counts as changed at first.
    pub fn subscribe(self: &Rc<Self>, range: KeyRange) -> SubscriptionId {
        let id = {
            let subscriptions = &mut self.state.borrow_mut().subscriptions;
            let id = subscriptions.add(range.clone());
            let mut everything = ChangedKeys::default();
            everything.replace(range);
            subscriptions.put_back(id, &everything);
            id
        };
        self.poll_for_news();
        id
    }

    /// Ends a subscription.
    pub fn unsubscribe(&self, id: SubscriptionId) {
        self.state.borrow_mut().subscriptions.remove(id);
    }

    /// Waits until something has changed that was not taken yet.
    ///
    /// # Errors
    /// Why the engine can't be used any more; `operation_cancelled` when it is closed.
    pub async fn await_change(&self, id: SubscriptionId) -> Result<()> {
        self.check_usable()?;
        let changed = self.state.borrow_mut().subscriptions.changed(id);
        changed
            .await
            .unwrap_or_else(|_| Err(ErrorCode::OperationCancelled.into()))
    }

    /// What has changed since this was asked last, and up to which version.
    ///
    /// # Errors
    /// Why the engine can't be used any more: it may have ended since the change was told.
    pub fn take_changes(&self, id: SubscriptionId) -> Result<(Version, ChangedKeys)> {
        self.check_usable()?;
        let mut state = self.state.borrow_mut();
        Ok((state.newest(), state.subscriptions.take(id)))
    }

    /// Puts back what was taken and could not be told.
    pub fn put_back_changes(&self, id: SubscriptionId, taken: &ChangedKeys) {
        self.state.borrow_mut().subscriptions.put_back(id, taken);
    }

    /// Looks at the log from time to time while watches or subscriptions are outstanding: they are told
    /// also of changes of which no news came.
    fn poll_for_news(self: &Rc<Self>) {
        // Where the end of the log is known, news can't be lost.
        let is_needless = self.options.salvage || self.storage.known_tail().is_some();
        if is_needless || self.is_polling.replace(true) {
            return;
        }
        let engine = Rc::downgrade(self);
        let env = Rc::clone(&self.env);
        self.env.spawn(Box::pin(async move {
            loop {
                env.sleep(NEWS_POLL_US).await;
                let Some(engine) = engine.upgrade() else { return };
                let is_awaited = {
                    let state = engine.state.borrow();
                    state.watches.outstanding() > 0 || !state.subscriptions.is_empty()
                };
                if !is_awaited || engine.check_usable().is_err() {
                    engine.is_polling.set(false);
                    return;
                }
                if engine.may_miss_news().await {
                    let tail = engine.state.borrow().tail();
                    // A failure is told to whoever needs the storage next; the next look may succeed.
                    let _told_later = engine.catch_up().await;
                    if engine.state.borrow().tail() > tail {
                        engine.env.note(Probe::PollFoundNews);
                    }
                }
            }
        }));
    }

    /// Reads the newest values of watched keys that are in pages not at hand, and compares them.
    pub(super) fn read_watches_later(&self) {
        let keys = self.state.borrow_mut().take_unread_watches();
        if keys.is_empty() {
            return;
        }
        self.spawn(async move |engine| {
            for key in keys.keys() {
                engine.read_watched(key).await;
            }
        });
    }

    async fn read_watched(&self, key: &Key) {
        let mut held = HeldPages::default();
        loop {
            let found = {
                let state = self.state.borrow();
                let pages = ReadPages {
                    pager: &self.pager,
                    held: &held,
                };
                state.at(state.newest(), &pages).get(key)
            };
            let failure = match found {
                Ok(newest) => {
                    self.state.borrow_mut().watches.fire_key(key, newest.as_ref());
                    return;
                }
                Err(Stop::Missing(ids)) => {
                    self.env.note(Probe::WatchReadPages);
                    self.bring(&ids, &mut held).await.err()
                }
                Err(Stop::Failed(error)) => Some(error),
            };
            if let Some(error) = failure {
                self.state.borrow_mut().watches.fail_key(key, &error);
                return;
            }
        }
    }

    /// Ends an armed watch.
    pub fn cancel_watch(&self, id: WatchId, key: &Key) {
        self.state.borrow_mut().watches.cancel(id, key);
    }

    /// Makes the engine unusable: everything fails with this error from now on, watches too. For a
    /// trap in the code around it, after which nothing it holds can be trusted.
    pub fn fail(&self, error: &Error) {
        let mut failure = self.failure.borrow_mut();
        if failure.is_none() {
            *failure = Some(error.clone());
            let outcome = match error.code() {
                ErrorCode::ClientInvalidOperation => ErrorCode::OperationCancelled.into(),
                _ => error.clone(),
            };
            let mut state = self.state.borrow_mut();
            state.watches.fail_all(&outcome);
            state.subscriptions.fail_all(&outcome);
        }
    }

    /// Passes an error on; one that says that the database is damaged ends the use of this engine,
    /// since it can't follow the log any further.
    pub(super) fn note_damage(&self, error: Error) -> Error {
        if is_damage(&error) {
            self.env.note(Probe::DamageNoticed);
            self.fail(&error);
        }
        error
    }

    /// Fails if the database was opened for salvage: nothing is written then.
    pub(super) fn check_writable(&self) -> Result<()> {
        if self.options.salvage {
            let detail = "the database was opened for salvage: it can be read and exported, not written";
            return Err(Error::new(ErrorCode::TransactionReadOnly, detail));
        }
        Ok(())
    }

    pub(super) fn fail_because_root_moved(&self) -> Error {
        self.env.note(Probe::DatabaseGone);
        let error = Error::new(
            ErrorCode::FileNotFound,
            "the database that was opened here was deleted or replaced; open it again",
        );
        self.fail(&error);
        error
    }

    /// Fails if the database is closed, or the engine can't be used any more.
    ///
    /// # Errors
    /// `client_invalid_operation` after `close`; what ended the engine otherwise.
    pub fn check_usable(&self) -> Result<()> {
        if self.is_closing.get() {
            return Err(Error::new(
                ErrorCode::ClientInvalidOperation,
                "the database is closed",
            ));
        }
        self.check_usable_for_commit()
    }

    /// As `check_usable`, for commits that were submitted before the database was closed.
    pub(super) fn check_usable_for_commit(&self) -> Result<()> {
        self.failure.borrow().clone().map_or(Ok(()), Err)
    }

    /// What the version clock says now.
    pub(super) fn clock_version(&self) -> Version {
        self.state
            .borrow()
            .clock()
            .now(self.env.monotonic_us(), self.env.unix_us())
    }

    pub(super) fn count_results(&self, results: &[std::result::Result<Committed, Rejection>]) {
        for result in results {
            match result {
                Ok(_) => self.committed_count.set(self.committed_count.get() + 1),
                Err(rejection) if rejection.error.code() == ErrorCode::NotCommitted => {
                    self.conflict_count.set(self.conflict_count.get() + 1);
                    self.env.note(Probe::Conflicted);
                }
                Err(_) => {}
            }
        }
    }
}

/// The state at the end of the log, and the root that it rests on.
async fn load_newest<S: Storage>(
    storage: &S,
    env: &dyn Env,
    initial: &[u8],
    pager: &Pager,
    salvage: bool,
) -> Result<(KnownRoot, State)> {
    for _ in 0..OPEN_ATTEMPTS_MAX {
        let bytes = if salvage {
            let detail = "a database was expected, to be salvaged; there is none of this name";
            let missing = || Error::new(ErrorCode::FileNotFound, detail);
            storage.current_root().await?.ok_or_else(missing)?
        } else {
            storage.root(initial).await?
        };
        let root = Root::decode(&bytes)?;
        if let Some(state) = load(storage, env, &root, pager, salvage).await? {
            return Ok((KnownRoot { root, bytes }, state));
        }
    }
    Err(never_still())
}

pub(super) fn unfinished(last: SequenceNumber) -> Error {
    let detail = format!("log record {last}: it is the last one, but its record has more parts");
    Error::new(ErrorCode::FileCorrupt, detail)
}
