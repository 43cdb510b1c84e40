//! Options of transactions and databases: FoundationDB's numbers, names and arguments, in two tables.
//!
//! Every option of FoundationDB's API is known here and has an effect of its own, is accepted without
//! one because it speaks of servers and networks, or is refused because accepting it would pretend
//! something. The JavaScript tables are generated from these, and a test fails when they drift.

/// What an option is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionArgument {
    /// Nothing.
    Flag,
    /// An integer from `min` to `max`, as eight bytes, little-endian.
    Integer {
        /// The smallest.
        min: i64,
        /// The largest.
        max: i64,
    },
    /// Text or bytes, from `min` to `max` of them.
    Bytes {
        /// The fewest.
        min: usize,
        /// The most.
        max: usize,
    },
}

/// What becomes of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionEffect {
    /// It does what its text says.
    Implemented,
    /// It is checked and does nothing.
    Ignored,
    /// It fails with `invalid_option`.
    Refused,
}

/// One option as its table says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionEntry {
    /// FoundationDB's name, such as `retry_limit`.
    pub name: &'static str,
    /// What it is given.
    pub argument: OptionArgument,
    /// What becomes of it.
    pub effect: OptionEffect,
    /// One sentence for people.
    pub text: &'static str,
}

const INTEGER_MAX: i64 = i32::MAX as i64;

const FLAG: OptionArgument = OptionArgument::Flag;

const fn integer(min: i64, max: i64) -> OptionArgument {
    OptionArgument::Integer { min, max }
}

const fn bytes(min: usize, max: usize) -> OptionArgument {
    OptionArgument::Bytes { min, max }
}

