//! Reads over the database at a version with a transaction's own writes on top: ranges and selectors.
//!
//! Two ordered streams are merged: rows of the version map that the writes leave alone, and the keys
//! that the writes touch. A cleared range is skipped in one step, however many rows it hides. What a
//! versionstamp will change can't be read: `accessed_unreadable` as soon as the answer depends on it.

use std::iter::Peekable;

use crate::pure::{Overlay, VersionMap, WriteMap, evaluate};
use crate::words::{
    AtomicOp, ErrorCode, Key, KeyRange, KeySelector, RangeRow, RangeRows, Result, Value, Version,
};

/// Counted towards a byte limit per row, besides key and value.
const ROW_OVERHEAD_BYTES: usize = 8;

type Rows<'a> = Box<dyn Iterator<Item = (&'a Key, &'a Value)> + 'a>;
type Overlays<'a> = Box<dyn Iterator<Item = (&'a Key, Overlay)> + 'a>;

/// What a transaction sees: the database at its read version, below its own writes.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) map: &'a VersionMap,
    pub(super) version: Version,
    pub(super) writes: &'a WriteMap,
    /// The exclusive top of the keys that it may see.
    pub(super) end: &'static [u8],
}

/// Limits of one batch.
#[derive(Clone, Copy)]
pub(super) struct BatchLimits {
    /// Rows; 0 for no limit.
    pub(super) rows: usize,
    /// Bytes after which the batch stops.
    pub(super) bytes: Option<usize>,
    pub(super) reverse: bool,
}

impl BatchLimits {
    /// As many of these rows as the limits allow.
    pub(super) fn cut(self, rows: Vec<RangeRow>) -> RangeRows {
        let mut batch = Batch::new(self);
        for row in rows {
            if batch.push(row) {
                break;
            }
        }
        batch.rows
    }
}

/// Rows up to their limits.
struct Batch {
    limits: BatchLimits,
    rows: RangeRows,
    bytes: usize,
}

impl Batch {
    fn new(limits: BatchLimits) -> Batch {
        let (rows, bytes) = (RangeRows::default(), 0);
        Batch { limits, rows, bytes }
    }

    /// Adds a row; true if it reached a limit.
    fn push(&mut self, row: RangeRow) -> bool {
        self.bytes += row.0.len() + row.1.len() + ROW_OVERHEAD_BYTES;
        self.rows.rows.push(row);
        let at_row_limit = self.limits.rows != 0 && self.rows.rows.len() >= self.limits.rows;
        let at_byte_limit = self.limits.bytes.is_some_and(|bytes_max| self.bytes >= bytes_max);
        self.rows.more = at_row_limit || at_byte_limit;
        self.rows.more
    }
}

/// Where a selector ended up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resolved {
    pub(super) key: Key,
    /// There were not enough keys before it: `key` is the empty key.
    pub(super) is_before_first: bool,
    /// There were not enough keys after it: `key` is the end of the key space.
    pub(super) is_past_last: bool,
}

impl<'a> View<'a> {
    /// Rows of `range` until its end or a limit.
    pub(super) fn range(&self, range: &KeyRange, limits: BatchLimits) -> Result<RangeRows> {
        let mut merged = MergedRange::new(*self, range, limits.reverse);
        let mut batch = Batch::new(limits);
        while let Some(row) = merged.next_row()? {
            if batch.push(row) {
                break;
            }
        }
        Ok(batch.rows)
    }

    /// Finds the key that a normalized selector selects.
    pub(super) fn resolve(&self, selector: &KeySelector) -> Result<Resolved> {
        let forward = selector.offset >= 1;
        // The offset counts from the last key before the selector's: 1 is the first key from there on,
        // 0 the first one backwards.
        let count = if forward {
            selector.offset.unsigned_abs()
        } else {
            1 + selector.offset.unsigned_abs()
        };
        let range = if forward {
            KeyRange {
                begin: selector.key.clone(),
                end: self.end.into(),
            }
        } else {
            KeyRange {
                begin: [].as_slice().into(),
                end: selector.key.clone(),
            }
        };
        let limits = BatchLimits {
            rows: count as usize,
            bytes: None,
            reverse: !forward,
        };
        let rows = if range.is_empty() {
            RangeRows::default()
        } else {
            self.range(&range, limits)?
        };
        let found = rows.rows.get(count as usize - 1).map(|(key, _)| key.clone());
        let is_missing = found.is_none();
        let end: Key = if forward {
            self.end.into()
        } else {
            [].as_slice().into()
        };
        Ok(Resolved {
            key: found.unwrap_or(end),
            is_before_first: is_missing && !forward,
            is_past_last: is_missing && forward,
        })
    }
}

