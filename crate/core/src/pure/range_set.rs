//! A set of keys as disjoint, non-adjacent, ordered ranges: conflict ranges, cleared ranges.
//!
//! Inserting merges with whatever the new range touches, so the set is as small as its shape.
//! `{[a,c)}` plus `[b,d)` is `{[a,d)}`; plus `[d,e)` is `{[a,e)}`.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::words::{Key, KeyRange, key_after};

/// A set of keys made of half-open ranges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RangeSet {
    /// begin -> end; ranges are non-empty, disjoint and do not touch.
    ends: BTreeMap<Key, Key>,
}

impl RangeSet {
    /// The set without keys.
    pub fn new() -> RangeSet {
        RangeSet::default()
    }

    /// Whether no key is in the set.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many ranges the set is made of.
    pub fn range_count(&self) -> usize {
        self.ends.len()
    }

    /// Adds every key of the range. An empty range adds nothing.
    pub fn insert(&mut self, range: KeyRange) {
        if range.is_empty() {
            return;
        }
        let KeyRange { mut begin, mut end } = range;
        if let Some((earlier_begin, earlier_end)) = self.at_or_before(&begin)
            && *earlier_end >= begin
        {
            if *earlier_end >= end {
                return;
            }
            begin = earlier_begin.clone();
        }
        while let Some((touched, touched_end)) = self
            .ends
            .range::<[u8], _>((Bound::Included(&*begin), Bound::Included(&*end)))
            .next_back()
            .map(|(key, value)| (key.clone(), value.clone()))
        {
            if touched_end > end {
                end = touched_end;
            }
            self.ends.remove(&touched);
        }
        self.ends.insert(begin, end);
    }

    /// Removes every key of the range.
    pub fn remove(&mut self, range: &KeyRange) {
        let parts: Vec<KeyRange> = self.intersection(range).collect();
        for part in parts {
            let Some(whole) = self.range_of(&part.begin) else {
                continue;
            };
            self.ends.remove(&whole.begin);
            self.insert(KeyRange {
                begin: whole.begin,
                end: part.begin,
            });
            self.insert(KeyRange {
                begin: part.end,
                end: whole.end,
            });
        }
    }

    /// Adds one key.
    pub fn insert_key(&mut self, key: &Key) {
        if !self.contains(key) {
            self.insert(KeyRange {
                begin: key.clone(),
                end: key_after(key),
            });
        }
    }

    /// Whether the key is in the set.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.at_or_before(key).is_some_and(|(_, end)| key < &**end)
    }

    /// The range of the set that holds the key.
    pub fn range_of(&self, key: &[u8]) -> Option<KeyRange> {
        self.at_or_before(key)
            .filter(|(_, end)| key < &***end)
            .map(|(begin, end)| KeyRange {
                begin: begin.clone(),
                end: end.clone(),
            })
    }

    /// The ranges in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = KeyRange> + '_ {
        self.ends.iter().map(|(begin, end)| KeyRange {
            begin: begin.clone(),
            end: end.clone(),
        })
    }

    /// The parts of the set inside `range`, in ascending order.
    pub fn intersection<'a>(&'a self, range: &'a KeyRange) -> impl Iterator<Item = KeyRange> + 'a {
        let first = self
            .at_or_before(&range.begin)
            .map_or(&range.begin, |(begin, _)| begin);
        let upper = if *first < range.end { &range.end } else { first };
        self.ends
            .range::<[u8], _>((Bound::Included(&**first), Bound::Excluded(&**upper)))
            .filter_map(|(begin, end)| {
                let part = KeyRange {
                    begin: begin.max(&range.begin).clone(),
                    end: end.min(&range.end).clone(),
                };
                (!part.is_empty()).then_some(part)
            })
    }

    fn at_or_before(&self, key: &[u8]) -> Option<(&Key, &Key)> {
        self.ends
            .range::<[u8], _>((Bound::Unbounded, Bound::Included(key)))
            .next_back()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn range(begin: u8, end: u8) -> KeyRange {
        KeyRange::new([begin].as_slice(), [end].as_slice())
    }

    #[test]
    fn touching_ranges_merge_and_apart_ones_do_not() {
        let mut set = RangeSet::new();
        set.insert(range(1, 3));
        set.insert(range(5, 7));
        assert_eq!(set.iter().count(), 2);
        set.insert(range(3, 5));
        assert_eq!(set.iter().collect::<Vec<_>>(), [range(1, 7)]);
        set.insert(range(2, 4));
        assert_eq!(set.iter().collect::<Vec<_>>(), [range(1, 7)]);
        set.insert(range(4, 4));
        set.insert(range(6, 5));
        assert_eq!(set.iter().count(), 1);
    }

    proptest::proptest! {
        #[test]
        fn range_set_equals_a_set_of_keys(ranges in proptest::collection::vec((0u8..40, 0u8..40, 0u8..4), 0..20), probe in (0u8..40, 0u8..40)) {
            let mut set = RangeSet::new();
            let mut model = BTreeSet::new();
            for (begin, end, kind) in ranges {
                if kind == 0 {
                    set.remove(&range(begin, end));
                    model.retain(|key| !(begin..end).contains(key));
                } else {
                    set.insert(range(begin, end));
                    model.extend(begin..end);
                }
            }
            let ranges: Vec<KeyRange> = set.iter().collect();
            for pair in ranges.windows(2) {
                assert!(pair[0].end < pair[1].begin, "disjoint and apart");
            }
            for key in 0..40u8 {
                assert_eq!(set.contains(&[key]), model.contains(&key));
                assert_eq!(set.range_of(&[key]).is_some(), model.contains(&key));
            }
            let probe = range(probe.0, probe.1);
            let inside: BTreeSet<u8> = (0..40).filter(|key| set.intersection(&probe).any(|part| part.contains(&[*key]))).collect();
            let expected: BTreeSet<u8> = model.iter().copied().filter(|key| probe.contains(&[*key])).collect();
            assert_eq!(inside, expected);
        }
    }
}
