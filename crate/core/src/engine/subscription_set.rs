//! Subscriptions: keys and ranges whose changes somebody follows.
//!
//! Of each applied commit it is kept which keys changed, not what they changed to: values are read when
//! the subscriber asks, at a version that includes them. So a backlog is as large as the set of changed
//! keys, and beyond [`CHANGED_KEYS_MAX`] neighbouring keys become ranges: bounded, and a little too much.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use futures_channel::oneshot;

use crate::pure::RangeSet;
use crate::words::{Error, Key, KeyRange, Mutation, Result, key_after};

/// Changed keys of one subscription before neighbours become ranges.
const CHANGED_KEYS_MAX: usize = 10_000;
/// Neighbours that become one range.
const CONDENSED_KEYS: usize = 100;
/// Ranges of one subscription before neighbours become one.
const REPLACED_RANGES_MAX: usize = 1_000;

/// Names a subscription of a database handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(u64);

/// What has changed since the subscriber asked last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangedKeys {
    /// Keys outside of `replaced` that were written.
    pub keys: BTreeSet<Key>,
    /// Ranges that were cleared, or in which too much changed: any key in there may be another.
    pub replaced: RangeSet,
}

impl ChangedKeys {
    /// Whether nothing has.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.replaced.is_empty()
    }

    /// Adds a range in which anything may have changed.
    pub fn replace(&mut self, range: KeyRange) {
        self.keys.retain(|key| !range.contains(key));
        self.replaced.insert(range);
    }

    /// Adds what changed besides.
    pub fn add(&mut self, others: &ChangedKeys) {
        others.replaced.iter().for_each(|range| self.replace(range));
        others.keys.iter().for_each(|key| self.change(key));
    }

    /// Makes it smaller and coarser: neighbouring keys become ranges, and so do neighbouring ranges if there
    /// are many.
    pub fn condense(&mut self) {
        let keys: Vec<Key> = std::mem::take(&mut self.keys).into_iter().collect();
        for neighbours in keys.chunks(CONDENSED_KEYS) {
            if let (Some(first), Some(last)) = (neighbours.first(), neighbours.last()) {
                self.replaced
                    .insert(KeyRange::new(first.clone(), key_after(last)));
            }
        }
        if self.replaced.range_count() > REPLACED_RANGES_MAX {
            let ranges: Vec<KeyRange> = self.replaced.iter().collect();
            for neighbours in ranges.chunks(CONDENSED_KEYS) {
                if let (Some(first), Some(last)) = (neighbours.first(), neighbours.last()) {
                    self.replaced
                        .insert(KeyRange::new(first.begin.clone(), last.end.clone()));
                }
            }
        }
    }

    /// Adds a key.
    pub fn change(&mut self, key: &Key) {
        if !self.replaced.contains(key) {
            self.keys.insert(key.clone());
        }
    }
}

#[derive(Debug)]
struct Subscribed {
    range: KeyRange,
    changed: ChangedKeys,
    /// Who waits for a change.
    waiting: Option<oneshot::Sender<Result<()>>>,
}

impl Subscribed {
    fn note(&mut self, note: impl FnOnce(&mut ChangedKeys)) {
        note(&mut self.changed);
        if self.changed.keys.len() > CHANGED_KEYS_MAX {
            self.changed.condense();
        }
        if let Some(waiting) = self.waiting.take() {
            let _receiver_gone = waiting.send(Ok(()));
        }
    }
}

/// The subscriptions of an engine.
#[derive(Debug, Default)]
pub(super) struct SubscriptionSet {
    by_id: BTreeMap<SubscriptionId, Subscribed>,
    /// Those of single keys, to be found by their key; all others are looked through.
    of_key: BTreeMap<Key, BTreeSet<SubscriptionId>>,
    of_range: BTreeSet<SubscriptionId>,
    next_id: u64,
}

impl SubscriptionSet {
    pub(super) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Starts to follow a range.
    pub(super) fn add(&mut self, range: KeyRange) -> SubscriptionId {
        self.next_id += 1;
        let id = SubscriptionId(self.next_id);
        if range == KeyRange::of_key(range.begin.clone()) {
            self.of_key.entry(range.begin.clone()).or_default().insert(id);
        } else {
            self.of_range.insert(id);
        }
        let subscribed = Subscribed {
            range,
            changed: ChangedKeys::default(),
            waiting: None,
        };
        self.by_id.insert(id, subscribed);
        id
    }

