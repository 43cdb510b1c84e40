//! Range reads over the database at a version with a transaction's own writes on top.
//!
//! Two ordered streams are merged: rows of the version map that the writes leave alone, and the keys
//! that the writes set. A cleared range is skipped in one step, however many rows it hides.

use std::iter::Peekable;

use crate::pure::{Overlay, VersionMap, WriteMap};
use crate::words::{Key, KeyRange, RangeOptions, RangeRow, RangeRows, Value, Version};

/// Counted towards a byte limit per row, besides key and value.
const ROW_OVERHEAD_BYTES: usize = 8;

type Rows<'a> = Box<dyn Iterator<Item = (&'a Key, &'a Value)> + 'a>;

/// Reads rows of `range` until its end or a limit.
pub(super) fn read_merged_range(
    map: &VersionMap,
    version: Version,
    writes: &WriteMap,
    range: &KeyRange,
    options: &RangeOptions,
) -> RangeRows {
    let mut merged = MergedRange::new(map, version, writes, range, options.reverse);
    let mut result = RangeRows::default();
    let mut bytes = 0;
    while let Some((key, value)) = merged.next_row() {
        bytes += key.len() + value.len() + ROW_OVERHEAD_BYTES;
        result.rows.push((key, value));
        let at_row_limit = options.limit != 0 && result.rows.len() >= options.limit;
        let at_byte_limit = options.target_bytes != 0 && bytes >= options.target_bytes;
        if at_row_limit || at_byte_limit {
            result.more = true;
            break;
        }
    }
    result
}

/// The merge of both streams, in one direction.
struct MergedRange<'a> {
    base: BaseRows<'a>,
    next_base: Option<RangeRow>,
    sets: Peekable<Rows<'a>>,
    reverse: bool,
}

impl<'a> MergedRange<'a> {
    fn new(
        map: &'a VersionMap,
        version: Version,
        writes: &'a WriteMap,
        range: &KeyRange,
        reverse: bool,
    ) -> Self {
        let sets = writes.sets_in(range);
        let sets: Rows<'a> = if reverse {
            Box::new(sets.rev())
        } else {
            Box::new(sets)
        };
        let mut base = BaseRows::new(map, version, writes, range.clone(), reverse);
        MergedRange {
            next_base: base.next_row(),
            base,
            sets: sets.peekable(),
            reverse,
        }
    }

    fn next_row(&mut self) -> Option<RangeRow> {
        let set_is_first = match (&self.next_base, self.sets.peek()) {
            (Some((base_key, _)), Some((set_key, _))) => (*set_key < base_key) != self.reverse,
            (None, Some(_)) => true,
            (_, None) => false,
        };
        if set_is_first {
            return self.sets.next().map(|(key, value)| (key.clone(), value.clone()));
        }
        let row = self.next_base.take();
        if row.is_some() {
            self.next_base = self.base.next_row();
        }
        row
    }
}

/// The rows of the database that the writes neither clear nor set.
struct BaseRows<'a> {
    map: &'a VersionMap,
    version: Version,
    writes: &'a WriteMap,
    rest: KeyRange,
    reverse: bool,
    rows: Rows<'a>,
}

impl<'a> BaseRows<'a> {
    fn new(
        map: &'a VersionMap,
        version: Version,
        writes: &'a WriteMap,
        range: KeyRange,
        reverse: bool,
    ) -> Self {
        let rows = rows(map, version, &range, reverse);
        BaseRows {
            map,
            version,
            writes,
            rest: range,
            reverse,
            rows,
        }
    }

    fn next_row(&mut self) -> Option<RangeRow> {
        loop {
            let (key, value) = self.rows.next()?;
            if let Some(cleared) = self.writes.cleared_range_of(key) {
                if self.reverse {
                    self.rest.end = cleared.begin;
                } else {
                    self.rest.begin = cleared.end;
                }
                self.rows = rows(self.map, self.version, &self.rest, self.reverse);
                continue;
            }
            if matches!(self.writes.overlay(key), Overlay::Unmodified) {
                return Some((key.clone(), value.clone()));
            }
        }
    }
}

fn rows<'a>(map: &'a VersionMap, version: Version, range: &KeyRange, reverse: bool) -> Rows<'a> {
    let rows = map.range(range, version);
    if reverse {
        Box::new(rows.rev())
    } else {
        Box::new(rows)
    }
}