macro_rules! options {
    ($(#[$doc:meta])* $kind:ident { $($variant:ident = $number:literal, $name:literal, $argument:expr, $effect:ident, $text:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u16)]
        #[non_exhaustive]
        pub enum $kind {
            $(#[doc = $text] $variant = $number,)*
        }

        impl $kind {
            /// Every option, in ascending order of its number.
            pub const ALL: &'static [$kind] = &[$($kind::$variant,)*];

            /// FoundationDB's number of the option.
            pub fn number(self) -> u16 {
                self as u16
            }

            /// The option with this number; `None` if FoundationDB has none.
            pub fn from_number(number: u16) -> Option<$kind> {
                let index = Self::ALL.binary_search_by_key(&number, |option| option.number()).ok()?;
                Self::ALL.get(index).copied()
            }

            /// What its table says.
            pub fn entry(self) -> OptionEntry {
                match self {
                    $($kind::$variant => OptionEntry {
                        name: $name,
                        argument: $argument,
                        effect: OptionEffect::$effect,
                        text: $text,
                    },)*
                }
            }
        }
    };
}

options! {
    /// An option of a transaction.
    TransactionOption {
        CausalWriteRisky = 10, "causal_write_risky", FLAG, Implemented, "A transaction that only writes commits whatever the age of its read version.";
        CausalReadRisky = 20, "causal_read_risky", FLAG, Implemented, "The read version may miss commits that other tabs made just before.";
        CausalReadDisable = 21, "causal_read_disable", FLAG, Ignored, "No effect: the read version is always causally consistent.";
        IncludePortInAddress = 23, "include_port_in_address", FLAG, Ignored, "No effect: there are no addresses.";
        NextWriteNoWriteConflictRange = 30, "next_write_no_write_conflict_range", FLAG, Implemented, "The next call that writes adds no write conflict range.";
        CommitOnFirstProxy = 40, "commit_on_first_proxy", FLAG, Refused, "Not offered: there are no proxies.";
        CheckWritesEnable = 50, "check_writes_enable", FLAG, Refused, "Not offered: FoundationDB's internal check.";
        ReadYourWritesDisable = 51, "read_your_writes_disable", FLAG, Implemented, "Reads see the snapshot only, not the transaction's own writes; must come before any read or write.";
        ReadAheadDisable = 52, "read_ahead_disable", FLAG, Ignored, "No effect: deprecated in FoundationDB.";
        DurabilityDatacenter = 110, "durability_datacenter", FLAG, Ignored, "No effect: deprecated in FoundationDB.";
        DurabilityRisky = 120, "durability_risky", FLAG, Implemented, "The commit is acknowledged when the operating system has it, as with `durability: 'relaxed'`.";
        DurabilityDevNullIsWebScale = 130, "durability_dev_null_is_web_scale", FLAG, Ignored, "No effect: deprecated in FoundationDB.";
        PrioritySystemImmediate = 200, "priority_system_immediate", FLAG, Ignored, "No effect: transactions are not queued.";
        PriorityBatch = 201, "priority_batch", FLAG, Ignored, "No effect: transactions are not queued.";
        InitializeNewDatabase = 300, "initialize_new_database", FLAG, Refused, "Not offered: opening a database creates it.";
        AccessSystemKeys = 301, "access_system_keys", FLAG, Implemented, "Reads and writes may go to keys that begin with ff.";
        ReadSystemKeys = 302, "read_system_keys", FLAG, Implemented, "Reads may go to keys that begin with ff.";
        RawAccess = 303, "raw_access", FLAG, Ignored, "No effect: there are no tenants.";
        BypassStorageQuota = 304, "bypass_storage_quota", FLAG, Ignored, "No effect: the browser's quota can't be bypassed.";
        DebugDump = 400, "debug_dump", FLAG, Refused, "Not offered: FoundationDB's internal trace.";
        DebugRetryLogging = 401, "debug_retry_logging", bytes(0, usize::MAX), Ignored, "No effect: there is no trace.";
        TransactionLoggingEnable = 402, "transaction_logging_enable", bytes(1, 100), Ignored, "No effect: there is no trace.";
        DebugTransactionIdentifier = 403, "debug_transaction_identifier", bytes(1, 100), Ignored, "A name for traces, which there are none of; it can't be changed.";
        LogTransaction = 404, "log_transaction", FLAG, Ignored, "No effect: there is no trace. Needs `debug_transaction_identifier` first.";
        TransactionLoggingMaxFieldLength = 405, "transaction_logging_max_field_length", integer(-1, INTEGER_MAX), Ignored, "No effect: there is no trace.";
        ServerRequestTracing = 406, "server_request_tracing", FLAG, Ignored, "No effect: there is no trace.";
        Timeout = 500, "timeout", integer(0, INTEGER_MAX), Implemented, "Milliseconds from the transaction's creation after which every use of it, retries included, fails with `transaction_timed_out`; 0, the default, is never.";
        RetryLimit = 501, "retry_limit", integer(-1, INTEGER_MAX), Implemented, "How many retries are made; -1, the default, is any number.";
        MaxRetryDelay = 502, "max_retry_delay", integer(0, INTEGER_MAX), Implemented, "The longest wait before a retry, in milliseconds; 1,000 is the default.";
        SizeLimit = 503, "size_limit", integer(32, 10_000_000), Implemented, "The largest transaction that may commit, in bytes, from 32 to 10,000,000, which is the default.";
        IdempotencyId = 504, "idempotency_id", bytes(16, 255), Implemented, "Stored with the commit, so that a commit whose answer was lost is found again.";
        AutomaticIdempotency = 505, "automatic_idempotency", FLAG, Implemented, "As `idempotency_id`, with a random one.";
        ReadServerSideCacheEnable = 507, "read_server_side_cache_enable", FLAG, Ignored, "No effect: there is no server.";
        ReadServerSideCacheDisable = 508, "read_server_side_cache_disable", FLAG, Ignored, "No effect: there is no server.";
        ReadPriorityNormal = 509, "read_priority_normal", FLAG, Ignored, "No effect: reads are not queued.";
        ReadPriorityLow = 510, "read_priority_low", FLAG, Ignored, "No effect: reads are not queued.";
        ReadPriorityHigh = 511, "read_priority_high", FLAG, Ignored, "No effect: reads are not queued.";
        SnapshotRywEnable = 600, "snapshot_ryw_enable", FLAG, Implemented, "Snapshot reads see the transaction's own writes, as they do by default: undoes one `snapshot_ryw_disable`.";
        SnapshotRywDisable = 601, "snapshot_ryw_disable", FLAG, Implemented, "Snapshot reads don't see the transaction's own writes.";
        LockAware = 700, "lock_aware", FLAG, Ignored, "No effect: a database can't be locked.";
        UsedDuringCommitProtectionDisable = 701, "used_during_commit_protection_disable", FLAG, Implemented, "A use of the transaction during its commit fails, but does not make the commit fail.";
        ReadLockAware = 702, "read_lock_aware", FLAG, Ignored, "No effect: a database can't be locked.";
        FirstInBatch = 710, "first_in_batch", FLAG, Refused, "Not offered: FoundationDB's internal order.";
        UseProvisionalProxies = 711, "use_provisional_proxies", FLAG, Refused, "Not offered: there are no proxies.";
        ReportConflictingKeys = 712, "report_conflicting_keys", FLAG, Implemented, "After `not_committed` the key ranges that conflicted can be read below `ffff/transaction/conflicting_keys/`.";
        SpecialKeySpaceRelaxed = 713, "special_key_space_relaxed", FLAG, Implemented, "A range read of special keys may cross modules, or go where there are none.";
        SpecialKeySpaceEnableWrites = 714, "special_key_space_enable_writes", FLAG, Implemented, "Writes of special keys fail because no module takes them, instead of because they are not enabled.";
        Tag = 800, "tag", bytes(0, usize::MAX), Ignored, "No effect: there is no throttling. At most five, of at most 255 bytes.";
        AutoThrottleTag = 801, "auto_throttle_tag", bytes(0, usize::MAX), Ignored, "No effect: there is no throttling. At most five, of at most 255 bytes.";
        SpanParent = 900, "span_parent", bytes(33, 33), Ignored, "No effect: there is no trace.";
        ExpensiveClearCostEstimationEnable = 1000, "expensive_clear_cost_estimation_enable", FLAG, Ignored, "No effect: costs are not estimated.";
        BypassUnreadable = 1100, "bypass_unreadable", FLAG, Implemented, "`get` of a key that a versionstamp will change gives the operand instead of failing with `accessed_unreadable`.";
        UseGrvCache = 1101, "use_grv_cache", FLAG, Ignored, "No effect: see `causal_read_risky`.";
        SkipGrvCache = 1102, "skip_grv_cache", FLAG, Ignored, "No effect: there is no such cache.";
        MaxGrvQueueDelay = 1103, "max_grv_queue_delay", integer(0, INTEGER_MAX), Ignored, "No effect: transactions are not queued.";
        AuthorizationToken = 2000, "authorization_token", bytes(0, usize::MAX), Refused, "Not offered: there are no tenants to authorize for.";
        EnableReplicaConsistencyCheck = 4000, "enable_replica_consistency_check", FLAG, Refused, "Not offered: there are no replicas.";
        ConsistencyCheckRequiredReplicas = 4001, "consistency_check_required_replicas", integer(-2, INTEGER_MAX), Refused, "Not offered: there are no replicas.";
    }
}

options! {
    /// An option of a database: most are defaults of its transactions' options.
    DatabaseOption {
        LocationCacheSize = 10, "location_cache_size", integer(0, INTEGER_MAX), Ignored, "No effect: there are no locations to cache.";
        MaxWatches = 20, "max_watches", integer(0, 1_000_000), Implemented, "How many watches may be outstanding, from 0 to 1,000,000; 10,000 is the default.";
        MachineId = 21, "machine_id", bytes(0, usize::MAX), Ignored, "No effect: there is one machine.";
        DatacenterId = 22, "datacenter_id", bytes(0, usize::MAX), Ignored, "No effect: there is one machine.";
        SnapshotRywEnable = 26, "snapshot_ryw_enable", FLAG, Implemented, "Snapshot reads see the transaction's own writes, as they do by default: undoes one `snapshot_ryw_disable`.";
        SnapshotRywDisable = 27, "snapshot_ryw_disable", FLAG, Implemented, "Snapshot reads don't see the transaction's own writes.";
        TransactionLoggingMaxFieldLength = 405, "transaction_logging_max_field_length", integer(-1, INTEGER_MAX), Ignored, "No effect: there is no trace.";
        TransactionTimeout = 500, "transaction_timeout", integer(0, INTEGER_MAX), Implemented, "Default of the transactions' `timeout`.";
        TransactionRetryLimit = 501, "transaction_retry_limit", integer(-1, INTEGER_MAX), Implemented, "Default of the transactions' `retry_limit`.";
        TransactionMaxRetryDelay = 502, "transaction_max_retry_delay", integer(0, INTEGER_MAX), Implemented, "Default of the transactions' `max_retry_delay`.";
        TransactionSizeLimit = 503, "transaction_size_limit", integer(32, 10_000_000), Implemented, "Default of the transactions' `size_limit`.";
        TransactionCausalReadRisky = 504, "transaction_causal_read_risky", FLAG, Implemented, "Default of the transactions' `causal_read_risky`.";
        TransactionIncludePortInAddress = 505, "transaction_include_port_in_address", FLAG, Ignored, "No effect: there are no addresses.";
        TransactionAutomaticIdempotency = 506, "transaction_automatic_idempotency", FLAG, Implemented, "Default of the transactions' `automatic_idempotency`.";
        TransactionBypassUnreadable = 700, "transaction_bypass_unreadable", FLAG, Implemented, "Default of the transactions' `bypass_unreadable`.";
        TransactionUsedDuringCommitProtectionDisable = 701, "transaction_used_during_commit_protection_disable", FLAG, Implemented, "Default of the transactions' `used_during_commit_protection_disable`.";
        TransactionReportConflictingKeys = 702, "transaction_report_conflicting_keys", FLAG, Implemented, "Default of the transactions' `report_conflicting_keys`.";
        UseConfigDatabase = 800, "use_config_database", FLAG, Refused, "Not offered: there is no configuration database.";
        TestCausalReadRisky = 900, "test_causal_read_risky", integer(0, 100), Ignored, "No effect: FoundationDB's internal test.";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ascend_so_that_lookup_by_number_finds_each_option() {
        assert!(TransactionOption::ALL.is_sorted_by_key(|option| option.number()));
        assert!(DatabaseOption::ALL.is_sorted_by_key(|option| option.number()));
        for &option in TransactionOption::ALL {
            assert_eq!(TransactionOption::from_number(option.number()), Some(option));
        }
        for &option in DatabaseOption::ALL {
            assert_eq!(DatabaseOption::from_number(option.number()), Some(option));
        }
        assert_eq!(TransactionOption::from_number(1), None);
    }
}
