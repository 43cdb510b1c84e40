//! What a range read is asked for and what it answers.

use super::key::{Key, Value};

/// How much of a range to read, and from which end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RangeOptions {
    /// At most this many rows; 0 for no limit.
    pub limit: usize,
    /// Stop after the row that reaches this many bytes, a row counting `key + value + 8`; 0 for no
    /// limit. At least one row is returned if there is one.
    pub target_bytes: usize,
    /// Descending, from the end of the range.
    pub reverse: bool,
    /// Without a read conflict range.
    pub snapshot: bool,
}

/// One key-value pair of a range.
pub type RangeRow = (Key, Value);

/// The rows of one batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RangeRows {
    /// In the order asked for.
    pub rows: Vec<RangeRow>,
    /// True when the read stopped because a limit was hit, also when it was hit on the last row.
    /// False guarantees that nothing is left.
    pub more: bool,
}
