//! Reads over the database at a version with a transaction's own writes on top: ranges and selectors.
//!
//! Two ordered streams are merged: rows of the database that the writes leave alone, and the keys that
//! the writes touch. A cleared range is skipped in one step, however many rows it hides. What a
//! versionstamp will change can't be read: `accessed_unreadable` as soon as the answer depends on it.
//!
//! A walk stops where pages are missing. What it has found and how far it is stays in its [`RangeProgress`],
//! from where the next walk goes on.

use std::iter::Peekable;

use crate::pure::{DatabaseAt, DatabaseRows, Found, Overlay, Wanted, WriteMap, evaluate};
use crate::words::{AtomicOp, ErrorCode, Key, KeyRange, KeySelector, RangeRow, RangeRows, Value, key_after};

/// Counted towards a byte limit per row, besides key and value.
const ROW_OVERHEAD_BYTES: usize = 8;
/// What a walk is taken to want where nothing limits it.
const UNLIMITED: u64 = 1 << 40;

type Overlays<'a> = Box<dyn Iterator<Item = (&'a Key, Overlay)> + 'a>;

/// What a transaction sees: the database at its read version, below its own writes.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) database: &'a DatabaseAt<'a>,
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
        let mut batch = Batch::default();
        for row in rows {
            if batch.push(row, self) {
                break;
            }
        }
        batch.rows
    }
}

/// Rows up to their limits.
#[derive(Debug, Default)]
struct Batch {
    rows: RangeRows,
    bytes: usize,
}

