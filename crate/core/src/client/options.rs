//! What transactions are told about themselves: a database's defaults, and the options of one attempt.
//!
//! A retry forgets everything but the timeout and how to retry, as FoundationDB does since its API
//! version 610; defaults are applied again.

use crate::pure::{RetryPolicy, SortedSet};
use crate::words::{
    Bytes, DatabaseOption, Durability, Error, ErrorCode, KEY_SPACE_END, OptionArgument, OptionEffect,
    OptionEntry, Result, SYSTEM_KEY_SPACE_END, TRANSACTION_BYTES_MAX, TransactionOption, WATCHES_MAX,
};

const TAGS_MAX: usize = 5;
const TAG_BYTES_MAX: usize = 255;

/// How a transaction is to behave unless it is told otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransactionOptions {
    /// When its commit counts as done.
    pub durability: Durability,
    /// How often and how patiently `on_error` lets it retry.
    pub retry: RetryPolicy,
    /// Microseconds from its creation, or `reset`, after which every use of it fails with
    /// `transaction_timed_out`, retries included; `None` for never.
    pub timeout_us: Option<u64>,
    /// The largest size that it may commit, in bytes.
    pub size_limit: u64,
    /// Snapshot reads see the transaction's own writes while this is positive.
    pub snapshot_ryw: i32,
    /// Whether `get` gives what a versionstamp will change as it stands, instead of failing.
    pub bypass_unreadable: bool,
    /// Whether a use of the transaction during its commit fails without failing the commit.
    pub used_during_commit_protection_disable: bool,
    /// Whether a conflict tells the ranges that conflicted.
    pub report_conflicting_keys: bool,
    /// Whether commits get a random idempotency id.
    pub automatic_idempotency: bool,
    /// Whether the read version may miss commits that other peers made just before.
    pub causal_read_risky: bool,
    /// Whether an error of a call that only writes is kept until the next call that can fail, as in
    /// FoundationDB's C API, instead of being returned.
    pub defers_errors: bool,
}

impl Default for TransactionOptions {
    fn default() -> Self {
        TransactionOptions {
            durability: Durability::default(),
            retry: RetryPolicy::default(),
            timeout_us: None,
            size_limit: TRANSACTION_BYTES_MAX,
            snapshot_ryw: 1,
            bypass_unreadable: false,
            used_during_commit_protection_disable: false,
            report_conflicting_keys: false,
            automatic_idempotency: false,
            causal_read_risky: false,
            defers_errors: false,
        }
    }
}

/// The options of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatabaseOptions {
    /// Defaults of its transactions.
    pub transactions: TransactionOptions,
    /// How many watches may be outstanding.
    pub watches_max: usize,
}

impl Default for DatabaseOptions {
    fn default() -> Self {
        DatabaseOptions {
            transactions: TransactionOptions::default(),
            watches_max: WATCHES_MAX,
        }
    }
}

impl DatabaseOptions {
    /// Sets an option by FoundationDB's number. Integers are eight bytes, little-endian.
    ///
    /// # Errors
    /// `invalid_option` for an unknown number, `invalid_option_value`.
    pub fn set(&mut self, number: u16, value: &[u8]) -> Result<()> {
        let option = DatabaseOption::from_number(number).ok_or_else(|| unknown(number))?;
        let value = checked_value(option.entry(), value)?;
        let transactions = &mut self.transactions;
        match option {
            DatabaseOption::MaxWatches => self.watches_max = value.unsigned() as usize,
            DatabaseOption::SnapshotRywEnable => transactions.snapshot_ryw += 1,
            DatabaseOption::SnapshotRywDisable => transactions.snapshot_ryw -= 1,
            DatabaseOption::TransactionTimeout => transactions.timeout_us = value.timeout_us(),
            DatabaseOption::TransactionRetryLimit => transactions.retry.retry_limit = value.limit(),
            DatabaseOption::TransactionMaxRetryDelay => {
                transactions.retry.retry_delay_max_us = value.unsigned() * 1_000;
            }
            DatabaseOption::TransactionSizeLimit => transactions.size_limit = value.unsigned(),
            DatabaseOption::TransactionCausalReadRisky => transactions.causal_read_risky = true,
            DatabaseOption::TransactionAutomaticIdempotency => transactions.automatic_idempotency = true,
            DatabaseOption::TransactionBypassUnreadable => transactions.bypass_unreadable = true,
            DatabaseOption::TransactionUsedDuringCommitProtectionDisable => {
                transactions.used_during_commit_protection_disable = true;
            }
            DatabaseOption::TransactionReportConflictingKeys => transactions.report_conflicting_keys = true,
            _ => {}
        }
        Ok(())
    }
}

/// What outlives a retry.
#[derive(Clone, Copy, Debug)]
pub(super) struct PersistentOptions {
    pub(super) retry: RetryPolicy,
    pub(super) timeout_us: Option<u64>,
}

