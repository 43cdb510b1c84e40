//! Storage in memory: for tests, for Node, and for databases that are not meant to outlive a page.
//!
//! Clones share one database, as tabs share one IndexedDB. Every operation is done when its future
//! is first polled; nothing ever waits.

use std::cell::{Cell, RefCell};
use std::ops::Bound;
use std::rc::Rc;

use super::contract::{AppendOutcome, AppendRequest, FoldOutcome, FoldRequest, LogEntry, LogRead, Storage};
use crate::pure::SortedMap;
use crate::words::{Error, ErrorCode, PageId, Result, SequenceNumber};

#[derive(Debug, Default)]
struct Shared {
    root: Option<Vec<u8>>,
    log: SortedMap<SequenceNumber, Vec<u8>>,
    /// The last number given to an entry; a fold may have deleted it since.
    tail: SequenceNumber,
    pages: SortedMap<PageId, Vec<u8>>,
}

impl Shared {
    fn read(&self, after: SequenceNumber, limit: usize) -> LogRead {
        LogRead {
            root: self.root.clone().unwrap_or_default(),
            entries: self.entries_after(after).take(limit).collect(),
        }
    }

    /// Appends entries at the next numbers; gives the first one.
    fn append(&mut self, entries: Vec<Vec<u8>>) -> Result<SequenceNumber> {
        let first = self.tail.plus(1);
        let last = self.tail.plus(entries.len() as u64);
        if let Some((taken, _)) = self
            .log
            .range(Bound::Included(&first), Bound::Included(&last))
            .next()
        {
            let detail = format!("log record {taken}: the storage would give its number to another one");
            return Err(Error::new(ErrorCode::FileCorrupt, detail));
        }
        for bytes in entries {
            self.tail = self.tail.plus(1);
            self.log.insert(self.tail, bytes);
        }
        Ok(first)
    }

    fn entries_after(&self, after: SequenceNumber) -> impl Iterator<Item = LogEntry> + '_ {
        self.log
            .range(Bound::Excluded(&after), Bound::Unbounded)
            .map(|(&sequence, bytes)| LogEntry {
                sequence,
                bytes: bytes.clone(),
            })
    }
}

/// One peer's view of a database in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryStorage {
    shared: Rc<RefCell<Shared>>,
    is_closed: Rc<Cell<bool>>,
}

impl MemoryStorage {
    /// A new, empty database.
    pub fn new() -> MemoryStorage {
        MemoryStorage::default()
    }

    /// Another peer of the same database, open whether or not this one is closed.
    pub fn another_peer(&self) -> MemoryStorage {
        MemoryStorage {
            shared: Rc::clone(&self.shared),
            is_closed: Rc::default(),
        }
    }

    /// How many log entries there are.
    pub fn log_length(&self) -> usize {
        self.shared.borrow().log.len()
    }

    /// Replaces the bytes of a page; for tests of damage.
    pub fn damage_page(&self, id: PageId, change: impl FnOnce(&mut Vec<u8>)) {
        if let Some(bytes) = self.shared.borrow_mut().pages.get_mut(&id) {
            change(bytes);
        }
    }

    /// Replaces the bytes of a log entry, takes it away if that leaves none; for tests of damage.
    pub fn damage_log(&self, sequence: SequenceNumber, change: impl FnOnce(&mut Vec<u8>)) {
        let log = &mut self.shared.borrow_mut().log;
        if let Some(bytes) = log.get_mut(&sequence) {
            change(bytes);
            if bytes.is_empty() {
                log.remove(&sequence);
            }
        }
    }

    /// Lets the next entry of the log have the number after this one; for tests of damage.
    pub fn damage_numbering(&self, tail: SequenceNumber) {
        self.shared.borrow_mut().tail = tail;
    }

    fn check_open(&self) -> Result<()> {
        if self.is_closed.get() {
            return Err(Error::new(
                ErrorCode::ClientInvalidOperation,
                "the database is closed",
            ));
        }
        Ok(())
    }
}

impl Storage for MemoryStorage {
    async fn root(&self, initial: &[u8]) -> Result<Vec<u8>> {
        self.check_open()?;
        Ok(self
            .shared
            .borrow_mut()
            .root
            .get_or_insert_with(|| initial.to_vec())
            .clone())
    }

    async fn current_root(&self) -> Result<Option<Vec<u8>>> {
        self.check_open()?;
        Ok(self.shared.borrow().root.clone())
    }

    async fn read_log(&self, after: SequenceNumber, limit: usize) -> Result<LogRead> {
        self.check_open()?;
        Ok(self.shared.borrow().read(after, limit))
    }

    async fn append(&self, request: AppendRequest) -> Result<AppendOutcome> {
        self.check_open()?;
        let first = self.shared.borrow_mut().append(request.entries)?;
        Ok(AppendOutcome::Appended(first))
    }

    async fn read_pages(&self, ids: &[PageId]) -> Result<Vec<Option<Vec<u8>>>> {
        self.check_open()?;
        let shared = self.shared.borrow();
        Ok(ids.iter().map(|id| shared.pages.get(id).cloned()).collect())
    }

    async fn page_ids(&self, from: PageId, limit: usize) -> Result<Vec<PageId>> {
        self.check_open()?;
        let shared = self.shared.borrow();
        Ok(shared
            .pages
            .range(Bound::Included(&from), Bound::Unbounded)
            .take(limit)
            .map(|(&id, _)| id)
            .collect())
    }

    async fn fold(&self, request: FoldRequest) -> Result<FoldOutcome> {
        self.check_open()?;
        let mut shared = self.shared.borrow_mut();
        let root = shared.root.clone().unwrap_or_default();
        if root != request.root {
            return Ok(FoldOutcome::RootMoved(root));
        }
        shared.root = Some(request.new_root);
        shared.pages.extend(request.write_pages);
        for id in &request.delete_pages {
            shared.pages.remove(id);
        }
        shared
            .log
            .retain(|&sequence, _| sequence > request.delete_log_through);
        Ok(FoldOutcome::Folded)
    }

    fn known_tail(&self) -> Option<SequenceNumber> {
        Some(self.shared.borrow().tail)
    }

    fn close(&self) {
        self.is_closed.set(true);
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::storage::conformance;

    #[test]
    fn memory_keeps_the_storage_contract() {
        let mut run = Box::pin(conformance::run_all(async || {
            let one = MemoryStorage::new();
            let other = one.another_peer();
            (one, other)
        }));
        // Memory never waits, so one poll is enough.
        assert_eq!(
            run.as_mut().poll(&mut Context::from_waker(Waker::noop())),
            Poll::Ready(())
        );
    }
}
