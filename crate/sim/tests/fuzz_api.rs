//! FoundationDB's FuzzApiCorrectness: random calls with wild arguments raise exactly the error that the
//! rules demand, or none.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod support;

use fastrand::Rng;
use plinth_core::ErrorCode;
use plinth_core::words::{KeySelector, RangeOptions, StreamingMode, TransactionOption};
use plinth_sim::{Cluster, ClusterOptions, Peer, Simulation, program_seeds};
use support::{Tn, begin, code, set_flag};

const CALLS: u32 = 60;

/// What a transaction may touch.
#[derive(Clone, Copy, Debug)]
struct Access {
    read_end: &'static [u8],
    write_end: &'static [u8],
}

/// The errors that a call may raise; none if it must succeed. More than one only where several rules are
/// broken and nothing says which goes first.
type Expected = Vec<ErrorCode>;

fn wild_key(random: &mut Rng) -> Vec<u8> {
    let long = |byte: u8, length: usize| vec![byte; length];
    match random.u8(..20) {
        0 => Vec::new(),
        1 => long(b'k', 9_999),
        2 => long(b'k', 10_000),
        3 => long(b'k', 10_001),
        4 => long(b'k', 20_000),
        5 => b"\xff".to_vec(),
        6 => b"\xff\0".to_vec(),
        7 => b"\xff/metadataVersion".to_vec(),
        8 => [b"\xff/".as_slice(), &long(b'k', 29_998)].concat(),
        9 => [b"\xff/".as_slice(), &long(b'k', 29_999)].concat(),
        10 => b"\xfe\xff\xff".to_vec(),
        11 => b"\0".to_vec(),
        _ => (0..random.usize(1..4)).map(|_| random.u8(..) % 254).collect(),
    }
}

/// Also keys that only end ranges.
fn wild_bound(random: &mut Rng) -> Vec<u8> {
    match random.u8(..12) {
        0 => b"\xff\xff".to_vec(),
        _ => wild_key(random),
    }
}

fn wild_value(random: &mut Rng) -> Vec<u8> {
    match random.u8(..10) {
        0 => vec![0; 100_000],
        1 => vec![0; 100_001],
        // As long as a versionstamp's template, with all kinds of places.
        2..=5 => {
            let place = [0, 1, 5, -1, i32::MAX, i32::MIN][random.usize(..6)];
            [&vec![0; random.usize(8..16)], place.to_le_bytes().as_slice()].concat()
        }
        _ => vec![1; random.usize(..20)],
    }
}

fn wild_selector(random: &mut Rng) -> KeySelector {
    KeySelector {
        key: wild_bound(random).into(),
        or_equal: random.bool(),
        offset: [1, 1, 0, -1, 2, i32::MAX, i32::MIN, -20][random.usize(..8)],
    }
}

const METADATA_VERSION: &[u8] = b"\xff/metadataVersion";

fn key_bytes_max(key: &[u8]) -> usize {
    if key.starts_with(b"\xff") { 30_000 } else { 10_000 }
}

fn only(error: Option<ErrorCode>) -> Expected {
    error.into_iter().collect()
}

fn read_key(access: Access, key: &[u8]) -> Option<ErrorCode> {
    (key >= access.read_end && key != METADATA_VERSION).then_some(ErrorCode::KeyOutsideLegalRange)
}

fn past(end: &[u8], key: &[u8]) -> Option<ErrorCode> {
    (key > end).then_some(ErrorCode::KeyOutsideLegalRange)
}

fn range(end: &[u8], from: &[u8], to: &[u8]) -> Expected {
    let inverted = (from > to).then_some(ErrorCode::InvertedRange);
    let place = past(end, from).or_else(|| past(end, to));
    place.into_iter().chain(inverted).collect()
}

