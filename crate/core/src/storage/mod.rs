//! What the engine asks of storage, and storage in memory. Refers to `words` and `pure`.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod contract;
mod memory;

pub use contract::{AppendOutcome, AppendRequest, FoldOutcome, FoldRequest, LogEntry, LogRead, Storage};
pub use memory::MemoryStorage;
