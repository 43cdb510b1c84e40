//! What must be true of every node of a tree beyond the page's own form.

use super::page::{Child, ChunkedValue, Page, PageKind, StoredValue, Totals, damaged};
use crate::words::{Key, Result, display_key};

/// A node with the part of the key space that its parent gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundedChild {
    /// The node.
    pub node: Child,
    /// Its keys are not below this one.
    pub low: Key,
    /// Its keys are below this one; `None` for no bound.
    pub high: Option<Key>,
}

/// What a checked node refers to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeContents {
    /// The children of a branch, in order.
    pub children: Vec<BoundedChild>,
    /// The long values of a leaf.
    pub chunked: Vec<ChunkedValue>,
}

/// Compares a node's page with what its parent says of it.
///
/// # Errors
/// `file_corrupt` naming the page.
pub fn check_node(page: &Page, expected: &BoundedChild) -> Result<NodeContents> {
    let level = expected.node.level;
    page.expect_kind(PageKind::of_level(level))?;
    let (mut contents, mut totals) = (NodeContents::default(), Totals::default());
    let first_stored = usize::from(level > 0);
    for index in first_stored..page.count() {
        let key = page.key(index);
        // A separator equal to the lower bound would leave nothing to the child before it.
        let is_low = key < expected.low || (level > 0 && key == expected.low);
        if is_low || expected.high.as_ref().is_some_and(|high| key >= *high) {
            let (key, low) = (display_key(&key), display_key(&expected.low));
            let high = expected.high.as_ref().map(|high| display_key(high));
            return Err(damaged(
                page.id(),
                &format_args!("key {key} is outside of {low} .. {high:?}"),
            ));
        }
    }
    for index in 0..page.count() {
        if level == 0 {
            let value = page.value(index);
            totals.add(&Totals {
                rows: 1,
                bytes: (page.key(index).len() + value.bytes()) as u64,
                chunks: value.chunks(),
            });
            if let StoredValue::Chunked(chunked) = value {
                contents.chunked.push(chunked);
            }
        } else {
            let node = page.child(index);
            totals.add(&node.totals);
            let low = if index == 0 {
                expected.low.clone()
            } else {
                page.key(index)
            };
            let high = if index + 1 < page.count() {
                Some(page.key(index + 1))
            } else {
                expected.high.clone()
            };
            contents.children.push(BoundedChild { node, low, high });
        }
    }
    if totals != expected.node.totals {
        let expected = expected.node.totals;
        return Err(damaged(
            page.id(),
            &format_args!("{expected:?} was expected, found {totals:?}"),
        ));
    }
    Ok(contents)
}
