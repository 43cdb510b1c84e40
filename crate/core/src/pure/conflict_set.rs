//! Which keys were written when, for as long as a transaction may be old: the resolver's memory.
//!
//! A log-structured step function over the key space. Each insertion becomes a sorted run of disjoint
//! spans; a run is merged into the one before it once it has half its size, so there are O(log n) runs
//! and an insertion costs O(log n) sequential steps per span. Runs that would be too long for a merge in one
//! task stay as they are. Of two spans that overlap the newer one stays, since it has the larger version. A
//! query is two binary searches and a range maximum per run that is newer than the version in question.
//!
//! Example: after writing `[b,d)` at 5 and `[c,e)` at 9 the steps are `b -> 5, c -> 9, e -> 0`. A
//! transaction that read `[a,c)` at version 6 passes, at 4 it conflicts.

use crate::words::{Key, KeyRange, Version, key_after};

/// No run becomes longer by merging.
const RUN_SPANS_MAX: usize = 8_192;

/// Keys that were written: a single one, or a range. A single key is so common that it does without
/// the allocation of its successor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenKeys {
    begin: Key,
    /// `None` for just the key `begin`.
    end: Option<Key>,
}

impl WrittenKeys {
    /// Just this key.
    pub fn key(key: Key) -> WrittenKeys {
        WrittenKeys {
            begin: key,
            end: None,
        }
    }

    /// The keys of a range.
    pub fn range(range: KeyRange) -> WrittenKeys {
        WrittenKeys {
            begin: range.begin,
            end: Some(range.end),
        }
    }

    fn is_empty(&self) -> bool {
        self.end.as_ref().is_some_and(|end| *end <= self.begin)
    }

    /// Whether a key at or after `key` is among them.
    fn reaches(&self, key: &[u8]) -> bool {
        // Just `begin` ends at its successor, and `key < begin 00` says `key <= begin`.
        self.end.as_ref().map_or(&*self.begin >= key, |end| &**end > key)
    }

    fn into_end(self) -> Key {
        self.end.unwrap_or_else(|| key_after(&self.begin))
    }

    /// Whether the other one ends after this one.
    fn ends_before_end_of(&self, other: &WrittenKeys) -> bool {
        match &self.end {
            Some(end) => other.reaches(end),
            None => other.reaches(&key_after(&self.begin)),
        }
    }
}

#[derive(Clone, Debug)]
struct Span {
    keys: WrittenKeys,
    version: Version,
}

/// Disjoint spans in ascending order, with maxima of their versions.
#[derive(Clone, Debug)]
struct Run {
    spans: Vec<Span>,
    /// A segment tree: the leaf of span `i` is at `count + i`, the parent of `i` at `i / 2`.
    maxima: Vec<Version>,
}

impl Run {
    fn new(spans: Vec<Span>) -> Run {
        let count = spans.len();
        let mut maxima = vec![Version::ZERO; count];
        maxima.extend(spans.iter().map(|span| span.version));
        for parent in (1..count).rev() {
            if let Some(&[left, right]) = maxima.get(2 * parent..2 * parent + 2)
                && let Some(place) = maxima.get_mut(parent)
            {
                *place = left.max(right);
            }
        }
        Run { spans, maxima }
    }

    fn newest(&self) -> Version {
        // The root of the tree; a single span is its own root at place 1.
        self.maxima.get(1).copied().unwrap_or_default()
    }

    fn newest_in(&self, range: &KeyRange) -> Version {
        let count = self.spans.len();
        let first = self
            .spans
            .partition_point(|span| !span.keys.reaches(&range.begin));
        let last = self.spans.partition_point(|span| span.keys.begin < range.end);
        let (mut left, mut right) = (count + first, count + last.max(first));
        let mut newest = Version::ZERO;
        while left < right {
            if left % 2 == 1 {
                newest = newest.max(self.maxima.get(left).copied().unwrap_or_default());
                left += 1;
            }
            if right % 2 == 1 {
                right -= 1;
                newest = newest.max(self.maxima.get(right).copied().unwrap_or_default());
            }
            left /= 2;
            right /= 2;
        }
        newest
    }

