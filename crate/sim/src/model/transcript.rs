//! What happened when a program ran: every call with its answer, and the check of it all.
//!
//! The model is asked afterwards, when everything is known that the engine was free to choose: read
//! versions, commit versions, places in batches. Given these, each answer and each verdict follows.

use std::collections::BTreeMap;
use std::rc::Rc;

use plinth_core::words::{Key, Value, Version};

use super::database::{Commit, Database};
use super::judge::Judge;
use super::stamp::stamp;
use super::{Answer, Call};

/// When something happened: the time, and the place among all calls and answers of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// No two are the same.
    pub place: u64,
    /// Microseconds of virtual time.
    pub time_us: u64,
}

/// A call and its answer.
#[derive(Clone, Debug)]
pub struct Event {
    /// The call.
    pub call: Call,
    /// Its answer.
    pub answer: Answer,
    /// When it was called.
    pub called: Moment,
    /// When its answer was taken; it may have been there for a while.
    pub answered: Moment,
    /// The read version, if the transaction had it already.
    pub known_read_version: Option<u64>,
}

/// A read version, and when it was chosen.
#[derive(Clone, Copy, Debug)]
pub struct ReadVersion {
    /// The version.
    pub version: u64,
    /// The first call that needed it.
    pub requested: Moment,
    /// When it was there for certain.
    pub learned: Moment,
}

/// One attempt of a transaction: from its creation, reset or retry to the next of these.
#[derive(Clone, Debug, Default)]
pub struct Attempt {
    /// For messages.
    pub name: String,
    /// Whether it is the transaction's first.
    pub is_first: bool,
    /// The transaction's size limit.
    pub size_limit: u64,
    /// In the order of the calls.
    pub events: Vec<Event>,
    /// The read version, if it ever had one.
    pub read_version: Option<ReadVersion>,
    /// Version and batch index, if it committed and wrote.
    pub committed: Option<(u64, u16)>,
}

/// A whole run.
#[derive(Clone, Debug, Default)]
pub struct Transcript {
    /// All attempts of all transactions.
    pub attempts: Vec<Attempt>,
    /// Every row at the end.
    pub last_rows: Vec<(Key, Value)>,
}

impl Attempt {
    /// Whether a read that is called next needs the read version.
    pub fn needs_read_version(&self, call: &Call) -> bool {
        Judge::needs_read_version(self, call)
    }

    /// The commit, if it was called when it could be.
    pub fn commit(&self) -> Option<&Event> {
        let mut events = self.events.iter();
        let first = events.find(|event| matches!(event.call, Call::Commit | Call::Cancel | Call::OnError(_)));
        first.filter(|event| event.call == Call::Commit)
    }
}

impl Transcript {
    /// Checks that every answer is the model's.
    ///
    /// # Errors
    /// The first answer that is not, in words.
    pub fn check(&self) -> Result<(), String> {
        let mut committed: Vec<((u64, u16), &Attempt)> = self
            .attempts
            .iter()
            .filter_map(|attempt| Some((attempt.committed?, attempt)))
            .collect();
        committed.sort_by_key(|(place, _)| *place);
        let (mut database, mut calls) = (Database::default(), BTreeMap::new());
        for (place, attempt) in &committed {
            let (version, batch_index) = *place;
            let commit = attempt
                .commit()
                .ok_or_else(|| format!("{}: committed without commit", attempt.name))?;
            if calls.insert(*place, (commit.called, commit.answered)).is_some() {
                return Err(format!("{}: its place in history is another's", attempt.name));
            }
            let (writes, stamp) = (Judge::writes_of(attempt), stamp(version, batch_index));
            let mut state = database.newest().clone();
            writes.apply(&mut state, stamp);
            database.push(Commit {
                version,
                batch_index,
                write_conflicts: writes.conflicts_at(stamp),
                state: Rc::new(state),
            });
        }
        self.check_times(&calls)?;
        for attempt in &self.attempts {
            Judge::new(attempt, &database, &calls).check()?;
        }
        let expected: Vec<(Key, Value)> = database.newest().clone().into_iter().collect();
        if self.last_rows != expected {
            let found = &self.last_rows;
            return Err(format!("at the end expected {expected:?}, found {found:?}"));
        }
        Ok(())
    }

    /// What was over before something else began came before it in history.
    fn check_times(&self, calls: &BTreeMap<(u64, u16), (Moment, Moment)>) -> Result<(), String> {
        for (place, (_, answered)) in calls {
            for (other, (called, _)) in calls {
                if answered < called && place >= other {
                    return Err(format!(
                        "commit {place:?} was answered before {other:?} was called"
                    ));
                }
            }
        }
        for attempt in &self.attempts {
            let Some(read) = attempt.read_version else {
                continue;
            };
            for ((version, _), (called, answered)) in calls {
                if *answered < read.requested && read.version < *version {
                    return Err(format!(
                        "{}: reads {read:?}, {version} was acknowledged before, at {answered:?}",
                        attempt.name
                    ));
                }
                if read.learned < *called && *version <= read.version {
                    return Err(format!(
                        "{}: reads {}, {version} was not asked for until later",
                        attempt.name, read.version
                    ));
                }
            }
            if Version::new(read.version).is_none() {
                return Err(format!("{}: {} is no version", attempt.name, read.version));
            }
        }
        Ok(())
    }
}
