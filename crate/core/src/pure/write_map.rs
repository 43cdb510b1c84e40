//! What a transaction has written so far: the overlay of its own reads and the source of its commit.
//!
//! Two layers: cleared ranges, and above them single keys. A write inside a cleared range shows through
//! the clear; a clear removes the writes inside it. So the order "all clears, then the keys in key
//! order" at commit has the same effect as the order of the calls (I8).
//!
//! A key's writes are *independent* of the database (a set, or an atomic operation folded onto a set or
//! a clear) or *dependent* (a stack of atomic operations over a value not yet known). FoundationDB's
//! rules of folding, in [`WriteMap::atomic`], can be observed only when an append overflows.
//!
//! What a versionstamp will change is *unreadable* until it is cleared: nobody knows the stamp yet.

use std::ops::Bound;

use super::evaluate::{VERSIONSTAMP_BYTES, evaluate, merge_operands};
use super::range_set::RangeSet;
use super::sorted_map::{SortedEntry, SortedMap};
use super::stamped_write::{StampedWrite, possible_keys};
use crate::words::{
    AtomicOp, CONFLICT_RANGE_OVERHEAD_BYTES, Key, KeyRange, MUTATION_OVERHEAD_BYTES, Mutation, Value, Write,
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
    /// The key's value is what these operations make of the database's, in order.
    Dependent(Vec<(AtomicOp, Value)>),
    /// Not known before the commit: a versionstamp decides.
    Unreadable,
}

/// One write of a key.
#[derive(Clone, Debug)]
enum KeyWrite {
    Set(Value),
    Atomic(AtomicOp, Value),
    VersionstampedValue(Value),
}

/// The writes of a key, in order. Unless a versionstamp makes the key unreadable, a set is the only one. Most keys have
/// one write, which needs no allocation.
#[derive(Clone, Debug)]
struct KeyWrites {
    earlier: Vec<KeyWrite>,
    last: KeyWrite,
    has_conflict: bool,
}

impl KeyWrites {
    fn new(write: KeyWrite, has_conflict: bool) -> KeyWrites {
        KeyWrites {
            earlier: Vec::new(),
            last: write,
            has_conflict,
        }
    }

    /// All of them, in order.
    fn iter(&self) -> impl Iterator<Item = &KeyWrite> {
        self.earlier.iter().chain(std::iter::once(&self.last))
    }

    fn push(&mut self, write: KeyWrite) {
        self.earlier.push(std::mem::replace(&mut self.last, write));
    }

    fn is_unreadable(&self) -> bool {
        self.iter()
            .any(|write| matches!(write, KeyWrite::VersionstampedValue(_)))
    }

    fn overlay(&self) -> Overlay {
        if self.is_unreadable() {
            Overlay::Unreadable
        } else {
            self.overlay_without_stamps()
        }
    }

    /// What they would say if a value to be stamped were set as it stands, placeholder and all.
    fn overlay_without_stamps(&self) -> Overlay {
        let mut operations: Vec<(AtomicOp, Value)> = Vec::new();
        let mut known = None;
        for write in self.iter() {
            match (write, &mut known) {
                (KeyWrite::VersionstampedValue(value) | KeyWrite::Set(value), _) => {
                    known = Some(Some(value.clone()));
                }
                (KeyWrite::Atomic(op, operand), None) => operations.push((*op, operand.clone())),
                (KeyWrite::Atomic(op, operand), Some(value)) => {
                    *value = evaluate(*op, value.as_ref(), operand);
                }
            }
        }
        match known {
            None => Overlay::Dependent(operations),
            Some(None) => Overlay::Cleared,
            Some(Some(value)) => Overlay::Set(value),
        }
    }

    fn is_dependent(&self) -> bool {
        matches!(self.iter().next(), Some(KeyWrite::Atomic(..)))
    }
}

/// The uncommitted writes of a transaction.
#[derive(Clone, Debug, Default)]
pub struct WriteMap {
    cleared: RangeSet,
    keys: SortedMap<Key, KeyWrites>,
    /// Keys to be stamped, with their offsets.
    stamped_keys: SortedMap<Key, Value>,
    /// Where stamped keys may come to lie.
    unreadable: RangeSet,
    /// Besides the keys that are written.
    range_conflicts: RangeSet,
}

