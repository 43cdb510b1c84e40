//! Rows of a range as one buffer: sliced lazily on the other side, instead of two arrays per row.
//!
//! | bytes | content |
//! |---|---|
//! | 0..4 | number of rows, little-endian as all numbers |
//! | 4..8 | 1 if the read stopped at a limit, else 0 |
//! | 8.. | per row: key length, value length, 4 bytes each |
//! | … | per row: key, value |

use js_sys::Uint8Array;
use plinth_core::Changes;
use plinth_core::words::RangeRows;

/// Packs rows into a buffer of exactly their size.
pub(crate) fn pack_rows(rows: &RangeRows) -> Uint8Array {
    let table_bytes = 8 + rows.rows.len() * 8;
    let data_bytes: usize = rows.rows.iter().map(|(key, value)| key.len() + value.len()).sum();
    let mut chunk = Vec::with_capacity(table_bytes + data_bytes);
    chunk.extend_from_slice(&(rows.rows.len() as u32).to_le_bytes());
    chunk.extend_from_slice(&u32::from(rows.more).to_le_bytes());
    for (key, value) in &rows.rows {
        chunk.extend_from_slice(&(key.len() as u32).to_le_bytes());
        chunk.extend_from_slice(&(value.len() as u32).to_le_bytes());
    }
    for (key, value) in &rows.rows {
        chunk.extend_from_slice(key);
        chunk.extend_from_slice(value);
    }
    Uint8Array::from(chunk.as_slice())
}

/// A value's length that says that there is none.
const GONE: u32 = u32::MAX;

/// Packs changes as `pack_rows` packs rows: first the replaced ranges, begin as key and end as value, then
/// the changed keys, a value of length [`GONE`] for one that is gone. Bytes 4..8 are the number of ranges.
pub(crate) fn pack_changes(changes: &Changes) -> Uint8Array {
    let ranges = changes
        .replaced
        .iter()
        .map(|range| (&*range.begin, Some(&*range.end)));
    let keys = changes
        .changes
        .iter()
        .map(|(key, value)| (&**key, value.as_deref()));
    let rows: Vec<(&[u8], Option<&[u8]>)> = ranges.chain(keys).collect();
    let mut chunk = Vec::new();
    chunk.extend_from_slice(&(rows.len() as u32).to_le_bytes());
    chunk.extend_from_slice(&(changes.replaced.len() as u32).to_le_bytes());
    for (key, value) in &rows {
        chunk.extend_from_slice(&(key.len() as u32).to_le_bytes());
        let length = value.map_or(GONE, |value| value.len() as u32);
        chunk.extend_from_slice(&length.to_le_bytes());
    }
    for (key, value) in rows {
        chunk.extend_from_slice(key);
        chunk.extend_from_slice(value.unwrap_or_default());
    }
    Uint8Array::from(chunk.as_slice())
}
