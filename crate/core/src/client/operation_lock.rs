//! One directory operation at a time in a transaction.
//!
//! Transactions keep their operations apart by conflicts. Two operations of one transaction don't
//! conflict: they could both find that a directory is missing, and both make it. So they wait for each
//! other, in the order of their calls. A turn that is dropped at any point goes on to the next.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use futures_channel::oneshot;

/// Who has the turn, and who waits for it. Clones are the same lock.
#[derive(Clone, Default)]
pub(super) struct OperationLock {
    state: Rc<RefCell<LockState>>,
}

#[derive(Default)]
struct LockState {
    is_taken: bool,
    waiting: VecDeque<oneshot::Sender<Turn>>,
}

impl OperationLock {
    /// Waits for the operations that were called before.
    pub(super) async fn acquire(&self) -> Turn {
        let receiver = {
            let mut state = self.state.borrow_mut();
            if !std::mem::replace(&mut state.is_taken, true) {
                return Turn { lock: self.clone() };
            }
            let (sender, receiver) = oneshot::channel();
            state.waiting.push_back(sender);
            receiver
        };
        receiver
            .await
            .expect("a turn goes on until nobody waits, and this one waits")
    }
}

/// The right to run an operation, until it is dropped.
pub(super) struct Turn {
    lock: OperationLock,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let next = {
            let mut state = self.lock.state.borrow_mut();
            let next = state.waiting.pop_front();
            state.is_taken = next.is_some();
            next
        };
        if let Some(next) = next {
            // Whoever has given up waiting, before this or after it, drops the turn: it goes on again.
            drop(next.send(Turn {
                lock: self.lock.clone(),
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn poll<T>(future: Pin<&mut impl Future<Output = T>>) -> Option<T> {
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }

    #[test]
    fn one_at_a_time_in_the_order_of_their_calls() {
        let lock = OperationLock::default();
        let mut first = pin!(lock.acquire());
        let mut second = pin!(lock.acquire());
        let mut third = pin!(lock.acquire());
        let turn = poll(first.as_mut()).unwrap();
        assert!(poll(second.as_mut()).is_none());
        assert!(poll(third.as_mut()).is_none());
        drop(turn);
        assert!(poll(third.as_mut()).is_none(), "it is the second's turn");
        let turn = poll(second.as_mut()).unwrap();
        assert!(poll(third.as_mut()).is_none());
        drop(turn);
        drop(poll(third.as_mut()).unwrap());
        assert!(poll(pin!(lock.acquire())).is_some(), "nobody has it");
    }

    #[test]
    fn who_gives_up_holds_up_nobody() {
        let lock = OperationLock::default();
        let turn = poll(pin!(lock.acquire())).unwrap();
        let [mut before, mut after, mut last] = [(); 3].map(|()| Box::pin(lock.acquire()));
        for waiting in [&mut before, &mut after, &mut last] {
            assert!(poll(waiting.as_mut()).is_none());
        }
        drop(before);
        drop(turn);
        // It has been given the turn, and never looked.
        drop(after);
        assert!(poll(last.as_mut()).is_some());
    }
}
