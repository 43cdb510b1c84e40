//! What a committed transaction does to the database, in the order in which it does it.

use super::atomic_op::AtomicOp;
use super::key::{Key, KeyRange, Value};

/// One change. Within a transaction mutations apply strictly in order; a later one sees the
/// earlier ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// The key gets the value.
    Set(Key, Value),
    /// Every key of the range disappears.
    ClearRange(KeyRange),
    /// The key's value is what the operation makes of it and the operand.
    Atomic(AtomicOp, Key, Value),
}

/// A mutation together with what it does to readers of older snapshots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The change.
    pub mutation: Mutation,
    /// Whether the keys that it may change are a write conflict range.
    pub has_conflict: bool,
}
