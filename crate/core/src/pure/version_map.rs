//! An ordered multi-version map: what happened to every key since the last fold, at every version still
//! in use. What it does not say is in the pages.
//!
//! A read at version `v` sees, of each key, the newest entry at or before `v`. Example: after
//! `set(k, a)` at 3 and `clear(k)` at 7, a read at 2 leaves `k` to the pages, at 3..6 it finds `a`, from 7
//! on nothing. Cleared ranges hide the rows of the pages; keys that the map holds get an entry of their
//! own when they are cleared. Old entries are dropped once no reader can ask for them (`forget`), and all
//! entries once they are in the pages (`fold_through`, then `sweep`).

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use super::first_clears::FirstClears;
use super::history::{History, applied};
use super::tree_update::{Changes, KeyChange};
use crate::words::{AtomicOp, Key, KeyRange, Mutation, Value, Version, key_after};

/// Counted per key besides its bytes and entries.
const KEY_OVERHEAD_BYTES: usize = 48;
/// Counted per cleared range.
const CLEAR_BYTES: usize = 160;

/// Looks up what the pages say of a key; `None` if that can't be known at once.
pub type Lookup<'a> = &'a dyn Fn(&[u8]) -> Option<Option<Value>>;

/// Every key's history within the window of readable versions.
#[derive(Debug, Default)]
pub struct VersionMap {
    histories: BTreeMap<Key, History>,
    first_clears: FirstClears,
    /// Keys that have an entry which a later one replaced, or which were cleared, by the later version.
    replaced: VecDeque<(Version, Key)>,
    /// Reads below this version may miss entries that were dropped.
    horizon: Version,
    /// Entries up to this version are in the pages.
    folded: Version,
    /// Whether the pages hold anything.
    has_pages: bool,
    /// Reads at this version must stay possible, whatever the horizon.
    hold: Option<Version>,
    live_keys: u64,
    live_bytes: u64,
    bytes: usize,
}

impl VersionMap {
    /// The map over an empty database.
    pub fn new() -> VersionMap {
        VersionMap::default()
    }

    /// The map over pages that hold everything up to a version.
    pub fn over_pages(folded: Version, has_pages: bool) -> VersionMap {
        VersionMap {
            folded,
            has_pages,
            horizon: folded,
            ..VersionMap::default()
        }
    }

    /// The oldest version that can still be read.
    pub fn horizon(&self) -> Version {
        self.horizon
    }

    /// The version up to which everything is in the pages.
    pub fn folded(&self) -> Version {
        self.folded
    }

    /// How many keys the map has something to say of.
    pub fn key_count(&self) -> usize {
        self.histories.len()
    }

    /// How many keys the map says are there at the newest version.
    pub fn live_keys(&self) -> u64 {
        self.live_keys
    }

    /// Bytes of these keys and their values.
    pub fn live_bytes(&self) -> u64 {
        self.live_bytes
    }

    /// About how much memory the map takes.
    pub fn bytes(&self) -> usize {
        self.bytes + self.first_clears.count() * CLEAR_BYTES
    }

    /// What happened to a key up to a version, which must not be below the horizon; `None` if its value is
    /// what the pages say.
    pub fn get(&self, key: &[u8], version: Version) -> Option<KeyChange> {
        debug_assert!(version >= self.horizon);
        let own = self.histories.get(key);
        own.and_then(|history| history.at(version, self.folded))
            .or_else(|| self.is_hidden(key, version).then_some(KeyChange::Clear))
    }

