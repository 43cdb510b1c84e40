//! One directory operation at a time in each transaction.
//!
//! Transactions keep their operations apart by conflicts. Two operations of one transaction don't
//! conflict: they could both find that a directory is missing, and both make it. So they wait for each
//! other, in the order of their calls. A turn that is dropped at any point goes on to the next.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use futures_channel::oneshot;

use crate::client::Transaction;
use crate::storage::Storage;

/// The transactions in use, each with its operations.
pub(super) struct OperationLocks<S: Storage> {
    transactions: RefCell<Vec<(Weak<Transaction<S>>, OperationLock)>>,
}

impl<S: Storage> Default for OperationLocks<S> {
    fn default() -> Self {
        OperationLocks {
            transactions: RefCell::default(),
        }
    }
}

impl<S: Storage> OperationLocks<S> {
    /// Waits for the operations of this transaction that were called before.
    pub(super) async fn acquire(&self, transaction: &Rc<Transaction<S>>) -> Turn {
        let lock = self.lock_of(transaction);
        lock.acquire().await
    }

    fn lock_of(&self, transaction: &Rc<Transaction<S>>) -> OperationLock {
        let mut transactions = self.transactions.borrow_mut();
        transactions.retain(|(other, _)| other.strong_count() > 0);
        let own = Rc::downgrade(transaction);
        let known = transactions.iter().find(|(other, _)| other.ptr_eq(&own));
        if let Some((_, lock)) = known {
            return lock.clone();
        }
        let lock = OperationLock::default();
        transactions.push((own, lock.clone()));
        lock
    }
}

/// Who has the turn, and who waits for it. Clones are the same lock.
#[derive(Clone, Default)]
struct OperationLock {
    state: Rc<RefCell<LockState>>,
}

#[derive(Default)]
struct LockState {
    is_taken: bool,
    waiting: VecDeque<oneshot::Sender<Turn>>,
}

impl OperationLock {
    async fn acquire(&self) -> Turn {
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
