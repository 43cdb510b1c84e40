//! One readwrite transaction of IndexedDB, with what rexie does not offer: the durability option, the
//! reason of an abort, explicit `commit()`, and handlers that are attached before anything is awaited.
//!
//! All requests are issued from inside the same task or from request handlers, never after an await,
//! so the transaction cannot end between them.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_channel::oneshot;
use js_sys::{Array, JsString, Uint8Array};
use plinth_core::words::{Durability, Error, ErrorCode, Result};
use wasm_bindgen::prelude::*;
use web_sys::{DomException, Event, IdbDatabase, IdbObjectStore, IdbRequest, IdbTransaction};

use super::schema::Store;

#[wasm_bindgen]
extern "C" {
    /// `IDBDatabase` with the third parameter of `transaction`, which web-sys keeps behind a flag.
    #[wasm_bindgen(extends = IdbDatabase, js_name = IDBDatabase)]
    type DatabaseWithOptions;

    #[wasm_bindgen(method, catch, js_name = transaction)]
    fn transaction_with_options(
        this: &DatabaseWithOptions,
        stores: &JsValue,
        mode: &JsString,
        options: &JsValue,
    ) -> std::result::Result<TransactionWithCommit, JsValue>;

    /// `IDBTransaction` with its `commit`, which web-sys marks as deprecated and the standard does not, and with names
    /// that are strings of JavaScript already.
    #[derive(Clone)]
    #[wasm_bindgen(extends = IdbTransaction, js_name = IDBTransaction)]
    type TransactionWithCommit;

    #[wasm_bindgen(method, catch, js_name = objectStore)]
    fn store(this: &TransactionWithCommit, name: &JsString) -> std::result::Result<IdbObjectStore, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn commit(this: &TransactionWithCommit) -> std::result::Result<(), JsValue>;
}

// rustfmt would remove the string.
#[rustfmt::skip]
#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(thread_local_v2, static_string)]
    static READ_WRITE: JsString = "readwrite";
}

/// How a transaction ended.
#[derive(Debug)]
pub(super) enum End {
    /// Everything is stored, as durably as was asked for.
    Complete,
    /// Nothing is stored, for this reason.
    Aborted(AbortReason),
    /// The connection went away before the transaction said how it ended.
    Lost,
}

/// Why a transaction was aborted.
#[derive(Debug)]
pub(super) enum AbortReason {
    /// By our own `abort()`.
    ByUs,
    /// `add` found its key taken.
    KeyTaken,
    /// The browser waited too long for its end; what it says. Chromium waits for a minute, which passes for a process
    /// that is stopped.
    TimedOut(String),
    /// Something else; the error to report.
    Failed(Error),
}

/// Tells how a transaction ended; empty once it has.
pub(super) type EndSender = Rc<RefCell<Option<oneshot::Sender<End>>>>;

/// A handler of an event.
pub(super) type Handler = Closure<dyn FnMut(Event)>;

thread_local! {
    /// Whether the browser undoes a transaction of which a request fails after `commit()` was called, as
    /// the standard says; `None` until it is known. Firefox (153) does so only if it is the last request;
    /// else it completes the transaction and keeps what the other requests did.
    static IS_COMMIT_WHOLE: Cell<Option<bool>> = const { Cell::new(None) };

    static STRICT: JsValue = options("strict");
    static RELAXED: JsValue = options("relaxed");
}

/// Options of a transaction.
fn options(durability: &str) -> JsValue {
    let options = js_sys::Object::new();
    // It fails for objects that do not want it.
    let _set = js_sys::Reflect::set(&options, &"durability".into(), &durability.into());
    options.into()
}

/// Whether it is known what the browser does when a request fails after `commit()`.
pub(super) fn knows_commit() -> bool {
    IS_COMMIT_WHOLE.get().is_some()
}

/// Notes that the browser does as the standard says, unless it was seen to do otherwise.
pub(super) fn note_commit_is_whole() {
    IS_COMMIT_WHOLE.set(IS_COMMIT_WHOLE.get().or(Some(true)));
}

/// What has happened to a transaction so far.
#[derive(Default)]
struct Progress {
    writes: Cell<usize>,
    /// Of the first request that failed.
    failure: RefCell<Option<AbortReason>>,
}

