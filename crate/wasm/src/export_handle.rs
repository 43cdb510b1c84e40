//! `ExportHandle`: an export under way, for the npm package to wrap.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Promise, Uint8Array};
use plinth_core::{Error, ErrorCode, Export};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use crate::failure::rejection;
use crate::storage::AnyStorage;

/// An export under way.
#[wasm_bindgen]
pub struct ExportHandle {
    /// Taken out while a frame is made.
    export: Rc<RefCell<Option<Export<AnyStorage>>>>,
    rows: Rc<Cell<f64>>,
    skipped: Rc<Cell<f64>>,
}

impl ExportHandle {
    pub(crate) fn new(export: Export<AnyStorage>) -> ExportHandle {
        ExportHandle {
            export: Rc::new(RefCell::new(Some(export))),
            rows: Rc::default(),
            skipped: Rc::default(),
        }
    }
}

#[wasm_bindgen]
impl ExportHandle {
    /// The next bytes: a promise of a `Uint8Array`, of `undefined` at the end. One call at a time.
    pub fn next(&self) -> Promise {
        let (place, rows) = (Rc::clone(&self.export), Rc::clone(&self.rows));
        let skipped = Rc::clone(&self.skipped);
        let export = place.take();
        future_to_promise(async move {
            let mut export = export.ok_or_else(|| rejection(&busy()))?;
            let frame = export.next().await.map_err(|error| rejection(&error))?;
            rows.set(export.totals().0.rows as f64);
            skipped.set(export.skipped_count() as f64);
            place.replace(Some(export));
            Ok(frame.map_or(JsValue::UNDEFINED, |bytes| {
                Uint8Array::from(bytes.as_slice()).into()
            }))
        })
    }

    /// Rows in the bytes that were given, and those that wait to be asked for.
    #[wasm_bindgen(js_name = rowCount)]
    pub fn row_count(&self) -> f64 {
        self.rows.get()
    }

    /// Keys and ranges of keys that were left out because they can't be read.
    #[wasm_bindgen(js_name = skippedCount)]
    pub fn skipped_count(&self) -> f64 {
        self.skipped.get()
    }
}

/// Why there is nothing to go on with: a call is under way, or one has failed.
pub(crate) fn busy() -> Error {
    let detail = "a call after the one before it had succeeded was expected, found one before";
    Error::new(ErrorCode::ClientInvalidOperation, detail)
}
