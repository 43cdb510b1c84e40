//! What is on disk: the object stores of one database, and which of their latest changes a crash would lose.
//!
//! Transactions take effect at once and in one order. Each stays in a journal until something makes it
//! durable; [`Disk::crash`] undoes any number of the newest ones, never one before another that stays: the
//! storage engines of browsers write one log. Nothing here waits or fails; `simulated_storage` does.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use plinth_core::storage::{FoldRequest, LogEntry};
use plinth_core::words::{PageId, SequenceNumber};
use plinth_core::{Error, ErrorCode, Result};

type Bytes = Vec<u8>;

/// Where a log entry says which number it was made for.
const STATED_NUMBER: usize = 16;

/// The number of a transaction that changed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Written(u64);

/// A stored value before a transaction changed it.
#[derive(Debug)]
enum Before {
    Root(Option<Bytes>),
    Tail(SequenceNumber),
    Log(SequenceNumber, Option<Bytes>),
    Page(PageId, Option<Bytes>),
    Recorded(SequenceNumber, Option<Bytes>),
}

#[derive(Debug, Default)]
struct Inner {
    root: Option<Bytes>,
    log: BTreeMap<SequenceNumber, Bytes>,
    /// The last number that the key generator has given.
    tail: SequenceNumber,
    pages: BTreeMap<PageId, Bytes>,
    /// Every entry that the log ever had, deleted by folds or not. For the checker; no peer sees it.
    recorded: BTreeMap<SequenceNumber, Bytes>,
    /// What a crash may undo, oldest first.
    journal: VecDeque<(Written, Vec<Before>)>,
    transactions: u64,
    bytes: u64,
    quota: Option<u64>,
    incarnation: u64,
    void_records: u64,
    /// The machine is dying: nothing becomes durable any more.
    is_dying: bool,
    boots: u64,
}

impl Inner {
    fn put_root(&mut self, root: Option<Bytes>, undo: &mut Vec<Before>) {
        let before = std::mem::replace(&mut self.root, root);
        undo.push(Before::Root(before));
    }

    fn put_log(&mut self, place: SequenceNumber, bytes: Option<Bytes>, undo: &mut Vec<Before>) {
        let before = put(&mut self.log, place, bytes, &mut self.bytes);
        undo.push(Before::Log(place, before));
    }

    fn put_page(&mut self, id: PageId, bytes: Option<Bytes>, undo: &mut Vec<Before>) {
        let before = put(&mut self.pages, id, bytes, &mut self.bytes);
        undo.push(Before::Page(id, before));
    }

    fn undo(&mut self, before: Before) {
        match before {
            Before::Root(root) => self.root = root,
            Before::Tail(tail) => self.tail = tail,
            Before::Log(place, bytes) => drop(put(&mut self.log, place, bytes, &mut self.bytes)),
            Before::Page(id, bytes) => drop(put(&mut self.pages, id, bytes, &mut self.bytes)),
            Before::Recorded(place, bytes) => drop(put(&mut self.recorded, place, bytes, &mut 0)),
        }
    }

    fn written(&mut self, undo: Vec<Before>) -> Written {
        self.transactions += 1;
        let written = Written(self.transactions);
        self.journal.push_back((written, undo));
        written
    }
}

/// Puts or takes away; gives what was there, and keeps count of the bytes.
fn put<K: Ord>(
    store: &mut BTreeMap<K, Bytes>,
    key: K,
    bytes: Option<Bytes>,
    total: &mut u64,
) -> Option<Bytes> {
    *total += bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
    let before = match bytes {
        Some(bytes) => store.insert(key, bytes),
        None => store.remove(&key),
    };
    *total = total.saturating_sub(before.as_ref().map_or(0, |bytes| bytes.len() as u64));
    before
}

/// Something stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// The root record.
    Root,
    /// A log entry.
    Log(SequenceNumber),
    /// A page.
    Page(PageId),
}

/// The disk of one database. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    inner: Rc<RefCell<Inner>>,
}

impl Disk {
    /// The root record.
    pub fn root(&self) -> Option<Bytes> {
        self.inner.borrow().root.clone()
    }

    /// Up to `limit` entries after a place.
    pub fn log_after(&self, after: SequenceNumber, limit: usize) -> Vec<LogEntry> {
        let inner = self.inner.borrow();
        let entries = inner.log.range(after.plus(1)..).take(limit);
        entries.map(|(&place, bytes)| entry(place, bytes)).collect()
    }

    /// The pages with these ids.
    pub fn pages(&self, ids: &[PageId]) -> Vec<Option<Bytes>> {
        let inner = self.inner.borrow();
        ids.iter().map(|id| inner.pages.get(id).cloned()).collect()
    }