/// A running readwrite transaction.
pub(super) struct WriteTransaction {
    transaction: TransactionWithCommit,
    progress: Rc<Progress>,
    /// Whether the connection is known to be to the database that the engine knows: as long as it is open,
    /// nobody can put another one in its place.
    is_known_database: Rc<Cell<bool>>,
    /// Handlers live until the transaction ends.
    handlers: Rc<RefCell<Vec<Handler>>>,
}

impl WriteTransaction {
    /// Starts a transaction, whose end is told from `attach_end` on.
    pub(super) fn begin(
        database: &IdbDatabase,
        is_known_database: &Rc<Cell<bool>>,
        stores: &[Store],
        durability: Durability,
    ) -> std::result::Result<(WriteTransaction, EndSender, oneshot::Receiver<End>), JsValue> {
        let names = match stores {
            [store] => store.js_name().into(),
            _ => stores
                .iter()
                .map(|store| store.js_name())
                .collect::<Array>()
                .into(),
        };
        let options = match durability {
            Durability::Strict => &STRICT,
            Durability::Relaxed => &RELAXED,
        };
        let transaction = options.with(|options| {
            let database = database.unchecked_ref::<DatabaseWithOptions>();
            READ_WRITE.with(|mode| database.transaction_with_options(&names, mode, options))
        })?;
        let (sender, receiver) = oneshot::channel();
        let sender: EndSender = Rc::new(RefCell::new(Some(sender)));
        let this = WriteTransaction {
            transaction,
            progress: Rc::default(),
            is_known_database: Rc::clone(is_known_database),
            handlers: Rc::default(),
        };
        Ok((this, sender, receiver))
    }

    /// The same transaction for use inside a handler. It does not keep the handlers alive, which
    /// would keep themselves alive with it.
    pub(super) fn clone_handle(&self) -> WriteTransaction {
        WriteTransaction {
            transaction: self.transaction.clone(),
            progress: Rc::clone(&self.progress),
            is_known_database: Rc::clone(&self.is_known_database),
            handlers: Rc::default(),
        }
    }

    /// Whether the connection is to the database that the engine knows.
    pub(super) fn is_known_database(&self) -> bool {
        self.is_known_database.get()
    }

    /// The root was the expected one.
    pub(super) fn note_known_database(&self) {
        self.is_known_database.set(true);
    }

    /// An object store of the transaction.
    pub(super) fn store(&self, store: Store) -> Result<IdbObjectStore> {
        self.transaction
            .store(&store.js_name())
            .map_err(|error| js_error(&error))
    }

    /// Appends bytes at the next number that the store gives; the request's result is that number.
    pub(super) fn append(&self, store: &IdbObjectStore, bytes: &[u8]) -> Result<IdbRequest> {
        let request = store.add(&buffer(bytes)).map_err(|error| js_error(&error))?;
        self.note_write();
        Ok(request)
    }

    /// Adds bytes under a key; the transaction aborts with `KeyTaken` if the key is taken.
    pub(super) fn add(&self, store: &IdbObjectStore, key: &JsValue, bytes: &[u8]) -> Result<()> {
        store
            .add_with_key(&buffer(bytes), key)
            .map_err(|error| js_error(&error))?;
        self.note_write();
        Ok(())
    }

    /// Puts bytes under a key.
    pub(super) fn put(&self, store: &IdbObjectStore, key: &JsValue, bytes: &[u8]) -> Result<()> {
        store
            .put_with_key(&buffer(bytes), key)
            .map_err(|error| js_error(&error))?;
        self.note_write();
        Ok(())
    }

    /// Deletes a key or a range of keys.
    pub(super) fn delete(&self, store: &IdbObjectStore, keys: &JsValue) -> Result<()> {
        store.delete(keys).map_err(|error| js_error(&error))?;
        self.note_write();
        Ok(())
    }

    fn note_write(&self) {
        self.progress.writes.set(self.progress.writes.get() + 1);
    }

    /// Calls `then` with the request's result, inside the transaction. An error of `then` aborts.
    pub(super) fn on_success(
        &self,
        request: &IdbRequest,
        mut then: impl FnMut(JsValue) -> Result<()> + 'static,
        failure: Rc<RefCell<Option<Error>>>,
    ) {
        let this = self.clone_handle();
        let source = request.clone();
        let handler = Handler::new(move |_event| {
            let result = source
                .result()
                .map_err(|error| js_error(&error))
                .and_then(&mut then);
            if let Err(error) = result {
                failure.borrow_mut().get_or_insert(error);
                this.abort();
            }
        });
        request.set_onsuccess(Some(handler.as_ref().unchecked_ref()));
        self.handlers.borrow_mut().push(handler);
    }

