//! How much memory and log an engine may keep.

use super::exclusivity::LEASE_US;
use crate::pure::PageOptions;

/// Options of opening a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineOptions {
    /// Bytes of pages kept in memory.
    pub cache_bytes: usize,
    /// For a damaged log: the state before the first damaged record is read, and nothing is written.
    pub salvage: bool,
    /// How long the browser's word on the lock is trusted; the same for all peers of a database. Only simulations have
    /// another one than [`LEASE_US`].
    pub lease_us: u64,
    /// When the log is folded into pages.
    pub fold: FoldOptions,
}

/// When the oldest part of the log is folded into pages, and in what steps. Only what no transaction can
/// be too young for is folded, unless memory forces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoldOptions {
    /// Bytes of the log that can be folded from which on it is folded: what an open reads at most, apart
    /// from the last five seconds.
    pub log_bytes: u64,
    /// Entries of the log, likewise.
    pub log_entries: u64,
    /// Memory of the changes that are not in pages. Above it even what running transactions may still
    /// read is folded: they fail with `transaction_too_old`. At twice as much, commits wait.
    pub recent_bytes_max: usize,
    /// Bytes of new pages that one storage operation writes.
    pub write_bytes: usize,
    /// Pages that one storage operation deletes, and log entries times four.
    pub delete_pages: usize,
    /// How large pages are.
    pub pages: PageOptions,
}

impl Default for EngineOptions {
    fn default() -> EngineOptions {
        EngineOptions {
            cache_bytes: 16 << 20,
            salvage: false,
            lease_us: LEASE_US,
            fold: FoldOptions::default(),
        }
    }
}

impl Default for FoldOptions {
    // In Chromium a storage operation costs 0.1 ms a request and 0.4 ms per 64 KB, reading the log 9 us an
    // entry and 0.3 ms per 64 KB; so an open reads the log in about 50 ms, and a commit waits for no
    // operation of a fold longer than some 10 ms.
    fn default() -> FoldOptions {
        FoldOptions {
            log_bytes: 4 << 20,
            log_entries: 2_000,
            recent_bytes_max: 32 << 20,
            write_bytes: 512 << 10,
            delete_pages: 100,
            pages: PageOptions::default(),
        }
    }
}
