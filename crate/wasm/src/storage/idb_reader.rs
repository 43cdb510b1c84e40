//! The reader connection: what `rexie` does well. It reads records of the log and pages, and deletes
//! databases. Nothing is written through it: it has no durability option,
//! loses abort reasons, and may drop the write of a dropped future.

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::future::{join, join_all, join3};
use js_sys::ArrayBuffer;
use plinth_core::storage::{LogEntry, LogRead};
use plinth_core::words::{Error, ErrorCode, PageId, Result, SequenceNumber};
use rexie::{KeyRange, ObjectStore, Rexie, Transaction, TransactionMode};
use wasm_bindgen::prelude::*;

use super::idb_writer::newer_schema_error;
use super::patience::within_patience;
use super::schema::{ROOT_KEY, SCHEMA_VERSION, Store};

/// A connection for reading; opened anew if the browser closed it.
pub(super) struct IdbReader {
    name: String,
    connection: RefCell<Option<Rc<Rexie>>>,
}

impl IdbReader {
    /// Opens the database, whose object stores exist.
    pub(super) async fn open(name: &str) -> Result<IdbReader> {
        let connection = RefCell::new(Some(Rc::new(connect(name).await?)));
        Ok(IdbReader {
            name: name.to_owned(),
            connection,
        })
    }

    /// Up to `limit` entries of the log after a place, and the root.
    pub(super) async fn read_log(&self, after: SequenceNumber, limit: usize) -> Result<LogRead> {
        let transaction = self.transaction(&[Store::Meta.name(), Store::Log.name()]).await?;
        let meta = transaction
            .store(Store::Meta.name())
            .map_err(|error| io_error(&error))?;
        let log = transaction
            .store(Store::Log.name())
            .map_err(|error| io_error(&error))?;
        let range = KeyRange::lower_bound(&number(after.get()), Some(true))
            .map_err(|error| io_error(&rexie::Error::from(error)))?;
        let limit = Some(limit as u32);
        let requests = join3(
            meta.get(JsValue::from_str(ROOT_KEY)),
            log.get_all_keys(Some(range.clone()), limit),
            log.get_all(Some(range), limit),
        );
        let (root, keys, values) = whole(transaction, requests).await;
        let root = root.map_err(|error| io_error(&error))?;
        let keys = keys.map_err(|error| io_error(&error))?;
        let values = values.map_err(|error| io_error(&error))?;
        Ok(LogRead {
            root: root_bytes(root)?.unwrap_or_default(),
            entries: log_entries(keys, values)?,
        })
    }

    /// Pages by id.
    pub(super) async fn read_pages(&self, ids: &[PageId]) -> Result<Vec<Option<Vec<u8>>>> {
        let transaction = self.transaction(&[Store::Pages.name()]).await?;
        let store = transaction
            .store(Store::Pages.name())
            .map_err(|error| io_error(&error))?;
        // All requests at once: a request alone costs a transaction's latency each.
        let requests = join_all(ids.iter().map(|id| store.get(number(id.get()))));
        let values = whole(transaction, requests).await;
        let mut pages = Vec::with_capacity(ids.len());
        for (value, id) in values.into_iter().zip(ids) {
            let value = value.map_err(|error| io_error(&error))?;
            pages.push(
                value
                    .map(|value| bytes_of(&value, &format!("page {id}")))
                    .transpose()?,
            );
        }
        Ok(pages)
    }

    /// The root record.
    pub(super) async fn root(&self) -> Result<Option<Vec<u8>>> {
        let transaction = self.transaction(&[Store::Meta.name()]).await?;
        let store = transaction
            .store(Store::Meta.name())
            .map_err(|error| io_error(&error))?;
        let value = whole(transaction, store.get(JsValue::from_str(ROOT_KEY))).await;
        root_bytes(value.map_err(|error| io_error(&error))?)
    }

    /// Up to `limit` page ids from this one on, ascending.
    pub(super) async fn page_ids(&self, from: PageId, limit: usize) -> Result<Vec<PageId>> {
        let transaction = self.transaction(&[Store::Pages.name()]).await?;
        let store = transaction
            .store(Store::Pages.name())
            .map_err(|error| io_error(&error))?;
        let range = KeyRange::lower_bound(&number(from.get()), Some(false))
            .map_err(|error| io_error(&rexie::Error::from(error)))?;
        let keys = whole(transaction, store.get_all_keys(Some(range), Some(limit as u32))).await;
        keys.map_err(|error| io_error(&error))?
            .iter()
            .map(|key| {
                whole_number(key).map(PageId::new).ok_or_else(|| {
                    Error::new(
                        ErrorCode::FileCorrupt,
                        "the page store has a key that is not a page id",
                    )
                })
            })
            .collect()
    }

