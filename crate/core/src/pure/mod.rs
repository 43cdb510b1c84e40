//! Synchronous code without surroundings: data structures, codecs and rules. Refers to `words`.

mod conflict_set;
mod evaluate;
mod range_set;
mod record;
mod record_bytes;
mod retry;
mod root;
mod stamped_write;
mod subspace;
pub mod tuple;
mod version_clock;
mod version_map;
mod write_map;

pub use conflict_set::{ConflictSet, WrittenKeys};
pub use evaluate::{VERSIONSTAMP_BYTES, evaluate, merge_operands, stamped, versionstamp};
pub use range_set::RangeSet;
pub use record::{CommitRecord, CommittedTransaction, LOG_PARTS_MAX, RecordReader, encode_record};
pub use retry::{RetryPolicy, RetryState};
pub use root::Root;
pub use stamped_write::{StampedWrite, possible_keys};
pub use subspace::Subspace;
pub use version_clock::VersionClock;
pub use version_map::VersionMap;
pub use write_map::{Overlay, WriteMap, conflict_bytes};
