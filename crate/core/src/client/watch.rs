//! A watch: tells once that a key's value has changed.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};

use futures_channel::oneshot;

use super::attempt::Attempt;
use crate::engine::{Engine, WatchId, WatchOutcome};
use crate::storage::Storage;
use crate::words::{Error, ErrorCode, Key};

/// A watch on one key. As a future it completes with nothing when the value has changed, or with the
/// error that keeps it from ever doing so: `operation_cancelled` after `cancel`,
/// `transaction_cancelled` when its transaction ended without a commit, or the commit's own error.
/// Dropping it cancels it.
pub struct Watch<S: Storage> {
    inner: Option<Inner<S>>,
    receiver: oneshot::Receiver<WatchOutcome>,
}

struct Inner<S: Storage> {
    engine: Rc<Engine<S>>,
    attempt: Weak<Attempt<S>>,
    id: WatchId,
    key: Key,
}

/// Cancels its watch, from wherever it was moved to.
pub struct WatchCanceller<S: Storage>(RefCell<Option<Inner<S>>>);

impl<S: Storage> Watch<S> {
    pub(super) fn new(
        engine: Rc<Engine<S>>,
        attempt: &Rc<Attempt<S>>,
        id: WatchId,
        key: Key,
        receiver: oneshot::Receiver<WatchOutcome>,
    ) -> Watch<S> {
        Watch {
            inner: Some(Inner {
                engine,
                attempt: Rc::downgrade(attempt),
                id,
                key,
            }),
            receiver,
        }
    }

    /// A watch that failed when it was created.
    pub(super) fn failed(error: Error) -> Watch<S> {
        let (sender, receiver) = oneshot::channel();
        let _receiver_is_here = sender.send(Err(error));
        Watch {
            inner: None,
            receiver,
        }
    }

    /// Splits the right to cancel from the future, so that they can live in different places. The
    /// future alone no longer cancels when it is dropped.
    pub fn into_parts(mut self) -> (WatchCanceller<S>, impl Future<Output = WatchOutcome> + 'static) {
        let canceller = WatchCanceller(RefCell::new(self.inner.take()));
        (canceller, self)
    }
}

impl<S: Storage> WatchCanceller<S> {
    /// Ends the watch with `operation_cancelled`, unless it has ended before.
    pub fn cancel(&self) {
        if let Some(inner) = self.0.borrow_mut().take() {
            inner.cancel();
        }
    }
}

impl<S: Storage> Inner<S> {
    fn cancel(&self) {
        let is_waiting_for_commit = self
            .attempt
            .upgrade()
            .is_some_and(|attempt| attempt.cancel_watch(self.id));
        if !is_waiting_for_commit {
            self.engine.cancel_watch(self.id, &self.key);
        }
    }
}

impl<S: Storage> Future for Watch<S> {
    type Output = WatchOutcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<WatchOutcome> {
        Pin::new(&mut self.receiver)
            .poll(context)
            .map(|outcome| outcome.unwrap_or_else(|_| Err(ErrorCode::OperationCancelled.into())))
    }
}

impl<S: Storage> Drop for Watch<S> {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take() {
            inner.cancel();
        }
    }
}
