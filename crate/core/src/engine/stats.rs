//! Counts and sizes of one engine.

use super::peer::Engine;
use crate::storage::Storage;
use crate::words::{SequenceNumber, Version};

/// Counts of one engine since it was opened, and the size of what it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineStats {
    /// The newest version known.
    pub version: Version,
    /// The last log entry known.
    pub log_tail: SequenceNumber,
    /// Keys at the newest version. Exact until the first fold; after it, keys written since the last fold
    /// count as new ones, and those cleared since then as still there.
    pub key_count: u64,
    /// Bytes of these keys and their values.
    pub key_value_bytes: u64,
    /// The version up to which everything is in pages.
    pub folded_version: Version,
    /// Keys at that version, exactly.
    pub folded_key_count: u64,
    /// Bytes of their keys and values.
    pub folded_key_value_bytes: u64,
    /// Entries of the log that are not in pages.
    pub log_entry_count: u64,
    /// Their bytes.
    pub log_bytes: u64,
    /// Memory taken by the changes that are not in pages.
    pub recent_bytes: u64,
    /// Bytes of pages in memory.
    pub cache_bytes: u64,
    /// Pages in memory.
    pub cached_page_count: u64,
    /// Pages that were found in memory.
    pub cache_hit_count: u64,
    /// Pages that were read from the storage.
    pub page_read_count: u64,
    /// Pages written by folds of this engine.
    pub page_write_count: u64,
    /// Folds of this engine.
    pub fold_count: u64,
    /// Whether this engine is folding.
    pub is_folding: bool,
    /// Items of the root's list of what is to be deleted.
    pub condemned_count: u64,
    /// Watches created and not yet ended.
    pub watch_count: usize,
    /// Transactions of this engine that were committed with writes.
    pub committed_count: u64,
    /// Transactions of this engine that failed with `not_committed`.
    pub conflict_count: u64,
    /// Reads of the log.
    pub log_read_count: u64,
    /// How often this engine began again from the root, because what it had not read was folded.
    pub restart_count: u64,
}

impl<S: Storage> Engine<S> {
    /// Counts and sizes.
    pub fn stats(&self) -> EngineStats {
        let state = self.state.borrow();
        let folded = state.tree().totals();
        let log = state.unfolded();
        let (cache_bytes, cached_page_count, cache_hit_count, page_read_count) = self.pager.counts();
        EngineStats {
            version: state.newest(),
            log_tail: state.tail(),
            key_count: folded.rows + state.map().live_keys(),
            key_value_bytes: folded.bytes + state.map().live_bytes(),
            folded_version: state.map().folded(),
            folded_key_count: folded.rows,
            folded_key_value_bytes: folded.bytes,
            log_entry_count: log.map_or(0, |log| log.entries),
            log_bytes: log.map_or(0, |log| log.bytes),
            recent_bytes: state.map().bytes() as u64,
            cache_bytes: cache_bytes as u64,
            cached_page_count: cached_page_count as u64,
            cache_hit_count,
            page_read_count,
            page_write_count: self.folds.pages_written(),
            fold_count: self.folds.fold_count(),
            is_folding: self.folds.is_running(),
            condemned_count: self.root.borrow().root.condemned.len() as u64,
            watch_count: state.watches.outstanding(),
            committed_count: self.committed_count.get(),
            conflict_count: self.conflict_count.get(),
            log_read_count: self.log_read_count.get(),
            restart_count: self.restart_count.get(),
        }
    }
}
