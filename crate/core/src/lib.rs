//! Plinth's engine: FoundationDB's data model and guarantees over a storage that can do little more
//! than IndexedDB.
//!
//! No browser, no clock, no chance and no threads in here: a [`Storage`] and an [`Env`] bring the
//! outside in. The modules refer to each other in one direction only:
//! [`words`] <- [`pure`] <- [`storage`] <- [`engine`] <- [`client`]. ARCHITECTURE.md numbers the
//! invariants (I1, I2, …) that comments name.

pub mod client;
pub mod engine;
pub mod pure;
pub mod storage;
pub mod words;

pub use client::{
    Changes, Database, DatabaseOptions, Export, Import, ImportMode, ImportProgress, Read, Subscription,
    Transaction, TransactionOptions, Watch,
};
pub use storage::Storage;
pub use words::{Env, Error, ErrorCode, Result};
