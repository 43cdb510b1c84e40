//! An ordered multi-version map: what every key was at every version still in use.
//!
//! A read at version `v` sees, of each key, the newest entry at or before `v`. Example: after
//! `set(k, a)` at 3 and `clear(k)` at 7, a read at 2 finds nothing, at 3..6 `a`, from 7 on nothing.
//! Old entries are dropped once no reader can ask for them (`forget`), keys with them.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use super::evaluate::evaluate;
use crate::words::{Key, KeyRange, Mutation, Value, Version};

/// A key's state from a version on: its value, or `None` for "no such key".
#[derive(Clone, Debug)]
struct Entry {
    version: Version,
    value: Option<Value>,
}

/// The history of one key, oldest first. Most keys have one entry, which needs no allocation.
#[derive(Clone, Debug)]
struct History {
    newest: Entry,
    older: Vec<Entry>,
}

impl History {
    fn at(&self, version: Version) -> Option<&Value> {
        if self.newest.version <= version {
            return self.newest.value.as_ref();
        }
        self.older
            .iter()
            .rev()
            .find(|entry| entry.version <= version)?
            .value
            .as_ref()
    }
}

/// Every key's history within the window of readable versions.
#[derive(Debug, Default)]
pub struct VersionMap {
    histories: BTreeMap<Key, History>,
    /// Keys that have an entry which a later one replaced, by the version of the later one.
    replaced: VecDeque<(Version, Key)>,
    /// Reads below this version may miss entries that were dropped.
    horizon: Version,
    live_keys: u64,
    live_bytes: u64,
}

impl VersionMap {
    /// The map without keys.
    pub fn new() -> VersionMap {
        VersionMap::default()
    }

    /// The oldest version that can still be read.
    pub fn horizon(&self) -> Version {
        self.horizon
    }

    /// How many keys there are at the newest version.
    pub fn live_keys(&self) -> u64 {
        self.live_keys
    }

    /// Bytes of the keys and values at the newest version.
    pub fn live_bytes(&self) -> u64 {
        self.live_bytes
    }

    /// The value of a key at a version, which must not be below the horizon.
    pub fn get(&self, key: &[u8], version: Version) -> Option<&Value> {
        debug_assert!(version >= self.horizon);
        self.histories.get(key)?.at(version)
    }

    /// The newest value of a key.
    pub fn newest(&self, key: &[u8]) -> Option<&Value> {
        self.histories.get(key)?.newest.value.as_ref()
    }

