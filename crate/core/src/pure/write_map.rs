//! What a transaction has written so far: the overlay of its own reads and the source of its commit.
//!
//! Two layers: cleared ranges, and above them single keys. A set inside a cleared range shows through
//! the clear; a clear removes the sets inside it. So the order "all clears, then the keys in key
//! order" at commit has the same effect as the order of the calls (I8). A set key is its own write
//! conflict range; those of clears and those added by hand accumulate beside the writes.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::range_set::RangeSet;
use crate::words::{
    CONFLICT_RANGE_OVERHEAD_BYTES, Key, KeyRange, MUTATION_OVERHEAD_BYTES, Mutation, Value, Write,
};

/// What the transaction's own writes say about a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Overlay {
    /// Nothing: the database decides.
    Unmodified,
    /// The key is not there.
    Cleared,
    /// The key has this value.
    Set(Value),
}

/// The uncommitted writes of a transaction.
#[derive(Clone, Debug, Default)]
pub struct WriteMap {
    cleared: RangeSet,
    sets: BTreeMap<Key, Value>,
    /// Besides the keys that are set.
    range_conflicts: RangeSet,
}

impl WriteMap {
    /// No writes.
    pub fn new() -> WriteMap {
        WriteMap::default()
    }

    /// Whether a commit has nothing to do: no mutation and no write conflict range.
    pub fn is_empty(&self) -> bool {
        self.cleared.is_empty() && self.sets.is_empty() && self.range_conflicts.is_empty()
    }

    /// Sets a key, with a write conflict on it.
    pub fn set(&mut self, key: Key, value: Value) {
        self.sets.insert(key, value);
    }

    /// Clears a range, with a write conflict on all of it.
    pub fn clear_range(&mut self, range: KeyRange) {
        if range.is_empty() {
            return;
        }
        let covered: Vec<Key> = self
            .sets
            .range::<[u8], _>((Bound::Included(&*range.begin), Bound::Excluded(&*range.end)))
            .map(|(key, _)| key.clone())
            .collect();
        for key in covered {
            self.sets.remove(&key);
        }
        self.range_conflicts.insert(range.clone());
        self.cleared.insert(range);
    }

    /// Adds a write conflict range without a write.
    pub fn add_write_conflict(&mut self, range: KeyRange) {
        self.range_conflicts.insert(range);
    }

    /// What these writes say about a key.
    pub fn overlay(&self, key: &[u8]) -> Overlay {
        match self.sets.get(key) {
            Some(value) => Overlay::Set(value.clone()),
            None if self.cleared.contains(key) => Overlay::Cleared,
            None => Overlay::Unmodified,
        }
    }

    /// The keys set inside a range, in ascending order; `.rev()` for descending order.
    pub fn sets_in<'a>(
        &'a self,
        range: &KeyRange,
    ) -> impl DoubleEndedIterator<Item = (&'a Key, &'a Value)> + use<'a> {
        let end = if range.is_empty() {
            &range.begin
        } else {
            &range.end
        };
        self.sets
            .range::<[u8], _>((Bound::Included(&*range.begin), Bound::Excluded(&**end)))
    }

    /// The cleared range that holds the key.
    pub fn cleared_range_of(&self, key: &[u8]) -> Option<KeyRange> {
        self.cleared.range_of(key)
    }

    /// The parts of `range` whose content others decide: neither set nor cleared here. Only these
    /// become read conflict ranges (I7).
    pub fn unmodified_parts(&self, range: &KeyRange) -> Vec<KeyRange> {
        let mut written = RangeSet::new();
        for part in self.cleared.intersection(range) {
            written.insert(part);
        }
        for (key, _) in self.sets_in(range) {
            written.insert_key(key);
        }
        let mut parts = Vec::new();
        let mut begin = range.begin.clone();
        for hole in written.iter() {
            parts.push(KeyRange {
                begin,
                end: hole.begin,
            });
            begin = hole.end;
        }
        parts.push(KeyRange {
            begin,
            end: range.end.clone(),
        });
        parts.retain(|part| !part.is_empty());
        parts
    }

    /// The writes in the order of commit: cleared ranges, then sets in key order.
    pub fn writes(&self) -> Vec<Write> {
        let clears = self.cleared.iter().map(|range| Write {
            has_conflict: self.is_conflict_of_its_own(&range),
            mutation: Mutation::ClearRange(range),
        });
        let sets = self.sets.iter().map(|(key, value)| Write {
            mutation: Mutation::Set(key.clone(), value.clone()),
            has_conflict: true,
        });
        clears.chain(sets).collect()
    }

    /// The write conflict ranges that are not those of the writes, disjoint and ascending.
    pub fn further_conflicts(&self) -> Vec<KeyRange> {
        let is_further = |range: &KeyRange| self.cleared.range_of(&range.begin).as_ref() != Some(range);
        self.range_conflicts.iter().filter(is_further).collect()
    }

    /// The size that counts towards the transaction's limit: mutations and write conflict ranges.
    pub fn commit_bytes(&self) -> u64 {
        let clears: u64 = self
            .cleared
            .iter()
            .map(|range| range_bytes(&range) + MUTATION_OVERHEAD_BYTES)
            .sum();
        let sets: u64 = self
            .sets
            .iter()
            .map(|(key, value)| {
                let conflict = 2 * key.len() as u64 + 1 + CONFLICT_RANGE_OVERHEAD_BYTES;
                (key.len() + value.len()) as u64 + MUTATION_OVERHEAD_BYTES + conflict
            })
            .sum();
        clears + sets + conflict_bytes(&self.range_conflicts)
    }

    /// Whether a cleared range is a conflict range of exactly its extent.
    fn is_conflict_of_its_own(&self, cleared: &KeyRange) -> bool {
        self.range_conflicts.range_of(&cleared.begin).as_ref() == Some(cleared)
    }
}

