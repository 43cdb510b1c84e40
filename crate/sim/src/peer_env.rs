//! A peer's surroundings in the simulated world: clocks of its own, tasks that die with it, events that it
//! notes, and injustice.
//!
//! Wall clocks are apart, drift, jump and stop. Monotonic clocks of one machine run at one rate, as the rules
//! of being alone assume, from origins of their own.

use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

#[cfg(feature = "canaries")]
use plinth_core::words::Canary;
use plinth_core::words::{Env, LocalFuture, Perturbation, Probe};

use crate::executor::{GroupId, Simulation};
use crate::happenings::Happenings;

/// A clock that people may set.
#[derive(Debug, Default)]
pub(crate) struct WallClock {
    /// Added to the world's time; may change at any time.
    offset_us: Cell<i64>,
    /// How much too fast it runs, in millionths.
    drift: Cell<i64>,
    stopped_at: Cell<Option<u64>>,
}

/// Where wall clocks begin: some day in 2026.
const WALL_CLOCK_ORIGIN_US: u64 = 1_780_000_000_000_000;

impl WallClock {
    pub(crate) fn set_offset(&self, offset_us: i64) {
        self.offset_us.set(offset_us);
    }

    pub(crate) fn set_drift(&self, drift: i64) {
        self.drift.set(drift);
    }

    /// Stops at the world's time `now_us`, or goes on.
    pub(crate) fn stop(&self, now_us: Option<u64>) {
        self.stopped_at.set(now_us);
    }

    fn now(&self, now_us: u64) -> u64 {
        let now_us = self.stopped_at.get().unwrap_or(now_us);
        let drifted = now_us as i64 / 1_000 * self.drift.get() / 1_000;
        (WALL_CLOCK_ORIGIN_US + now_us).saturating_add_signed(self.offset_us.get() + drifted)
    }
}

/// How often a peer suffers each [`Perturbation`]: one time in so many; 0 is never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Perturbations {
    /// A transaction with reads is rejected though nothing conflicts.
    pub false_conflict_odds: u64,
    /// The page cache is emptied after a fetch.
    pub forget_pages_odds: u64,
    /// A batch of rows is short.
    pub short_batch_odds: u64,
    /// A record makes the peer fold.
    pub fold_now_odds: u64,
    /// A batch takes its turn.
    pub take_turn_odds: u64,
}

/// The surroundings of one peer.
pub(crate) struct PeerEnv {
    pub(crate) world: Simulation,
    pub(crate) group: GroupId,
    /// The number of the peer, for events.
    pub(crate) lane: usize,
    pub(crate) wall_clock: WallClock,
    pub(crate) monotonic_origin_us: u64,
    pub(crate) perturbations: Rc<Cell<Perturbations>>,
    pub(crate) happenings: Happenings,
    #[cfg(feature = "canaries")]
    pub(crate) canary: Option<Canary>,
}

impl Env for PeerEnv {
    fn monotonic_us(&self) -> u64 {
        self.monotonic_origin_us + self.world.now_us()
    }

    fn unix_us(&self) -> u64 {
        self.wall_clock.now(self.world.now_us())
    }

    fn random_u64(&self) -> u64 {
        self.world.random_u64()
    }

    fn sleep(&self, duration_us: u64) -> LocalFuture<()> {
        Box::pin(self.world.sleep(duration_us))
    }

    fn yield_now(&self) -> LocalFuture<()> {
        let mut has_yielded = false;
        Box::pin(poll_fn(move |context| {
            if std::mem::replace(&mut has_yielded, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        }))
    }

    fn spawn(&self, task: LocalFuture<()>) {
        self.world.spawn_in(self.group, task);
    }

    fn note(&self, probe: Probe) {
        self.happenings.note_probe(self.world.now_us(), self.lane, probe);
    }

    fn is_perturbed(&self, perturbation: Perturbation) -> bool {
        let odds = self.perturbations.get();
        self.world.one_in(match perturbation {
            Perturbation::FalseConflict => odds.false_conflict_odds,
            Perturbation::ForgetPages => odds.forget_pages_odds,
            Perturbation::ShortBatch => odds.short_batch_odds,
            Perturbation::FoldNow => odds.fold_now_odds,
            Perturbation::TakeTurn => odds.take_turn_odds,
            _ => 0,
        })
    }

    #[cfg(feature = "canaries")]
    fn canary(&self) -> Option<Canary> {
        self.canary
    }
}
