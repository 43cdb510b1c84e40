//! A storage with delays and faults: memory that several peers share, reached over a slow, unreliable
//! path.
//!
//! Fault model: an operation takes time before its effect and after it; the effect is atomic. With
//! `io_error_odds` an operation fails without effect. With `lost_answer_odds` a commit or fold ends with
//! `commit_unknown_result`, in half of the cases with its effect. A killed peer's operation has its
//! effect or not, depending on where it was. A peer that is to die at an operation gets no answer to it,
//! nor to any other.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use plinth_core::storage::{
    AppendOutcome, AppendRequest, CommitOutcome, CommitRequest, FoldOutcome, FoldRequest, LogRead,
    MemoryStorage, Storage,
};
use plinth_core::words::{PageId, SequenceNumber};
use plinth_core::{Error, ErrorCode, Result};

use crate::executor::Simulation;

/// How unreliable the storage is. Odds are "one in so many"; 0 is never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Longest delay on each side of an effect.
    pub delay_us: u64,
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

/// Log entries that folds deleted, by their places.
pub type Archive = Rc<RefCell<BTreeMap<SequenceNumber, Vec<u8>>>>;

/// One peer's storage.
pub struct SimulatedStorage {
    world: Simulation,
    memory: MemoryStorage,
    faults: Faults,
    death: Option<Death>,
    archive: Archive,
    operations: Rc<Cell<u64>>,
}

impl SimulatedStorage {
    /// A peer of the database in `memory`.
    pub fn new(
        world: &Simulation,
        memory: &MemoryStorage,
        archive: &Archive,
        faults: Faults,
        death: Option<Death>,
    ) -> SimulatedStorage {
        SimulatedStorage {
            world: world.clone(),
            memory: memory.another_peer(),
            faults,
            death,
            archive: Rc::clone(archive),
            operations: Rc::default(),
        }
    }

    /// How many operations were begun.
    pub fn operations(&self) -> Rc<Cell<u64>> {
        Rc::clone(&self.operations)
    }

    async fn operation<T>(&self, effect: impl AsyncFnOnce(&MemoryStorage) -> Result<T>) -> Result<T> {
        let number = self.operations.get();
        self.operations.set(number + 1);
        if let Some(death) = self.death
            && number >= death.operation
        {
            if number == death.operation && death.has_effect {
                let _nobody_hears = effect(&self.memory).await;
            }
            return std::future::pending().await;
        }
        self.world.sleep_below(self.faults.delay_us).await;
        if self.world.one_in(self.faults.io_error_odds) {
            return Err(Error::new(
                ErrorCode::IoError,
                "simulated failure; nothing was done",
            ));
        }
        let result = effect(&self.memory).await;
        self.world.sleep_below(self.faults.delay_us).await;
        result
    }
}

impl SimulatedStorage {
    /// An operation whose answer may be lost.
    async fn write<T>(&self, effect: impl AsyncFnOnce(&MemoryStorage) -> Result<T>) -> Result<T> {
        if !self.world.one_in(self.faults.lost_answer_odds) {
            return self.operation(effect).await;
        }
        self.world.sleep_below(self.faults.delay_us).await;
        if self.world.one_in(2) {
            let _lost = effect(&self.memory).await;
        }
        self.world.sleep_below(self.faults.delay_us).await;
        Err(Error::new(
            ErrorCode::CommitUnknownResult,
            "simulated loss of the answer",
        ))
    }
}

impl Storage for SimulatedStorage {
    async fn root(&self, initial: &[u8]) -> Result<Vec<u8>> {
        self.operation(async |memory| memory.root(initial).await).await
    }

    async fn current_root(&self) -> Result<Option<Vec<u8>>> {
        self.operation(async |memory| memory.current_root().await).await
    }

    async fn read_log(&self, after: SequenceNumber, limit: usize) -> Result<LogRead> {
        self.operation(async |memory| memory.read_log(after, limit).await)
            .await
    }

    async fn append(&self, request: AppendRequest) -> Result<AppendOutcome> {
        self.write(async |memory| memory.append(request).await).await
    }

    async fn commit(&self, request: CommitRequest) -> Result<CommitOutcome> {
        self.write(async |memory| memory.commit(request).await).await
    }

    async fn read_pages(&self, ids: &[PageId]) -> Result<Vec<Option<Vec<u8>>>> {
        self.operation(async |memory| memory.read_pages(ids).await).await
    }

    async fn page_ids(&self, from: PageId, limit: usize) -> Result<Vec<PageId>> {
        self.operation(async |memory| memory.page_ids(from, limit).await)
            .await
    }

    async fn fold(&self, request: FoldRequest) -> Result<FoldOutcome> {
        let archive = &self.archive;
        let fold_and_archive = async |memory: &MemoryStorage| {
            let through = request.delete_log_through;
            let log = memory.read_log(SequenceNumber::ZERO, usize::MAX).await?;
            let outcome = memory.fold(request).await?;
            if outcome == FoldOutcome::Folded {
                let deleted = log.entries.into_iter().filter(|entry| entry.sequence <= through);
                let mut archive = archive.borrow_mut();
                for entry in deleted {
                    // Where a test has damaged the numbering, a number may have been given again, in vain.
                    archive.entry(entry.sequence).or_insert(entry.bytes);
                }
            }
            Ok(outcome)
        };
        self.write(fold_and_archive).await
    }

    fn known_tail(&self) -> Option<SequenceNumber> {
        // As in a page with other tabs: only asking tells.
        None
    }

    fn close(&self) {
        self.memory.close();
    }
}
