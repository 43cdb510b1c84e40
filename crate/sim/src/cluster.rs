//! Several peers of one database in one simulated world, and what a browser does to them: pages are hidden,
//! frozen, put away and killed, the browser itself dies, connections are lost, the database is deleted or
//! thrown away, messages are lost, late, repeated and out of order.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use plinth_core::engine::{Engine, EngineOptions, Locks, News};
use plinth_core::storage::LogEntry;
#[cfg(feature = "canaries")]
use plinth_core::words::Canary;
use plinth_core::words::SequenceNumber;
use plinth_core::{Database, Error, ErrorCode, Result};

use crate::disk::Disk;
use crate::executor::{GroupId, Simulation};
use crate::fake_locks::{FakeLocks, LockManager};
use crate::happenings::{Happening, HappeningKind, Happenings};
use crate::peer_env::{PeerEnv, Perturbations, WallClock};
use crate::simulated_storage::{Connection, Death, Faults, SimulatedStorage};
use crate::transaction_queue::TransactionQueue;

/// What the world does to its peers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClusterOptions {
    /// Of the storage.
    pub faults: Faults,
    /// Longest delay of a piece of news.
    pub news_delay_us: u64,
    /// News that never arrive: one in so many; 0 is never.
    pub news_loss_odds: u64,
    /// News that arrive twice.
    pub news_repeat_odds: u64,
    /// News of a log that does not exist, sent along with true ones.
    pub news_forgery_odds: u64,
    /// Peers have no lock: none of them is ever alone.
    pub without_locks: bool,
    /// How far wall clocks are apart.
    pub wall_clock_spread_us: u64,
    /// How much too fast or slow they may run, in millionths.
    pub wall_clock_drift: u64,
    /// Of every peer.
    pub engine: EngineOptions,
    /// What peers suffer.
    pub perturbations: Perturbations,
    /// The fault planted in every peer.
    #[cfg(feature = "canaries")]
    pub canary: Option<Canary>,
}

impl ClusterOptions {
    /// Delays, failures, lost answers, lost news and clocks a minute apart.
    pub fn hostile() -> ClusterOptions {
        ClusterOptions {
            faults: Faults {
                delay_us: 2_000,
                io_error_odds: 60,
                lost_answer_odds: 20,
                ..Faults::default()
            },
            news_delay_us: 5_000,
            news_loss_odds: 3,
            wall_clock_spread_us: 60_000_000,
            ..ClusterOptions::default()
        }
    }
}

/// Who hears news, for as long as it lives.
type Listener = (GroupId, Weak<Engine<SimulatedStorage>>);

/// The peers and what they share.
#[derive(Clone)]
pub struct Cluster {
    world: Simulation,
    disk: Disk,
    queue: TransactionQueue,
    options: ClusterOptions,
    faults: Rc<Cell<Faults>>,
    perturbations: Rc<Cell<Perturbations>>,
    listening: Rc<RefCell<Vec<Listener>>>,
    /// Every peer that was begun to be opened and not killed.
    groups: Rc<RefCell<Vec<GroupId>>>,
    next_lane: Rc<Cell<usize>>,
    locks: Rc<LockManager>,
    happenings: Happenings,
}

/// An open peer.
#[derive(Clone)]
pub struct Peer {
    /// Its database.
    pub database: Database<SimulatedStorage>,
    env: Rc<PeerEnv>,
    connection: Rc<Connection>,
    opening_operations: u64,
}

impl Peer {
    /// How many storage operations opening took.
    pub fn opening_operations(&self) -> u64 {
        self.opening_operations
    }

    /// How many storage operations it has begun.
    pub fn operations(&self) -> u64 {
        self.connection.operations()
    }

    /// Its connection to the storage.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Its number, counted from the first peer that was opened.
    pub fn lane(&self) -> usize {
        self.env.lane
    }

    /// Moves the peer's wall clock.
    pub fn set_wall_clock_offset(&self, offset_us: i64) {
        self.env.wall_clock.set_offset(offset_us);
    }

