//! Several peers of one database in one simulated world.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use plinth_core::engine::{Engine, EngineOptions, Locks, News};
use plinth_core::storage::{LogEntry, MemoryStorage, Storage};
use plinth_core::words::SequenceNumber;
use plinth_core::{Database, ErrorCode, Result};

use crate::executor::{GroupId, Simulation};
use crate::fake_locks::{FakeLocks, LockManager};
use crate::peer_env::PeerEnv;
use crate::simulated_storage::{Archive, Death, Faults, SimulatedStorage};

/// What the world does to its peers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClusterOptions {
    /// Of the storage.
    pub faults: Faults,
    /// Longest delay of a piece of news.
    pub news_delay_us: u64,
    /// News that never arrive: one in so many; 0 is never.
    pub news_loss_odds: u64,
    /// Peers have no lock: none of them is ever alone.
    pub without_locks: bool,
    /// How far wall clocks are apart.
    pub wall_clock_spread_us: u64,
    /// Of every peer.
    pub engine: EngineOptions,
}

impl ClusterOptions {
    /// Delays, failures, lost answers, lost news and clocks a minute apart.
    pub fn hostile() -> ClusterOptions {
        ClusterOptions {
            faults: Faults {
                delay_us: 2_000,
                io_error_odds: 60,
                lost_answer_odds: 20,
            },
            news_delay_us: 5_000,
            news_loss_odds: 3,
            wall_clock_spread_us: 60_000_000,
            without_locks: false,
            engine: EngineOptions::default(),
        }
    }
}

/// Who hears news, for as long as it lives.
type Listener = (GroupId, Weak<Engine<SimulatedStorage>>);

/// The peers and what they share.
#[derive(Clone)]
pub struct Cluster {
    world: Simulation,
    memory: MemoryStorage,
    archive: Archive,
    options: ClusterOptions,
    listening: Rc<RefCell<Vec<Listener>>>,
    locks: Rc<LockManager>,
}

/// An open peer.
#[derive(Clone)]
pub struct Peer {
    /// Its database.
    pub database: Database<SimulatedStorage>,
    env: Rc<PeerEnv>,
    operations: Rc<Cell<u64>>,
}

impl Peer {
    /// How many storage operations it has begun.
    pub fn operations(&self) -> u64 {
        self.operations.get()
    }

    /// Moves the peer's wall clock.
    pub fn set_wall_clock_offset(&self, offset_us: i64) {
        self.env.wall_clock_offset_us.set(offset_us);
    }
}

impl Cluster {
    /// A new, empty database.
    pub fn new(world: &Simulation, options: ClusterOptions) -> Cluster {
        Cluster {
            world: world.clone(),
            memory: MemoryStorage::new(),
            archive: Archive::default(),
            options,
            listening: Rc::default(),
            locks: Rc::default(),
        }
    }

    /// The same database for peers with other options.
    pub fn with_engine(&self, engine: EngineOptions) -> Cluster {
        let mut other = self.clone();
        other.options.engine = engine;
        other
    }

    /// The world.
    pub fn world(&self) -> &Simulation {
        &self.world
    }

    /// The storage beneath the faults.
    pub fn memory(&self) -> &MemoryStorage {
        &self.memory
    }

    /// The lock that the peers share.
    pub fn locks(&self) -> &LockManager {
        &self.locks
    }

    /// The whole log from the first entry on, with what folds deleted.
    pub async fn whole_log(&self) -> Vec<LogEntry> {
        let mut entries = self.archive.borrow().clone();
        let rest = self.memory.read_log(SequenceNumber::ZERO, usize::MAX).await;
        for entry in rest.expect("memory can be read").entries {
            let earlier = entries.insert(entry.sequence, entry.bytes);
            assert_eq!(earlier, None, "a number was given twice");
        }
        entries
            .into_iter()
            .map(|(sequence, bytes)| LogEntry { sequence, bytes })
            .collect()
    }

