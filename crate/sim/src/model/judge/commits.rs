//! What commits may answer, and what is told of their conflicts and stamps.

use plinth_core::ErrorCode;
use plinth_core::words::KeyRange;

use super::{AGE_MARGIN_US, AGE_US, Judge};
use crate::model::stamp::stamp;
use crate::model::transcript::Event;
use crate::model::{Answer, Conflicts, ranges, size};

impl Judge<'_> {
    pub(super) fn of_conflicts(&self, event: &Event, conflicts: Conflicts) -> Vec<Answer> {
        let mut possible: Vec<Vec<KeyRange>> = Vec::new();
        match (conflicts, &self.conflicting) {
            (Conflicts::Read, _) => possible.push(self.reads.clone()),
            (Conflicts::Write, _) => {
                let commit = self.attempt.commit().filter(|_| self.is_commit_called);
                if let (Some(_), Some((version, batch_index))) = (commit, self.attempt.committed) {
                    possible.push(self.writes.conflicts_at(stamp(version, batch_index)));
                }
                if possible.is_empty() || commit.is_some_and(|commit| event.called < commit.answered) {
                    let end = self.options.read_end;
                    let before = |version| self.writes.conflicts_before_commit(version, end);
                    possible.push(before(event.known_read_version));
                    if commit.is_some() {
                        // It may have got the read version between this call and its answer.
                        possible.push(before(self.attempt.read_version.map(|read| read.version)));
                    }
                }
            }
            // A commit under way may or may not have told.
            (Conflicts::Conflicting, _)
                if self.is_commit_called
                    && self
                        .attempt
                        .commit()
                        .is_some_and(|commit| event.called < commit.answered) =>
            {
                return vec![event.answer.clone()];
            }
            (Conflicts::Conflicting, Some(conflicting)) if self.options.report_conflicting_keys => {
                possible.extend(conflicting.iter().cloned());
            }
            // What an earlier attempt's conflict was about is told until the next one.
            (Conflicts::Conflicting, _) if self.attempt.is_first && self.conflicting.is_none() => {
                possible.push(Vec::new());
            }
            (Conflicts::Conflicting, _) => return vec![event.answer.clone()],
        }
        let rows = possible.iter().map(|ranges| Answer::Rows(conflicts.rows(ranges)));
        match self.ended {
            None => rows.collect(),
            Some(ErrorCode::UsedDuringCommit) => {
                let failed = Answer::Failed(ErrorCode::UsedDuringCommit);
                rows.chain([failed]).collect()
            }
            Some(code) => vec![Answer::Failed(code)],
        }
    }

    pub(super) fn of_versionstamp(&self) -> Vec<Answer> {
        let answer = match (
            self.attempt.commit().map(|commit| &commit.answer),
            self.attempt.committed,
        ) {
            (Some(Answer::Done), Some((version, batch_index))) => Answer::Stamp(stamp(version, batch_index)),
            (Some(Answer::Done), None) => Answer::Failed(ErrorCode::NoCommitVersion),
            (Some(_), _) => Answer::Failed(ErrorCode::TransactionInvalidVersion),
            (None, _) => Answer::Failed(ErrorCode::TransactionCancelled),
        };
        vec![answer]
    }

    pub(super) fn of_commit(&mut self, event: &Event) -> Vec<Answer> {
        self.is_commit_called = true;
        if !self.read_failures.is_empty() {
            return self.read_failures.iter().copied().map(Answer::Failed).collect();
        }
        if self.writes.is_read_only() {
            return self.done_if(self.attempt.committed.is_none());
        }
        let mut acceptable = Vec::new();
        let (least, largest) = size::bounds(&self.writes, &self.reads);
        if largest > self.attempt.size_limit {
            acceptable.push(Answer::Failed(ErrorCode::TransactionTooLarge));
        }
        if least > self.attempt.size_limit {
            return acceptable;
        }
        let reads = ranges::merged(&self.reads);
        let read = self
            .attempt
            .read_version
            // A transaction that only writes gets its read version from its commit.
            .filter(|read| !reads.is_empty() || read.requested < event.called);
        let Some(read) = read else {
            acceptable.extend(self.done_if(self.attempt.committed.is_some() && reads.is_empty()));
            return acceptable;
        };
        let is_age_ignored = reads.is_empty() && self.options.causal_write_risky;
        let is_old = !is_age_ignored && event.called.time_us > read.learned.time_us + AGE_US + AGE_MARGIN_US;
        let is_young =
            is_age_ignored || event.answered.time_us + AGE_MARGIN_US < read.requested.time_us + AGE_US;
        if !is_young {
            acceptable.push(Answer::Failed(ErrorCode::TransactionTooOld));
        }
        if is_old {
            return acceptable;
        }
        if event.answer == Answer::Failed(ErrorCode::NotCommitted) {
            self.conflicting = Some(self.possible_reports(event, &reads, read.version));
        }
        let place = self.attempt.committed;
        let mut conflicts = self.database.conflicts(&reads, read.version);
        let (is_conflicting, is_possibly_conflicting) = match place {
            Some(place) => (
                conflicts.any(|other| (other.version, other.batch_index) < place),
                false,
            ),
            // Where it was judged is not known, but that it was before it was answered.
            None => (
                true,
                conflicts.any(|other| {
                    let times = self.commits.get(&(other.version, other.batch_index));
                    times.is_some_and(|(called, _)| *called < event.answered)
                }),
            ),
        };
        acceptable.extend(self.done_if(place.is_some() && !is_conflicting));
        if is_conflicting && (place.is_some() || is_possibly_conflicting) {
            acceptable.push(Answer::Failed(ErrorCode::NotCommitted));
        }
        acceptable
    }

    /// What may be reported of a conflict: the read ranges that the commits before it wrote to, whose
    /// last one is not known; or one range, if the other commit was in the same batch.
    fn possible_reports(&self, event: &Event, reads: &[KeyRange], read_version: u64) -> Vec<Vec<KeyRange>> {
        let mut written: Vec<KeyRange> = Vec::new();
        let mut possible = Vec::new();
        for commit in self.database.conflicts(reads, read_version) {
            let times = self.commits.get(&(commit.version, commit.batch_index));
            if times.is_none_or(|(called, _)| event.answered < *called) {
                continue;
            }
            written.extend(commit.write_conflicts.iter().cloned());
            let is_hit = |read: &&KeyRange| written.iter().any(|write| ranges::intersect(read, write));
            let hit: Vec<KeyRange> = reads.iter().filter(is_hit).cloned().collect();
            possible.extend(hit.iter().map(|range| vec![range.clone()]));
            possible.push(hit);
        }
        possible
    }

    fn done_if(&self, is_done: bool) -> Vec<Answer> {
        if is_done { vec![Answer::Done] } else { Vec::new() }
    }
}
