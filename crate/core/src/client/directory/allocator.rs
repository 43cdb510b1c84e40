//! The high-contention allocator: short integers that nobody else gets, for transactions that run at the
//! same time and shall not conflict.
//!
//! Integers are drawn from a window that moves on when half of it is used. Two transactions conflict only
//! when they draw the same one: its key is read with a conflict, and written with one after it was found
//! free. The counter of the window is read without.
//!
//! Each turn's reads and writes are called without waiting in between, so two allocations of one
//! transaction see each other's: reads see the writes as of their call (I7).

use super::metadata::{element_at, unexpected};
use super::store::Store;
use crate::pure::Subspace;
use crate::pure::tuple::{Element, pack};
use crate::storage::Storage;
use crate::words::{Error, ErrorCode, Key, KeyRange, RangeRows, Result, display_key};

/// Larger windows mean fewer conflicts, smaller ones shorter prefixes. So they grow, but not for ever:
/// about half a window of candidates is stored.
fn window_size(start: i64) -> i64 {
    match start {
        ..255 => 64,
        255..65_535 => 1_024,
        _ => 8_192,
    }
}

/// The allocator in one subspace.
pub(super) struct Allocator {
    /// (start of window) -> how many were drawn from it.
    counters: Subspace,
    /// (integer) -> empty, for those drawn from the window.
    recent: Subspace,
}

impl Allocator {
    pub(super) fn new(subspace: &Subspace) -> Result<Allocator> {
        Ok(Allocator {
            counters: subspace.subspace(&[0.into()])?,
            recent: subspace.subspace(&[1.into()])?,
        })
    }

    /// The packed tuple of an integer that no other allocation has.
    ///
    /// # Errors
    /// Those of the transaction's reads; of metadata that nobody who follows the format writes.
    pub(super) async fn allocate<S: Storage>(&self, store: &Store<S>) -> Result<Vec<u8>> {
        loop {
            let latest = store.one_of(&self.counters.range(&[])?, true, true).await?;
            let start = self.start_of(&latest)?.unwrap_or(0);
            let start = self.advance(store, start).await?;
            if let Some(integer) = self.draw(store, start).await? {
                return pack(&[integer.into()]);
            }
        }
    }

    /// Counts an allocation, in this window or, if that is half used, in the next.
    async fn advance<S: Storage>(&self, store: &Store<S>, mut start: i64) -> Result<i64> {
        let mut is_advanced = false;
        loop {
            let counter = self.counters.pack(&[start.into()])?;
            if is_advanced {
                store.clear_range(&KeyRange::new(self.counters.key().clone(), counter.clone()))?;
                let recent = self.recent.pack(&[start.into()])?;
                store.clear_range_without_conflict(&KeyRange::new(self.recent.key().clone(), recent))?;
            }
            store.add(&counter, 1)?;
            let count = store.get_snapshot(&counter).await?;
            let count = decode_count(&counter, count.as_deref().unwrap_or_default())?;
            let window = window_size(start);
            if count < window.unsigned_abs() / 2 {
                return Ok(start);
            }
            start = start.checked_add(window).ok_or_else(|| used_up(&counter))?;
            is_advanced = true;
        }
    }

    /// Draws from the window until an integer is free; `None` if the window has moved on meanwhile.
    async fn draw<S: Storage>(&self, store: &Store<S>, start: i64) -> Result<Option<i64>> {
        let window = window_size(start);
        start
            .checked_add(window)
            .ok_or_else(|| used_up(self.counters.key()))?;
        loop {
            let offset = store.random_u64() % window.unsigned_abs();
            let candidate = start + i64::try_from(offset).expect("less than the window");
            let key = self.recent.pack(&[candidate.into()])?;
            let latest = store.one_of(&self.counters.range(&[])?, true, true);
            let taken = store.get(&key);
            store.set_without_conflict(&key, b"")?;
            let (latest, taken) = (latest.await?, taken.await?);
            if self.start_of(&latest)?.is_some_and(|latest| latest > start) {
                return Ok(None);
            }
            if taken.is_none() {
                store.add_write_conflict_key(&key)?;
                return Ok(Some(candidate));
            }
        }
    }

    /// The window of the counter that was read.
    fn start_of(&self, latest: &RangeRows) -> Result<Option<i64>> {
        let Some((key, _)) = latest.rows.first() else {
            return Ok(None);
        };
        let elements = self.counters.unpack(key)?;
        let start = element_at(&elements, 0, key)?;
        match start {
            Element::Integer(integer) => integer
                .to_i64()
                .filter(|start| *start >= 0)
                .map(Some)
                .ok_or_else(|| unexpected("the start of a window", start, key)),
            other => Err(unexpected("the start of a window", other, key)),
        }
    }
}

fn decode_count(key: &Key, value: &[u8]) -> Result<u64> {
    let mut bytes = [0; 8];
    let Some(low) = bytes.get_mut(..value.len()) else {
        let (key, found) = (display_key(key), value.len());
        let detail = format!("a counter of 8 bytes was expected at {key}, found {found} bytes");
        return Err(Error::new(ErrorCode::InvalidDirectoryLayerMetadata, detail));
    };
    low.copy_from_slice(value);
    Ok(u64::from_le_bytes(bytes))
}

fn used_up(key: &Key) -> Error {
    let detail = format!(
        "a window below 2^63 was expected, found none after {}",
        display_key(key)
    );
    Error::new(ErrorCode::InvalidDirectoryLayerMetadata, detail)
}