impl Batch {
    /// Adds a row; true if it reached a limit.
    fn push(&mut self, row: RangeRow, limits: BatchLimits) -> bool {
        self.bytes += row.0.len() + row.1.len() + ROW_OVERHEAD_BYTES;
        self.rows.rows.push(row);
        let at_row_limit = limits.rows != 0 && self.rows.rows.len() >= limits.rows;
        let at_byte_limit = limits.bytes.is_some_and(|bytes_max| self.bytes >= bytes_max);
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

/// How far a walk over a range is.
#[derive(Debug, Default)]
pub(super) struct RangeProgress {
    batch: Batch,
    /// The part of the range whose rows in the database were not walked over; all of it at first.
    base_rest: Option<KeyRange>,
    is_done: bool,
}

impl RangeProgress {
    /// The part of `range` that no row was found in yet.
    fn rest(&self, range: &KeyRange, reverse: bool) -> KeyRange {
        let mut rest = range.clone();
        if let Some((key, _)) = self.batch.rows.rows.last() {
            if reverse {
                rest.end = key.clone();
            } else {
                rest.begin = key_after(key);
            }
        }
        rest
    }
}

/// How far the search for a selector's key is.
#[derive(Debug, Default)]
pub(super) struct SelectorProgress {
    walk: RangeProgress,
    resolved: Option<Resolved>,
}

impl View<'_> {
    /// Rows of `range` until its end or a limit. Once it is done, the rows are taken out of `progress`.
    pub(super) fn range(
        &self,
        range: &KeyRange,
        limits: BatchLimits,
        progress: &mut RangeProgress,
    ) -> Found<RangeRows> {
        self.walk(range, limits, false, progress)?;
        Ok(std::mem::take(&mut progress.batch.rows))
    }

    fn walk(
        &self,
        range: &KeyRange,
        limits: BatchLimits,
        keys_only: bool,
        progress: &mut RangeProgress,
    ) -> Found<()> {
        if progress.is_done {
            return Ok(());
        }
        let rest = progress.rest(range, limits.reverse);
        let base_rest = progress.base_rest.take().unwrap_or_else(|| rest.clone());
        let count = progress.batch.rows.rows.len();
        let wanted = Wanted {
            rows: match limits.rows {
                0 => UNLIMITED,
                rows => (rows - count.min(rows)) as u64,
            },
            bytes: limits.bytes.map_or(UNLIMITED, |bytes| {
                bytes.saturating_sub(progress.batch.bytes) as u64
            }),
            keys_only,
        };
        let base_rest = inside(base_rest, &rest);
        let mut merged = MergedRange::new(*self, &rest, &base_rest, limits.reverse, wanted);
        loop {
            let row = match merged.next_row() {
                Ok(row) => row,
                Err(stop) => {
                    progress.base_rest = Some(merged.base.rest());
                    return Err(stop);
                }
            };
            let Some(row) = row else { break };
            if progress.batch.push(row, limits) {
                break;
            }
        }
        progress.is_done = true;
        Ok(())
    }

    /// Finds the key that a normalized selector selects.
    pub(super) fn resolve(&self, selector: &KeySelector, progress: &mut SelectorProgress) -> Found<Resolved> {
        if let Some(resolved) = &progress.resolved {
            return Ok(resolved.clone());
        }
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
        if !range.is_empty() {
            self.walk(&range, limits, true, &mut progress.walk)?;
        }
        let rows = &progress.walk.batch.rows.rows;
        let found = rows.get(count as usize - 1).map(|(key, _)| key.clone());
        let is_missing = found.is_none();
        let end: Key = if forward {
            self.end.into()
        } else {
            [].as_slice().into()
        };
        let resolved = Resolved {
            key: found.unwrap_or(end),
            is_before_first: is_missing && !forward,
            is_past_last: is_missing && forward,
        };
        progress.resolved = Some(resolved.clone());
        Ok(resolved)
    }
}

/// The part of `range` that is inside of `outer`.
fn inside(range: KeyRange, outer: &KeyRange) -> KeyRange {
    KeyRange {
        begin: range.begin.max(outer.begin.clone()),
        end: range.end.min(outer.end.clone()),
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
    /// The next row of the database, once it was looked up.
    next_base: Option<Option<RangeRow>>,
    own: Peekable<Overlays<'a>>,
    /// The nearest range of keys that may be stamped.
    unreadable: Option<KeyRange>,
    reverse: bool,
}

impl<'a> MergedRange<'a> {
    fn new(
        view: View<'a>,
        range: &KeyRange,
        base_range: &KeyRange,
        reverse: bool,
        wanted: Wanted,
    ) -> MergedRange<'a> {
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
        MergedRange {
            view,
            next_base: None,
            base: BaseRows::new(view, base_range, reverse, wanted),
            own: own.peekable(),
            unreadable,
            reverse,
        }
    }

    fn next_row(&mut self) -> Found<Option<RangeRow>> {
        loop {
            if self.next_base.is_none() {
                self.next_base = Some(self.base.next_row()?);
            }
            let next_base = self.next_base.as_ref().and_then(Option::as_ref);
            let own_is_first = match (next_base, self.own.peek()) {
                (Some((base_key, _)), Some((own_key, _))) => (*own_key < base_key) != self.reverse,
                (None, Some(_)) => true,
                (_, None) => false,
            };
            let next_key = if own_is_first {
                self.own.peek().map(|(key, _)| *key)
            } else {
                next_base.map(|(key, _)| key)
            };
            self.check_readable_up_to(next_key)?;
            if !own_is_first {
                let row = self.next_base.take().flatten();
                if row.is_none() {
                    self.next_base = Some(None);
                }
                return Ok(row);
            }
            let value = match self.own.peek() {
                None => return Ok(None),
                Some((_, Overlay::Set(value))) => Some(value.clone()),
                Some((key, Overlay::Dependent(operations))) => {
                    // Looked up before the key is taken: its page may be missing.
                    apply_operations(self.view.database.get(key)?, operations)
                }
                Some((_, Overlay::Unreadable)) => return Err(ErrorCode::AccessedUnreadable.into()),
                Some((_, Overlay::Unmodified | Overlay::Cleared)) => None,
            };
            let key = self.own.next().map(|(key, _)| key.clone());
            if let (Some(key), Some(value)) = (key, value) {
                return Ok(Some((key, value)));
            }
        }
    }

    /// Fails if keys may be stamped between where the read is and `key`, or its end if there is none.
    fn check_readable_up_to(&self, key: Option<&Key>) -> Found<()> {
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
    wanted: Wanted,
    rows: DatabaseRows<'a>,
}

impl<'a> BaseRows<'a> {
    fn new(view: View<'a>, range: &KeyRange, reverse: bool, wanted: Wanted) -> BaseRows<'a> {
        BaseRows {
            view,
            rest: range.clone(),
            reverse,
            wanted,
            rows: view.database.rows(range, reverse, wanted),
        }
    }

    /// What was not walked over.
    fn rest(&mut self) -> KeyRange {
        self.rows.rest()
    }

    fn next_row(&mut self) -> Found<Option<RangeRow>> {
        loop {
            let Some((key, value)) = self.rows.next_row()? else {
                return Ok(None);
            };
            if let Some(cleared) = self.view.writes.cleared_range_of(&key) {
                if self.reverse {
                    self.rest.end = cleared.begin.max(self.rest.begin.clone());
                } else {
                    self.rest.begin = cleared.end.min(self.rest.end.clone());
                }
                self.rows = self.view.database.rows(&self.rest, self.reverse, self.wanted);
            } else if !self.view.writes.is_written(&key) {
                return Ok(Some((key, value)));
            }
        }
    }
}
