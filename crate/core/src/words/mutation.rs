//! What a committed transaction does to the database, in the order in which it does it.

use super::key::{Key, KeyRange, Value, key_after};

/// One change. Within a transaction mutations apply strictly in order; a later one sees the
/// earlier ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// The key gets the value.
    Set(Key, Value),
    /// Every key of the range disappears.
    ClearRange(KeyRange),
}

/// A mutation together with what it does to readers of older snapshots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The change.
    pub mutation: Mutation,
    /// Whether the keys that it may change are a write conflict range.
    pub has_conflict: bool,
}

impl Mutation {
    /// The keys that the mutation may change: its write conflict range.
    pub fn range(&self) -> KeyRange {
        match self {
            Mutation::Set(key, _) => KeyRange {
                begin: key.clone(),
                end: key_after(key),
            },
            Mutation::ClearRange(range) => range.clone(),
        }
    }

    /// Bytes of the parameters, as FoundationDB counts them towards the transaction's size.
    pub fn parameter_bytes(&self) -> u64 {
        let (first, second) = match self {
            Mutation::Set(key, value) => (key.len(), value.len()),
            Mutation::ClearRange(range) => (range.begin.len(), range.end.len()),
        };
        first as u64 + second as u64
    }
}
