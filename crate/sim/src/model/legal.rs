//! Which calls are refused for what they are given, and with which errors.

use plinth_core::ErrorCode;
use plinth_core::words::{
    KEY_BYTES_MAX, Key, KeyRange, KeySelector, RangeOptions, StreamingMode, VALUE_BYTES_MAX,
};

use super::stamp::filled;
use super::{Call, MAX_KEY};

/// The errors that the call may be refused with; none if it is legal. More than one only where two rules
/// are broken at once and nothing says which goes first.
pub(super) fn refusals(call: &Call) -> Vec<ErrorCode> {
    let first = |error: Option<ErrorCode>| error.into_iter().collect();
    match call {
        Call::Get(key, _) | Call::Clear(key) => first(outside(key)),
        Call::Watch(key) => first(outside(key).or_else(|| too_long(key))),
        Call::GetKey(selector, _) => first(past_end(&selector.key)),
        Call::GetRange(begin, end, options) => {
            let place = past_end(&begin.key).or_else(|| past_end(&end.key));
            place.into_iter().chain(without_limits(options)).collect()
        }
        Call::Set(key, value) | Call::Atomic(_, key, value) => first(unstorable(key, value)),
        Call::SetVersionstampedKey(template, value) => {
            first(unstorable(template, value).or_else(|| roomless(template)))
        }
        Call::SetVersionstampedValue(key, template) => {
            first(unstorable(key, template).or_else(|| roomless(template)))
        }
        Call::ClearRange(begin, end)
        | Call::AddReadConflictRange(begin, end)
        | Call::AddWriteConflictRange(begin, end) => {
            let place = past_end(begin).or_else(|| past_end(end));
            let inverted = (begin > end).then_some(ErrorCode::InvertedRange);
            place.into_iter().chain(inverted).collect()
        }
        Call::ReadVersion
        | Call::NextWriteNoWriteConflictRange
        | Call::Versionstamp
        | Call::Commit
        | Call::Cancel
        | Call::OnError(_)
        | Call::Reset => Vec::new(),
    }
}

fn outside(key: &[u8]) -> Option<ErrorCode> {
    (key >= MAX_KEY).then_some(ErrorCode::KeyOutsideLegalRange)
}

fn past_end(key: &[u8]) -> Option<ErrorCode> {
    (key > MAX_KEY).then_some(ErrorCode::KeyOutsideLegalRange)
}

fn too_long(key: &[u8]) -> Option<ErrorCode> {
    is_too_long(key).then_some(ErrorCode::KeyTooLarge)
}

/// No stored key is as long as this one.
pub(super) fn is_too_long(key: &[u8]) -> bool {
    key.len() > KEY_BYTES_MAX
}

fn unstorable(key: &[u8], value: &[u8]) -> Option<ErrorCode> {
    let value_too_long = (value.len() > VALUE_BYTES_MAX).then_some(ErrorCode::ValueTooLarge);
    outside(key).or_else(|| too_long(key)).or(value_too_long)
}

fn roomless(template: &[u8]) -> Option<ErrorCode> {
    filled(template, [0; 10])
        .is_none()
        .then_some(ErrorCode::ClientInvalidOperation)
}

fn without_limits(options: &RangeOptions) -> Option<ErrorCode> {
    let is_unlimited = options.limit == 0 && options.target_bytes == 0;
    (options.mode == StreamingMode::Exact && is_unlimited).then_some(ErrorCode::ExactModeWithoutLimits)
}

/// A range's end with what no key can be long enough for cut off.
pub(super) fn cut(key: &Key) -> Key {
    key.iter().copied().take(KEY_BYTES_MAX + 1).collect()
}

/// A range with its ends cut.
pub(super) fn cut_range(begin: &Key, end: &Key) -> KeyRange {
    KeyRange::new(cut(begin), cut(end))
}

/// A selector with its key cut.
pub(super) fn cut_selector(selector: &KeySelector) -> KeySelector {
    KeySelector {
        key: cut(&selector.key),
        ..selector.clone()
    }
}
