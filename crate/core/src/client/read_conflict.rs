//! Which read conflict ranges a read adds: those outside of which nothing could have changed its answer.
//!
//! FoundationDB's rules of its read-your-writes layer, for normalized selectors. `lo` and `hi` are the
//! ends of the range; what the transaction itself decides is cut out afterwards.

use super::merged_range::Resolved;
use crate::words::{Key, KeyRange, KeySelector, RangeRows, SYSTEM_KEY_SPACE_END, key_after};

/// The range that `get_key` depends on: from the selector's key to the key it found.
pub(super) fn of_selector(selector: &KeySelector, resolved: &Resolved, space_end: &[u8]) -> KeyRange {
    if selector.offset <= 0 {
        return KeyRange {
            begin: resolved.key.clone(),
            end: selector.key.clone(),
        };
    }
    let end = if resolved.is_past_last {
        space_end.into()
    } else {
        key_after(&resolved.key)
    };
    KeyRange {
        begin: selector.key.clone(),
        end,
    }
}

/// A range read that is done.
pub(super) struct RangeRead<'a> {
    pub(super) begin: &'a KeySelector,
    pub(super) end: &'a KeySelector,
    /// Whether a selector ran off the start of the key space.
    pub(super) is_before_first: bool,
    /// Whether a selector ran off its end.
    pub(super) is_past_last: bool,
    pub(super) rows: &'a RangeRows,
    pub(super) reverse: bool,
    /// The exclusive top of the keys that it may see.
    pub(super) space_end: &'a [u8],
}

impl RangeRead<'_> {
    /// The range that the answer depends on.
    pub(super) fn conflict_range(&self) -> KeyRange {
        let mut lo = (&self.begin.key).min(&self.end.key).clone();
        let mut hi = (&self.begin.key).max(&self.end.key).clone();
        let is_ordered = self.begin.key < self.end.key;
        let more = self.rows.more;
        let (first, last) = (self.rows.rows.first(), self.rows.rows.last());
        if self.reverse {
            if is_ordered && self.begin.offset <= 1 && more {
                lo = self.end.key.clone();
            }
            if self.is_before_first && self.begin.offset <= 0 && !more {
                lo = [].as_slice().into();
            }
            if self.is_past_last && self.end.offset >= 1 {
                hi = self.space_end.into();
            }
            if let (Some((largest, _)), Some((smallest, _))) = (first, last) {
                lo = lo.min(smallest.clone());
                if self.end.offset >= 1 {
                    hi = past(hi, largest);
                }
            }
        } else {
            if is_ordered && self.end.offset >= 1 && more {
                hi = self.begin.key.clone();
            }
            if self.is_before_first && self.begin.offset <= 0 {
                lo = [].as_slice().into();
            }
            if self.is_past_last && self.end.offset >= 1 && !more {
                hi = self.space_end.into();
            }
            if let (Some((smallest, _)), Some((largest, _))) = (first, last) {
                if self.begin.offset <= 0 {
                    lo = lo.min(smallest.clone());
                }
                hi = past(hi, largest);
            }
        }
        KeyRange { begin: lo, end: hi }
    }

    /// As `conflict_range`, by the rules of FoundationDB's layer below: those of transactions that
    /// don't read their own writes.
    pub(super) fn conflict_range_below(&self) -> KeyRange {
        let (begin, end, more) = (self.begin, self.end, self.rows.more);
        let (first, last) = (self.rows.rows.first(), self.rows.rows.last());
        let ends = if self.reverse {
            (last, first)
        } else {
            (first, last)
        };
        let (smallest, largest) = (ends.0.map(|(key, _)| key), ends.1.map(|(key, _)| key));
        let is_begin_exact = begin.offset >= 1 && (!self.reverse || !more || begin.offset > 1);
        let mut lo = match smallest {
            _ if self.is_before_first => [].as_slice().into(),
            Some(smallest) if !is_begin_exact => smallest.clone(),
            _ => begin.key.clone(),
        };
        if end.offset > begin.offset && end.key < lo {
            lo = end.key.clone();
        }
        let is_end_exact = end.offset <= 1 && (self.reverse || !more || end.offset <= 0);
        let mut hi = match largest {
            _ if self.is_past_last => SYSTEM_KEY_SPACE_END.into(),
            Some(largest) if !is_end_exact => key_after(largest),
            _ => end.key.clone(),
        };
        if begin.offset < end.offset && begin.key > hi {
            hi = begin.key.clone();
        }
        KeyRange { begin: lo, end: hi }
    }
}

/// `end`, or as far as to include `key`.
fn past(end: Key, key: &Key) -> Key {
    if end <= *key { key_after(key) } else { end }
}
