//! A write of a transaction before its commit: it may still lack the commit's versionstamp.

use super::evaluate::{VERSIONSTAMP_BYTES, stamped};
use crate::words::{
    CONFLICT_RANGE_OVERHEAD_BYTES, Key, KeyRange, MUTATION_OVERHEAD_BYTES, Mutation, Value, Write, key_after,
};

/// A write that becomes a mutation when the commit's versionstamp is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StampedWrite {
    /// Needs no stamp.
    Plain(Write),
    /// The key's last four bytes say where the stamp goes.
    Key {
        /// The key with its offset.
        template: Key,
        /// Its value.
        value: Value,
    },
    /// The value's last four bytes say where the stamp goes.
    Value {
        /// The key.
        key: Key,
        /// The value with its offset.
        template: Value,
        /// Whether the key is a write conflict range.
        has_conflict: bool,
    },
}

impl StampedWrite {
    /// The write conflict range that is known before the commit, if it has one.
    pub fn conflict_range(&self) -> Option<KeyRange> {
        match self {
            StampedWrite::Plain(Write {
                mutation,
                has_conflict: true,
            }) => Some(match mutation {
                Mutation::Set(key, _) | Mutation::Atomic(_, key, _) => KeyRange::of_key(key.clone()),
                Mutation::ClearRange(range) => range.clone(),
            }),
            StampedWrite::Value {
                key,
                has_conflict: true,
                ..
            } => Some(KeyRange::of_key(key.clone())),
            _ => None,
        }
    }

    /// The size that counts towards the transaction's limit: the mutation and its write conflict range.
    pub fn commit_bytes(&self) -> u64 {
        let (mutation_bytes, conflict_bytes, has_conflict) = match self {
            StampedWrite::Plain(Write {
                mutation,
                has_conflict,
            }) => match mutation {
                Mutation::Set(key, operand) | Mutation::Atomic(_, key, operand) => {
                    (key.len() + operand.len(), 2 * key.len() + 1, *has_conflict)
                }
                Mutation::ClearRange(range) => {
                    let ends = range.begin.len() + range.end.len();
                    (ends, ends, *has_conflict)
                }
            },
            StampedWrite::Key { template, value } => (template.len() + value.len(), 0, false),
            StampedWrite::Value {
                key,
                template,
                has_conflict,
            } => (key.len() + template.len(), 2 * key.len() + 1, *has_conflict),
        };
        let conflict_bytes = if has_conflict {
            conflict_bytes as u64 + CONFLICT_RANGE_OVERHEAD_BYTES
        } else {
            0
        };
        mutation_bytes as u64 + MUTATION_OVERHEAD_BYTES + conflict_bytes
    }
}

/// The keys that a key with its stamp's offset may become.
pub fn possible_keys(template: &[u8], first_stamp: &[u8; VERSIONSTAMP_BYTES]) -> Option<KeyRange> {
    let last = stamped(template, &[0xff; VERSIONSTAMP_BYTES])?;
    Some(KeyRange {
        begin: stamped(template, first_stamp)?,
        end: key_after(&last),
    })
}
