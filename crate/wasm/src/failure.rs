//! Failures on their way out: a number where the call returns one, a pair of number and message where
//! a promise is rejected. Throwing out of wasm costs 20 microseconds; the wrapper makes the error.

use std::cell::RefCell;

use js_sys::{Array, Promise};
use plinth_core::words::LocalFuture;
use plinth_core::{Error, Result};
use wasm_bindgen::prelude::*;

thread_local! {
    static LAST_MESSAGE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// The message that belongs to the last code that a call returned.
#[wasm_bindgen(js_name = lastErrorMessage)]
pub fn last_error_message() -> String {
    LAST_MESSAGE.with_borrow(Clone::clone)
}

/// The code to return; 0 for success. The message waits to be asked for.
pub(crate) fn code_of(result: Result<()>) -> u16 {
    result.map_or_else(|error| code_of_error(&error), |()| 0)
}

/// As [`code_of`], for an error.
pub(crate) fn code_of_error(error: &Error) -> u16 {
    LAST_MESSAGE.with_borrow_mut(|message| {
        message.clear();
        message.push_str(error.message());
    });
    error.code().number()
}

/// The promise of a future. The future is boxed before the binding's own code, which is large, meets it: that is
/// compiled once, not once per call.
pub(crate) fn promise(
    future: impl Future<Output = std::result::Result<JsValue, JsValue>> + 'static,
) -> Promise {
    let future: LocalFuture<std::result::Result<JsValue, JsValue>> = Box::pin(future);
    wasm_bindgen_futures::future_to_promise(future)
}

/// The promise of an operation's result, rejected with `[code, message]`.
pub(crate) fn promise_of<T: 'static>(
    operation: impl Future<Output = Result<T>> + 'static,
    convert: impl FnOnce(T) -> JsValue + 'static,
) -> Promise {
    promise(async move { operation.await.map(convert).map_err(|error| rejection(&error)) })
}

/// As [`promise_of`], for what has no result but its end: compiled once for all of them.
pub(crate) fn promise_of_end(operation: LocalFuture<Result<()>>) -> Promise {
    promise_of(operation, |()| JsValue::UNDEFINED)
}

/// What a promise is rejected with: `[code, message]`.
pub(crate) fn rejection(error: &Error) -> JsValue {
    Array::of2(&error.code().number().into(), &error.message().into()).into()
}
