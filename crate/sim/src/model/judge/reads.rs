//! What reads and watches may answer.

use plinth_core::ErrorCode;
use plinth_core::words::{KeyRange, key_after};

use super::{AGE_MARGIN_US, AGE_US, Judge, Usage};
use crate::model::legal::{cut_selector, is_too_long, refusals};
use crate::model::options::Options;
use crate::model::own_writes::OwnWrites;
use crate::model::transcript::Event;
use crate::model::view::{Unreadable, View};
use crate::model::{Answer, Call, Map, ranges, read_conflict, watch};

/// What a read answers, and what it looked at.
type ReadAnswer = (Result<Answer, Unreadable>, KeyRange);

impl Judge<'_> {
    pub(super) fn of_read(&mut self, event: &Event) -> Vec<Answer> {
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
    pub(super) fn of_watch(&mut self, index: usize, event: &Event) -> Vec<Answer> {
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

    /// The error that replaces an answer which nobody had taken when the attempt ended.
    pub(super) fn end_before(&self, event: &Event) -> Option<Answer> {
        let ends = |later: &Event| match (&later.call, &later.answer) {
            (Call::Cancel | Call::Reset | Call::OnError(_), _) => Some(ErrorCode::TransactionCancelled),
            (_, Answer::Failed(ErrorCode::UsedDuringCommit)) => Some(ErrorCode::UsedDuringCommit),
            _ => None,
        };
        let events = self.attempt.events.iter();
        let mut between = events.filter(|later| event.called < later.called && later.called < event.answered);
        between.find_map(ends).map(Answer::Failed)
    }
}

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
