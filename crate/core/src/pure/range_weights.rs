//! How the bytes of a range are distributed over it, without reading all of it: branches say how many are
//! below each child.

use super::page::Child;
use super::page_source::{Found, PageSource};
use super::tree::{Tree, node_page};
use crate::words::{Key, KeyRange, key_after};

/// Pieces of a range with their bytes, in key order. A stop for missing pages loses nothing.
#[derive(Debug)]
pub struct RangeWeights {
    /// What has not been weighed yet.
    rest: KeyRange,
    /// A node with no more bytes than this is one piece.
    piece_bytes_max: u64,
    pieces: Vec<(Key, u64)>,
}

impl RangeWeights {
    /// Nothing weighed yet.
    pub fn new(range: &KeyRange, piece_bytes_max: u64) -> RangeWeights {
        RangeWeights {
            rest: range.clone(),
            piece_bytes_max,
            pieces: Vec::new(),
        }
    }

    /// Weighs what is left; gives the lowest keys of all pieces, with their bytes.
    ///
    /// # Errors
    /// [`super::Stop::Missing`], after which the call can be made again; `file_corrupt`.
    pub fn weigh(&mut self, tree: &Tree, pages: &dyn PageSource) -> Found<&[(Key, u64)]> {
        if let Some(root) = tree.root() {
            self.weigh_node(pages, &root, (&[], None))?;
        }
        Ok(&self.pieces)
    }

    fn weigh_node(
        &mut self,
        pages: &dyn PageSource,
        node: &Child,
        (low, high): (&[u8], Option<&[u8]>),
    ) -> Found<()> {
        let is_over = high.is_some_and(|high| high <= &*self.rest.begin);
        if is_over || low >= &*self.rest.end || self.rest.is_empty() {
            return Ok(());
        }
        let is_inside = low >= &*self.rest.begin && high.is_some_and(|high| high <= &*self.rest.end);
        if is_inside && node.totals.bytes <= self.piece_bytes_max {
            self.pieces.push((low.into(), node.totals.bytes));
        } else {
            let page = node_page(pages, node)?;
            for index in 0..page.count() {
                let key = page.key(index);
                if node.level == 0 {
                    if self.rest.contains(&key) {
                        let bytes = (key.len() + page.value(index).bytes()) as u64;
                        self.rest.begin = key_after(&key);
                        self.pieces.push((key, bytes));
                    }
                    continue;
                }
                let next = (index + 1 < page.count()).then(|| page.key(index + 1));
                let low = if index == 0 { low } else { &*key };
                self.weigh_node(pages, &page.child(index), (low, next.as_deref().or(high)))?;
            }
        }
        if let Some(high) = high {
            self.rest.begin = self.rest.begin.clone().max(high.into());
        }
        Ok(())
    }
}
