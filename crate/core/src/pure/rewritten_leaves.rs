//! Leaves that are written anew although nothing in them changes, because they are half empty.
//!
//! Two neighbours are worth it if what is in them fits into one page, with some room to spare: then the
//! tree gets smaller, and doing it again finds nothing to do.

use std::collections::BTreeSet;
use std::ops::Bound;

use super::page_encoder::PageOptions;
use super::tree_check::BoundedChild;
use super::tree_update::{Changes, KeyChange};
use crate::words::{Key, KeyRange};

/// Tenths of a page that two leaves may fill together.
const FILL_TENTHS_MAX: usize = 9;

/// A set of leaves by their lowest possible keys, as changes that change nothing.
#[derive(Clone, Debug, Default)]
pub struct RewrittenLeaves {
    lows: BTreeSet<Key>,
}

impl RewrittenLeaves {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lows.is_empty()
    }

    /// Adds two leaves, given with their pages' sizes, if they are neighbours and fit into one page.
    pub fn add_if_sparse(
        &mut self,
        (one, one_bytes): (&BoundedChild, usize),
        (next, next_bytes): (&BoundedChild, usize),
        options: &PageOptions,
    ) {
        let are_leaves = one.node.level == 0 && next.node.level == 0;
        let are_neighbours = one.high.as_ref() == Some(&next.low);
        let fit = one_bytes + next_bytes <= options.page_bytes * FILL_TENTHS_MAX / 10;
        if are_leaves && are_neighbours && fit {
            self.lows.insert(one.low.clone());
            self.lows.insert(next.low.clone());
        }
    }
}

impl Changes for RewrittenLeaves {
    fn keys(&self, _begin: &[u8], _end: Option<&[u8]>, _limit: usize) -> Vec<(Key, KeyChange)> {
        Vec::new()
    }

    fn clear_reaching(&self, _key: &[u8]) -> Option<KeyRange> {
        None
    }

    fn is_rewritten(&self, low: &[u8], high: Option<&[u8]>) -> bool {
        let end = high.map_or(Bound::Unbounded, Bound::Excluded);
        self.lows
            .range::<[u8], _>((Bound::Included(low), end))
            .next()
            .is_some()
    }
}