    /// Up to `limit` page ids from this one on.
    pub fn page_ids(&self, from: PageId, limit: usize) -> Vec<PageId> {
        let inner = self.inner.borrow();
        inner.pages.range(from..).take(limit).map(|(&id, _)| id).collect()
    }

    /// How many log entries there are.
    pub fn log_length(&self) -> usize {
        self.inner.borrow().log.len()
    }

    /// Bytes of the log and the pages.
    pub fn bytes(&self) -> u64 {
        self.inner.borrow().bytes
    }

    /// How often the database was thrown away.
    pub fn incarnation(&self) -> u64 {
        self.inner.borrow().incarnation
    }

    /// Entries that have another number than they were made for: they count for nothing.
    pub fn void_records(&self) -> u64 {
        self.inner.borrow().void_records
    }

    /// The whole log of this incarnation, with what folds deleted and without what crashes undid.
    pub fn whole_log(&self) -> Vec<LogEntry> {
        let inner = self.inner.borrow();
        let entries = inner.recorded.iter();
        entries.map(|(&place, bytes)| entry(place, bytes)).collect()
    }

    /// Writes the root.
    pub fn put_root(&self, root: &[u8]) -> Written {
        let mut inner = self.inner.borrow_mut();
        let mut undo = Vec::new();
        inner.put_root(Some(root.to_vec()), &mut undo);
        inner.written(undo)
    }

    /// Appends entries at the next numbers; gives the first of them.
    ///
    /// # Errors
    /// `file_corrupt` if a number is in use, which is damage; nothing is appended then.
    pub fn append(&self, entries: Vec<Bytes>) -> Result<(Written, SequenceNumber)> {
        let mut inner = self.inner.borrow_mut();
        let tail = inner.tail;
        // IndexedDB fails with ConstraintError, which the storage of the browser tells so.
        if (1..=entries.len() as u64).any(|offset| inner.log.contains_key(&tail.plus(offset))) {
            let detail = "the storage would give a number of the log twice";
            return Err(Error::new(ErrorCode::FileCorrupt, detail));
        }
        let mut undo = vec![Before::Tail(tail)];
        for bytes in entries {
            let place = inner.tail.plus(1);
            inner.tail = place;
            if is_void(place, &bytes) {
                inner.void_records += 1;
            }
            let before = inner.recorded.insert(place, bytes.clone());
            undo.push(Before::Recorded(place, before));
            inner.put_log(place, Some(bytes), &mut undo);
        }
        Ok((inner.written(undo), tail.plus(1)))
    }

    /// Lets the next entry of the log have the number after this one; for tests of damage.
    pub fn damage_numbering(&self, tail: SequenceNumber) {
        self.inner.borrow_mut().tail = tail;
    }

    /// Does what a fold asks for, whatever the root is.
    pub fn fold(&self, request: FoldRequest) -> Written {
        let mut inner = self.inner.borrow_mut();
        let mut undo = Vec::new();
        inner.put_root(Some(request.new_root), &mut undo);
        for (id, bytes) in request.write_pages {
            inner.put_page(id, Some(bytes), &mut undo);
        }
        for id in request.delete_pages {
            inner.put_page(id, None, &mut undo);
        }
        let folded: Vec<SequenceNumber> = inner
            .log
            .range(..=request.delete_log_through)
            .map(|(&place, _)| place)
            .collect();
        for place in folded {
            inner.put_log(place, None, &mut undo);
        }
        inner.written(undo)
    }

    /// A transaction and all before it can't be lost any more.
    pub fn harden(&self, through: Written) {
        let mut inner = self.inner.borrow_mut();
        while !inner.is_dying
            && inner
                .journal
                .front()
                .is_some_and(|(written, _)| *written <= through)
        {
            inner.journal.pop_front();
        }
    }

    /// From now on nothing becomes durable any more, until the crash.
    pub fn begin_to_die(&self) {
        self.inner.borrow_mut().is_dying = true;
    }

    /// How many transactions a crash may lose.
    pub fn soft_transactions(&self) -> usize {
        self.inner.borrow().journal.len()
    }

    /// The machine dies: the newest `lost` transactions that were not durable have never been. The others
    /// are on disk now.
    pub fn crash(&self, lost: usize) {
        let mut inner = self.inner.borrow_mut();
        for _ in 0..lost {
            let Some((_, undo)) = inner.journal.pop_back() else {
                break;
            };
            for before in undo.into_iter().rev() {
                inner.undo(before);
            }
        }
        inner.journal.clear();
        inner.is_dying = false;
        inner.boots += 1;
    }

    /// How often the machine has died.
    pub fn boots(&self) -> u64 {
        self.inner.borrow().boots
    }

