//! Turns to append: who was too late with a commit gets in line, so that nobody is too late again and again.
//!
//! A turn is a lock of the browser, and advice: what is stored is safe without it (I14), and whoever appends out of
//! turn costs another one an append in vain. So a turn may be taken from a peer that does not give it back,
//! because it was stopped. A transaction of the storage in its place would be faster, and nobody's to take.

use std::pin::pin;
use std::rc::Rc;

use super::exclusivity::Lock;
use super::peer::Engine;
use crate::storage::Storage;
use crate::words::{Probe, wait_at_most};

/// How long a peer keeps its turn if it has more to commit: the way of a turn from one tab to the next takes about
/// as long as an append.
const TURN_US: u64 = 10_000;
/// It lasts so many times as long as the look at the log that it begins with, at least: where everything is slow, one
/// that lost a conflict would else never try again within a turn.
const TURN_LOOKS: u64 = 4;
/// How long the others wait for their turn before they take it: the turns of some forty peers.
const PATIENCE_US: u64 = 500_000;

/// The right of way. Ends when it is dropped.
pub(super) struct AppendTurn {
    _lock: Rc<dyn Lock>,
    ends_us: u64,
}

impl<S: Storage> Engine<S> {
    /// Waits for a turn. `None` where there are no locks, or none that answer.
    pub(super) async fn next_turn(&self) -> Option<AppendTurn> {
        let locks = self.exclusivity.as_ref()?.locks();
        let mut granted = None;
        wait_at_most(
            &*self.env,
            PATIENCE_US,
            pin!(async { granted = Some(locks.turn().await) }),
        )
        .await;
        if granted.is_none() {
            self.env.note(Probe::TurnTaken);
            wait_at_most(
                &*self.env,
                PATIENCE_US,
                pin!(async { granted = Some(locks.take_turn().await) }),
            )
            .await;
        }
        let ends_us = self.env.monotonic_us() + TURN_US;
        granted.flatten().map(|lock| AppendTurn { _lock: lock, ends_us })
    }

    /// Notes how long the look at the log took that a turn begins with.
    pub(super) fn note_look(&self, took_us: u64) {
        let ends_us = self.env.monotonic_us() + TURN_LOOKS * took_us;
        if let Some(turn) = &mut self.commits.borrow_mut().turn {
            turn.ends_us = turn.ends_us.max(ends_us);
        }
    }

    /// Lets the next one have its turn, whatever is under way here.
    pub(super) fn end_turn(&self) {
        self.commits.borrow_mut().turn = None;
    }

    /// How long it lasts.
    pub(super) fn time_left_us(&self, turn: &AppendTurn) -> u64 {
        turn.ends_us.saturating_sub(self.env.monotonic_us())
    }
}
