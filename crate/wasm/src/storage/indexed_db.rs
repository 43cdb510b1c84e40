//! A database in IndexedDB, as `schema` lays it out.
//!
//! A commit is one request: `add` the record without a key. The store gives it the next number, and whoever gets
//! the one after the last that it knows has missed nothing (I14); so nothing else need be asked. `commit()` is
//! called in the same task, before the answer: a page that is stopped at any instant leaves no transaction open
//! that others would wait for. That is true of all reads, too; not of folds and of the creation of a database.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use plinth_core::storage::{AppendOutcome, AppendRequest, FoldOutcome, FoldRequest, LogRead, Storage};
use plinth_core::words::{Durability, Error, ErrorCode, PageId, Result, SequenceNumber};
use wasm_bindgen::prelude::*;
use web_sys::{IdbObjectStore, IdbRequest};

use super::idb_reader::{IdbReader, number, root_bytes, sequence_number};
use super::idb_transaction::{AbortReason, WriteTransaction, js_error, knows_commit, note_commit_is_whole};
use super::idb_writer::{IdbWriter, factory};
use super::patience::within_patience;
use super::schema::{ROOT_KEY, Store};

/// Never there after the transaction that adds it.
const PROBE_KEY: &str = "probe";
/// How often a connection may be lost before an append is given up.
const CONNECTIONS_MAX: u32 = 3;

/// The name of the IndexedDB database that holds the Plinth database `name`.
pub fn database_name(name: &str) -> String {
    format!("plinth:{name}")
}

/// Deletes a database with everything in it.
///
/// # Errors
/// `unsupported_operation` without IndexedDB; `io_error`; `timed_out` if somebody keeps it open: it will be
/// deleted when that ends.
pub async fn delete_indexed_db(name: &str) -> Result<()> {
    factory()?;
    let name = database_name(name);
    within_patience(rexie::Rexie::delete(&name), "delete", &name)
        .await?
        .map_err(|error| super::idb_reader::io_error(&error))
}

/// One peer's connections to a database in IndexedDB.
pub struct IndexedDbStorage {
    reader: IdbReader,
    writer: IdbWriter,
    is_closed: Cell<bool>,
}

/// What the handlers of a transaction found out.
#[derive(Clone, Default)]
struct Findings {
    moved_root: Rc<RefCell<Option<Vec<u8>>>>,
    failure: Rc<RefCell<Option<Error>>>,
}

impl IndexedDbStorage {
    /// Opens the database with this Plinth name, creating it if need be.
    ///
    /// # Errors
    /// `unsupported_operation` without IndexedDB; `io_error`; `timed_out` if a deletion or an upgrade is
    /// under way and held up by somebody; `incompatible_protocol_version` after an upgrade.
    pub async fn open(name: &str) -> Result<IndexedDbStorage> {
        factory()?;
        let name = database_name(name);
        // The writer first: it creates the database, and is told if the browser had to throw it away.
        let writer = IdbWriter::open(&name).await?;
        let reader = IdbReader::open(&name).await?;
        Ok(IndexedDbStorage {
            reader,
            writer,
            is_closed: Cell::new(false),
        })
    }

    /// Completes with the error that everything fails with from then on, when the database is deleted or
    /// upgraded by somebody else; with `None` if that can't happen any more.
    pub fn superseded(&self) -> impl Future<Output = Option<Error>> + use<> {
        self.writer.superseded()
    }

    fn check_open(&self) -> Result<()> {
        if self.is_closed.get() {
            return Err(Error::new(
                ErrorCode::ClientInvalidOperation,
                "the database is closed",
            ));
        }
        self.writer.check_current()
    }

    /// Finds out, once in a page, what the browser does when a request fails after `commit()` was called.
    /// To be known before several writes are committed at once. It leaves nothing behind.
    async fn learn_commit(&self) -> Result<()> {
        if knows_commit() {
            return Ok(());
        }
        let probe = |transaction: &WriteTransaction| {
            let (meta, key) = (transaction.store(Store::Meta)?, JsValue::from_str(PROBE_KEY));
            transaction.add(&meta, &key, &[])?;
            transaction.add(&meta, &key, &[])?;
            transaction.delete(&meta, &key)?;
            transaction.commit_at_once();
            Ok(())
        };
        match self
            .writer
            .run(&[Store::Meta], Durability::Relaxed, probe)
            .await?
        {
            // The second write failed. If the transaction was completed all the same, that was noted.
            Err(AbortReason::KeyTaken) => {
                note_commit_is_whole();
                Ok(())
            }
            Err(AbortReason::Failed(error)) => Err(error),
            ended => Err(Error::new(
                ErrorCode::IoError,
                format!("IndexedDB: a key was added twice, and the transaction ended with {ended:?}"),
            )),
        }
    }