    /// Whatever is followed may have changed.
    pub(super) fn note_everything(&mut self) {
        for subscribed in self.by_id.values_mut() {
            let range = subscribed.range.clone();
            subscribed.note(|changed| changed.replace(range));
        }
    }

    /// Ends a subscription.
    pub(super) fn remove(&mut self, id: SubscriptionId) {
        self.of_range.remove(&id);
        if let Some(subscribed) = self.by_id.remove(&id)
            && let Some(ids) = self.of_key.get_mut(&subscribed.range.begin)
        {
            ids.remove(&id);
            if ids.is_empty() {
                self.of_key.remove(&subscribed.range.begin);
            }
        }
    }

    /// What has changed since this was asked last.
    pub(super) fn take(&mut self, id: SubscriptionId) -> ChangedKeys {
        self.by_id
            .get_mut(&id)
            .map(|subscribed| std::mem::take(&mut subscribed.changed))
            .unwrap_or_default()
    }

    /// Puts back what was taken and could not be delivered.
    pub(super) fn put_back(&mut self, id: SubscriptionId, taken: &ChangedKeys) {
        if let Some(subscribed) = self.by_id.get_mut(&id) {
            subscribed.note(|changed| changed.add(taken));
        }
    }

    /// Completes when something has changed.
    pub(super) fn changed(&mut self, id: SubscriptionId) -> oneshot::Receiver<Result<()>> {
        let (sender, receiver) = oneshot::channel();
        if let Some(subscribed) = self.by_id.get_mut(&id) {
            if subscribed.changed.is_empty() {
                subscribed.waiting = Some(sender);
            } else {
                let _receiver_is_here = sender.send(Ok(()));
            }
        }
        receiver
    }

    /// Ends every wait with an error.
    pub(super) fn fail_all(&mut self, error: &Error) {
        for subscribed in self.by_id.values_mut() {
            if let Some(waiting) = subscribed.waiting.take() {
                let _receiver_gone = waiting.send(Err(error.clone()));
            }
        }
    }

    /// Notes what applied mutations changed.
    pub(super) fn note<'a>(&mut self, mutations: impl Iterator<Item = &'a Mutation>) {
        if self.by_id.is_empty() {
            return;
        }
        for mutation in mutations {
            match mutation {
                Mutation::Set(key, _) | Mutation::Atomic(_, key, _) => self.note_key(key),
                Mutation::ClearRange(range) => self.note_range(range),
            }
        }
    }

    fn note_key(&mut self, key: &Key) {
        let of_key = self.of_key.get(key).into_iter().flatten();
        for id in of_key.chain(&self.of_range) {
            if let Some(subscribed) = self.by_id.get_mut(id)
                && subscribed.range.contains(key)
            {
                subscribed.note(|changed| changed.change(key));
            }
        }
    }

    fn note_range(&mut self, range: &KeyRange) {
        let bounds = (Bound::Included(&*range.begin), Bound::Excluded(&*range.end));
        let of_key = self.of_key.range::<[u8], _>(bounds).flat_map(|(_, ids)| ids);
        for id in of_key.chain(&self.of_range) {
            let Some(subscribed) = self.by_id.get_mut(id) else {
                continue;
            };
            let part = KeyRange {
                begin: range.begin.clone().max(subscribed.range.begin.clone()),
                end: range.end.clone().min(subscribed.range.end.clone()),
            };
            if part == KeyRange::of_key(part.begin.clone()) {
                subscribed.note(|changed| changed.change(&part.begin));
            } else if !part.is_empty() {
                subscribed.note(|changed| changed.replace(part));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_backlog_becomes_ranges_that_hold_every_changed_key() {
        let mut set = SubscriptionSet::default();
        let everything = KeyRange::new([].as_slice(), [0xff].as_slice());
        let id = set.add(everything);
        let key = |number: u32| -> Key { number.to_be_bytes().as_slice().into() };
        for number in 0..300_000 {
            let set_key = Mutation::Set(key(number * 7), [].as_slice().into());
            set.note([&set_key].into_iter());
        }
        let changed = set.take(id);
        assert!(changed.keys.len() <= CHANGED_KEYS_MAX);
        assert!(changed.replaced.range_count() <= REPLACED_RANGES_MAX + CHANGED_KEYS_MAX / CONDENSED_KEYS);
        for number in 0..300_000 {
            let key = key(number * 7);
            assert!(
                changed.keys.contains(&key) != changed.replaced.contains(&key),
                "{number}"
            );
        }
        assert!(
            !changed.replaced.contains(&key(300_001 * 7)),
            "what did not change is left out"
        );
    }
}