fn write(access: Access, key: &[u8], value: &[u8]) -> Option<ErrorCode> {
    if key == METADATA_VERSION {
        return Some(ErrorCode::ClientInvalidOperation);
    }
    if key >= access.write_end {
        Some(ErrorCode::KeyOutsideLegalRange)
    } else if key.len() > key_bytes_max(key) {
        Some(ErrorCode::KeyTooLarge)
    } else {
        (value.len() > 100_000).then_some(ErrorCode::ValueTooLarge)
    }
}

/// The rule of templates, as it is written down.
fn stamp(template: &[u8]) -> Option<ErrorCode> {
    let has_place = template.len() >= 14 && {
        let place = i32::from_le_bytes(*template.last_chunk().unwrap());
        place >= 0 && place as usize + 10 <= template.len() - 4
    };
    (!has_place).then_some(ErrorCode::ClientInvalidOperation)
}

/// Makes a random call; gives what was called, what it raised, and what it may raise.
async fn wild_call(random: &mut Rng, access: Access, tn: &Tn) -> (String, Option<ErrorCode>, Expected) {
    let (key, value) = (wild_key(random), wild_value(random));
    let shown = |name: &str, one: &[u8], other: &[u8]| {
        let some = |bytes: &[u8]| format!("{:?}… ({})", &bytes[..bytes.len().min(20)], bytes.len());
        format!("{name}({}, {})", some(one), some(other))
    };
    match random.u8(..14) {
        0 => {
            let found = code(tn.get(&key, random.bool()).await);
            (shown("get", &key, b""), found, only(read_key(access, &key)))
        }
        1 => {
            let selector = wild_selector(random);
            let found = code(tn.get_key(&selector, true).await);
            (
                format!("get_key({selector:?})"),
                found,
                only(past(access.read_end, &selector.key)),
            )
        }
        2 | 3 => wild_range(random, access, tn).await,
        4 => (
            shown("set", &key, &value),
            code(tn.set(&key, &value)),
            only(write(access, &key, &value)),
        ),
        5 | 6 => {
            let number = random.u8(..24);
            let mut expected = only(write(access, &key, &value));
            match number {
                2 | 6..=9 | 12 | 13 | 16..=20 => {}
                14 => {
                    if expected.is_empty() {
                        expected.extend(stamp(&key));
                    }
                }
                15 if key == METADATA_VERSION => {
                    expected = only((value != [0; 14]).then_some(ErrorCode::ClientInvalidOperation));
                }
                15 => {
                    if expected.is_empty() {
                        expected.extend(stamp(&value));
                    }
                }
                _ if expected.first() == Some(&ErrorCode::KeyOutsideLegalRange) => {}
                // The operation is looked at after the place and before the lengths.
                _ if key == METADATA_VERSION => {}
                _ => expected = vec![ErrorCode::InvalidMutationType],
            }
            (
                shown(&format!("atomic {number}"), &key, &value),
                code(tn.atomic_by_number(number, &key, &value)),
                expected,
            )
        }
        7 => {
            let outside = (key.as_slice() >= access.write_end).then_some(ErrorCode::KeyOutsideLegalRange);
            (shown("clear", &key, b""), code(tn.clear(&key)), only(outside))
        }
        8 => {
            let to = wild_bound(random);
            (
                shown("clear_range", &key, &to),
                code(tn.clear_range(&key, &to)),
                range(access.write_end, &key, &to),
            )
        }
        9 => {
            let to = wild_bound(random);
            (
                shown("add_read_conflict_range", &key, &to),
                code(tn.add_read_conflict_range(&key, &to)),
                range(access.read_end, &key, &to),
            )
        }
        10 => {
            let to = wild_bound(random);
            (
                shown("add_write_conflict_range", &key, &to),
                code(tn.add_write_conflict_range(&key, &to)),
                range(access.write_end, &key, &to),
            )
        }
        11 => {
            let too_long = (key.len() > key_bytes_max(&key)).then_some(ErrorCode::KeyTooLarge);
            let expected = read_key(access, &key).or(too_long);
            let watch = tn.watch(&key);
            // A legal one fires, in time or never; only how it is refused is looked at.
            let found = match expected {
                Some(_) => code(watch.await),
                None => None,
            };
            (shown("watch", &key, b""), found, only(expected))
        }
        12 => {
            let to = wild_bound(random);
            let chunk = random.u64(..3);
            let expected = {
                let mut expected = range(access.read_end, &key, &to);
                if chunk == 0 {
                    expected.push(ErrorCode::ClientInvalidOperation);
                }
                expected
            };
            (
                shown("range_split_points", &key, &to),
                code(tn.range_split_points(&key, &to, chunk).await),
                expected,
            )
        }
        _ => {
            let to = wild_bound(random);
            (
                shown("estimated_range_bytes", &key, &to),
                code(tn.estimated_range_bytes(&key, &to).await),
                only((key > to).then_some(ErrorCode::InvertedRange)),
            )
        }
    }
}

