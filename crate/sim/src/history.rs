//! What clients saw, and the check that it could have been seen one transaction after the other.
//!
//! Strict serializability, checked against the log: replaying the committed transactions in the log's
//! order on a plain sorted map, every read of a committed transaction must give what it gave, at its
//! place in that order; every read-only transaction must give what the map held at its read version;
//! and nobody may have read a version older than a commit acknowledged before the transaction began.

use std::collections::{BTreeMap, BTreeSet};

use plinth_core::pure::{CommittedTransaction, RecordReader};
use plinth_core::storage::LogEntry;
use plinth_core::words::{Mutation, SequenceNumber, Version};

type Bytes = Vec<u8>;
type Map = BTreeMap<Bytes, Bytes>;

/// One call of a transaction, in the order of the calls, with its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A point read.
    Get(Bytes, Option<Bytes>),
    /// A range read: begin, end, limit (0 for none), reverse, rows.
    Range(Bytes, Bytes, usize, bool, Vec<(Bytes, Bytes)>),
    /// A write.
    Set(Bytes, Bytes),
    /// A range clear.
    Clear(Bytes, Bytes),
}

/// How a transaction ended, as its client was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Committed at this version, or read-only.
    Committed(Option<Version>),
    /// Certainly not committed.
    Failed,
    /// The client doesn't know.
    Unknown,
}

/// One transaction as its client saw it. Every writing transaction sets a marker key of its own.
#[derive(Clone, Debug)]
pub struct Observation {
    /// The value of the marker key.
    pub marker: u64,
    /// The newest version acknowledged to anybody when it began.
    pub acknowledged_before: Version,
    /// What it read at.
    pub read_version: Option<Version>,
    /// Its calls with their answers.
    pub operations: Vec<Operation>,
    /// How it ended.
    pub outcome: Outcome,
}

/// Everything that clients saw in a run.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// In no particular order.
    pub observations: Vec<Observation>,
}

/// The key that a transaction marks its commit with.
pub fn marker_key(marker: u64) -> Bytes {
    format!("marker/{marker:08}").into_bytes()
}

impl History {
    /// Checks the history against the log and gives the final state.
    ///
    /// # Panics
    /// When the history is not strictly serializable.
    pub fn check(&self, log: &[LogEntry], seed: u64) -> Map {
        let by_marker: BTreeMap<u64, &Observation> = self
            .observations
            .iter()
            .map(|observation| (observation.marker, observation))
            .collect();
        let mut state = Map::new();
        let mut at_version: BTreeMap<Version, Map> = BTreeMap::from([(Version::FIRST, Map::new())]);
        let mut committed = BTreeSet::new();
        for (version, transactions) in decode(log) {
            for mutations in transactions {
                let marker = marker_of(&mutations);
                let context = || format!("seed {seed}, transaction {marker}");
                assert!(committed.insert(marker), "{}: committed twice", context());
                let seen = by_marker
                    .get(&marker)
                    .unwrap_or_else(|| panic!("{}: nobody wrote it", context()));
                assert_ne!(
                    seen.outcome,
                    Outcome::Failed,
                    "{}: it failed, and is in the log",
                    context()
                );
                if let Outcome::Committed(acknowledged) = seen.outcome {
                    assert_eq!(acknowledged, Some(version), "{}", context());
                }
                replay(&mut state, &seen.operations, &context);
                state.insert(marker_key(marker), marker.to_string().into_bytes());
            }
            at_version.insert(version, state.clone());
        }
        for seen in &self.observations {
            let context = || format!("seed {seed}, transaction {}", seen.marker);
            if matches!(seen.outcome, Outcome::Committed(Some(_))) {
                assert!(
                    committed.contains(&seen.marker),
                    "{}: acknowledged, and lost",
                    context()
                );
            }
            if let Some(read_version) = seen.read_version {
                let newest = seen.acknowledged_before;
                assert!(
                    read_version >= newest,
                    "{}: read {read_version}, {newest} was known",
                    context()
                );
                let snapshot = at_version.get(&read_version);
                let mut snapshot = snapshot
                    .unwrap_or_else(|| panic!("{}: no commit at {read_version}", context()))
                    .clone();
                replay(&mut snapshot, &seen.operations, &context);
            }
        }
        state
    }
}

fn decode(log: &[LogEntry]) -> Vec<(Version, Vec<Vec<Mutation>>)> {
    let mut reader = RecordReader::after(SequenceNumber::ZERO);
    let records = log.iter().filter_map(|entry| {
        reader
            .push(entry.sequence, &entry.bytes)
            .expect("the engine writes what it can read")
    });
    records
        .map(|record| {
            let mutations = |transaction: CommittedTransaction| {
                transaction
                    .writes
                    .into_iter()
                    .map(|write| write.mutation)
                    .collect()
            };
            (
                record.version,
                record.transactions.into_iter().map(mutations).collect(),
            )
        })
        .collect()
}

fn marker_of(mutations: &[Mutation]) -> u64 {
    let marker = mutations.iter().find_map(|mutation| match mutation {
        Mutation::Set(key, _) => std::str::from_utf8(key.strip_prefix(b"marker/")?)
            .ok()?
            .parse()
            .ok(),
        Mutation::ClearRange(_) | Mutation::Atomic(..) => None,
    });
    marker.expect("every writing transaction sets its marker")
}

/// Does a transaction's calls on a map, comparing the answers of its reads.
fn replay(state: &mut Map, operations: &[Operation], context: &dyn Fn() -> String) {
    for operation in operations {
        match operation {
            Operation::Get(key, answer) => {
                assert_eq!(state.get(key), answer.as_ref(), "{}: get {key:?}", context());
            }
            Operation::Range(begin, end, limit, reverse, answer) => {
                let mut rows: Vec<(Bytes, Bytes)> = if begin < end {
                    state
                        .range(begin.clone()..end.clone())
                        .map(|(k, v)| (k.clone(), v.clone()))
                        .collect()
                } else {
                    Vec::new()
                };
                if *reverse {
                    rows.reverse();
                }
                if *limit > 0 {
                    rows.truncate(*limit);
                }
                assert_eq!(&rows, answer, "{}: range {begin:?}..{end:?}", context());
            }
            Operation::Set(key, value) => {
                state.insert(key.clone(), value.clone());
            }
            Operation::Clear(begin, end) => state.retain(|key, _| !(begin <= key && key < end)),
        }
    }
}
