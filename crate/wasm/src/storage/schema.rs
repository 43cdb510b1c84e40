//! What a database in IndexedDB consists of, and how one of an older package gets there: stores `meta` (key
//! `root`), `log` (key = sequence number, given by the store) and `pages` (key = page id); values are ArrayBuffers.
//!
//! All of it happens in the versionchange transaction, in which nobody else has the database open: a page that dies
//! in the middle leaves what was there before.

use js_sys::{Array, JsString};
use wasm_bindgen::prelude::*;
use web_sys::{
    Event, IdbDatabase, IdbObjectStore, IdbObjectStoreParameters, IdbOpenDbRequest, IdbRequest,
    IdbTransaction, IdbVersionChangeEvent,
};

/// An object store.
#[derive(Clone, Copy, Debug)]
pub(super) enum Store {
    Meta,
    Log,
    Pages,
}

// rustfmt would remove the strings.
#[rustfmt::skip]
#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(thread_local_v2, static_string)]
    static META: JsString = "meta";
    #[wasm_bindgen(thread_local_v2, static_string)]
    static LOG: JsString = "log";
    #[wasm_bindgen(thread_local_v2, static_string)]
    static PAGES: JsString = "pages";
}

impl Store {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Store::Meta => "meta",
            Store::Log => "log",
            Store::Pages => "pages",
        }
    }

    /// The name as a string of JavaScript: one that is not decoded anew for each use.
    pub(super) fn js_name(self) -> JsString {
        let name = match self {
            Store::Meta => &META,
            Store::Log => &LOG,
            Store::Pages => &PAGES,
        };
        name.with(Clone::clone)
    }
}

pub(super) const ROOT_KEY: &str = "root";

/// Schema 1 had a log whose numbers were chosen by whoever appended.
pub(super) const SCHEMA_VERSION: u32 = 2;

/// Gives the database its stores, in the transaction of its `upgradeneeded` event.
///
/// # Errors
/// What IndexedDB threw: the transaction is to be aborted.
pub(super) fn upgrade(request: &IdbOpenDbRequest, event: &Event) -> Result<(), JsValue> {
    let database: IdbDatabase = request.result()?.unchecked_into();
    let old_version = event.unchecked_ref::<IdbVersionChangeEvent>().old_version();
    if old_version >= 1.0 {
        let transaction = request
            .transaction()
            .ok_or("upgradeneeded without a transaction")?;
        return let_the_store_number_the_log(&database, &transaction);
    }
    database.create_object_store(Store::Meta.name())?;
    database.create_object_store(Store::Pages.name())?;
    create_log(&database)?;
    Ok(())
}

fn create_log(database: &IdbDatabase) -> Result<IdbObjectStore, JsValue> {
    let parameters = IdbObjectStoreParameters::new();
    parameters.set_auto_increment(true);
    database.create_object_store_with_optional_parameters(Store::Log.name(), &parameters)
}

/// From schema 1: the entries keep their numbers, and the store goes on after the last one.
fn let_the_store_number_the_log(database: &IdbDatabase, transaction: &IdbTransaction) -> Result<(), JsValue> {
    let log = transaction.object_store(Store::Log.name())?;
    let (values, keys) = (log.get_all()?, log.get_all_keys()?);
    let then = {
        let (database, transaction, keys) = (database.clone(), transaction.clone(), keys.clone());
        Closure::once_into_js(move |_event: Event| {
            if replace_log(&database, &keys, &values).is_err() {
                let _ended_by_itself = transaction.abort();
            }
        })
    };
    keys.set_onsuccess(Some(then.unchecked_ref()));
    Ok(())
}

fn replace_log(database: &IdbDatabase, keys: &IdbRequest, values: &IdbRequest) -> Result<(), JsValue> {
    let (keys, values) = (Array::from(&keys.result()?), Array::from(&values.result()?));
    database.delete_object_store(Store::Log.name())?;
    let log = create_log(database)?;
    for (key, value) in keys.iter().zip(values.iter()) {
        log.add_with_key(&value, &key)?;
    }
    Ok(())
}