    /// The keys of a range with what happened to them up to a version, cleared ranges aside, in ascending
    /// order; `.rev()` for descending order.
    pub fn range<'a>(
        &'a self,
        range: &KeyRange,
        version: Version,
    ) -> impl DoubleEndedIterator<Item = (&'a Key, KeyChange)> + use<'a> {
        debug_assert!(version >= self.horizon);
        let end = if range.is_empty() {
            &range.begin
        } else {
            &range.end
        };
        let folded = self.folded;
        self.histories
            .range::<[u8], _>((Bound::Included(&*range.begin), Bound::Excluded(&**end)))
            .filter_map(move |(key, history)| Some((key, history.at(version, folded)?)))
    }

    /// The first range that hides rows of the pages at a version and ends after `key`.
    pub fn clear_reaching(&self, key: &[u8], version: Version) -> Option<KeyRange> {
        if self.first_clears.is_empty() {
            return None;
        }
        self.first_clears.reaching_at(key, version)
    }

    /// The last range that hides rows of the pages at a version and begins before `key`.
    pub fn clear_beginning_below(&self, key: &[u8], version: Version) -> Option<KeyRange> {
        if self.first_clears.is_empty() {
            return None;
        }
        self.first_clears.beginning_below_at(key, version)
    }

    /// Applies a mutation at a version that is at least as new as every one applied before. An atomic
    /// operation on a value that `lookup` can't tell is kept as it is.
    pub fn apply(&mut self, mutation: &Mutation, version: Version, lookup: Lookup<'_>) {
        match mutation {
            Mutation::Set(key, value) => self.put(key, version, KeyChange::Set(value.clone())),
            Mutation::Atomic(op, key, operand) => {
                let operations = [(*op, operand.clone())];
                let change = self.operated(key, version, &operations, lookup);
                self.put(key, version, change);
            }
            Mutation::ClearRange(range) if range.end.strip_prefix(&*range.begin) == Some(&[0]) => {
                self.put(&range.begin, version, KeyChange::Clear);
            }
            Mutation::ClearRange(range) => {
                let is_there = |change: &KeyChange| !matches!(change, KeyChange::Clear);
                let keys: Vec<Key> = self
                    .range(range, version)
                    .filter(|(_, change)| is_there(change))
                    .map(|(key, _)| key.clone())
                    .collect();
                for key in &keys {
                    self.put(key, version, KeyChange::Clear);
                }
                self.first_clears.insert(range, version);
            }
        }
    }

    /// Drops entries that no read at or above `horizon` can see.
    pub fn forget(&mut self, horizon: Version) {
        let horizon = self.hold.map_or(horizon, |hold| hold.min(horizon));
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

    /// Keeps a version readable, whatever is forgotten, until the next call.
    pub fn hold(&mut self, version: Option<Version>) {
        assert!(version.is_none_or(|version| version >= self.horizon));
        self.hold = version;
    }

    /// What happened up to a version, which must be readable, as changes to the pages.
    pub fn changes_at(&self, version: Version) -> ChangesAt<'_> {
        debug_assert!(version >= self.horizon);
        ChangesAt { map: self, version }
    }

    /// Everything up to a version is in the pages now: reads below it are over, and entries up to it count
    /// no more. `sweep` lets go of them.
    pub fn fold_through(&mut self, folded: Version, has_pages: bool) {
        assert!(folded >= self.folded, "folds go forward");
        self.folded = folded;
        self.has_pages = has_pages;
        self.horizon = self.horizon.max(folded);
        self.first_clears.forget(folded);
        self.hold = self.hold.filter(|&hold| hold >= self.horizon);
    }

    /// Lets go of the entries of up to `limit` keys that are in the pages; gives the key to go on from.
    pub fn sweep(&mut self, from: &[u8], limit: usize) -> Option<Key> {
        let bounds = (Bound::Included(from), Bound::Unbounded);
        let keys: Vec<Key> = self
            .histories
            .range::<[u8], _>(bounds)
            .take(limit)
            .map(|(key, _)| key.clone())
            .collect();
        for key in &keys {
            if let Some(history) = self.histories.get_mut(key) {
                if history.newest_version() <= self.folded {
                    self.remove(key);
                } else if history.has_older() {
                    self.forget_history(key);
                }
            }
        }
        let last = keys.last().filter(|_| keys.len() == limit)?;
        Some(key_after(last))
    }

    fn is_hidden(&self, key: &[u8], version: Version) -> bool {
        let since = self.first_clears.version_of(key);
        since.is_some_and(|since| since <= version)
    }

    /// What operations make of a key, as far as it can be known.
    fn operated(
        &self,
        key: &Key,
        version: Version,
        operations: &[(AtomicOp, Value)],
        lookup: Lookup<'_>,
    ) -> KeyChange {
        let stored = || {
            if self.has_pages { lookup(key) } else { Some(None) }
        };
        match self.get(key, version) {
            Some(KeyChange::Set(value)) => applied(Some(value), operations),
            Some(KeyChange::Clear) => applied(None, operations),
            Some(KeyChange::Operations(mut earlier)) => match stored() {
                Some(value) => {
                    earlier.extend_from_slice(operations);
                    applied(value, &earlier)
                }
                None => KeyChange::Operations(operations.to_vec()),
            },
            None => match stored() {
                Some(value) => applied(value, operations),
                None => KeyChange::Operations(operations.to_vec()),
            },
        }
    }

    fn forget_history(&mut self, key: &Key) {
        let (horizon, folded) = (self.horizon, self.folded);
        let Some(history) = self.histories.get_mut(key) else {
            return;
        };
        self.bytes -= history.forget(horizon, folded);
        let is_cleared = matches!(history.newest_change(), KeyChange::Clear);
        let newest = history.newest_version();
        // A single clear has to stay until it is in the pages: those of the next fold, which may be one to
        // an earlier version, may hold the key. The first clear of a range stays as such.
        let is_in_range = self.first_clears.version_of(key) == Some(newest);
        if is_cleared && newest <= horizon && is_in_range {
            self.remove(key);
        }
    }

    fn put(&mut self, key: &Key, version: Version, change: KeyChange) {
        let is_clear = matches!(change, KeyChange::Clear);
        let added = live_bytes(key, &change);
        let Some(history) = self.histories.get_mut(key) else {
            if is_clear && (!self.has_pages || self.is_hidden(key, version)) {
                return;
            }
            if is_clear {
                self.replaced.push_back((version, key.clone()));
            }
            self.count(added, None);
            let history = History::new(version, change);
            self.bytes += KEY_OVERHEAD_BYTES + key.len() + history.bytes();
            self.histories.insert(key.clone(), history);
            return;
        };
        let replaced = live_bytes(key, history.newest_change());
        let is_replacing = history.newest_version() != version;
        let growth = history.push(version, change);
        let added = live_bytes(key, history.newest_change());
        self.bytes = self.bytes.saturating_add_signed(growth);
        self.count(added, replaced);
        if is_replacing || is_clear {
            self.replaced.push_back((version, key.clone()));
        }
    }

    fn remove(&mut self, key: &Key) {
        if let Some(history) = self.histories.remove(key) {
            self.bytes -= KEY_OVERHEAD_BYTES + key.len() + history.bytes();
            self.count(None, live_bytes(key, history.newest_change()));
        }
    }

    fn count(&mut self, added: Option<u64>, removed: Option<u64>) {
        self.live_keys = self.live_keys + u64::from(added.is_some()) - u64::from(removed.is_some());
        self.live_bytes = self.live_bytes + added.unwrap_or_default() - removed.unwrap_or_default();
    }
}

