//! The writer connection: commits, folds and page writes, each as one IndexedDB transaction.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_channel::oneshot;
use plinth_core::words::{Durability, Error, ErrorCode, Result};
use wasm_bindgen::prelude::*;
use web_sys::{Event, IdbDatabase, IdbFactory, IdbOpenDbRequest};

use super::idb_transaction::{AbortReason, End, EndSender, Handler, WriteTransaction, end, js_error};
use super::indexed_db::{LOG, META, PAGES, SCHEMA_VERSION};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(thread_local_v2, js_name = indexedDB)]
    static INDEXED_DB: Option<IdbFactory>;
}

/// What the connection's events tell.
#[derive(Default)]
struct Signals {
    /// The browser closed the connection: the next transaction opens a new one.
    is_lost: Cell<bool>,
    /// Somebody deletes or upgrades the database: we made room and do not come back.
    is_superseded: Cell<bool>,
    /// Told of that.
    superseded: RefCell<Option<oneshot::Sender<()>>>,
    /// Told when the connection is lost with their transactions under way: a commit and a fold.
    running: RefCell<Vec<EndSender>>,
}

struct Connection {
    database: IdbDatabase,
    is_known_database: Rc<Cell<bool>>,
    _handlers: [Handler; 2],
}

impl Connection {
    fn begin(
        &self,
        stores: &[&str],
        durability: Durability,
    ) -> std::result::Result<(WriteTransaction, EndSender, oneshot::Receiver<End>), JsValue> {
        WriteTransaction::begin(&self.database, &self.is_known_database, stores, durability)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.database.set_onclose(None);
        self.database.set_onversionchange(None);
        self.database.close();
    }
}

/// A connection for writing; opened anew if the browser closed it.
pub(super) struct IdbWriter {
    name: String,
    connection: RefCell<Option<Connection>>,
    signals: Rc<Signals>,
}

impl IdbWriter {
    /// Opens the database, whose object stores exist.
    pub(super) async fn open(name: &str) -> Result<IdbWriter> {
        let signals = Rc::<Signals>::default();
        let connection = RefCell::new(Some(connect(name, &signals).await?));
        Ok(IdbWriter {
            name: name.to_owned(),
            connection,
            signals,
        })
    }

    /// Told when somebody deletes or upgrades the database, and this connection has made room.
    pub(super) fn superseded(&self) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        self.signals.superseded.replace(Some(sender));
        receiver
    }

    /// Fails if the database was deleted or upgraded by somebody else.
    pub(super) fn check_current(&self) -> Result<()> {
        if self.signals.is_superseded.get() {
            return Err(superseded_error());
        }
        Ok(())
    }

    /// Runs one readwrite transaction: `issue` places the first requests, their handlers the rest.
    ///
    /// # Errors
    /// `commit_unknown_result` if the connection went away before the transaction said how it ended.
    pub(super) async fn run(
        &self,
        stores: &[&str],
        durability: Durability,
        issue: impl FnOnce(&WriteTransaction) -> Result<()>,
    ) -> Result<std::result::Result<(), AbortReason>> {
        let (transaction, sender, receiver) = self.begin(stores, durability).await?;
        self.signals.running.borrow_mut().push(Rc::clone(&sender));
        let issued = issue(&transaction);
        if issued.is_err() {
            transaction.abort();
        }
        let how = receiver.await.unwrap_or(End::Lost);
        transaction.detach();
        self.signals
            .running
            .borrow_mut()
            .retain(|other| !Rc::ptr_eq(other, &sender));
        issued?;
        match how {
            End::Complete => Ok(Ok(())),
            End::Aborted(reason) => Ok(Err(reason)),
            End::Lost => {
                let detail = "IndexedDB: the connection was lost before the transaction ended";
                Err(Error::new(ErrorCode::CommitUnknownResult, detail))
            }
        }
    }

    /// Closes the connection once its transactions are done.
    pub(super) fn close(&self) {
        self.connection.replace(None);
    }

    async fn begin(
        &self,
        stores: &[&str],
        durability: Durability,
    ) -> Result<(WriteTransaction, EndSender, oneshot::Receiver<End>)> {
        self.check_current()?;
        if !self.signals.is_lost.replace(false)
            && let Some(connection) = &*self.connection.borrow()
            && let Ok(begun) = connection.begin(stores, durability)
        {
            return Ok(begun);
        }
        let connection = connect(&self.name, &self.signals).await?;
        let begun = connection.begin(stores, durability);
        self.connection.replace(Some(connection));
        begun.map_err(|error| js_error(&error))
    }
}