impl PersistentOptions {
    pub(super) fn new(defaults: &TransactionOptions) -> PersistentOptions {
        PersistentOptions {
            retry: defaults.retry,
            timeout_us: defaults.timeout_us,
        }
    }

    /// Sets an option if it is one of these.
    pub(super) fn set(&mut self, option: TransactionOption, value: &OptionValue) {
        match option {
            TransactionOption::Timeout => self.timeout_us = value.timeout_us(),
            TransactionOption::RetryLimit => self.retry.retry_limit = value.limit(),
            TransactionOption::MaxRetryDelay => self.retry.retry_delay_max_us = value.unsigned() * 1_000,
            _ => {}
        }
    }
}

/// What a retry forgets.
#[derive(Clone, Debug)]
pub(super) struct AttemptOptions {
    /// Those that have defaults.
    pub(super) common: TransactionOptions,
    pub(super) read_your_writes_disable: bool,
    pub(super) causal_write_risky: bool,
    /// The exclusive top of the keys that may be read.
    pub(super) read_end: &'static [u8],
    /// The exclusive top of the keys that may be written.
    pub(super) write_end: &'static [u8],
    pub(super) special_keys_relaxed: bool,
    pub(super) special_key_writes: bool,
    pub(super) idempotency_id: Option<Bytes>,
    debug_identifier: Option<Bytes>,
    tags: SortedSet<Bytes>,
}

impl AttemptOptions {
    pub(super) fn new(defaults: &TransactionOptions) -> AttemptOptions {
        AttemptOptions {
            common: *defaults,
            read_your_writes_disable: false,
            causal_write_risky: false,
            read_end: KEY_SPACE_END,
            write_end: KEY_SPACE_END,
            special_keys_relaxed: false,
            special_key_writes: false,
            idempotency_id: None,
            debug_identifier: None,
            tags: SortedSet::default(),
        }
    }

    /// Sets an option if it is one of these. `is_used` says that the attempt has read or written.
    pub(super) fn set(
        &mut self,
        option: TransactionOption,
        value: &OptionValue,
        is_used: bool,
    ) -> Result<()> {
        match option {
            TransactionOption::CausalWriteRisky => self.causal_write_risky = true,
            TransactionOption::CausalReadRisky => self.common.causal_read_risky = true,
            TransactionOption::ReadYourWritesDisable if is_used => {
                let detail =
                    "read_your_writes_disable was expected before any read or write, found it after one";
                return Err(Error::new(ErrorCode::ClientInvalidOperation, detail));
            }
            TransactionOption::ReadYourWritesDisable => self.read_your_writes_disable = true,
            TransactionOption::DurabilityRisky => self.common.durability = Durability::Relaxed,
            TransactionOption::AccessSystemKeys => {
                self.read_end = SYSTEM_KEY_SPACE_END;
                self.write_end = SYSTEM_KEY_SPACE_END;
            }
            TransactionOption::ReadSystemKeys => self.read_end = SYSTEM_KEY_SPACE_END,
            TransactionOption::DebugTransactionIdentifier => self.set_debug_identifier(value)?,
            TransactionOption::LogTransaction if self.debug_identifier.is_none() => {
                let detail = "debug_transaction_identifier was expected before log_transaction, found none";
                return Err(Error::new(ErrorCode::ClientInvalidOperation, detail));
            }
            TransactionOption::SizeLimit => self.common.size_limit = value.unsigned(),
            TransactionOption::IdempotencyId => self.idempotency_id = Some(value.bytes()),
            TransactionOption::AutomaticIdempotency => self.common.automatic_idempotency = true,
            TransactionOption::SnapshotRywEnable => self.common.snapshot_ryw += 1,
            TransactionOption::SnapshotRywDisable => self.common.snapshot_ryw -= 1,
            TransactionOption::UsedDuringCommitProtectionDisable => {
                self.common.used_during_commit_protection_disable = true;
            }
            TransactionOption::ReportConflictingKeys => self.common.report_conflicting_keys = true,
            TransactionOption::SpecialKeySpaceRelaxed => self.special_keys_relaxed = true,
            TransactionOption::SpecialKeySpaceEnableWrites => self.special_key_writes = true,
            TransactionOption::BypassUnreadable => self.common.bypass_unreadable = true,
            TransactionOption::Tag | TransactionOption::AutoThrottleTag => self.add_tag(value)?,
            _ => {}
        }
        Ok(())
    }

    /// Whether a read sees the transaction's own writes.
    pub(super) fn sees_own_writes(&self, snapshot: bool) -> bool {
        !snapshot || self.common.snapshot_ryw > 0
    }

