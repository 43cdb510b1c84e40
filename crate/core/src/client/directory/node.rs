//! A directory that was found, as the layer sees it.

use super::metadata::PARTITION;
use crate::words::Bytes;

/// A directory's prefix and layer, and how much of a path leads to it.
pub(super) struct Node {
    pub(super) prefix: Bytes,
    pub(super) layer: Bytes,
    /// How many names of the path that was looked for lead here: all, unless here is a partition.
    pub(super) depth: usize,
}

impl Node {
    /// Whether the directory has a layer of its own inside.
    pub(super) fn is_partition(&self) -> bool {
        &*self.layer == PARTITION
    }

    /// What is left of the path in the partition that the search stopped at; `None` if what was looked
    /// for is this directory itself.
    pub(super) fn subpath<'a>(&self, path: &'a [String]) -> Option<&'a [String]> {
        path.get(self.depth..).filter(|rest| !rest.is_empty())
    }
}
