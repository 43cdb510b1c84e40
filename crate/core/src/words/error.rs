//! Errors: FoundationDB's numbers and names, in one table.
//!
//! An [`Error`] is a code for programs and a message for people: what was expected, what was found,
//! and, for damage, where. Codes are the contract, texts are not. The table is the single source of
//! both sides' tables: the JavaScript one is generated from it, and a test fails when they drift.

use std::fmt;
use std::rc::Rc;

/// The result of everything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;

macro_rules! error_codes {
    ($($variant:ident = $number:literal, $name:literal, $text:literal;)*) => {
        /// A coded error. Numbers and names are those of FoundationDB's C API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u16)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $(#[doc = $text] $variant = $number,)*
        }

        impl ErrorCode {
            /// Every code, in ascending order of its number.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$variant,)*];

            /// FoundationDB's name of the code, such as `not_committed`.
            pub fn name(self) -> &'static str {
                match self { $(ErrorCode::$variant => $name,)* }
            }

            /// One sentence for people.
            pub fn text(self) -> &'static str {
                match self { $(ErrorCode::$variant => $text,)* }
            }
        }
    };
}

error_codes! {
    Success = 0, "success", "Success";
    OperationFailed = 1000, "operation_failed", "Operation failed";
    TimedOut = 1004, "timed_out", "Operation timed out";
    TransactionTooOld = 1007, "transaction_too_old", "Transaction is too old to perform reads or be committed";
    FutureVersion = 1009, "future_version", "Request for future version";
    NotCommitted = 1020, "not_committed", "Transaction not committed due to conflict with another transaction";
    CommitUnknownResult = 1021, "commit_unknown_result", "Transaction may or may not have committed";
    CommitUnknownResultFatal = 1022, "commit_unknown_result_fatal", "Idempotency id for transaction may have expired, so the commit status of the transaction cannot be determined";
    TransactionCancelled = 1025, "transaction_cancelled", "Operation aborted because the transaction was cancelled";
    TransactionTimedOut = 1031, "transaction_timed_out", "Operation aborted because the transaction timed out";
    TooManyWatches = 1032, "too_many_watches", "Too many watches set";
    WatchesDisabled = 1034, "watches_disabled", "Watches cannot be set if read your writes is disabled";
    AccessedUnreadable = 1036, "accessed_unreadable", "Read or wrote an unreadable key";
    ProcessBehind = 1037, "process_behind", "Storage process does not have recent mutations";
    DatabaseLocked = 1038, "database_locked", "Database is locked";
    CommitProxyMemoryLimitExceeded = 1042, "commit_proxy_memory_limit_exceeded", "Too many commits are waiting; try again later";
    ShutdownInProgress = 1043, "shutdown_in_progress", "Operation no longer supported due to shutdown";
    BatchTransactionThrottled = 1051, "batch_transaction_throttled", "Batch transaction throttled";
    GrvProxyMemoryLimitExceeded = 1078, "grv_proxy_memory_limit_exceeded", "Too many read versions are being waited for; try again later";
    OperationCancelled = 1101, "operation_cancelled", "Asynchronous operation cancelled";
    TagThrottled = 1213, "tag_throttled", "Transaction tag is being throttled";
    TransactionThrottledHotShard = 1235, "transaction_throttled_hot_shard", "Transaction throttled because of a hot range";
    TransactionRejectedRangeLocked = 1242, "transaction_rejected_range_locked", "Transaction rejected because its range is locked";
    PlatformError = 1500, "platform_error", "Platform error";
    LargeAllocFailed = 1501, "large_alloc_failed", "Large block allocation failed";
    IoError = 1510, "io_error", "Disk i/o operation failed";
    FileNotFound = 1511, "file_not_found", "File not found";
    FileNotReadable = 1513, "file_not_readable", "File could not be read";
    FileNotWritable = 1514, "file_not_writable", "File could not be written to";
    ChecksumFailed = 1520, "checksum_failed", "A data checksum failed";
    FileCorrupt = 1522, "file_corrupt", "A structurally corrupt data file was detected";
    ClientInvalidOperation = 2000, "client_invalid_operation", "Invalid API call";
    KeyOutsideLegalRange = 2004, "key_outside_legal_range", "Key outside legal range";
    InvertedRange = 2005, "inverted_range", "Range begin key larger than end key";
    InvalidOptionValue = 2006, "invalid_option_value", "Option set with an invalid value";
    InvalidOption = 2007, "invalid_option", "Option not valid in this context";
    ReadVersionAlreadySet = 2010, "read_version_already_set", "Transaction already has a read version set";
    VersionInvalid = 2011, "version_invalid", "Version not valid";
    RangeLimitsInvalid = 2012, "range_limits_invalid", "Range limits not valid";
    UsedDuringCommit = 2017, "used_during_commit", "Operation issued while a commit was outstanding";
    InvalidMutationType = 2018, "invalid_mutation_type", "Unrecognized atomic mutation type";
    TransactionInvalidVersion = 2020, "transaction_invalid_version", "Transaction does not have a valid commit version";
    NoCommitVersion = 2021, "no_commit_version", "Transaction is read-only and therefore does not have a commit version";
    TransactionReadOnly = 2023, "transaction_read_only", "Attempted to commit a transaction specified as read-only";
    IncompatibleProtocolVersion = 2100, "incompatible_protocol_version", "Incompatible format version";
    TransactionTooLarge = 2101, "transaction_too_large", "Transaction exceeds byte limit";
    KeyTooLarge = 2102, "key_too_large", "Key length exceeds limit";
    ValueTooLarge = 2103, "value_too_large", "Value length exceeds limit";
    UnsupportedOperation = 2108, "unsupported_operation", "Operation is not supported";
    TooManyTags = 2109, "too_many_tags", "Too many tags set on transaction";
    TagTooLong = 2110, "tag_too_long", "Tag set on transaction is too long";
    SpecialKeysCrossModuleRead = 2112, "special_keys_cross_module_read", "Special key space range read crosses modules";
    SpecialKeysNoModuleFound = 2113, "special_keys_no_module_found", "Special key space range read does not intersect a module";
    SpecialKeysWriteDisabled = 2114, "special_keys_write_disabled", "Special key space is not allowed to write by default";
    SpecialKeysNoWriteModuleFound = 2115, "special_keys_no_write_module_found", "Special key space key or range does not intersect a module that can be written";
    ExactModeWithoutLimits = 2210, "exact_mode_without_limits", "EXACT streaming mode requires limits, but none were given";
    InvalidTupleDataType = 2250, "invalid_tuple_data_type", "Invalid data type in packed tuple";
    InvalidTupleIndex = 2251, "invalid_tuple_index", "Tuple index out of range";
    KeyNotInSubspace = 2252, "key_not_in_subspace", "Key not in subspace";
    ManualPrefixesNotEnabled = 2253, "manual_prefixes_not_enabled", "Cannot specify a prefix unless manual prefixes are enabled";
    PrefixInPartition = 2254, "prefix_in_partition", "Cannot specify a prefix in a partition";
    CannotOpenRootDirectory = 2255, "cannot_open_root_directory", "The root directory cannot be opened";
    DirectoryAlreadyExists = 2256, "directory_already_exists", "The directory already exists";
    DirectoryDoesNotExist = 2257, "directory_does_not_exist", "The directory does not exist";
    ParentDirectoryDoesNotExist = 2258, "parent_directory_does_not_exist", "The parent directory does not exist";
    MismatchedLayer = 2259, "mismatched_layer", "The directory was created with another layer";
    InvalidDirectoryLayerMetadata = 2260, "invalid_directory_layer_metadata", "Invalid directory layer metadata";
    CannotMoveDirectoryBetweenPartitions = 2261, "cannot_move_directory_between_partitions", "A directory cannot be moved between partitions";
    CannotUsePartitionAsSubspace = 2262, "cannot_use_partition_as_subspace", "A directory partition cannot be used as a subspace";
    IncompatibleDirectoryVersion = 2263, "incompatible_directory_version", "The directory layer's metadata are of an incompatible version";
    DirectoryPrefixNotEmpty = 2264, "directory_prefix_not_empty", "The database has keys stored at the prefix that was chosen for the directory";
    DirectoryPrefixInUse = 2265, "directory_prefix_in_use", "The directory's prefix conflicts with one that is in use";
    InvalidDestinationDirectory = 2266, "invalid_destination_directory", "The destination is the directory itself or inside of it";
    CannotModifyRootDirectory = 2267, "cannot_modify_root_directory", "The root directory cannot be modified";
    InvalidUuidSize = 2268, "invalid_uuid_size", "A UUID has 16 bytes";
    InvalidVersionstampSize = 2269, "invalid_versionstamp_size", "A versionstamp has 10 bytes, with a user version 12";
    RestoreCorruptedData = 2362, "restore_corrupted_data", "Corrupted restore data";
    RestoreMissingData = 2363, "restore_missing_data", "Missing restore data";
    RestoreUnknownFileType = 2366, "restore_unknown_file_type", "Unknown file type";
    RestoreUnsupportedFileVersion = 2367, "restore_unsupported_file_version", "Unsupported file version";
    RestoreDestinationNotEmpty = 2370, "restore_destination_not_empty", "Attempted to restore into a non-empty destination database";
    UnknownError = 4000, "unknown_error", "An unknown error occurred";
    InternalError = 4100, "internal_error", "An internal error occurred";
    NotImplemented = 4200, "not_implemented", "Not implemented yet";
}

