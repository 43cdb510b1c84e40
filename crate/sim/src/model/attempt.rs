//! The model's transaction: goes through the calls of one attempt and says what each may answer.

use std::collections::BTreeMap;

use plinth_core::ErrorCode;
use plinth_core::words::{KeyRange, TRANSACTION_AGE_VERSIONS_MAX, TransactionOption, key_after};

use super::legal::{cut_range, cut_selector, is_too_long, refusals};
use super::options::Options;
use super::own_writes::{OwnWrite, OwnWrites};
use super::stamp::{possible_keys, stamp};
use super::transcript::{Attempt, Event, Moment};
use super::view::{Unreadable, View};
use super::{Answer, Call, Conflicts, Database, Map, ranges, read_conflict, size, watch};

/// Between young and old for certain: read versions are taken a little before or after a call.
const AGE_MARGIN_US: u64 = 400_000;

/// When the commits of a run were called and answered, by their place in history.
pub(super) type CommitTimes = BTreeMap<(u64, u16), (Moment, Moment)>;

/// Judges one attempt.
pub(super) struct Judge<'a> {
    attempt: &'a Attempt,
    database: &'a Database,
    commits: &'a CommitTimes,
    /// The own writes so far.
    writes: OwnWrites,
    /// The read conflict ranges so far, trimmed.
    reads: Vec<KeyRange>,
    /// What reads have looked at: it stays readable when the snapshot is too old.
    seen: Vec<KeyRange>,
    /// Errors of reads, one of which the commit has to fail with.
    read_failures: Vec<ErrorCode>,
    options: Options,
    usage: Usage,
    skips_next_conflict: bool,
    is_commit_called: bool,
    /// What a conflict may be said to have been about.
    conflicting: Option<Vec<Vec<KeyRange>>>,
    /// What every use fails with.
    ended: Option<ErrorCode>,
}

/// Whether anything was read or written; calls without an effect may or may not count.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Usage {
    Unused,
    Unclear,
    Used,
}

/// What a read answers, and what it looked at.
type ReadAnswer = (Result<Answer, Unreadable>, KeyRange);

