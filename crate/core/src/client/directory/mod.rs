//! The directory layer: paths of names that stand for short prefixes of keys.
//!
//! What it stores is byte for byte what FoundationDB's bindings store, so that each finds the others'
//! directories. Its operations are ordinary reads and writes of a transaction: two transactions that
//! make the same directory conflict, and one of them then opens what the other made.

mod allocator;
mod handle;
mod layer;
mod metadata;
mod node;
mod operations;
mod store;
mod tree;

pub use handle::Directory;
pub use layer::{DirectoryLayer, DirectoryOptions};
