//! What happened to one key since the last fold: its entries by version, oldest first.
//!
//! An entry says what the key is from its version on, or, as long as nobody knows the value in the pages,
//! which operations were done on it. Such entries come before all others: once a key has been set, cleared
//! or looked up, later operations are carried out at once.

use super::evaluate::{evaluate, merge_operands};
use super::tree_update::KeyChange;
use crate::words::{AtomicOp, Value, Version};

/// Counted per entry besides its value.
const ENTRY_OVERHEAD_BYTES: usize = 64;

#[derive(Clone, Debug)]
struct Entry {
    version: Version,
    /// For operations, those of this version only.
    change: KeyChange,
}

impl Entry {
    fn bytes(&self) -> usize {
        let operands = |operations: &Vec<(AtomicOp, Value)>| -> usize {
            operations.iter().map(|(_, operand)| operand.len() + 32).sum()
        };
        ENTRY_OVERHEAD_BYTES
            + match &self.change {
                KeyChange::Set(value) => value.len(),
                KeyChange::Clear => 0,
                KeyChange::Operations(operations) => operands(operations),
            }
    }
}

/// The entries of one key, at least one. Most keys have one, which needs no allocation.
#[derive(Clone, Debug)]
pub(super) struct History {
    newest: Entry,
    older: Vec<Entry>,
}

impl History {
    pub(super) fn new(version: Version, change: KeyChange) -> History {
        History {
            newest: Entry { version, change },
            older: Vec::new(),
        }
    }

    /// The version of the newest entry.
    pub(super) fn newest_version(&self) -> Version {
        self.newest.version
    }

    /// The newest entry, whatever came before.
    pub(super) fn newest_change(&self) -> &KeyChange {
        &self.newest.change
    }

    /// What happened to the key after `folded` up to `version`; `None` for nothing.
    pub(super) fn at(&self, version: Version, folded: Version) -> Option<KeyChange> {
        if self.newest.version <= version
            && self.newest.version > folded
            && !matches!(self.newest.change, KeyChange::Operations(_))
        {
            return Some(self.newest.change.clone());
        }
        let newest = std::iter::once(&self.newest);
        let visible = self
            .older
            .iter()
            .chain(newest)
            .filter(|entry| entry.version > folded && entry.version <= version);
        let mut result: Option<KeyChange> = None;
        for entry in visible {
            result = Some(followed(result, &entry.change));
        }
        result
    }

    /// Adds an entry at a version not before the newest one; gives by how many bytes the history grew.
    pub(super) fn push(&mut self, version: Version, change: KeyChange) -> isize {
        if self.newest.version == version {
            // A second write in the same batch: reads are never between them.
            let before = self.newest.bytes() as isize;
            let earlier = std::mem::replace(&mut self.newest.change, KeyChange::Clear);
            self.newest.change = followed(Some(earlier), &change);
            return self.newest.bytes() as isize - before;
        }
        let older = std::mem::replace(&mut self.newest, Entry { version, change });
        self.older.push(older);
        self.newest.bytes() as isize
    }

    /// Whether there is an entry besides the newest.
    pub(super) fn has_older(&self) -> bool {
        !self.older.is_empty()
    }

    /// Drops entries that no read at or above `horizon` sees, and those that are in the pages; gives their
    /// bytes.
    ///
    /// What is left is right over the pages of any later fold, also of one below the horizon (I13). So
    /// operations are not summed up: a fold may fall between them.
    pub(super) fn forget(&mut self, horizon: Version, folded: Version) -> usize {
        let is_known = |entry: &Entry| !matches!(entry.change, KeyChange::Operations(_));
        let older_than = |version: Version| self.older.partition_point(|entry| entry.version <= version);
        let unneeded = if self.newest.version <= horizon && is_known(&self.newest) {
            self.older.len()
        } else {
            let mut visible = self.older.iter().take(older_than(horizon));
            visible.rposition(is_known).unwrap_or(0)
        };
        let unneeded = unneeded.max(older_than(folded));
        let dropped = self.older.drain(..unneeded);
        let bytes = dropped.map(|entry| entry.bytes()).sum();
        if self.older.is_empty() {
            self.older = Vec::new();
        }
        bytes
    }

    /// Bytes that the entries take.
    pub(super) fn bytes(&self) -> usize {
        self.newest.bytes() + self.older.iter().map(Entry::bytes).sum::<usize>()
    }
}

/// A change after another one, as one.
fn followed(earlier: Option<KeyChange>, change: &KeyChange) -> KeyChange {
    let KeyChange::Operations(operations) = change else {
        return change.clone();
    };
    let known = match earlier {
        None => return change.clone(),
        Some(KeyChange::Operations(mut all)) => {
            for operation in operations {
                push_operation(&mut all, operation);
            }
            return KeyChange::Operations(all);
        }
        Some(KeyChange::Set(value)) => Some(value),
        Some(KeyChange::Clear) => None,
    };
    applied(known, operations)
}

/// What operations make of a value, as a change.
pub(super) fn applied(value: Option<Value>, operations: &[(AtomicOp, Value)]) -> KeyChange {
    let value = operations.iter().fold(value, |value, (op, operand)| {
        evaluate(*op, value.as_ref(), operand)
    });
    value.map_or(KeyChange::Clear, KeyChange::Set)
}

fn push_operation(operations: &mut Vec<(AtomicOp, Value)>, operation: &(AtomicOp, Value)) {
    let (op, operand) = operation;
    if let Some((top, first)) = operations.last_mut()
        && top == op
        && let Some(merged) = merge_operands(*op, first, operand)
    {
        *first = merged;
        return;
    }
    operations.push(operation.clone());
}
