//! Panics as exceptions: WebAssembly is compiled without unwinding, so nothing can catch them on this side.

use std::panic;

use plinth_sim::scenario::violation_of_panic;
use wasm_bindgen::prelude::*;

/// Called by the page's generated code when the module is instantiated.
#[wasm_bindgen(start)]
pub fn throw_panics() {
    panic::set_hook(Box::new(|info| {
        wasm_bindgen::throw_str(&violation_of_panic(info.payload()));
    }));
}
