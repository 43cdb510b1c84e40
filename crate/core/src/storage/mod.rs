//! What the engine asks of storage, and storage in memory. Refers to `words` and `pure`.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod contract;
mod memory;

pub use contract::{
    AppendOutcome, AppendRequest, CommitOutcome, CommitRequest, FoldOutcome, FoldRequest, LogEntry, LogRead,
    RecordRewriter, Storage,
};
pub use memory::MemoryStorage;
