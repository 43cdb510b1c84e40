//! Which read conflict ranges a read adds: those outside of which nothing could have changed its answer.
//!
//! FoundationDB's rules of its read-your-writes layer, for normalized selectors. `lo` and `hi` are the
//! ends of the range; what the transaction itself decides is cut out afterwards.

use super::merged_range::Resolved;
use crate::words::{KEY_SPACE_END, Key, KeyRange, KeySelector, RangeRows, key_after};

/// The range that `get_key` depends on: from the selector's key to the key it found.
pub(super) fn of_selector(selector: &KeySelector, resolved: &Resolved) -> KeyRange {
    if selector.offset <= 0 {
        return KeyRange {
            begin: resolved.key.clone(),
            end: selector.key.clone(),
        };
    }
    let end = if resolved.is_past_last {
        KEY_SPACE_END.into()
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
                hi = KEY_SPACE_END.into();
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
                hi = KEY_SPACE_END.into();
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
}

/// `end`, or as far as to include `key`.
fn past(end: Key, key: &Key) -> Key {
    if end <= *key { key_after(key) } else { end }
}
