//! Rows of a range as one buffer: sliced lazily on the other side, instead of two arrays per row.
//!
//! | bytes | content |
//! |---|---|
//! | 0..4 | number of rows, little-endian as all numbers |
//! | 4..8 | 1 if the read stopped at a limit, else 0 |
//! | 8.. | per row: key length, value length, 4 bytes each |
//! | … | per row: key, value |

use js_sys::Uint8Array;
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
