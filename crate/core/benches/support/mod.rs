//! A database in memory on a real clock, and the smallest executor that can run it.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use plinth_core::client::{Database, Transaction, TransactionOptions};
use plinth_core::engine::News;
use plinth_core::storage::MemoryStorage;
use plinth_core::words::{Env, LocalFuture, SequenceNumber};

/// The surroundings: real clocks, and tasks that run when somebody waits.
struct BenchEnv {
    origin: Instant,
    tasks: RefCell<Vec<LocalFuture<()>>>,
    random: Cell<u64>,
}

impl Env for BenchEnv {
    fn monotonic_us(&self) -> u64 {
        self.origin.elapsed().as_micros() as u64
    }

    fn unix_us(&self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.unwrap_or_default().as_micros() as u64
    }

    fn random_u64(&self) -> u64 {
        self.random.set(
            self.random
                .get()
                .wrapping_mul(0x5851_f42d_4c95_7f2d)
                .wrapping_add(1),
        );
        self.random.get()
    }

    fn sleep(&self, _duration_us: u64) -> LocalFuture<()> {
        unreachable!("nothing here is retried or times out")
    }

    fn spawn(&self, task: LocalFuture<()>) {
        self.tasks.borrow_mut().push(task);
    }
}

struct NobodyListens;

impl News for NobodyListens {
    fn publish(&self, _tail: SequenceNumber) {}

    fn hello(&self) {}
}

pub(crate) type Tn = Rc<Transaction<MemoryStorage>>;

/// A database to be measured.
pub(crate) struct Bench {
    database: Database<MemoryStorage>,
    env: Rc<BenchEnv>,
}

impl Bench {
    /// An empty database.
    pub(crate) fn new() -> Bench {
        let env = Rc::new(BenchEnv {
            origin: Instant::now(),
            tasks: RefCell::default(),
            random: Cell::new(7),
        });
        let surroundings = Rc::clone(&env) as Rc<dyn Env>;
        let opening = Database::open(MemoryStorage::new(), surroundings, Box::new(NobodyListens), None);
        let database = run_on(&env, opening).expect("memory opens");
        Bench { database, env }
    }

    /// A database of so many rows, 16 bytes of key and of value each.
    pub(crate) fn with_rows(count: u32) -> Bench {
        let bench = Bench::new();
        let numbers: Vec<u32> = (0..count).collect();
        for some in numbers.chunks(10_000) {
            let transaction = bench.begin();
            for &number in some {
                transaction.set(&key(number), &[7; 16]).expect("legal");
            }
            bench.commit(&transaction);
        }
        bench
    }

    pub(crate) fn begin(&self) -> Tn {
        self.database.create_transaction(TransactionOptions::default())
    }

    pub(crate) fn commit(&self, transaction: &Tn) {
        self.run(transaction.commit()).expect("nothing conflicts");
    }

    /// Runs a future and everything that it sets going.
    pub(crate) fn run<T>(&self, future: impl IntoFuture<Output = T>) -> T {
        run_on(&self.env, future)
    }
}

fn run_on<T>(env: &BenchEnv, future: impl IntoFuture<Output = T>) -> T {
    let mut future = pin!(future.into_future());
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        let mut tasks = env.tasks.take();
        tasks.retain_mut(|task| task.as_mut().poll(&mut context).is_pending());
        env.tasks.borrow_mut().append(&mut tasks);
    }
}

/// The key of a row.
pub(crate) fn key(number: u32) -> Vec<u8> {
    format!("row/{number:012}").into_bytes()
}
