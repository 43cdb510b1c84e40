//! The storages a page can open: IndexedDB, or memory on request.

mod idb_reader;
mod idb_transaction;
mod idb_writer;
mod indexed_db;
mod patience;
mod schema;

pub use indexed_db::{IndexedDbStorage, database_name, delete_indexed_db};

use plinth_core::storage::{
    AppendOutcome, AppendRequest, FoldOutcome, FoldRequest, LogRead, MemoryStorage, Storage,
};
use plinth_core::words::{PageId, Result, SequenceNumber};

/// Either storage, so that the engine is compiled once.
pub enum AnyStorage {
    /// Lost with the last handle.
    Memory(MemoryStorage),
    /// Shared by all tabs of the origin, and kept.
    IndexedDb(IndexedDbStorage),
}

macro_rules! forward {
    ($self:ident.$method:ident($($argument:expr),*)) => {
        match $self {
            AnyStorage::Memory(storage) => storage.$method($($argument),*).await,
            AnyStorage::IndexedDb(storage) => storage.$method($($argument),*).await,
        }
    };
}

impl Storage for AnyStorage {
    async fn root(&self, initial: &[u8]) -> Result<Vec<u8>> {
        forward!(self.root(initial))
    }

    async fn current_root(&self) -> Result<Option<Vec<u8>>> {
        forward!(self.current_root())
    }

    async fn read_log(&self, after: SequenceNumber, limit: usize) -> Result<LogRead> {
        forward!(self.read_log(after, limit))
    }

    async fn append(&self, request: AppendRequest) -> Result<AppendOutcome> {
        forward!(self.append(request))
    }

    async fn read_pages(&self, ids: &[PageId]) -> Result<Vec<Option<Vec<u8>>>> {
        forward!(self.read_pages(ids))
    }

    async fn page_ids(&self, from: PageId, limit: usize) -> Result<Vec<PageId>> {
        forward!(self.page_ids(from, limit))
    }

    async fn fold(&self, request: FoldRequest) -> Result<FoldOutcome> {
        forward!(self.fold(request))
    }

    fn known_tail(&self) -> Option<SequenceNumber> {
        match self {
            AnyStorage::Memory(storage) => storage.known_tail(),
            AnyStorage::IndexedDb(storage) => storage.known_tail(),
        }
    }

    fn close(&self) {
        match self {
            AnyStorage::Memory(storage) => storage.close(),
            AnyStorage::IndexedDb(storage) => storage.close(),
        }
    }
}
