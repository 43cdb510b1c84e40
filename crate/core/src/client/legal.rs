//! What a call may be given: keys, values and ranges within FoundationDB's limits. Everything else is a
//! typed error at the call that says what was expected and what was found.

use crate::pure::stamped;
use crate::words::{
    Error, ErrorCode, KEY_BYTES_MAX, KEY_SPACE_END, Key, KeyRange, KeySelector, Result, VALUE_BYTES_MAX,
    display_key,
};

pub(super) fn check_key(key: &[u8]) -> Result<()> {
    if key < KEY_SPACE_END {
        return Ok(());
    }
    let detail = format!("a key below \\xff was expected, found {}", display_key(key));
    Err(Error::new(ErrorCode::KeyOutsideLegalRange, detail))
}

pub(super) fn check_range_end(key: &[u8]) -> Result<()> {
    if key <= KEY_SPACE_END {
        return Ok(());
    }
    let detail = format!(
        "the end of a range up to \\xff was expected, found {}",
        display_key(key)
    );
    Err(Error::new(ErrorCode::KeyOutsideLegalRange, detail))
}

pub(super) fn check_length(found: usize, expected_max: usize, code: ErrorCode, what: &str) -> Result<()> {
    if found <= expected_max {
        return Ok(());
    }
    Err(Error::new(
        code,
        format!("a {what} of at most {expected_max} bytes was expected, found {found}"),
    ))
}

/// A range for a write or a conflict range; over-long keys are cut to one byte past the longest key.
pub(super) fn checked_range(begin: &[u8], end: &[u8]) -> Result<KeyRange> {
    check_range_end(begin)?;
    check_range_end(end)?;
    if begin > end {
        let (begin, end) = (display_key(begin), display_key(end));
        let detail = format!("a range whose begin is not after its end was expected, found {begin} .. {end}");
        return Err(Error::new(ErrorCode::InvertedRange, detail));
    }
    Ok(KeyRange {
        begin: truncated(begin),
        end: truncated(end),
    })
}

/// No stored key is longer than the limit, so a longer bound selects what its prefix selects.
fn truncated(key: &[u8]) -> Key {
    key.iter().copied().take(KEY_BYTES_MAX + 1).collect()
}

/// The key and the value of a write, in the order in which FoundationDB checks them.
pub(super) fn check_key_value(key: &[u8], value: &[u8]) -> Result<()> {
    check_key(key)?;
    check_length(key.len(), KEY_BYTES_MAX, ErrorCode::KeyTooLarge, "key")?;
    check_length(value.len(), VALUE_BYTES_MAX, ErrorCode::ValueTooLarge, "value")
}

/// A key or value whose last four bytes say where its versionstamp goes.
pub(super) fn check_template(template: &[u8]) -> Result<()> {
    if stamped(template, &[0; 10]).is_some() {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::ClientInvalidOperation,
        format!(
            "four bytes at the end were expected that say where ten bytes of versionstamp go, found {}",
            display_key(template)
        ),
    ))
}

/// A selector whose key is cut like that of a range.
pub(super) fn cut(selector: &KeySelector) -> KeySelector {
    KeySelector {
        key: truncated(&selector.key),
        ..selector.clone()
    }
}
