//! `DatabaseHandle`: an open database, for the npm package to wrap.

use std::cell::Cell;
use std::rc::Rc;

use js_sys::Promise;
use plinth_core::engine::{CheckReport, EngineStats, Locks};
use plinth_core::words::{Durability, KeyRange};
use plinth_core::{Database, DatabaseOptions, Error, ErrorCode, ImportMode};
use serde::Serialize;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

use crate::env::JsEnv;
use crate::exchange;
use crate::export_handle::ExportHandle;
use crate::failure::{code_of, code_of_error, promise, promise_of, promise_of_end, rejection};
use crate::import_handle::ImportHandle;
use crate::memory_databases::{MemoryDatabase, MemoryNews, delete_memory_database};
use crate::news::{Following, TabNews};
use crate::options::open_options;
use crate::page_life::PageLife;
use crate::storage::{AnyStorage, IndexedDbStorage, database_name, delete_indexed_db};
use crate::subscription_handle::SubscriptionHandle;
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
    folded_version: f64,
    folded_key_count: f64,
    folded_key_value_bytes: f64,
    log_entry_count: f64,
    log_bytes: f64,
    recent_bytes: f64,
    cache_bytes: f64,
    cached_page_count: f64,
    cache_hit_count: f64,
    page_read_count: f64,
    page_write_count: f64,
    fold_count: f64,
    condemned_count: f64,
    watch_count: f64,
    committed_count: f64,
    conflict_count: f64,
    log_read_count: f64,
    restart_count: f64,
    is_folding: bool,
}

impl From<EngineStats> for Stats {
    fn from(stats: EngineStats) -> Stats {
        Stats {
            version: stats.version.get() as f64,
            log_tail: stats.log_tail.get() as f64,
            key_count: stats.key_count as f64,
            key_value_bytes: stats.key_value_bytes as f64,
            folded_version: stats.folded_version.get() as f64,
            folded_key_count: stats.folded_key_count as f64,
            folded_key_value_bytes: stats.folded_key_value_bytes as f64,
            log_entry_count: stats.log_entry_count as f64,
            log_bytes: stats.log_bytes as f64,
            recent_bytes: stats.recent_bytes as f64,
            cache_bytes: stats.cache_bytes as f64,
            cached_page_count: stats.cached_page_count as f64,
            cache_hit_count: stats.cache_hit_count as f64,
            page_read_count: stats.page_read_count as f64,
            page_write_count: stats.page_write_count as f64,
            fold_count: stats.fold_count as f64,
            condemned_count: stats.condemned_count as f64,
            watch_count: stats.watch_count as f64,
            committed_count: stats.committed_count as f64,
            conflict_count: stats.conflict_count as f64,
            log_read_count: stats.log_read_count as f64,
            restart_count: stats.restart_count as f64,
            is_folding: stats.is_folding,
        }
    }
}

/// What a check found, as the package's `CheckReport`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    page_count: f64,
    page_bytes: f64,
    row_count: f64,
    key_value_bytes: f64,
    log_entry_count: f64,
    log_bytes: f64,
    superseded_page_count: f64,
    unreachable_page_count: f64,
    damage: Vec<(u16, String)>,
}

impl From<CheckReport> for Report {
    fn from(report: CheckReport) -> Report {
        let damage = report.damage.iter();
        Report {
            page_count: (report.node_count + report.chunk_count) as f64,
            page_bytes: report.page_bytes as f64,
            row_count: report.row_count as f64,
            key_value_bytes: report.key_value_bytes as f64,
            log_entry_count: report.log_entry_count as f64,
            log_bytes: report.log_bytes as f64,
            superseded_page_count: report.superseded_page_count as f64,
            unreachable_page_count: report.unreachable_page_count as f64,
            damage: damage
                .map(|error| (error.code().number(), error.message().to_owned()))
                .collect(),
        }
    }
}

/// Opens a database. Rejects with `[code, message]`.
#[wasm_bindgen(js_name = openDatabase, unchecked_return_type = "Promise<DatabaseHandle>")]
pub fn open_database(name: String, options: JsValue) -> Promise {
    promise_of(async move { open(&name, options).await }, JsValue::from)
}

/// Deletes a database with everything in it. Rejects with `[code, message]`.
#[wasm_bindgen(js_name = deleteDatabase, unchecked_return_type = "Promise<void>")]
pub fn delete_database(name: String) -> Promise {
    let deleted = async move {
        if name.starts_with(MEMORY_PREFIX) {
            delete_memory_database(&name);
            return Ok(());
        }
        delete_indexed_db(&name).await
    };
    promise_of_end(Box::pin(deleted))
}

