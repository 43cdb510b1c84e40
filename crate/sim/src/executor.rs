//! A single-threaded executor on virtual time whose every choice comes from a seed.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::ops::Range;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use plinth_core::words::LocalFuture;

/// Names a group of tasks that can be killed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupId(u64);

type TaskId = u64;

struct Task {
    group: GroupId,
    future: LocalFuture<()>,
}

/// Tasks that asked to be polled. Wakers have to be thread-safe, though there is one thread.
type ReadyQueue = Arc<Mutex<Vec<TaskId>>>;

struct TaskWaker {
    id: TaskId,
    ready: ReadyQueue,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if !ready.contains(&self.id) {
            ready.push(self.id);
        }
    }
}

struct Inner {
    seed: u64,
    now_us: Cell<u64>,
    random: RefCell<fastrand::Rng>,
    tasks: RefCell<BTreeMap<TaskId, Task>>,
    killed: RefCell<Vec<GroupId>>,
    frozen: RefCell<Vec<GroupId>>,
    ready: ReadyQueue,
    /// By time, then by order of creation.
    timers: RefCell<BTreeMap<(u64, u64), Waker>>,
    next_id: Cell<u64>,
    trace: Cell<u64>,
}

/// A simulated world. Clones are the same world.
#[derive(Clone)]
pub struct Simulation {
    inner: Rc<Inner>,
}

/// The group of tasks that are never killed.
const WORLD: GroupId = GroupId(0);

impl Simulation {
    /// A world in which everything follows from this seed.
    pub fn new(seed: u64) -> Simulation {
        Simulation {
            inner: Rc::new(Inner {
                seed,
                now_us: Cell::new(0),
                random: RefCell::new(fastrand::Rng::with_seed(seed)),
                tasks: RefCell::default(),
                killed: RefCell::default(),
                frozen: RefCell::default(),
                ready: ReadyQueue::default(),
                timers: RefCell::default(),
                next_id: Cell::new(1),
                trace: Cell::new(seed),
            }),
        }
    }

    /// The seed, for messages.
    pub fn seed(&self) -> u64 {
        self.inner.seed
    }

    /// Microseconds since the world began.
    pub fn now_us(&self) -> u64 {
        self.inner.now_us.get()
    }

    /// A hash of everything that was run, in its order and at its time.
    pub fn trace(&self) -> u64 {
        self.inner.trace.get()
    }

    /// 64 random bits.
    pub fn random_u64(&self) -> u64 {
        self.inner.random.borrow_mut().u64(..)
    }

    /// A random number of a range.
    pub fn random_in(&self, range: Range<u64>) -> u64 {
        self.inner.random.borrow_mut().u64(range)
    }

    /// True once in `odds` times; never if `odds` is 0.
    pub fn one_in(&self, odds: u64) -> bool {
        odds > 0 && self.random_in(0..odds) == 0
    }

    /// A new group of tasks.
    pub fn new_group(&self) -> GroupId {
        GroupId(self.next_id())
    }

    /// Drops every task of a group, at whatever point it is. The running task is dropped when it next
    /// waits.
    pub fn kill(&self, group: GroupId) {
        assert!(group != WORLD, "the world can't be killed");
        let killed: Vec<Task> = {
            let mut tasks = self.inner.tasks.borrow_mut();
            let ids: Vec<TaskId> = tasks
                .iter()
                .filter(|(_, task)| task.group == group)
                .map(|(&id, _)| id)
                .collect();
            ids.iter().filter_map(|id| tasks.remove(id)).collect()
        };
        self.inner.killed.borrow_mut().push(group);
        drop(killed);
    }

    /// Keeps the tasks of a group from running until `thaw`, as a browser does with a frozen page.
    pub fn freeze(&self, group: GroupId) {
        self.inner.frozen.borrow_mut().push(group);
    }

    /// Lets a frozen group run again.
    pub fn thaw(&self, group: GroupId) {
        self.inner.frozen.borrow_mut().retain(|frozen| *frozen != group);
    }

    /// Runs a task in a group.
    pub fn spawn_in(&self, group: GroupId, future: LocalFuture<()>) {
        if self.inner.killed.borrow().contains(&group) {
            return;
        }
        let id = self.next_id();
        self.inner.tasks.borrow_mut().insert(id, Task { group, future });
        self.waker(id).wake();
    }

