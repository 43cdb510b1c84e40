//! What the tests of the tuple layer share: random tuples from a seed.

#![allow(
    dead_code,
    clippy::indexing_slicing,
    reason = "each test uses a part; one that panics has failed"
)]

use std::env;

use fastrand::Rng;
use plinth_core::pure::tuple::{Element, Float32, Float64, INTEGER_BYTES_MAX, Integer, Versionstamp};

/// Characters of one to four bytes; zero, which is escaped; the byte order mark, which decoders like to
/// drop; and neighbours that UTF-16 would sort the other way round.
const CHARACTERS: [char; 9] = [
    'a',
    'b',
    '\0',
    '\u{1}',
    'é',
    '\u{feff}',
    '\u{ff5e}',
    '\u{1f525}',
    '\u{10ffff}',
];

const BYTES: [u8; 5] = [0x00, 0x01, 0x7f, 0xfe, 0xff];

/// The seed of a test: `PLINTH_SEED`, or a usual one. Printed, so that a failure shows it.
pub(crate) fn seed() -> u64 {
    let seed = number("PLINTH_SEED", 0);
    println!("PLINTH_SEED={seed}");
    seed
}

/// How often a test tries: `PLINTH_STEPS`, or as usual.
pub(crate) fn steps(usual: u64) -> u64 {
    number("PLINTH_STEPS", usual)
}

fn number(name: &str, usual: u64) -> u64 {
    env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(usual)
}

/// A tuple of elements of all types, a few of them, with a liking for the ends of ranges. Without
/// incomplete versionstamps.
pub(crate) fn tuple(random: &mut Rng) -> Vec<Element> {
    elements(random, 3, 2)
}

/// A tuple that is equal to this one up to some element: the neighbours in whose order mistakes show.
pub(crate) fn neighbour(random: &mut Rng, tuple: &[Element]) -> Vec<Element> {
    let kept = random.usize(0..=tuple.len());
    let mut neighbour = tuple[..kept].to_vec();
    if let (Some(last), true) = (neighbour.last_mut(), random.bool()) {
        match last {
            Element::Nested(inner) => *last = Element::Nested(self::neighbour(random, inner)),
            Element::Bytes(bytes) => bytes.extend(self::bytes(random)),
            Element::Unicode(text) => text.push(random.choice(CHARACTERS).unwrap_or('a')),
            Element::Integer(_) => *last = Element::Integer(integer(random)),
            Element::Float32(float) => *float = Float32::from_bits(float.bits() ^ (1 << random.u32(0..32))),
            Element::Float64(float) => *float = Float64::from_bits(float.bits() ^ (1 << random.u32(0..64))),
            _ => {}
        }
    } else {
        neighbour.extend(elements(random, 2, 1));
    }
    neighbour
}

fn elements(random: &mut Rng, count_max: usize, depth: usize) -> Vec<Element> {
    (0..random.usize(0..=count_max))
        .map(|_| element(random, depth))
        .collect()
}

fn element(random: &mut Rng, depth: usize) -> Element {
    match random.usize(0..14) {
        0 => Element::Null,
        1 => Element::Bytes(bytes(random)),
        2 | 3 => Element::Unicode(text(random)),
        4 | 5 if depth > 0 => Element::Nested(elements(random, 3, depth - 1)),
        6..=8 => Element::Integer(integer(random)),
        9 => Element::Float32(float32(random)),
        10 => Element::Float64(float64(random)),
        11 => Element::Uuid(array(random)),
        12 if random.usize(0..4) == 0 => Element::Versionstamp80(array(random)),
        12 => {
            let mut transaction: [u8; 10] = array(random);
            transaction[0] &= 0x7f;
            Element::Versionstamp(Versionstamp::new(transaction, random.u16(..)))
        }
        _ => Element::Boolean(random.bool()),
    }
}

fn array<const N: usize>(random: &mut Rng) -> [u8; N] {
    std::array::from_fn(|_| byte(random))
}

fn byte(random: &mut Rng) -> u8 {
    if random.bool() {
        random.choice(BYTES).unwrap_or_default()
    } else {
        random.u8(..)
    }
}

fn bytes(random: &mut Rng) -> Vec<u8> {
    (0..random.usize(0..6)).map(|_| byte(random)).collect()
}

fn text(random: &mut Rng) -> String {
    if random.usize(0..8) == 0 {
        // Long enough for codecs that treat short strings apart.
        let count = random.usize(30..150);
        return (0..count).map(|_| random.alphanumeric()).collect();
    }
    (0..random.usize(0..5))
        .filter_map(|_| random.choice(CHARACTERS))
        .collect()
}

/// Integers of every length, and both neighbours of every power of 256.
pub(crate) fn integer(random: &mut Rng) -> Integer {
    let is_negative = random.bool();
    let length = match random.usize(0..40) {
        0 => random.usize(0..=INTEGER_BYTES_MAX),
        1..=9 => random.usize(0..=20),
        _ => random.usize(0..=9),
    };
    let magnitude = match random.usize(0..4) {
        0 => vec![0xff; length],
        1 => {
            let mut power = vec![0; length];
            if let Some(first) = power.first_mut() {
                *first = 1;
            }
            power
        }
        2 => (0..length).map(|_| byte(random)).collect(),
        _ => return Integer::from(random.i64(..) >> random.u32(0..64)),
    };
    Integer::from_magnitude(is_negative, &magnitude).expect("255 bytes at most")
}

fn float32(random: &mut Rng) -> Float32 {
    match random.usize(0..4) {
        0 => Float32::from(random.choice([0.0, -0.0, 1.5, f32::INFINITY]).unwrap_or_default()),
        // NaNs of both signs, quiet and signalling.
        1 => Float32::from_bits(0x7f80_0001 | (random.u32(..) & 0x807f_ffff)),
        _ => Float32::from_bits(random.u32(..)),
    }
}

fn float64(random: &mut Rng) -> Float64 {
    match random.usize(0..5) {
        0 => Float64::from(random.choice([0.0, -0.0, 1.0, f64::INFINITY]).unwrap_or_default()),
        1 => Float64::from_bits(0x7ff0_0000_0000_0001 | (random.u64(..) & 0x800f_ffff_ffff_ffff)),
        2 => Float64::from((random.i64(..) >> random.u32(0..64)) as f64 / 8.0),
        _ => Float64::from_bits(random.u64(..)),
    }
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
