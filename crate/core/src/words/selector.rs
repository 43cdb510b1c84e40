//! Key selectors: a key by its place among the keys that are there.

use super::key::{Key, key_after};

/// Selects, of the sorted keys, the one `offset` places after the last one that is less than `key`
/// (or less than or equal to it, with `or_equal`).
///
/// Over the keys b, d, f: `first_greater_or_equal(c)` is d, `last_less_than(d)` is b, and one past
/// either end is the empty key or the end of the key space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySelector {
    /// The key to start from; it need not be there.
    pub key: Key,
    /// Whether `key` itself counts as "before".
    pub or_equal: bool,
    /// Places to go on from there.
    pub offset: i32,
}

impl KeySelector {
    /// The last key less than `key`.
    pub fn last_less_than(key: impl Into<Key>) -> KeySelector {
        KeySelector {
            key: key.into(),
            or_equal: false,
            offset: 0,
        }
    }

    /// The last key less than or equal to `key`.
    pub fn last_less_or_equal(key: impl Into<Key>) -> KeySelector {
        KeySelector {
            key: key.into(),
            or_equal: true,
            offset: 0,
        }
    }

    /// The first key greater than `key`.
    pub fn first_greater_than(key: impl Into<Key>) -> KeySelector {
        KeySelector {
            key: key.into(),
            or_equal: true,
            offset: 1,
        }
    }

    /// The first key greater than or equal to `key`.
    pub fn first_greater_or_equal(key: impl Into<Key>) -> KeySelector {
        KeySelector {
            key: key.into(),
            or_equal: false,
            offset: 1,
        }
    }

    /// The same selector without `or_equal`: `(k, true, o)` selects what `(k 00, false, o)` selects.
    pub fn normalized(&self) -> KeySelector {
        let key = if self.or_equal {
            key_after(&self.key)
        } else {
            self.key.clone()
        };
        KeySelector {
            key,
            or_equal: false,
            offset: self.offset,
        }
    }
}