    fn set_debug_identifier(&mut self, value: &OptionValue) -> Result<()> {
        let identifier = value.bytes();
        if self
            .debug_identifier
            .as_ref()
            .is_some_and(|earlier| *earlier != identifier)
        {
            let detail = "debug_transaction_identifier can't be changed";
            return Err(Error::new(ErrorCode::ClientInvalidOperation, detail));
        }
        self.debug_identifier = Some(identifier);
        Ok(())
    }

    fn add_tag(&mut self, value: &OptionValue) -> Result<()> {
        let tag = value.bytes();
        if tag.len() > TAG_BYTES_MAX {
            let detail = format!(
                "a tag of at most {TAG_BYTES_MAX} bytes was expected, found {}",
                tag.len()
            );
            return Err(Error::new(ErrorCode::TagTooLong, detail));
        }
        if self.tags.len() >= TAGS_MAX && !self.tags.contains_key(&tag) {
            let detail = format!("at most {TAGS_MAX} tags were expected, found another one");
            return Err(Error::new(ErrorCode::TooManyTags, detail));
        }
        self.tags.insert(tag, ());
        Ok(())
    }
}

/// A value that fits its option.
#[derive(Clone, Debug)]
pub(super) enum OptionValue {
    Flag,
    Integer(i64),
    Bytes(Bytes),
}

impl OptionValue {
    fn integer(&self) -> i64 {
        match self {
            OptionValue::Integer(number) => *number,
            OptionValue::Flag | OptionValue::Bytes(_) => 0,
        }
    }

    /// An integer whose table allows no negative one.
    fn unsigned(&self) -> u64 {
        u64::try_from(self.integer()).unwrap_or_default()
    }

    /// A limit, where a negative one is none.
    fn limit(&self) -> Option<u64> {
        u64::try_from(self.integer()).ok()
    }

    /// Milliseconds, where 0 is never.
    fn timeout_us(&self) -> Option<u64> {
        Some(self.unsigned() * 1_000).filter(|&timeout_us| timeout_us > 0)
    }

    fn bytes(&self) -> Bytes {
        match self {
            OptionValue::Bytes(bytes) => bytes.clone(),
            OptionValue::Flag | OptionValue::Integer(_) => [].as_slice().into(),
        }
    }
}

/// The option of a transaction with FoundationDB's number.
///
/// # Errors
/// `invalid_option` for an unknown number.
pub(super) fn transaction_option(number: u16) -> Result<TransactionOption> {
    let option = TransactionOption::from_number(number).ok_or_else(|| unknown(number))?;
    if option.entry().effect == OptionEffect::Refused {
        return Err(refused(&option.entry()));
    }
    Ok(option)
}

/// The value, if it fits the option.
///
/// # Errors
/// `invalid_option_value`; `invalid_option` for an option that is refused, or an idempotency id of a
/// wrong length.
pub(super) fn checked_value(entry: OptionEntry, value: &[u8]) -> Result<OptionValue> {
    if entry.effect == OptionEffect::Refused {
        return Err(refused(&entry));
    }
    let wrong = |expected: String, found: String| {
        // FoundationDB's code for this one option is another.
        let code = match entry.name {
            "idempotency_id" => ErrorCode::InvalidOption,
            _ => ErrorCode::InvalidOptionValue,
        };
        let name = entry.name;
        Err(Error::new(
            code,
            format!("{name}: {expected} was expected, found {found}"),
        ))
    };
    match entry.argument {
        OptionArgument::Flag if value.is_empty() => Ok(OptionValue::Flag),
        OptionArgument::Flag => wrong("no value".into(), format!("{} bytes", value.len())),
        OptionArgument::Integer { min, max } => match value.try_into().map(i64::from_le_bytes) {
            // 0 is the one length of a field that means nothing.
            Ok(0) if entry.name == "transaction_logging_max_field_length" => {
                wrong("a length or -1".into(), "0".into())
            }
            Ok(number) if (min..=max).contains(&number) => Ok(OptionValue::Integer(number)),
            Ok(number) => wrong(format!("an integer from {min} to {max}"), number.to_string()),
            Err(_) => wrong("an integer of 8 bytes".into(), format!("{} bytes", value.len())),
        },
        OptionArgument::Bytes { min, max } if (min..=max).contains(&value.len()) => {
            Ok(OptionValue::Bytes(value.into()))
        }
        OptionArgument::Bytes { min, max } => {
            wrong(format!("{min} to {max} bytes"), format!("{} bytes", value.len()))
        }
    }
}

fn unknown(number: u16) -> Error {
    let detail = format!("the number of an option was expected, found {number}");
    Error::new(ErrorCode::InvalidOption, detail)
}

fn refused(entry: &OptionEntry) -> Error {
    Error::new(
        ErrorCode::InvalidOption,
        format!("{}: {}", entry.name, entry.text),
    )
}