impl WriteMap {
    /// No writes.
    pub fn new() -> WriteMap {
        WriteMap::default()
    }

    /// Whether a commit has nothing to do: no mutation and no write conflict range.
    pub fn is_empty(&self) -> bool {
        self.cleared.is_empty()
            && self.keys.is_empty()
            && self.stamped_keys.is_empty()
            && self.range_conflicts.is_empty()
    }

    /// Adds a write. `first_stamp` is the smallest versionstamp that the commit can get.
    pub fn apply(&mut self, write: StampedWrite, first_stamp: &[u8; VERSIONSTAMP_BYTES]) {
        match write {
            StampedWrite::Plain(Write {
                mutation,
                has_conflict,
            }) => match mutation {
                Mutation::Set(key, value) => self.set(key, value, has_conflict),
                Mutation::ClearRange(range) => self.clear_range(range, has_conflict),
                Mutation::Atomic(op, key, operand) => self.atomic(op, key, operand, has_conflict),
            },
            StampedWrite::Key { template, value } => {
                self.set_versionstamped_key(template, value, first_stamp);
            }
            StampedWrite::Value {
                key,
                template,
                has_conflict,
            } => {
                self.set_versionstamped_value(key, template, has_conflict);
            }
        }
    }

    /// Sets a key.
    pub fn set(&mut self, key: Key, value: Value, has_conflict: bool) {
        self.replace(key, KeyWrite::Set(value), has_conflict);
    }

    /// Writes what needs no earlier value. Of an unreadable key the earlier writes stay, and with them what they depend
    /// on, until it is cleared.
    fn replace(&mut self, key: Key, write: KeyWrite, has_conflict: bool) {
        let is_where_stamps_go = self.unreadable.contains(&key);
        match self.keys.entry(key) {
            SortedEntry::Vacant(place) => {
                place.insert(KeyWrites::new(write, has_conflict));
            }
            SortedEntry::Occupied(writes) => {
                writes.has_conflict |= has_conflict;
                if is_where_stamps_go || writes.is_unreadable() {
                    writes.push(write);
                } else {
                    *writes = KeyWrites::new(write, writes.has_conflict);
                }
            }
        }
    }

    /// Does an atomic operation on a key: folded onto what is known, else kept.
    pub fn atomic(&mut self, op: AtomicOp, key: Key, operand: Value, has_conflict: bool) {
        // Folding could end in a clear, and a clear would make the key readable.
        let is_where_stamps_go = self.unreadable.contains(&key);
        let is_over_clear = !self.keys.contains_key(&key) && self.cleared.contains(&key);
        if is_over_clear && !is_where_stamps_go {
            self.fold(key, evaluate(op, None, &operand), has_conflict);
            return;
        }
        let writes = match self.keys.entry(key.clone()) {
            SortedEntry::Occupied(writes) => writes,
            SortedEntry::Vacant(place) => {
                place.insert(KeyWrites::new(KeyWrite::Atomic(op, operand), has_conflict));
                return;
            }
        };
        writes.has_conflict |= has_conflict;
        let is_unreadable = is_where_stamps_go || writes.is_unreadable();
        match &mut writes.last {
            KeyWrite::Set(value) if !is_unreadable => {
                let result = evaluate(op, Some(value), &operand);
                self.fold(key, result, has_conflict);
                return;
            }
            KeyWrite::Atomic(top, first) if !is_unreadable && *top == op => {
                if let Some(merged) = merge_operands(op, first, &operand) {
                    *first = merged;
                    return;
                }
            }
            _ => {}
        }
        writes.push(KeyWrite::Atomic(op, operand));
    }

    /// Sets a key to a value whose stamp is not known yet. `template` ends in the stamp's offset.
    pub fn set_versionstamped_value(&mut self, key: Key, template: Value, has_conflict: bool) {
        self.replace(key, KeyWrite::VersionstampedValue(template), has_conflict);
    }

