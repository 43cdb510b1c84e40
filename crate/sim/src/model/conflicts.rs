//! The special keys that tell conflict ranges: what they hold, given what the model knows.

use plinth_core::words::{KeyRange, RangeRow, RangeRows};

use super::ranges;

/// Which conflict ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflicts {
    /// Those of reads.
    Read,
    /// Those of writes.
    Write,
    /// Those of reads that others wrote to before the commit.
    Conflicting,
}

impl Conflicts {
    /// What their special keys begin with.
    pub fn prefix(self) -> &'static [u8] {
        match self {
            Conflicts::Read => b"\xff\xff/transaction/read_conflict_range/",
            Conflicts::Write => b"\xff\xff/transaction/write_conflict_range/",
            Conflicts::Conflicting => b"\xff\xff/transaction/conflicting_keys/",
        }
    }

    /// The rows that tell these ranges: `1` where one begins, `0` where one ends.
    pub(super) fn rows(self, ranges: &[KeyRange]) -> RangeRows {
        let row =
            |key: &[u8], value: &[u8]| -> RangeRow { ([self.prefix(), key].concat().into(), value.into()) };
        let ranges = ranges::merged(ranges);
        let rows = ranges
            .iter()
            .flat_map(|range| [row(&range.begin, b"1"), row(&range.end, b"0")]);
        RangeRows {
            rows: rows.collect(),
            more: false,
        }
    }
}
