//! When the transactions of an IndexedDB database run: in the order of their creation, side by side where
//! none of those that overlap writes.
//!
//! Two transactions overlap if they have an object store in common. A transaction that was created holds up
//! later ones until it is done or its page is gone; a page that stands still with one open holds up others,
//! as it does in a browser.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

/// Object stores, and what is done with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    stores: u8,
    is_write: bool,
}

const META: u8 = 1;
const LOG: u8 = 2;
const PAGES: u8 = 4;

impl Scope {
    pub(crate) const READ_META: Scope = Scope::new(META, false);
    pub(crate) const READ_LOG: Scope = Scope::new(META | LOG, false);
    pub(crate) const READ_PAGES: Scope = Scope::new(PAGES, false);
    pub(crate) const WRITE_META: Scope = Scope::new(META, true);
    pub(crate) const COMMIT: Scope = Scope::new(META | LOG, true);
    pub(crate) const FOLD: Scope = Scope::new(META | LOG | PAGES, true);

    const fn new(stores: u8, is_write: bool) -> Scope {
        Scope { stores, is_write }
    }

    fn excludes(self, other: Scope) -> bool {
        self.stores & other.stores != 0 && (self.is_write || other.is_write)
    }
}

struct Created {
    id: u64,
    scope: Scope,
    waker: Option<Waker>,
}

/// The transactions of one database that are not done.
#[derive(Clone, Default)]
pub(crate) struct TransactionQueue {
    created: Rc<RefCell<Vec<Created>>>,
    next_id: Rc<Cell<u64>>,
}

/// A transaction; it is done when this is dropped.
pub(crate) struct Ticket {
    queue: TransactionQueue,
    id: u64,
}

impl TransactionQueue {
    /// Creates a transaction: its place is decided now.
    pub(crate) fn create(&self, scope: Scope) -> Ticket {
        let id = self.next_id.get();
        self.next_id.set(id + 1);
        let waker = None;
        self.created.borrow_mut().push(Created { id, scope, waker });
        Ticket {
            queue: self.clone(),
            id,
        }
    }

    fn may_run(&self, id: u64, waker: &Waker) -> bool {
        let mut created = self.created.borrow_mut();
        let Some(place) = created.iter().position(|other| other.id == id) else {
            return true;
        };
        let (before, rest) = created.split_at_mut(place);
        let Some(own) = rest.first_mut() else {
            return true;
        };
        let may_run = !before.iter().any(|other| other.scope.excludes(own.scope));
        own.waker = (!may_run).then(|| waker.clone());
        may_run
    }
}

impl Ticket {
    /// Waits for its turn.
    pub(crate) async fn turn(&self) {
        poll_fn(|context| {
            if self.queue.may_run(self.id, context.waker()) {
                return Poll::Ready(());
            }
            Poll::Pending
        })
        .await;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let wakers: Vec<Waker> = {
            let mut created = self.queue.created.borrow_mut();
            created.retain(|other| other.id != self.id);
            created
                .iter_mut()
                .filter_map(|other| other.waker.take())
                .collect()
        };
        for waker in wakers {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn may_run(ticket: &Ticket) -> bool {
        ticket.queue.may_run(ticket.id, Waker::noop())
    }

    #[test]
    fn overlapping_transactions_run_in_the_order_of_their_creation_unless_none_writes() {
        let queue = TransactionQueue::default();
        let read = queue.create(Scope::READ_LOG);
        let other_read = queue.create(Scope::READ_LOG);
        let commit = queue.create(Scope::COMMIT);
        let late_read = queue.create(Scope::READ_LOG);
        let pages = queue.create(Scope::READ_PAGES);
        let runs = [&read, &other_read, &commit, &late_read, &pages].map(may_run);
        assert_eq!(runs, [true, true, false, false, true]);
        drop((read, other_read));
        assert!(may_run(&commit) && !may_run(&late_read));
        drop(commit);
        assert!(may_run(&late_read));
    }
}
