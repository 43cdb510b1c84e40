//! The outside world as the engine sees it: two clocks, chance, time and tasks.
//!
//! Nothing else in this crate reads a clock, draws a random number or starts a task; a browser, a
//! test and the simulator each bring their own [`Env`], and the simulator's is deterministic.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

#[cfg(feature = "canaries")]
use super::canary::Canary;
use super::probe::{Perturbation, Probe};

/// A boxed future of one thread.
pub type LocalFuture<T> = Pin<Box<dyn Future<Output = T>>>;

/// What the engine needs from its surroundings.
pub trait Env {
    /// Microseconds on a clock that never goes backwards, from an arbitrary origin.
    fn monotonic_us(&self) -> u64;

    /// Microseconds since the Unix epoch. May jump either way; nothing relies on it for safety.
    fn unix_us(&self) -> u64;

    /// 64 random bits, not for secrets.
    fn random_u64(&self) -> u64;

    /// Completes after at least `duration_us` microseconds.
    fn sleep(&self, duration_us: u64) -> LocalFuture<()>;

    /// Completes after others had their turn: events, timers, painting. For long work in pieces.
    fn yield_now(&self) -> LocalFuture<()> {
        self.sleep(1)
    }

    /// Runs a task of the engine. It must not be polled inside this call.
    fn spawn(&self, task: LocalFuture<()>);

    /// Something rare happened; for tests that count what they have seen.
    fn note(&self, _probe: Probe) {}

    /// Whether the engine is to suffer here what it could suffer at any time; for tests.
    fn is_perturbed(&self, _perturbation: Perturbation) -> bool {
        false
    }

    /// The fault that is planted in the engine, if any.
    #[cfg(feature = "canaries")]
    fn canary(&self) -> Option<Canary> {
        None
    }
}

/// Waits for an event, `patience_us` microseconds at most.
pub async fn wait_at_most(env: &dyn Env, patience_us: u64, mut event: Pin<&mut dyn Future<Output = ()>>) {
    let mut patience = env.sleep(patience_us);
    poll_fn(|context| match event.as_mut().poll(context) {
        Poll::Ready(()) => Poll::Ready(()),
        Poll::Pending => patience.as_mut().poll(context),
    })
    .await;
}
