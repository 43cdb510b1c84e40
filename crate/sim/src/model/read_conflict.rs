//! The read conflict ranges that reads add, before own writes trim them: FoundationDB's rules, step by
//! step.

use plinth_core::words::{Key, KeyRange, KeySelector, SYSTEM_KEY_SPACE_END, key_after};

use super::view::{RangeAnswer, Resolved, normalized};

/// Of `get_key`.
pub(super) fn of_key(selector: &KeySelector, resolved: &Resolved, space_end: &[u8]) -> KeyRange {
    let (base, offset) = normalized(selector);
    if offset <= 0 {
        KeyRange::new(resolved.key.clone(), base)
    } else if resolved.is_over {
        KeyRange::new(base, space_end)
    } else {
        KeyRange::new(base, key_after(&resolved.key))
    }
}

/// Of `get_range` in ascending order.
pub(super) fn of_range_forward(
    begin: &KeySelector,
    end: &KeySelector,
    answer: &RangeAnswer,
    space_end: &[u8],
) -> KeyRange {
    let ((bk, begin_offset), (ek, end_offset)) = (normalized(begin), normalized(end));
    let more = answer.rows.more;
    let (mut lo, mut hi) = ((&bk).min(&ek).clone(), (&bk).max(&ek).clone());
    if bk < ek && end_offset >= 1 && more {
        hi = bk;
    }
    if answer.is_under && begin_offset <= 0 {
        lo = Key::default();
    }
    if answer.is_over && end_offset >= 1 && !more {
        hi = space_end.into();
    }
    if let (Some((first, _)), Some((last, _))) = (answer.rows.rows.first(), answer.rows.rows.last()) {
        if begin_offset <= 0 {
            lo = lo.min(first.clone());
        }
        if hi <= *last {
            hi = key_after(last);
        }
    }
    KeyRange::new(lo, hi)
}

/// Of `get_range` in descending order.
pub(super) fn of_range_reverse(
    begin: &KeySelector,
    end: &KeySelector,
    answer: &RangeAnswer,
    space_end: &[u8],
) -> KeyRange {
    let ((bk, begin_offset), (ek, end_offset)) = (normalized(begin), normalized(end));
    let more = answer.rows.more;
    let (mut lo, mut hi) = ((&bk).min(&ek).clone(), (&bk).max(&ek).clone());
    if bk < ek && begin_offset <= 1 && more {
        lo = ek;
    }
    if answer.is_under && begin_offset <= 0 && !more {
        lo = Key::default();
    }
    if answer.is_over && end_offset >= 1 {
        hi = space_end.into();
    }
    if let (Some((largest, _)), Some((smallest, _))) = (answer.rows.rows.first(), answer.rows.rows.last()) {
        lo = lo.min(smallest.clone());
        if end_offset >= 1 && hi <= *largest {
            hi = key_after(largest);
        }
    }
    KeyRange::new(lo, hi)
}

/// Of `get_range` of a transaction that does not read its own writes: the rules of the layer below.
pub(super) fn of_range_below(
    begin: &KeySelector,
    end: &KeySelector,
    answer: &RangeAnswer,
    is_reverse: bool,
) -> KeyRange {
    let ((bk, begin_offset), (ek, end_offset)) = (normalized(begin), normalized(end));
    let more = answer.rows.more;
    let keys = || answer.rows.rows.iter().map(|(key, _)| key);
    let is_begin_key = begin_offset >= 1 && (!is_reverse || !more || begin_offset > 1);
    let mut lo = match keys().min() {
        _ if answer.is_under => Key::default(),
        Some(smallest) if !is_begin_key => smallest.clone(),
        _ => bk.clone(),
    };
    if end_offset > begin_offset && ek < lo {
        lo = ek.clone();
    }
    let is_end_key = end_offset <= 1 && (is_reverse || !more || end_offset <= 0);
    let mut hi = match keys().max() {
        _ if answer.is_over => SYSTEM_KEY_SPACE_END.into(),
        Some(largest) if !is_end_key => key_after(largest),
        _ => ek,
    };
    if begin_offset < end_offset && bk > hi {
        hi = bk;
    }
    KeyRange::new(lo, hi)
}

/// A range read that is empty because of what was asked for, whatever the database holds: it adds
/// nothing.
pub(super) fn is_inverted(begin: &KeySelector, end: &KeySelector) -> bool {
    let ((bk, begin_offset), (ek, end_offset)) = (normalized(begin), normalized(end));
    begin_offset >= end_offset && bk >= ek
}
