//! The database at every place of its history, from the log alone, in the plainest way.
//!
//! It shares no code with the engine but the decoding of records: atomic operations are the model's.

use std::collections::BTreeMap;

use plinth_core::pure::{CommitRecord, RecordReader};
use plinth_core::storage::LogEntry;
use plinth_core::words::{Mutation, SequenceNumber, Version};

use crate::model::atomic;

pub(crate) type Bytes = Vec<u8>;
pub(crate) type Rows = Vec<(Bytes, Bytes)>;

/// Where a transaction is in history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The version of its batch.
    pub version: Version,
    /// Its place in the batch.
    pub batch_index: u16,
}

impl Place {
    /// Before everything at this version.
    pub fn before(version: Version) -> Place {
        Place {
            version,
            batch_index: 0,
        }
    }

    /// After everything at this version and before everything later.
    pub fn after(version: Version) -> Place {
        Place::before(version.plus(1))
    }
}

/// A transaction of the log.
#[derive(Clone, Debug)]
pub(crate) struct Logged {
    pub(crate) place: Place,
    pub(crate) mutations: Vec<Mutation>,
    /// Write conflict ranges besides those of the mutations.
    pub(crate) further_conflicts: Vec<(Bytes, Bytes)>,
}

impl Logged {
    /// Whether it wrote, or says that it wrote, to a key between these.
    pub(crate) fn touches(&self, begin: &[u8], end: &[u8]) -> bool {
        let is_in = |from: &[u8], to: &[u8]| from < end && begin < to;
        let by_mutation = self.mutations.iter().any(|mutation| match mutation {
            Mutation::Set(key, _) | Mutation::Atomic(_, key, _) => begin <= &**key && &**key < end,
            Mutation::ClearRange(range) => is_in(&range.begin, &range.end),
        });
        by_mutation || self.further_conflicts.iter().any(|(from, to)| is_in(from, to))
    }
}

type Versions = Vec<(Place, Option<Bytes>)>;

/// The history of every key.
#[derive(Debug, Default)]
pub struct Timeline {
    keys: BTreeMap<Bytes, Versions>,
    transactions: Vec<Logged>,
    newest: Version,
}

impl Timeline {
    /// The history that a whole log tells.
    ///
    /// # Errors
    /// Where the log can't be read.
    pub fn of_log(log: &[LogEntry]) -> Result<Timeline, String> {
        let mut timeline = Timeline {
            newest: Version::FIRST,
            ..Timeline::default()
        };
        let mut reader = RecordReader::after(SequenceNumber::ZERO);
        for entry in log {
            let record = reader.push(entry.sequence, &entry.bytes);
            match record.map_err(|error| format!("the log can't be read: {error}"))? {
                Some(record) if record.version <= timeline.newest => {
                    let (found, newest) = (record.version, timeline.newest);
                    return Err(format!("version {found} follows version {newest} in the log"));
                }
                Some(record) => timeline.apply(record),
                None => {}
            }
        }
        if reader.is_inside_record() {
            return Err("the log ends in the middle of a record".to_owned());
        }
        Ok(timeline)
    }

    fn apply(&mut self, record: CommitRecord) {
        self.newest = record.version;
        for (transaction, batch_index) in record.transactions.into_iter().zip(0..) {
            let place = Place {
                version: record.version,
                batch_index,
            };
            let mutations: Vec<Mutation> = transaction
                .writes
                .into_iter()
                .map(|write| write.mutation)
                .collect();
            for mutation in &mutations {
                self.mutate(place, mutation);
            }
            let further = transaction.further_conflicts.iter();
            self.transactions.push(Logged {
                place,
                mutations,
                further_conflicts: further
                    .map(|range| (range.begin.to_vec(), range.end.to_vec()))
                    .collect(),
            });
        }
    }

    fn mutate(&mut self, place: Place, mutation: &Mutation) {
        match mutation {
            Mutation::Set(key, value) => self.put(place, key, Some(value.to_vec())),
            Mutation::Atomic(op, key, operand) => {
                let existing = self.newest_value(key);
                let value = atomic(*op, existing.as_deref(), operand);
                self.put(place, key, value);
            }
            Mutation::ClearRange(range) => {
                let (begin, end) = (range.begin.to_vec(), range.end.to_vec());
                if begin < end {
                    for (_, versions) in self.keys.range_mut(begin..end) {
                        if versions.last().is_some_and(|(_, value)| value.is_some()) {
                            versions.push((place, None));
                        }
                    }
                }
            }
        }
    }

    fn put(&mut self, place: Place, key: &[u8], value: Option<Bytes>) {
        self.keys.entry(key.to_vec()).or_default().push((place, value));
    }

    fn newest_value(&self, key: &[u8]) -> Option<Bytes> {
        self.keys.get(key)?.last()?.1.clone()
    }

    /// The newest version.
    pub fn newest(&self) -> Version {
        self.newest
    }

    /// Every committed transaction, in order.
    pub(crate) fn transactions(&self) -> &[Logged] {
        &self.transactions
    }

    /// The transaction at a place.
    pub(crate) fn at(&self, place: Place) -> Option<&Logged> {
        let found = self
            .transactions
            .binary_search_by_key(&place, |logged| logged.place);
        self.transactions.get(found.ok()?)
    }

    /// Those at or after a place.
    pub(crate) fn from(&self, place: Place) -> &[Logged] {
        let first = self.transactions.partition_point(|logged| logged.place < place);
        self.transactions.get(first..).unwrap_or_default()
    }

    /// Whether some commit has this version, or it is that of the empty database.
    pub(crate) fn has_version(&self, version: Version) -> bool {
        let first = self.from(Place::before(version)).first();
        version == Version::FIRST || first.is_some_and(|logged| logged.place.version == version)
    }

    /// A key's value just before a place.
    pub(crate) fn get(&self, key: &[u8], before: Place) -> Option<&Bytes> {
        value_at(self.keys.get(key)?, before)
    }

    /// Every row between two keys just before a place.
    pub(crate) fn range(&self, begin: &[u8], end: &[u8], before: Place) -> Rows {
        if begin >= end {
            return Rows::new();
        }
        let versions = self.keys.range(begin.to_vec()..end.to_vec());
        versions
            .filter_map(|(key, versions)| Some((key.clone(), value_at(versions, before)?.clone())))
            .collect()
    }

    /// Every row after the newest commit.
    pub fn newest_rows(&self) -> Rows {
        self.range(b"", b"\xff\xff\xff", Place::after(self.newest))
    }
}

fn value_at(versions: &Versions, before: Place) -> Option<&Bytes> {
    let count = versions.partition_point(|(place, _)| *place < before);
    versions.get(count.checked_sub(1)?)?.1.as_ref()
}
