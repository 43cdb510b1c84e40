//! A fake of the browser's Web Locks: one lock, requests granted in order, stealing; who says that it is there; and the
//! line of those who wait for their turn.
//!
//! Answers take a while. A peer that is killed gives up what it holds and waits for, as a closed tab does;
//! one that is frozen does not.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::pending;
use std::rc::Rc;

use futures_channel::oneshot;
use plinth_core::engine::{Lock, Locks, Tenure};
use plinth_core::words::LocalFuture;

use crate::executor::{GroupId, Simulation};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Exclusive,
    Shared,
}

struct Holder {
    id: u64,
    group: GroupId,
    mode: Mode,
}

struct Waiting {
    id: u64,
    group: GroupId,
    granted: oneshot::Sender<()>,
}

/// The lock manager of one database.
#[derive(Default)]
pub struct LockManager {
    holders: RefCell<Vec<Holder>>,
    /// Those who wait for the shared lock; nobody waits for the exclusive one.
    waiting: RefCell<VecDeque<Waiting>>,
    /// Those who say that they are there.
    present: RefCell<Vec<Holder>>,
    /// Whose turn it is.
    turn: RefCell<Option<Holder>>,
    in_line: RefCell<VecDeque<Waiting>>,
    next_id: Cell<u64>,
    /// Whether it answers nobody any more.
    pub is_mute: Cell<bool>,
    /// How often the lock was stolen.
    pub steals: Cell<u64>,
    /// How often the turn was taken from its holder.
    pub turns_taken: Cell<u64>,
    /// How often a peer asked whether others are about.
    pub questions: Cell<u64>,
}

impl LockManager {
    fn id(&self) -> u64 {
        self.next_id.set(self.next_id.get() + 1);
        self.next_id.get()
    }

    /// Forgets a peer that died.
    pub fn forget(&self, group: GroupId) {
        self.holders.borrow_mut().retain(|holder| holder.group != group);
        self.present.borrow_mut().retain(|holder| holder.group != group);
        self.waiting.borrow_mut().retain(|waiting| waiting.group != group);
        self.turn.borrow_mut().take_if(|holder| holder.group == group);
        self.in_line.borrow_mut().retain(|waiting| waiting.group != group);
        self.grant();
    }

    /// How many peers hold it exclusively and share it.
    pub fn holders(&self) -> (usize, usize) {
        let holders = self.holders.borrow();
        let exclusive = holders
            .iter()
            .filter(|holder| holder.mode == Mode::Exclusive)
            .count();
        (exclusive, holders.len() - exclusive)
    }

    /// How many peers say that they are there.
    pub fn present(&self) -> usize {
        self.present.borrow().len()
    }

    fn release(&self, id: u64) {
        self.holders.borrow_mut().retain(|holder| holder.id != id);
        self.present.borrow_mut().retain(|holder| holder.id != id);
        self.waiting.borrow_mut().retain(|waiting| waiting.id != id);
        self.turn.borrow_mut().take_if(|holder| holder.id == id);
        self.in_line.borrow_mut().retain(|waiting| waiting.id != id);
        self.grant();
    }

    fn grant(&self) {
        if self.turn.borrow().is_none()
            && let Some(Waiting { id, group, granted }) = self.in_line.borrow_mut().pop_front()
        {
            let mode = Mode::Exclusive;
            self.turn.replace(Some(Holder { id, group, mode }));
            let _gave_up = granted.send(());
        }
        loop {
            let is_exclusive = self
                .holders
                .borrow()
                .iter()
                .any(|holder| holder.mode == Mode::Exclusive);
            if is_exclusive {
                return;
            }
            let Some(Waiting { id, group, granted }) = self.waiting.borrow_mut().pop_front() else {
                return;
            };
            let mode = Mode::Shared;
            self.holders.borrow_mut().push(Holder { id, group, mode });
            let _gave_up = granted.send(());
        }
    }
}

/// One peer's access to the lock.
#[derive(Clone)]
pub struct FakeLocks {
    pub(crate) world: Simulation,
    pub(crate) manager: Rc<LockManager>,
    pub(crate) group: GroupId,
    /// The longest way to the lock manager and back.
    pub(crate) delay_us: u64,
}

struct FakeLock {
    locks: FakeLocks,
    id: u64,
}

/// Gives a request up when it is dropped before it was granted.
struct Request {
    manager: Rc<LockManager>,
    id: u64,
    is_granted: bool,
}

impl Drop for Request {
    fn drop(&mut self) {
        if !self.is_granted {
            self.manager.release(self.id);
        }
    }
}

impl FakeLocks {
    /// The way to the lock manager, or back.
    async fn way(&self) {
        if self.manager.is_mute.get() {
            pending::<()>().await;
        }
        self.world.sleep_below(self.delay_us).await;
    }