/// What a transaction's operations on a key make of the stored value.
pub(super) fn apply_operations(stored: Option<Value>, operations: &[(AtomicOp, Value)]) -> Option<Value> {
    operations.iter().fold(stored, |value, (op, operand)| {
        evaluate(*op, value.as_ref(), operand)
    })
}

/// The merge of both streams, in one direction.
struct MergedRange<'a> {
    view: View<'a>,
    base: BaseRows<'a>,
    next_base: Option<RangeRow>,
    own: Peekable<Overlays<'a>>,
    /// The nearest range of keys that may be stamped.
    unreadable: Option<KeyRange>,
    reverse: bool,
}

impl<'a> MergedRange<'a> {
    fn new(view: View<'a>, range: &KeyRange, reverse: bool) -> MergedRange<'a> {
        let own = view.writes.overlays_in(range);
        let own: Overlays<'a> = if reverse {
            Box::new(own.rev())
        } else {
            Box::new(own)
        };
        let unreadable = view.writes.unreadable_parts(range);
        let unreadable = if reverse {
            unreadable.into_iter().next_back()
        } else {
            unreadable.into_iter().next()
        };
        let mut base = BaseRows::new(view, range.clone(), reverse);
        MergedRange {
            view,
            next_base: base.next_row(),
            base,
            own: own.peekable(),
            unreadable,
            reverse,
        }
    }

    fn next_row(&mut self) -> Result<Option<RangeRow>> {
        loop {
            let own_is_first = match (&self.next_base, self.own.peek()) {
                (Some((base_key, _)), Some((own_key, _))) => (*own_key < base_key) != self.reverse,
                (None, Some(_)) => true,
                (_, None) => false,
            };
            let next_key = if own_is_first {
                self.own.peek().map(|(key, _)| *key)
            } else {
                self.next_base.as_ref().map(|(key, _)| key)
            };
            self.check_readable_up_to(next_key)?;
            if !own_is_first {
                let row = self.next_base.take();
                if row.is_some() {
                    self.next_base = self.base.next_row();
                }
                return Ok(row);
            }
            let Some((key, overlay)) = self.own.next() else {
                return Ok(None);
            };
            let value = match overlay {
                Overlay::Set(value) => Some(value),
                Overlay::Dependent(operations) => {
                    apply_operations(self.view.map.get(key, self.view.version).cloned(), &operations)
                }
                Overlay::Unreadable => return Err(ErrorCode::AccessedUnreadable.into()),
                Overlay::Unmodified | Overlay::Cleared => None,
            };
            if let Some(value) = value {
                return Ok(Some((key.clone(), value)));
            }
        }
    }

    /// Fails if keys may be stamped between where the read is and `key`, or its end if there is none.
    fn check_readable_up_to(&self, key: Option<&Key>) -> Result<()> {
        let is_reached = self.unreadable.as_ref().is_some_and(|unreadable| match key {
            None => true,
            Some(key) if self.reverse => *key < unreadable.end,
            Some(key) => *key >= unreadable.begin,
        });
        if is_reached {
            Err(ErrorCode::AccessedUnreadable.into())
        } else {
            Ok(())
        }
    }
}

/// The rows of the database that the writes neither clear nor touch.
struct BaseRows<'a> {
    view: View<'a>,
    rest: KeyRange,
    reverse: bool,
    rows: Rows<'a>,
}

impl<'a> BaseRows<'a> {
    fn new(view: View<'a>, range: KeyRange, reverse: bool) -> BaseRows<'a> {
        let rows = rows(view, &range, reverse);
        BaseRows {
            view,
            rest: range,
            reverse,
            rows,
        }
    }

    fn next_row(&mut self) -> Option<RangeRow> {
        loop {
            let (key, value) = self.rows.next()?;
            if let Some(cleared) = self.view.writes.cleared_range_of(key) {
                if self.reverse {
                    self.rest.end = cleared.begin;
                } else {
                    self.rest.begin = cleared.end;
                }
                self.rows = rows(self.view, &self.rest, self.reverse);
            } else if !self.view.writes.is_written(key) {
                return Some((key.clone(), value.clone()));
            }
        }
    }
}

fn rows<'a>(view: View<'a>, range: &KeyRange, reverse: bool) -> Rows<'a> {
    let rows = view.map.range(range, view.version);
    if reverse {
        Box::new(rows.rev())
    } else {
        Box::new(rows)
    }
}
