//! FoundationDB's FuzzApiCorrectness: random calls with wild arguments raise exactly the error that the rules
//! demand, or none. Nothing is committed.

use std::rc::Rc;

use fastrand::Rng;
use plinth_core::words::{KeySelector, LocalFuture, RangeOptions, StreamingMode, TransactionOption};
use plinth_core::{Error, ErrorCode, Result, Transaction};

use super::{Client, Workload};
use crate::draw::index_in;
use crate::scenario::{Recorded, Stage};
use crate::simulated_storage::SimulatedStorage;

const NAME: &str = "fuzz-api";
const CALLS: u32 = 12;

type Tn = Rc<Transaction<SimulatedStorage>>;

pub(super) struct FuzzApi;

fn code<T>(result: Result<T>) -> Option<ErrorCode> {
    result.err().as_ref().map(Error::code)
}

fn pick(random: &mut Rng, numbers: &[i32]) -> i32 {
    let index = index_in(random, ..numbers.len());
    numbers.get(index).copied().unwrap_or_default()
}

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
        _ => (0..index_in(random, 1..4)).map(|_| random.u8(..) % 254).collect(),
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
            let place = pick(random, &[0, 1, 5, -1, i32::MAX, i32::MIN]);
            [&vec![0; index_in(random, 8..16)], place.to_le_bytes().as_slice()].concat()
        }
        _ => vec![1; index_in(random, ..20)],
    }
}

fn wild_selector(random: &mut Rng) -> KeySelector {
    KeySelector {
        key: wild_bound(random).into(),
        or_equal: random.bool(),
        offset: pick(random, &[1, 1, 0, -1, 2, i32::MAX, i32::MIN, -20]),
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
        let place = template
            .last_chunk()
            .map_or(-1, |place| i32::from_le_bytes(*place));
        place >= 0 && place as usize + 10 <= template.len() - 4
    };
    (!has_place).then_some(ErrorCode::ClientInvalidOperation)
}

/// Makes a random call; gives what was called, what it raised, and what it may raise.
async fn wild_call(random: &mut Rng, access: Access, tn: &Tn) -> (String, Option<ErrorCode>, Expected) {
    let (key, value) = (wild_key(random), wild_value(random));
    let shown = |name: &str, one: &[u8], other: &[u8]| {
        let some = |bytes: &[u8]| {
            format!(
                "{}… ({})",
                bytes
                    .iter()
                    .take(20)
                    .map(|byte| byte.escape_ascii().to_string())
                    .collect::<String>(),
                bytes.len()
            )
        };
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
    if found_mode.is_ok() != is_mode {
        let wrong = format!("StreamingMode::from_number({mode}, {iteration})");
        return (
            wrong,
            found_mode.err().map(|error| error.code()),
            vec![ErrorCode::ClientInvalidOperation],
        );
    }
    let options = RangeOptions {
        limit: index_in(random, ..2),
        target_bytes: index_in(random, ..2),
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

/// What any call may fail with in a world like this.
fn is_of_this_world(code: ErrorCode) -> bool {
    // An engine that trapped says that of itself.
    matches!(
        code,
        ErrorCode::IoError
            | ErrorCode::TransactionTooOld
            | ErrorCode::OperationCancelled
            | ErrorCode::InternalError
    )
}

/// Makes some wild calls; gives the first whose error is not the one that the rules demand, and how many were
/// refused.
async fn wild_calls(random: &mut Rng, tn: &Tn, is_usable: &dyn Fn() -> bool) -> (Option<String>, u64) {
    let mut access = Access {
        read_end: b"\xff",
        write_end: b"\xff",
    };
    let option = match random.u8(..3) {
        0 => None,
        1 => {
            access.read_end = b"\xff\xff";
            Some(TransactionOption::ReadSystemKeys)
        }
        _ => {
            (access.read_end, access.write_end) = (b"\xff\xff", b"\xff\xff");
            Some(TransactionOption::AccessSystemKeys)
        }
    };
    if let Some(option) = option
        && let Err(error) = tn.set_option(option.number(), b"")
    {
        return (Some(format!("set_option: {error}")), 0);
    }
    let mut refused = 0;
    for _ in 0..CALLS {
        let (call, found, expected) = wild_call(random, access, tn).await;
        let is_right = match found {
            None => expected.is_empty(),
            Some(found) if is_of_this_world(found) => return (None, refused),
            // The versionstamps of earlier calls are in the way of reads.
            Some(ErrorCode::AccessedUnreadable) => expected.is_empty() && call.starts_with("get"),
            Some(found) => expected.contains(&found),
        };
        if !is_right && !is_usable() {
            // Closed meanwhile, or trapped: that is what is told.
            return (None, refused);
        }
        if !is_right {
            let wrong = format!("{access:?}, {call}: expected {expected:?}, found {found:?}");
            return (Some(wrong), refused);
        }
        refused += u64::from(found.is_some());
    }
    (None, refused)
}

impl Workload for FuzzApi {
    fn clients(&self) -> u64 {
        1
    }

    fn client(self: Rc<Self>, stage: Rc<Stage>, client: Client) -> LocalFuture<()> {
        Box::pin(async move {
            for _ in 0..client.steps {
                let peer = client.next_peer(&stage).await;
                let seed = stage.world().random_u64();
                let judge = Rc::clone(&stage);
                let engine = Rc::clone(peer.database.engine());
                let is_usable = move || engine.check_usable().is_ok();
                let body = async move |tn: &Recorded| {
                    let (wrong, refused) = wild_calls(&mut Rng::with_seed(seed), tn.raw(), &is_usable).await;
                    if let Some(wrong) = wrong {
                        judge.violate(wrong);
                    }
                    if refused > 0 {
                        judge.cluster().note("a wild call was refused");
                    }
                    // As a failure of the body: the transaction is not committed.
                    Err::<(), Error>(ErrorCode::ClientInvalidOperation.into())
                };
                let _never_committed = stage.attempt(NAME, &peer, stage.options(), body).await;
            }
        })
    }
}