    /// Waits in this line until it is granted what is waited for there.
    fn wait_in(
        &self,
        line: impl Fn(&LockManager) -> &RefCell<VecDeque<Waiting>> + 'static,
    ) -> LocalFuture<Option<Rc<dyn Lock>>> {
        let locks = self.clone();
        Box::pin(async move {
            locks.way().await;
            let (id, group) = (locks.manager.id(), locks.group);
            let (granted, answer) = oneshot::channel();
            let mut request = Request {
                manager: Rc::clone(&locks.manager),
                id,
                is_granted: false,
            };
            line(&locks.manager)
                .borrow_mut()
                .push_back(Waiting { id, group, granted });
            locks.manager.grant();
            answer.await.ok()?;
            locks.way().await;
            request.is_granted = true;
            Some(locks.lock(id))
        })
    }

    fn lock(&self, id: u64) -> Rc<dyn Lock> {
        let locks = self.clone();
        Rc::new(FakeLock { locks, id })
    }

    fn hold(&self, mode: Mode) -> Rc<dyn Lock> {
        let (id, group) = (self.manager.id(), self.group);
        self.manager.holders.borrow_mut().push(Holder { id, group, mode });
        self.lock(id)
    }
}

impl Locks for FakeLocks {
    fn try_exclusive(&self) -> LocalFuture<Option<Rc<dyn Lock>>> {
        let locks = self.clone();
        Box::pin(async move {
            locks.way().await;
            let is_free =
                locks.manager.holders.borrow().is_empty() && locks.manager.waiting.borrow().is_empty();
            let lock = is_free.then(|| locks.hold(Mode::Exclusive));
            locks.way().await;
            lock
        })
    }

    fn shared(&self) -> LocalFuture<Option<Rc<dyn Lock>>> {
        self.wait_in(|manager| &manager.waiting)
    }

    fn turn(&self) -> LocalFuture<Option<Rc<dyn Lock>>> {
        self.wait_in(|manager| &manager.in_line)
    }

    fn take_turn(&self) -> LocalFuture<Option<Rc<dyn Lock>>> {
        let locks = self.clone();
        Box::pin(async move {
            locks.way().await;
            let manager = &locks.manager;
            manager.turns_taken.set(manager.turns_taken.get() + 1);
            let (id, group, mode) = (manager.id(), locks.group, Mode::Exclusive);
            manager.turn.replace(Some(Holder { id, group, mode }));
            let turn = locks.lock(id);
            locks.way().await;
            Some(turn)
        })
    }

    fn steal(&self) -> LocalFuture<Option<Rc<dyn Lock>>> {
        let locks = self.clone();
        Box::pin(async move {
            locks.way().await;
            locks.manager.steals.set(locks.manager.steals.get() + 1);
            locks.manager.holders.borrow_mut().clear();
            let lock = locks.hold(Mode::Exclusive);
            locks.way().await;
            Some(lock)
        })
    }

    fn has_others(&self) -> LocalFuture<bool> {
        let locks = self.clone();
        Box::pin(async move {
            locks.way().await;
            locks.manager.questions.set(locks.manager.questions.get() + 1);
            let other = |group: GroupId| group != locks.group;
            let has_others = locks
                .manager
                .holders
                .borrow()
                .iter()
                .any(|holder| other(holder.group))
                || locks
                    .manager
                    .waiting
                    .borrow()
                    .iter()
                    .any(|waiting| other(waiting.group));
            locks.way().await;
            has_others
        })
    }

    fn present(&self) -> LocalFuture<Option<Rc<dyn Lock>>> {
        let locks = self.clone();
        Box::pin(async move {
            locks.way().await;
            let (id, group, mode) = (locks.manager.id(), locks.group, Mode::Shared);
            locks
                .manager
                .present
                .borrow_mut()
                .push(Holder { id, group, mode });
            let presence = locks.lock(id);
            locks.way().await;
            Some(presence)
        })
    }

    fn has_company(&self) -> LocalFuture<bool> {
        let locks = self.clone();
        Box::pin(async move {
            locks.way().await;
            let has_company = locks
                .manager
                .present
                .borrow()
                .iter()
                .any(|holder| holder.group != locks.group);
            locks.way().await;
            has_company
        })
    }
}

impl Lock for FakeLock {
    fn tenure(&self) -> LocalFuture<Tenure> {
        let (locks, id) = (self.locks.clone(), self.id);
        Box::pin(async move {
            locks.way().await;
            let is_held = locks
                .manager
                .holders
                .borrow()
                .iter()
                .any(|holder| holder.id == id);
            let tenure = match is_held {
                false => Tenure::Lost,
                true if locks.manager.waiting.borrow().is_empty() => Tenure::Held,
                true => Tenure::Wanted,
            };
            locks.way().await;
            tenure
        })
    }
}

impl Drop for FakeLock {
    fn drop(&mut self) {
        self.locks.manager.release(self.id);
    }
}
