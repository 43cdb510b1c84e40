//! Which transactions of a batch may commit: optimistic concurrency control by version over ranges.
//!
//! A transaction that read anything at version `r` conflicts if any key of its read conflict ranges
//! was written after `r` by an accepted transaction, be it in history or earlier in the same batch
//! (I4). Reads that are too old to be judged fail as such. Transactions that read nothing are always
//! accepted, and writes never conflict with writes.

use super::state::{LogPlace, Snapshot, State};
use crate::pure::{
    CommitRecord, CommittedTransaction, ConflictSet, StampedWrite, encode_record, stamped, versionstamp,
};
use crate::words::{
    Bytes, Durability, Error, ErrorCode, Key, KeyRange, Mutation, SequenceNumber, Version, Write,
};

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
    /// Stored with the commit; empty for none.
    pub idempotency_id: Bytes,
    /// Whether a transaction that read nothing commits whatever the age of its snapshot.
    pub is_age_ignored: bool,
    /// Whether a rejection is to tell all ranges that conflicted.
    pub reports_conflicting_keys: bool,
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
            idempotency_id: self.idempotency_id.clone(),
            writes: writes.collect(),
            further_conflicts: self.further_conflicts.clone(),
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

/// Why a transaction may not commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The error to be told.
    pub error: Error,
    /// Of a conflict: the read conflict ranges that others wrote to, if that was to be reported.
    pub conflicting_keys: Vec<KeyRange>,
    /// Of a conflict: where the first of these ranges begins.
    pub contended: Option<Key>,
}

impl From<Error> for Rejection {
    fn from(error: Error) -> Rejection {
        Rejection {
            error,
            conflicting_keys: Vec::new(),
            contended: None,
        }
    }
}

/// A batch after resolution.
#[derive(Debug)]
pub(super) struct Resolution {
    /// Per transaction of the batch: its batch index, or why it may not commit.
    pub(super) verdicts: Vec<Result<u16, Rejection>>,
    /// The accepted ones, as the log is to store them.
    pub(super) record: CommitRecord,
    /// The place that its first log entry is made for.
    pub(super) first: SequenceNumber,
    /// Where the last one is then, and how large they are.
    pub(super) place: LogPlace,
}

impl Resolution {
    /// Whether nothing is left to be written.
    pub(super) fn is_empty(&self) -> bool {
        self.record.transactions.is_empty()
    }

    /// The log entries for the places from `first` on.
    pub(super) fn encode(&mut self, first: SequenceNumber) -> Vec<Vec<u8>> {
        let entries = encode_record(&self.record, first);
        self.first = first;
        self.place = LogPlace {
            last: SequenceNumber::new(first.get() + entries.len() as u64 - 1),
            bytes: entries.iter().map(|entry| entry.len() as u64).sum(),
        };
        entries
    }
}

/// What the clocks say.
#[derive(Clone, Copy)]
pub(super) struct Now {
    pub(super) version: Version,
    pub(super) unix_us: u64,
    pub(super) monotonic_us: u64,
}

/// Decides about a batch at the version that the clock says now. `is_false_conflict` may reject more than it
/// must.
pub(super) fn resolve<'a>(
    state: &State,
    batch: impl Iterator<Item = &'a CommitIntent>,
    now: Now,
    batch_id: [u8; 16],
    is_false_conflict: &dyn Fn() -> bool,
) -> Resolution {
    let Now {
        version,
        unix_us,
        monotonic_us,
    } = now;
    let mut accepted = ConflictSet::new();
    let mut record = CommitRecord {
        version,
        unix_us,
        batch_id,
        transactions: Vec::new(),
    };
    let mut verdicts = Vec::new();
    for intent in batch {
        let mut verdict = judge(state, &accepted, intent, monotonic_us);
        if verdict.is_ok() && !intent.read_conflicts.is_empty() && is_false_conflict() {
            verdict = Err(Error::from(ErrorCode::NotCommitted).into());
        }
        if verdict.is_ok() {
            let transaction = intent.stamped(version, record.transactions.len() as u16);
            accepted.insert(transaction.write_conflicts(), version);
            record.transactions.push(transaction);
        }
        verdicts.push(verdict.map(|()| (record.transactions.len() - 1) as u16));
    }
    Resolution {
        verdicts,
        record,
        first: SequenceNumber::ZERO,
        place: LogPlace {
            last: SequenceNumber::ZERO,
            bytes: 0,
        },
    }
}

fn judge(
    state: &State,
    accepted: &ConflictSet,
    intent: &CommitIntent,
    monotonic_us: u64,
) -> Result<(), Rejection> {
    let Some(snapshot) = intent.snapshot else {
        return if intent.read_conflicts.is_empty() {
            Ok(())
        } else {
            let detail = "a transaction with read conflict ranges has no read version";
            Err(Error::new(ErrorCode::InternalError, detail).into())
        };
    };
    if intent.read_conflicts.is_empty() {
        // FoundationDB's client gives such a transaction a conflict range with itself, whose reader is
        // too old to be judged.
        return if intent.is_age_ignored {
            Ok(())
        } else {
            Ok(state.check_age(&snapshot, monotonic_us)?)
        };
    }
    state.check_readable(&snapshot, monotonic_us)?;
    let in_history = conflicts(state.conflicts(), intent, &snapshot);
    let conflicting = if in_history.is_empty() {
        conflicts(accepted, intent, &snapshot)
            .into_iter()
            .take(1)
            .collect()
    } else {
        in_history
    };
    let Some(first) = conflicting.first() else {
        return Ok(());
    };
    let contended = Some(first.begin.clone());
    Err(Rejection {
        error: ErrorCode::NotCommitted.into(),
        contended,
        conflicting_keys: if intent.reports_conflicting_keys {
            conflicting.into_iter().cloned().collect()
        } else {
            Vec::new()
        },
    })
}

/// The read conflict ranges that were written after the snapshot: all of them if they are to be
/// reported, else the first.
fn conflicts<'a>(written: &ConflictSet, intent: &'a CommitIntent, snapshot: &Snapshot) -> Vec<&'a KeyRange> {
    let count = if intent.reports_conflicting_keys {
        usize::MAX
    } else {
        1
    };
    let is_written = |range: &&KeyRange| written.is_written_after(range, snapshot.version);
    intent
        .read_conflicts
        .iter()
        .filter(is_written)
        .take(count)
        .collect()
}