    /// Closes the connection.
    pub(super) fn close(&self) {
        if let Some(connection) = self.connection.take().and_then(Rc::into_inner) {
            connection.close();
        }
    }

    async fn transaction(&self, stores: &[&str]) -> Result<Transaction> {
        let connection = self.connection.borrow().clone();
        if let Some(transaction) =
            connection.and_then(|connection| connection.transaction(stores, TransactionMode::ReadOnly).ok())
        {
            return Ok(transaction);
        }
        // The browser closed the connection: it does so when its storage process ends.
        let connection = Rc::new(connect(&self.name).await?);
        let transaction = connection
            .transaction(stores, TransactionMode::ReadOnly)
            .map_err(|error| io_error(&error))?;
        self.connection.replace(Some(connection));
        Ok(transaction)
    }
}

/// Places the requests of a future's first poll, says in the same task that there are no more, and waits
/// for them. A page that is stopped before it has seen the answers holds up nobody then: the browser ends
/// the transaction without it.
async fn whole<T>(transaction: Transaction, requests: impl Future<Output = T>) -> T {
    let (values, _ended) = join(requests, transaction.commit()).await;
    // How it ended says nothing that the requests do not say.
    values
}

async fn connect(name: &str) -> Result<Rexie> {
    let opening = Rexie::builder(name)
        .version(SCHEMA_VERSION)
        .add_object_store(ObjectStore::new(Store::Meta.name()))
        .add_object_store(ObjectStore::new(Store::Log.name()).auto_increment(true))
        .add_object_store(ObjectStore::new(Store::Pages.name()))
        .build();
    within_patience(opening, "open", name)
        .await?
        .map_err(|error| io_error(&error))
}

/// Keys and values of the log as entries. Values alone would not do: an entry counts only if it has the number that
/// it says, and behind one that is missing all others would be taken for what they are not.
pub(super) fn log_entries(
    keys: impl IntoIterator<Item = JsValue>,
    values: impl IntoIterator<Item = JsValue>,
) -> Result<Vec<LogEntry>> {
    keys.into_iter()
        .zip(values)
        .map(|(key, value)| {
            let sequence = sequence_number(&key)?;
            let bytes = bytes_of(&value, &format!("log record {sequence}"))?;
            Ok(LogEntry { sequence, bytes })
        })
        .collect()
}

/// A key of the log as a number.
pub(super) fn sequence_number(key: &JsValue) -> Result<SequenceNumber> {
    whole_number(key)
        .map(SequenceNumber::new)
        .ok_or_else(|| Error::new(ErrorCode::FileCorrupt, "the log has a key that is not a number"))
}

fn whole_number(key: &JsValue) -> Option<u64> {
    let number = key
        .as_f64()
        .filter(|number| *number >= 0.0 && number.fract() == 0.0);
    number.map(|number| number as u64)
}

/// The root record's stored value as bytes.
pub(super) fn root_bytes(value: Option<JsValue>) -> Result<Option<Vec<u8>>> {
    value.map(|value| bytes_of(&value, "root record")).transpose()
}

/// The bytes of a stored value.
pub(super) fn bytes_of(value: &JsValue, what: &str) -> Result<Vec<u8>> {
    let buffer = value.dyn_ref::<ArrayBuffer>().ok_or_else(|| {
        let found = value.js_typeof().as_string().unwrap_or_default();
        let detail = format!("{what}: an ArrayBuffer was expected, found a value of type {found}");
        Error::new(ErrorCode::FileCorrupt, detail)
    })?;
    Ok(js_sys::Uint8Array::new(buffer).to_vec())
}

/// A number as a key of an object store.
pub(super) fn number(number: u64) -> JsValue {
    JsValue::from_f64(number as f64)
}

/// An error of the reader connection.
pub(super) fn io_error(error: &rexie::Error) -> Error {
    let detail = match error {
        rexie::Error::IdbError(cause) => format!("IndexedDB: {cause}"),
        other => format!("IndexedDB: {other}"),
    };
    // It knows errors by their text alone.
    if detail.contains("VersionError") {
        return newer_schema_error();
    }
    Error::new(ErrorCode::IoError, detail)
}
