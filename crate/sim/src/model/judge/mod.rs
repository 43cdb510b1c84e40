//! The model's transaction: goes through the calls of one attempt and says what each may answer.

mod commits;
mod reads;

use std::collections::BTreeMap;

use plinth_core::ErrorCode;
use plinth_core::words::{KeyRange, TRANSACTION_AGE_VERSIONS_MAX, TransactionOption, key_after};

use super::legal::{cut_range, cut_selector, is_too_long, refusals};
use super::options::Options;
use super::own_writes::{OwnWrite, OwnWrites};
use super::stamp::possible_keys;
use super::transcript::{Attempt, Event, Moment};
use super::{Answer, Call, Database, ranges, read_conflict};

/// Between young and old for certain: read versions are taken a little before or after a call.
const AGE_MARGIN_US: u64 = 400_000;

/// One version is one microsecond.
const AGE_US: u64 = TRANSACTION_AGE_VERSIONS_MAX;

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
}
