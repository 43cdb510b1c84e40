//! An ordered map whose search tree does not depend on the type of its values.
//!
//! The standard library's tree is 5 to 10 kB of WebAssembly for every pair of key and value types. Here the
//! tree maps keys to the numbers of slots, so all maps with one kind of key share one compiled tree; what is
//! compiled for each type of value is a vector. A slot costs one more look into memory, and makes the nodes
//! of the tree denser.

use std::borrow::Borrow;
use std::collections::{BTreeMap, btree_map};
use std::fmt;
use std::ops::Bound;

const OCCUPIED: &str = "a slot that the tree names is occupied";

/// Values by key, in the order of the keys.
#[derive(Clone)]
pub struct SortedMap<K, V> {
    slot_of: BTreeMap<K, u32>,
    slots: Vec<Option<V>>,
    free: Vec<u32>,
}

/// Keys in their order.
pub type SortedSet<K> = SortedMap<K, ()>;

impl<K, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        SortedMap {
            slot_of: BTreeMap::new(),
            slots: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<K: Ord, V> SortedMap<K, V> {
    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.slot_of.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.slot_of.is_empty()
    }

    /// Whether a key is there.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.slot_of.contains_key(key)
    }

    /// The value of a key.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.slot_of.get(key).map(|&slot| self.in_slot(slot))
    }

    /// The value of a key, to be changed.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let slot = *self.slot_of.get(key)?;
        self.slots.get_mut(slot as usize)?.as_mut()
    }

    /// The place of a key, found by one search whether the key is there or not.
    pub fn entry(&mut self, key: K) -> SortedEntry<'_, K, V> {
        match self.slot_of.entry(key) {
            btree_map::Entry::Occupied(place) => {
                let value = self.slots.get_mut(*place.get() as usize);
                SortedEntry::Occupied(value.and_then(Option::as_mut).expect(OCCUPIED))
            }
            btree_map::Entry::Vacant(place) => SortedEntry::Vacant(VacantEntry {
                place,
                slots: &mut self.slots,
                free: &mut self.free,
            }),
        }
    }

    /// The value of a key, which is made if the key is not there.
    pub fn get_or_insert_with(&mut self, key: K, value: impl FnOnce() -> V) -> &mut V {
        match self.entry(key) {
            SortedEntry::Occupied(present) => present,
            SortedEntry::Vacant(place) => place.insert(value()),
        }
    }

    /// Gives a key a value; gives the one that it had.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.entry(key) {
            SortedEntry::Occupied(present) => Some(std::mem::replace(present, value)),
            SortedEntry::Vacant(place) => {
                place.insert(value);
                None
            }
        }
    }

    /// Removes a key; gives the value that it had.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let slot = self.slot_of.remove(key)?;
        let value = self.slots.get_mut(slot as usize)?.take();
        if self.slot_of.is_empty() {
            // What a burst of keys took is not kept for the next one.
            self.slots = Vec::new();
            self.free = Vec::new();
        } else {
            self.free.push(slot);
        }
        value
    }

    /// Removes the first key; gives it with its value.
    pub fn pop_first(&mut self) -> Option<(K, V)>
    where
        K: Clone,
    {
        let key = self.keys().next()?.clone();
        let value = self.remove(&key)?;
        Some((key, value))
    }

    /// The keys between two bounds, with their values; `.rev()` for descending.
    pub fn range<Q: Ord + ?Sized>(
        &self,
        begin: Bound<&Q>,
        end: Bound<&Q>,
    ) -> impl DoubleEndedIterator<Item = (&K, &V)> + use<'_, K, V, Q>
    where
        K: Borrow<Q>,
    {
        self.slot_of
            .range::<Q, _>((begin, end))
            .map(|(key, &slot)| (key, self.in_slot(slot)))
    }

    /// All keys with their values.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> + use<'_, K, V> {
        self.range::<K>(Bound::Unbounded, Bound::Unbounded)
    }

    /// The keys.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> + use<'_, K, V> {
        self.iter().map(|(key, _)| key)
    }

    /// The values, in no order, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.slots.iter_mut().flatten()
    }

    /// The values, in no order.
    pub fn into_values(self) -> impl Iterator<Item = V> {
        self.slots.into_iter().flatten()
    }

    fn in_slot(&self, slot: u32) -> &V {
        let value = self.slots.get(slot as usize).and_then(Option::as_ref);
        value.expect(OCCUPIED)
    }
}

