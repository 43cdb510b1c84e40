//! Who plays in a run: which peer was in which place and when, whether its page is away, and what it does. For
//! those who look on; nothing in a run depends on it.

use std::cell::{Ref, RefCell};
use std::collections::BTreeMap;

/// A peer in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appearance {
    /// The place: each has one peer at a time.
    pub slot: usize,
    /// The number of the peer.
    pub lane: usize,
    /// When it began to open, in virtual microseconds.
    pub begin_us: u64,
    /// When it was open.
    pub open_us: Option<u64>,
    /// When it was gone.
    pub end_us: Option<u64>,
}

/// In which way a page is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// Nothing in it runs.
    Frozen,
    /// Nobody sees it.
    Hidden,
    /// It is in the back-forward cache.
    PutAway,
}

impl Absence {
    /// What happened, for people.
    pub fn text(self) -> &'static str {
        match self {
            Absence::Frozen => "a page was frozen",
            Absence::Hidden => "a page was hidden",
            Absence::PutAway => "a page was put away",
        }
    }

    /// How it is, in one or two words.
    pub fn name(self) -> &'static str {
        match self {
            Absence::Frozen => "frozen",
            Absence::Hidden => "hidden",
            Absence::PutAway => "put away",
        }
    }
}

/// A time during which a page was away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Away {
    /// The number of its peer.
    pub lane: usize,
    /// In which way.
    pub absence: Absence,
    /// From when on, in virtual microseconds.
    pub begin_us: u64,
    /// Until when.
    pub end_us: Option<u64>,
}

/// How many transactions of each workload a peer has under way.
type Work = BTreeMap<&'static str, u64>;

/// Who plays.
#[derive(Debug, Default)]
pub struct Cast {
    appearances: RefCell<Vec<Appearance>>,
    aways: RefCell<Vec<Away>>,
    work: RefCell<BTreeMap<usize, Work>>,
}

impl Cast {
    /// Every peer that was in a place, in the order in which they began to open.
    pub fn appearances(&self) -> Ref<'_, Vec<Appearance>> {
        self.appearances.borrow()
    }

    /// Every absence of a page, in the order in which they began.
    pub fn aways(&self) -> Ref<'_, Vec<Away>> {
        self.aways.borrow()
    }

    /// How many transactions of each workload a peer has under way.
    pub fn work(&self, lane: usize) -> Work {
        self.work.borrow().get(&lane).cloned().unwrap_or_default()
    }

    pub(super) fn begin(&self, slot: usize, lane: usize, now_us: u64) {
        self.end(slot, now_us);
        self.appearances.borrow_mut().push(Appearance {
            slot,
            lane,
            begin_us: now_us,
            open_us: None,
            end_us: None,
        });
    }

    /// The peer is open; one that nobody saw opening begins now.
    pub(super) fn open(&self, slot: usize, lane: usize, now_us: u64) {
        let is_known = self
            .appearances()
            .iter()
            .any(|one| one.lane == lane && one.end_us.is_none());
        if !is_known {
            self.begin(slot, lane, now_us);
        }
        let mut appearances = self.appearances.borrow_mut();
        if let Some(appearance) = appearances.iter_mut().rev().find(|one| one.lane == lane) {
            appearance.open_us = Some(now_us);
        }
    }

    /// Whoever is in a place is gone.
    pub(super) fn end(&self, slot: usize, now_us: u64) {
        let mut ended = None;
        for appearance in self.appearances.borrow_mut().iter_mut() {
            if appearance.slot == slot && appearance.end_us.is_none() {
                appearance.end_us = Some(now_us);
                ended = Some(appearance.lane);
            }
        }
        if let Some(lane) = ended {
            self.come_back(lane, now_us);
        }
    }

    pub(super) fn leave(&self, lane: usize, absence: Absence, now_us: u64) {
        self.aways.borrow_mut().push(Away {
            lane,
            absence,
            begin_us: now_us,
            end_us: None,
        });
    }

    pub(super) fn come_back(&self, lane: usize, now_us: u64) {
        for away in self.aways.borrow_mut().iter_mut() {
            if away.lane == lane && away.end_us.is_none() {
                away.end_us = Some(now_us);
            }
        }
    }

    pub(super) fn begin_work(&self, lane: usize, workload: &'static str) {
        let mut work = self.work.borrow_mut();
        *work.entry(lane).or_default().entry(workload).or_default() += 1;
    }

    pub(super) fn end_work(&self, lane: usize, workload: &'static str) {
        let mut work = self.work.borrow_mut();
        let Some(own) = work.get_mut(&lane) else { return };
        if let Some(count) = own.get_mut(workload) {
            *count -= 1;
            if *count == 0 {
                own.remove(workload);
            }
        }
        if own.is_empty() {
            work.remove(&lane);
        }
    }
}
