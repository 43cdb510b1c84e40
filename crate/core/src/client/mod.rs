//! What users hold: databases, transactions, watches. Refers to everything below.

mod attempt;
mod database;
mod legal;
mod merged_range;
mod options;
mod read;
mod read_conflict;
mod reading;
mod special_keys;
mod transaction;
mod watch;
mod writing;

pub use database::Database;
pub use options::{DatabaseOptions, TransactionOptions};
pub use read::Read;
pub use transaction::Transaction;
pub use watch::{Watch, WatchCanceller};
