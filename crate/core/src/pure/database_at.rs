//! The database at a version: the recent changes over the pages.

use std::iter::Peekable;

use super::history::applied;
use super::page_source::{Found, PageSource};
use super::range_weights::RangeWeights;
use super::tree::Tree;
use super::tree_cursor::{TreeCursor, Wanted};
use super::tree_update::KeyChange;
use super::version_map::VersionMap;
use crate::words::{Key, KeyRange, Value, Version};

type Recent<'a> = Box<dyn Iterator<Item = (&'a Key, KeyChange)> + 'a>;

/// What there is at a version, as far as the pages are here.
#[derive(Clone, Copy)]
pub struct DatabaseAt<'a> {
    map: &'a VersionMap,
    tree: Tree,
    pages: &'a dyn PageSource,
    version: Version,
}

impl<'a> DatabaseAt<'a> {
    /// The database at a version that the map can read.
    pub fn new(
        map: &'a VersionMap,
        tree: Tree,
        pages: &'a dyn PageSource,
        version: Version,
    ) -> DatabaseAt<'a> {
        DatabaseAt {
            map,
            tree,
            pages,
            version,
        }
    }

    /// The value of a key.
    ///
    /// # Errors
    /// [`super::Stop::Missing`]; `file_corrupt` naming a page.
    pub fn get(&self, key: &[u8]) -> Found<Option<Value>> {
        match self.map.get(key, self.version) {
            Some(KeyChange::Set(value)) => Ok(Some(value)),
            Some(KeyChange::Clear) => Ok(None),
            Some(KeyChange::Operations(operations)) => {
                let stored = self.tree.get(self.pages, key)?;
                Ok(value_of(applied(stored, &operations)))
            }
            None => self.tree.get(self.pages, key),
        }
    }

    /// Bytes of the keys and values of a range: exactly those in the pages, of which only the ones at its
    /// ends are looked at, and those set since. Where both have a key, it counts twice; what was cleared
    /// since still counts.
    ///
    /// # Errors
    /// As [`DatabaseAt::get`].
    pub fn estimated_bytes(&self, range: &KeyRange) -> Found<u64> {
        let recent = self
            .map
            .range(range, self.version)
            .map(|(key, change)| match change {
                KeyChange::Set(value) => (key.len() + value.len()) as u64,
                KeyChange::Clear | KeyChange::Operations(_) => 0,
            });
        Ok(self.tree.bytes_in(self.pages, range)? + recent.sum::<u64>())
    }

    /// Keys that cut a range into pieces of about `chunk_bytes`, its begin and end included. Bytes count as
    /// in `estimated_bytes`; the pages are not read but where a piece of them is too large.
    ///
    /// # Errors
    /// As [`DatabaseAt::get`]. The weights remember what was done.
    pub fn split_points(
        &self,
        range: &KeyRange,
        chunk_bytes: u64,
        weights: &mut RangeWeights,
    ) -> Found<Vec<Key>> {
        let mut stored = weights.weigh(&self.tree, self.pages)?.iter().peekable();
        let mut recent = self.map.range(range, self.version).peekable();
        let (mut points, mut bytes) = (vec![range.begin.clone()], 0);
        loop {
            let is_recent = match (recent.peek(), stored.peek()) {
                (None, None) => break,
                (Some((key, _)), Some((stored, _))) => *key < stored,
                (recent, _) => recent.is_some(),
            };
            let (key, added) = if is_recent {
                match recent.next() {
                    Some((key, KeyChange::Set(value))) => (key, (key.len() + value.len()) as u64),
                    _ => continue,
                }
            } else {
                match stored.next() {
                    Some((key, bytes)) => (key, *bytes),
                    None => continue,
                }
            };
            if bytes >= chunk_bytes {
                points.push(key.clone());
                bytes = 0;
            }
            bytes += added;
        }
        points.push(range.end.clone());
        Ok(points)
    }

    /// The rows of a range from its beginning, with `reverse` from its end.
    pub fn rows(&self, range: &KeyRange, reverse: bool, wanted: Wanted) -> DatabaseRows<'a> {
        let recent = self.map.range(range, self.version);
        let recent: Recent<'a> = if reverse {
            Box::new(recent.rev())
        } else {
            Box::new(recent)
        };
        let mut rows = DatabaseRows {
            database: *self,
            cursor: TreeCursor::new(self.tree, self.pages, range.clone(), reverse, wanted),
            recent: recent.peekable(),
            stored_key: None,
            clear: None,
            reverse,
            keys_only: wanted.keys_only,
        };
        rows.find_clear();
        rows
    }
}