    /// Sets a key whose stamp is not known yet. `template` ends in the stamp's offset, which was
    /// checked; `first_stamp` is the smallest stamp that it can get.
    pub fn set_versionstamped_key(
        &mut self,
        template: Key,
        value: Value,
        first_stamp: &[u8; VERSIONSTAMP_BYTES],
    ) {
        if let Some(range) = possible_keys(&template, first_stamp) {
            self.unreadable.insert(range);
        }
        self.stamped_keys.insert(template, value);
    }

    /// Clears a range. Without a conflict the keys that were written with one keep theirs.
    pub fn clear_range(&mut self, range: KeyRange, has_conflict: bool) {
        if range.is_empty() {
            return;
        }
        let covered: Vec<Key> = self.keys_in(&range).map(|(key, _)| key.clone()).collect();
        for key in covered {
            if self.keys.remove(&key).is_some_and(|writes| writes.has_conflict) && !has_conflict {
                self.range_conflicts.insert_key(&key);
            }
        }
        let stamped: Vec<Key> = self
            .stamped_keys
            .range::<[u8]>(Bound::Included(&range.begin), Bound::Excluded(&range.end))
            .map(|(key, _)| key.clone())
            .collect();
        for template in stamped {
            self.stamped_keys.remove(&template);
        }
        self.unreadable.remove(&range);
        if has_conflict {
            self.range_conflicts.insert(range.clone());
        }
        self.cleared.insert(range);
    }

    /// Adds a write conflict range without a write.
    pub fn add_write_conflict(&mut self, range: KeyRange) {
        self.range_conflicts.insert(range);
    }

    /// What these writes say about a key.
    pub fn overlay(&self, key: &[u8]) -> Overlay {
        if self.unreadable.contains(key) {
            return Overlay::Unreadable;
        }
        self.overlay_of(key, KeyWrites::overlay)
    }

    /// As [`WriteMap::overlay`], with what is to be stamped as it stands.
    pub fn overlay_without_stamps(&self, key: &[u8]) -> Overlay {
        self.overlay_of(key, KeyWrites::overlay_without_stamps)
    }

    fn overlay_of(&self, key: &[u8], overlay: impl FnOnce(&KeyWrites) -> Overlay) -> Overlay {
        match self.keys.get(key) {
            Some(writes) => overlay(writes),
            None if self.cleared.contains(key) => Overlay::Cleared,
            None => Overlay::Unmodified,
        }
    }

