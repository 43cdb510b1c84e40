//! What a read sees: a snapshot with the transaction's own writes on top, as one sorted list of rows.
//!
//! Reads that look at what a versionstamp will decide are an error; which keys a read looks at is
//! worked out here: from where a selector starts to where it ends, and the rows of a range as far as
//! the read goes.

use plinth_core::words::{
    Key, KeyRange, KeySelector, RangeOptions, RangeRows, StreamingMode, Value, key_after,
};

use super::own_writes::OwnWrites;
use super::ranges::range;
use super::{Map, ranges};

/// A read met a key that a versionstamp will decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

/// Where a selector leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The key, the empty one, or the end of the key space.
    pub key: Key,
    /// It ran past the first key.
    pub is_under: bool,
    /// It ran past the last key.
    pub is_over: bool,
}

/// What a range read finds, and how its selectors went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeAnswer {
    /// The rows.
    pub rows: RangeRows,
    /// Whether one of the selectors ran past the first key.
    pub is_under: bool,
    /// Whether one of the selectors ran past the last key.
    pub is_over: bool,
}

/// A snapshot with own writes on top.
pub struct View<'a> {
    /// The snapshot.
    pub snapshot: &'a Map,
    /// The own writes that the read sees.
    pub writes: &'a OwnWrites,
    /// The exclusive top of the keys that the read can see.
    pub space_end: &'a [u8],
}

/// `(key, or_equal, offset)` as the equivalent `(key', false, offset)`.
pub(super) fn normalized(selector: &KeySelector) -> (Key, i64) {
    let key = if selector.or_equal {
        key_after(&selector.key)
    } else {
        selector.key.clone()
    };
    (key, i64::from(selector.offset))
}

/// The byte budget of a batch.
pub(super) fn budget(options: &RangeOptions) -> usize {
    let by_iteration = [
        4_096, 6_144, 9_216, 13_824, 20_736, 31_104, 46_656, 69_984, 80_000,
    ];
    let of_mode = match options.mode {
        StreamingMode::WantAll | StreamingMode::Serial => 120_000,
        StreamingMode::Iterator(iteration) => {
            let index = usize::try_from(iteration - 1).unwrap_or(usize::MAX);
            by_iteration.get(index).copied().unwrap_or(120_000)
        }
        StreamingMode::Exact => usize::MAX,
        StreamingMode::Small => 256,
        StreamingMode::Medium => 1_000,
        StreamingMode::Large => 4_096,
    };
    match options.target_bytes {
        0 => of_mode,
        target => of_mode.min(target),
    }
}

impl View<'_> {
    /// The value of a key.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn get(&self, key: &[u8]) -> Result<Option<Value>, Unreadable> {
        let program = self.writes.program(key);
        if program.is_unreadable {
            return Err(Unreadable);
        }
        Ok(program.outcome(self.snapshot.get(key), None))
    }

    /// As [`View::get`], with what is to be stamped as it stands.
    pub fn get_unstamped(&self, key: &[u8]) -> Option<Value> {
        let program = self.writes.program(key);
        program.outcome_unstamped(self.snapshot.get(key))
    }

    /// Every row that can be read, sorted.
    fn rows(&self) -> Vec<(Key, Value)> {
        let keys = self.snapshot.keys().cloned().chain(self.writes.keys());
        let keys: std::collections::BTreeSet<Key> = keys.collect();
        keys.into_iter()
            .filter(|key| **key < *self.space_end)
            .filter_map(|key| {
                let value = self.get(&key).ok()??;
                Some((key, value))
            })
            .collect()
    }

    /// Fails if a read may not look at these keys.
    fn look_at(&self, range: &KeyRange) -> Result<(), Unreadable> {
        if range.begin < range.end && self.writes.has_unreadable(range) {
            return Err(Unreadable);
        }
        Ok(())
    }

    /// The key that a selector selects.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn resolve(&self, selector: &KeySelector) -> Result<Resolved, Unreadable> {
        let (base, offset) = normalized(selector);
        let (first, last): (Key, Key) = (b"".as_slice().into(), self.space_end.into());
        let rows = self.rows();
        let before = rows.iter().filter(|(key, _)| *key < base).count();
        let place = before as i64 - 1 + offset;
        let found = usize::try_from(place).ok().map(|place| rows.get(place));
        let resolved = match found {
            None => Resolved {
                key: first,
                is_under: true,
                is_over: false,
            },
            Some(None) => Resolved {
                key: last,
                is_under: false,
                is_over: true,
            },
            Some(Some((key, _))) => Resolved {
                key: key.clone(),
                is_under: false,
                is_over: false,
            },
        };
        let walked = if offset <= 0 {
            range(&resolved.key, &base)
        } else if resolved.is_over {
            range(&base, &resolved.key)
        } else {
            KeyRange::new(base, key_after(&resolved.key))
        };
        self.look_at(&walked)?;
        Ok(resolved)
    }

    /// One batch of a range read.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn range(
        &self,
        begin: &KeySelector,
        end: &KeySelector,
        options: &RangeOptions,
    ) -> Result<RangeAnswer, Unreadable> {
        let [begin, end] = [begin, end].map(|selector| {
            // A plain key is where the range begins or ends, whatever keys there are.
            match normalized(selector) {
                (key, 1) => Ok(Resolved {
                    key,
                    is_under: false,
                    is_over: false,
                }),
                _ => self.resolve(selector),
            }
        });
        let (begin, end) = (begin?, end?);
        let inside = range(&begin.key, &end.key);
        let mut wanted: Vec<(Key, Value)> = self.rows();
        wanted.retain(|(key, _)| ranges::contains(&inside, key));
        if options.reverse {
            wanted.reverse();
        }
        let (mut rows, mut bytes, mut more) = (Vec::new(), 0, false);
        for (key, value) in wanted {
            bytes += key.len() + value.len() + 8;
            rows.push((key, value));
            if rows.len() == options.limit || bytes >= budget(options) {
                more = true;
                break;
            }
        }
        let last = rows.last().map(|(key, _)| key.clone());
        let seen = match last.filter(|_| more) {
            Some(last) if options.reverse => KeyRange::new(last, inside.end),
            Some(last) => KeyRange::new(inside.begin, key_after(&last)),
            None => inside,
        };
        self.look_at(&seen)?;
        Ok(RangeAnswer {
            rows: RangeRows { rows, more },
            is_under: begin.is_under || end.is_under,
            is_over: begin.is_over || end.is_over,
        })
    }
}
