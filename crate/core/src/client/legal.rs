//! What a call may be given: keys, values and ranges within FoundationDB's limits. Everything else is a
//! typed error at the call that says what was expected and what was found.
//!
//! `end` is the exclusive top of the keys that the transaction may read or write: `ff`, or `ffff` with
//! the option for system keys.

use super::options::AttemptOptions;
use crate::pure::stamped;
use crate::words::{
    Error, ErrorCode, KEY_BYTES_MAX, Key, KeyRange, KeySelector, METADATA_VERSION_KEY, Result,
    SPECIAL_KEY_SPACE_END, SYSTEM_KEY_BYTES_MAX, SYSTEM_KEY_SPACE_END, VALUE_BYTES_MAX, display_key,
    key_after,
};

/// Bytes of a value of the metadata version key before its stamp is filled in.
const METADATA_VERSION_TEMPLATE: [u8; 14] = [0; 14];

/// The longest key of a write that begins like this one.
pub(super) fn key_bytes_max(key: &[u8]) -> usize {
    if key.first() == Some(&0xff) {
        SYSTEM_KEY_BYTES_MAX
    } else {
        KEY_BYTES_MAX
    }
}

/// Whether the key belongs to the special keys, which are computed, not stored.
pub(super) fn is_special(key: &[u8]) -> bool {
    (SYSTEM_KEY_SPACE_END..SPECIAL_KEY_SPACE_END).contains(&key)
}

/// Whether a range lies among the special keys.
pub(super) fn is_special_range(begin: &[u8], end: &[u8]) -> bool {
    begin >= SYSTEM_KEY_SPACE_END && end <= SPECIAL_KEY_SPACE_END
}

pub(super) fn check_read_key(key: &[u8], end: &[u8]) -> Result<()> {
    if key < end || key == METADATA_VERSION_KEY {
        return Ok(());
    }
    let (end, key) = (display_key(end), display_key(key));
    let detail = format!("a key below {end} was expected, found {key}");
    Err(Error::new(ErrorCode::KeyOutsideLegalRange, detail))
}

pub(super) fn check_range_end(key: &[u8], end: &[u8]) -> Result<()> {
    if key <= end {
        return Ok(());
    }
    let (end, key) = (display_key(end), display_key(key));
    let detail = format!("the end of a range up to {end} was expected, found {key}");
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

/// A range up to `end`; over-long keys are cut to one byte past the longest key.
pub(super) fn checked_range(begin: &[u8], end: &[u8], space_end: &[u8]) -> Result<KeyRange> {
    check_order(begin, end)?;
    check_range_end(begin, space_end)?;
    check_range_end(end, space_end)?;
    Ok(KeyRange {
        begin: truncated(begin),
        end: truncated(end),
    })
}

pub(super) fn check_order(begin: &[u8], end: &[u8]) -> Result<()> {
    if begin <= end {
        return Ok(());
    }
    let (begin, end) = (display_key(begin), display_key(end));
    let detail = format!("a range whose begin is not after its end was expected, found {begin} .. {end}");
    Err(Error::new(ErrorCode::InvertedRange, detail))
}

/// A read conflict range: it may be just the metadata version key.
pub(super) fn checked_read_conflict(begin: &[u8], end: &[u8], space_end: &[u8]) -> Result<KeyRange> {
    if begin == METADATA_VERSION_KEY && *end == *key_after(begin) {
        return Ok(KeyRange::new(begin, end));
    }
    checked_range(begin, end, space_end)
}

/// A range to be cleared.
pub(super) fn checked_clear(begin: &[u8], end: &[u8], options: &AttemptOptions) -> Result<KeyRange> {
    if is_special_range(begin, end) {
        return Err(special_write(options));
    }
    checked_range(begin, end, options.write_end)
}

/// No stored key is longer than the limit, so a longer bound selects what its prefix selects.
fn truncated(key: &[u8]) -> Key {
    key.iter().copied().take(key_bytes_max(key) + 1).collect()
}

/// A key to be written, in any way but that of the metadata version.
pub(super) fn check_write_key(key: &[u8], options: &AttemptOptions) -> Result<()> {
    if is_special(key) {
        return Err(special_write(options));
    }
    if key < options.write_end {
        return Ok(());
    }
    let (end, key) = (display_key(options.write_end), display_key(key));
    let detail = format!("a key below {end} was expected, found {key}");
    Err(Error::new(ErrorCode::KeyOutsideLegalRange, detail))
}

/// The key and the value of a write, in the order in which FoundationDB checks them.
pub(super) fn check_key_value(key: &[u8], value: &[u8], options: &AttemptOptions) -> Result<()> {
    check_operated_key(key, options)?;
    check_lengths(key, value)
}

/// A key to be set or operated on, but for its length.
pub(super) fn check_operated_key(key: &[u8], options: &AttemptOptions) -> Result<()> {
    if key == METADATA_VERSION_KEY {
        return Err(metadata_version_write());
    }
    check_write_key(key, options)
}

/// As [`check_key_value`], for a value with a versionstamp: the only way to write the metadata version.
pub(super) fn check_key_template(key: &[u8], template: &[u8], options: &AttemptOptions) -> Result<()> {
    if key == METADATA_VERSION_KEY {
        return if template == METADATA_VERSION_TEMPLATE {
            Ok(())
        } else {
            Err(metadata_version_write())
        };
    }
    check_write_key(key, options)?;
    check_lengths(key, template)?;
    check_template(template)
}

fn check_lengths(key: &[u8], value: &[u8]) -> Result<()> {
    check_length(key.len(), key_bytes_max(key), ErrorCode::KeyTooLarge, "key")?;
    check_length(value.len(), VALUE_BYTES_MAX, ErrorCode::ValueTooLarge, "value")
}

fn metadata_version_write() -> Error {
    Error::new(
        ErrorCode::ClientInvalidOperation,
        "the metadata version can only be set to a versionstamp, by a value of 14 zero bytes",
    )
}

fn special_write(options: &AttemptOptions) -> Error {
    if options.special_key_writes {
        ErrorCode::SpecialKeysNoWriteModuleFound.into()
    } else {
        ErrorCode::SpecialKeysWriteDisabled.into()
    }
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