    /// The keys of a range at a version, in ascending order; `.rev()` for descending order.
    pub fn range<'a>(
        &'a self,
        range: &KeyRange,
        version: Version,
    ) -> impl DoubleEndedIterator<Item = (&'a Key, &'a Value)> + use<'a> {
        debug_assert!(version >= self.horizon);
        let end = if range.is_empty() {
            &range.begin
        } else {
            &range.end
        };
        self.histories
            .range::<[u8], _>((Bound::Included(&*range.begin), Bound::Excluded(&**end)))
            .filter_map(move |(key, history)| history.at(version).map(|value| (key, value)))
    }

    /// Applies a mutation at a version that is at least as new as every one applied before.
    pub fn apply(&mut self, mutation: &Mutation, version: Version) {
        match mutation {
            Mutation::Set(key, value) => self.put(key, version, Some(value.clone())),
            Mutation::Atomic(op, key, operand) => {
                let value = evaluate(*op, self.newest(key), operand);
                self.put(key, version, value);
            }
            Mutation::ClearRange(range) => {
                let keys: Vec<Key> = self.range(range, version).map(|(key, _)| key.clone()).collect();
                for key in &keys {
                    self.put(key, version, None);
                }
            }
        }
    }

    /// Drops entries that no read at or above `horizon` can see.
    pub fn forget(&mut self, horizon: Version) {
        if horizon <= self.horizon {
            return;
        }
        self.horizon = horizon;
        while let Some((version, _)) = self.replaced.front()
            && *version <= horizon
        {
            if let Some((_, key)) = self.replaced.pop_front() {
                self.forget_history(&key);
            }
        }
    }

    fn forget_history(&mut self, key: &Key) {
        let horizon = self.horizon;
        let Some(history) = self.histories.get_mut(key) else {
            return;
        };
        if history.newest.version <= horizon {
            history.older = Vec::new();
            if history.newest.value.is_none() {
                self.histories.remove(key);
            }
        } else if let Some(visible) = history.older.iter().rposition(|entry| entry.version <= horizon) {
            history.older.drain(..visible);
        }
    }

    fn put(&mut self, key: &Key, version: Version, value: Option<Value>) {
        let added = value.as_ref().map_or(0, |value| (key.len() + value.len()) as u64);
        let is_live = value.is_some();
        let entry = Entry { version, value };
        let Some(history) = self.histories.get_mut(key) else {
            if is_live {
                self.live_keys += 1;
                self.live_bytes += added;
                self.histories.insert(
                    key.clone(),
                    History {
                        newest: entry,
                        older: Vec::new(),
                    },
                );
            }
            return;
        };
        if let Some(replaced) = &history.newest.value {
            self.live_keys -= 1;
            self.live_bytes -= (key.len() + replaced.len()) as u64;
        }
        self.live_keys += u64::from(is_live);
        self.live_bytes += added;
        if history.newest.version == version {
            // A transaction's second write to a key, or that of a later one in the same batch: reads
            // are never between them.
            history.newest = entry;
            if !is_live {
                self.replaced.push_back((version, key.clone()));
            }
        } else {
            let older = std::mem::replace(&mut history.newest, entry);
            history.older.push(older);
            self.replaced.push_back((version, key.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(number: u64) -> Version {
        Version::new(number).unwrap()
    }

    fn key(number: u8) -> Key {
        [number].as_slice().into()
    }

    #[test]
    fn a_read_sees_the_newest_entry_at_or_before_its_version() {
        let mut map = VersionMap::new();
        map.apply(&Mutation::Set(key(1), b"a".as_slice().into()), version(3));
        map.apply(&Mutation::ClearRange(KeyRange::of_key(key(1))), version(7));
        assert_eq!(map.get(&[1], version(2)), None);
        assert_eq!(
            map.get(&[1], version(3)).map(|value| &**value),
            Some(b"a".as_slice())
        );
        assert_eq!(
            map.get(&[1], version(6)).map(|value| &**value),
            Some(b"a".as_slice())
        );
        assert_eq!(map.get(&[1], version(7)), None);
    }

    #[test]
    fn cleared_keys_leave_no_trace_once_nobody_can_read_them() {
        let mut map = VersionMap::new();
        map.apply(&Mutation::Set(key(1), b"a".as_slice().into()), version(3));
        map.apply(&Mutation::ClearRange(KeyRange::of_key(key(1))), version(3));
        map.apply(&Mutation::Set(key(2), b"a".as_slice().into()), version(4));
        map.apply(&Mutation::ClearRange(KeyRange::of_key(key(2))), version(5));
        map.forget(version(9));
        assert!(map.histories.is_empty() && map.replaced.is_empty());
        assert_eq!((map.live_keys(), map.live_bytes()), (0, 0));
    }

    proptest::proptest! {
        #[test]
        fn version_map_equals_a_copy_per_version(
            writes in proptest::collection::vec((0u8..12, 0u8..14, proptest::option::of(0u8..4), 0u64..2), 1..60),
            horizon in 0u64..40,
        ) {
            let mut map = VersionMap::new();
            let mut copies: Vec<BTreeMap<Vec<u8>, Vec<u8>>> = vec![BTreeMap::new(), BTreeMap::new()];
            let mut now = 1;
            for (first, last, value, step) in writes {
                now += step;
                while copies.len() as u64 <= now {
                    copies.push(copies.last().unwrap().clone());
                }
                let copy = copies.last_mut().unwrap();
                match value {
                    Some(value) => {
                        map.apply(&Mutation::Set(key(first), [value].as_slice().into()), version(now));
                        copy.insert(vec![first], vec![value]);
                    }
                    None => {
                        map.apply(&Mutation::ClearRange(KeyRange::new([first].as_slice(), [last].as_slice())), version(now));
                        copy.retain(|key, _| !(first..last).contains(&key[0]));
                    }
                }
            }
            map.forget(version(horizon));
            let everything = KeyRange::new([].as_slice(), [255u8].as_slice());
            for (number, copy) in copies.iter().enumerate().skip(horizon as usize) {
                let seen: Vec<(Vec<u8>, Vec<u8>)> =
                    map.range(&everything, version(number as u64)).map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
                let expected: Vec<(Vec<u8>, Vec<u8>)> = copy.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
                assert_eq!(seen, expected, "at version {number}");
                for first in 0..12u8 {
                    assert_eq!(map.get(&[first], version(number as u64)).map(|value| value.to_vec()), copy.get(&vec![first]).cloned());
                }
            }
            let newest = copies.last().unwrap();
            assert_eq!(map.live_keys(), newest.len() as u64);
            assert_eq!(map.live_bytes(), newest.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum::<u64>());
        }
    }
}
