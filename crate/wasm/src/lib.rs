//! Plinth in the browser: the only crate that knows JavaScript.
//!
//! It brings the engine what it needs (clocks, tasks, IndexedDB, news between tabs) and hands it out
//! as one class per file. Bodies here convert, call and convert back; meaning lives in `plinth-core`,
//! the public JavaScript API in the npm package. Only bytes, numbers, booleans, strings and handles
//! cross; failures cross as numbers.

mod database_handle;
mod directory_handle;
mod directory_layer_handle;
mod env;
mod exchange;
mod export_handle;
mod failure;
mod import_handle;
#[cfg(target_arch = "wasm32")]
mod memcmp;
mod memory_databases;
mod news;
mod options;
mod page_life;
mod range_chunk;
pub mod storage;
mod subscription_handle;
mod transaction_handle;
mod trap;
mod watch_handle;
mod web_locks;

/// The product has no planted faults. Natively this crate is only linted, together with crates that do.
#[cfg(target_arch = "wasm32")]
const _: () = assert!(
    !plinth_core::words::HAS_CANARIES,
    "the feature `canaries` plants faults in the engine"
);

pub use database_handle::{DatabaseHandle, delete_database, open_database};
pub use directory_handle::DirectoryHandle;
pub use directory_layer_handle::DirectoryLayerHandle;
pub use exchange::exchange_place;
pub use export_handle::ExportHandle;
pub use failure::last_error_message;
pub use import_handle::ImportHandle;
pub use transaction_handle::TransactionHandle;
pub use trap::report_traps;
pub use watch_handle::WatchHandle;
