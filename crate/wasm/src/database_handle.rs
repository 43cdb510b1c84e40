//! `DatabaseHandle`: an open database, for the npm package to wrap.

use std::cell::Cell;
use std::rc::Rc;

use js_sys::Promise;
use plinth_core::engine::Locks;
use plinth_core::words::Durability;
use plinth_core::{Database, DatabaseOptions, Error, ErrorCode};
use serde::Serialize;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{future_to_promise, spawn_local};

use crate::env::JsEnv;
use crate::failure::{code_of, rejection};
use crate::memory_databases::{MemoryDatabase, MemoryNews, delete_memory_database};
use crate::news::{Following, TabNews};
use crate::options::open_options;
use crate::page_life::PageLife;
use crate::storage::{AnyStorage, IndexedDbStorage, database_name, delete_indexed_db};
use crate::transaction_handle::TransactionHandle;
use crate::web_locks::WebLocks;

/// Databases whose name begins with this are in memory.
const MEMORY_PREFIX: &str = "memory:";

/// An open database.
#[wasm_bindgen]
pub struct DatabaseHandle {
    database: Database<AnyStorage>,
    options: Cell<DatabaseOptions>,
    /// Until closed: what ties this handle to the others of its database.
    membership: Option<Membership>,
}

/// Given up when the handle is closed.
enum Membership {
    /// Keeps the database in memory alive.
    Memory { _database: Rc<MemoryDatabase> },
    /// Hears what other tabs publish.
    Tabs {
        _following: Following,
        _page_life: PageLife,
    },
}

/// Counts and sizes, as the package's `DatabaseStats`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    version: f64,
    log_tail: f64,
    key_count: f64,
    key_value_bytes: f64,
    watch_count: f64,
    committed_count: f64,
    conflict_count: f64,
    log_read_count: f64,
}

/// Opens a database. Rejects with `[code, message]`.
#[wasm_bindgen(js_name = openDatabase)]
pub async fn open_database(name: String, options: JsValue) -> Result<DatabaseHandle, JsValue> {
    open(&name, options).await.map_err(|error| rejection(&error))
}

/// Deletes a database with everything in it. Rejects with `[code, message]`.
#[wasm_bindgen(js_name = deleteDatabase)]
pub async fn delete_database(name: String) -> Result<(), JsValue> {
    if name.starts_with(MEMORY_PREFIX) {
        delete_memory_database(&name);
        return Ok(());
    }
    delete_indexed_db(&name).await.map_err(|error| rejection(&error))
}

async fn open(name: &str, options: JsValue) -> Result<DatabaseHandle, Error> {
    let options = Cell::new(open_options(options)?);
    let env = Rc::new(JsEnv);
    if name.starts_with(MEMORY_PREFIX) {
        let shared = MemoryDatabase::named(name);
        let news = Box::new(MemoryNews(Rc::downgrade(&shared)));
        let database = Database::open(shared.storage(), env, news, None).await?;
        shared.add_peer(database.engine());
        return Ok(DatabaseHandle {
            database,
            options,
            membership: Some(Membership::Memory { _database: shared }),
        });
    }
    let storage = IndexedDbStorage::open(name).await?;
    let superseded = storage.superseded();
    let storage = AnyStorage::IndexedDb(storage);
    let name = database_name(name);
    let news = TabNews::join(&name);
    let locks = WebLocks::named(&name).map(|locks| Box::new(locks) as Box<dyn Locks>);
    let database = Database::open(storage, env, Box::new(news.clone()), locks).await?;
    let engine = Rc::downgrade(database.engine());
    spawn_local(async move {
        // Whoever is alone reads from memory, and would not notice.
        if let (Some(error), Some(engine)) = (superseded.await, engine.upgrade()) {
            engine.fail(&error);
        }
    });
    let following = news.follow(database.engine());
    let page_life = PageLife::follow(database.engine());
    Ok(DatabaseHandle {
        database,
        options,
        membership: Some(Membership::Tabs {
            _following: following,
            _page_life: page_life,
        }),
    })
}

#[wasm_bindgen]
impl DatabaseHandle {
    /// Begins a transaction. `is_relaxed` overrides the database's durability.
    #[wasm_bindgen(js_name = createTransaction)]
    pub fn create_transaction(&self, is_relaxed: Option<bool>) -> TransactionHandle {
        let mut options = self.options.get().transactions;
        if let Some(is_relaxed) = is_relaxed {
            options.durability = if is_relaxed {
                Durability::Relaxed
            } else {
                Durability::Strict
            };
        }
        TransactionHandle::new(self.database.create_transaction(options))
    }

    /// Sets an option by FoundationDB's number, for transactions begun from now on.
    #[wasm_bindgen(js_name = setOption)]
    pub fn set_option(&self, number: u16, value: &[u8]) -> u16 {
        let mut options = self.options.get();
        let result = options.set(number, value);
        self.options.set(options);
        self.database.set_watches_max(options.watches_max);
        code_of(result)
    }

    /// Fails if the database can't be used.
    #[wasm_bindgen(js_name = checkUsable)]
    pub fn check_usable(&self) -> u16 {
        code_of(self.database.engine().check_usable())
    }

    /// Counts and sizes.
    pub fn stats(&self) -> Result<JsValue, JsValue> {
        let stats = self.database.stats();
        let stats = Stats {
            version: stats.version.get() as f64,
            log_tail: stats.log_tail.get() as f64,
            key_count: stats.key_count as f64,
            key_value_bytes: stats.key_value_bytes as f64,
            watch_count: stats.watch_count as f64,
            committed_count: stats.committed_count as f64,
            conflict_count: stats.conflict_count as f64,
            log_read_count: stats.log_read_count as f64,
        };
        serde_wasm_bindgen::to_value(&stats).map_err(|error| {
            rejection(&Error::new(
                ErrorCode::InternalError,
                format!("statistics: {error}"),
            ))
        })
    }

    /// Waits for commits already submitted, then ends every use of the database.
    pub fn close(&mut self) -> Promise {
        let (database, membership) = (self.database.clone(), self.membership.take());
        future_to_promise(async move {
            database.close().await;
            drop(membership);
            Ok(JsValue::UNDEFINED)
        })
    }
}
