//! Half-open ranges of keys, in the plainest way.

use plinth_core::words::{Key, KeyRange};

/// Whether `begin <= key < end`.
pub(super) fn contains(range: &KeyRange, key: &[u8]) -> bool {
    &*range.begin <= key && key < &*range.end
}

/// Whether a key can be in both.
pub(super) fn intersect(one: &KeyRange, other: &KeyRange) -> bool {
    let (begin, end) = ((&one.begin).max(&other.begin), (&one.end).min(&other.end));
    begin < end
}

/// The same keys in as few ranges as possible, sorted: overlapping and adjacent ones become one.
pub(super) fn merged(ranges: &[KeyRange]) -> Vec<KeyRange> {
    let mut sorted: Vec<KeyRange> = ranges
        .iter()
        .filter(|range| range.begin < range.end)
        .cloned()
        .collect();
    sorted.sort();
    let mut merged: Vec<KeyRange> = Vec::new();
    for range in sorted {
        match merged.last_mut() {
            Some(last) if range.begin <= last.end => last.end = (&last.end).max(&range.end).clone(),
            _ => merged.push(range),
        }
    }
    merged
}

/// From a key to a key; the order may be the wrong one.
pub(super) fn range(begin: &Key, end: &Key) -> KeyRange {
    KeyRange::new(begin.clone(), end.clone())
}
