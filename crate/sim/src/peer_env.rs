//! A peer's surroundings in the simulated world: its own wall clock, and tasks that die with it.

use std::cell::Cell;
use std::future::poll_fn;
use std::task::Poll;

use plinth_core::words::{Env, LocalFuture};

use crate::executor::{GroupId, Simulation};

/// The surroundings of one peer.
pub(crate) struct PeerEnv {
    pub(crate) world: Simulation,
    pub(crate) group: GroupId,
    /// Added to the world's time to give this peer's wall clock; may change at any time.
    pub(crate) wall_clock_offset_us: Cell<i64>,
}

/// Where wall clocks begin: some day in 2026.
const WALL_CLOCK_ORIGIN_US: u64 = 1_780_000_000_000_000;

impl Env for PeerEnv {
    fn monotonic_us(&self) -> u64 {
        self.world.now_us()
    }

    fn unix_us(&self) -> u64 {
        (WALL_CLOCK_ORIGIN_US + self.world.now_us()).saturating_add_signed(self.wall_clock_offset_us.get())
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
}