    /// Stops the peer's wall clock, or lets it go on.
    pub fn stop_wall_clock(&self, is_stopped: bool) {
        let now_us = self.env.world.now_us();
        self.env.wall_clock.stop(is_stopped.then_some(now_us));
    }
}

impl Cluster {
    /// A new, empty database.
    pub fn new(world: &Simulation, options: ClusterOptions) -> Cluster {
        Cluster {
            world: world.clone(),
            disk: Disk::default(),
            queue: TransactionQueue::default(),
            options,
            faults: Rc::new(Cell::new(options.faults)),
            perturbations: Rc::new(Cell::new(options.perturbations)),
            listening: Rc::default(),
            groups: Rc::default(),
            next_lane: Rc::default(),
            locks: Rc::default(),
            happenings: Happenings::default(),
        }
    }

    /// Peers of their own over a disk that is there already.
    pub fn over(world: &Simulation, disk: &Disk, options: ClusterOptions) -> Cluster {
        Cluster {
            disk: disk.clone(),
            ..Cluster::new(world, options)
        }
    }

    /// Another, empty database in this world. What its peers suffer is what the peers of this one do, now and
    /// later.
    pub fn another(&self) -> Cluster {
        Cluster {
            faults: Rc::clone(&self.faults),
            perturbations: Rc::clone(&self.perturbations),
            ..Cluster::new(&self.world, self.options)
        }
    }

    /// The same database for peers with other options.
    pub fn with_engine(&self, engine: EngineOptions) -> Cluster {
        let mut other = self.clone();
        other.options.engine = engine;
        other
    }

    /// The same database for peers whose storage is unreliable in another way, now and later.
    pub fn with_faults(&self, faults: Faults) -> Cluster {
        Cluster {
            faults: Rc::new(Cell::new(faults)),
            ..self.clone()
        }
    }

    /// The world.
    pub fn world(&self) -> &Simulation {
        &self.world
    }

    /// What is stored.
    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    /// The lock that the peers share.
    pub fn locks(&self) -> &LockManager {
        &self.locks
    }

    /// What has happened so far.
    pub fn happenings(&self) -> &Happenings {
        &self.happenings
    }

    /// Something happened to the world.
    pub fn note(&self, what: &'static str) {
        self.note_of(None, HappeningKind::Other, what);
    }

    /// Something of this kind happened to the peer with this number, or to the world.
    pub(crate) fn note_of(&self, lane: Option<usize>, kind: HappeningKind, what: &'static str) {
        self.happenings.note(Happening {
            time_us: self.world.now_us(),
            lane,
            kind,
            what,
        });
    }

    /// The number of the peer that will be opened next.
    pub(crate) fn next_lane(&self) -> usize {
        self.next_lane.get()
    }

