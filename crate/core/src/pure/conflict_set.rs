//! Which keys were written when, for as long as a transaction may be old: the resolver's memory.
//!
//! A step function over the key space: each boundary holds the newest version that wrote the keys
//! from it up to the next boundary. After `insert([b,d), 5)` and `insert([c,e), 9)`:
//! `b -> 5, c -> 9, e -> 0`. A transaction that read `[a,c)` at version 6 passes, at 4 it conflicts.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use crate::words::{Key, KeyRange, Version};

/// Write conflict ranges by version.
#[derive(Clone, Debug, Default)]
pub struct ConflictSet {
    /// boundary -> newest version that wrote the keys from here to the next boundary.
    steps: BTreeMap<Key, Version>,
    /// Boundaries in the order of their insertion, for forgetting.
    by_age: VecDeque<(Version, Key)>,
}

impl ConflictSet {
    /// A history without writes.
    pub fn new() -> ConflictSet {
        ConflictSet::default()
    }

    /// How many boundaries the history holds.
    pub fn boundary_count(&self) -> usize {
        self.steps.len()
    }

    /// Remembers that the keys of `range` were written at `version`, which is at least as new as
    /// every version inserted before.
    pub fn insert(&mut self, range: &KeyRange, version: Version) {
        if range.is_empty() {
            return;
        }
        let after = self.version_at(&range.end);
        let overwritten: Vec<Key> = self
            .steps
            .range::<[u8], _>((Bound::Excluded(&*range.begin), Bound::Excluded(&*range.end)))
            .map(|(key, _)| key.clone())
            .collect();
        for key in overwritten {
            self.steps.remove(&key);
        }
        self.steps.entry(range.end.clone()).or_insert(after);
        self.steps.insert(range.begin.clone(), version);
        self.by_age.push_back((version, range.begin.clone()));
        self.by_age.push_back((version, range.end.clone()));
    }

    /// Whether a key of `range` was written after `version`.
    pub fn is_written_after(&self, range: &KeyRange, version: Version) -> bool {
        if range.is_empty() {
            return false;
        }
        self.version_at(&range.begin) > version
            || self
                .steps
                .range::<[u8], _>((Bound::Excluded(&*range.begin), Bound::Excluded(&*range.end)))
                .any(|(_, &written)| written > version)
    }

    /// Forgets writes at or before `horizon`: no transaction that may still commit read before it.
    pub fn forget(&mut self, horizon: Version) {
        while let Some((version, key)) = self.by_age.front()
            && *version <= horizon
        {
            let key = key.clone();
            self.by_age.pop_front();
            // A step that says what the step before it says is no step. One at or before the horizon
            // says "never", as does the lack of one.
            if let Some(&own) = self.steps.get(&key)
                && own <= horizon
                && self.version_before(&key) <= horizon
            {
                self.steps.remove(&key);
            }
        }
    }

    fn version_at(&self, key: &[u8]) -> Version {
        self.step_value((Bound::Unbounded, Bound::Included(key)))
    }

    fn version_before(&self, key: &[u8]) -> Version {
        self.step_value((Bound::Unbounded, Bound::Excluded(key)))
    }

    fn step_value(&self, bounds: (Bound<&[u8]>, Bound<&[u8]>)) -> Version {
        self.steps
            .range::<[u8], _>(bounds)
            .next_back()
            .map_or(Version::ZERO, |(_, &version)| version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(begin: u8, end: u8) -> KeyRange {
        KeyRange::new([begin].as_slice(), [end].as_slice())
    }

    fn version(number: u64) -> Version {
        Version::new(number).unwrap()
    }

    #[test]
    fn a_write_at_the_read_version_does_not_conflict_and_a_later_one_does() {
        let mut set = ConflictSet::new();
        set.insert(&range(2, 4), version(5));
        assert!(set.is_written_after(&range(3, 9), version(4)));
        assert!(!set.is_written_after(&range(3, 9), version(5)));
        assert!(!set.is_written_after(&range(4, 9), version(4)));
        assert!(!set.is_written_after(&range(0, 2), version(4)));
    }

    proptest::proptest! {
        #[test]
        fn conflict_set_equals_a_list_of_writes(
            writes in proptest::collection::vec((0u8..30, 0u8..30, 0u64..3), 1..40),
            probes in proptest::collection::vec((0u8..30, 0u8..30, 0u64..60), 20),
            horizon in 0u64..60,
        ) {
            let mut set = ConflictSet::new();
            let mut model: Vec<(KeyRange, Version)> = Vec::new();
            let mut now = 1;
            for (begin, end, step) in writes {
                now += step;
                set.insert(&range(begin, end), version(now));
                model.push((range(begin, end), version(now)));
            }
            set.forget(version(horizon));
            for (begin, end, read_version) in probes {
                let probe = range(begin, end);
                let read_version = version(read_version.max(horizon));
                let expected = !probe.is_empty() && model.iter().any(|(write, written)| {
                    !write.is_empty() && write.intersects(&probe) && *written > read_version
                });
                assert_eq!(set.is_written_after(&probe, read_version), expected);
            }
            set.forget(version(now));
            assert_eq!(set.boundary_count(), 0, "nothing stays for ever");
        }
    }
}
