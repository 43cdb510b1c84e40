//! The calls of a transaction that write, or add conflict ranges: checked at the call, kept until the
//! commit.

use super::legal::{
    check_key_template, check_key_value, check_operated_key, check_order, check_template, check_write_key,
    checked_clear, checked_range, checked_read_conflict, key_bytes_max,
};
use super::options::AttemptOptions;
use super::transaction::Transaction;
use crate::pure::StampedWrite;
use crate::storage::Storage;
use crate::words::{AtomicOp, Error, ErrorCode, KeyRange, Mutation, Result, Write};

impl<S: Storage> Transaction<S> {
    /// Sets a key.
    ///
    /// # Errors
    /// `key_outside_legal_range`, `key_too_large`, `value_too_large`; `special_keys_write_disabled`;
    /// `client_invalid_operation` for the metadata version.
    pub fn set(&self, key: &[u8], value: &[u8]) -> Result<()> {
        self.write(|options, has_conflict| {
            check_key_value(key, value, options)?;
            Ok(plain(Mutation::Set(key.into(), value.into()), has_conflict))
        })
    }

    /// Has the database carry out an operation on a key's value at the commit, without reading it.
    ///
    /// # Errors
    /// As [`Transaction::set`].
    pub fn atomic(&self, op: AtomicOp, key: &[u8], operand: &[u8]) -> Result<()> {
        self.write(|options, has_conflict| {
            check_key_value(key, operand, options)?;
            let mutation = Mutation::Atomic(op, key.into(), operand.into());
            Ok(plain(mutation, has_conflict))
        })
    }

    /// As [`Transaction::atomic`], by FoundationDB's number of the operation, versionstamps included.
    ///
    /// # Errors
    /// As [`Transaction::set`]; `invalid_mutation_type` for another number.
    pub fn atomic_by_number(&self, number: u8, key: &[u8], operand: &[u8]) -> Result<()> {
        const SET_VERSIONSTAMPED_KEY: u8 = 14;
        const SET_VERSIONSTAMPED_VALUE: u8 = 15;
        match (number, AtomicOp::from_number(number)) {
            (_, Some(op)) => self.atomic(op, key, operand),
            (SET_VERSIONSTAMPED_KEY, None) => self.set_versionstamped_key(key, operand),
            (SET_VERSIONSTAMPED_VALUE, None) => self.set_versionstamped_value(key, operand),
            (_, None) => self.write(|options, _| {
                check_operated_key(key, options)?;
                let detail = format!("the number of an atomic operation was expected, found {number}");
                Err(Error::new(ErrorCode::InvalidMutationType, detail))
            }),
        }
    }

    /// Sets a key part of which is the commit's versionstamp: the last four bytes of `template` say
    /// where its ten bytes go, and are removed. Always a write conflict, on the final key.
    ///
    /// # Errors
    /// As [`Transaction::set`]; `client_invalid_operation` if the stamp does not fit.
    pub fn set_versionstamped_key(&self, template: &[u8], value: &[u8]) -> Result<()> {
        self.write(|options, _| {
            check_key_value(template, value, options)?;
            check_template(template)?;
            let (template, value) = (template.into(), value.into());
            Ok(Some(StampedWrite::Key { template, value }))
        })
    }

    /// Sets a key to a value part of which is the commit's versionstamp: the last four bytes of
    /// `template` say where its ten bytes go, and are removed.
    ///
    /// # Errors
    /// As [`Transaction::set`]; `client_invalid_operation` if the stamp does not fit.
    pub fn set_versionstamped_value(&self, key: &[u8], template: &[u8]) -> Result<()> {
        self.write(|options, has_conflict| {
            check_key_template(key, template, options)?;
            let (key, template) = (key.into(), template.into());
            Ok(Some(StampedWrite::Value {
                key,
                template,
                has_conflict,
            }))
        })
    }

    /// Clears a key. A key longer than any stored one is not there to be cleared.
    ///
    /// # Errors
    /// `key_outside_legal_range`, `special_keys_write_disabled`.
    pub fn clear(&self, key: &[u8]) -> Result<()> {
        self.write(|options, has_conflict| {
            check_write_key(key, options)?;
            if key.len() > key_bytes_max(key) {
                return Ok(None);
            }
            let range = KeyRange::of_key(key.into());
            Ok(plain(Mutation::ClearRange(range), has_conflict))
        })
    }

    /// Clears every key with `begin <= key < end`.
    ///
    /// # Errors
    /// `key_outside_legal_range`, `inverted_range`, `special_keys_write_disabled`.
    pub fn clear_range(&self, begin: &[u8], end: &[u8]) -> Result<()> {
        self.write(|options, has_conflict| {
            let range = checked_clear(begin, end, options)?;
            if range.is_empty() {
                return Ok(None);
            }
            Ok(plain(Mutation::ClearRange(range), has_conflict))
        })
    }

    /// Makes the transaction fail if another one writes into the range, as if it had read it. What the
    /// transaction itself decides is left out.
    ///
    /// # Errors
    /// `key_outside_legal_range`, `inverted_range`.
    pub fn add_read_conflict_range(&self, begin: &[u8], end: &[u8]) -> Result<()> {
        check_order(begin, end)?;
        let attempt = self.attempt();
        self.or_deferred(&attempt, || {
            attempt.check_use()?;
            let range = checked_read_conflict(begin, end, attempt.options().borrow().read_end)?;
            attempt.add_read_conflict(&attempt.writes(), &range);
            Ok(())
        })
    }

    /// Makes others that read the range fail, as if this transaction wrote it.
    ///
    /// # Errors
    /// `key_outside_legal_range`, `inverted_range`.
    pub fn add_write_conflict_range(&self, begin: &[u8], end: &[u8]) -> Result<()> {
        check_order(begin, end)?;
        let attempt = self.attempt();
        self.or_deferred(&attempt, || {
            attempt.check_use()?;
            let range = checked_range(begin, end, attempt.options().borrow().write_end)?;
            attempt.add_write_conflict(range);
            Ok(())
        })
    }

    /// Adds what `make` makes of the options and of whether the write is to conflict with readers.
    fn write(&self, make: impl FnOnce(&AttemptOptions, bool) -> Result<Option<StampedWrite>>) -> Result<()> {
        let attempt = self.attempt();
        // Taken by every call that writes, one that fails included.
        let has_conflict = !attempt.takes_skipped_conflict();
        self.or_deferred(&attempt, || {
            attempt.check_use()?;
            let write = make(&attempt.options().borrow(), has_conflict)?;
            if let Some(write) = write {
                attempt.write(write);
            }
            Ok(())
        })
    }
}

fn plain(mutation: Mutation, has_conflict: bool) -> Option<StampedWrite> {
    Some(StampedWrite::Plain(Write {
        mutation,
        has_conflict,
    }))
}
