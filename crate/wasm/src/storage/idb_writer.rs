//! The writer connection: commits, folds and page writes, each as one IndexedDB transaction.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_channel::{mpsc, oneshot};
use futures_util::StreamExt;
use plinth_core::words::{Durability, Error, ErrorCode, Result};
use wasm_bindgen::prelude::*;
use web_sys::{Event, IdbDatabase, IdbFactory, IdbOpenDbRequest};

use super::idb_transaction::{AbortReason, End, EndSender, Handler, WriteTransaction, end, js_error};
use super::patience::within_patience;
use super::schema::{SCHEMA_VERSION, Store, upgrade};

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
    /// Somebody deleted or upgraded the database: what everything fails with since.
    superseded: RefCell<Option<Error>>,
    /// Told of each attempt to do that, for which we made room.
    changes: RefCell<Option<mpsc::UnboundedSender<VersionChange>>>,
    /// Told when the connection is lost with their transactions under way: a commit and a fold.
    running: RefCell<Vec<EndSender>>,
}

/// Why somebody else asks all connections to close.
enum VersionChange {
    Deletion,
    Upgrade,
}

struct Connection {
    database: IdbDatabase,
    is_known_database: Rc<Cell<bool>>,
    _handlers: [Handler; 2],
}

impl Connection {
    fn begin(
        &self,
        stores: &[Store],
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
    connection: Rc<RefCell<Option<Connection>>>,
    signals: Rc<Signals>,
}

impl IdbWriter {
    /// Opens the database, whose object stores exist.
    pub(super) async fn open(name: &str) -> Result<IdbWriter> {
        let signals = Rc::<Signals>::default();
        let connection = connect(name, &signals).await?;
        // The engine has read nothing yet: what it will know is what is at this end, or this end is broken.
        connection.is_known_database.set(true);
        let connection = Rc::new(RefCell::new(Some(connection)));
        Ok(IdbWriter {
            name: name.to_owned(),
            connection,
            signals,
        })
    }

    /// Completes with what everything fails with from then on, once somebody has deleted or upgraded the
    /// database; this connection makes room for either. It comes back when an upgrade was given up.
    pub(super) fn superseded(&self) -> impl Future<Output = Option<Error>> + use<> {
        let (sender, mut changes) = mpsc::unbounded();
        self.signals.changes.replace(Some(sender));
        // It must not keep alive what it waits for.
        let (name, signals) = (self.name.clone(), Rc::downgrade(&self.signals));
        let current = Rc::downgrade(&self.connection);
        async move {
            while let Some(change) = changes.next().await {
                let (signals, current) = (signals.upgrade()?, current.upgrade()?);
                let error = match change {
                    VersionChange::Deletion => superseded_error(),
                    // Waits until the other one is done.
                    VersionChange::Upgrade => match connect(&name, &signals).await {
                        Ok(connection) => {
                            current.replace(Some(connection));
                            signals.is_lost.set(false);
                            continue;
                        }
                        Err(error) if error.code() == ErrorCode::IncompatibleProtocolVersion => error,
                        // Whoever needs a connection next will say so.
                        Err(_) => continue,
                    },
                };
                signals.superseded.replace(Some(error.clone()));
                return Some(error);
            }
            None
        }
    }

    /// Fails if the database was deleted or upgraded by somebody else.
    pub(super) fn check_current(&self) -> Result<()> {
        self.signals.superseded.borrow().clone().map_or(Ok(()), Err)
    }

    /// Runs one readwrite transaction: `issue` places the first requests, their handlers the rest.
    ///
    /// # Errors
    /// `commit_unknown_result` if the connection went away before the transaction said how it ended.
    pub(super) async fn run(
        &self,
        stores: &[Store],
        durability: Durability,
        issue: impl FnOnce(&WriteTransaction) -> Result<()>,
    ) -> Result<std::result::Result<(), AbortReason>> {
        let (transaction, sender, receiver) = self.begin(stores, durability).await?;
        self.signals.running.borrow_mut().push(Rc::clone(&sender));
        let issued = issue(&transaction);
        if issued.is_err() {
            transaction.abort();
        }
        // Not before: the browser works on the requests meanwhile, and no event comes in this task.
        transaction.attach_end(&sender);
        let how = receiver.await.unwrap_or(End::Lost);
        if matches!(how, End::Lost) {
            transaction.detach();
        }
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
        self.signals.changes.replace(None);
        self.connection.replace(None);
    }

    async fn begin(
        &self,
        stores: &[Store],
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
        "the database was deleted in another tab; open it again",
    )
}

/// What opening fails with when the database was made by a later version of this package.
pub(super) fn newer_schema_error() -> Error {
    Error::new(
        ErrorCode::IncompatibleProtocolVersion,
        format!(
            "the database was upgraded by a newer version of plinthdb, this one knows schema {SCHEMA_VERSION}: load \
             the newer one"
        ),
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
            if upgrade(&request, &event).is_err()
                && let Some(transaction) = request.transaction()
            {
                let _ended_by_itself = transaction.abort();
            }
        })
    };
    request.set_onupgradeneeded(Some(on_upgrade.as_ref().unchecked_ref()));
    let opening = within_patience(opened(&request), "open", name);
    let database: IdbDatabase = match opening.await {
        Ok(database) => database?.unchecked_into(),
        Err(impatient) => {
            close_when_opened(&request);
            return Err(impatient);
        }
    };
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
        Handler::new(move |event: Event| {
            let new_version = js_sys::Reflect::get(&event, &"newVersion".into());
            let change = if new_version.is_ok_and(|version| version.as_f64().is_some()) {
                signals.is_lost.set(true);
                VersionChange::Upgrade
            } else {
                signals.superseded.replace(Some(superseded_error()));
                VersionChange::Deletion
            };
            database.close();
            if let Some(sender) = &*signals.changes.borrow() {
                let _receiver_gone = sender.unbounded_send(change);
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

async fn opened(request: &IdbOpenDbRequest) -> Result<JsValue> {
    let (sender, receiver) = oneshot::channel();
    let sender = Rc::new(RefCell::new(Some(sender)));
    let settle = {
        let request = request.clone();
        Handler::new(move |_event| {
            if let Some(sender) = sender.borrow_mut().take() {
                let result = match request.error() {
                    Ok(Some(error)) if error.name() == "VersionError" => Err(newer_schema_error()),
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

/// Nobody waits for the connection any more: it must not stand in others' way when it comes.
fn close_when_opened(request: &IdbOpenDbRequest) {
    let on_success = {
        let request = request.clone();
        Closure::once_into_js(move |_event: Event| {
            if let Ok(database) = request.result() {
                database.unchecked_into::<IdbDatabase>().close();
            }
        })
    };
    let on_upgrade = {
        let request = request.clone();
        Closure::once_into_js(move |_event: Event| {
            // Or it would create the database, without its stores.
            if let Some(transaction) = request.transaction() {
                let _undone = transaction.abort();
            }
        })
    };
    request.set_onsuccess(Some(on_success.unchecked_ref()));
    request.set_onerror(None);
    request.set_onupgradeneeded(Some(on_upgrade.unchecked_ref()));
}
