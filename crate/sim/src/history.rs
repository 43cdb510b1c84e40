//! What clients saw, and the check that it could have been seen one transaction after the other.
//!
//! Strict serializability, against the log (I3, I4, I5, I7): every read of a transaction must give what the
//! history gives at its read version, with the transaction's own writes as of the call; of a committed one
//! every read that is no snapshot read must give the same at its place in the log, too; nobody reads a
//! version older than a commit acknowledged before it began, or commits before it; what was acknowledged is
//! in the log and what failed is not; and who is told of a conflict had one.

use std::collections::{BTreeMap, BTreeSet};

use plinth_core::ErrorCode;
use plinth_core::words::{AtomicOp, Durability, Version};

use crate::model::atomic;
use crate::timeline::{Bytes, Place, Rows, Timeline};

/// One call of a transaction, in the order of the calls. An answer that did not come is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A point read.
    Get {
        /// The key.
        key: Bytes,
        /// Without a conflict.
        is_snapshot: bool,
        /// The value.
        answer: Option<Option<Bytes>>,
    },
    /// A range read.
    Range {
        /// The first key.
        begin: Bytes,
        /// Past the last key.
        end: Bytes,
        /// Descending.
        reverse: bool,
        /// Without a conflict.
        is_snapshot: bool,
        /// The rows, and whether there may be more.
        answer: Option<(Rows, bool)>,
    },
    /// A write.
    Set(Bytes, Bytes),
    /// A range clear.
    Clear(Bytes, Bytes),
    /// An atomic operation.
    Atomic(AtomicOp, Bytes, Bytes),
    /// Some other call: what comes after it can't be judged, nor a conflict.
    Other,
}

/// How a transaction ended, as its client was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Committed without writes.
    ReadOnly,
    /// Committed here.
    Committed(Place),
    /// Certainly not committed.
    Failed(ErrorCode),
    /// The client doesn't know.
    Unknown,
}

/// One attempt of a transaction as its client saw it.
#[derive(Clone, Debug)]
pub struct Observation {
    /// Whose it is.
    pub workload: &'static str,
    /// The number of its peer.
    pub lane: usize,
    /// Its number in this history.
    pub number: u64,
    /// The newest version acknowledged to anybody when it began.
    pub acknowledged_before: Version,
    /// When its commit counts as done.
    pub durability: Durability,
    /// What it read at.
    pub read_version: Option<Version>,
    /// Its calls with their answers.
    pub operations: Vec<Operation>,
    /// How it ended.
    pub outcome: Outcome,
}

impl Observation {
    /// What it may have conflicted over: all that it read, or a bit more.
    fn conflict_ranges(&self) -> Vec<(Bytes, Bytes)> {
        let range = |operation: &Operation| match operation {
            Operation::Get {
                key,
                is_snapshot: false,
                ..
            } => Some((key.clone(), [key.as_slice(), b"\0"].concat())),
            Operation::Range {
                begin,
                end,
                is_snapshot: false,
                ..
            } => Some((begin.clone(), end.clone())),
            _ => None,
        };
        self.operations.iter().filter_map(range).collect()
    }

    fn title(&self) -> String {
        format!(
            "transaction {} of {} on peer {}",
            self.number, self.workload, self.lane
        )
    }
}

/// How much was checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Attempts of transactions.
    pub attempts: u64,
    /// Those that committed.
    pub commits: u64,
    /// Answers of reads compared, each at the read version and, of commits, at their place.
    pub reads: u64,
    /// Conflicts that were found to be ones.
    pub conflicts: u64,
}

/// Everything that clients saw in a run.
#[derive(Clone, Debug, Default)]
pub struct History {
    observations: Vec<Observation>,
    acknowledged: Version,
    /// Conflicts may be made up.
    has_false_conflicts: bool,
}

impl History {
    /// A history of a world in which conflicts may be made up, or not.
    pub fn new(has_false_conflicts: bool) -> History {
        History {
            has_false_conflicts,
            ..History::default()
        }
    }

    /// The newest version acknowledged to anybody.
    pub fn acknowledged(&self) -> Version {
        self.acknowledged
    }

    /// How many attempts there were.
    pub fn len(&self) -> usize {
        self.observations.len()
    }

    /// Whether nothing was seen.
    pub fn is_empty(&self) -> bool {
        self.observations.is_empty()
    }

