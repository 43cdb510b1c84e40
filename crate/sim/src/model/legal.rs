//! Which calls are refused for what they are given, and with which errors.

use plinth_core::ErrorCode;
use plinth_core::words::{
    KEY_BYTES_MAX, Key, KeyRange, KeySelector, RangeOptions, SYSTEM_KEY_BYTES_MAX, StreamingMode,
    VALUE_BYTES_MAX,
};

use super::Call;
use super::options::Options;
use super::stamp::filled;

/// The errors that the call may be refused with; none if it is legal. More than one only where two rules
/// are broken at once and nothing says which goes first.
pub(super) fn refusals(call: &Call, options: &Options) -> Vec<ErrorCode> {
    let (read_end, write_end) = (options.read_end, options.write_end);
    let first = |error: Option<ErrorCode>| error.into_iter().collect();
    match call {
        Call::Get(key, _) => first(outside(key, read_end)),
        Call::Clear(key) => first(outside(key, write_end)),
        Call::Watch(_) if options.read_your_writes_disable => vec![ErrorCode::WatchesDisabled],
        Call::Watch(key) => first(outside(key, read_end).or_else(|| too_long(key))),
        Call::GetKey(selector, _) => first(past_end(&selector.key, read_end)),
        Call::GetRange(begin, end, range) => {
            let place = past_end(&begin.key, read_end).or_else(|| past_end(&end.key, read_end));
            place.into_iter().chain(without_limits(range)).collect()
        }
        Call::Set(key, value) | Call::Atomic(_, key, value) => first(unstorable(key, value, write_end)),
        Call::SetVersionstampedKey(template, value) => {
            first(unstorable(template, value, write_end).or_else(|| roomless(template)))
        }
        Call::SetVersionstampedValue(key, template) => {
            first(unstorable(key, template, write_end).or_else(|| roomless(template)))
        }
        Call::ClearRange(begin, end)
        | Call::AddReadConflictRange(begin, end)
        | Call::AddWriteConflictRange(begin, end) => {
            let space_end = match call {
                Call::AddReadConflictRange(..) => read_end,
                _ => write_end,
            };
            let place = past_end(begin, space_end).or_else(|| past_end(end, space_end));
            let inverted = (begin > end).then_some(ErrorCode::InvertedRange);
            place.into_iter().chain(inverted).collect()
        }
        Call::ReadVersion
        | Call::SetOption(_)
        | Call::GetConflicts(_)
        | Call::Versionstamp
        | Call::Commit
        | Call::Cancel
        | Call::OnError(_)
        | Call::Reset => Vec::new(),
    }
}

fn outside(key: &[u8], space_end: &[u8]) -> Option<ErrorCode> {
    (key >= space_end).then_some(ErrorCode::KeyOutsideLegalRange)
}

fn past_end(key: &[u8], space_end: &[u8]) -> Option<ErrorCode> {
    (key > space_end).then_some(ErrorCode::KeyOutsideLegalRange)
}

fn too_long(key: &[u8]) -> Option<ErrorCode> {
    is_too_long(key).then_some(ErrorCode::KeyTooLarge)
}

/// No stored key is as long as this one.
pub(super) fn is_too_long(key: &[u8]) -> bool {
    key.len() > key_bytes_max(key)
}

fn key_bytes_max(key: &[u8]) -> usize {
    match key.first() {
        Some(0xff) => SYSTEM_KEY_BYTES_MAX,
        _ => KEY_BYTES_MAX,
    }
}

fn unstorable(key: &[u8], value: &[u8], space_end: &[u8]) -> Option<ErrorCode> {
    let value_too_long = (value.len() > VALUE_BYTES_MAX).then_some(ErrorCode::ValueTooLarge);
    outside(key, space_end)
        .or_else(|| too_long(key))
        .or(value_too_long)
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
    key.iter().copied().take(key_bytes_max(key) + 1).collect()
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