    /// Changes how unreliable the storage is, for every peer, from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.faults.set(faults);
    }

    /// Changes what peers suffer, from now on.
    pub fn set_perturbations(&self, perturbations: Perturbations) {
        self.perturbations.set(perturbations);
    }

    /// The whole log from the first entry on, with what folds deleted.
    pub fn whole_log(&self) -> Vec<LogEntry> {
        self.disk.whole_log()
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
        self.groups.borrow_mut().push(group);
        let env = Rc::new(self.env(group));
        let storage = self.storage_of(Some(env.lane), death);
        let connection = storage.connection();
        let news = ClusterNews {
            cluster: self.clone(),
            sender: group,
            lane: env.lane,
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
        // In the peer's own group: whoever kills it while it opens ends that too.
        let opening = Database::open_with(storage, surroundings, Box::new(news), locks, engine);
        let own = Rc::clone(&connection);
        let opening = async move { Ok((opening.await?, own.operations())) };
        let opened = self.world.spawn_killable(group, opening).await;
        let gone = || {
            Error::new(
                ErrorCode::OperationCancelled,
                "the peer was killed while it opened",
            )
        };
        let (database, opening_operations) = opened.unwrap_or_else(|| Err(gone()))?;
        self.listening
            .borrow_mut()
            .push((group, Rc::downgrade(database.engine())));
        Ok(Peer {
            database,
            env,
            connection,
            opening_operations,
        })
    }

    /// A storage of its own, without a peer.
    pub fn storage(&self) -> SimulatedStorage {
        self.storage_of(None, None)
    }

    fn storage_of(&self, lane: Option<usize>, death: Option<Death>) -> SimulatedStorage {
        let cluster = self.clone();
        let note = Box::new(move |what| cluster.note_of(lane, HappeningKind::Storage, what));
        SimulatedStorage::new(&self.world, &self.disk, &self.queue, &self.faults, death, note)
    }

    fn env(&self, group: GroupId) -> PeerEnv {
        let around = |spread: u64| self.world.random_in(0..2 * spread + 1) as i64 - spread as i64;
        let wall_clock = WallClock::default();
        wall_clock.set_offset(around(self.options.wall_clock_spread_us));
        wall_clock.set_drift(around(self.options.wall_clock_drift));
        let lane = self.next_lane.get();
        self.next_lane.set(lane + 1);
        PeerEnv {
            world: self.world.clone(),
            group,
            lane,
            wall_clock,
            monotonic_origin_us: self.world.random_in(0..1 << 40),
            perturbations: Rc::clone(&self.perturbations),
            happenings: self.happenings.clone(),
            #[cfg(feature = "canaries")]
            canary: self.options.canary,
        }
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
        self.kill_group(peer.env.group);
    }

    fn kill_group(&self, group: GroupId) {
        self.groups.borrow_mut().retain(|other| *other != group);
        self.listening.borrow_mut().retain(|(other, _)| *other != group);
        self.world.kill(group);
        self.locks.forget(group);
    }

    /// The browser dies, with every peer and the newest `lost` transactions that were not durable.
    pub fn crash_browser(&self, lost: usize) {
        self.disk.begin_to_die();
        for group in self.groups.take() {
            self.kill_group(group);
        }
        self.disk.crash(lost);
    }

    /// Stops a peer where it is, with what it holds, until `thaw`.
    pub fn freeze(&self, peer: &Peer) {
        self.world.freeze(peer.env.group);
    }

    /// Lets a frozen peer go on.
    pub fn thaw(&self, peer: &Peer) {
        self.world.thaw(peer.env.group);
    }

    /// Another tab deletes the database: every peer is told and makes room.
    pub fn delete_database(&self, peers: &[Peer]) {
        for peer in peers {
            peer.connection.supersede();
            let detail = "the database was deleted in another tab";
            let error = Error::new(ErrorCode::FileNotFound, detail);
            peer.database.engine().fail(&error);
        }
        self.disk.evict();
    }

    /// The browser throws the database away, and closes the connections to it.
    pub fn evict_database(&self, peers: &[Peer]) {
        for peer in peers {
            peer.connection.lose();
        }
        self.disk.evict();
    }
}

struct ClusterNews {
    cluster: Cluster,
    sender: GroupId,
    /// The sender's number.
    lane: usize,
}

impl News for ClusterNews {
    fn publish(&self, tail: SequenceNumber) {
        self.tell(move |engine| engine.hear(tail));
        let Cluster { world, options, .. } = &self.cluster;
        if world.one_in(options.news_forgery_odds) {
            self.note("forged news were sent");
            let forged = SequenceNumber::new(world.random_in(0..1 << 20));
            self.tell(move |engine| engine.hear(forged));
        }
    }

    fn hello(&self) {
        self.tell(Engine::hear_hello);
    }
}

impl ClusterNews {
    fn note(&self, what: &'static str) {
        self.cluster.note_of(Some(self.lane), HappeningKind::News, what);
    }

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
                self.note("news were lost");
                continue;
            }
            let copies = 1 + u64::from(world.one_in(options.news_repeat_odds));
            if copies > 1 {
                self.note("news were sent twice");
            }
            for _ in 0..copies {
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
}
