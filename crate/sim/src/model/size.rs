//! What a transaction weighs: what its size limit is compared with at the commit.
//!
//! The rules say what a mutation and a conflict range weigh, and leave open how much writes of one key
//! and neighbouring ranges are put together before. So there is a least and a largest size; where
//! nothing can be put together they are the same.

use plinth_core::words::{CONFLICT_RANGE_OVERHEAD_BYTES, KeyRange, MUTATION_OVERHEAD_BYTES};

use super::key_program::{Base, Step};
use super::own_writes::{OwnWrite, OwnWrites};
use super::ranges;

/// The least and the largest size of a transaction with these writes and read conflict ranges.
pub(super) fn bounds(writes: &OwnWrites, reads: &[KeyRange]) -> (u64, u64) {
    let mut calls = 0;
    let mut stamped = Vec::new();
    for write in writes.calls() {
        calls += match write {
            OwnWrite::Set(key, value)
            | OwnWrite::Atomic(_, key, value)
            | OwnWrite::StampedValue(key, value) => mutation(key, value),
            OwnWrite::Clear(range) => mutation(&range.begin, &range.end),
            OwnWrite::StampedKey(template, value, possible) => {
                stamped.push(possible.clone());
                mutation(template, value)
            }
        };
    }
    let conflicts: Vec<KeyRange> = reads.iter().chain(&writes.write_conflicts).cloned().collect();
    // Whether the conflict of a versionstamped key counts before its key is known is left open too.
    let largest = calls + conflicts.iter().chain(&stamped).map(conflict).sum::<u64>();
    let merged = |ranges: &[KeyRange]| ranges::merged(ranges).iter().map(conflict).sum::<u64>();
    let least = least_mutations(writes) + merged(reads) + merged(&writes.write_conflicts);
    (least, largest)
}

/// The writes of each key as far as they cannot be put together. Clears are left out: how they merge
/// with one another, and with sets of what they cleared, is nowhere said.
fn least_mutations(writes: &OwnWrites) -> u64 {
    let has_clear = |write: &OwnWrite| matches!(write, OwnWrite::Clear(_));
    let clears = match writes.calls() {
        [OwnWrite::Clear(only)] => mutation(&only.begin, &only.end),
        calls if calls.iter().any(has_clear) => MUTATION_OVERHEAD_BYTES,
        _ => 0,
    };
    let of_key = |key| {
        let program = writes.program(key);
        let replaces = |step: &Step| matches!(step, Step::Set(_) | Step::Stamped(_));
        // What a later write replaces has no effect, even where it is kept.
        let first = program.steps.iter().rposition(replaces);
        let base = match program.base {
            Base::Known(Some(value)) if first.is_none() => mutation(key, &value),
            Base::Known(_) | Base::Database => 0,
        };
        let step = |step: &Step| match step {
            Step::Set(value) | Step::Atomic(_, value) | Step::Stamped(value) => mutation(key, value),
        };
        let steps = program.steps.iter().skip(first.unwrap_or_default());
        base + steps.map(step).sum::<u64>()
    };
    clears + writes.keys().iter().map(|key| of_key(key)).sum::<u64>()
}

fn mutation(one: &[u8], other: &[u8]) -> u64 {
    (one.len() + other.len()) as u64 + MUTATION_OVERHEAD_BYTES
}

fn conflict(range: &KeyRange) -> u64 {
    (range.begin.len() + range.end.len()) as u64 + CONFLICT_RANGE_OVERHEAD_BYTES
}

#[cfg(test)]
mod tests {
    use plinth_core::words::key_after;

    use super::*;

    #[test]
    fn a_single_set_weighs_its_mutation_and_its_conflict_range() {
        let mut writes = OwnWrites::default();
        let (key, value) = (b"key".as_slice(), b"value".as_slice());
        writes.push(OwnWrite::Set(key.into(), value.into()), true);
        let expected = (3 + 5 + 44) + (3 + 4 + 24);
        assert_eq!(bounds(&writes, &[]), (expected, expected));
        let read = KeyRange::new(key, key_after(b"key"));
        assert_eq!(bounds(&writes, &[read]), (expected + 31, expected + 31));
    }
}