    /// Runs a task that nothing kills; its result can be awaited.
    pub fn spawn<T: 'static, F: Future<Output = T> + 'static>(
        &self,
        future: F,
    ) -> impl Future<Output = T> + use<T, F> {
        let result = self.spawn_killable(WORLD, future);
        async move { result.await.expect("nothing kills the world") }
    }

    /// Runs a task in a group; its result can be awaited, and is `None` when the group was killed.
    pub fn spawn_killable<T: 'static, F: Future<Output = T> + 'static>(
        &self,
        group: GroupId,
        future: F,
    ) -> impl Future<Output = Option<T>> + use<T, F> {
        let slot = Rc::new(RefCell::new(Slot {
            value: None,
            waker: None,
            is_closed: false,
        }));
        let filler = Filler(Rc::clone(&slot));
        let task = async move {
            let value = future.await;
            filler.0.borrow_mut().value = Some(value);
            drop(filler);
        };
        self.spawn_in(group, Box::pin(task));
        poll_fn(move |context| {
            let mut slot = slot.borrow_mut();
            if slot.is_closed {
                return Poll::Ready(slot.value.take());
            }
            slot.waker = Some(context.waker().clone());
            Poll::Pending
        })
    }

    /// Completes after so many microseconds of virtual time.
    pub fn sleep(&self, duration_us: u64) -> impl Future<Output = ()> + use<> {
        let world = self.clone();
        let until = self.now_us() + duration_us;
        poll_fn(move |context| {
            if world.now_us() >= until {
                return Poll::Ready(());
            }
            let key = (until, world.next_id());
            world
                .inner
                .timers
                .borrow_mut()
                .insert(key, context.waker().clone());
            Poll::Pending
        })
    }

    /// Completes after a random time below `limit_us`.
    pub fn sleep_below(&self, limit_us: u64) -> impl Future<Output = ()> + use<> {
        self.sleep(self.random_in(0..limit_us.max(1)))
    }

    /// Runs the world until this future is done.
    ///
    /// # Panics
    /// When nothing can happen any more and the future is not done: something waits for ever.
    pub fn run<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> T {
        let result = Rc::new(RefCell::new(None));
        let slot = Rc::clone(&result);
        self.spawn_in(
            WORLD,
            Box::pin(async move {
                let value = future.await;
                *slot.borrow_mut() = Some(value);
            }),
        );
        loop {
            if let Some(value) = result.borrow_mut().take() {
                return value;
            }
            assert!(
                self.step(),
                "seed {}: everything waits and nothing will happen",
                self.seed()
            );
        }
    }

    /// Drops every task. Tasks hold the world and the world its tasks: without this a world is never freed.
    pub fn abandon(&self) {
        self.inner.timers.borrow_mut().clear();
        loop {
            let task = self.inner.tasks.borrow_mut().pop_first();
            if task.is_none() {
                return;
            }
        }
    }

    /// Runs one task that is ready, or lets time pass to the next timer; false if there is neither.
    pub fn step(&self) -> bool {
        let chosen = {
            let mut ready = self.inner.ready.lock().unwrap_or_else(PoisonError::into_inner);
            let place = if self.inner.frozen.borrow().is_empty() {
                let count = ready.len() as u64;
                (count > 0).then(|| self.random_in(0..count) as usize)
            } else {
                let runnable = self.runnable(&ready);
                let count = runnable.len() as u64;
                let chosen = (count > 0).then(|| runnable.get(self.random_in(0..count) as usize).copied());
                chosen.flatten()
            };
            place.map(|place| ready.swap_remove(place))
        };
        match chosen {
            Some(id) => self.poll_task(id),
            None => return self.advance(),
        }
        true
    }

    /// When the next step will be: now, or when the next timer is due; `None` if there is none.
    pub fn next_us(&self) -> Option<u64> {
        let ready = self.inner.ready.lock().unwrap_or_else(PoisonError::into_inner);
        let is_any_runnable = match self.inner.frozen.borrow().is_empty() {
            true => !ready.is_empty(),
            false => !self.runnable(&ready).is_empty(),
        };
        if is_any_runnable {
            return Some(self.now_us());
        }
        let timers = self.inner.timers.borrow();
        let (&(time, _), _) = timers.first_key_value()?;
        Some(time.max(self.now_us()))
    }