impl ErrorCode {
    /// FoundationDB's number of the code, such as 1020.
    pub fn number(self) -> u16 {
        self as u16
    }

    /// The code with this number; `None` for numbers this table does not hold.
    pub fn from_number(number: u16) -> Option<ErrorCode> {
        let index = Self::ALL
            .binary_search_by_key(&number, |code| code.number())
            .ok()?;
        Self::ALL.get(index).copied()
    }

    /// Whether a retry loop may try again. FoundationDB: predicate `retryable`.
    pub fn is_retryable(self) -> bool {
        self.is_maybe_committed() || self.is_retryable_not_committed()
    }

    /// Whether the transaction may have been committed. FoundationDB: predicate `maybe_committed`.
    pub fn is_maybe_committed(self) -> bool {
        matches!(self, ErrorCode::CommitUnknownResult)
    }

    /// Whether a retry loop may try again and nothing was committed. FoundationDB: predicate
    /// `retryable_not_committed`.
    pub fn is_retryable_not_committed(self) -> bool {
        use ErrorCode::*;
        matches!(
            self,
            TransactionTooOld
                | FutureVersion
                | NotCommitted
                | ProcessBehind
                | DatabaseLocked
                | CommitProxyMemoryLimitExceeded
                | BatchTransactionThrottled
                | GrvProxyMemoryLimitExceeded
                | TagThrottled
                | TransactionThrottledHotShard
                | TransactionRejectedRangeLocked
        )
    }
}