/// Bytes of a key with this newest change and its value, if it says that the key is there.
fn live_bytes(key: &Key, change: &KeyChange) -> Option<u64> {
    match change {
        KeyChange::Set(value) => Some((key.len() + value.len()) as u64),
        KeyChange::Clear | KeyChange::Operations(_) => None,
    }
}

/// What happened up to a version, as changes to the pages.
#[derive(Clone, Copy, Debug)]
pub struct ChangesAt<'a> {
    map: &'a VersionMap,
    version: Version,
}

impl Changes for ChangesAt<'_> {
    fn keys(&self, begin: &[u8], end: Option<&[u8]>, limit: usize) -> Vec<(Key, KeyChange)> {
        if end.is_some_and(|end| end <= begin) {
            return Vec::new();
        }
        let bounds = (
            Bound::Included(begin),
            end.map_or(Bound::Unbounded, Bound::Excluded),
        );
        let seen = |(key, history): (&Key, &History)| {
            Some((key.clone(), history.at(self.version, self.map.folded)?))
        };
        self.map
            .histories
            .range::<[u8], _>(bounds)
            .filter_map(seen)
            .take(limit)
            .collect()
    }

    fn clear_reaching(&self, key: &[u8]) -> Option<KeyRange> {
        self.map.clear_reaching(key, self.version)
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

    fn unknown(_: &[u8]) -> Option<Option<Value>> {
        None
    }

    fn set(value: u8) -> KeyChange {
        KeyChange::Set([value].as_slice().into())
    }

    #[test]
    fn a_read_sees_the_newest_entry_at_or_before_its_version() {
        let mut map = VersionMap::new();
        map.apply(
            &Mutation::Set(key(1), b"a".as_slice().into()),
            version(3),
            &unknown,
        );
        map.apply(
            &Mutation::ClearRange(KeyRange::of_key(key(1))),
            version(7),
            &unknown,
        );
        assert_eq!(map.get(&[1], version(2)), None);
        assert_eq!(map.get(&[1], version(3)), Some(set(b'a')));
        assert_eq!(map.get(&[1], version(6)), Some(set(b'a')));
        assert_eq!(map.get(&[1], version(7)), Some(KeyChange::Clear));
    }

    #[test]
    fn cleared_keys_leave_no_trace_once_they_are_folded() {
        let mut map = VersionMap::new();
        map.apply(
            &Mutation::Set(key(1), b"a".as_slice().into()),
            version(3),
            &unknown,
        );
        map.apply(
            &Mutation::ClearRange(KeyRange::of_key(key(1))),
            version(3),
            &unknown,
        );
        map.apply(
            &Mutation::Set(key(2), b"a".as_slice().into()),
            version(4),
            &unknown,
        );
        map.apply(
            &Mutation::ClearRange(KeyRange::new([0].as_slice(), [9].as_slice())),
            version(5),
            &unknown,
        );
        map.forget(version(9));
        assert!(map.replaced.is_empty());
        assert_eq!(
            map.histories.len(),
            1,
            "what the clear of a range cleared is gone"
        );
        map.fold_through(version(5), false);
        assert_eq!(map.sweep(&[], 10), None);
        assert!(map.histories.is_empty() && map.first_clears.is_empty());
        assert_eq!((map.live_keys(), map.live_bytes(), map.bytes()), (0, 0, 0));
    }

    #[test]
    fn a_clear_below_the_horizon_holds_over_the_pages_of_a_fold_before_it() {
        let mut map = VersionMap::new();
        for number in [1, 2] {
            let set = Mutation::Set(key(number), b"a".as_slice().into());
            map.apply(&set, version(3), &unknown);
        }
        let single = Mutation::ClearRange(KeyRange::of_key(key(1)));
        map.apply(&single, version(5), &unknown);
        let range = Mutation::ClearRange(KeyRange::new([2].as_slice(), [9].as_slice()));
        map.apply(&range, version(6), &unknown);
        map.forget(version(9));
        // Another peer, which had not read as far, made pages that hold both keys.
        map.fold_through(version(4), true);
        assert_eq!(map.get(&[1], version(9)), Some(KeyChange::Clear));
        assert_eq!(map.get(&[2], version(9)), Some(KeyChange::Clear));
    }

    #[test]
    fn operations_below_the_horizon_count_once_over_the_pages_of_a_fold_between_them() {
        let mut map = VersionMap::over_pages(version(1), true);
        for number in [3, 5] {
            let add = Mutation::Atomic(AtomicOp::Add, key(1), [number].as_slice().into());
            map.apply(&add, version(number.into()), &unknown);
        }
        map.forget(version(9));
        map.fold_through(version(4), true);
        let rest = KeyChange::Operations(vec![(AtomicOp::Add, [5].as_slice().into())]);
        assert_eq!(map.get(&[1], version(9)), Some(rest));
    }

    #[test]
    fn a_clear_of_a_key_in_the_pages_stays_until_it_is_folded() {
        let mut map = VersionMap::over_pages(version(2), true);
        map.apply(
            &Mutation::ClearRange(KeyRange::of_key(key(1))),
            version(3),
            &unknown,
        );
        map.forget(version(9));
        assert_eq!(map.get(&[1], version(9)), Some(KeyChange::Clear));
        map.fold_through(version(9), true);
        assert_eq!(map.get(&[1], version(9)), None);
        assert_eq!(map.sweep(&[], 10), None);
        assert!(map.histories.is_empty());
        assert_eq!(map.bytes(), 0);
    }
}