    /// A commit was acknowledged.
    pub fn acknowledge(&mut self, place: Place) {
        self.acknowledged = self.acknowledged.max(place.version);
    }

    /// Adds what a client saw.
    pub fn push(&mut self, observation: Observation) {
        self.observations.push(observation);
    }

    /// The machine died and came back with this history. What is gone, and what was read of it, is
    /// forgotten, unless it was promised to be durable.
    ///
    /// # Errors
    /// Which strict commit was lost.
    pub fn survive(&mut self, timeline: &Timeline) -> Result<(), String> {
        let newest = timeline.newest();
        for seen in &mut self.observations {
            match seen.outcome {
                Outcome::Committed(place) if place.version > newest => {
                    if seen.durability == Durability::Strict {
                        return Err(format!(
                            "{}: acknowledged as durable at {}, and lost",
                            seen.title(),
                            place.version
                        ));
                    }
                    seen.outcome = Outcome::Unknown;
                    seen.operations.clear();
                }
                // What it conflicted with may be gone.
                Outcome::Failed(ErrorCode::NotCommitted) => seen.outcome = Outcome::Unknown,
                _ => {}
            }
            if seen.read_version > Some(newest) {
                seen.operations.clear();
                seen.read_version = None;
            }
            if seen.outcome == Outcome::Unknown {
                seen.operations.clear();
            }
        }
        self.acknowledged = self.acknowledged.min(newest);
        Ok(())
    }

    /// Checks everything against the log's history.
    ///
    /// # Errors
    /// The first thing that cannot have been.
    pub fn check(&self, timeline: &Timeline) -> Result<Checked, String> {
        let mut checked = Checked::default();
        let mut claimed: BTreeMap<Place, u64> = BTreeMap::new();
        let mut numbers = BTreeSet::new();
        for seen in &self.observations {
            assert!(numbers.insert(seen.number), "every attempt has a number");
            checked.attempts += 1;
            self.check_one(timeline, seen, &mut checked)
                .map_err(|what| format!("{}: {what}", seen.title()))?;
            if let Outcome::Committed(place) = seen.outcome
                && let Some(other) = claimed.insert(place, seen.number)
            {
                return Err(format!(
                    "{} was told the place of transaction {other}",
                    seen.title()
                ));
            }
        }
        let unclaimed = timeline
            .transactions()
            .iter()
            .filter(|logged| !claimed.contains_key(&logged.place));
        let unknown = self
            .observations
            .iter()
            .filter(|seen| seen.outcome == Outcome::Unknown);
        let (unclaimed, unknown) = (unclaimed.count(), unknown.count());
        if unclaimed > unknown {
            return Err(format!(
                "{unclaimed} transactions are in the log that nobody was told of, and only {unknown} could be"
            ));
        }
        Ok(checked)
    }

    fn check_one(
        &self,
        timeline: &Timeline,
        seen: &Observation,
        checked: &mut Checked,
    ) -> Result<(), String> {
        let known = seen.acknowledged_before;
        if let Some(read_version) = seen.read_version {
            if read_version < known {
                return Err(format!(
                    "it read version {read_version} after {known} was acknowledged"
                ));
            }
            if !timeline.has_version(read_version) {
                return Err(format!("it read version {read_version}, which no commit has"));
            }
            let view = View::new(timeline, Place::after(read_version));
            checked.reads += view
                .replay(seen, true)
                .map_err(|what| format!("at version {read_version}: {what}"))?;
        }
        match seen.outcome {
            Outcome::Committed(place) => {
                checked.commits += 1;
                if place.version <= known {
                    return Err(format!(
                        "it committed at {} after {known} was acknowledged",
                        place.version
                    ));
                }
                if timeline.at(place).is_none() {
                    return Err(format!("acknowledged at {place:?}, and not in the log"));
                }
                let view = View::new(timeline, place);
                checked.reads += view
                    .replay(seen, false)
                    .map_err(|what| format!("where it committed, {}: {what}", place.version))?;
            }
            Outcome::ReadOnly => checked.commits += 1,
            Outcome::Failed(ErrorCode::NotCommitted) if !self.has_false_conflicts => {
                let Some(read_version) = seen.read_version else {
                    return Ok(());
                };
                if seen.operations.contains(&Operation::Other) {
                    return Ok(());
                }
                let ranges = seen.conflict_ranges();
                let later = timeline.from(Place::after(read_version));
                let has_conflict = later
                    .iter()
                    .any(|logged| ranges.iter().any(|(begin, end)| logged.touches(begin, end)));
                if !has_conflict {
                    return Err(format!(
                        "it was told of a conflict, but nobody wrote what it read at {read_version}"
                    ));
                }
                checked.conflicts += 1;
            }
            Outcome::Failed(_) | Outcome::Unknown => {}
        }
        Ok(())
    }
}

