//! A database handle: makes transactions.

use std::rc::Rc;

use super::export::Export;
use super::import::{Import, ImportMode};
use super::options::TransactionOptions;
use super::subscription::{Subscription, checked};
use super::transaction::Transaction;
use crate::engine::{CheckReport, Engine, EngineOptions, EngineStats, FoldExtent, FoldResult, Locks, News};
use crate::storage::Storage;
use crate::words::{Env, KEY_BYTES_MAX, KEY_SPACE_END, KeyRange, Result, SequenceNumber, Value};

/// An open database. Clones share one engine.
pub struct Database<S: Storage> {
    engine: Rc<Engine<S>>,
}

impl<S: Storage> Clone for Database<S> {
    fn clone(&self) -> Self {
        Database {
            engine: Rc::clone(&self.engine),
        }
    }
}

impl<S: Storage> Database<S> {
    /// Opens the database in this storage, creating it if need be.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub async fn open(
        storage: S,
        env: Rc<dyn Env>,
        news: Box<dyn News>,
        locks: Option<Box<dyn Locks>>,
    ) -> Result<Database<S>> {
        Database::open_with(storage, env, news, locks, EngineOptions::default()).await
    }

    /// Opens the database with options.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub async fn open_with(
        storage: S,
        env: Rc<dyn Env>,
        news: Box<dyn News>,
        locks: Option<Box<dyn Locks>>,
        options: EngineOptions,
    ) -> Result<Database<S>> {
        Ok(Database {
            engine: Engine::open(storage, env, news, locks, options).await?,
        })
    }

    /// Begins a transaction.
    pub fn create_transaction(&self, options: TransactionOptions) -> Rc<Transaction<S>> {
        Transaction::new(Rc::clone(&self.engine), options)
    }

    /// The value of a key, read as by a transaction that does nothing else, if it can be had at once: the read version is
    /// known here and so are the pages. Then no transaction need be made for it.
    pub fn get_now(&self, key: &[u8]) -> Option<Option<Value>> {
        if key.len() > KEY_BYTES_MAX || key >= KEY_SPACE_END {
            return None;
        }
        let snapshot = self.engine.known_read_version().ok()??;
        let read = self.engine.read_now(&snapshot, &mut |database| database.get(key));
        read.ok()
    }

    /// Runs `body` in a transaction and commits it, again and again until it commits or fails with
    /// an error that is not retryable. `body` may run many times.
    ///
    /// # Errors
    /// The first error that is not retryable.
    pub async fn run<T>(
        &self,
        options: TransactionOptions,
        mut body: impl AsyncFnMut(&Rc<Transaction<S>>) -> Result<T>,
    ) -> Result<T> {
        let transaction = self.create_transaction(options);
        loop {
            let result = match body(&transaction).await {
                Ok(value) => transaction.commit().await.map(|()| value),
                Err(error) => Err(error),
            };
            match result {
                Ok(value) => return Ok(value),
                Err(error) => transaction.on_error(&error).await?,
            }
        }
    }

    /// Follows the changes of a range, whichever peer makes them.
    ///
    /// # Errors
    /// `key_outside_legal_range`, `inverted_range`; `client_invalid_operation` for an empty range; why the
    /// database can't be used.
    pub fn subscribe(&self, range: &KeyRange) -> Result<Subscription<S>> {
        self.engine.check_usable()?;
        Ok(Subscription::new(self.clone(), checked(range)?))
    }

    /// Begins to export a range, which must lie below the system keys.
    ///
    /// # Errors
    /// As [`Database::subscribe`].
    pub fn export(&self, range: &KeyRange) -> Result<Export<S>> {
        self.engine.check_usable()?;
        Export::new(self.clone(), range)
    }

    /// Begins to import an export.
    ///
    /// # Errors
    /// Why the database can't be used.
    pub fn import(&self, mode: ImportMode, options: TransactionOptions) -> Result<Import<S>> {
        self.engine.check_usable()?;
        Ok(Import::new(self.clone(), mode, options))
    }

    /// Learns that the log ended at `tail` when another peer published it.
    pub fn hear(&self, tail: SequenceNumber) {
        self.engine.hear(tail);
    }

    /// Lets so many watches be outstanding. Those that are there stay.
    pub fn set_watches_max(&self, watches_max: usize) {
        self.engine.set_watches_max(watches_max);
    }

    /// Counts and sizes.
    pub fn stats(&self) -> EngineStats {
        self.engine.stats()
    }

    /// Moves the old part of the log into pages now. The engine does it by itself when the log is long, or
    /// shorter and nothing has been committed for a while. Not for a page that is about to be hidden: if it
    /// is frozen in the middle of a storage operation, every other one waits for it.
    ///
    /// # Errors
    /// As [`Engine::fold`].
    pub async fn fold(&self) -> Result<FoldResult> {
        self.engine.fold(FoldExtent::Old).await
    }

    /// Reads and checks everything that is stored.
    ///
    /// # Errors
    /// As [`Engine::check`].
    pub async fn check(&self) -> Result<CheckReport> {
        self.engine.check().await
    }

    /// Folds what may be folded, packs half-empty pages, and deletes what nothing refers to.
    ///
    /// # Errors
    /// As [`Engine::compact`].
    pub async fn compact(&self) -> Result<FoldResult> {
        self.engine.compact().await
    }

    /// The engine, for what is around it: news, poisoning, closing.
    pub fn engine(&self) -> &Rc<Engine<S>> {
        &self.engine
    }

    /// Waits for commits already submitted, then ends every use of the database.
    pub async fn close(&self) {
        self.engine.close().await;
    }
}