/// The size of conflict ranges, as counted towards the transaction's limit.
pub fn conflict_bytes(ranges: &RangeSet) -> u64 {
    ranges
        .iter()
        .map(|range| range_bytes(&range) + CONFLICT_RANGE_OVERHEAD_BYTES)
        .sum()
}

fn range_bytes(range: &KeyRange) -> u64 {
    (range.begin.len() + range.end.len()) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::key_after;

    fn bytes(text: &str) -> Key {
        text.as_bytes().into()
    }

    fn range(begin: &str, end: &str) -> KeyRange {
        KeyRange {
            begin: bytes(begin),
            end: bytes(end),
        }
    }

    #[test]
    fn own_reads_conflict_only_on_what_others_decide() {
        let mut writes = WriteMap::new();
        writes.clear_range(range("c", "e"));
        writes.set(bytes("m"), bytes("1"));
        assert_eq!(
            writes.unmodified_parts(&range("a", "z")),
            [
                range("a", "c"),
                range("e", "m"),
                KeyRange {
                    begin: key_after(b"m"),
                    end: bytes("z")
                },
            ]
        );
        assert_eq!(writes.unmodified_parts(&range("c", "d")), []);
    }

    #[test]
    fn a_set_after_a_clear_shows_through_it_and_a_clear_after_a_set_hides_it() {
        let mut writes = WriteMap::new();
        writes.clear_range(range("a", "f"));
        writes.set(bytes("b"), bytes("1"));
        writes.set(bytes("c"), bytes("2"));
        writes.clear_range(range("c", "d"));
        assert_eq!(writes.overlay(b"b"), Overlay::Set(bytes("1")));
        assert_eq!(writes.overlay(b"c"), Overlay::Cleared);
        assert_eq!(writes.overlay(b"g"), Overlay::Unmodified);
        let expected = [
            Mutation::ClearRange(range("a", "f")),
            Mutation::Set(bytes("b"), bytes("1")),
        ];
        assert_eq!(
            writes.writes(),
            expected.map(|mutation| Write {
                mutation,
                has_conflict: true
            })
        );
        assert_eq!(writes.further_conflicts(), []);
    }

    #[test]
    fn a_conflict_range_that_is_not_just_that_of_a_write_is_given_apart() {
        let mut writes = WriteMap::new();
        writes.clear_range(range("a", "c"));
        writes.clear_range(range("m", "n"));
        writes.add_write_conflict(range("b", "d"));
        writes.add_write_conflict(range("p", "q"));
        let flags: Vec<bool> = writes.writes().iter().map(|write| write.has_conflict).collect();
        assert_eq!(flags, [false, true]);
        assert_eq!(writes.further_conflicts(), [range("a", "d"), range("p", "q")]);
    }

    #[test]
    fn size_counts_end_keys_of_a_clear_but_not_what_it_clears() {
        let mut writes = WriteMap::new();
        writes.clear_range(range("a", "c"));
        assert_eq!(writes.commit_bytes(), (2 + 44) + (2 + 24));
        writes.set(bytes("x"), bytes("12"));
        assert_eq!(writes.commit_bytes(), (2 + 44) + (2 + 24) + (3 + 44) + (3 + 24));
    }
}
