//! `WatchHandle`: a watch, for the npm package to wrap.

use js_sys::Promise;
use plinth_core::Watch;
use plinth_core::client::WatchCanceller;
use wasm_bindgen::prelude::*;

use crate::failure::promise_of_end;
use crate::storage::AnyStorage;

/// A watch on one key.
#[wasm_bindgen]
pub struct WatchHandle {
    canceller: WatchCanceller<AnyStorage>,
    promise: Promise,
}

impl WatchHandle {
    pub(crate) fn new(watch: Watch<AnyStorage>) -> WatchHandle {
        let (canceller, fired) = watch.into_parts();
        let promise = promise_of_end(Box::pin(fired));
        WatchHandle { canceller, promise }
    }
}

#[wasm_bindgen]
impl WatchHandle {
    /// Resolves when the value has changed; rejects with `[code, message]` when it never will be told.
    #[wasm_bindgen(getter)]
    pub fn promise(&self) -> Promise {
        self.promise.clone()
    }

    /// Ends the watch.
    pub fn cancel(&self) {
        self.canceller.cancel();
    }
}
