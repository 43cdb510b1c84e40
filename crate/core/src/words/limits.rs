//! FoundationDB's limits and ours, with the relations between them asserted.

/// Longest key of a write whose key is outside the system key space.
pub const KEY_BYTES_MAX: usize = 10_000;
/// Longest key of a write inside the system key space, whose keys begin with ff.
pub const SYSTEM_KEY_BYTES_MAX: usize = 30_000;
/// Longest value of a write.
pub const VALUE_BYTES_MAX: usize = 100_000;
/// Largest transaction: mutations and conflict ranges with their overheads.
pub const TRANSACTION_BYTES_MAX: u64 = 10_000_000;
/// Added to the transaction's size per mutation. FoundationDB: the size of its mutation struct.
pub const MUTATION_OVERHEAD_BYTES: u64 = 44;
/// Added to the transaction's size per conflict range. FoundationDB: the size of its range struct.
pub const CONFLICT_RANGE_OVERHEAD_BYTES: u64 = 24;
/// How many versions a transaction may be old: about five seconds.
pub const TRANSACTION_AGE_VERSIONS_MAX: u64 = 5_000_000;
/// Largest step of the version clock.
pub const VERSION_STEP_MAX: u64 = TRANSACTION_AGE_VERSIONS_MAX;
/// The version of the empty database: old enough that a read version of 1 is too old, as it is in any
/// FoundationDB cluster.
pub const FIRST_VERSION: u64 = 2 * TRANSACTION_AGE_VERSIONS_MAX;
/// Largest version: versions cross into JavaScript as numbers.
pub const VERSION_MAX: u64 = (1 << 53) - 1;
/// The exclusive top of the ordinary key space.
pub const KEY_SPACE_END: &[u8] = b"\xff";
/// The exclusive top of the system key space, and where the special keys begin.
pub const SYSTEM_KEY_SPACE_END: &[u8] = b"\xff\xff";
/// The exclusive top of the special keys.
pub const SPECIAL_KEY_SPACE_END: &[u8] = b"\xff\xff\xff";
/// A system key that everybody may read, and set to the versionstamp of the commit.
pub const METADATA_VERSION_KEY: &[u8] = b"\xff/metadataVersion";
/// Transactions in one commit batch, since the batch index of a versionstamp has 15 bits.
pub const BATCH_TRANSACTIONS_MAX: usize = 32_768;
/// Bytes of transactions in one commit batch; one transaction of any legal size always fits.
pub const BATCH_BYTES_MAX: u64 = TRANSACTION_BYTES_MAX;
/// Largest part of a log record, header included. Chromium moves values of about 65,530 bytes
/// into a separate file each, which makes them four times slower.
pub const LOG_PART_BYTES_MAX: usize = 60_000;
/// Largest page, for the same reason.
pub const PAGE_BYTES_MAX: usize = 60_000;
/// Bytes of transactions after which a batch takes in no more. A batch is applied in one task of the event
/// loop, and in WebAssembly that many take some five milliseconds; to IndexedDB more in one transaction is
/// hardly cheaper.
pub const BATCH_BYTES_TARGET: u64 = 256 << 10;
/// Outstanding watches of a database handle, unless the option `max_watches` says otherwise.
pub const WATCHES_MAX: usize = 10_000;

const _: () = assert!(LOG_PART_BYTES_MAX < 65_000);
const _: () = assert!(PAGE_BYTES_MAX < 65_000);
// A page holds at least one longest key with its entry, and offsets into it are two bytes.
const _: () = assert!(2 * SYSTEM_KEY_BYTES_MAX <= PAGE_BYTES_MAX && KEY_BYTES_MAX <= SYSTEM_KEY_BYTES_MAX);
const _: () = assert!(VERSION_STEP_MAX <= TRANSACTION_AGE_VERSIONS_MAX);
const _: () =
    assert!(VALUE_BYTES_MAX as u64 + SYSTEM_KEY_BYTES_MAX as u64 + MUTATION_OVERHEAD_BYTES < BATCH_BYTES_MAX);
const _: () = assert!(BATCH_BYTES_TARGET <= BATCH_BYTES_MAX);
const _: () = assert!(BATCH_TRANSACTIONS_MAX <= 1 << 15);
