//! A fake of IndexedDB, as one peer sees it: every operation of the storage contract is one transaction or
//! two on a [`Disk`] that several peers share.
//!
//! Fault model:
//!
//! * **Scheduling.** A transaction has its place from the call on (`transaction_queue`), takes a while before
//!   its effect and after it, sometimes very long, and holds up those that overlap with it. Its effect is
//!   atomic. Transactions whose requests are placed all at once go on without their page; a commit in its turn
//!   and a fold wait for answers, and hold up others while their page is frozen. An append takes the next number of
//!   the key generator, whatever its record was made for; on a new connection, behind which there may be another
//!   database, it waits for the root.
//! * **Abort.** With `io_error_odds` an operation fails with `io_error` and without effect: the browser
//!   aborted it, with or without a reason.
//! * **Lost connection.** With `lost_answer_odds` a commit or fold ends with `commit_unknown_result`, in half
//!   of the cases with its effect. [`Connection::lose`] does so to everything that a peer has under way; what
//!   only reads fails with `io_error` then. The next operation connects again, which takes a while.
//! * **Durability.** A strict transaction is on disk, and all before it, before it is answered and before a
//!   later one that overlaps runs; a relaxed one some time later, or never if the machine dies before.
//! * **Quota.** A transaction that would make the database too large fails with `io_error`, without effect.
//! * **Deletion.** After [`Connection::supersede`], as by `versionchange`, everything fails with
//!   `file_not_found`. After an eviction the peer finds an empty database.
//! * **Death.** A killed peer's operation has its effect or not, depending on where it was. A peer that is to
//!   die at an operation gets no answer to it, nor to any other.
//!
//! Not modelled: two versions of the schema, a browser that reorders or tears transactions, reads that give
//! other bytes than are stored (a test damages what is stored instead).

use std::cell::Cell;
use std::rc::Rc;

use plinth_core::storage::{AppendOutcome, AppendRequest, FoldOutcome, FoldRequest, LogRead, Storage};
use plinth_core::words::{Durability, PageId, SequenceNumber};
use plinth_core::{Error, ErrorCode, Result};

use crate::disk::{Disk, Written};
use crate::executor::Simulation;
use crate::transaction_queue::{Scope, Ticket, TransactionQueue};

/// How unreliable the storage is. Odds are "one in so many"; 0 is never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Longest delay on each side of an effect.
    pub delay_us: u64,
    /// Operations that take up to `slow_us` longer.
    pub slow_odds: u64,
    /// Longest further delay of a slow operation.
    pub slow_us: u64,
    /// Operations that fail with `io_error`, without effect.
    pub io_error_odds: u64,
    /// Commits and folds that end without an answer.
    pub lost_answer_odds: u64,
}

/// The operation at which a peer dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Death {
    /// Its number, from 0.
    pub operation: u64,
    /// Whether the operation still has its effect.
    pub has_effect: bool,
}

/// What happens to a peer's connection, from outside.
#[derive(Debug, Default)]
pub struct Connection {
    losses: Cell<u64>,
    is_superseded: Cell<bool>,
    is_closed: Cell<bool>,
    /// Whether the database behind it is known to be the one that was opened.
    is_known: Cell<bool>,
    /// Operations begun.
    operations: Cell<u64>,
    /// Operations that failed because the database would have grown too large.
    quota_errors: Cell<u64>,
}

impl Connection {
    /// The browser closes it with everything that is under way.
    pub fn lose(&self) {
        self.losses.set(self.losses.get() + 1);
        self.is_known.set(false);
    }

    /// Somebody deletes the database: the peer makes room and does not come back.
    pub fn supersede(&self) {
        self.is_superseded.set(true);
        self.lose();
    }

    /// How many operations were begun.
    pub fn operations(&self) -> u64 {
        self.operations.get()
    }

    /// How many operations failed for want of room.
    pub fn quota_errors(&self) -> u64 {
        self.quota_errors.get()
    }

    fn check(&self) -> Result<()> {
        if self.is_closed.get() {
            let detail = "the database is closed";
            return Err(Error::new(ErrorCode::ClientInvalidOperation, detail));
        }
        if self.is_superseded.get() {
            let detail = "the database was deleted in another tab";
            return Err(Error::new(ErrorCode::FileNotFound, detail));
        }
        Ok(())
    }
}

