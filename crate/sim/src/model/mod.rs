//! A naive model of the database and of its transactions: sorted maps, all of history, obvious code.
//!
//! It is written from the rules alone and shares nothing with the engine but the words: no write map, no
//! conflict set, no caches. A transaction's own writes are the list of its calls, a read works out what
//! that list does to each key, the resolver looks at every commit there ever was. A run of the engine
//! leaves a [`Transcript`]; [`Transcript::check`] says where it and the model disagree.

mod atomic;
mod call;
mod conflicts;
mod database;
mod judge;
mod key_program;
mod legal;
mod options;
mod own_writes;
mod ranges;
mod read_conflict;
mod size;
mod stamp;
mod transcript;
mod view;
mod watch;

use std::collections::BTreeMap;

use plinth_core::words::{Key, Value};

pub use atomic::atomic;
pub use call::{Answer, Call};
pub use conflicts::Conflicts;
pub use database::{Commit, Database};
pub use own_writes::{OwnWrite, OwnWrites};
pub use stamp::{Stamp, filled, possible_keys, stamp};
pub use transcript::{Attempt, Event, Moment, ReadVersion, Transcript};
pub use view::{Unreadable, View};

/// A state of the database.
pub type Map = BTreeMap<Key, Value>;
