//! What happened in a run: how often each thing, of what kind it is, and the latest things in their order.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::rc::Rc;

use plinth_core::words::Probe;

use crate::named_kinds::named_kinds;

/// How often each thing happened.
pub type Counts = BTreeMap<&'static str, u64>;

named_kinds! {
    /// What sort of thing happened.
    HappeningKind;
    Commit = "commit", "A batch was committed.";
    Conflict = "conflict", "A transaction was told of a conflict.";
    Fold = "fold", "The log was folded into pages.";
    Alone = "alone", "A peer became alone.";
    Company = "company", "A peer stopped being alone.";
    Death = "death", "A peer or the machine ended.";
    Absence = "absence", "A page was taken away for a while.";
    Storage = "storage", "A storage operation failed, or a connection did.";
    News = "news", "News were lost, repeated or forged.";
    Clock = "clock", "A wall clock jumped or stopped.";
    Phase = "phase", "A part of the run began.";
    Other = "other", "Something else that is worth having seen.";
}

impl HappeningKind {
    fn of(probe: Probe) -> HappeningKind {
        match probe {
            Probe::Committed => HappeningKind::Commit,
            Probe::Conflicted => HappeningKind::Conflict,
            Probe::Folded => HappeningKind::Fold,
            Probe::BecameAlone => HappeningKind::Alone,
            Probe::SolitudeGivenUp | Probe::Robbed => HappeningKind::Company,
            _ => HappeningKind::Other,
        }
    }
}

/// Something that happened to a peer, or to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Happening {
    /// When, in virtual microseconds.
    pub time_us: u64,
    /// The number of the peer; `None` for the world.
    pub lane: Option<usize>,
    /// What sort of thing.
    pub kind: HappeningKind,
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

/// So many of the latest are kept.
pub(crate) const KEPT_MAX: usize = 400;

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
    pub(crate) fn note_probe(&self, time_us: u64, lane: usize, probe: Probe) {
        self.note(Happening {
            time_us,
            lane: Some(lane),
            kind: HappeningKind::of(probe),
            what: probe.text(),
        });
    }

    pub(crate) fn note(&self, happening: Happening) {
        let mut inner = self.0.borrow_mut();
        *inner.counts.entry(happening.what).or_default() += 1;
        inner.total += 1;
        if inner.latest.len() == KEPT_MAX {
            inner.latest.pop_front();
        }
        inner.latest.push_back(happening);
    }

    /// How often each thing happened.
    pub fn counts(&self) -> Counts {
        self.0.borrow().counts.clone()
    }

    /// The latest ones, oldest first.
    pub fn latest(&self) -> Vec<Happening> {
        self.0.borrow().latest.iter().copied().collect()
    }

    /// Those after the first `count`, oldest first, as far as they are kept.
    pub fn after(&self, count: u64) -> Vec<Happening> {
        let inner = self.0.borrow();
        let wanted = usize::try_from(inner.total.saturating_sub(count)).unwrap_or(usize::MAX);
        let skipped = inner.latest.len().saturating_sub(wanted);
        inner.latest.iter().skip(skipped).copied().collect()
    }

    /// How many there were.
    pub fn total(&self) -> u64 {
        self.0.borrow().total
    }
}