    /// Appends, if the connection is to the database that the engine knows; gives the first number.
    async fn append_if_known(&self, request: &AppendRequest) -> Result<Option<SequenceNumber>> {
        let is_unknown = Cell::new(false);
        let first = Cell::new(None);
        let issue = |transaction: &WriteTransaction| {
            if !transaction.is_known_database() {
                is_unknown.set(true);
                transaction.abort();
                return Ok(());
            }
            first.set(append_all(
                transaction,
                &transaction.store(Store::Log)?,
                &request.entries,
            )?);
            transaction.commit();
            Ok(())
        };
        let ended = self.writer.run(&[Store::Log], request.durability, issue).await?;
        if is_unknown.get() {
            return Ok(None);
        }
        if request.entries.len() > 1 {
            // Not before: the right to commit lasts for half a second. The next one needs to know.
            let _asked_again = self.learn_commit().await;
        }
        ended.map_err(append_failed)?;
        first.take().map(|first| given_number(&first)).transpose()
    }

    /// Looks whether a new connection is to the database with this root; gives the root if it is another one.
    async fn other_root(&self, expected: &[u8]) -> Result<Option<Vec<u8>>> {
        let findings = Findings::default();
        let ended = self
            .writer
            .run(&[Store::Meta], Durability::Relaxed, |transaction| {
                check_root(
                    transaction,
                    expected,
                    &findings,
                    WriteTransaction::note_known_database,
                )?;
                transaction.commit();
                Ok(())
            })
            .await?;
        match (findings.moved_root.take(), ended, findings.failure.take()) {
            (Some(root), _, _) => Ok(Some(root)),
            (None, _, Some(error)) => Err(error),
            (None, Err(reason), None) => Err(unexpected_abort(reason)),
            (None, Ok(()), None) => Ok(None),
        }
    }
}

impl Storage for IndexedDbStorage {
    async fn root(&self, initial: &[u8]) -> Result<Vec<u8>> {
        self.check_open()?;
        if let Some(root) = self.reader.root().await? {
            return Ok(root);
        }
        let findings = Findings::default();
        let found = Rc::new(RefCell::new(initial.to_vec()));
        let ended = self
            .writer
            .run(&[Store::Meta], Durability::Strict, |transaction| {
                let meta = transaction.store(Store::Meta)?;
                let request = meta.get(&ROOT_KEY.into()).map_err(|error| js_error(&error))?;
                let (put, found) = (transaction.clone_handle(), Rc::clone(&found));
                let then = move |value: JsValue| {
                    if value.is_undefined() {
                        put.put(&meta, &ROOT_KEY.into(), &found.borrow())?;
                    } else {
                        found.replace(root_of(value)?);
                    }
                    put.commit();
                    Ok(())
                };
                transaction.on_success(&request, then, Rc::clone(&findings.failure));
                Ok(())
            })
            .await?;
        match (ended, findings.failure.take()) {
            (_, Some(error)) => Err(error),
            (Err(reason), None) => Err(unexpected_abort(reason)),
            (Ok(()), None) => Ok(found.take()),
        }
    }

    async fn current_root(&self) -> Result<Option<Vec<u8>>> {
        self.check_open()?;
        self.reader.root().await
    }

    async fn read_log(&self, after: SequenceNumber, limit: usize) -> Result<LogRead> {
        self.check_open()?;
        self.reader.read_log(after, limit).await
    }

    async fn append(&self, request: AppendRequest) -> Result<AppendOutcome> {
        self.check_open()?;
        for _ in 0..CONNECTIONS_MAX {
            if let Some(first) = self.append_if_known(&request).await? {
                return Ok(AppendOutcome::Appended(first));
            }
            // While it was closed, another database of this name may have been put in its place.
            if let Some(root) = self.other_root(&request.root).await? {
                return Ok(AppendOutcome::RootMoved(root));
            }
        }
        Err(Error::new(
            ErrorCode::IoError,
            format!("IndexedDB: the connection was lost {CONNECTIONS_MAX} times; nothing was written"),
        ))
    }

    async fn read_pages(&self, ids: &[PageId]) -> Result<Vec<Option<Vec<u8>>>> {
        self.check_open()?;
        self.reader.read_pages(ids).await
    }

    async fn page_ids(&self, from: PageId, limit: usize) -> Result<Vec<PageId>> {
        self.check_open()?;
        self.reader.page_ids(from, limit).await
    }

