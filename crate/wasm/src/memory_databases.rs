//! Databases in memory, by name: the handles of a name are peers of one database while any is open.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use plinth_core::engine::{Engine, News};
use plinth_core::storage::MemoryStorage;
use plinth_core::words::SequenceNumber;

use crate::storage::AnyStorage;

thread_local! {
    /// Few, so that looking through them costs nothing.
    static OPEN: RefCell<Vec<(String, Weak<MemoryDatabase>)>> = const { RefCell::new(Vec::new()) };
}

/// One database in memory and its open peers.
#[derive(Default)]
pub(crate) struct MemoryDatabase {
    storage: MemoryStorage,
    peers: RefCell<Vec<Weak<Engine<AnyStorage>>>>,
}

impl MemoryDatabase {
    /// The database with this name; a new, empty one if no handle of it is open.
    pub(crate) fn named(name: &str) -> Rc<MemoryDatabase> {
        OPEN.with_borrow_mut(|open| {
            open.retain(|(_, database)| database.strong_count() > 0);
            let found = open.iter().find(|(other, _)| other == name);
            if let Some(database) = found.and_then(|(_, database)| database.upgrade()) {
                return database;
            }
            let database = Rc::<MemoryDatabase>::default();
            open.push((name.to_owned(), Rc::downgrade(&database)));
            database
        })
    }

    /// The storage of one more peer.
    pub(crate) fn storage(&self) -> AnyStorage {
        AnyStorage::Memory(self.storage.another_peer())
    }

    /// Lets a peer hear of the others' commits from now on.
    pub(crate) fn add_peer(&self, engine: &Rc<Engine<AnyStorage>>) {
        self.peers.borrow_mut().push(Rc::downgrade(engine));
    }
}

/// Forgets the database with this name; handles that are still open keep what they have.
pub(crate) fn delete_memory_database(name: &str) {
    OPEN.with_borrow_mut(|open| open.retain(|(other, _)| other != name));
}

/// News between the peers of a database in memory. Open handles keep it alive, not this.
pub(crate) struct MemoryNews(pub(crate) Weak<MemoryDatabase>);

impl News for MemoryNews {
    fn publish(&self, tail: SequenceNumber) {
        let Some(database) = self.0.upgrade() else { return };
        database.peers.borrow_mut().retain(|peer| peer.strong_count() > 0);
        let peers: Vec<_> = database.peers.borrow().iter().filter_map(Weak::upgrade).collect();
        for peer in peers {
            peer.hear(tail);
        }
    }

    /// Memory knows its tail: nobody needs to be alone.
    fn hello(&self) {}
}
