//! Special keys: what begins with `ffff` is computed, not stored.
//!
//! | keys | rows |
//! |---|---|
//! | `ffff/transaction/read_conflict_range/` | the read conflict ranges: begin -> `1`, end -> `0` |
//! | `ffff/transaction/write_conflict_range/` | the write conflict ranges, likewise |
//! | `ffff/transaction/conflicting_keys/` | what the last conflict was about, with `report_conflicting_keys` |
//! | `ffff/cluster_id` | the database's id, in hexadecimal digits |
//!
//! Reading them adds no conflict and works after the commit. A range read must stay inside one module,
//! unless `special_key_space_relaxed` is set.

use std::rc::Rc;

use super::attempt::Attempt;
use super::legal::is_special_range;
use super::merged_range::BatchLimits;
use super::read::Read;
use super::transaction::Transaction;
use crate::pure::RangeSet;
use crate::storage::Storage;
use crate::words::{
    ErrorCode, Key, KeySelector, RangeOptions, RangeRow, RangeRows, Result, Value, key_after,
};

const READ_CONFLICT_RANGE: &[u8] = b"\xff\xff/transaction/read_conflict_range/";
const WRITE_CONFLICT_RANGE: &[u8] = b"\xff\xff/transaction/write_conflict_range/";
const CONFLICTING_KEYS: &[u8] = b"\xff\xff/transaction/conflicting_keys/";
const CLUSTER_ID: &[u8] = b"\xff\xff/cluster_id";

/// Begin and end of each module, ascending.
const MODULES: [(&[u8], &[u8]); 2] = [
    (CLUSTER_ID, b"\xff\xff/cluster_id\0"),
    (b"\xff\xff/transaction/", b"\xff\xff/transaction0"),
];

/// Whether a range read is one of special keys.
pub(super) fn are_asked_for(begin: &KeySelector, end: &KeySelector) -> bool {
    is_special_range(&begin.key, &end.key)
}

/// The value of a special key.
pub(super) fn get<S: Storage>(transaction: &Transaction<S>, key: &[u8]) -> Read<Option<Value>> {
    let begin = KeySelector::first_greater_or_equal(key);
    let end = KeySelector::first_greater_or_equal(key_after(key));
    let rows = get_range(transaction, &begin, &end, RangeOptions::default());
    let value = |rows: RangeRows| rows.rows.into_iter().next().map(|(_, value)| value);
    match rows {
        Read::Ready(rows) => Read::Ready(rows.map(value)),
        Read::Pending(rows) => Read::Pending(Box::pin(async move { rows.await.map(value) })),
    }
}

/// The rows of a range of special keys.
pub(super) fn get_range<S: Storage>(
    transaction: &Transaction<S>,
    begin: &KeySelector,
    end: &KeySelector,
    options: RangeOptions,
) -> Read<RangeRows> {
    let attempt = transaction.attempt();
    let (begin, end) = (begin.normalized(), end.normalized());
    let checked = attempt
        .check_not_ended()
        .and_then(|()| attempt.check_not_deferred())
        .and_then(|()| check_modules(&attempt, &begin.key, &end.key))
        .and_then(|()| options.bytes_max());
    let limits = match checked {
        Err(error) => return Read::Ready(Err(error)),
        Ok(bytes) => BatchLimits {
            rows: options.limit,
            bytes,
            reverse: options.reverse,
        },
    };
    if begin.offset >= end.offset && begin.key >= end.key {
        return Read::Ready(Ok(RangeRows::default()));
    }
    let conflicting_keys = Rc::clone(&transaction.conflicting_keys);
    let database_id = transaction.engine.database_id();
    let answer = move |attempt: &Attempt<S>| {
        let rows = all_rows(attempt, &conflicting_keys.borrow(), &database_id);
        select(&rows, &begin, &end, limits)
    };
    // The conflict ranges of reads still on their way are not known.
    if attempt.outstanding_reads() == 0 {
        return Read::Ready(Ok(answer(&attempt)));
    }
    Read::Pending(Box::pin(async move {
        // Whether they failed is for those who issued them.
        let _failed_reads_too = attempt.reads_done().await;
        attempt.check_not_ended()?;
        Ok(answer(&attempt))
    }))
}

fn check_modules<S: Storage>(attempt: &Attempt<S>, begin: &[u8], end: &[u8]) -> Result<()> {
    if attempt.options().borrow().special_keys_relaxed {
        return Ok(());
    }
    let module = MODULES
        .iter()
        .find(|module| (module.0..module.1).contains(&begin));
    match module {
        None => Err(ErrorCode::SpecialKeysNoModuleFound.into()),
        Some((_, module_end)) if end > *module_end => Err(ErrorCode::SpecialKeysCrossModuleRead.into()),
        Some(_) => Ok(()),
    }
}

/// Every special row, ascending.
fn all_rows<S: Storage>(
    attempt: &Attempt<S>,
    conflicting_keys: &RangeSet,
    database_id: &[u8; 16],
) -> Vec<RangeRow> {
    let digits: String = database_id.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut rows = vec![(CLUSTER_ID.into(), digits.as_bytes().into())];
    rows.extend(boundaries(CONFLICTING_KEYS, conflicting_keys));
    rows.extend(boundaries(READ_CONFLICT_RANGE, attempt.read_conflicts().ranges()));
    rows.extend(boundaries(WRITE_CONFLICT_RANGE, &attempt.write_conflicts()));
    rows
}

fn boundaries(prefix: &[u8], ranges: &RangeSet) -> Vec<RangeRow> {
    let row = |key: &[u8], value: &[u8]| -> RangeRow { ([prefix, key].concat().into(), value.into()) };
    ranges
        .iter()
        .flat_map(|range| [row(&range.begin, b"1"), row(&range.end, b"0")])
        .collect()
}

/// The rows between two selectors, which count among these rows only.
fn select(rows: &[RangeRow], begin: &KeySelector, end: &KeySelector, limits: BatchLimits) -> RangeRows {
    let place = |selector: &KeySelector| -> usize {
        let before = rows.partition_point(|(key, _): &(Key, Value)| *key < selector.key);
        let place = before as i64 + i64::from(selector.offset) - 1;
        usize::try_from(place).unwrap_or_default().min(rows.len())
    };
    let (first, past) = (place(begin), place(end));
    let mut selected: Vec<RangeRow> = rows
        .get(first..past)
        .map(<[RangeRow]>::to_vec)
        .unwrap_or_default();
    if limits.reverse {
        selected.reverse();
    }
    limits.cut(selected)
}
