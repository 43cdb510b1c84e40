//! What users hold: databases, transactions, watches. Refers to everything below.

mod attempt;
mod database;
mod directory;
mod export;
mod import;
mod legal;
mod merged_range;
mod operation_lock;
mod options;
mod read;
mod read_conflict;
mod reading;
mod special_keys;
mod subscription;
mod transaction;
mod watch;
mod writing;

pub use database::Database;
pub use directory::{Directory, DirectoryLayer, DirectoryOptions};
pub use export::Export;
pub use import::{Import, ImportMode, ImportProgress};
pub use options::{DatabaseOptions, TransactionOptions};
pub use read::Read;
pub use subscription::{Changes, Subscription};
pub use transaction::Transaction;
pub use watch::{Watch, WatchCanceller};
