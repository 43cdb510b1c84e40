//! The read conflict ranges of a transaction: cheap to add to, in order when they are looked at.
//!
//! Many transactions end without a commit that would ask for the ranges. So what was read waits as it came, and goes into
//! the set when somebody wants to know, or when much has come.

use super::range_set::RangeSet;
use crate::words::{Key, KeyRange};

/// So many reads wait at most: the same key may be read again and again.
const WAITING_MAX: usize = 16_384;

/// What a transaction has read.
#[derive(Debug, Default)]
pub struct ReadSet {
    ranges: RangeSet,
    /// One key is a range from it to itself.
    waiting: Vec<KeyRange>,
}

impl ReadSet {
    /// Adds every key of the range. An empty range adds nothing.
    pub fn insert(&mut self, range: KeyRange) {
        if !range.is_empty() {
            self.put(range);
        }
    }

    /// Adds one key.
    pub fn insert_key(&mut self, key: Key) {
        self.put(KeyRange {
            begin: key.clone(),
            end: key,
        });
    }

    /// All of it.
    pub fn ranges(&mut self) -> &RangeSet {
        for read in std::mem::take(&mut self.waiting) {
            if read.is_empty() {
                self.ranges.insert_key(&read.begin);
            } else {
                self.ranges.insert(read);
            }
        }
        &self.ranges
    }

    fn put(&mut self, read: KeyRange) {
        if self.waiting.len() >= WAITING_MAX {
            self.ranges();
        }
        self.waiting.push(read);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_again_and_again_takes_no_more_room() {
        let mut reads = ReadSet::default();
        for number in 0..1_000_000_u32 {
            let key: Key = (number % 1_000).to_be_bytes().as_slice().into();
            if number % 2 == 0 {
                reads.insert_key(key);
            } else {
                reads.insert(KeyRange::of_key(key));
            }
        }
        assert!(reads.waiting.capacity() <= 2 * WAITING_MAX);
        assert!(reads.ranges.range_count() <= 1_000);
        assert_eq!(reads.ranges().range_count(), 1_000);
    }

    proptest::proptest! {
        #[test]
        fn a_read_set_has_the_ranges_of_a_range_set(
            steps in proptest::collection::vec((0u8..40, 0u8..40, 0u8..8), 0..60),
        ) {
            let mut reads = ReadSet::default();
            let mut model = RangeSet::new();
            for (begin, end, kind) in steps {
                let range = KeyRange::new([begin].as_slice(), [end].as_slice());
                match kind {
                    0 | 1 => {
                        reads.insert(range.clone());
                        model.insert(range);
                    }
                    2 => assert_eq!(reads.ranges(), &model),
                    _ => {
                        reads.insert_key(range.begin.clone());
                        model.insert_key(&range.begin);
                    }
                }
            }
            assert_eq!(reads.ranges(), &model);
        }
    }
}
