//! Which transactions of a batch may commit: optimistic concurrency control by version over ranges.
//!
//! A transaction that read anything at version `r` conflicts if any key of its read conflict ranges
//! was written after `r` by an accepted transaction, be it in history or earlier in the same batch
//! (I4). Reads that are too old to be judged fail as such. Transactions that read nothing are always
//! accepted, and writes never conflict with writes.

use super::state::{Snapshot, State};
use crate::pure::{CommitRecord, CommittedTransaction, ConflictSet, StampedWrite, stamped, versionstamp};
use crate::words::{Durability, Error, ErrorCode, Key, KeyRange, Mutation, Result, Version, Write};

/// What a transaction asks the pipeline to commit.
#[derive(Clone, Debug)]
pub struct CommitIntent {
    /// The snapshot it read; `None` if it never needed one.
    pub snapshot: Option<Snapshot>,
    /// What it read of it.
    pub read_conflicts: Vec<KeyRange>,
    /// What it changes, in order, and what later readers conflict with.
    pub writes: Vec<StampedWrite>,
    /// What later readers conflict with besides.
    pub further_conflicts: Vec<KeyRange>,
    /// Its size as counted towards the limits.
    pub bytes: u64,
    /// When it counts as done.
    pub durability: Durability,
}

impl CommitIntent {
    /// The transaction as it is stored, its versionstamps filled in.
    fn stamped(&self, version: Version, batch_index: u16) -> CommittedTransaction {
        let stamp = versionstamp(version, batch_index);
        let fill = |template: &Key| stamped(template, &stamp).expect("templates are checked at the call");
        let writes = self.writes.iter().map(|write| match write {
            StampedWrite::Plain(write) => write.clone(),
            // Only here its final key is known, so it is a write conflict whatever was wished.
            StampedWrite::Key { template, value } => Write {
                mutation: Mutation::Set(fill(template), value.clone()),
                has_conflict: true,
            },
            StampedWrite::Value {
                key,
                template,
                has_conflict,
            } => Write {
                mutation: Mutation::Set(key.clone(), fill(template)),
                has_conflict: *has_conflict,
            },
        });
        CommittedTransaction {
            writes: writes.collect(),
            further_conflicts: self.further_conflicts.clone(),
            ..CommittedTransaction::default()
        }
    }
}

/// Where a committed transaction is in history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The version of its batch.
    pub version: Version,
    /// Its place in the batch.
    pub batch_index: u16,
}

/// A batch after resolution.
#[derive(Debug)]
pub(super) struct Resolution {
    /// Per transaction of the batch: its batch index, or why it may not commit.
    pub(super) verdicts: Vec<Result<u16>>,
    /// The accepted ones, as the log is to store them.
    pub(super) record: CommitRecord,
}

impl Resolution {
    /// Whether nothing is left to be written.
    pub(super) fn is_empty(&self) -> bool {
        self.record.transactions.is_empty()
    }
}

/// Decides about a batch at the version that the clock says now.
pub(super) fn resolve<'a>(
    state: &State,
    batch: impl Iterator<Item = &'a CommitIntent>,
    version: Version,
    unix_us: u64,
    batch_id: [u8; 16],
) -> Resolution {
    let mut accepted = ConflictSet::new();
    let mut record = CommitRecord {
        version,
        unix_us,
        batch_id,
        transactions: Vec::new(),
    };
    let mut verdicts = Vec::new();
    for intent in batch {
        let verdict = judge(state, &accepted, intent, version);
        if verdict.is_ok() {
            let transaction = intent.stamped(version, record.transactions.len() as u16);
            accepted.insert(transaction.write_conflicts(), version);
            record.transactions.push(transaction);
        }
        verdicts.push(verdict.map(|()| (record.transactions.len() - 1) as u16));
    }
    Resolution { verdicts, record }
}

fn judge(state: &State, accepted: &ConflictSet, intent: &CommitIntent, version: Version) -> Result<()> {
    if intent.read_conflicts.is_empty() {
        return Ok(());
    }
    let snapshot = intent.snapshot.ok_or_else(|| {
        Error::new(
            ErrorCode::InternalError,
            "a transaction with read conflict ranges has no read version",
        )
    })?;
    state.check_readable(&snapshot, version)?;
    let conflict = intent.read_conflicts.iter().any(|range| {
        state.conflicts().is_written_after(range, snapshot.version)
            || accepted.is_written_after(range, snapshot.version)
    });
    if conflict {
        Err(ErrorCode::NotCommitted.into())
    } else {
        Ok(())
    }
}
