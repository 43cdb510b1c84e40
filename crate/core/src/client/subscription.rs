//! A live range: everything in it at first, and then every change.

use std::cell::Cell;
use std::rc::Rc;

use super::database::Database;
use super::options::TransactionOptions;
use super::transaction::Transaction;
use crate::engine::{ChangedKeys, SubscriptionId};
use crate::pure::SortedMap;
use crate::storage::Storage;
use crate::words::{
    Error, ErrorCode, Key, KeyRange, KeySelector, RangeOptions, RangeRow, Result, StreamingMode, Value,
    Version,
};

/// What has changed in a range up to a version. Whoever keeps a copy of the range brings it up to date by
/// dropping the keys in `replaced` and then doing `changes`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The version at which the values were read.
    pub version: Version,
    /// Changed keys with their values, `None` for one that is gone; ascending.
    pub changes: Vec<(Key, Option<Value>)>,
    /// Ranges whose keys are gone unless `changes` has them: the whole range at first, later what was
    /// cleared.
    pub replaced: Vec<KeyRange>,
}

/// Follows the changes of a range, whichever peer makes them. Dropping it ends it.
pub struct Subscription<S: Storage> {
    database: Database<S>,
    id: SubscriptionId,
    is_new: Cell<bool>,
}

impl<S: Storage> Subscription<S> {
    pub(super) fn new(database: Database<S>, range: KeyRange) -> Subscription<S> {
        let id = database.engine().subscribe(range);
        Subscription {
            database,
            id,
            is_new: Cell::new(true),
        }
    }

    /// Waits for the next changes: everything in the range at first. Changes of several commits come
    /// together if they happened before this was called; none is left out, and a change may be told twice.
    ///
    /// # Errors
    /// `operation_cancelled` when the database is closed; those of reading.
    pub async fn next(&self) -> Result<Changes> {
        let engine = self.database.engine();
        if self.is_new.replace(false) {
            // Everything that was acknowledged anywhere before belongs to it.
            engine.read_version().await?;
        }
        engine.await_change(self.id).await?;
        let transaction = self.database.create_transaction(TransactionOptions::default());
        loop {
            // Both at once: all changes up to this version, and none after it.
            let (version, changed) = engine.take_changes(self.id)?;
            transaction.set_read_version(version.get() as i64)?;
            match read(&transaction, version, &changed).await {
                Ok(changes) => return Ok(changes),
                Err(error) => {
                    engine.put_back_changes(self.id, &changed);
                    transaction.on_error(&error).await?;
                }
            }
        }
    }
}

impl<S: Storage> Drop for Subscription<S> {
    fn drop(&mut self) {
        self.database.engine().unsubscribe(self.id);
    }
}

async fn read<S: Storage>(
    transaction: &Rc<Transaction<S>>,
    version: Version,
    changed: &ChangedKeys,
) -> Result<Changes> {
    let mut changes = SortedMap::default();
    for range in changed.replaced.iter() {
        let rows = read_all(transaction, &range).await?;
        changes.extend(rows.into_iter().map(|(key, value)| (key, Some(value))));
    }
    for key in changed.keys.keys() {
        let value = transaction.get(key, true).await?;
        changes.insert(key.clone(), value);
    }
    Ok(Changes {
        version,
        changes: std::iter::from_fn(|| changes.pop_first()).collect(),
        replaced: changed.replaced.iter().collect(),
    })
}

async fn read_all<S: Storage>(transaction: &Rc<Transaction<S>>, range: &KeyRange) -> Result<Vec<RangeRow>> {
    let mut begin = KeySelector::first_greater_or_equal(range.begin.clone());
    let end = KeySelector::first_greater_or_equal(range.end.clone());
    let options = RangeOptions {
        mode: StreamingMode::WantAll,
        snapshot: true,
        ..RangeOptions::default()
    };
    let mut all = Vec::new();
    loop {
        let batch = transaction.get_range(&begin, &end, options).await?;
        all.extend(batch.rows);
        match all.last() {
            Some((last, _)) if batch.more => begin = KeySelector::first_greater_than(last.clone()),
            _ => return Ok(all),
        }
    }
}

/// Checks the range of a subscription.
pub(super) fn checked(range: &KeyRange) -> Result<KeyRange> {
    use super::legal::checked_range;
    use crate::words::KEY_SPACE_END;
    let range = checked_range(&range.begin, &range.end, KEY_SPACE_END)?;
    if range.is_empty() {
        let detail = "a range that can hold a key was expected, found an empty one";
        return Err(Error::new(ErrorCode::ClientInvalidOperation, detail));
    }
    Ok(range)
}
