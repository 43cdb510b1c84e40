//! Which rows of the pages are hidden, and since when: the first clear of every part of the key space
//! after the last fold.
//!
//! Only the first one counts. A key that was written after it has entries of its own, and so every later
//! clear gave it one more; a key that was not is hidden by the first clear for good.

use std::ops::Bound;

use super::sorted_map::SortedMap;
use crate::words::{Key, KeyRange, Version};

#[derive(Clone, Debug)]
struct Clear {
    end: Key,
    version: Version,
}

/// Disjoint cleared ranges with the version of the first clear, by their begin.
#[derive(Clone, Debug, Default)]
pub(super) struct FirstClears {
    clears: SortedMap<Key, Clear>,
}

impl FirstClears {
    pub(super) fn is_empty(&self) -> bool {
        self.clears.is_empty()
    }

    pub(super) fn count(&self) -> usize {
        self.clears.len()
    }

    /// Adds a clear at a version not before any other: where nothing was cleared yet.
    pub(super) fn insert(&mut self, range: &KeyRange, version: Version) {
        let mut begin = range.begin.clone();
        while begin < range.end {
            let next = self.reaching(&begin, |_| true);
            let (gap_end, next_begin) = match next {
                Some(clear) if clear.begin < range.end => (clear.begin, clear.end),
                _ => (range.end.clone(), range.end.clone()),
            };
            if begin < gap_end {
                let clear = Clear {
                    end: gap_end,
                    version,
                };
                self.clears.insert(begin, clear);
            }
            begin = next_begin;
        }
    }

    /// The version since when a key is hidden.
    pub(super) fn version_of(&self, key: &[u8]) -> Option<Version> {
        let (_, clear) = self
            .clears
            .range(Bound::Unbounded, Bound::Included(key))
            .next_back()?;
        (&*clear.end > key).then_some(clear.version)
    }

    /// The first range cleared at or before `version` that ends after `key`.
    pub(super) fn reaching_at(&self, key: &[u8], version: Version) -> Option<KeyRange> {
        self.reaching(key, |clear| clear.version <= version)
    }

    /// The last range cleared at or before `version` that begins before `key`.
    pub(super) fn beginning_below_at(&self, key: &[u8], version: Version) -> Option<KeyRange> {
        let mut clears = self.clears.range(Bound::Unbounded, Bound::Excluded(key)).rev();
        let (begin, clear) = clears.find(|(_, clear)| clear.version <= version)?;
        Some(KeyRange {
            begin: begin.clone(),
            end: clear.end.clone(),
        })
    }

    /// Lets go of clears at or before `version`.
    pub(super) fn forget(&mut self, version: Version) {
        self.clears.retain(|_, clear| clear.version > version);
    }

    fn reaching(&self, key: &[u8], is_meant: impl Fn(&Clear) -> bool) -> Option<KeyRange> {
        let holding = self
            .clears
            .range(Bound::Unbounded, Bound::Included(key))
            .next_back();
        let (begin, clear) = holding
            .filter(|(_, clear)| &*clear.end > key)
            .into_iter()
            .chain(self.clears.range(Bound::Excluded(key), Bound::Unbounded))
            .find(|(_, clear)| is_meant(clear))?;
        Some(KeyRange {
            begin: begin.clone(),
            end: clear.end.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn first_clears_equal_a_version_per_key(
            inserts in proptest::collection::vec((0u8..20, 0u8..20), 0..12),
            forgotten in 0u64..8,
        ) {
            let mut clears = FirstClears::default();
            let mut model = [None; 20];
            for (version, (begin, end)) in (1..).zip(inserts) {
                let version = Version::new(version).unwrap();
                clears.insert(&KeyRange::new([begin].as_slice(), [end].as_slice()), version);
                for place in model.iter_mut().take(end.into()).skip(begin.into()) {
                    *place = place.or(Some(version));
                }
            }
            let forgotten = Version::new(forgotten).unwrap();
            clears.forget(forgotten);
            let model = model.map(|version| version.filter(|&version| version > forgotten));
            for key in 0..20u8 {
                assert_eq!(clears.version_of(&[key]), model[usize::from(key)]);
                for at in 0..14 {
                    let at = Version::new(at).unwrap();
                    let hidden = |key: &u8| model[usize::from(*key)].is_some_and(|version| version <= at);
                    let range = clears.reaching_at(&[key], at);
                    assert_eq!(range.as_ref().map(|range| range.begin[0].max(key)), (key..20).find(hidden));
                    let range = clears.beginning_below_at(&[key], at);
                    assert_eq!(range.as_ref().map(|range| (range.end[0] - 1).min(key - 1)), (0..key).rev().find(hidden));
                    if let Some(range) = range {
                        assert!((range.begin[0]..range.end[0]).all(|key| hidden(&key)));
                    }
                }
            }
        }
    }
}