    /// Both runs in one: where they overlap, what `newer` says. Spans at or before `horizon` go.
    fn merge(self, newer: Run, horizon: Version) -> Run {
        let mut merged = Vec::with_capacity(self.spans.len() + newer.spans.len());
        let mut older = self.spans.into_iter().filter(|span| span.version > horizon);
        let mut current = older.next();
        for span in newer.spans.into_iter().filter(|span| span.version > horizon) {
            while let Some(mut old) = current.take() {
                if !old.keys.reaches(&span.keys.begin) {
                    merged.push(old);
                } else if !span.keys.reaches(&old.keys.begin) {
                    current = Some(old);
                    break;
                } else {
                    if old.keys.begin < span.keys.begin {
                        let head = KeyRange {
                            begin: old.keys.begin.clone(),
                            end: span.keys.begin.clone(),
                        };
                        merged.push(Span {
                            keys: WrittenKeys::range(head),
                            version: old.version,
                        });
                    }
                    if span.keys.ends_before_end_of(&old.keys) {
                        old.keys = WrittenKeys::range(KeyRange {
                            begin: span.keys.clone().into_end(),
                            end: old.keys.into_end(),
                        });
                        current = Some(old);
                        break;
                    }
                }
                current = older.next();
            }
            merged.push(span);
        }
        merged.extend(current);
        merged.extend(older);
        Run::new(merged)
    }
}

/// Write conflict ranges by version.
#[derive(Clone, Debug)]
pub struct ConflictSet {
    /// Oldest first; each about half as long as the one before it, or less, up to the longest ones.
    runs: Vec<Run>,
    run_spans_max: usize,
    horizon: Version,
}

impl Default for ConflictSet {
    fn default() -> ConflictSet {
        ConflictSet::of_runs(RUN_SPANS_MAX)
    }
}

impl ConflictSet {
    /// A history without writes.
    pub fn new() -> ConflictSet {
        ConflictSet::default()
    }

    fn of_runs(run_spans_max: usize) -> ConflictSet {
        ConflictSet {
            runs: Vec::new(),
            run_spans_max,
            horizon: Version::ZERO,
        }
    }

    /// How many spans of keys the history holds.
    pub fn span_count(&self) -> usize {
        self.runs.iter().map(|run| run.spans.len()).sum()
    }

    /// Remembers that these keys, in any order, were written at `version`, which is at least as new as
    /// every version inserted before.
    pub fn insert(&mut self, written: impl Iterator<Item = WrittenKeys>, version: Version) {
        let mut keys: Vec<WrittenKeys> = written.filter(|keys| !keys.is_empty()).collect();
        if keys.is_empty() {
            return;
        }
        if !keys.is_sorted_by(|one, next| one.begin <= next.begin) {
            keys.sort_by(|one, other| one.begin.cmp(&other.begin));
        }
        let mut spans: Vec<Span> = Vec::with_capacity(keys.len());
        for keys in keys {
            match spans.last_mut() {
                Some(last) if last.keys.reaches(&keys.begin) => {
                    if last.keys.ends_before_end_of(&keys) {
                        last.keys.end = Some(keys.into_end());
                    }
                }
                _ => spans.push(Span { keys, version }),
            }
        }
        let mut newest = Run::new(spans);
        while let Some(last) = self.runs.pop_if(|last| {
            let (last, newest) = (last.spans.len(), newest.spans.len());
            last <= 2 * newest && last + newest <= self.run_spans_max
        }) {
            newest = last.merge(newest, self.horizon);
        }
        self.runs.push(newest);
    }

    /// Whether a key of `range` was written after `version`, which is at or after the horizon.
    pub fn is_written_after(&self, range: &KeyRange, version: Version) -> bool {
        !range.is_empty()
            && self
                .runs
                .iter()
                .rev()
                .any(|run| run.newest() > version && run.newest_in(range) > version)
    }

    /// The version at and after which all writes are remembered.
    pub fn horizon(&self) -> Version {
        self.horizon
    }

