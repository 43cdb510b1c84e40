//! A copy-on-write B+tree of pages, read: looking up a key.
//!
//! The tree is named by its root node and never changes; [`super::TreeUpdate`] makes the next one, which
//! shares the pages that stay as they are.

use std::rc::Rc;

use super::page::{Child, ChunkedValue, Page, PageKind, StoredValue, Totals, damaged};
use super::page_source::{Found, PageSource, Stop, needed};
use crate::words::{Key, KeyRange, PageId, Value};

/// A tree, by its root.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    root: Option<Child>,
}

impl Tree {
    /// The tree below a node; `None` for the tree without keys.
    pub fn new(root: Option<Child>) -> Tree {
        Tree { root }
    }

    /// Its root.
    pub fn root(&self) -> Option<Child> {
        self.root
    }

    /// What is in it.
    pub fn totals(&self) -> Totals {
        self.root.map(|root| root.totals).unwrap_or_default()
    }

    /// Bytes of the keys and values of a range.
    ///
    /// # Errors
    /// As [`Tree::get`].
    pub fn bytes_in(&self, pages: &dyn PageSource, range: &KeyRange) -> Found<u64> {
        match &self.root {
            Some(root) if !range.is_empty() => bytes_below(pages, root, (&[], None), range),
            _ => Ok(0),
        }
    }

    /// The value of a key.
    ///
    /// # Errors
    /// [`Stop::Missing`]; `file_corrupt` naming a page that does not belong where it is.
    pub fn get(&self, pages: &dyn PageSource, key: &[u8]) -> Found<Option<Value>> {
        let Some(mut node) = self.root else {
            return Ok(None);
        };
        while node.level > 0 {
            let page = node_page(pages, &node)?;
            node = page.child(page.child_index(key));
        }
        let leaf = node_page(pages, &node)?;
        match leaf.search(key) {
            Ok(index) => read_value(pages, leaf.id(), leaf.value(index)).map(Some),
            Err(_) => Ok(None),
        }
    }
}

/// How far the way from the root to a key goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reached {
    /// To this page, which is not in memory. It has this part of the key space; no end is the end of all.
    Missing(PageId, Key, Option<Key>),
    /// To a page that is another one than its parent says, and has this part of the key space.
    Damaged(Key, Option<Key>),
    /// To the leaf: the first of its keys at or after the one that was looked for, and where it ends.
    Leaf(Option<Key>, Option<Key>),
}

impl Tree {
    /// How far the way to a key goes; `None` in the empty tree.
    pub fn reach(&self, pages: &dyn PageSource, key: &[u8]) -> Option<Reached> {
        let mut node = self.root?;
        let (mut low, mut high): (Key, Option<Key>) = ([].as_slice().into(), None);
        loop {
            let page = match node_page(pages, &node) {
                Ok(page) => page,
                Err(Stop::Missing(_)) => return Some(Reached::Missing(node.page, low, high)),
                Err(Stop::Failed(_)) => return Some(Reached::Damaged(low, high)),
            };
            if node.level == 0 {
                let (Ok(index) | Err(index)) = page.search(key);
                let next = (index < page.count()).then(|| page.key(index));
                return Some(Reached::Leaf(next, high));
            }
            let index = page.child_index(key);
            if index > 0 {
                low = page.key(index);
            }
            if index + 1 < page.count() {
                high = Some(page.key(index + 1));
            }
            node = page.child(index);
        }
    }
}

/// Bytes of the keys and values below a node that are inside a range.
fn bytes_below(
    pages: &dyn PageSource,
    node: &Child,
    (low, high): (&[u8], Option<&[u8]>),
    range: &KeyRange,
) -> Found<u64> {
    if &*range.begin <= low && high.is_some_and(|high| high <= &*range.end) {
        return Ok(node.totals.bytes);
    }
    let page = node_page(pages, node)?;
    let mut bytes = 0u64;
    for index in 0..page.count() {
        let key = page.key(index);
        if node.level == 0 {
            if range.contains(&key) {
                bytes += (key.len() + page.value(index).bytes()) as u64;
            }
            continue;
        }
        let next = (index + 1 < page.count()).then(|| page.key(index + 1));
        let low = if index == 0 { low } else { &*key };
        let high = next.as_deref().or(high);
        if low < &*range.end && high.is_none_or(|high| &*range.begin < high) {
            let below = bytes_below(pages, &page.child(index), (low, high), range)?;
            bytes = bytes.saturating_add(below);
        }
    }
    Ok(bytes)
}

/// The page of a node, of the right kind.
pub(super) fn node_page(pages: &dyn PageSource, node: &Child) -> Found<Rc<Page>> {
    let page = needed(pages, node.page)?;
    page.expect_kind(PageKind::of_level(node.level))?;
    Ok(page)
}

/// The bytes of a value that stands in `leaf`.
pub(super) fn read_value(pages: &dyn PageSource, leaf: PageId, value: StoredValue<'_>) -> Found<Value> {
    let chunked = match value {
        StoredValue::Inline(bytes) => return Ok(bytes.into()),
        StoredValue::Chunked(chunked) => chunked,
    };
    let missing: Vec<PageId> = missing_chunks(pages, &chunked);
    if !missing.is_empty() {
        return Err(Stop::Missing(missing));
    }
    let mut bytes = Vec::with_capacity(chunked.bytes);
    for id in chunked.pages() {
        let chunk = needed(pages, id)?;
        chunk.expect_kind(PageKind::Chunk)?;
        bytes.extend_from_slice(chunk.chunk());
    }
    if bytes.len() != chunked.bytes {
        let (expected, found, first) = (chunked.bytes, bytes.len(), chunked.first());
        let detail =
            format_args!("a value of {expected} bytes from page {first} on was expected, found {found}")
                .to_string();
        return Err(damaged(leaf, &detail).into());
    }
    Ok(bytes.into())
}

/// The chunks of a value that are not here.
pub(super) fn missing_chunks(pages: &dyn PageSource, chunked: &ChunkedValue) -> Vec<PageId> {
    chunked
        .pages()
        // A damaged leaf may claim any number: no value has as many.
        .take(CHUNKS_AT_ONCE)
        .filter(|&id| pages.page(id).is_none())
        .collect()
}

/// Pages that are asked for at once.
pub(super) const CHUNKS_AT_ONCE: usize = 64;
