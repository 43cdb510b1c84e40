//! IndexedDB keeps the storage contract, in a real browser.

#![cfg(target_arch = "wasm32")]

use std::cell::Cell;

use plinth_core::storage::conformance;
use plinth_wasm::storage::{IndexedDbStorage, delete_indexed_db};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
async fn indexed_db_keeps_the_storage_contract() {
    let count = Cell::new(0);
    conformance::run_all(async || {
        count.set(count.get() + 1);
        let name = format!("conformance-{}", count.get());
        delete_indexed_db(&name)
            .await
            .expect("an old database can be deleted");
        let one = IndexedDbStorage::open(&name)
            .await
            .expect("a database can be opened");
        let other = IndexedDbStorage::open(&name)
            .await
            .expect("it can be opened twice");
        (one, other)
    })
    .await;
}