    /// Forgets writes at or before `horizon`: no transaction that may still commit read before it.
    pub fn forget(&mut self, horizon: Version) {
        self.horizon = self.horizon.max(horizon);
        self.runs.retain(|run| run.newest() > horizon);
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

    fn insert(set: &mut ConflictSet, ranges: &[KeyRange], number: u64) {
        set.insert(ranges.iter().cloned().map(WrittenKeys::range), version(number));
    }

    #[test]
    fn a_write_at_the_read_version_does_not_conflict_and_a_later_one_does() {
        let mut set = ConflictSet::new();
        insert(&mut set, &[range(2, 4)], 5);
        assert!(set.is_written_after(&range(3, 9), version(4)));
        assert!(!set.is_written_after(&range(3, 9), version(5)));
        assert!(!set.is_written_after(&range(4, 9), version(4)));
        assert!(!set.is_written_after(&range(0, 2), version(4)));
    }

    #[test]
    fn a_single_key_is_written_and_its_neighbours_are_not() {
        let mut set = ConflictSet::new();
        set.insert(
            [WrittenKeys::key([5u8].as_slice().into())].into_iter(),
            version(3),
        );
        assert!(set.is_written_after(&range(5, 6), version(2)));
        assert!(!set.is_written_after(&range(4, 5), version(2)));
        assert!(!set.is_written_after(&KeyRange::new([5u8, 0].as_slice(), [6u8].as_slice()), version(2)));
    }

    #[test]
    fn many_small_insertions_leave_few_runs() {
        let mut set = ConflictSet::new();
        for number in 1..=10_000u64 {
            let key = (number.wrapping_mul(7_919) % 10_007).to_be_bytes();
            set.insert(
                [WrittenKeys::key(key.as_slice().into())].into_iter(),
                version(number),
            );
        }
        assert!(set.runs.len() <= 14, "{} runs", set.runs.len());
    }

    #[test]
    fn no_run_becomes_too_long_to_be_merged_in_one_task() {
        let mut set = ConflictSet::new();
        for batch in 1..=100u64 {
            let keys = (0..1_000u64).map(|key| (key * 1_000 + batch).to_be_bytes());
            let written = keys.map(|key| WrittenKeys::key(key.as_slice().into()));
            set.insert(written, version(batch));
        }
        assert_eq!(set.span_count(), 100_000);
        assert!(set.runs.iter().all(|run| run.spans.len() <= RUN_SPANS_MAX));
        assert!(set.runs.len() <= 20, "{} runs", set.runs.len());
        set.forget(version(90));
        assert!(set.span_count() < 20_000, "old runs are forgotten");
    }

    proptest::proptest! {
        #[test]
        fn conflict_set_equals_a_list_of_writes(
            run_spans_max in 2usize..40,
            batches in proptest::collection::vec((proptest::collection::vec((0u8..30, 0u8..33), 1..5), 0u64..3), 1..40),
            probes in proptest::collection::vec((0u8..30, 0u8..30, 0u64..60), 20),
            horizon in 0u64..60,
            forget_at in 0usize..40,
        ) {
            let mut set = ConflictSet::of_runs(run_spans_max);
            let mut model: Vec<(KeyRange, Version)> = Vec::new();
            let mut now = 1;
            let mut forgotten = 0;
            for (index, (writes, step)) in batches.into_iter().enumerate() {
                now += step;
                let written = writes.iter().map(|&(begin, end)| match end {
                    30.. => WrittenKeys::key([begin].as_slice().into()),
                    end => WrittenKeys::range(range(begin, end)),
                });
                set.insert(written, version(now));
                model.extend(writes.iter().map(|&(begin, end)| match end {
                    30.. => (KeyRange::of_key([begin].as_slice().into()), version(now)),
                    end => (range(begin, end), version(now)),
                }));
                if index == forget_at {
                    forgotten = horizon.min(now);
                    set.forget(version(forgotten));
                }
            }
            for (begin, end, read_version) in probes {
                let probe = range(begin, end);
                let read_version = version(read_version.max(forgotten));
                let expected = !probe.is_empty() && model.iter().any(|(write, written)| {
                    !write.is_empty() && write.intersects(&probe) && *written > read_version
                });
                assert_eq!(set.is_written_after(&probe, read_version), expected);
            }
            set.forget(version(now));
            assert_eq!(set.span_count(), 0, "nothing stays for ever");
        }
    }
}