async fn open(name: &str, options: JsValue) -> Result<DatabaseHandle, Error> {
    let (options, engine_options) = open_options(options)?;
    let options = Cell::new(options);
    let env = Rc::new(JsEnv);
    if name.starts_with(MEMORY_PREFIX) {
        let shared = MemoryDatabase::named(name);
        let news = Box::new(MemoryNews(Rc::downgrade(&shared)));
        let database = Database::open_with(shared.storage(), env, news, None, engine_options).await?;
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
    let news = TabNews::of_database(&name);
    let locks = WebLocks::named(&name).map(|locks| Box::new(locks) as Box<dyn Locks>);
    let database = Database::open_with(storage, env, Box::new(news.clone()), locks, engine_options).await?;
    let engine = Rc::downgrade(database.engine());
    spawn_local(async move {
        // Whoever is alone reads from memory, and would not notice.
        if let (Some(error), Some(engine)) = (superseded.await, engine.upgrade()) {
            engine.fail(&error);
        }
    });
    let following = news.follow(database.engine());
    let page_life = PageLife::follow(database.engine(), &news);
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
    /// The value of the key of this length in the exchange, if it can be had at once: its length, if it is there; -1 if
    /// there is no such key; -2 if a transaction must be asked.
    #[wasm_bindgen(js_name = getExchanged)]
    pub fn get_exchanged(&self, key_length: usize) -> i32 {
        let found = exchange::with_first(key_length, |key| self.database.get_now(key));
        found.map_or(exchange::ELSEWHERE, |value| exchange::put(value.as_deref()))
    }

    /// Commits a single write in a transaction of its own: of the key of this length in the exchange, with the operand of
    /// that length that follows it there. The operation is one of FoundationDB's numbers; without it, the key is set. A
    /// promise, or the code of a failure.
    #[wasm_bindgen(js_name = commitExchanged)]
    pub fn commit_exchanged(
        &self,
        operation: Option<u8>,
        key_length: usize,
        operand_length: usize,
    ) -> JsValue {
        let transaction = self.database.create_transaction(self.options.get().transactions);
        let written = exchange::with_first(key_length + operand_length, |bytes| {
            let (key, operand) = bytes.split_at_checked(key_length).unwrap_or_default();
            match operation {
                None => transaction.set(key, operand),
                Some(operation) => transaction.atomic_by_number(operation, key, operand),
            }
        });
        if let Err(error) = written {
            return JsValue::from_f64(f64::from(code_of_error(&error)));
        }
        let committing = transaction.commit();
        let committed = async move {
            let committed = committing.await;
            // Its timeout ends with it.
            drop(transaction);
            committed
        };
        promise_of_end(Box::pin(committed)).into()
    }

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

    /// Follows the changes of a range. Throws `[code, message]`.
    pub fn subscribe(&self, begin: &[u8], end: &[u8]) -> Result<SubscriptionHandle, JsValue> {
        self.database
            .subscribe(&KeyRange::new(begin, end))
            .map(SubscriptionHandle::new)
            .map_err(|error| rejection(&error))
    }

    /// Begins to export a range. Throws `[code, message]`.
    pub fn export(&self, begin: &[u8], end: &[u8]) -> Result<ExportHandle, JsValue> {
        self.database
            .export(&KeyRange::new(begin, end))
            .map(ExportHandle::new)
            .map_err(|error| rejection(&error))
    }

    /// Begins to import: 0 into an empty range, 1 in place of what is there, 2 besides it. Throws
    /// `[code, message]`.
    pub fn import(&self, mode: u8) -> Result<ImportHandle, JsValue> {
        let mode = match mode {
            0 => ImportMode::Empty,
            1 => ImportMode::Replace,
            _ => ImportMode::Merge,
        };
        let options = self.options.get().transactions;
        self.database
            .import(mode, options)
            .map(ImportHandle::new)
            .map_err(|error| rejection(&error))
    }

    /// Fails if the database can't be used.
    #[wasm_bindgen(js_name = checkUsable)]
    pub fn check_usable(&self) -> u16 {
        code_of(self.database.engine().check_usable())
    }

    /// Counts and sizes.
    pub fn stats(&self) -> Result<JsValue, JsValue> {
        to_js(&Stats::from(self.database.stats()))
    }

    /// Reads and checks everything that is stored: a promise of a report.
    pub fn check(&self) -> Promise {
        let database = self.database.clone();
        promise(async move {
            let report = database.check().await.map_err(|error| rejection(&error))?;
            to_js(&Report::from(report))
        })
    }

    /// Folds what may be folded and deletes what nothing refers to.
    pub fn compact(&self) -> Promise {
        let database = self.database.clone();
        promise_of_end(Box::pin(async move { database.compact().await.map(drop) }))
    }

    /// Waits for commits already submitted, then ends every use of the database.
    pub fn close(&mut self) -> Promise {
        let (database, membership) = (self.database.clone(), self.membership.take());
        promise(async move {
            database.close().await;
            drop(membership);
            Ok(JsValue::UNDEFINED)
        })
    }
}

fn to_js(value: &impl Serialize) -> Result<JsValue, JsValue> {
    serde_wasm_bindgen::to_value(value).map_err(|error| {
        let detail = format!("a report: {error}");
        rejection(&Error::new(ErrorCode::InternalError, detail))
    })
}