    /// The browser throws the database away, or somebody deletes it.
    pub fn evict(&self) {
        let mut inner = self.inner.borrow_mut();
        *inner = Inner {
            incarnation: inner.incarnation + 1,
            transactions: inner.transactions,
            quota: inner.quota,
            boots: inner.boots,
            ..Inner::default()
        };
    }

    /// Lets the database have so many bytes more than it has now; `None` for any number.
    pub fn limit_growth(&self, bytes: Option<u64>) {
        let mut inner = self.inner.borrow_mut();
        inner.quota = bytes.map(|bytes| inner.bytes + bytes);
    }

    /// Whether so many bytes more would be too many.
    pub fn is_over_quota(&self, bytes: u64) -> bool {
        let inner = self.inner.borrow();
        bytes > 0 && inner.quota.is_some_and(|quota| inner.bytes + bytes > quota)
    }

    /// Everything that is stored.
    pub fn items(&self) -> Vec<Item> {
        let inner = self.inner.borrow();
        let root = inner.root.as_ref().map(|_| Item::Root);
        let log = inner.log.keys().map(|&place| Item::Log(place));
        let pages = inner.pages.keys().map(|&id| Item::Page(id));
        root.into_iter().chain(log).chain(pages).collect()
    }

    /// Changes the bytes of something stored; gives what they were.
    pub fn damage(&self, item: Item, change: impl FnOnce(&mut Bytes)) -> Option<Bytes> {
        let mut inner = self.inner.borrow_mut();
        let bytes = match item {
            Item::Root => inner.root.as_mut(),
            Item::Log(place) => inner.log.get_mut(&place),
            Item::Page(id) => inner.pages.get_mut(&id),
        }?;
        let before = bytes.clone();
        change(bytes);
        Some(before)
    }

    /// A copy of its own.
    pub fn copy(&self) -> Disk {
        let inner = self.inner.borrow();
        Disk {
            inner: Rc::new(RefCell::new(Inner {
                root: inner.root.clone(),
                log: inner.log.clone(),
                tail: inner.tail,
                pages: inner.pages.clone(),
                recorded: inner.recorded.clone(),
                bytes: inner.bytes,
                ..Inner::default()
            })),
        }
    }

    /// Takes something stored away.
    pub fn lose(&self, item: Item) {
        let mut inner = self.inner.borrow_mut();
        let mut undo = Vec::new();
        match item {
            Item::Root => inner.put_root(None, &mut undo),
            Item::Log(place) => inner.put_log(place, None, &mut undo),
            Item::Page(id) => inner.put_page(id, None, &mut undo),
        }
    }
}

/// Whether an entry says that it was made for another number.
fn is_void(place: SequenceNumber, bytes: &[u8]) -> bool {
    let stated = bytes.get(STATED_NUMBER..).and_then(|bytes| bytes.first_chunk());
    stated.is_some_and(|stated| u64::from_le_bytes(*stated) != place.get())
}

fn entry(sequence: SequenceNumber, bytes: &[u8]) -> LogEntry {
    LogEntry {
        sequence,
        bytes: bytes.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(number: u64) -> SequenceNumber {
        SequenceNumber::new(number)
    }

    #[test]
    fn a_crash_loses_the_newest_soft_transactions_and_no_hard_one() {
        let disk = Disk::default();
        disk.put_root(b"root");
        let first = disk.append(vec![b"a".to_vec()]).unwrap().0;
        disk.harden(first);
        disk.append(vec![b"b".to_vec()]).unwrap();
        disk.append(vec![b"c".to_vec()]).unwrap();
        assert_eq!(disk.soft_transactions(), 2);
        disk.crash(1);
        assert_eq!(disk.log_length(), 2);
        assert_eq!(disk.whole_log().len(), 2);
        let (_, again) = disk.append(vec![b"d".to_vec()]).unwrap();
        assert_eq!(
            again,
            place(3),
            "a number that was lost with its entry is given again"
        );
        disk.crash(9);
        assert_eq!(
            disk.log_length(),
            2,
            "a crash leaves what it did not lose durable"
        );
    }

    #[test]
    fn a_lost_fold_brings_back_what_it_deleted() {
        let disk = Disk::default();
        disk.put_root(b"root");
        let (appended, _) = disk.append(vec![b"a".to_vec(), b"b".to_vec()]).unwrap();
        disk.harden(appended);
        let bytes = disk.bytes();
        disk.fold(FoldRequest {
            new_root: b"next".to_vec(),
            write_pages: vec![(PageId::new(1), b"page".to_vec())],
            delete_log_through: place(1),
            ..FoldRequest::default()
        });
        assert_eq!((disk.log_length(), disk.whole_log().len()), (1, 2));
        disk.crash(1);
        assert_eq!((disk.log_length(), disk.root()), (2, Some(b"root".to_vec())));
        assert_eq!(disk.bytes(), bytes);
    }
}