    /// The keys written inside a range with what is known of each, ascending; `.rev()` for descending.
    pub fn overlays_in<'a>(
        &'a self,
        range: &KeyRange,
    ) -> impl DoubleEndedIterator<Item = (&'a Key, Overlay)> + use<'a> {
        self.keys_in(range).map(|(key, writes)| (key, writes.overlay()))
    }

    /// Whether the key was written itself, apart from clears.
    pub fn is_written(&self, key: &[u8]) -> bool {
        self.keys.contains_key(key)
    }

    /// The cleared range that holds the key.
    pub fn cleared_range_of(&self, key: &[u8]) -> Option<KeyRange> {
        self.cleared.range_of(key)
    }

    /// The ranges inside `range` in which stamped keys may come to lie.
    pub fn unreadable_parts(&self, range: &KeyRange) -> Vec<KeyRange> {
        self.unreadable.intersection(range).collect()
    }

    /// The parts of `range` whose content others decide: not set, not cleared, not an operation on
    /// what was set or cleared here. Only these become read conflict ranges (I7).
    pub fn unmodified_parts(&self, range: &KeyRange) -> Vec<KeyRange> {
        if self.cleared.is_empty() && self.keys.is_empty() {
            return Vec::from_iter((!range.is_empty()).then(|| range.clone()));
        }
        let mut written = RangeSet::new();
        for part in self.cleared.intersection(range) {
            written.insert(part);
        }
        for (key, writes) in self.keys_in(range) {
            if writes.is_dependent() {
                continue;
            }
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

    /// The writes in the order of commit: cleared ranges, then keys in key order, then stamped keys.
    pub fn writes(&self) -> Vec<StampedWrite> {
        let plain = |mutation, has_conflict| {
            StampedWrite::Plain(Write {
                mutation,
                has_conflict,
            })
        };
        let mut all: Vec<StampedWrite> = Vec::with_capacity(self.keys.len());
        for range in self.cleared.iter() {
            let has_conflict = self.is_conflict_of_its_own(&range);
            all.push(plain(Mutation::ClearRange(range), has_conflict));
        }
        for (key, writes) in self.keys.iter() {
            let has_conflict = writes.has_conflict;
            all.extend(writes.iter().map(|write| match write {
                KeyWrite::Set(value) => plain(Mutation::Set(key.clone(), value.clone()), has_conflict),
                KeyWrite::Atomic(op, operand) => {
                    plain(Mutation::Atomic(*op, key.clone(), operand.clone()), has_conflict)
                }
                KeyWrite::VersionstampedValue(template) => {
                    let (key, template) = (key.clone(), template.clone());
                    StampedWrite::Value {
                        key,
                        template,
                        has_conflict,
                    }
                }
            }));
        }
        for (template, value) in self.stamped_keys.iter() {
            all.push(StampedWrite::Key {
                template: template.clone(),
                value: value.clone(),
            });
        }
        all
    }

    /// The write conflict ranges that are not those of the writes, disjoint and ascending.
    pub fn further_conflicts(&self) -> Vec<KeyRange> {
        let is_further = |range: &KeyRange| self.cleared.range_of(&range.begin).as_ref() != Some(range);
        self.range_conflicts.iter().filter(is_further).collect()
    }

    /// All write conflict ranges that are known before the commit.
    pub fn write_conflicts(&self) -> RangeSet {
        let mut conflicts = self.range_conflicts.clone();
        for (key, writes) in self.keys.iter() {
            if writes.has_conflict {
                conflicts.insert_key(key);
            }
        }
        conflicts
    }

    /// The size that counts towards the transaction's limit: mutations and write conflict ranges.
    pub fn commit_bytes(&self) -> u64 {
        let mut bytes = conflict_bytes(&self.range_conflicts);
        for range in self.cleared.iter() {
            bytes += range_bytes(&range) + MUTATION_OVERHEAD_BYTES;
        }
        for (key, writes) in self.keys.iter() {
            for write in writes.iter() {
                let (KeyWrite::Set(operand)
                | KeyWrite::Atomic(_, operand)
                | KeyWrite::VersionstampedValue(operand)) = write;
                bytes += (key.len() + operand.len()) as u64 + MUTATION_OVERHEAD_BYTES;
            }
            if writes.has_conflict {
                bytes += 2 * key.len() as u64 + 1 + CONFLICT_RANGE_OVERHEAD_BYTES;
            }
        }
        for (template, value) in self.stamped_keys.iter() {
            bytes += (template.len() + value.len()) as u64 + MUTATION_OVERHEAD_BYTES;
        }
        bytes
    }

    /// The key's value is now known: the result of an operation, `None` for "cleared".
    fn fold(&mut self, key: Key, result: Option<Value>, has_conflict: bool) {
        if let Some(value) = result {
            self.set(key, value, has_conflict);
            return;
        }
        let has_conflict = self.keys.remove(&key).is_some_and(|writes| writes.has_conflict) || has_conflict;
        self.clear_range(KeyRange::of_key(key), has_conflict);
    }

    fn keys_in<'a>(
        &'a self,
        range: &KeyRange,
    ) -> impl DoubleEndedIterator<Item = (&'a Key, &'a KeyWrites)> + use<'a> {
        let end = if range.is_empty() {
            &range.begin
        } else {
            &range.end
        };
        self.keys
            .range::<[u8]>(Bound::Included(&range.begin), Bound::Excluded(end))
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

    fn plain(mutation: Mutation) -> StampedWrite {
        StampedWrite::Plain(Write {
            mutation,
            has_conflict: true,
        })
    }

    #[test]
    fn own_reads_conflict_only_on_what_others_decide() {
        let mut writes = WriteMap::new();
        writes.clear_range(range("c", "e"), true);
        writes.set(bytes("m"), bytes("1"), true);
        writes.atomic(AtomicOp::Add, bytes("q"), bytes("1"), true);
        writes.atomic(AtomicOp::Add, bytes("d"), bytes("1"), true);
        assert_eq!(
            writes.unmodified_parts(&range("a", "z")),
            [
                range("a", "c"),
                range("e", "m"),
                KeyRange {
                    begin: key_after(b"m"),
                    end: bytes("z")
                }
            ]
        );
        assert_eq!(writes.unmodified_parts(&range("c", "d")), []);
    }

    #[test]
    fn what_is_set_over_an_operation_depends_on_the_database_only_where_the_key_was_unreadable_before() {
        let template: Value = [[0; 10].as_slice(), &[0; 4]].concat().into();
        let key: Key = [b"p".as_slice(), &[0; 10], &[1, 0, 0, 0]].concat().into();
        let whole = range("p\0\0\0\0\0\0\0\0\x07", "p\0\0\0\0\0\0\0\0\x08");
        let inside = bytes("p\0\0\0\0\0\0\0\0\x07\0");
        for is_stamped in [false, true] {
            let overwrite = |writes: &mut WriteMap, key: &Key| {
                writes.atomic(AtomicOp::Add, key.clone(), bytes("1"), true);
                if is_stamped {
                    writes.set_versionstamped_value(key.clone(), template.clone(), true);
                } else {
                    writes.set(key.clone(), bytes("2"), true);
                }
            };
            let mut readable = WriteMap::new();
            overwrite(&mut readable, &inside);
            assert_eq!(readable.unmodified_parts(&KeyRange::of_key(inside.clone())), []);
            let mut unreadable = WriteMap::new();
            unreadable.set_versionstamped_key(key.clone(), bytes("v"), &[0; 10]);
            overwrite(&mut unreadable, &inside);
            assert_eq!(unreadable.unmodified_parts(&whole), std::slice::from_ref(&whole));
        }
    }

    #[test]
    fn a_set_after_a_clear_shows_through_it_and_a_clear_after_a_set_hides_it() {
        let mut writes = WriteMap::new();
        writes.clear_range(range("a", "f"), true);
        writes.set(bytes("b"), bytes("1"), true);
        writes.set(bytes("c"), bytes("2"), true);
        writes.clear_range(range("c", "d"), true);
        assert_eq!(writes.overlay(b"b"), Overlay::Set(bytes("1")));
        assert_eq!(writes.overlay(b"c"), Overlay::Cleared);
        assert_eq!(writes.overlay(b"g"), Overlay::Unmodified);
        let expected = [
            Mutation::ClearRange(range("a", "f")),
            Mutation::Set(bytes("b"), bytes("1")),
        ];
        assert_eq!(writes.writes(), expected.map(plain));
        assert_eq!(writes.further_conflicts(), []);
    }

    #[test]
    fn an_atomic_operation_over_what_is_known_is_folded_at_once() {
        let mut writes = WriteMap::new();
        writes.set(bytes("a"), [5].as_slice().into(), true);
        writes.atomic(AtomicOp::Add, bytes("a"), [2].as_slice().into(), true);
        assert_eq!(writes.overlay(b"a"), Overlay::Set([7].as_slice().into()));
        writes.atomic(AtomicOp::CompareAndClear, bytes("a"), [7].as_slice().into(), true);
        assert_eq!(writes.overlay(b"a"), Overlay::Cleared);
        writes.atomic(AtomicOp::Add, bytes("a"), [3].as_slice().into(), true);
        assert_eq!(writes.overlay(b"a"), Overlay::Set([3].as_slice().into()));
    }

    #[test]
    fn operations_over_an_unknown_value_are_stacked_and_merged_where_that_is_the_same() {
        let mut writes = WriteMap::new();
        let operand = |operand: &[u8]| -> Value { operand.into() };
        for (op, bytes_of_operand) in [
            (AtomicOp::Add, [1].as_slice()),
            (AtomicOp::Add, &[2]),
            (AtomicOp::Add, &[3, 0]),
            (AtomicOp::ByteMax, &[9]),
            (AtomicOp::ByteMax, &[8, 8, 8]),
            (AtomicOp::CompareAndClear, &[1]),
            (AtomicOp::CompareAndClear, &[1]),
        ] {
            writes.atomic(op, bytes("k"), operand(bytes_of_operand), true);
        }
        let expected = vec![
            (AtomicOp::Add, operand(&[3])),
            (AtomicOp::Add, operand(&[3, 0])),
            (AtomicOp::ByteMax, operand(&[9])),
            (AtomicOp::CompareAndClear, operand(&[1])),
            (AtomicOp::CompareAndClear, operand(&[1])),
        ];
        assert_eq!(writes.overlay(b"k"), Overlay::Dependent(expected));
    }

    #[test]
    fn what_a_versionstamp_will_change_is_unreadable_until_it_is_cleared() {
        let mut writes = WriteMap::new();
        let template: Value = [[0; 10].as_slice(), &[0; 4]].concat().into();
        writes.set_versionstamped_value(bytes("k"), template.clone(), true);
        assert_eq!(writes.overlay(b"k"), Overlay::Unreadable);
        assert_eq!(writes.overlay_without_stamps(b"k"), Overlay::Set(template));
        writes.set(bytes("k"), bytes("later"), true);
        assert_eq!(
            writes.overlay(b"k"),
            Overlay::Unreadable,
            "a later set does not heal it"
        );
        assert_eq!(writes.overlay_without_stamps(b"k"), Overlay::Set(bytes("later")));
        writes.clear_range(range("k", "l"), true);
        assert_eq!(writes.overlay(b"k"), Overlay::Cleared);
        let key: Key = [b"p".as_slice(), &[0; 10], &[1, 0, 0, 0]].concat().into();
        writes.set_versionstamped_key(key, bytes("v"), &[0; 10]);
        assert_eq!(writes.overlay(b"p\0\0\0\0\0\0\0\0\x07\0"), Overlay::Unreadable);
        assert_eq!(writes.overlay(b"o"), Overlay::Unmodified);
        writes.clear_range(range("p", "q"), true);
        assert_eq!(writes.overlay(b"p\0\0\0\0\0\0\0\0\x07\0"), Overlay::Cleared);
        assert!(
            writes
                .writes()
                .iter()
                .all(|write| matches!(write, StampedWrite::Plain(_)))
        );
    }

    #[test]
    fn a_conflict_range_that_is_not_just_that_of_a_write_is_given_apart() {
        let mut writes = WriteMap::new();
        writes.clear_range(range("a", "c"), true);
        writes.clear_range(range("m", "n"), true);
        writes.add_write_conflict(range("b", "d"));
        writes.add_write_conflict(range("p", "q"));
        let expected = [(range("a", "c"), false), (range("m", "n"), true)].map(|(cleared, has_conflict)| {
            StampedWrite::Plain(Write {
                mutation: Mutation::ClearRange(cleared),
                has_conflict,
            })
        });
        assert_eq!(writes.writes(), expected);
        assert_eq!(writes.further_conflicts(), [range("a", "d"), range("p", "q")]);
    }

    #[test]
    fn a_later_write_without_a_conflict_takes_none_away() {
        let mut writes = WriteMap::new();
        writes.set(bytes("k"), bytes("1"), true);
        writes.set(bytes("k"), bytes("2"), false);
        assert_eq!(writes.writes(), [plain(Mutation::Set(bytes("k"), bytes("2")))]);
        writes.clear_range(range("a", "z"), false);
        assert_eq!(writes.further_conflicts(), [KeyRange::of_key(bytes("k"))]);
        let mut silent = WriteMap::new();
        silent.set(bytes("k"), bytes("1"), false);
        let expected = Write {
            mutation: Mutation::Set(bytes("k"), bytes("1")),
            has_conflict: false,
        };
        assert_eq!(silent.writes(), [StampedWrite::Plain(expected)]);
    }

    #[test]
    fn size_counts_end_keys_of_a_clear_but_not_what_it_clears() {
        let mut writes = WriteMap::new();
        writes.clear_range(range("a", "c"), true);
        assert_eq!(writes.commit_bytes(), (2 + 44) + (2 + 24));
        writes.set(bytes("x"), bytes("12"), true);
        assert_eq!(writes.commit_bytes(), (2 + 44) + (2 + 24) + (3 + 44) + (3 + 24));
    }
}