/// A walk over rows. After a stop for missing pages it can't go on; another one goes on from `rest`.
pub struct DatabaseRows<'a> {
    database: DatabaseAt<'a>,
    cursor: TreeCursor<'a>,
    recent: Peekable<Recent<'a>>,
    /// The key that the cursor is before, if it was looked up.
    stored_key: Option<Option<Key>>,
    /// The next range whose rows in the pages are hidden.
    clear: Option<KeyRange>,
    reverse: bool,
    keys_only: bool,
}

impl DatabaseRows<'_> {
    /// The next row; an empty value if only keys are wanted.
    ///
    /// # Errors
    /// [`super::Stop::Missing`]; `file_corrupt` naming a page.
    pub fn next_row(&mut self) -> Found<Option<(Key, Value)>> {
        loop {
            let stored_key = self.stored_key()?;
            let (is_recent, is_stored) = match (self.recent.peek(), &stored_key) {
                (None, None) => return Ok(None),
                (Some(_), None) => (true, false),
                (None, Some(_)) => (false, true),
                (Some((recent, _)), Some(stored)) if *recent == stored => (true, true),
                (Some((recent, _)), Some(stored)) => {
                    let is_recent = (*recent < stored) != self.reverse;
                    (is_recent, !is_recent)
                }
            };
            if !is_recent {
                let value = if self.keys_only {
                    [].as_slice().into()
                } else {
                    self.cursor.value()?
                };
                self.advance();
                return Ok(stored_key.map(|key| (key, value)));
            }
            let stored = match self.recent.peek() {
                Some((_, KeyChange::Operations(_))) if is_stored => Some(self.cursor.value()?),
                _ => None,
            };
            if is_stored {
                self.advance();
            }
            let Some((key, change)) = self.recent.next() else {
                return Ok(None);
            };
            let change = match change {
                KeyChange::Operations(operations) => applied(stored, &operations),
                change => change,
            };
            if let Some(value) = value_of(change) {
                return Ok(Some((key.clone(), value)));
            }
        }
    }

    /// What is left: the walk has been over everything else.
    pub fn rest(&mut self) -> KeyRange {
        let mut rest = self.cursor.rest().clone();
        if let Some((key, _)) = self.recent.peek() {
            if self.reverse {
                rest.end = rest.end.max(crate::words::key_after(key));
            } else {
                rest.begin = rest.begin.min((*key).clone());
            }
        }
        rest
    }

    fn advance(&mut self) {
        self.cursor.advance();
        self.stored_key = None;
    }

    /// The key of the next row in the pages that is not hidden.
    fn stored_key(&mut self) -> Found<Option<Key>> {
        if let Some(key) = &self.stored_key {
            return Ok(key.clone());
        }
        // Before a page is looked for: a hidden one is not needed.
        self.skip_hidden_rest();
        loop {
            let key = self.cursor.peek()?;
            let Some(key) = key else {
                self.stored_key = Some(None);
                return Ok(None);
            };
            let is_reached = self.clear.as_ref().is_some_and(|clear| {
                if self.reverse {
                    key < clear.end
                } else {
                    key >= clear.begin
                }
            });
            if !is_reached {
                self.stored_key = Some(Some(key.clone()));
                return Ok(Some(key));
            }
            let mut rest = self.cursor.rest().clone();
            if self.reverse {
                rest.end = crate::words::key_after(&key);
            } else {
                rest.begin = key;
            }
            self.cursor.skip_to(rest);
            self.find_clear();
            self.skip_hidden_rest();
        }
    }

    /// Skips the hidden range in which what is left begins.
    fn skip_hidden_rest(&mut self) {
        while let Some(clear) = &self.clear {
            let mut rest = self.cursor.rest().clone();
            if rest.is_empty() {
                return;
            }
            if self.reverse && clear.end >= rest.end {
                rest.end = clear.begin.clone().max(rest.begin.clone());
            } else if !self.reverse && clear.begin <= rest.begin {
                rest.begin = clear.end.clone().min(rest.end.clone());
            } else {
                return;
            }
            self.cursor.skip_to(rest);
            self.find_clear();
        }
    }

    fn find_clear(&mut self) {
        let DatabaseAt { map, version, .. } = self.database;
        let rest = self.cursor.rest();
        self.clear = if self.reverse {
            map.clear_beginning_below(&rest.end, version)
        } else {
            map.clear_reaching(&rest.begin, version)
        };
    }
}

fn value_of(change: KeyChange) -> Option<Value> {
    match change {
        KeyChange::Set(value) => Some(value),
        KeyChange::Clear | KeyChange::Operations(_) => None,
    }
}
