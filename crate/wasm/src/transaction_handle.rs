//! `TransactionHandle`: a transaction, for the npm package to wrap.
//!
//! Reads answer at once where they can: the value itself, a number for a failure (its message is in
//! `lastErrorMessage`), or a promise. Writes answer with a code, 0 for success.

use std::cell::Cell;
use std::rc::Rc;

use js_sys::{Promise, Uint8Array};
use plinth_core::words::{Key, KeySelector, RangeOptions, RangeRows, StreamingMode, Value};
use plinth_core::{Error, ErrorCode, Read, Transaction};
use wasm_bindgen::prelude::*;

use crate::exchange;
use crate::failure::{code_of, code_of_error, promise_of, promise_of_end};
use crate::range_chunk::pack_rows;
use crate::storage::AnyStorage;
use crate::watch_handle::WatchHandle;

thread_local! {
    static ANSWER: Cell<JsValue> = const { Cell::new(JsValue::UNDEFINED) };
}

/// A transaction.
#[wasm_bindgen]
pub struct TransactionHandle {
    transaction: Rc<Transaction<AnyStorage>>,
}

impl TransactionHandle {
    pub(crate) fn new(transaction: Rc<Transaction<AnyStorage>>) -> TransactionHandle {
        TransactionHandle { transaction }
    }

    /// The transaction, for an operation that goes on when this handle is freed.
    pub(crate) fn share(&self) -> Rc<Transaction<AnyStorage>> {
        Rc::clone(&self.transaction)
    }
}

#[wasm_bindgen]
impl TransactionHandle {
    /// The value of a key: `Uint8Array`, `undefined`, a code, or a promise of the first two.
    pub fn get(&self, key: &[u8], snapshot: bool) -> JsValue {
        answer(self.transaction.get(key, snapshot), bytes_or_undefined)
    }

    /// The value of the key of this length in the exchange: its length, if it is there; -1 if there is no such key; a
    /// code, negated; or -2, and then `takeAnswer` has what `get` answers.
    #[wasm_bindgen(js_name = getExchanged)]
    pub fn get_exchanged(&self, key_length: usize, snapshot: bool) -> i32 {
        let read = exchange::with_first(key_length, |key| self.transaction.get(key, snapshot));
        let exchanged = match &read {
            Read::Ready(Ok(value)) => exchange::put(value.as_deref()),
            Read::Ready(Err(error)) => -i32::from(code_of_error(error)),
            Read::Pending(_) => exchange::ELSEWHERE,
        };
        if exchanged == exchange::ELSEWHERE {
            ANSWER.set(answer(read, bytes_or_undefined));
        }
        exchanged
    }

    /// The answer that the last call left.
    #[wasm_bindgen(js_name = takeAnswer)]
    pub fn take_answer(&self) -> JsValue {
        ANSWER.replace(JsValue::UNDEFINED)
    }

    /// The key that a selector selects: `Uint8Array`, a code, or a promise of the first.
    #[wasm_bindgen(js_name = getKey)]
    pub fn get_key(&self, key: &[u8], or_equal: bool, offset: i32, snapshot: bool) -> JsValue {
        let selector = KeySelector {
            key: key.into(),
            or_equal,
            offset,
        };
        answer(self.transaction.get_key(&selector, snapshot), |key: Key| {
            Uint8Array::from(&*key).into()
        })
    }

