//! Armed watches: keys whose change somebody waits for.
//!
//! A watch is about a value: it fires when the key's newest value is found different from the one it
//! was created with. Values are compared after each applied commit record, so a value that went away
//! and came back within one record, or a write of the same value, does not fire. A value that is in a
//! page not at hand is read first, and compared as it is then.

use std::ops::Bound;

use futures_channel::oneshot;

use crate::pure::SortedMap;
use crate::words::{Error, ErrorCode, Key, Mutation, Result, Value, WATCHES_MAX};

/// What a watch ends with: nothing for "changed", or why it will never fire.
pub type WatchOutcome = Result<()>;

/// Names a watch of a database handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WatchId(u64);

#[derive(Debug)]
struct Armed {
    id: WatchId,
    reference: Option<Value>,
    sender: oneshot::Sender<WatchOutcome>,
}

/// The outstanding watches of an engine.
#[derive(Debug)]
pub(super) struct WatchSet {
    by_key: SortedMap<Key, Vec<Armed>>,
    /// Watches created, armed or not, and not yet ended.
    outstanding: usize,
    outstanding_max: usize,
    next_id: u64,
}

impl WatchSet {
    /// No watches.
    pub(super) fn new() -> WatchSet {
        WatchSet {
            by_key: SortedMap::default(),
            outstanding: 0,
            outstanding_max: WATCHES_MAX,
            next_id: 0,
        }
    }

    /// Changes how many may be outstanding. Those that are there stay.
    pub(super) fn set_outstanding_max(&mut self, outstanding_max: usize) {
        self.outstanding_max = outstanding_max;
    }

    /// Counts a new watch.
    pub(super) fn create(&mut self) -> Result<WatchId> {
        if self.outstanding >= self.outstanding_max {
            let detail = format!("at most {} watches can be outstanding", self.outstanding_max);
            return Err(Error::new(ErrorCode::TooManyWatches, detail));
        }
        self.outstanding += 1;
        self.next_id += 1;
        Ok(WatchId(self.next_id))
    }

    /// Uncounts a watch that ended before it was armed.
    pub(super) fn discard(&mut self) {
        self.outstanding -= 1;
    }

    /// Starts to watch: fires at once if the newest value is known and already differs.
    pub(super) fn arm(
        &mut self,
        id: WatchId,
        key: Key,
        reference: Option<Value>,
        sender: oneshot::Sender<WatchOutcome>,
        newest: Option<Option<Value>>,
    ) {
        if newest.is_some_and(|newest| newest != reference) {
            self.outstanding -= 1;
            let _receiver_gone = sender.send(Ok(()));
            return;
        }
        self.by_key.get_or_insert_with(key, Vec::new).push(Armed {
            id,
            reference,
            sender,
        });
    }

    /// Ends an armed watch with `operation_cancelled`.
    pub(super) fn cancel(&mut self, id: WatchId, key: &Key) {
        let Some(watches) = self.by_key.get_mut(key) else {
            return;
        };
        for cancelled in watches.extract_if(.., |watch| watch.id == id) {
            self.outstanding -= 1;
            let _receiver_gone = cancelled.sender.send(Err(ErrorCode::OperationCancelled.into()));
        }
        if watches.is_empty() {
            self.by_key.remove(key);
        }
    }

    /// The keys with armed watches.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.by_key.keys()
    }

    /// Fires the watches of keys that these mutations, already applied, left with another value. Gives the
    /// keys whose newest value has to be read first.
    pub(super) fn fire<'a>(
        &mut self,
        mutations: impl Iterator<Item = &'a Mutation>,
        newest: &dyn Fn(&Key) -> Option<Option<Value>>,
    ) -> Vec<Key> {
        let mut unread = Vec::new();
        if self.by_key.is_empty() {
            return unread;
        }
        for mutation in mutations {
            match mutation {
                Mutation::Set(key, _) | Mutation::Atomic(_, key, _) => {
                    self.fire_unless_unread(key, newest, &mut unread);
                }
                Mutation::ClearRange(range) => {
                    let keys: Vec<Key> = self
                        .by_key
                        .range::<[u8]>(Bound::Included(&range.begin), Bound::Excluded(&range.end))
                        .map(|(key, _)| key.clone())
                        .collect();
                    for key in keys {
                        self.fire_unless_unread(&key, newest, &mut unread);
                    }
                }
            }
        }
        unread
    }

    fn fire_unless_unread(
        &mut self,
        key: &Key,
        newest: &dyn Fn(&Key) -> Option<Option<Value>>,
        unread: &mut Vec<Key>,
    ) {
        if !self.by_key.contains_key(key) {
            return;
        }
        match newest(key) {
            Some(newest) => self.fire_key(key, newest.as_ref()),
            None => unread.push(key.clone()),
        }
    }

    /// Ends the watches of a key with an error.
    pub(super) fn fail_key(&mut self, key: &Key, error: &Error) {
        for armed in self.by_key.remove(key).into_iter().flatten() {
            self.outstanding -= 1;
            let _receiver_gone = armed.sender.send(Err(error.clone()));
        }
    }

    /// Ends every armed watch with an error.
    pub(super) fn fail_all(&mut self, error: &Error) {
        for armed in std::mem::take(&mut self.by_key).into_values().flatten() {
            self.outstanding -= 1;
            let _receiver_gone = armed.sender.send(Err(error.clone()));
        }
    }

    /// Watches created and not yet ended.
    pub(super) fn outstanding(&self) -> usize {
        self.outstanding
    }

    /// Fires the watches of a key whose newest value is this one, if it is another than theirs.
    pub(super) fn fire_key(&mut self, key: &Key, newest: Option<&Value>) {
        let Some(watches) = self.by_key.get_mut(key) else {
            return;
        };
        for fired in watches.extract_if(.., |watch| watch.reference.as_ref() != newest) {
            self.outstanding -= 1;
            let _receiver_gone = fired.sender.send(Ok(()));
        }
        if watches.is_empty() {
            self.by_key.remove(key);
        }
    }
}