    /// The places of the tasks that are not frozen.
    fn runnable(&self, ready: &[TaskId]) -> Vec<usize> {
        let (tasks, frozen) = (self.inner.tasks.borrow(), self.inner.frozen.borrow());
        let is_frozen = |id: &TaskId| tasks.get(id).is_some_and(|task| frozen.contains(&task.group));
        (0..ready.len())
            .filter(|&place| ready.get(place).is_some_and(|id| !is_frozen(id)))
            .collect()
    }

    fn poll_task(&self, id: TaskId) {
        let Some(mut task) = self.inner.tasks.borrow_mut().remove(&id) else {
            return;
        };
        self.record(id);
        let waker = self.waker(id);
        let done = task
            .future
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_ready();
        let is_killed = self.inner.killed.borrow().contains(&task.group);
        if !done && !is_killed {
            self.inner.tasks.borrow_mut().insert(id, task);
        }
    }

    fn advance(&self) -> bool {
        let Some(((time, _), waker)) = self.inner.timers.borrow_mut().pop_first() else {
            return false;
        };
        self.inner.now_us.set(self.now_us().max(time));
        waker.wake();
        true
    }

    fn record(&self, id: TaskId) {
        let mixed = self.inner.trace.get() ^ id ^ self.now_us().rotate_left(32);
        self.inner
            .trace
            .set(mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(27));
    }

    fn next_id(&self) -> u64 {
        let id = self.inner.next_id.get();
        self.inner.next_id.set(id + 1);
        id
    }

    fn waker(&self, id: TaskId) -> Waker {
        Arc::new(TaskWaker {
            id,
            ready: Arc::clone(&self.inner.ready),
        })
        .into()
    }
}

/// Where a task leaves its result.
struct Slot<T> {
    value: Option<T>,
    waker: Option<Waker>,
    is_closed: bool,
}

/// Closes the slot when the task is done, or dropped before.
struct Filler<T>(Rc<RefCell<Slot<T>>>);

impl<T> Drop for Filler<T> {
    fn drop(&mut self) {
        let mut slot = self.0.borrow_mut();
        slot.is_closed = true;
        if let Some(waker) = slot.waker.take() {
            waker.wake();
        }
    }
}

/// The seeds that a test runs: `count` from a base that the environment variable `PLINTH_SEED`
/// replaces, in which case it is the only one. Each is printed by the test that fails with it.
pub fn seeds(count: u64) -> Vec<u64> {
    match std::env::var("PLINTH_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
    {
        Some(seed) => vec![seed],
        None => (0..count).collect(),
    }
}

/// As [`seeds`], but the environment variable `PLINTH_STEPS` says how many, for tests that are worth
/// running for as long as one can wait.
pub fn program_seeds(count: u64) -> Vec<u64> {
    let steps = std::env::var("PLINTH_STEPS").ok();
    seeds(steps.and_then(|steps| steps.parse().ok()).unwrap_or(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(seed: u64) -> (Vec<u32>, u64, u64) {
        let world = Simulation::new(seed);
        let order = Rc::new(RefCell::new(Vec::new()));
        for number in 0..10 {
            let (task_world, order) = (world.clone(), Rc::clone(&order));
            world.spawn_in(
                WORLD,
                Box::pin(async move {
                    task_world.sleep_below(3).await;
                    order.borrow_mut().push(number);
                }),
            );
        }
        let end = world.clone();
        world.run(async move { end.sleep(10).await });
        (order.take(), world.trace(), world.now_us())
    }

    #[test]
    fn a_seed_determines_the_order_of_everything_and_seeds_differ() {
        assert_eq!(order(1), order(1));
        assert_ne!(order(1).0, order(2).0);
    }

    #[test]
    fn a_killed_group_never_runs_again() {
        let world = Simulation::new(1);
        let group = world.new_group();
        let ran = Rc::new(Cell::new(false));
        let (task_world, flag) = (world.clone(), Rc::clone(&ran));
        world.spawn_in(
            group,
            Box::pin(async move {
                task_world.sleep(5).await;
                flag.set(true);
            }),
        );
        let killer = world.clone();
        world.run(async move {
            killer.sleep(2).await;
            killer.kill(group);
            killer.sleep(10).await;
        });
        assert!(!ran.get());
    }
}
