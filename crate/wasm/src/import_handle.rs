//! `ImportHandle`: an import under way, for the npm package to wrap.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Array, Promise};
use plinth_core::{Import, ImportProgress};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use crate::export_handle::busy;
use crate::failure::rejection;
use crate::storage::AnyStorage;

/// An import under way.
#[wasm_bindgen]
pub struct ImportHandle {
    /// Taken out while bytes are imported.
    import: Rc<RefCell<Option<Import<AnyStorage>>>>,
}

impl ImportHandle {
    pub(crate) fn new(import: Import<AnyStorage>) -> ImportHandle {
        ImportHandle {
            import: Rc::new(RefCell::new(Some(import))),
        }
    }
}

#[wasm_bindgen]
impl ImportHandle {
    /// Imports the next bytes: a promise of the bytes and rows that are committed. One call at a time.
    pub fn write(&self, bytes: &[u8]) -> Promise {
        let (place, bytes) = (Rc::clone(&self.import), bytes.to_vec());
        let import = place.take();
        future_to_promise(async move {
            let mut import = import.ok_or_else(|| rejection(&busy()))?;
            let progress = import.write(&bytes).await.map_err(|error| rejection(&error))?;
            place.replace(Some(import));
            Ok(told(&progress))
        })
    }

    /// Says that no bytes follow: a promise as of `write`, which rejects unless the export is complete.
    pub fn finish(&self) -> Promise {
        let import = self.import.take();
        future_to_promise(async move {
            let import = import.ok_or_else(|| rejection(&busy()))?;
            let progress = import.finish().map_err(|error| rejection(&error))?;
            Ok(told(&progress))
        })
    }
}

fn told(progress: &ImportProgress) -> JsValue {
    Array::of2(&(progress.bytes as f64).into(), &(progress.rows as f64).into()).into()
}
