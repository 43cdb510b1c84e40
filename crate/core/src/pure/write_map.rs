//! What a transaction has written so far: the overlay of its own reads and the source of its commit.
//!
//! Two layers: cleared ranges, and above them single keys. A set inside a cleared range shows through
//! the clear; a clear removes the sets inside it. So the order "all clears, then the keys in key
//! order" at commit has the same effect as the order of the calls (I8). Write conflict ranges
//! accumulate beside them: a later write without a conflict takes none away.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::range_set::RangeSet;
use crate::words::{CONFLICT_RANGE_OVERHEAD_BYTES, Key, KeyRange, MUTATION_OVERHEAD_BYTES, Mutation, Value};

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
    write_conflicts: RangeSet,
}

impl WriteMap {
    /// No writes.
    pub fn new() -> WriteMap {
        WriteMap::default()
    }

    /// Whether a commit has nothing to do: no mutation and no write conflict range.
    pub fn is_empty(&self) -> bool {
        self.cleared.is_empty() && self.sets.is_empty() && self.write_conflicts.is_empty()
    }

    /// Sets a key, with a write conflict on it.
    pub fn set(&mut self, key: Key, value: Value) {
        self.write_conflicts.insert_key(&key);
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
        self.write_conflicts.insert(range.clone());
        self.cleared.insert(range);
    }

    /// Adds a write conflict range without a write.
    pub fn add_write_conflict(&mut self, range: KeyRange) {
        self.write_conflicts.insert(range);
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

    /// The mutations in the order of commit: cleared ranges, then sets in key order.
    pub fn mutations(&self) -> Vec<Mutation> {
        let clears = self.cleared.iter().map(Mutation::ClearRange);
        let sets = self
            .sets
            .iter()
            .map(|(key, value)| Mutation::Set(key.clone(), value.clone()));
        clears.chain(sets).collect()
    }

    /// The write conflict ranges, disjoint and ascending.
    pub fn write_conflicts(&self) -> Vec<KeyRange> {
        self.write_conflicts.iter().collect()
    }

    /// Whether a key was written: the value of `key` after the commit is known here.
    pub fn determines(&self, key: &[u8]) -> bool {
        self.sets.contains_key(key) || self.cleared.contains(key)
    }

    /// The size that counts towards the transaction's limit: mutations and write conflict ranges.
    pub fn commit_bytes(&self) -> u64 {
        let clears = self
            .cleared
            .iter()
            .map(|range| (range.begin.len() + range.end.len()) as u64);
        let sets = self
            .sets
            .iter()
            .map(|(key, value)| (key.len() + value.len()) as u64);
        let mutations: u64 = clears
            .chain(sets)
            .map(|bytes| bytes + MUTATION_OVERHEAD_BYTES)
            .sum();
        mutations + conflict_bytes(&self.write_conflicts)
    }
}

/// The size of conflict ranges, as counted towards the transaction's limit.
pub fn conflict_bytes(ranges: &RangeSet) -> u64 {
    ranges
        .iter()
        .map(|range| (range.begin.len() + range.end.len()) as u64 + CONFLICT_RANGE_OVERHEAD_BYTES)
        .sum()
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
        assert_eq!(
            writes.mutations(),
            [
                Mutation::ClearRange(range("a", "f")),
                Mutation::Set(bytes("b"), bytes("1"))
            ]
        );
    }

    #[test]
    fn write_conflicts_accumulate_and_keep_the_range_as_given() {
        let mut writes = WriteMap::new();
        writes.clear_range(range("a", "c"));
        writes.set(bytes("x"), bytes("1"));
        writes.add_write_conflict(range("p", "q"));
        assert_eq!(
            writes.write_conflicts(),
            [
                range("a", "c"),
                range("p", "q"),
                KeyRange {
                    begin: bytes("x"),
                    end: key_after(b"x")
                }
            ]
        );
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
