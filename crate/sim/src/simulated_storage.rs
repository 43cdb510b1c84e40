//! A storage with delays and faults: memory that several peers share, reached over a slow, unreliable
//! path.
//!
//! Fault model: an operation takes time before its effect and after it; the effect is atomic. With
//! `io_error_odds` an operation fails without effect. With `lost_answer_odds` a commit ends with
//! `commit_unknown_result`, in half of the cases with its effect. A killed peer's operation has its
//! effect or not, depending on where it was.

use plinth_core::storage::{
    CommitOutcome, CommitRequest, FoldOutcome, FoldRequest, LogEntry, MemoryStorage, Storage,
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
    /// Commits that end without an answer.
    pub lost_answer_odds: u64,
}

/// One peer's storage.
pub struct SimulatedStorage {
    world: Simulation,
    memory: MemoryStorage,
    faults: Faults,
}

impl SimulatedStorage {
    /// A peer of the database in `memory`.
    pub fn new(world: &Simulation, memory: &MemoryStorage, faults: Faults) -> SimulatedStorage {
        SimulatedStorage {
            world: world.clone(),
            memory: memory.another_peer(),
            faults,
        }
    }

    async fn operation<T>(&self, effect: impl AsyncFnOnce(&MemoryStorage) -> Result<T>) -> Result<T> {
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

impl Storage for SimulatedStorage {
    async fn root(&self, initial: &[u8]) -> Result<Vec<u8>> {
        self.operation(async |memory| memory.root(initial).await).await
    }

    async fn read_log(&self, after: SequenceNumber, limit: usize) -> Result<Vec<LogEntry>> {
        self.operation(async |memory| memory.read_log(after, limit).await)
            .await
    }

    async fn commit(&self, request: CommitRequest) -> Result<CommitOutcome> {
        if self.world.one_in(self.faults.lost_answer_odds) {
            self.world.sleep_below(self.faults.delay_us).await;
            if self.world.one_in(2) {
                let _lost = self.memory.commit(request).await;
            }
            self.world.sleep_below(self.faults.delay_us).await;
            return Err(Error::new(
                ErrorCode::CommitUnknownResult,
                "simulated loss of the answer",
            ));
        }
        self.operation(async |memory| memory.commit(request).await).await
    }

    async fn read_pages(&self, ids: &[PageId]) -> Result<Vec<Option<Vec<u8>>>> {
        self.operation(async |memory| memory.read_pages(ids).await).await
    }

    async fn write_pages(&self, pages: Vec<(PageId, Vec<u8>)>) -> Result<()> {
        self.operation(async |memory| memory.write_pages(pages).await)
            .await
    }

    async fn delete_pages(&self, ids: Vec<PageId>) -> Result<()> {
        self.operation(async |memory| memory.delete_pages(ids).await)
            .await
    }

    async fn page_ids(&self) -> Result<Vec<PageId>> {
        self.operation(async |memory| memory.page_ids().await).await
    }

    async fn fold(&self, request: FoldRequest) -> Result<FoldOutcome> {
        self.operation(async |memory| memory.fold(request).await).await
    }

    fn known_tail(&self) -> Option<SequenceNumber> {
        // As in a page with other tabs: only asking tells.
        None
    }

    fn close(&self) {
        self.memory.close();
    }
}