    /// Ends the issuing of requests. Without it the browser waits for one more round trip, and a tab
    /// that is closed in that moment takes the transaction with it.
    ///
    /// Where one write may fail and the others be kept after it, only a single write may be committed so:
    /// then there are no others, and its own error tells.
    pub(super) fn commit(&self) {
        if self.progress.writes.get() <= 1 || IS_COMMIT_WHOLE.get() == Some(true) {
            self.commit_at_once();
        }
    }

    /// The same whatever the browser makes of it.
    pub(super) fn commit_at_once(&self) {
        // Not there before 2021; such a browser commits when no request is left.
        let _ended_by_itself = self.transaction.commit();
    }

    /// Stops listening: the handlers are about to go away.
    pub(super) fn detach(&self) {
        self.transaction.set_oncomplete(None);
        self.transaction.set_onabort(None);
        self.transaction.set_onerror(None);
    }

    /// Undoes everything.
    pub(super) fn abort(&self) {
        let _ended_by_itself = self.transaction.abort();
    }

    /// Tells `sender` how the transaction ends; to be called in the task in which it was started.
    pub(super) fn attach_end(&self, sender: &EndSender) {
        // Errors of requests come by here.
        let error = {
            let progress = Rc::clone(&self.progress);
            Handler::new(move |event: Event| {
                let request = event
                    .target()
                    .and_then(|target| target.dyn_into::<IdbRequest>().ok());
                let error = request.and_then(|request| request.error().ok().flatten());
                progress.failure.borrow_mut().get_or_insert(abort_reason(error));
            })
        };
        let complete = {
            let (sender, progress) = (Rc::clone(sender), Rc::clone(&self.progress));
            Handler::new(move |_event| {
                let how = match progress.failure.take() {
                    None => End::Complete,
                    Some(reason) => {
                        IS_COMMIT_WHOLE.set(Some(false));
                        End::Aborted(reason)
                    }
                };
                end(&sender, how);
            })
        };
        let abort = {
            let (sender, progress) = (Rc::clone(sender), Rc::clone(&self.progress));
            let transaction = self.transaction.clone();
            Handler::new(move |_event| {
                // The request's own error says more: Firefox may say no more here than that it aborted.
                let reason = match (progress.failure.take(), abort_reason(transaction.error())) {
                    (Some(AbortReason::ByUs) | None, reason) => reason,
                    (Some(first), _) => first,
                };
                end(&sender, End::Aborted(reason));
            })
        };
        self.transaction.set_onerror(Some(error.as_ref().unchecked_ref()));
        self.transaction
            .set_oncomplete(Some(complete.as_ref().unchecked_ref()));
        self.transaction.set_onabort(Some(abort.as_ref().unchecked_ref()));
        self.handlers.borrow_mut().extend([error, complete, abort]);
    }
}

/// Tells how a transaction ended, once.
pub(super) fn end(sender: &EndSender, how: End) {
    if let Some(sender) = sender.borrow_mut().take() {
        let _receiver_gone = sender.send(how);
    }
}

fn abort_reason(error: Option<DomException>) -> AbortReason {
    let Some(error) = error else {
        return AbortReason::ByUs;
    };
    match error.name().as_str() {
        "AbortError" => AbortReason::ByUs,
        "ConstraintError" => AbortReason::KeyTaken,
        "QuotaExceededError" => AbortReason::Failed(Error::new(
            ErrorCode::IoError,
            "IndexedDB: QuotaExceededError: the storage that the browser grants this site is used up; nothing was written",
        )),
        name => {
            let detail = format!("IndexedDB: {name}: {}; nothing was written", error.message());
            match name {
                "TimeoutError" => AbortReason::TimedOut(detail),
                _ => AbortReason::Failed(Error::new(ErrorCode::IoError, detail)),
            }
        }
    }
}

/// A failure thrown by IndexedDB.
pub(super) fn js_error(error: &JsValue) -> Error {
    let text = match error.dyn_ref::<DomException>() {
        Some(exception) => format!("{}: {}", exception.name(), exception.message()),
        None => format!("{error:?}"),
    };
    Error::new(ErrorCode::IoError, format!("IndexedDB: {text}"))
}

/// A buffer of exactly these bytes: a view into wasm memory would make the browser clone all of it.
fn buffer(bytes: &[u8]) -> JsValue {
    Uint8Array::from(bytes).buffer().into()
}
