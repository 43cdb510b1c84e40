//! The keys, values and selectors of random programs: few, so that transactions meet, and from the
//! corners of what is legal.

use fastrand::Rng;
use plinth_core::words::{
    AtomicOp, KEY_BYTES_MAX, Key, KeySelector, RangeOptions, SYSTEM_KEY_SPACE_END, StreamingMode, Value,
};

use crate::draw::index_in;

/// A random key that can be stored, read and cleared.
pub(super) fn key(random: &mut Rng) -> Key {
    const USUAL: [&[u8]; 12] = [
        b"",
        b"a",
        b"a\0",
        b"b",
        b"bb",
        b"c",
        b"d",
        b"e",
        b"s5",
        b"\xfe",
        b"\xfe\xff",
        b"\xfe\xff\xff\xff",
    ];
    match random.u8(..) {
        0 => return vec![b'b'; KEY_BYTES_MAX].into(),
        // Legal with an option only.
        1..=6 => return b"\xff/x".as_slice().into(),
        _ => {}
    }
    let index = index_in(random, ..USUAL.len());
    USUAL.get(index).copied().unwrap_or_default().into()
}

/// A key that may be looked for, though nobody can have stored it.
pub(super) fn sought_key(random: &mut Rng) -> Key {
    match random.u8(..64) {
        0 => vec![b'b'; KEY_BYTES_MAX + 1].into(),
        1 => vec![b'b'; KEY_BYTES_MAX + 7].into(),
        2 => b"s\0\0\0\0\0\0\0\0\0\0".as_slice().into(),
        3 => [b"s".as_slice(), &[0xff; 10]].concat().into(),
        _ => key(random),
    }
}

/// A key to be cleared by itself.
pub(super) fn cleared_key(random: &mut Rng) -> Key {
    match random.u8(..64) {
        0 => vec![b'b'; KEY_BYTES_MAX + 1].into(),
        _ => key(random),
    }
}

/// The end of a range; the end of the key space among them.
pub(super) fn bound(random: &mut Rng) -> Key {
    if random.u8(..8) == 0 {
        return b"\xff".as_slice().into();
    }
    sought_key(random)
}

/// The end of a range, or of the system keys.
fn range_end(random: &mut Rng) -> Key {
    match random.u8(..24) {
        0 => SYSTEM_KEY_SPACE_END.into(),
        _ => bound(random),
    }
}

/// Two ends in order, mostly of different keys.
pub(super) fn bounds(random: &mut Rng) -> (Key, Key) {
    let (one, other) = (bound(random), range_end(random));
    if one <= other { (one, other) } else { (other, one) }
}

pub(super) fn value(random: &mut Rng) -> Value {
    match random.u16(..600) {
        0 => vec![7; 60_000].into(),
        1..=8 => vec![7; 200].into(),
        _ => (0..index_in(random, ..4)).map(|_| random.u8(..3) * 127).collect(),
    }
}

pub(super) fn op(random: &mut Rng) -> AtomicOp {
    let index = index_in(random, ..AtomicOp::ALL.len());
    AtomicOp::ALL.get(index).copied().unwrap_or(AtomicOp::Add)
}

/// The template of a versionstamped key: few, all around the key `s5`.
pub(super) fn key_template(random: &mut Rng) -> Key {
    let tail: &[u8] = if random.bool() { b"" } else { b"z" };
    [b"s".as_slice(), &[0; 10], tail, &[1, 0, 0, 0]].concat().into()
}

pub(super) fn value_template(random: &mut Rng) -> Value {
    let place = random.u8(..3);
    [[b'-'; 13].as_slice(), &[place, 0, 0, 0]].concat().into()
}

pub(super) fn selector(random: &mut Rng) -> KeySelector {
    let key = bound(random);
    selector_from(random, key)
}

/// As [`selector`], and from the end of the system keys.
pub(super) fn end_selector(random: &mut Rng) -> KeySelector {
    let key = range_end(random);
    selector_from(random, key)
}

fn selector_from(random: &mut Rng, key: Key) -> KeySelector {
    if random.bool() {
        return KeySelector::first_greater_or_equal(key);
    }
    KeySelector {
        key,
        or_equal: random.bool(),
        offset: random.i32(-3..5),
    }
}

pub(super) fn range_options(random: &mut Rng) -> RangeOptions {
    let limit = index_in(random, ..4);
    let mode = match random.u8(..8) {
        0 if limit > 0 => StreamingMode::Exact,
        1 => StreamingMode::Small,
        2 => StreamingMode::Medium,
        3 => StreamingMode::Iterator(random.i32(1..12)),
        4 => StreamingMode::Large,
        5 => StreamingMode::Serial,
        _ => StreamingMode::WantAll,
    };
    RangeOptions {
        limit,
        target_bytes: if random.u8(..4) == 0 {
            index_in(random, 1..40)
        } else {
            0
        },
        mode,
        reverse: random.bool(),
        snapshot: random.u8(..4) == 0,
    }
}
