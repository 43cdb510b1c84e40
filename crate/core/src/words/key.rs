//! Keys and values: immutable bytes, compared as unsigned bytes, a shorter prefix first.
//!
//! Shared by reference count, so that a written value is copied once and then passed from the
//! transaction's write map to the log record's mutations to the version map.

use std::borrow::Cow;
use std::rc::Rc;

/// Immutable shared bytes.
pub type Bytes = Rc<[u8]>;
/// A key. At most [`super::KEY_BYTES_MAX`] bytes when stored.
pub type Key = Bytes;
/// A value. At most [`super::VALUE_BYTES_MAX`] bytes when stored.
pub type Value = Bytes;

/// All keys `k` with `begin <= k < end`. Empty when `begin >= end`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyRange {
    /// The first key of the range.
    pub begin: Key,
    /// The first key past the range.
    pub end: Key,
}

impl KeyRange {
    /// The range `[begin, end)`.
    pub fn new(begin: impl Into<Key>, end: impl Into<Key>) -> KeyRange {
        KeyRange {
            begin: begin.into(),
            end: end.into(),
        }
    }

    /// The range that holds exactly `key`.
    pub fn of_key(key: Key) -> KeyRange {
        let end = key_after(&key);
        KeyRange { begin: key, end }
    }

    /// Whether no key is inside.
    pub fn is_empty(&self) -> bool {
        self.begin >= self.end
    }

    /// Whether `key` is inside.
    pub fn contains(&self, key: &[u8]) -> bool {
        &*self.begin <= key && key < &*self.end
    }

    /// Whether some key is inside both. `[a,c)` and `[b,d)` intersect, `[a,b)` and `[b,c)` do not.
    pub fn intersects(&self, other: &KeyRange) -> bool {
        self.begin < other.end && other.begin < self.end
    }
}

/// The immediate successor of a key: the key with one 00 byte appended.
pub fn key_after(key: &[u8]) -> Key {
    // Most keys are short, and then it is put together where it costs no allocation.
    let mut short = [0; 64];
    if key.len() < short.len() {
        let (bytes, _) = short.split_at_mut(key.len());
        bytes.copy_from_slice(key);
        return short.split_at(key.len() + 1).0.into();
    }
    let mut after = Vec::with_capacity(key.len() + 1);
    after.extend_from_slice(key);
    after.push(0);
    after.into()
}

/// A key as people read it in messages: printable ASCII as it is, the rest as `\xNN`, cut at 64 bytes.
pub fn display_key(key: &[u8]) -> String {
    let text: String = key
        .iter()
        .take(64)
        .map(|&byte| match byte {
            b'\\' => Cow::Borrowed("\\\\"),
            0x20..=0x7e => Cow::Owned(char::from(byte).to_string()),
            _ => Cow::Owned(format!("\\x{byte:02x}")),
        })
        .collect();
    if key.len() > 64 {
        format!("{text}… ({} bytes)", key.len())
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn successor_of_a_key_is_the_next_key_in_order() {
        assert_eq!(&*key_after(b"a"), b"a\0");
        assert_eq!(&*key_after(b""), b"\0");
        for length in 60..70 {
            let mut key = vec![7; length];
            let after = key_after(&key);
            key.push(0);
            assert_eq!(*after, *key);
        }
    }

    #[test]
    fn adjacent_ranges_do_not_intersect() {
        let range = |begin: &[u8], end: &[u8]| KeyRange::new(begin, end);
        assert!(!range(b"a", b"b").intersects(&range(b"b", b"c")));
        assert!(range(b"a", b"c").intersects(&range(b"b", b"d")));
        assert!(KeyRange::of_key(b"a".as_slice().into()).contains(b"a"));
        assert!(!KeyRange::of_key(b"a".as_slice().into()).contains(b"a\0"));
    }
}