impl<'a> Judge<'a> {
    pub(super) fn new(attempt: &'a Attempt, database: &'a Database, commits: &'a CommitTimes) -> Judge<'a> {
        Judge {
            attempt,
            database,
            commits,
            writes: OwnWrites::default(),
            reads: Vec::new(),
            seen: Vec::new(),
            read_failures: Vec::new(),
            options: Options::default(),
            usage: Usage::Unused,
            skips_next_conflict: false,
            is_commit_called: false,
            conflicting: None,
            ended: None,
        }
    }

    /// The writes that the attempt's commit carries out.
    pub(super) fn writes_of(attempt: &Attempt) -> OwnWrites {
        let (database, commits) = (Database::default(), CommitTimes::new());
        let mut judge = Judge::new(attempt, &database, &commits);
        judge.write_all();
        judge.writes
    }

    /// Whether a read that is called next needs the read version: own writes alone, and what is asked
    /// for, answer some.
    pub(super) fn needs_read_version(attempt: &Attempt, call: &Call) -> bool {
        let (database, commits) = (Database::default(), CommitTimes::new());
        let mut judge = Judge::new(attempt, &database, &commits);
        judge.write_all();
        if !refusals(call, &judge.options).is_empty() {
            return false;
        }
        match call {
            Call::Get(key, _) if is_too_long(key) => false,
            Call::Get(key, is_snapshot) => {
                let program = judge.writes.program(key);
                let is_hidden = program.is_unreadable && !judge.options.bypass_unreadable;
                !judge.options.shows_own_writes(*is_snapshot) || (program.depends_on_database() && !is_hidden)
            }
            Call::GetRange(begin, end, _) => {
                !read_conflict::is_inverted(&cut_selector(begin), &cut_selector(end))
            }
            call => call.is_read() || matches!(call, Call::ReadVersion | Call::Watch(_)),
        }
    }

    /// Carries out every call that writes, up to the commit.
    fn write_all(&mut self) {
        let attempt = self.attempt;
        for event in attempt
            .events
            .iter()
            .take_while(|event| event.call != Call::Commit)
        {
            match &event.call {
                Call::SetOption(option) => drop(self.of_option(event, *option)),
                call if call.is_write() => drop(self.write(event)),
                call if call.is_read() => self.usage = Usage::Used,
                _ => {}
            }
        }
    }

    /// Checks every answer.
    pub(super) fn check(mut self) -> Result<(), String> {
        for (index, event) in self.attempt.events.iter().enumerate() {
            let acceptable = self.acceptable(index, event);
            if !acceptable.contains(&event.answer) {
                let acceptable: Vec<String> = acceptable.iter().map(Answer::to_string).collect();
                return Err(format!(
                    "{}: {} answered {}\n  expected: {}\n  read version {:?}, own reads {:?}",
                    self.attempt.name,
                    event.call,
                    event.answer,
                    acceptable.join("\n        or: "),
                    self.attempt.read_version,
                    ranges::merged(&self.reads),
                ));
            }
        }
        Ok(())
    }

    /// What the call may answer; also takes note of it.
    fn acceptable(&mut self, index: usize, event: &Event) -> Vec<Answer> {
        match &event.call {
            Call::Reset => return vec![Answer::Done],
            Call::Cancel => {
                self.ended.get_or_insert(ErrorCode::TransactionCancelled);
                return vec![Answer::Done];
            }
            _ => {}
        }
        match &event.call {
            // Options can be set whatever has happened.
            Call::SetOption(option) => return self.of_option(event, *option),
            Call::GetConflicts(conflicts) => return self.of_conflicts(event, *conflicts),
            _ => {}
        }
        if let Some(code) = self.ended {
            return vec![Answer::Failed(code)];
        }
        if let Call::OnError(code) = &event.call {
            if code.is_retryable() {
                return vec![Answer::Done];
            }
            self.ended = Some(ErrorCode::TransactionCancelled);
            return vec![Answer::Failed(*code)];
        }
        if event.call == Call::ReadVersion {
            return self.of_read_version(event);
        }
        if self.is_commit_called {
            // Using a transaction whose commit was called spoils it until it is reset.
            if !self.options.used_during_commit_protection_disable {
                self.ended = Some(ErrorCode::UsedDuringCommit);
            }
            return vec![Answer::Failed(ErrorCode::UsedDuringCommit)];
        }
        match &event.call {
            Call::Commit => self.of_commit(event),
            Call::Versionstamp => self.of_versionstamp(),
            Call::Watch(_) => self.of_watch(index, event),
            call if call.is_read() => self.of_read(event),
            _ => self.write(event),
        }
    }

    fn of_option(&mut self, event: &Event, option: TransactionOption) -> Vec<Answer> {
        let refusal = Answer::Failed(ErrorCode::ClientInvalidOperation);
        let mut acceptable = match (option, self.usage) {
            (TransactionOption::ReadYourWritesDisable, Usage::Used) => vec![refusal],
            (TransactionOption::ReadYourWritesDisable, Usage::Unclear) => vec![Answer::Done, refusal],
            _ => vec![Answer::Done],
        };
        acceptable.extend(self.ended.map(Answer::Failed));
        if event.answer == Answer::Done {
            self.options.set(option);
            self.writes.is_in_order = self.options.read_your_writes_disable;
            self.skips_next_conflict |= option == TransactionOption::NextWriteNoWriteConflictRange;
        }
        acceptable
    }

    fn of_conflicts(&self, event: &Event, conflicts: Conflicts) -> Vec<Answer> {
        let mut possible: Vec<Vec<KeyRange>> = Vec::new();
        match (conflicts, &self.conflicting) {
            (Conflicts::Read, _) => possible.push(self.reads.clone()),
            (Conflicts::Write, _) => {
                let commit = self.attempt.commit().filter(|_| self.is_commit_called);
                if let (Some(_), Some((version, batch_index))) = (commit, self.attempt.committed) {
                    possible.push(self.writes.conflicts_at(stamp(version, batch_index)));
                }
                if possible.is_empty() || commit.is_some_and(|commit| event.called < commit.answered) {
                    let (version, end) = (event.known_read_version, self.options.read_end);
                    possible.push(self.writes.conflicts_before_commit(version, end));
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

    fn use_at_least(&mut self, usage: Usage) {
        self.usage = self.usage.max(usage);
    }

    /// The parts of a read that others can still change.
    fn trimmed(&self, range: &KeyRange) -> Vec<KeyRange> {
        if self.options.read_your_writes_disable {
            return vec![range.clone()];
        }
        self.writes.trimmed(range)
    }

    fn of_read_version(&self, event: &Event) -> Vec<Answer> {
        let version = self
            .attempt
            .read_version
            .map(|read| Answer::Version(read.version));
        version.into_iter().chain(self.end_before(event)).collect()
    }

    /// The error that replaces an answer which nobody had taken when the attempt ended.
    fn end_before(&self, event: &Event) -> Option<Answer> {
        let ends = |later: &Event| match (&later.call, &later.answer) {
            (Call::Cancel | Call::Reset | Call::OnError(_), _) => Some(ErrorCode::TransactionCancelled),
            (_, Answer::Failed(ErrorCode::UsedDuringCommit)) => Some(ErrorCode::UsedDuringCommit),
            _ => None,
        };
        let events = self.attempt.events.iter();
        let mut between = events.filter(|later| event.called < later.called && later.called < event.answered);
        between.find_map(ends).map(Answer::Failed)
    }

    /// Carries out a call that writes, or adds a conflict range.
    fn write(&mut self, event: &Event) -> Vec<Answer> {
        let takes_flag = !matches!(
            event.call,
            Call::AddReadConflictRange(..) | Call::AddWriteConflictRange(..)
        );
        let has_conflict = !(takes_flag && std::mem::take(&mut self.skips_next_conflict));
        self.use_at_least(Usage::Unclear);
        let refusals = refusals(&event.call, &self.options);
        if !refusals.is_empty() {
            return refusals.into_iter().map(Answer::Failed).collect();
        }
        let write = match event.call.clone() {
            Call::Set(key, value) => Some(OwnWrite::Set(key, value)),
            Call::Clear(key) if is_too_long(&key) => None,
            Call::Clear(key) => {
                let end = key_after(&key);
                Some(OwnWrite::Clear(KeyRange::new(key, end)))
            }
            Call::ClearRange(begin, end) => {
                let range = cut_range(&begin, &end);
                (range.begin < range.end).then_some(OwnWrite::Clear(range))
            }
            Call::Atomic(op, key, operand) => Some(OwnWrite::Atomic(op, key, operand)),
            Call::SetVersionstampedKey(template, value) => {
                possible_keys(&template, event.known_read_version, self.options.read_end)
                    .map(|possible| OwnWrite::StampedKey(template, value, possible))
            }
            Call::SetVersionstampedValue(key, template) => Some(OwnWrite::StampedValue(key, template)),
            Call::AddReadConflictRange(begin, end) => {
                let range = cut_range(&begin, &end);
                if range.begin < range.end {
                    self.use_at_least(Usage::Used);
                    self.reads.extend(self.trimmed(&range));
                }
                None
            }
            Call::AddWriteConflictRange(begin, end) => {
                let range = cut_range(&begin, &end);
                if range.begin < range.end {
                    self.use_at_least(Usage::Used);
                    self.writes.write_conflicts.push(range);
                }
                None
            }
            other => unreachable!("{other} does not write"),
        };
        if let Some(write) = write {
            self.use_at_least(Usage::Used);
            self.writes.push(write, has_conflict);
        }
        vec![Answer::Done]
    }

    fn of_read(&mut self, event: &Event) -> Vec<Answer> {
        let is_snapshot = match &event.call {
            Call::Get(_, snapshot) | Call::GetKey(_, snapshot) => *snapshot,
            Call::GetRange(_, _, options) => options.snapshot,
            _ => false,
        };
        self.use_at_least(Usage::Unclear);
        let refusals = refusals(&event.call, &self.options);
        if !refusals.is_empty() {
            return refusals.into_iter().map(Answer::Failed).collect();
        }
        let (acceptable, conflict) = self.read(event, is_snapshot);
        if !matches!(&event.call, Call::Get(key, _) if is_too_long(key)) {
            self.use_at_least(Usage::Used);
        }
        let is_ended = self.end_before(event).as_ref() == Some(&event.answer);
        match &event.answer {
            Answer::Failed(code) if !is_ended => self.read_failures.push(*code),
            Answer::Failed(_) => {}
            _ => {
                if !is_snapshot {
                    self.reads.extend(self.trimmed(&conflict));
                }
                self.seen.push(conflict);
            }
        }
        acceptable
    }

    /// What a read may answer, and which keys it looks at, with own writes and without trimming.
    fn read(&self, event: &Event, is_snapshot: bool) -> (Vec<Answer>, KeyRange) {
        let (empty, nothing) = (Map::new(), OwnWrites::default());
        let shows_own = self.options.shows_own_writes(is_snapshot);
        let visible = if shows_own { &self.writes } else { &nothing };
        let snapshot = self
            .attempt
            .read_version
            .map_or(&empty, |read| self.database.at(read.version));
        let view = View {
            snapshot,
            writes: visible,
            space_end: self.options.read_end,
        };
        let (answer, looked_at) = answer_of(&event.call, &view, &self.options);
        let answer = answer.unwrap_or(Answer::Failed(ErrorCode::AccessedUnreadable));
        let is_failed = matches!(answer, Answer::Failed(_));
        // Own writes alone decide some reads: they need no snapshot.
        let needs_snapshot = !is_failed && !visible.trimmed(&looked_at).is_empty();
        let is_point = matches!(event.call, Call::Get(..) | Call::Watch(_));
        let mut acceptable: Vec<Answer> = self.end_before(event).into_iter().collect();
        let Some(read) = self.attempt.read_version else {
            acceptable.extend((!needs_snapshot).then_some(answer));
            return (acceptable, looked_at);
        };
        let is_old = event.called.time_us > read.learned.time_us + AGE_US + AGE_MARGIN_US;
        // A watch ends long after its read.
        let done = if matches!(event.call, Call::Watch(_)) {
            event.called
        } else {
            event.answered
        };
        let is_young = done.time_us + AGE_MARGIN_US < read.requested.time_us + AGE_US;
        let is_cached = visible.trimmed(&looked_at).iter().all(|part| {
            let seen = ranges::merged(&self.seen);
            seen.iter()
                .any(|seen| seen.begin <= part.begin && part.end <= seen.end)
        });
        if !is_old || is_cached || !needs_snapshot {
            acceptable.push(answer);
        }
        if !is_young && (needs_snapshot || !is_point) {
            acceptable.push(Answer::Failed(ErrorCode::TransactionTooOld));
        }
        (acceptable, looked_at)
    }

    /// A watch reads its key; what becomes of it afterwards is worked out from what came later.
    fn of_watch(&mut self, index: usize, event: &Event) -> Vec<Answer> {
        let Call::Watch(key) = &event.call else {
            unreachable!("a watch");
        };
        self.use_at_least(Usage::Unclear);
        let refusals = refusals(&event.call, &self.options);
        if !refusals.is_empty() {
            return refusals.into_iter().map(Answer::Failed).collect();
        }
        self.use_at_least(Usage::Used);
        let (acceptable, looked_at) = self.read(event, false);
        let is_readable = acceptable.iter().any(|answer| matches!(answer, Answer::Value(_)));
        let is_possibly_old = acceptable.contains(&Answer::Failed(ErrorCode::TransactionTooOld));
        let mut outcomes = Vec::new();
        for answer in acceptable {
            match answer {
                Answer::Value(reference) => {
                    let later = self.attempt.events.iter().skip(index + 1);
                    outcomes.extend(watch::outcomes(
                        key,
                        reference.as_ref(),
                        later,
                        self.attempt,
                        self.database,
                    ));
                }
                other => outcomes.push(other),
            }
        }
        if self.attempt.read_version.is_none() {
            // Own operations fire it even if the value to compare with never came.
            let mut later = self.attempt.events.iter().skip(index + 1);
            let is_fired = later.any(|event| watch::is_operation_on(&event.call, key));
            outcomes.extend(is_fired.then_some(Answer::Done));
        }
        let too_old = Answer::Failed(ErrorCode::TransactionTooOld);
        let is_failed_read = !is_readable || (is_possibly_old && event.answer == too_old);
        if !is_failed_read {
            self.reads.extend(self.trimmed(&looked_at));
            self.seen.push(looked_at);
        }
        outcomes
    }

    fn of_versionstamp(&self) -> Vec<Answer> {
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

    fn of_commit(&mut self, event: &Event) -> Vec<Answer> {
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

/// One version is one microsecond.
const AGE_US: u64 = TRANSACTION_AGE_VERSIONS_MAX;

fn answer_of(call: &Call, view: &View<'_>, options: &Options) -> ReadAnswer {
    let nothing = KeyRange::new(b"".as_slice(), b"".as_slice());
    match call {
        Call::Get(key, _) if is_too_long(key) => (Ok(Answer::Value(None)), nothing),
        Call::Get(key, _) | Call::Watch(key) => {
            let conflict = KeyRange::new(key.clone(), key_after(key));
            if options.bypass_unreadable {
                return (Ok(Answer::Value(view.get_unstamped(key))), conflict);
            }
            (view.get(key).map(Answer::Value), conflict)
        }
        Call::GetKey(selector, _) => {
            let selector = cut_selector(selector);
            match view.resolve(&selector) {
                Ok(resolved) => {
                    let conflict = read_conflict::of_key(&selector, &resolved, options.read_end);
                    (Ok(Answer::Key(resolved.key)), conflict)
                }
                Err(unreadable) => (Err(unreadable), nothing),
            }
        }
        Call::GetRange(begin, end, range) => {
            let (begin, end) = (cut_selector(begin), cut_selector(end));
            if read_conflict::is_inverted(&begin, &end) {
                return (Ok(Answer::Rows(Default::default())), nothing);
            }
            match view.range(&begin, &end, range) {
                Ok(answer) => {
                    let conflict = if options.read_your_writes_disable {
                        read_conflict::of_range_below(&begin, &end, &answer, range.reverse)
                    } else if range.reverse {
                        read_conflict::of_range_reverse(&begin, &end, &answer, options.read_end)
                    } else {
                        read_conflict::of_range_forward(&begin, &end, &answer, options.read_end)
                    };
                    (Ok(Answer::Rows(answer.rows)), conflict)
                }
                Err(unreadable) => (Err(unreadable), nothing),
            }
        }
        other => unreachable!("{other} does not read"),
    }
}