    /// One batch of a range between two selectors: a chunk, a code, or a promise of a chunk.
    #[wasm_bindgen(js_name = getRange)]
    #[allow(
        clippy::too_many_arguments,
        reason = "an options object would cost more than the call"
    )]
    pub fn get_range(
        &self,
        begin: &[u8],
        begin_or_equal: bool,
        begin_offset: i32,
        end: &[u8],
        end_or_equal: bool,
        end_offset: i32,
        limit: u32,
        target_bytes: u32,
        mode: i32,
        iteration: i32,
        reverse: bool,
        snapshot: bool,
    ) -> JsValue {
        let mode = match StreamingMode::from_number(mode, iteration) {
            Ok(mode) => mode,
            Err(error) => return JsValue::from_f64(f64::from(code_of_error(&error))),
        };
        let begin = KeySelector {
            key: begin.into(),
            or_equal: begin_or_equal,
            offset: begin_offset,
        };
        let end = KeySelector {
            key: end.into(),
            or_equal: end_or_equal,
            offset: end_offset,
        };
        let (limit, target_bytes) = (limit as usize, target_bytes as usize);
        let options = RangeOptions {
            limit,
            target_bytes,
            mode,
            reverse,
            snapshot,
        };
        answer(
            self.transaction.get_range(&begin, &end, options),
            |rows: RangeRows| pack_rows(&rows).into(),
        )
    }

    /// Sets a key.
    pub fn set(&self, key: &[u8], value: &[u8]) -> u16 {
        code_of(self.transaction.set(key, value))
    }

    /// Sets the key of this length in the exchange to the value that follows it there.
    #[wasm_bindgen(js_name = setExchanged)]
    pub fn set_exchanged(&self, key_length: usize, value_length: usize) -> u16 {
        exchange::with_first(key_length + value_length, |bytes| {
            let (key, value) = bytes.split_at_checked(key_length).unwrap_or_default();
            code_of(self.transaction.set(key, value))
        })
    }

    /// Has the database carry out an operation, by FoundationDB's number, on a key's value.
    pub fn atomic(&self, op: u8, key: &[u8], operand: &[u8]) -> u16 {
        code_of(self.transaction.atomic_by_number(op, key, operand))
    }

    /// Sets a key part of which is the commit's versionstamp.
    #[wasm_bindgen(js_name = setVersionstampedKey)]
    pub fn set_versionstamped_key(&self, template: &[u8], value: &[u8]) -> u16 {
        code_of(self.transaction.set_versionstamped_key(template, value))
    }

    /// Sets a key to a value part of which is the commit's versionstamp.
    #[wasm_bindgen(js_name = setVersionstampedValue)]
    pub fn set_versionstamped_value(&self, key: &[u8], template: &[u8]) -> u16 {
        code_of(self.transaction.set_versionstamped_value(key, template))
    }

    /// The commit's versionstamp: a promise of ten bytes.
    pub fn versionstamp(&self) -> Promise {
        let stamp = self.transaction.versionstamp();
        promise_of(stamp, |stamp| Uint8Array::from(stamp.as_slice()).into())
    }

    /// Sets an option by FoundationDB's number.
    #[wasm_bindgen(js_name = setOption)]
    pub fn set_option(&self, number: u16, value: &[u8]) -> u16 {
        code_of(self.transaction.set_option(number, value))
    }

    /// Has the transaction read at this version.
    #[wasm_bindgen(js_name = setReadVersion)]
    pub fn set_read_version(&self, version: i64) -> u16 {
        code_of(self.transaction.set_read_version(version))
    }

    /// Bytes of the keys and values of a range: a promise of a number.
    #[wasm_bindgen(js_name = estimatedRangeBytes)]
    pub fn estimated_range_bytes(&self, begin: &[u8], end: &[u8]) -> JsValue {
        let bytes = self.transaction.estimated_range_bytes(begin, end);
        answer_later(bytes, |bytes| JsValue::from_f64(bytes as f64))
    }

    /// Keys that cut a range into pieces: a promise of a chunk of rows without values.
    #[wasm_bindgen(js_name = rangeSplitPoints)]
    pub fn range_split_points(&self, begin: &[u8], end: &[u8], chunk_bytes: f64) -> JsValue {
        // A conversion from a number that is negative or none gives zero, which is refused.
        let points = self
            .transaction
            .range_split_points(begin, end, chunk_bytes as u64);
        answer_later(points, |points: Vec<Key>| {
            let rows = points
                .into_iter()
                .map(|key| (key, [].as_slice().into()))
                .collect();
            pack_rows(&RangeRows { rows, more: false }).into()
        })
    }

    /// Clears a key.
    pub fn clear(&self, key: &[u8]) -> u16 {
        code_of(self.transaction.clear(key))
    }

    /// Clears a range.
    #[wasm_bindgen(js_name = clearRange)]
    pub fn clear_range(&self, begin: &[u8], end: &[u8]) -> u16 {
        code_of(self.transaction.clear_range(begin, end))
    }

    /// Adds a read conflict range.
    #[wasm_bindgen(js_name = addReadConflictRange)]
    pub fn add_read_conflict_range(&self, begin: &[u8], end: &[u8]) -> u16 {
        code_of(self.transaction.add_read_conflict_range(begin, end))
    }

    /// Adds a write conflict range.
    #[wasm_bindgen(js_name = addWriteConflictRange)]
    pub fn add_write_conflict_range(&self, begin: &[u8], end: &[u8]) -> u16 {
        code_of(self.transaction.add_write_conflict_range(begin, end))
    }

    /// Watches a key.
    pub fn watch(&self, key: &[u8]) -> WatchHandle {
        WatchHandle::new(self.transaction.watch(key))
    }

    /// The read version: a number of at least 0, the negative of a code, or a promise of the first.
    #[wasm_bindgen(js_name = readVersion)]
    pub fn read_version(&self) -> JsValue {
        match self.transaction.read_version() {
            Read::Ready(Ok(version)) => JsValue::from_f64(version.get() as f64),
            Read::Ready(Err(error)) => JsValue::from_f64(-f64::from(code_of_error(&error))),
            pending @ Read::Pending(_) => answer(pending, |version| JsValue::from_f64(version.get() as f64)),
        }
    }

    /// The version of the commit; -1 before it and for a transaction that wrote nothing.
    #[wasm_bindgen(js_name = committedVersion)]
    pub fn committed_version(&self) -> f64 {
        self.transaction
            .committed()
            .map_or(-1.0, |committed| committed.version.get() as f64)
    }

    /// The size so far, as counted towards the limit; the negative of a code if it failed.
    #[wasm_bindgen(js_name = approximateSize)]
    pub fn approximate_size(&self) -> f64 {
        match self.transaction.approximate_size() {
            Ok(bytes) => bytes as f64,
            Err(error) => -f64::from(code_of_error(&error)),
        }
    }

    /// Commits.
    pub fn commit(&self) -> Promise {
        promise_of_end(self.transaction.commit())
    }

    /// Waits and prepares the next attempt, or rejects with what can't be retried.
    #[wasm_bindgen(js_name = onError)]
    pub fn on_error(&self, code: u16) -> Promise {
        let code = ErrorCode::from_number(code).unwrap_or(ErrorCode::UnknownError);
        let prepared = self.transaction.on_error(&Error::from(code));
        promise_of_end(prepared)
    }

    /// Makes the transaction as good as new.
    pub fn reset(&self) {
        self.transaction.reset();
    }

    /// Ends every use of the transaction until `reset`.
    pub fn cancel(&self) {
        self.transaction.cancel();
    }
}

/// As `answer`, for calls whose cost does not matter: always a promise.
fn answer_later<T: 'static>(read: Read<T>, convert: impl FnOnce(T) -> JsValue + 'static) -> JsValue {
    promise_of(read.into_future(), convert).into()
}

fn bytes_or_undefined(value: Option<Value>) -> JsValue {
    value.map_or(JsValue::UNDEFINED, |value| Uint8Array::from(&*value).into())
}

fn answer<T: 'static>(read: Read<T>, convert: impl FnOnce(T) -> JsValue + 'static) -> JsValue {
    match read {
        Read::Ready(Ok(value)) => convert(value),
        Read::Ready(Err(error)) => JsValue::from_f64(f64::from(code_of_error(&error))),
        Read::Pending(future) => promise_of(future, convert).into(),
    }
}
