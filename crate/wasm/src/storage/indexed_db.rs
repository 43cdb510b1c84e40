//! A database in IndexedDB: stores `meta` (key `root`), `log` (key = sequence number) and `pages`
//! (key = page id); values are ArrayBuffers.
//!
//! A commit is one round trip: `add` the record at tail + 1, which fails if the number is taken, and in
//! parallel read the root, which tells a peer far behind that the numbers it missed were folded away, and
//! the records that it has not seen. `commit()` is called in the same task, before any answer: a page that
//! is stopped at any instant leaves no transaction open that others would wait for. That is true of all
//! reads, too; not of folds, of the creation of a database, of the first commit on a connection, and of
//! the second try of commits that were too late.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::Array;
use plinth_core::storage::{
    AppendOutcome, AppendRequest, CommitOutcome, CommitRequest, FoldOutcome, FoldRequest, LogRead, Storage,
};
use plinth_core::words::{Durability, Error, ErrorCode, PageId, Result, SequenceNumber};
use wasm_bindgen::prelude::*;

use super::idb_reader::{IdbReader, log_entries, number, root_bytes};
use super::idb_transaction::{
    AbortReason, WriteTransaction, js_error, keys_after, knows_commit, note_commit_is_whole,
};
use super::idb_writer::{IdbWriter, factory};
use super::patience::within_patience;

