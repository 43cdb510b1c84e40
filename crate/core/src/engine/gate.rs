//! One at a time: who comes while something is under way waits for its result instead of doing it again.

use std::cell::RefCell;

use futures_channel::oneshot;

use crate::words::{ErrorCode, Result};

/// A door for one kind of work.
#[derive(Debug)]
pub(super) struct Gate<T> {
    waiting: RefCell<Option<Vec<oneshot::Sender<Result<T>>>>>,
}

impl<T> Default for Gate<T> {
    fn default() -> Gate<T> {
        Gate {
            waiting: RefCell::new(None),
        }
    }
}

/// Opens the gate again, also if the work is dropped: who waits then fails with `operation_cancelled`.
struct Pass<'a, T>(&'a Gate<T>);

impl<T> Drop for Pass<'_, T> {
    fn drop(&mut self) {
        self.0.waiting.replace(None);
    }
}

impl<T: Clone> Gate<T> {
    /// Whether the work is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.waiting.borrow().is_some()
    }

    /// Does the work, or waits for it if it is under way; says which.
    pub(super) async fn run(&self, work: impl Future<Output = Result<T>>) -> (bool, Result<T>) {
        let receiver = match &mut *self.waiting.borrow_mut() {
            Some(waiting) => {
                let (sender, receiver) = oneshot::channel();
                waiting.push(sender);
                Some(receiver)
            }
            idle => {
                *idle = Some(Vec::new());
                None
            }
        };
        if let Some(receiver) = receiver {
            let result = receiver.await;
            return (
                false,
                result.unwrap_or_else(|_| Err(ErrorCode::OperationCancelled.into())),
            );
        }
        let pass = Pass(self);
        let result = work.await;
        for sender in self.waiting.take().into_iter().flatten() {
            let _receiver_gone = sender.send(result.clone());
        }
        drop(pass);
        (true, result)
    }
}