/// The database just before a place, with a transaction's own writes on top.
struct View<'a> {
    timeline: &'a Timeline,
    before: Place,
    own: BTreeMap<Bytes, Option<Bytes>>,
}

impl<'a> View<'a> {
    fn new(timeline: &'a Timeline, before: Place) -> View<'a> {
        View {
            timeline,
            before,
            own: BTreeMap::new(),
        }
    }

    fn get(&self, key: &[u8]) -> Option<Bytes> {
        match self.own.get(key) {
            Some(value) => value.clone(),
            None => self.timeline.get(key, self.before).cloned(),
        }
    }

    fn range(&self, begin: &[u8], end: &[u8]) -> Rows {
        let stored = self.timeline.range(begin, end, self.before);
        if self.own.is_empty() || begin >= end {
            return stored;
        }
        let mut rows: BTreeMap<Bytes, Bytes> = stored.into_iter().collect();
        for (key, value) in self.own.range(begin.to_vec()..end.to_vec()) {
            match value {
                Some(value) => rows.insert(key.clone(), value.clone()),
                None => rows.remove(key),
            };
        }
        rows.into_iter().collect()
    }

    /// Does a transaction's calls, comparing the answers of its reads; gives how many.
    fn replay(mut self, seen: &Observation, with_snapshot_reads: bool) -> Result<u64, String> {
        let mut reads = 0;
        for operation in &seen.operations {
            match operation {
                Operation::Get {
                    key,
                    is_snapshot,
                    answer: Some(answer),
                } if with_snapshot_reads || !is_snapshot => {
                    reads += 1;
                    let expected = self.get(key);
                    if expected != *answer {
                        return Err(format!(
                            "get {}: expected {}, found {}",
                            shown(key),
                            shown_value(expected.as_ref()),
                            shown_value(answer.as_ref())
                        ));
                    }
                }
                Operation::Range {
                    begin,
                    end,
                    reverse,
                    is_snapshot,
                    answer: Some((rows, more)),
                } if with_snapshot_reads || !is_snapshot => {
                    reads += 1;
                    let mut expected = self.range(begin, end);
                    if *reverse {
                        expected.reverse();
                    }
                    let is_beginning = expected.starts_with(rows);
                    if !is_beginning || (!more && rows.len() < expected.len()) || (*more && rows.is_empty()) {
                        return Err(format!(
                            "range {}..{}{}: expected {}, found {}{}",
                            shown(begin),
                            shown(end),
                            if *reverse { " backwards" } else { "" },
                            shown_rows(&expected),
                            shown_rows(rows),
                            if *more { " and more" } else { "" },
                        ));
                    }
                }
                Operation::Get { .. } | Operation::Range { .. } => {}
                Operation::Set(key, value) => {
                    self.own.insert(key.clone(), Some(value.clone()));
                }
                Operation::Clear(begin, end) => {
                    for (key, _) in self.range(begin, end) {
                        self.own.insert(key, None);
                    }
                }
                Operation::Atomic(op, key, operand) => {
                    let value = atomic(*op, self.get(key).as_deref(), operand);
                    self.own.insert(key.clone(), value);
                }
                Operation::Other => break,
            }
        }
        Ok(reads)
    }
}

fn shown(bytes: &[u8]) -> String {
    format!("\"{}\"", bytes.escape_ascii())
}

fn shown_value(value: Option<&Bytes>) -> String {
    value.map_or("nothing".to_owned(), |value| shown(value))
}

fn shown_rows(rows: &Rows) -> String {
    let rows: Vec<String> = rows
        .iter()
        .map(|(key, value)| format!("{}={}", shown(key), shown(value)))
        .collect();
    format!("[{}]", rows.join(", "))
}

#[cfg(test)]
mod tests {
    use plinth_core::pure::{CommitRecord, CommittedTransaction, encode_record};
    use plinth_core::storage::LogEntry;
    use plinth_core::words::{Mutation, SequenceNumber, Write};

