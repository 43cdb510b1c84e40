//! Where damage begins and ends: so that whoever salvages a database can go around it.

use super::pager::{HeldPages, ReadPages};
use super::peer::Engine;
use super::root_follower::is_damage;
use crate::pure::Reached;
use crate::storage::Storage;
use crate::words::{Key, KeyRange, Result, key_after};

impl<S: Storage> Engine<S> {
    /// Whether the database was opened for salvage.
    pub fn is_salvaging(&self) -> bool {
        self.options.salvage
    }

    /// What can't be read, after a read of the rows from the beginning of a range on, one at a time, has failed
    /// because of damage: the keys of the damaged page, or the key whose value is damaged. Empty, and further
    /// on, if nothing is wrong where the range begins.
    ///
    /// # Errors
    /// The storage's.
    pub async fn unreadable_part(&self, range: &KeyRange) -> Result<KeyRange> {
        let mut held = HeldPages::default();
        let end = |high: Option<Key>| high.map_or(range.end.clone(), |high| high.min(range.end.clone()));
        let from = |begin: Key, end: Key| KeyRange {
            begin: begin.min(end.clone()),
            end,
        };
        loop {
            let reached = {
                let state = self.state.borrow();
                let pages = ReadPages {
                    pager: &self.pager,
                    held: &held,
                };
                state.tree().reach(&pages, &range.begin)
            };
            return Ok(match reached {
                None => from(range.end.clone(), range.end.clone()),
                Some(Reached::Damaged(_, high)) => from(range.begin.clone(), end(high)),
                Some(Reached::Leaf(Some(key), _)) if range.contains(&key) => {
                    let after = end(Some(key_after(&key)));
                    from(key, after)
                }
                Some(Reached::Leaf(_, high)) => from(end(high.clone()), end(high)),
                Some(Reached::Missing(id, _, high)) => match self.bring(&[id], &mut held).await {
                    Ok(()) => continue,
                    Err(error) if is_damage(&error) => from(range.begin.clone(), end(high)),
                    Err(error) => return Err(error),
                },
            });
        }
    }

    /// The keys of a range of which memory knows something: they can be read whatever the pages are.
    pub fn recent_keys(&self, range: &KeyRange) -> Vec<Key> {
        let state = self.state.borrow();
        let recent = state.map().range(range, state.newest());
        recent.map(|(key, _)| key.clone()).collect()
    }
}
