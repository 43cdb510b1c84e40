//! The database with everything that ever happened to it, and the resolver that looks at all of it.

use std::rc::Rc;

use plinth_core::words::{KeyRange, TRANSACTION_AGE_VERSIONS_MAX};

use super::{Map, ranges};

/// An accepted transaction.
#[derive(Clone, Debug)]
pub struct Commit {
    /// The version of its batch.
    pub version: u64,
    /// Its place in the batch.
    pub batch_index: u16,
    /// What it wrote.
    pub write_conflicts: Vec<KeyRange>,
    /// The database after it.
    pub state: Rc<Map>,
}

/// The history of a database, in the order of its commits.
#[derive(Clone, Debug, Default)]
pub struct Database {
    commits: Vec<Commit>,
    empty: Map,
}

impl Database {
    /// The newest state.
    pub fn newest(&self) -> &Map {
        self.commits.last().map_or(&self.empty, |commit| &commit.state)
    }

    /// The next commit.
    ///
    /// # Panics
    /// If it is not the next.
    pub fn push(&mut self, commit: Commit) {
        let place = (commit.version, commit.batch_index);
        let is_next = |last: &Commit| (last.version, last.batch_index) < place;
        assert!(
            self.commits.last().is_none_or(is_next),
            "commits have places of their own, in order"
        );
        self.commits.push(commit);
    }

    /// The state that a read at this version sees: all of the batches up to it.
    pub fn at(&self, version: u64) -> &Map {
        let commits = self.commits.iter().rev();
        let mut known = commits.skip_while(|commit| commit.version > version);
        known.next().map_or(&self.empty, |commit| &commit.state)
    }

    /// Every commit, in order.
    pub fn commits(&self) -> &[Commit] {
        &self.commits
    }

    /// The accepted transactions that wrote something of `reads` after `read_version`, in order.
    pub fn conflicts<'a>(
        &'a self,
        reads: &'a [KeyRange],
        read_version: u64,
    ) -> impl Iterator<Item = &'a Commit> {
        self.commits.iter().filter(move |commit| {
            let overlaps = |read: &KeyRange| {
                commit
                    .write_conflicts
                    .iter()
                    .any(|write| ranges::intersect(read, write))
            };
            commit.version > read_version && reads.iter().any(overlaps)
        })
    }

    /// Whether a snapshot is too old for a commit at this version.
    pub fn is_too_old(read_version: u64, commit_version: u64) -> bool {
        read_version + TRANSACTION_AGE_VERSIONS_MAX < commit_version
    }
}