/// One peer's storage. Clones are the same connection.
#[derive(Clone)]
pub struct SimulatedStorage {
    world: Simulation,
    disk: Disk,
    queue: TransactionQueue,
    faults: Rc<Cell<Faults>>,
    death: Option<Death>,
    connection: Rc<Connection>,
    /// Tells what went wrong.
    note: Rc<dyn Fn(&'static str)>,
}

/// How a transaction changed the disk, and what it answers.
struct Effect<T> {
    answer: T,
    written: Option<(Written, Durability)>,
}

/// A strict transaction that is being written: durable when this is dropped, unless the machine dies.
struct Hardening {
    disk: Disk,
    incarnation: u64,
    written: Written,
}

impl Hardening {
    fn of(disk: &Disk, written: Option<(Written, Durability)>) -> Option<Hardening> {
        let (written, Durability::Strict) = written? else {
            return None;
        };
        Some(Hardening {
            disk: disk.clone(),
            incarnation: disk.incarnation(),
            written,
        })
    }
}

impl Drop for Hardening {
    fn drop(&mut self) {
        if self.disk.incarnation() == self.incarnation {
            self.disk.harden(self.written);
        }
    }
}

impl<T> Effect<T> {
    fn none(answer: T) -> Effect<T> {
        Effect {
            answer,
            written: None,
        }
    }
}

fn io_error(detail: &str) -> Error {
    Error::new(ErrorCode::IoError, detail)
}

fn unknown() -> Error {
    Error::new(ErrorCode::CommitUnknownResult, "simulated loss of the answer")
}

impl SimulatedStorage {
    /// A peer of the database on this disk.
    pub(crate) fn new(
        world: &Simulation,
        disk: &Disk,
        queue: &TransactionQueue,
        faults: &Rc<Cell<Faults>>,
        death: Option<Death>,
        note: Box<dyn Fn(&'static str)>,
    ) -> SimulatedStorage {
        SimulatedStorage {
            world: world.clone(),
            disk: disk.clone(),
            queue: queue.clone(),
            faults: Rc::clone(faults),
            death,
            connection: Rc::default(),
            note: Rc::from(note),
        }
    }

    /// Its connection.
    pub(crate) fn connection(&self) -> Rc<Connection> {
        Rc::clone(&self.connection)
    }

    async fn delay(&self) {
        let faults = self.faults.get();
        self.world.sleep_below(faults.delay_us).await;
        if self.world.one_in(faults.slow_odds) {
            (self.note)("a storage operation takes long");
            self.world.sleep_below(faults.slow_us).await;
        }
    }

    /// Runs a transaction whose requests are all placed at once: the browser ends it, whatever becomes of the
    /// page, unless the machine dies.
    async fn transaction<T: 'static>(
        &self,
        scope: Scope,
        effect: impl FnOnce(&Disk) -> Result<Effect<T>> + 'static,
    ) -> Result<T> {
        // Its place is that of the call.
        let ticket = self.queue.create(scope);
        let (storage, boots) = (self.clone(), self.disk.boots());
        let running = async move {
            let alive = storage.clone();
            let effect = move |disk: &Disk| match disk.boots() == boots {
                true => effect(disk),
                false => Err(io_error("the machine has died")),
            };
            alive.held_transaction(scope, ticket, effect).await
        };
        self.world.spawn(running).await
    }

    /// Runs a transaction that waits for answers of its own, and holds up others while its page stands still.
    async fn held_transaction<T>(
        &self,
        scope: Scope,
        ticket: Ticket,
        effect: impl FnOnce(&Disk) -> Result<Effect<T>>,
    ) -> Result<T> {
        self.connection.check()?;
        let number = self.connection.operations.get();
        self.connection.operations.set(number + 1);
        if let Some(death) = self.death
            && number >= death.operation
        {
            if number == death.operation && death.has_effect {
                let _nobody_hears = effect(&self.disk);
            }
            drop(ticket);
            return std::future::pending().await;
        }
        let losses = self.connection.losses.get();
        let is_write = scope == Scope::COMMIT || scope == Scope::FOLD;
        let is_lost = || self.connection.losses.get() != losses;
        ticket.turn().await;
        self.delay().await;
        let faults = self.faults.get();
        if is_write && (is_lost() || self.world.one_in(faults.lost_answer_odds)) {
            if !is_lost() && self.world.one_in(2) {
                let lost = effect(&self.disk);
                // The browser ends what it has begun; who sees it later sees what is on disk.
                drop(lost.map(|effect| Hardening::of(&self.disk, effect.written)));
            }
            drop(ticket);
            (self.note)("the answer to a write was lost");
            self.connection.is_known.set(false);
            self.delay().await;
            self.connection.check()?;
            return Err(unknown());
        }
        if self.world.one_in(faults.io_error_odds) {
            (self.note)("a storage operation was aborted");
            let reason = if self.world.one_in(2) {
                "simulated abort without a reason; nothing was done"
            } else {
                "simulated failure; nothing was done"
            };
            return Err(io_error(reason));
        }
        let Effect { answer, written } = effect(&self.disk)?;
        let hardening = Hardening::of(&self.disk, written);
        if hardening.is_some() {
            self.delay().await;
        }
        // Before the ticket, also if the peer is killed: what others can see is as durable as it was to be.
        drop(hardening);
        drop(ticket);
        self.delay().await;
        self.connection.check()?;
        match is_lost() {
            true if is_write => Err(unknown()),
            true => Err(io_error("simulated loss of the connection")),
            false => Ok(answer),
        }
    }

