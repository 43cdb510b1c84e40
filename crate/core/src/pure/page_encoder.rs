//! Pages from entries, and how entries are distributed over pages.
//!
//! An entry is a key and the bytes that follow it in the page; leaves and branches differ only in what
//! these mean. The first separator of a branch is not stored.

use super::page::{
    Child, ChunkedValue, ENTRY_HEADER_BYTES, PAGE_HEADER_BYTES, Page, PageKind, SLOT_BYTES, StoredValue,
    Totals, with_page_head,
};
use super::record_bytes::{number_bytes, write_bytes, write_number};
use crate::words::{Key, PAGE_BYTES_MAX, PageId, SYSTEM_KEY_BYTES_MAX};

/// How large pages are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageOptions {
    /// A page gets no more entries when it would become larger than this, unless it has only one.
    pub page_bytes: usize,
    /// A page below this size is merged with a neighbour when it is written.
    pub fill_bytes_min: usize,
    /// Longer values go into chunks.
    pub inline_value_bytes_max: usize,
    /// Largest piece of a value in one chunk.
    pub chunk_bytes: usize,
}

/// By the cost of IndexedDB requests, measured in Chromium: a page read or written alone costs about
/// 0.7 ms whatever its size up to 16 KB, and 0.15 ms more at 32 KB; among many, 0.1 ms and 0.1 ms per
/// 16 KB. Random reads and small changes pay for whole pages, scans for their number; at 16 KB both parts
/// are equal.
const PAGE_BYTES: usize = 16_384;

impl Default for PageOptions {
    fn default() -> PageOptions {
        PageOptions::of_page_bytes(PAGE_BYTES)
    }
}

impl PageOptions {
    /// Options for pages of this size; tests use tiny ones.
    pub fn of_page_bytes(page_bytes: usize) -> PageOptions {
        PageOptions {
            page_bytes,
            fill_bytes_min: page_bytes / 3,
            inline_value_bytes_max: page_bytes / 4,
            chunk_bytes: (4 * page_bytes).min(PAGE_BYTES_MAX - PAGE_HEADER_BYTES),
        }
    }
}

// The largest entry of a leaf with the head of its page, and of a branch with two children.
const _: () = assert!(SYSTEM_KEY_BYTES_MAX + PAGE_BYTES / 4 + 100 < PAGE_BYTES_MAX);

/// A key and what follows it in a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The key of a row; the lowest key that a child may hold.
    pub(super) key: Key,
    payload: Box<[u8]>,
    totals: Totals,
}

impl Entry {
    pub(super) fn inline(key: Key, value: &[u8]) -> Entry {
        let mut payload = Vec::with_capacity(value.len() + 3);
        write_number(&mut payload, 2 * value.len() as u64);
        payload.extend_from_slice(value);
        Entry::of_row(key, payload, value.len(), 0)
    }

    pub(super) fn chunked(key: Key, value: &ChunkedValue) -> Entry {
        let mut payload = Vec::new();
        write_number(&mut payload, 2 * value.bytes as u64 + 1);
        write_number(&mut payload, value.first().get());
        write_number(&mut payload, value.count());
        Entry::of_row(key, payload, value.bytes, value.count())
    }

    pub(super) fn child(key: Key, child: &Child) -> Entry {
        let mut payload = Vec::new();
        write_number(&mut payload, child.page.get());
        write_number(&mut payload, child.totals.rows);
        write_number(&mut payload, child.totals.bytes);
        write_number(&mut payload, child.totals.chunks);
        Entry {
            key,
            payload: payload.into(),
            totals: child.totals,
        }
    }

    /// The entries of a leaf or branch, the first one of a branch with `low` as its separator.
    pub(super) fn of_page(page: &Page, low: &Key) -> impl Iterator<Item = Entry> {
        (0..page.count()).map(move |index| match page.kind() {
            PageKind::Branch(_) => {
                let key = if index == 0 { low.clone() } else { page.key(index) };
                Entry::child(key, &page.child(index))
            }
            _ => Entry::of_leaf(page, index),
        })
    }

    /// An entry of a leaf.
    pub(super) fn of_leaf(page: &Page, index: usize) -> Entry {
        let value = page.value(index);
        Entry::of_row(
            page.key(index),
            page.payload(index).to_vec(),
            value.bytes(),
            value.chunks(),
        )
    }

    /// The value of an entry made from or for a leaf.
    pub(super) fn value(&self) -> StoredValue<'_> {
        StoredValue::parse(&self.payload)
            .ok()
            .expect("entries are made from values")
    }

    /// The child of an entry made from or for a branch.
    pub(super) fn as_child(&self, level: u8) -> Child {
        Child::parse(&self.payload, level)
            .ok()
            .expect("entries are made from children")
    }

    fn of_row(key: Key, payload: Vec<u8>, value_bytes: usize, chunks: u64) -> Entry {
        let totals = Totals {
            rows: 1,
            bytes: (key.len() + value_bytes) as u64,
            chunks,
        };
        Entry {
            key,
            payload: payload.into(),
            totals,
        }
    }

    /// Bytes that the entry takes if nothing of its key is in the page's prefix.
    fn bytes(&self) -> usize {
        SLOT_BYTES + number_bytes(self.key.len() as u64) + self.key.len() + self.payload.len()
    }
}

/// The sum of what the entries stand for.
pub(super) fn totals(entries: &[Entry]) -> Totals {
    let mut totals = Totals::default();
    for entry in entries {
        totals.add(&entry.totals);
    }
    totals
}