    async fn fold(&self, request: FoldRequest) -> Result<FoldOutcome> {
        self.check_open()?;
        self.learn_commit().await?;
        let findings = Findings::default();
        let FoldRequest {
            root,
            new_root,
            write_pages,
            delete_pages: superseded,
            delete_log_through,
        } = request;
        // What no root refers to yet, or any more, may be lost in a power failure.
        let durability = if root == new_root {
            Durability::Relaxed
        } else {
            Durability::Strict
        };
        let ended = self
            .writer
            .run(
                &[Store::Meta, Store::Log, Store::Pages],
                durability,
                |transaction| {
                    // Requests are carried out in order: what follows the root's check is undone with it.
                    check_root(transaction, &root, &findings, WriteTransaction::commit)?;
                    if root != new_root {
                        transaction.put(&transaction.store(Store::Meta)?, &ROOT_KEY.into(), &new_root)?;
                    }
                    let pages = transaction.store(Store::Pages)?;
                    for (id, bytes) in &write_pages {
                        transaction.put(&pages, &number(id.get()), bytes)?;
                    }
                    delete_pages(transaction, &superseded)?;
                    if delete_log_through > SequenceNumber::ZERO {
                        let folded = web_sys::IdbKeyRange::upper_bound(&number(delete_log_through.get()))
                            .map_err(|error| js_error(&error))?;
                        transaction.delete(&transaction.store(Store::Log)?, &folded)?;
                    }
                    Ok(())
                },
            )
            .await?;
        if let Some(root) = findings.moved_root.take() {
            return Ok(FoldOutcome::RootMoved(root));
        }
        match (ended, findings.failure.take()) {
            (Ok(()), _) => Ok(FoldOutcome::Folded),
            (Err(_), Some(error)) => Err(error),
            (Err(reason), None) => Err(unexpected_abort(reason)),
        }
    }

    fn known_tail(&self) -> Option<SequenceNumber> {
        // Another tab may append at any time.
        None
    }

    fn close(&self) {
        self.is_closed.set(true);
        self.reader.close();
        self.writer.close();
    }
}

/// Compares the root with the expected one: aborts the transaction and notes the other root if it is
/// another one, else calls `then`.
fn check_root(
    transaction: &WriteTransaction,
    expected: &[u8],
    findings: &Findings,
    then: impl Fn(&WriteTransaction) + 'static,
) -> Result<()> {
    let request = transaction
        .store(Store::Meta)?
        .get(&ROOT_KEY.into())
        .map_err(|error| js_error(&error))?;
    let (handle, expected, moved_root) = (
        transaction.clone_handle(),
        expected.to_vec(),
        Rc::clone(&findings.moved_root),
    );
    let compare = move |value: JsValue| {
        let root = root_of(value)?;
        if root == expected {
            then(&handle);
        } else {
            moved_root.replace(Some(root));
            handle.abort();
        }
        Ok(())
    };
    transaction.on_success(&request, compare, Rc::clone(&findings.failure));
    Ok(())
}

/// The root record's stored value; empty where there is none.
fn root_of(value: JsValue) -> Result<Vec<u8>> {
    let value = Some(value).filter(|value| !value.is_undefined());
    Ok(root_bytes(value)?.unwrap_or_default())
}

/// Appends entries to the log; gives the request of the first one.
fn append_all(
    transaction: &WriteTransaction,
    log: &IdbObjectStore,
    entries: &[Vec<u8>],
) -> Result<Option<IdbRequest>> {
    let mut first = None;
    for bytes in entries {
        let request = transaction.append(log, bytes)?;
        first.get_or_insert(request);
    }
    Ok(first)
}

/// The number that an entry was given, once it is there.
fn given_number(request: &IdbRequest) -> Result<SequenceNumber> {
    sequence_number(&request.result().map_err(|error| js_error(&error))?)
}

fn append_failed(reason: AbortReason) -> Error {
    match reason {
        // For the engine to look at the log, where nothing is, and to try again.
        AbortReason::TimedOut(detail) => Error::new(ErrorCode::CommitUnknownResult, detail),
        AbortReason::KeyTaken => Error::new(
            ErrorCode::FileCorrupt,
            "the log: the browser gave a new record a number that another one has; nothing was written",
        ),
        reason => unexpected_abort(reason),
    }
}

fn delete_pages(transaction: &WriteTransaction, ids: &[PageId]) -> Result<()> {
    let store = transaction.store(Store::Pages)?;
    for id in ids {
        transaction.delete(&store, &number(id.get()))?;
    }
    Ok(())
}

fn unexpected_abort(reason: AbortReason) -> Error {
    match reason {
        AbortReason::Failed(error) => error,
        AbortReason::TimedOut(detail) => Error::new(ErrorCode::IoError, detail),
        AbortReason::ByUs | AbortReason::KeyTaken => Error::new(
            ErrorCode::IoError,
            "IndexedDB: the browser aborted a transaction without saying why; nothing was written",
        ),
    }
}
