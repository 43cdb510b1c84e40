//! The engine's surroundings in a browser or in Node: `performance.now`, `Date.now`, `Math.random`,
//! `setTimeout` and promise jobs.

use js_sys::{Math, Promise};
use plinth_core::words::{Env, LocalFuture};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;

    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &js_sys::Function, delay_ms: f64) -> JsValue;
}

/// Clocks, chance and tasks of the JavaScript engine.
#[derive(Debug, Default)]
pub(crate) struct JsEnv;

impl Env for JsEnv {
    fn monotonic_us(&self) -> u64 {
        (performance_now() * 1_000.0) as u64
    }

    fn unix_us(&self) -> u64 {
        (js_sys::Date::now() * 1_000.0) as u64
    }

    fn random_u64(&self) -> u64 {
        let half = || (Math::random() * 4_294_967_296.0) as u64;
        half() << 32 | half()
    }

    fn sleep(&self, duration_us: u64) -> LocalFuture<()> {
        Box::pin(async move {
            let delay_ms = duration_us as f64 / 1_000.0;
            let timer = Promise::new(&mut |resolve, _reject| {
                set_timeout(&resolve, delay_ms);
            });
            let _never_rejected = JsFuture::from(timer).await;
        })
    }

    fn spawn(&self, task: LocalFuture<()>) {
        spawn_local(task);
    }
}