    use super::*;

    fn version(number: u64) -> Version {
        Version::new(number).unwrap()
    }

    /// `a` is set to `1` at 20,000,000 and to `2` at 20,000,010.
    fn timeline() -> Timeline {
        let log = [(1, "1"), (2, "2")].map(|(place, value): (u64, &str)| {
            let write = Write {
                mutation: Mutation::Set(b"a".as_slice().into(), value.as_bytes().into()),
                has_conflict: true,
            };
            let record = CommitRecord {
                version: version(20_000_000 + 10 * (place - 1)),
                unix_us: 0,
                batch_id: [place as u8; 16],
                transactions: vec![CommittedTransaction {
                    idempotency_id: b"".as_slice().into(),
                    writes: vec![write],
                    further_conflicts: Vec::new(),
                }],
            };
            let sequence = SequenceNumber::new(place);
            let bytes = encode_record(&record, sequence).remove(0);
            LogEntry { sequence, bytes }
        });
        Timeline::of_log(&log).unwrap()
    }

    fn read(answer: &[u8], read_version: u64, outcome: Outcome) -> Observation {
        Observation {
            workload: "test",
            lane: 0,
            number: read_version,
            acknowledged_before: Version::ZERO,
            durability: Durability::Strict,
            read_version: Some(version(read_version)),
            operations: vec![Operation::Get {
                key: b"a".to_vec(),
                is_snapshot: false,
                answer: Some(Some(answer.to_vec())),
            }],
            outcome,
        }
    }

    fn verdict(observations: Vec<Observation>) -> Result<Checked, String> {
        let mut history = History::new(false);
        // Whoever made the two records does not know.
        for number in 1..=2 {
            let mut writer = read(b"", number, Outcome::Unknown);
            writer.operations.clear();
            writer.read_version = None;
            history.push(writer);
        }
        observations.into_iter().for_each(|seen| history.push(seen));
        history.check(&timeline())
    }

    #[test]
    fn what_was_there_can_be_read() {
        let first = read(b"1", 20_000_000, Outcome::ReadOnly);
        let second = read(b"2", 20_000_010, Outcome::ReadOnly);
        assert_eq!(verdict(vec![first, second]).map(|checked| checked.reads), Ok(2));
    }

    #[test]
    fn what_was_not_there_yet_or_any_more_is_told() {
        assert!(verdict(vec![read(b"2", 20_000_000, Outcome::ReadOnly)]).is_err());
        assert!(verdict(vec![read(b"1", 20_000_010, Outcome::ReadOnly)]).is_err());
    }

    #[test]
    fn a_stale_read_version_is_told() {
        let mut stale = read(b"1", 20_000_000, Outcome::ReadOnly);
        stale.acknowledged_before = version(20_000_010);
        assert!(verdict(vec![stale]).is_err());
    }

    #[test]
    fn a_commit_whose_read_was_overwritten_is_told() {
        let place = Place::before(version(20_000_010));
        let mut lost_update = read(b"1", 20_000_000, Outcome::Committed(place));
        assert!(
            verdict(vec![lost_update.clone()]).is_ok(),
            "nobody wrote in between"
        );
        lost_update.outcome = Outcome::Committed(Place::before(version(20_000_011)));
        assert!(verdict(vec![lost_update]).is_err(), "no such place");
    }

    #[test]
    fn a_conflict_without_a_writer_is_told() {
        let conflict = Outcome::Failed(ErrorCode::NotCommitted);
        assert!(verdict(vec![read(b"1", 20_000_000, conflict)]).is_ok());
        assert!(verdict(vec![read(b"2", 20_000_010, conflict)]).is_err());
    }

    #[test]
    fn a_strict_commit_that_a_crash_lost_is_told_and_a_relaxed_one_forgotten() {
        let place = Place::before(version(20_000_020));
        let mut history = History::new(false);
        let mut seen = read(b"2", 20_000_010, Outcome::Committed(place));
        history.push(seen.clone());
        assert!(history.survive(&timeline()).is_err());
        seen.durability = Durability::Relaxed;
        let mut history = History::new(false);
        history.push(seen);
        assert_eq!(history.survive(&timeline()), Ok(()));
    }
}
