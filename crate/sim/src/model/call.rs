//! The calls of a transaction as data, and what they can answer.

use std::fmt;

use plinth_core::ErrorCode;
use plinth_core::words::{
    AtomicOp, Key, KeySelector, RangeOptions, RangeRows, TransactionOption, Value, display_key,
};

use super::conflicts::Conflicts;

/// A call of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// `get`; the flag says whether it is a snapshot read.
    Get(Key, bool),
    /// `get_key`; the flag says whether it is a snapshot read.
    GetKey(KeySelector, bool),
    /// `get_range`.
    GetRange(KeySelector, KeySelector, RangeOptions),
    /// `read_version`.
    ReadVersion,
    /// `watch`.
    Watch(Key),
    /// `set`.
    Set(Key, Value),
    /// `clear`.
    Clear(Key),
    /// `clear_range`.
    ClearRange(Key, Key),
    /// `atomic`.
    Atomic(AtomicOp, Key, Value),
    /// `set_versionstamped_key`.
    SetVersionstampedKey(Key, Value),
    /// `set_versionstamped_value`.
    SetVersionstampedValue(Key, Value),
    /// `add_read_conflict_range`.
    AddReadConflictRange(Key, Key),
    /// `add_write_conflict_range`.
    AddWriteConflictRange(Key, Key),
    /// `set_option` of an option without a value.
    SetOption(TransactionOption),
    /// A range read of the special keys that tell conflict ranges.
    GetConflicts(Conflicts),
    /// `versionstamp`.
    Versionstamp,
    /// `commit`.
    Commit,
    /// `cancel`.
    Cancel,
    /// `on_error` with this error. When it succeeds it ends the attempt.
    OnError(ErrorCode),
    /// `reset`. Ends the attempt.
    Reset,
}

impl Call {
    /// Whether it reads, so that its commit waits for it and shares its failure.
    pub fn is_read(&self) -> bool {
        matches!(self, Call::Get(..) | Call::GetKey(..) | Call::GetRange(..))
    }

    /// Whether it changes what a commit will do.
    pub fn is_write(&self) -> bool {
        matches!(
            self,
            Call::Set(..)
                | Call::Clear(_)
                | Call::ClearRange(..)
                | Call::Atomic(..)
                | Call::SetVersionstampedKey(..)
                | Call::SetVersionstampedValue(..)
                | Call::AddReadConflictRange(..)
                | Call::AddWriteConflictRange(..)
        )
    }
}

/// What a call answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing but success. Of a watch: it fired.
    Done,
    /// A value or its absence.
    Value(Option<Value>),
    /// A key.
    Key(Key),
    /// Rows.
    Rows(RangeRows),
    /// A read version.
    Version(u64),
    /// A versionstamp.
    Stamp([u8; 10]),
    /// An error.
    Failed(ErrorCode),
    /// Nothing until the end of the program. Of watches only.
    Silent,
}

impl fmt::Display for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = |key: &[u8]| format!("'{}'", display_key(key));
        match self {
            Call::Get(own, snapshot) => write!(formatter, "get({}{})", key(own), of_snapshot(*snapshot)),
            Call::GetKey(selector, snapshot) => {
                write!(formatter, "get_key({}{})", text(selector), of_snapshot(*snapshot))
            }
            Call::GetRange(begin, end, options) => {
                write!(formatter, "get_range({}, {}", text(begin), text(end))?;
                if options.limit != 0 {
                    write!(formatter, ", limit {}", options.limit)?;
                }
                if options.target_bytes != 0 {
                    write!(formatter, ", {} bytes", options.target_bytes)?;
                }
                write!(formatter, ", {:?}", options.mode)?;
                let reverse = if options.reverse { ", reverse" } else { "" };
                write!(formatter, "{reverse}{})", of_snapshot(options.snapshot))
            }
            Call::Watch(own) => write!(formatter, "watch({})", key(own)),
            Call::Set(own, value) => write!(formatter, "set({}, {})", key(own), key(value)),
            Call::Clear(own) => write!(formatter, "clear({})", key(own)),
            Call::ClearRange(begin, end) => write!(formatter, "clear_range({}, {})", key(begin), key(end)),
            Call::Atomic(op, own, operand) => {
                write!(formatter, "atomic({op:?}, {}, {})", key(own), key(operand))
            }
            Call::SetVersionstampedKey(template, value) => write!(
                formatter,
                "set_versionstamped_key({}, {})",
                key(template),
                key(value)
            ),
            Call::SetVersionstampedValue(own, template) => {
                write!(
                    formatter,
                    "set_versionstamped_value({}, {})",
                    key(own),
                    key(template)
                )
            }
            Call::AddReadConflictRange(begin, end) => {
                write!(formatter, "add_read_conflict_range({}, {})", key(begin), key(end))
            }
            Call::AddWriteConflictRange(begin, end) => {
                write!(
                    formatter,
                    "add_write_conflict_range({}, {})",
                    key(begin),
                    key(end)
                )
            }
            Call::OnError(code) => write!(formatter, "on_error({})", code.name()),
            Call::ReadVersion => formatter.write_str("read_version()"),
            Call::SetOption(option) => write!(formatter, "set_option({})", option.entry().name),
            Call::GetConflicts(conflicts) => write!(formatter, "get_conflicts({conflicts:?})"),
            Call::Versionstamp => formatter.write_str("versionstamp()"),
            Call::Commit => formatter.write_str("commit()"),
            Call::Cancel => formatter.write_str("cancel()"),
            Call::Reset => formatter.write_str("reset()"),
        }
    }
}

fn of_snapshot(snapshot: bool) -> &'static str {
    if snapshot { ", snapshot" } else { "" }
}

fn text(selector: &KeySelector) -> String {
    let sign = if selector.or_equal { "<=" } else { "<" };
    format!("{sign}'{}' {:+}", display_key(&selector.key), selector.offset)
}

impl fmt::Display for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Done => formatter.write_str("done"),
            Answer::Value(None) => formatter.write_str("absent"),
            Answer::Value(Some(bytes)) | Answer::Key(bytes) => {
                write!(formatter, "'{}'", display_key(bytes))
            }
            Answer::Rows(rows) => {
                for (key, value) in &rows.rows {
                    write!(formatter, "'{}'='{}' ", display_key(key), display_key(value))?;
                }
                formatter.write_str(if rows.more { "and more" } else { "and no more" })
            }
            Answer::Version(version) => write!(formatter, "version {version}"),
            Answer::Stamp(stamp) => write!(formatter, "stamp '{}'", display_key(stamp)),
            Answer::Failed(code) => write!(formatter, "{} ({})", code.name(), code.number()),
            Answer::Silent => formatter.write_str("nothing"),
        }
    }
}
