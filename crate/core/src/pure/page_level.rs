//! One level of a tree that is being written: entries that wait for their page.

use super::page_encoder::{Entry, PageOptions, PageSize, first_page_count};

/// Entries of one level, in order, not yet in a page.
#[derive(Debug)]
pub(super) struct Level {
    level: u8,
    entries: Vec<Entry>,
    size: PageSize,
}

impl Level {
    pub(super) fn new(level: u8) -> Level {
        Level {
            level,
            entries: Vec::new(),
            size: PageSize::new(level),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(super) fn push(&mut self, entry: Entry) {
        self.size.add(&entry);
        self.entries.push(entry);
    }

    /// Puts entries before those that wait.
    pub(super) fn prepend(&mut self, mut entries: Vec<Entry>) {
        entries.append(&mut self.entries);
        self.size = PageSize::of(self.level, &entries);
        self.entries = entries;
    }

    /// Takes back the entry that came last.
    pub(super) fn pop(&mut self) -> Option<Entry> {
        let entry = self.entries.pop();
        self.size = PageSize::of(self.level, &self.entries);
        entry
    }

    /// Whether the first page can be written without knowing what comes: as much again waits.
    pub(super) fn has_two_pages(&self, options: &PageOptions) -> bool {
        self.size.bytes() > 2 * options.page_bytes
    }

    /// Whether its page would be one to be merged.
    pub(super) fn is_underfull(&self, options: &PageOptions) -> bool {
        self.size.bytes() < options.fill_bytes_min
    }

    /// The entries of the next page.
    pub(super) fn take_page(&mut self, options: &PageOptions) -> Vec<Entry> {
        let count = first_page_count(self.level, &self.entries, options);
        let rest = self.entries.split_off(count);
        self.size = PageSize::of(self.level, &rest);
        std::mem::replace(&mut self.entries, rest)
    }
}