/// Bounds from above the size of a page as entries are added to it in order.
#[derive(Clone, Debug)]
pub(super) struct PageSize {
    is_branch: bool,
    first: Option<Key>,
    prefix_bytes: usize,
    count: usize,
    entry_bytes: usize,
}

impl PageSize {
    pub(super) fn new(level: u8) -> PageSize {
        PageSize {
            is_branch: level > 0,
            first: None,
            prefix_bytes: 0,
            count: 0,
            entry_bytes: 0,
        }
    }

    pub(super) fn of(level: u8, entries: &[Entry]) -> PageSize {
        let mut size = PageSize::new(level);
        for entry in entries {
            size.add(entry);
        }
        size
    }

    pub(super) fn add(&mut self, entry: &Entry) {
        self.count += 1;
        self.entry_bytes += entry.bytes();
        if self.is_branch && self.count == 1 {
            self.entry_bytes -= entry.key.len();
            return;
        }
        match &self.first {
            None => {
                self.first = Some(entry.key.clone());
                self.prefix_bytes = entry.key.len();
            }
            Some(first) => {
                let limit = self.prefix_bytes;
                let common = first.iter().zip(&*entry.key).take(limit);
                self.prefix_bytes = common.take_while(|(one, other)| one == other).count();
            }
        }
    }

    pub(super) fn bytes(&self) -> usize {
        let keys = self.count - usize::from(self.is_branch && self.count > 0);
        // The prefix is stored once and left out of each key.
        ENTRY_HEADER_BYTES + self.entry_bytes + self.prefix_bytes - keys * self.prefix_bytes
    }
}

/// How many of the entries go into the first page.
///
/// What fits into one page goes into one, what fits into two into two of about the same size; of more the
/// first page is filled.
pub(super) fn first_page_count(level: u8, entries: &[Entry], options: &PageOptions) -> usize {
    let fitting = fitting_count(level, entries, options);
    let rest = entries.get(fitting..).unwrap_or_default();
    if rest.is_empty() || fitting_count(level, rest, options) < rest.len() {
        return fitting;
    }
    let half = entries.iter().map(Entry::bytes).sum::<usize>() / 2;
    let mut bytes = 0;
    let count = entries
        .iter()
        .take_while(|entry| {
            bytes += entry.bytes();
            bytes <= half
        })
        .count()
        .clamp(1, entries.len() - 1);
    let (one, other) = entries.split_at(count);
    let fits = |part: &[Entry]| PageSize::of(level, part).bytes() <= options.page_bytes;
    if fits(one) && fits(other) { count } else { fitting }
}

/// How many of the entries fit into a page; at least one, and two in a branch, so that trees end.
fn fitting_count(level: u8, entries: &[Entry], options: &PageOptions) -> usize {
    let mut size = PageSize::new(level);
    let fitting = entries.iter().take_while(|entry| {
        size.add(entry);
        size.bytes() <= options.page_bytes
    });
    let count_min = if level > 0 { 2 } else { 1 };
    fitting.count().max(count_min).min(entries.len())
}

/// A leaf (level 0) or branch with these entries.
pub(super) fn encode_entries(id: PageId, level: u8, entries: &[Entry]) -> Vec<u8> {
    let size = PageSize::of(level, entries);
    let prefix_bytes = size.prefix_bytes;
    let prefix = size.first.iter().flat_map(|first| first.get(..prefix_bytes));
    let mut page = Vec::with_capacity(size.bytes());
    page.extend_from_slice(&(entries.len() as u16).to_le_bytes());
    page.extend_from_slice(&(prefix_bytes as u16).to_le_bytes());
    page.extend(prefix.flatten());
    let begin = ENTRY_HEADER_BYTES + prefix_bytes + SLOT_BYTES * entries.len();
    let mut packed = Vec::with_capacity(size.bytes());
    for (index, entry) in entries.iter().enumerate() {
        page.extend_from_slice(&((begin + packed.len()) as u16).to_le_bytes());
        let is_stored = level == 0 || index > 0;
        let suffix = is_stored.then(|| entry.key.get(prefix_bytes..)).flatten();
        write_bytes(&mut packed, suffix.unwrap_or_default());
        packed.extend_from_slice(&entry.payload);
    }
    page.append(&mut packed);
    with_page_head(id, PageKind::of_level(level), &page)
}

/// A chunk with this piece of a value.
pub(super) fn encode_chunk(id: PageId, piece: &[u8]) -> Vec<u8> {
    with_page_head(id, PageKind::Chunk, piece)
}

/// A list of these page ids, ascending; `None` if there are too many for one page.
pub fn encode_page_list(id: PageId, listed: &[PageId]) -> Option<Vec<u8>> {
    let mut rest = Vec::new();
    let mut last = 0;
    for page in listed {
        let step = page.get().checked_sub(last).filter(|&step| step > 0);
        write_number(&mut rest, step.expect("the ids ascend"));
        last = page.get();
    }
    (rest.len() + PAGE_HEADER_BYTES <= PAGE_BYTES_MAX).then(|| with_page_head(id, PageKind::List, &rest))
}

/// The shortest key that is above `one` and not above `other`, where `one < other`.
///
/// Between `apple` and `applied` that is `appli`.
pub(super) fn shortest_separator(one: &[u8], other: &Key) -> Key {
    let common = one.iter().zip(&**other).take_while(|(a, b)| a == b).count();
    other.get(..=common).map_or_else(|| other.clone(), Into::into)
}
