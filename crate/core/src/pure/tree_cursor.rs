//! Rows of a tree in key order, either way, from where the pages are here to where they are missing.
//!
//! A cursor goes leaf by leaf and finds each from the root, so it holds on to nothing but its leaf. When
//! a leaf is missing, the cursor asks for the following ones with it, as many as hold what its reader
//! still wants: the branches say how many rows and bytes are below each child.

use std::rc::Rc;

use super::page::{Page, StoredValue};
use super::page_source::{Found, PageSource, Stop};
use super::tree::{Tree, missing_chunks, node_page, read_value};
use crate::words::{Key, KeyRange, PageId, Value};

/// How much a reader is going to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Rows.
    pub rows: u64,
    /// Bytes of keys and values.
    pub bytes: u64,
    /// Without values: they come as empty ones.
    pub keys_only: bool,
}

/// Pages that are asked for at once.
const PREFETCH_PAGES_MAX: usize = 32;

/// A leaf with the part of the key space that is its own.
struct OpenLeaf {
    page: Rc<Page>,
    /// The next row: at this index, or before it in descending order.
    next: usize,
    /// Where the range ends in it: before the row at this index, or with it in descending order.
    last: usize,
    low: Option<Key>,
    high: Option<Key>,
}

impl OpenLeaf {
    /// The index of the next row of the range.
    fn next_index(&self, reverse: bool) -> Option<usize> {
        if reverse {
            self.next.checked_sub(1).filter(|index| *index >= self.last)
        } else {
            (self.next < self.last).then_some(self.next)
        }
    }

    /// Whether the range ends in it, before its own end.
    fn has_range_end(&self, reverse: bool) -> bool {
        if reverse {
            self.last > 0
        } else {
            self.last < self.page.count()
        }
    }
}

/// The place in a leaf of the rows at or after a key.
fn place(leaf: &Page, key: &[u8]) -> usize {
    match leaf.search(key) {
        Ok(index) | Err(index) => index,
    }
}

/// The ends of a range: where a walk begins and where it ends.
fn ends(range: &KeyRange, reverse: bool) -> (&Key, &Key) {
    if reverse {
        (&range.end, &range.begin)
    } else {
        (&range.begin, &range.end)
    }
}

/// Walks over the rows of a range.
pub struct TreeCursor<'a> {
    tree: Tree,
    pages: &'a dyn PageSource,
    /// What has not been walked over.
    rest: KeyRange,
    reverse: bool,
    wanted: Wanted,
    leaf: Option<OpenLeaf>,
}

