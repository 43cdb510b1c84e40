//! What happened in a run: how often each thing, and the latest things in their order.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::rc::Rc;

/// How often each thing happened.
pub type Counts = BTreeMap<&'static str, u64>;

/// Something that happened to a peer, or to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Happening {
    /// When, in virtual microseconds.
    pub time_us: u64,
    /// The number of the peer; `None` for the world.
    pub lane: Option<usize>,
    /// What.
    pub what: &'static str,
}

impl fmt::Display for Happening {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.time_us as f64 / 1e6;
        match self.lane {
            Some(lane) => write!(formatter, "{seconds:>12.6}  peer {lane}: {}", self.what),
            None => write!(formatter, "{seconds:>12.6}  {}", self.what),
        }
    }
}

/// The latest ones are kept.
const KEPT_MAX: usize = 400;

#[derive(Debug, Default)]
struct Inner {
    counts: Counts,
    latest: VecDeque<Happening>,
    total: u64,
}

/// What happened. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Happenings(Rc<RefCell<Inner>>);

impl Happenings {
    pub(crate) fn note(&self, time_us: u64, lane: usize, what: &'static str) {
        self.push(time_us, Some(lane), what);
    }

    pub(crate) fn note_world(&self, time_us: u64, what: &'static str) {
        self.push(time_us, None, what);
    }

    fn push(&self, time_us: u64, lane: Option<usize>, what: &'static str) {
        let mut inner = self.0.borrow_mut();
        *inner.counts.entry(what).or_default() += 1;
        inner.total += 1;
        if inner.latest.len() == KEPT_MAX {
            inner.latest.pop_front();
        }
        inner.latest.push_back(Happening { time_us, lane, what });
    }

    /// How often each thing happened.
    pub fn counts(&self) -> Counts {
        self.0.borrow().counts.clone()
    }

    /// The latest ones, oldest first.
    pub fn latest(&self) -> Vec<Happening> {
        self.0.borrow().latest.iter().copied().collect()
    }

    /// How many there were.
    pub fn total(&self) -> u64 {
        self.0.borrow().total
    }
}
