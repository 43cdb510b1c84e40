//! The transaction's calls as the directory layer uses them: keys in, values out.

use std::rc::Rc;

use crate::client::operation_lock::Turn;
use crate::client::{Read, Transaction};
use crate::storage::Storage;
use crate::words::{
    AtomicOp, KeyRange, KeySelector, RangeOptions, RangeRow, RangeRows, Result, TransactionOption, Value,
};

/// A transaction.
pub(super) struct Store<S: Storage> {
    transaction: Rc<Transaction<S>>,
}

impl<S: Storage> Store<S> {
    pub(super) fn of(transaction: &Rc<Transaction<S>>) -> Store<S> {
        Store {
            transaction: Rc::clone(transaction),
        }
    }

    /// Waits for the transaction's directory operations that were called before.
    pub(super) async fn turn(&self) -> Turn {
        self.transaction.directory_lock.acquire().await
    }

    pub(super) fn get(&self, key: &[u8]) -> Read<Option<Value>> {
        self.transaction.get(key, false)
    }

    pub(super) fn get_snapshot(&self, key: &[u8]) -> Read<Option<Value>> {
        self.transaction.get(key, true)
    }

    /// The first row, or with `reverse` the last.
    pub(super) fn one_of(&self, range: &KeyRange, reverse: bool, snapshot: bool) -> Read<RangeRows> {
        let options = RangeOptions {
            limit: 1,
            reverse,
            snapshot,
            ..RangeOptions::default()
        };
        self.rows(range, options)
    }

    /// All rows.
    pub(super) async fn all_of(&self, range: &KeyRange) -> Result<Vec<RangeRow>> {
        let mut all = Vec::new();
        let mut rest = range.clone();
        loop {
            let RangeRows { rows, more } = self.rows(&rest, RangeOptions::default()).await?;
            all.extend(rows);
            match all.last() {
                Some((key, _)) if more => rest.begin = KeyRange::of_key(key.clone()).end,
                _ => return Ok(all),
            }
        }
    }

    fn rows(&self, range: &KeyRange, options: RangeOptions) -> Read<RangeRows> {
        let begin = KeySelector::first_greater_or_equal(range.begin.clone());
        let end = KeySelector::first_greater_or_equal(range.end.clone());
        self.transaction.get_range(&begin, &end, options)
    }

    pub(super) fn set(&self, key: &[u8], value: &[u8]) -> Result<()> {
        self.transaction.set(key, value)
    }

    pub(super) fn set_without_conflict(&self, key: &[u8], value: &[u8]) -> Result<()> {
        self.without_conflict()?;
        self.transaction.set(key, value)
    }

    pub(super) fn add(&self, key: &[u8], number: u64) -> Result<()> {
        self.transaction.atomic(AtomicOp::Add, key, &number.to_le_bytes())
    }

    pub(super) fn clear(&self, key: &[u8]) -> Result<()> {
        self.transaction.clear(key)
    }

    pub(super) fn clear_range(&self, range: &KeyRange) -> Result<()> {
        self.transaction.clear_range(&range.begin, &range.end)
    }

    pub(super) fn clear_range_without_conflict(&self, range: &KeyRange) -> Result<()> {
        self.without_conflict()?;
        self.transaction.clear_range(&range.begin, &range.end)
    }

    pub(super) fn add_write_conflict_key(&self, key: &[u8]) -> Result<()> {
        let KeyRange { begin, end } = KeyRange::of_key(key.into());
        self.transaction.add_write_conflict_range(&begin, &end)
    }

    fn without_conflict(&self) -> Result<()> {
        let option = TransactionOption::NextWriteNoWriteConflictRange;
        self.transaction.set_option(option.number(), &[])
    }

    /// 64 random bits.
    pub(super) fn random_u64(&self) -> u64 {
        self.transaction.engine.env().random_u64()
    }
}