async fn wild_range(random: &mut Rng, access: Access, tn: &Tn) -> (String, Option<ErrorCode>, Expected) {
    let (from, to) = (wild_selector(random), wild_selector(random));
    let from = KeySelector {
        // Ranges of special keys have rules of their own.
        key: wild_key(random).into(),
        ..from
    };
    let (mode, iteration) = (random.i32(-4..7), random.i32(-1..3));
    let found_mode = StreamingMode::from_number(mode, iteration);
    let is_mode = (-2..=4).contains(&mode) && (mode != -1 || iteration > 0);
    assert_eq!(found_mode.is_ok(), is_mode, "mode {mode}, iteration {iteration}");
    let options = RangeOptions {
        limit: random.usize(..2),
        target_bytes: random.usize(..2),
        mode: found_mode.unwrap_or_default(),
        reverse: random.bool(),
        snapshot: true,
    };
    let place = past(access.read_end, &from.key).or_else(|| past(access.read_end, &to.key));
    let limitless = options.mode == StreamingMode::Exact && options.limit + options.target_bytes == 0;
    let limitless = limitless.then_some(ErrorCode::ExactModeWithoutLimits);
    let found = code(tn.get_range(&from, &to, options).await);
    (
        format!("get_range({from:?}, {to:?}, {options:?})"),
        found,
        place.into_iter().chain(limitless).collect(),
    )
}

async fn wild_calls(random: &mut Rng, peer: &Peer, seed: u64) -> u32 {
    let tn = begin(peer);
    let mut access = Access {
        read_end: b"\xff",
        write_end: b"\xff",
    };
    match random.u8(..3) {
        0 => {}
        1 => {
            set_flag(&tn, TransactionOption::ReadSystemKeys);
            access.read_end = b"\xff\xff";
        }
        _ => {
            set_flag(&tn, TransactionOption::AccessSystemKeys);
            (access.read_end, access.write_end) = (b"\xff\xff", b"\xff\xff");
        }
    }
    let mut refused = 0;
    for _ in 0..CALLS {
        let (call, found, expected) = wild_call(random, access, &tn).await;
        let is_unreadable = found == Some(ErrorCode::AccessedUnreadable);
        let is_right = match found {
            None => expected.is_empty(),
            // The versionstamps of earlier calls are in the way of reads; that is another test's subject.
            Some(_) if is_unreadable => expected.is_empty() && call.starts_with("get"),
            Some(found) => expected.contains(&found),
        };
        assert!(
            is_right,
            "seed {seed}: {access:?}, {call}: expected {expected:?}, found {found:?}"
        );
        refused += u32::from(found.is_some());
    }
    refused
}

#[test]
fn wild_calls_raise_exactly_the_error_that_the_rules_demand_or_none() {
    let mut refused = 0;
    for seed in program_seeds(500) {
        let world = Simulation::new(seed);
        let cluster = Cluster::new(&world, ClusterOptions::default());
        refused += world.run(async move {
            let mut random = Rng::with_seed(seed);
            let peer = cluster.open().await;
            wild_calls(&mut random, &peer, seed).await
        });
    }
    println!("{refused} calls were refused");
    assert!(refused > 0);
}