pub(super) const META: &str = "meta";
pub(super) const LOG: &str = "log";
pub(super) const PAGES: &str = "pages";
pub(super) const SCHEMA_VERSION: u32 = 1;
pub(super) const ROOT_KEY: &str = "root";
/// Never there after the transaction that adds it.
const PROBE_KEY: &str = "probe";

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
            let (meta, key) = (transaction.store(META)?, JsValue::from_str(PROBE_KEY));
            transaction.add(&meta, &key, &[])?;
            transaction.add(&meta, &key, &[])?;
            transaction.delete(&meta, &key)?;
            transaction.commit_at_once();
            Ok(())
        };
        match self.writer.run(&[META], Durability::Relaxed, probe).await? {
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

    /// Reads what is new, lets the engine decide again, and appends that, in one transaction.
    async fn append_in_turn(&self, request: CommitRequest) -> Result<CommitOutcome> {
        let findings = Findings::default();
        let outcome = Rc::new(Cell::new(None));
        let CommitRequest {
            root,
            tail,
            durability,
            mut rewrite,
            entries: expected,
        } = request;
        let mut expected = Some(expected);
        let ended = self
            .writer
            .run(&[META, LOG], durability, |transaction| {
                check_root(transaction, &root, &findings, |_| {})?;
                let log = transaction.store(LOG)?;
                let unseen = log
                    .get_all_with_key(keys_after(tail.get())?.as_ref())
                    .map_err(|error| js_error(&error))?;
                let (append, outcome) = (transaction.clone_handle(), Rc::clone(&outcome));
                let then = move |values: JsValue| {
                    let unseen = log_entries(tail, Array::from(&values))?;
                    let mut place = tail.plus(unseen.len() as u64);
                    let appended = match expected.take() {
                        Some(entries) if unseen.is_empty() => Some(entries),
                        _ => rewrite(unseen)?,
                    };
                    match appended {
                        None => outcome.set(Some(CommitOutcome::Withdrawn)),
                        Some(entries) => {
                            for bytes in &entries {
                                place = place.plus(1);
                                append.add(&log, &number(place.get()), bytes)?;
                            }
                            outcome.set(Some(CommitOutcome::Appended(place)));
                        }
                    }
                    append.commit();
                    Ok(())
                };
                transaction.on_success(&unseen, then, Rc::clone(&findings.failure));
                Ok(())
            })
            .await?;
        if let Some(root) = findings.moved_root.take() {
            return Ok(CommitOutcome::RootMoved(root));
        }
        match (ended, findings.failure.take(), outcome.take()) {
            (_, Some(error), _) => Err(error),
            (Err(reason), None, _) => Err(unexpected_abort(reason)),
            (Ok(()), None, Some(outcome)) => Ok(outcome),
            (Ok(()), None, None) => Err(Error::new(
                ErrorCode::IoError,
                "IndexedDB: a transaction completed without its reads",
            )),
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
            .run(&[META], Durability::Strict, |transaction| {
                let meta = transaction.store(META)?;
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
        let findings = Findings::default();
        let found = Rc::<RefCell<LogRead>>::default();
        let is_refused = Rc::new(Cell::new(false));
        let issue = |transaction: &WriteTransaction| {
            // On a new connection there may be another database of this name by now.
            let may_be_another = !transaction.is_known_database();
            let meta = transaction.store(META)?;
            let log = transaction.store(LOG)?;
            let root = meta.get(&ROOT_KEY.into()).map_err(|error| js_error(&error))?;
            let take_root = {
                let (found, is_refused) = (Rc::clone(&found), Rc::clone(&is_refused));
                let (handle, expected) = (transaction.clone_handle(), request.root.clone());
                move |value: JsValue| {
                    let root = root_of(value)?;
                    if may_be_another && root == expected {
                        handle.note_known_database();
                        handle.commit();
                    } else if may_be_another {
                        is_refused.set(true);
                        handle.abort();
                    }
                    found.borrow_mut().root = root;
                    Ok(())
                }
            };
            transaction.on_success(&root, take_root, Rc::clone(&findings.failure));
            if request.unseen_limit > 0 {
                // Before the record itself is there.
                let limit = request.unseen_limit as u32;
                let unseen = log
                    .get_all_with_key_and_limit(keys_after(request.tail.get())?.as_ref(), limit)
                    .map_err(|error| js_error(&error))?;
                let (found, tail) = (Rc::clone(&found), request.tail);
                let take_unseen = move |values: JsValue| {
                    found.borrow_mut().entries = log_entries(tail, Array::from(&values))?;
                    Ok(())
                };
                transaction.on_success(&unseen, take_unseen, Rc::clone(&findings.failure));
            }
            for (place, bytes) in (request.tail.get() + 1..).zip(&request.entries) {
                transaction.add(&log, &number(place), bytes)?;
            }
            if !may_be_another {
                transaction.commit();
            }
            Ok(())
        };
        let ended = self.writer.run(&[META, LOG], request.durability, issue).await?;
        if request.entries.len() > 1 {
            // Not before: the right to commit lasts for half a second. The next one needs to know.
            let _asked_again = self.learn_commit().await;
        }
        let found = found.take();
        if let Some(error) = findings.failure.take() {
            return Err(error);
        }
        match ended {
            Ok(()) => Ok(AppendOutcome::Appended(found.root)),
            Err(AbortReason::KeyTaken) => Ok(AppendOutcome::Refused(found)),
            Err(AbortReason::ByUs) if is_refused.get() => Ok(AppendOutcome::Refused(found)),
            Err(reason) => Err(unexpected_abort(reason)),
        }
    }

    async fn commit(&self, request: CommitRequest) -> Result<CommitOutcome> {
        self.check_open()?;
        self.append_in_turn(request).await
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
            .run(&[META, LOG, PAGES], durability, |transaction| {
                // Requests are carried out in order: what follows the root's check is undone with it.
                check_root(transaction, &root, &findings, WriteTransaction::commit)?;
                if root != new_root {
                    transaction.put(&transaction.store(META)?, &ROOT_KEY.into(), &new_root)?;
                }
                let pages = transaction.store(PAGES)?;
                for (id, bytes) in &write_pages {
                    transaction.put(&pages, &number(id.get()), bytes)?;
                }
                delete_pages(transaction, &superseded)?;
                if delete_log_through > SequenceNumber::ZERO {
                    let folded = web_sys::IdbKeyRange::upper_bound(&number(delete_log_through.get()))
                        .map_err(|error| js_error(&error))?;
                    transaction.delete(&transaction.store(LOG)?, &folded)?;
                }
                Ok(())
            })
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
        .store(META)?
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

fn delete_pages(transaction: &WriteTransaction, ids: &[PageId]) -> Result<()> {
    let store = transaction.store(PAGES)?;
    for id in ids {
        transaction.delete(&store, &number(id.get()))?;
    }
    Ok(())
}

fn unexpected_abort(reason: AbortReason) -> Error {
    match reason {
        AbortReason::Failed(error) => error,
        AbortReason::ByUs | AbortReason::KeyTaken => Error::new(
            ErrorCode::IoError,
            "IndexedDB: the browser aborted a transaction without saying why; nothing was written",
        ),
    }
}
