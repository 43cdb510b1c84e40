//! Indexes as chance will have them, the same ones from a seed on every machine: `Rng::usize` draws otherwise where
//! pointers have 32 bits, as in WebAssembly.

use std::ops::RangeBounds;

use fastrand::Rng;

/// A random index of a range.
pub(crate) fn index_in(random: &mut Rng, range: impl RangeBounds<usize>) -> usize {
    let [begin, end] = [range.start_bound(), range.end_bound()].map(|bound| bound.map(|&index| index as u64));
    random.u64((begin, end)) as usize
}
