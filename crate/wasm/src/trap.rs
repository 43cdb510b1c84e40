//! Traps: a broken invariant of the engine. Reported on the console once and to the wrapper, which
//! declares every database of this instance unusable; reopening recovers from storage.

use std::panic;

use wasm_bindgen::prelude::*;

/// Calls `report(message)` when the engine traps, before the trap unwinds into JavaScript.
#[wasm_bindgen(js_name = reportTraps)]
pub fn report_traps(report: js_sys::Function) {
    struct Report(js_sys::Function);
    // SAFETY: wasm32 without threads has one thread, so nothing is ever sent or shared.
    #[allow(unsafe_code)]
    unsafe impl Send for Report {}
    // SAFETY: as above.
    #[allow(unsafe_code)]
    unsafe impl Sync for Report {}

    let report = Report(report);
    panic::set_hook(Box::new(move |info| {
        let Report(report) = &report;
        console_error_panic_hook::hook(info);
        let _thrown = report.call1(&JsValue::UNDEFINED, &info.to_string().into());
    }));
}