    /// Opens a peer.
    ///
    /// # Errors
    /// Those of opening; among them simulated ones.
    pub async fn try_open(&self) -> Result<Peer> {
        self.try_open_mortal(None).await
    }

    /// Opens a peer that is to die at a storage operation.
    ///
    /// # Errors
    /// Those of opening; among them simulated ones.
    pub async fn try_open_mortal(&self, death: Option<Death>) -> Result<Peer> {
        let group = self.world.new_group();
        let spread = self.options.wall_clock_spread_us;
        let offset = self.world.random_in(0..2 * spread + 1) as i64 - spread as i64;
        let env = Rc::new(PeerEnv {
            world: self.world.clone(),
            group,
            wall_clock_offset_us: Cell::new(offset),
        });
        let faults = self.options.faults;
        let storage = SimulatedStorage::new(&self.world, &self.memory, &self.archive, faults, death);
        let operations = storage.operations();
        let news = ClusterNews {
            cluster: self.clone(),
            sender: group,
        };
        let locks: Option<Box<dyn Locks>> = if self.options.without_locks {
            None
        } else {
            Some(Box::new(FakeLocks {
                world: self.world.clone(),
                manager: Rc::clone(&self.locks),
                group,
                delay_us: 500,
            }))
        };
        let surroundings = Rc::clone(&env) as _;
        let engine = self.options.engine;
        let database = Database::open_with(storage, surroundings, Box::new(news), locks, engine).await?;
        self.listening
            .borrow_mut()
            .push((group, Rc::downgrade(database.engine())));
        Ok(Peer {
            database,
            env,
            operations,
        })
    }

    /// Opens a peer, trying again after simulated failures.
    ///
    /// # Panics
    /// When the database is damaged.
    pub async fn open(&self) -> Peer {
        loop {
            match self.try_open().await {
                Ok(peer) => return peer,
                // Else a run on a damaged database would never end.
                Err(error) => assert_ne!(error.code(), ErrorCode::FileCorrupt, "{error}"),
            }
            self.world.sleep(1_000).await;
        }
    }

    /// Runs a client's code in a peer: it dies with it, and its result is `None` then.
    pub fn run_in<T: 'static, F: Future<Output = T> + 'static>(
        &self,
        peer: &Peer,
        future: F,
    ) -> impl Future<Output = Option<T>> + use<T, F> {
        self.world.spawn_killable(peer.env.group, future)
    }

    /// Ends a peer at once, with whatever it had under way.
    pub fn kill(&self, peer: &Peer) {
        self.listening
            .borrow_mut()
            .retain(|(group, _)| *group != peer.env.group);
        self.world.kill(peer.env.group);
        self.locks.forget(peer.env.group);
    }

    /// Stops a peer where it is, with what it holds, until `thaw`.
    pub fn freeze(&self, peer: &Peer) {
        self.world.freeze(peer.env.group);
    }

    /// Lets a frozen peer go on.
    pub fn thaw(&self, peer: &Peer) {
        self.world.thaw(peer.env.group);
    }
}

struct ClusterNews {
    cluster: Cluster,
    sender: GroupId,
}

impl News for ClusterNews {
    fn publish(&self, tail: SequenceNumber) {
        self.tell(move |engine| engine.hear(tail));
    }

    fn hello(&self) {
        self.tell(Engine::hear_hello);
    }
}

impl ClusterNews {
    fn tell(&self, hear: impl Fn(&Rc<Engine<SimulatedStorage>>) + Copy + 'static) {
        let Cluster {
            world,
            options,
            listening,
            ..
        } = &self.cluster;
        for (group, engine) in listening
            .borrow()
            .iter()
            .filter(|(group, _)| *group != self.sender)
        {
            if world.one_in(options.news_loss_odds) {
                continue;
            }
            let (delay, engine) = (world.sleep_below(options.news_delay_us), engine.clone());
            world.spawn_in(
                *group,
                Box::pin(async move {
                    delay.await;
                    if let Some(engine) = engine.upgrade() {
                        hear(&engine);
                    }
                }),
            );
        }
    }
}