/// A coded error with a message. Cheap to clone: one failed batch fails many commits.
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    code: ErrorCode,
    detail: Option<Rc<str>>,
}

impl Error {
    /// An error that says what was expected and what was found.
    pub fn new(code: ErrorCode, detail: impl Into<Rc<str>>) -> Error {
        Error {
            code,
            detail: Some(detail.into()),
        }
    }

    /// The code, for programs.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The message, for people.
    pub fn message(&self) -> &str {
        self.detail.as_deref().unwrap_or_else(|| self.code.text())
    }
}

impl From<ErrorCode> for Error {
    fn from(code: ErrorCode) -> Error {
        Error { code, detail: None }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} ({}): {}",
            self.code.name(),
            self.code.number(),
            self.message()
        )
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_ascend_so_that_lookup_by_number_finds_each() {
        for pair in ErrorCode::ALL.windows(2) {
            assert!(
                pair[0].number() < pair[1].number(),
                "{:?} before {:?}",
                pair[0],
                pair[1]
            );
        }
        for &code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_number(code.number()), Some(code));
        }
        assert_eq!(ErrorCode::from_number(1), None);
    }

    #[test]
    fn the_only_code_that_may_have_committed_is_commit_unknown_result() {
        let maybe: Vec<u16> = ErrorCode::ALL
            .iter()
            .filter(|code| code.is_maybe_committed())
            .map(|code| code.number())
            .collect();
        assert_eq!(maybe, [1021]);
    }

    #[test]
    fn message_is_the_detail_or_else_the_text() {
        assert_eq!(
            Error::from(ErrorCode::NotCommitted).message(),
            ErrorCode::NotCommitted.text()
        );
        assert_eq!(
            Error::new(ErrorCode::FileCorrupt, "log record 7").to_string(),
            "file_corrupt (1522): log record 7"
        );
    }
}