    fn check_quota(&self, bytes: usize) -> Result<()> {
        if self.disk.is_over_quota(bytes as u64) {
            let errors = &self.connection.quota_errors;
            errors.set(errors.get() + 1);
            (self.note)("a write found no room");
            return Err(io_error(
                "simulated QuotaExceededError: the storage that the browser grants this site is used up; \
                 nothing was written",
            ));
        }
        Ok(())
    }
}

fn bytes_of(entries: &[Vec<u8>]) -> usize {
    entries.iter().map(Vec::len).sum()
}

fn log_read(disk: &Disk, after: SequenceNumber, limit: usize) -> LogRead {
    LogRead {
        root: disk.root().unwrap_or_default(),
        entries: disk.log_after(after, limit),
    }
}

impl Storage for SimulatedStorage {
    async fn root(&self, initial: &[u8]) -> Result<Vec<u8>> {
        let initial = initial.to_vec();
        let effect = move |disk: &Disk| match disk.root() {
            Some(root) => Ok(Effect::none(root)),
            None => Ok(Effect {
                written: Some((disk.put_root(&initial), Durability::Strict)),
                answer: initial,
            }),
        };
        self.transaction(Scope::WRITE_META, effect).await
    }

    async fn current_root(&self) -> Result<Option<Vec<u8>>> {
        self.transaction(Scope::READ_META, |disk| Ok(Effect::none(disk.root())))
            .await
    }

    async fn read_log(&self, after: SequenceNumber, limit: usize) -> Result<LogRead> {
        self.transaction(Scope::READ_LOG, move |disk| {
            Ok(Effect::none(log_read(disk, after, limit)))
        })
        .await
    }

    async fn append(&self, request: AppendRequest) -> Result<AppendOutcome> {
        let AppendRequest {
            root,
            entries,
            durability,
        } = request;
        let storage = self.clone();
        self.transaction(Scope::COMMIT, move |disk| {
            // On a new connection there may be another database of this name by now.
            let is_known = &storage.connection.is_known;
            let found = disk.root().unwrap_or_default();
            is_known.set(is_known.get() || found == root);
            if !is_known.get() {
                return Ok(Effect::none(AppendOutcome::RootMoved(found)));
            }
            storage.check_quota(bytes_of(&entries))?;
            let (written, first) = disk.append(entries)?;
            Ok(Effect {
                written: Some((written, durability)),
                answer: AppendOutcome::Appended(first),
            })
        })
        .await
    }

    async fn read_pages(&self, ids: &[PageId]) -> Result<Vec<Option<Vec<u8>>>> {
        let ids = ids.to_vec();
        self.transaction(Scope::READ_PAGES, move |disk| Ok(Effect::none(disk.pages(&ids))))
            .await
    }

    async fn page_ids(&self, from: PageId, limit: usize) -> Result<Vec<PageId>> {
        self.transaction(Scope::READ_PAGES, move |disk| {
            Ok(Effect::none(disk.page_ids(from, limit)))
        })
        .await
    }

    async fn fold(&self, request: FoldRequest) -> Result<FoldOutcome> {
        let ticket = self.queue.create(Scope::FOLD);
        self.held_transaction(Scope::FOLD, ticket, |disk| {
            let root = disk.root().unwrap_or_default();
            if root != request.root {
                return Ok(Effect::none(FoldOutcome::RootMoved(root)));
            }
            let pages: usize = request.write_pages.iter().map(|(_, bytes)| bytes.len()).sum();
            self.check_quota(pages)?;
            // What no root refers to yet, or any more, may be lost.
            let durability = if request.root == request.new_root {
                Durability::Relaxed
            } else {
                Durability::Strict
            };
            Ok(Effect {
                answer: FoldOutcome::Folded,
                written: Some((disk.fold(request), durability)),
            })
        })
        .await
    }

    fn known_tail(&self) -> Option<SequenceNumber> {
        // As in a page with other tabs: only asking tells.
        None
    }

    fn close(&self) {
        self.connection.is_closed.set(true);
    }
}