impl<'a> TreeCursor<'a> {
    /// A cursor at the beginning of the range; at its end with `reverse`.
    pub fn new(
        tree: Tree,
        pages: &'a dyn PageSource,
        range: KeyRange,
        reverse: bool,
        wanted: Wanted,
    ) -> TreeCursor<'a> {
        TreeCursor {
            tree,
            pages,
            rest: range,
            reverse,
            wanted,
            leaf: None,
        }
    }

    /// What is left of the range: everything outside of it was walked over.
    pub fn rest(&self) -> &KeyRange {
        &self.rest
    }

    /// Leaves out what comes before `rest`, which must be a part of what is left.
    pub fn skip_to(&mut self, rest: KeyRange) {
        if let Some(leaf) = &mut self.leaf {
            let (at, last) = ends(&rest, self.reverse);
            let is_inside = if self.reverse {
                leaf.low.as_ref().is_none_or(|low| low < at)
            } else {
                leaf.high.as_ref().is_none_or(|high| at < high)
            };
            if is_inside {
                leaf.next = place(&leaf.page, at);
                leaf.last = place(&leaf.page, last);
            } else {
                self.leaf = None;
            }
        }
        self.rest = rest;
    }

    /// The key of the next row; the cursor stays before it.
    ///
    /// # Errors
    /// [`Stop::Missing`], after which the call can be made again; `file_corrupt`.
    pub fn peek(&mut self) -> Found<Option<Key>> {
        Ok(self.position()?.map(|(page, index)| page.key(index)))
    }

    /// The value of the row whose key was peeked.
    ///
    /// # Errors
    /// As [`TreeCursor::peek`].
    pub fn value(&mut self) -> Found<Value> {
        match self.position()? {
            Some((page, index)) => self.value_at(&page, index),
            None => Ok([].as_slice().into()),
        }
    }

    /// Goes past the row whose key was peeked.
    pub fn advance(&mut self) {
        let Some(leaf) = &mut self.leaf else { return };
        let index = if self.reverse {
            leaf.next.saturating_sub(1)
        } else {
            leaf.next
        };
        leaf.next = if self.reverse { index } else { index + 1 };
        if index < leaf.page.count() {
            let bytes = leaf.page.key_bytes(index) + leaf.page.value(index).bytes();
            self.wanted.rows = self.wanted.rows.saturating_sub(1);
            self.wanted.bytes = self.wanted.bytes.saturating_sub(bytes as u64);
        }
    }

    /// The next row, which the cursor then is past; an empty value if only keys are wanted.
    ///
    /// # Errors
    /// As [`TreeCursor::peek`].
    pub fn next_row(&mut self) -> Found<Option<(Key, Value)>> {
        let Some(key) = self.peek()? else {
            return Ok(None);
        };
        let value = if self.wanted.keys_only {
            [].as_slice().into()
        } else {
            self.value()?
        };
        self.advance();
        Ok(Some((key, value)))
    }

    /// Where the next row is.
    fn position(&mut self) -> Found<Option<(Rc<Page>, usize)>> {
        loop {
            if let Some(leaf) = &self.leaf {
                if let Some(index) = leaf.next_index(self.reverse) {
                    return Ok(Some((Rc::clone(&leaf.page), index)));
                }
                if leaf.has_range_end(self.reverse) {
                    self.finish();
                    return Ok(None);
                }
                self.leave_leaf();
            }
            if self.rest.is_empty() {
                return Ok(None);
            }
            match self.find_leaf()? {
                Some(leaf) => self.leaf = Some(leaf),
                None => {
                    self.finish();
                    return Ok(None);
                }
            }
        }
    }

    fn finish(&mut self) {
        self.leaf = None;
        if self.reverse {
            self.rest.end = self.rest.begin.clone();
        } else {
            self.rest.begin = self.rest.end.clone();
        }
    }

    fn leave_leaf(&mut self) {
        let Some(leaf) = self.leaf.take() else { return };
        match if self.reverse { leaf.low } else { leaf.high } {
            Some(low) if self.reverse => self.rest.end = low.max(self.rest.begin.clone()),
            Some(high) => self.rest.begin = high.min(self.rest.end.clone()),
            None => self.finish(),
        }
    }

    /// The leaf in which the rest of the range begins.
    fn find_leaf(&self) -> Found<Option<OpenLeaf>> {
        let Some(mut node) = self.tree.root() else {
            return Ok(None);
        };
        let (mut low, mut high) = (None, None);
        let mut parent: Option<(Rc<Page>, usize)> = None;
        loop {
            let page = match node_page(self.pages, &node) {
                Err(Stop::Missing(_)) => return Err(self.missing(node.page, parent)),
                page => page?,
            };
            if node.level == 0 {
                let (at, last) = ends(&self.rest, self.reverse);
                return Ok(Some(OpenLeaf {
                    next: place(&page, at),
                    last: place(&page, last),
                    page,
                    low,
                    high,
                }));
            }
            let index = if self.reverse {
                page.child_index_below(&self.rest.end)
            } else {
                page.child_index(&self.rest.begin)
            };
            if index > 0 {
                low = Some(page.key(index));
            }
            if index + 1 < page.count() {
                high = Some(page.key(index + 1));
            }
            node = page.child(index);
            parent = Some((page, index));
        }
    }

    /// The page that is missing, with those of its siblings that will be needed too.
    fn missing(&self, id: PageId, parent: Option<(Rc<Page>, usize)>) -> Stop {
        let mut missing = vec![id];
        let Some((parent, index)) = parent else {
            return Stop::Missing(missing);
        };
        let siblings: Box<dyn Iterator<Item = usize>> = if self.reverse {
            Box::new((0..index).rev())
        } else {
            Box::new(index + 1..parent.count())
        };
        let first = parent.child(index).totals;
        let (mut rows, mut bytes) = (first.rows, first.bytes);
        for sibling in siblings {
            // The first leaf holds rows outside of the range: count half of it.
            let is_enough =
                rows >= self.wanted.rows + first.rows / 2 || bytes >= self.wanted.bytes + first.bytes / 2;
            let is_outside = if self.reverse {
                parent.key(sibling + 1) <= self.rest.begin
            } else {
                parent.key(sibling) >= self.rest.end
            };
            if is_enough || is_outside || missing.len() >= PREFETCH_PAGES_MAX {
                break;
            }
            let child = parent.child(sibling);
            rows = rows.saturating_add(child.totals.rows);
            bytes = bytes.saturating_add(child.totals.bytes);
            if self.pages.page(child.page).is_none() {
                missing.push(child.page);
            }
        }
        Stop::Missing(missing)
    }

    /// A row's value; if chunks are missing, those of the following rows are asked for with them.
    fn value_at(&self, page: &Rc<Page>, index: usize) -> Found<Value> {
        let value = read_value(self.pages, page.id(), page.value(index));
        let Err(Stop::Missing(mut missing)) = value else {
            return value;
        };
        let following: Box<dyn Iterator<Item = usize>> = if self.reverse {
            Box::new((0..index).rev())
        } else {
            Box::new(index + 1..page.count())
        };
        let mut bytes = page.value(index).bytes() as u64;
        for index in following.take(usize::try_from(self.wanted.rows).unwrap_or(usize::MAX)) {
            let is_outside = !self.rest.contains(&page.key(index));
            if is_outside || bytes >= self.wanted.bytes || missing.len() >= PREFETCH_PAGES_MAX {
                break;
            }
            let value = page.value(index);
            bytes += value.bytes() as u64;
            if let StoredValue::Chunked(chunked) = value {
                missing.extend(missing_chunks(self.pages, &chunked));
            }
        }
        Err(Stop::Missing(missing))
    }
}
