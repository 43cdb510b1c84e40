//! What a range read is asked for and what it answers.

use super::error::{Error, ErrorCode, Result};
use super::key::{Key, Value};

/// How much of a range to read in one batch. FoundationDB's streaming modes and numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StreamingMode {
    /// Everything is wanted: large batches.
    #[default]
    WantAll,
    /// Small batches first, larger ones as the iteration goes on; the number counts from 1.
    Iterator(i32),
    /// As many rows as the limits say, in one batch.
    Exact,
    /// Small batches.
    Small,
    /// Medium batches.
    Medium,
    /// Large batches.
    Large,
    /// Batches for reading as fast as possible.
    Serial,
}

/// Bytes of the n-th batch of an iteration.
const ITERATOR_BATCH_BYTES: [usize; 9] = [
    4_096, 6_144, 9_216, 13_824, 20_736, 31_104, 46_656, 69_984, 80_000,
];
const SERIAL_BATCH_BYTES: usize = 120_000;

impl StreamingMode {
    /// The mode with FoundationDB's number; `iteration` matters to the iterator mode only.
    ///
    /// # Errors
    /// `client_invalid_operation` for another number, and for an iteration below 1.
    pub fn from_number(number: i32, iteration: i32) -> Result<StreamingMode> {
        match number {
            -2 => Ok(StreamingMode::WantAll),
            -1 if iteration > 0 => Ok(StreamingMode::Iterator(iteration)),
            -1 => {
                let detail = format!("an iteration of 1 or more was expected, found {iteration}");
                Err(Error::new(ErrorCode::ClientInvalidOperation, detail))
            }
            0 => Ok(StreamingMode::Exact),
            1 => Ok(StreamingMode::Small),
            2 => Ok(StreamingMode::Medium),
            3 => Ok(StreamingMode::Large),
            4 => Ok(StreamingMode::Serial),
            _ => {
                let detail = format!("a streaming mode from -2 to 4 was expected, found {number}");
                Err(Error::new(ErrorCode::ClientInvalidOperation, detail))
            }
        }
    }

    /// The bytes after which a batch stops; `None` for no such limit.
    fn batch_bytes(self) -> Option<usize> {
        match self {
            StreamingMode::WantAll | StreamingMode::Serial => Some(SERIAL_BATCH_BYTES),
            StreamingMode::Iterator(iteration) => {
                let index = usize::try_from(iteration - 1).unwrap_or_default();
                Some(
                    ITERATOR_BATCH_BYTES
                        .get(index)
                        .copied()
                        .unwrap_or(SERIAL_BATCH_BYTES),
                )
            }
            StreamingMode::Exact => None,
            StreamingMode::Small => Some(256),
            StreamingMode::Medium => Some(1_000),
            StreamingMode::Large => Some(4_096),
        }
    }
}

/// How much of a range to read, and from which end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RangeOptions {
    /// At most this many rows; 0 for no limit.
    pub limit: usize,
    /// Stop after the row that reaches this many bytes, a row counting `key + value + 8`; 0 for no
    /// limit. At least one row is returned if there is one.
    pub target_bytes: usize,
    /// A further limit of bytes.
    pub mode: StreamingMode,
    /// Descending, from the end of the range.
    pub reverse: bool,
    /// Without a read conflict range.
    pub snapshot: bool,
}

impl RangeOptions {
    /// The bytes after which the read stops, all things considered; `None` for no such limit.
    ///
    /// # Errors
    /// `exact_mode_without_limits`.
    pub fn bytes_max(&self) -> Result<Option<usize>> {
        if self.mode == StreamingMode::Exact && self.limit == 0 && self.target_bytes == 0 {
            return Err(ErrorCode::ExactModeWithoutLimits.into());
        }
        let target = (self.target_bytes != 0).then_some(self.target_bytes);
        Ok(target.into_iter().chain(self.mode.batch_bytes()).min())
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_of_an_iteration_grow_as_foundationdbs_do() {
        let bytes: Vec<usize> = (1..=11)
            .filter_map(|iteration| StreamingMode::Iterator(iteration).batch_bytes())
            .collect();
        let expected = [
            4096, 6144, 9216, 13824, 20736, 31104, 46656, 69984, 80000, 120_000, 120_000,
        ];
        assert_eq!(bytes, expected);
    }

    #[test]
    fn the_smaller_limit_counts_and_exact_needs_one() {
        let options = |mode, target_bytes, limit| RangeOptions {
            mode,
            target_bytes,
            limit,
            ..Default::default()
        };
        assert_eq!(options(StreamingMode::Small, 1_000, 0).bytes_max(), Ok(Some(256)));
        assert_eq!(options(StreamingMode::Small, 100, 0).bytes_max(), Ok(Some(100)));
        assert_eq!(options(StreamingMode::Exact, 0, 5).bytes_max(), Ok(None));
        assert_eq!(options(StreamingMode::Exact, 9, 0).bytes_max(), Ok(Some(9)));
        let refused = options(StreamingMode::Exact, 0, 0).bytes_max().unwrap_err();
        assert_eq!(refused.code(), ErrorCode::ExactModeWithoutLimits);
    }

    #[test]
    fn modes_have_foundationdbs_numbers_and_others_are_refused() {
        assert_eq!(StreamingMode::from_number(-1, 3), Ok(StreamingMode::Iterator(3)));
        assert_eq!(StreamingMode::from_number(4, 0), Ok(StreamingMode::Serial));
        for (number, iteration) in [(-1, 0), (-3, 1), (5, 1)] {
            let refused = StreamingMode::from_number(number, iteration).unwrap_err();
            assert_eq!(refused.code(), ErrorCode::ClientInvalidOperation);
        }
    }
}
