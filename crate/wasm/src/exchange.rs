//! A place in the engine's memory where keys and values change sides: without it, each of them is an allocation, and
//! each value an object that the engine keeps for the moment of the call.

use std::cell::RefCell;

use wasm_bindgen::prelude::*;

/// The room: for most keys and values there are.
const EXCHANGE_BYTES: usize = 1024;

thread_local! {
    static PLACE: RefCell<Box<[u8]>> = RefCell::new(vec![0; EXCHANGE_BYTES].into_boxed_slice());
}

/// Where the place is and how large.
#[wasm_bindgen(js_name = exchangePlace)]
pub fn exchange_place() -> Vec<u32> {
    PLACE.with_borrow(|place| vec![place.as_ptr() as u32, place.len() as u32])
}

/// What there is instead of the length of a value: there is no such key. No code, negated, is as large.
pub(crate) const ABSENT: i32 = -1;
/// The value is not in the exchange: it is not known yet, or it is too long.
pub(crate) const ELSEWHERE: i32 = -2;

/// Does something with the first bytes of the place, which JavaScript has put there.
pub(crate) fn with_first<T>(length: usize, body: impl FnOnce(&[u8]) -> T) -> T {
    PLACE.with_borrow(|place| body(place.get(..length).unwrap_or_default()))
}

/// Puts a value there for JavaScript to take; its length, or what there is instead.
pub(crate) fn put(value: Option<&[u8]>) -> i32 {
    let Some(value) = value else {
        return ABSENT;
    };
    PLACE.with_borrow_mut(|place| match place.get_mut(..value.len()) {
        Some(target) => {
            target.copy_from_slice(value);
            value.len() as i32
        }
        None => ELSEWHERE,
    })
}
