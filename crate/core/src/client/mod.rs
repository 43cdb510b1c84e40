//! What users hold: databases, transactions, watches. Refers to everything below.

mod attempt;
mod database;
mod directory;
mod legal;
mod merged_range;
mod read;
mod read_conflict;
mod transaction;
mod watch;

pub use database::Database;
pub use directory::{Directory, DirectoryLayer, DirectoryOptions};
pub use read::Read;
pub use transaction::{Transaction, TransactionOptions};
pub use watch::{Watch, WatchCanceller};