/// The place of a key in a map.
pub enum SortedEntry<'a, K, V> {
    /// The key is there, with this value.
    Occupied(&'a mut V),
    /// The key is not there.
    Vacant(VacantEntry<'a, K, V>),
}

/// The place of a key that is not there.
pub struct VacantEntry<'a, K, V> {
    place: btree_map::VacantEntry<'a, K, u32>,
    slots: &'a mut Vec<Option<V>>,
    free: &'a mut Vec<u32>,
}

impl<'a, K: Ord, V> VacantEntry<'a, K, V> {
    /// Adds the key with this value.
    pub fn insert(self, value: V) -> &'a mut V {
        let slot = self.free.pop().unwrap_or(self.slots.len() as u32);
        self.place.insert(slot);
        if slot as usize == self.slots.len() {
            self.slots.push(None);
        }
        let place = self.slots.get_mut(slot as usize);
        place.expect("a free slot is one of the slots").insert(value)
    }
}

impl<K: Ord> SortedSet<K> {
    /// The keys, in their order.
    pub fn into_keys(self) -> Vec<K> {
        self.slot_of.into_keys().collect()
    }

    /// Adds keys.
    pub fn insert_keys(&mut self, keys: impl IntoIterator<Item = K>) {
        self.extend(keys.into_iter().map(|key| (key, ())));
    }
}

impl<K: Ord + Clone, V> SortedMap<K, V> {
    /// Removes what `is_kept` is not said of.
    pub fn retain(&mut self, mut is_kept: impl FnMut(&K, &V) -> bool) {
        let removed: Vec<K> = self
            .iter()
            .filter(|(key, value)| !is_kept(key, value))
            .map(|(key, _)| key.clone())
            .collect();
        for key in &removed {
            self.remove(key);
        }
    }
}

impl<K: Ord, V> Extend<(K, V)> for SortedMap<K, V> {
    fn extend<T: IntoIterator<Item = (K, V)>>(&mut self, entries: T) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for SortedMap<K, V> {
    fn from_iter<T: IntoIterator<Item = (K, V)>>(entries: T) -> Self {
        let mut map = SortedMap::default();
        map.extend(entries);
        map
    }
}

impl<K: Ord, V: PartialEq> PartialEq for SortedMap<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl<K: Ord, V: Eq> Eq for SortedMap<K, V> {}

impl<K: Ord + fmt::Debug, V: fmt::Debug> fmt::Debug for SortedMap<K, V> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_sorted_map_equals_the_standard_librarys(
            steps in proptest::collection::vec((0u8..6, 0u8..24, 0u32..9), 0..80),
            bounds in (0u8..26, 0u8..26),
        ) {
            let mut map = SortedMap::default();
            let mut model = BTreeMap::new();
            for (kind, key, value) in steps {
                match kind {
                    0 | 1 => assert_eq!(map.insert(key, value), model.insert(key, value)),
                    2 | 3 => assert_eq!(map.remove(&key), model.remove(&key)),
                    4 => {
                        *map.get_or_insert_with(key, || 5) += value;
                        *model.entry(key).or_insert(5) += value;
                    }
                    _ => {
                        map.retain(|other, _| other % 9 != key % 9);
                        model.retain(|other, _| other % 9 != key % 9);
                    }
                }
                assert_eq!((map.len(), map.is_empty()), (model.len(), model.is_empty()));
                assert_eq!(map.get(&key), model.get(&key));
                assert_eq!(map.get_mut(&key), model.get_mut(&key));
                assert_eq!(map.contains_key(&key), model.contains_key(&key));
            }
            assert!(map.iter().eq(model.iter()) && map.keys().rev().eq(model.keys().rev()));
            let (begin, end) = (bounds.0.min(bounds.1), bounds.0.max(bounds.1));
            let found = map.range(Bound::Included(&begin), Bound::Excluded(&end));
            assert!(found.eq(model.range(begin..end)));
            let again: SortedMap<u8, u32> = model.iter().map(|(&key, &value)| (key, value)).collect();
            assert_eq!(map, again);
            let mut sums = (0, 0);
            map.values_mut().for_each(|value| sums.0 += *value);
            map.into_values().for_each(|value| sums.1 += value);
            let sum = model.into_values().sum();
            assert_eq!(sums, (sum, sum));
        }
    }
}