/// What everything fails with after that.
pub(super) fn superseded_error() -> Error {
    Error::new(
        ErrorCode::FileNotFound,
        "the database was deleted or upgraded in another tab; open it again",
    )
}

/// The factory of this window, worker or frame.
pub(super) fn factory() -> Result<IdbFactory> {
    INDEXED_DB.with(Clone::clone).ok_or_else(|| {
        Error::new(
            ErrorCode::UnsupportedOperation,
            "IndexedDB is missing here; open a name beginning with memory: for a database in memory",
        )
    })
}

async fn connect(name: &str, signals: &Rc<Signals>) -> Result<Connection> {
    let request = factory()?
        .open_with_u32(name, SCHEMA_VERSION)
        .map_err(|error| js_error(&error))?;
    let loss = Rc::<RefCell<Option<String>>>::default();
    let on_upgrade = {
        let (request, loss) = (request.clone(), Rc::clone(&loss));
        Handler::new(move |event: Event| {
            *loss.borrow_mut() = data_loss(&event);
            if let Ok(database) = request.result() {
                create_stores(&database.unchecked_into());
            }
        })
    };
    request.set_onupgradeneeded(Some(on_upgrade.as_ref().unchecked_ref()));
    let database: IdbDatabase = opened(&request).await?.unchecked_into();
    if let Some(reason) = loss.take() {
        // The stores are there now: opening once more begins with an empty database.
        database.close();
        return Err(Error::new(
            ErrorCode::FileCorrupt,
            format!("the browser found its storage damaged and threw the whole database away: {reason}"),
        ));
    }
    let on_close = {
        let signals = Rc::clone(signals);
        Handler::new(move |_event| {
            signals.is_lost.set(true);
            for sender in signals.running.take() {
                end(&sender, End::Lost);
            }
        })
    };
    let on_version_change = {
        let (signals, database) = (Rc::clone(signals), database.clone());
        Handler::new(move |_event| {
            signals.is_superseded.set(true);
            database.close();
            if let Some(sender) = signals.superseded.take() {
                let _receiver_gone = sender.send(());
            }
        })
    };
    database.set_onclose(Some(on_close.as_ref().unchecked_ref()));
    database.set_onversionchange(Some(on_version_change.as_ref().unchecked_ref()));
    Ok(Connection {
        database,
        is_known_database: Rc::default(),
        _handlers: [on_close, on_version_change],
    })
}

/// What the browser says of a database that it had to throw away, in the event that creates it anew.
/// Chromium does so when the files of its storage are damaged, and tells nobody else.
fn data_loss(event: &Event) -> Option<String> {
    let text = |name: &str| js_sys::Reflect::get(event, &name.into()).ok()?.as_string();
    match text("dataLoss")?.as_str() {
        "none" => None,
        _ => Some(text("dataLossMessage").unwrap_or_default()),
    }
}

fn create_stores(database: &IdbDatabase) {
    for store in [META, LOG, PAGES] {
        // It fails if the store is there, which is as well.
        let _exists = database.create_object_store(store);
    }
}

async fn opened(request: &IdbOpenDbRequest) -> Result<JsValue> {
    let (sender, receiver) = oneshot::channel();
    let sender = Rc::new(RefCell::new(Some(sender)));
    let settle = {
        let request = request.clone();
        Handler::new(move |_event| {
            if let Some(sender) = sender.borrow_mut().take() {
                let result = match request.error() {
                    Ok(Some(error)) => Err(js_error(&error)),
                    _ => request.result().map_err(|error| js_error(&error)),
                };
                let _receiver_gone = sender.send(result);
            }
        })
    };
    request.set_onsuccess(Some(settle.as_ref().unchecked_ref()));
    request.set_onerror(Some(settle.as_ref().unchecked_ref()));
    receiver
        .await
        .unwrap_or_else(|_| Err(ErrorCode::OperationCancelled.into()))
}
