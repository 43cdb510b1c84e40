//! What becomes of a watch, given the value it compares with and everything that came after it.

use plinth_core::ErrorCode;
use plinth_core::words::{KeyRange, Value, key_after};

use super::transcript::{Attempt, Event};
use super::{Answer, Call, Database, ranges};

/// The outcomes that the watch may have. It must have fired by the end of the run if the value is
/// another one then.
pub(super) fn outcomes<'a>(
    key: &[u8],
    reference: Option<&Value>,
    later: impl Iterator<Item = &'a Event>,
    attempt: &Attempt,
    database: &Database,
) -> Vec<Answer> {
    let mut is_fired = false;
    for event in later {
        if event.call == Call::Commit {
            return match (&event.answer, is_fired) {
                (_, true) => vec![Answer::Done],
                (Answer::Done, false) => armed(key, reference, attempt, database),
                (failure, false) => vec![failure.clone()],
            };
        }
        if event.call.is_write() && event.answer == Answer::Done {
            is_fired |= is_fired_by(&event.call, key, reference);
            continue;
        }
        let is_end = matches!(event.call, Call::Cancel | Call::Reset | Call::OnError(_));
        if is_end {
            let cancelled = Answer::Failed(ErrorCode::TransactionCancelled);
            // The value to compare with may not have been there yet.
            return if is_fired {
                vec![Answer::Done, cancelled]
            } else {
                vec![cancelled]
            };
        }
    }
    vec![Answer::Silent]
}

/// Before the commit only own writes count, and operations count whatever they do.
fn is_fired_by(write: &Call, key: &[u8], reference: Option<&Value>) -> bool {
    let clears = |range: KeyRange| ranges::contains(&range, key) && reference.is_some();
    match write {
        Call::Set(own, value) => **own == *key && reference != Some(value),
        Call::Clear(own) => clears(KeyRange::new(own.clone(), key_after(own))),
        Call::ClearRange(begin, end) => clears(KeyRange::new(begin.clone(), end.clone())),
        operation => is_operation_on(operation, key),
    }
}

/// Whether the call has the database work out the key's value.
pub(super) fn is_operation_on(call: &Call, key: &[u8]) -> bool {
    match call {
        Call::Atomic(_, own, _) | Call::SetVersionstampedValue(own, _) => **own == *key,
        _ => false,
    }
}

/// After the commit the newest value is compared, now and then: one that was there in between may be
/// missed, the last one may not.
fn armed(key: &[u8], reference: Option<&Value>, attempt: &Attempt, database: &Database) -> Vec<Answer> {
    let committed = attempt.committed.map(|(version, _)| version);
    let read = attempt.read_version.map(|read| read.version);
    let since = committed.or(read).unwrap_or_default();
    if database.newest().get(key) != reference {
        return vec![Answer::Done];
    }
    let mut states = database.commits().iter().filter(|commit| commit.version >= since);
    if states.any(|commit| commit.state.get(key) != reference) {
        vec![Answer::Done, Answer::Silent]
    } else {
        vec![Answer::Silent]
    }
}
