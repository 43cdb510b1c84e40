//! Panics as exceptions: WebAssembly is compiled without unwinding, so nothing can catch them on this side.

use std::panic;

use wasm_bindgen::prelude::*;

/// Called by the page's generated code when the module is instantiated.
#[wasm_bindgen(start)]
pub fn throw_panics() {
    panic::set_hook(Box::new(|info| {
        let message = info.payload_as_str().unwrap_or("without a message");
        wasm_bindgen::throw_str(&format!("panic: {message}"));
    }));
}
