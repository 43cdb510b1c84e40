//! Random programs of many interleaved transactions on several hostile peers are strictly
//! serializable: each is checked against a plain sorted map replaying the log.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod support;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use plinth_core::engine::{EngineOptions, FoldOptions};
use plinth_core::pure::PageOptions;
use plinth_core::words::{KeySelector, RangeOptions, Version};
use plinth_core::{Error, ErrorCode, Result, TransactionOptions};
use plinth_sim::{Cluster, ClusterOptions, History, Observation, Operation, Outcome, Peer, Simulation};
use plinth_sim::{marker_key, seeds};
use support::is_void;

const PEERS: usize = 3;
const CLIENTS: u64 = 4;
const TRANSACTIONS_PER_CLIENT: u64 = 12;

/// What all clients of a run share.
struct Shared {
    cluster: Cluster,
    peers: RefCell<Vec<Peer>>,
    history: RefCell<History>,
    acknowledged: Cell<Version>,
    next_marker: Cell<u64>,
}

fn selector(key: &[u8]) -> KeySelector {
    KeySelector::first_greater_or_equal(key)
}

fn random_key(world: &Simulation) -> Vec<u8> {
    format!("k{}", world.random_in(0..8)).into_bytes()
}

fn random_bounds(world: &Simulation) -> (Vec<u8>, Vec<u8>) {
    let (one, other) = (random_key(world), random_key(world));
    if one < other { (one, other) } else { (other, one) }
}

/// What is known of a transaction so far; becomes part of the history however it ends.
struct Seen {
    shared: Rc<Shared>,
    observation: Observation,
}

impl Drop for Seen {
    fn drop(&mut self) {
        self.shared
            .history
            .borrow_mut()
            .observations
            .push(self.observation.clone());
    }
}

/// One attempt of a random transaction.
async fn random_transaction(shared: Rc<Shared>, peer: Peer) {
    let world = shared.cluster.world().clone();
    let marker = shared.next_marker.get();
    shared.next_marker.set(marker + 1);
    let mut seen = Seen {
        shared: Rc::clone(&shared),
        observation: Observation {
            marker,
            acknowledged_before: shared.acknowledged.get(),
            read_version: None,
            operations: Vec::new(),
            outcome: Outcome::Failed,
        },
    };
    let transaction = peer.database.create_transaction(TransactionOptions::default());
    let mut operations = Vec::new();
    // Reads whose answers are not awaited before later calls: each must see the writes of its call.
    let mut pending = Vec::new();
    let mut result: Result<()> = Ok(());
    let mut writes = false;
    for _ in 0..world.random_in(1..7) {
        match world.random_in(0..6) {
            0 | 1 => {
                let key = random_key(&world);
                pending.push((operations.len(), transaction.get(&key, false)));
                operations.push(Operation::Get(key, None));
            }
            2 => {
                let (begin, end) = random_bounds(&world);
                let limit = world.random_in(0..4) as usize;
                let reverse = world.one_in(2);
                let options = RangeOptions {
                    limit,
                    reverse,
                    ..RangeOptions::default()
                };
                let rows = transaction.get_range(&selector(&begin), &selector(&end), options);
                let index = operations.len();
                operations.push(Operation::Range(begin, end, limit, reverse, Vec::new()));
                match rows.await {
                    Ok(rows) => {
                        let rows = rows
                            .rows
                            .into_iter()
                            .map(|(k, v)| (k.to_vec(), v.to_vec()))
                            .collect();
                        if let Operation::Range(.., answer) = &mut operations[index] {
                            *answer = rows;
                        }
                    }
                    Err(error) => result = Err(error),
                }
            }
            3 | 4 => {
                let (key, value) = (
                    random_key(&world),
                    world.random_in(0..100).to_string().into_bytes(),
                );
                result = result.and(transaction.set(&key, &value));
                operations.push(Operation::Set(key, value));
                writes = true;
            }
            _ => {
                let (begin, end) = random_bounds(&world);
                result = result.and(transaction.clear_range(&begin, &end));
                operations.push(Operation::Clear(begin, end));
                writes = true;
            }
        }
        if world.one_in(3) {
            world.sleep_below(1_500).await;
        }
    }
    for (index, read) in pending {
        match read.await {
            Ok(value) => {
                if let Operation::Get(_, answer) = &mut operations[index] {
                    *answer = value.map(|value| value.to_vec());
                }
            }
            Err(error) => result = Err(error),
        }
    }
    if writes {
        result = result.and(transaction.set(&marker_key(marker), marker.to_string().as_bytes()));
    }
    let has_reads = operations
        .iter()
        .any(|op| matches!(op, Operation::Get(..) | Operation::Range(..)));
    let read_version = match (&result, has_reads) {
        (Ok(()), true) => transaction.read_version().await.ok(),
        _ => None,
    };
    if result.is_err() {
        return;
    }
    // Whoever is killed from here on leaves it open whether this happened.
    seen.observation.operations = operations;
    seen.observation.outcome = Outcome::Unknown;
    let result = transaction.commit().await;
    seen.observation.outcome = outcome(
        &result,
        transaction.committed().map(|committed| committed.version),
    );
    if result.is_ok() {
        seen.observation.read_version = read_version;
    }
    if let Outcome::Committed(Some(version)) = seen.observation.outcome {
        shared.acknowledged.set(shared.acknowledged.get().max(version));
    }
}

fn outcome(result: &Result<()>, version: Option<Version>) -> Outcome {
    match result.as_ref().map_err(Error::code) {
        Ok(()) => Outcome::Committed(version),
        Err(ErrorCode::CommitUnknownResult) => Outcome::Unknown,
        Err(_) => Outcome::Failed,
    }
}

/// What a hostile day is like.
#[derive(Clone, Copy, Default)]
struct Day {
    with_kills: bool,
    /// Longest time between two transactions of a client.
    pause_us: u64,
    engine: EngineOptions,
}

/// What happened on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Outline {
    trace: u64,
    log_records: usize,
    /// Records that were too late.
    void_records: usize,
    folds: u64,
    restarts: u64,
}

/// Tiny pages, a cache for hardly any of them, and steps of a fold as small as they get.
fn tiny_engine(recent_bytes_max: usize) -> EngineOptions {
    EngineOptions {
        cache_bytes: 600,
        fold: FoldOptions {
            log_bytes: 300,
            log_entries: 3,
            recent_bytes_max,
            write_bytes: 400,
            delete_pages: 2,
            pages: PageOptions::of_page_bytes(120),
        },
        ..EngineOptions::default()
    }
}

fn run(seed: u64, with_kills: bool) -> (u64, usize) {
    let day = Day {
        with_kills,
        ..Day::default()
    };
    let outline = run_day(seed, day);
    (outline.trace, outline.log_records)
}

/// Runs a hostile day.
fn run_day(seed: u64, day: Day) -> Outline {
    let world = Simulation::new(seed);
    let options = ClusterOptions {
        engine: day.engine,
        ..ClusterOptions::hostile()
    };
    let cluster = Cluster::new(&world, options);
    let main = world.clone();
    let (log_records, void_records, folds, restarts) = world.run(async move {
        let (mut folds, mut restarts) = (0, 0);
        let mut peers = Vec::new();
        for _ in 0..PEERS {
            peers.push(cluster.open().await);
        }
        let shared = Rc::new(Shared {
            cluster: cluster.clone(),
            peers: RefCell::new(peers),
            history: RefCell::default(),
            acknowledged: Cell::default(),
            next_marker: Cell::new(1),
        });
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let (shared, cluster, world) = (Rc::clone(&shared), cluster.clone(), main.clone());
                main.spawn(async move {
                    for _ in 0..TRANSACTIONS_PER_CLIENT {
                        if day.pause_us > 0 {
                            world.sleep_below(day.pause_us).await;
                        }
                        let peer = {
                            let peers = shared.peers.borrow();
                            peers[world.random_in(0..peers.len() as u64) as usize].clone()
                        };
                        let transaction = random_transaction(Rc::clone(&shared), peer.clone());
                        let _killed = cluster.run_in(&peer, transaction).await;
                    }
                })
            })
            .collect();
        if day.with_kills {
            for _ in 0..3 {
                main.sleep_below(10_000 + 3 * day.pause_us).await;
                let newcomer = cluster.open().await;
                let index = main.random_in(0..PEERS as u64) as usize;
                let victim = std::mem::replace(&mut shared.peers.borrow_mut()[index], newcomer);
                let stats = victim.database.stats();
                folds += stats.fold_count;
                restarts += stats.restart_count;
                cluster.kill(&victim);
            }
        }
        for client in clients {
            client.await;
        }
        for peer in shared.peers.borrow().iter() {
            let stats = peer.database.stats();
            folds += stats.fold_count;
            restarts += stats.restart_count;
        }
        let log = cluster.whole_log().await;
        let state = shared.history.borrow().check(&log, main.seed());
        let fresh = cluster.open().await;
        let reader = fresh.database.create_transaction(TransactionOptions::default());
        let rows = loop {
            if let Ok(rows) = reader
                .get_range(&selector(b""), &selector(b"\xff"), RangeOptions::default())
                .await
            {
                break rows;
            }
            assert_eq!(
                fresh.database.engine().check_usable(),
                Ok(()),
                "seed {}",
                main.seed()
            );
            reader.reset();
        };
        let rows: Vec<_> = rows
            .rows
            .into_iter()
            .map(|(k, v)| (k.to_vec(), v.to_vec()))
            .collect();
        assert_eq!(
            rows,
            state.into_iter().collect::<Vec<_>>(),
            "seed {}: the final state",
            main.seed()
        );
        let report = loop {
            match fresh.database.check().await {
                Ok(report) => break report,
                Err(error) => assert_ne!(error.code(), ErrorCode::FileCorrupt, "{error}"),
            }
        };
        assert_eq!(report.damage, [], "seed {}", main.seed());
        assert_eq!(report.unreachable_page_count, 0, "seed {}", main.seed());
        let void = log.iter().filter(|entry| is_void(entry)).count();
        (log.len() - void, void, folds, restarts)
    });
    Outline {
        trace: world.trace(),
        log_records,
        void_records,
        folds,
        restarts,
    }
}

#[test]
fn folds_under_readers_and_writers_keep_programs_strictly_serializable() {
    let (mut folds, mut restarts) = (0, 0);
    for seed in seeds(300) {
        println!("seed {seed}");
        let day = Day {
            with_kills: seed % 2 == 0,
            pause_us: 3_000_000,
            engine: tiny_engine(1 << 20),
        };
        let outline = run_day(seed + 2_000_000, day);
        folds += outline.folds;
        restarts += outline.restarts;
    }
    println!("{folds} folds, {restarts} restarts");
    assert!(folds > 0, "something was folded");
}

#[test]
fn folds_that_memory_forces_keep_programs_strictly_serializable() {
    let (mut folds, mut restarts) = (0, 0);
    for seed in seeds(300) {
        println!("seed {seed}");
        let day = Day {
            with_kills: seed % 2 == 0,
            pause_us: 20_000,
            engine: tiny_engine(1_500),
        };
        let outline = run_day(seed + 3_000_000, day);
        folds += outline.folds;
        restarts += outline.restarts;
    }
    println!("{folds} folds, {restarts} restarts");
    assert!(folds > 0, "something was folded");
    assert!(
        std::env::var("PLINTH_SEED").is_ok() || restarts > 0,
        "somebody was behind a fold"
    );
}

#[test]
fn a_day_with_folds_replays_to_the_last_poll() {
    for seed in seeds(10) {
        let day = Day {
            with_kills: true,
            pause_us: 20_000,
            engine: tiny_engine(1_500),
        };
        assert_eq!(run_day(seed, day), run_day(seed, day), "seed {seed}");
    }
}

#[test]
fn random_programs_on_hostile_peers_are_strictly_serializable() {
    let (mut commits, mut void) = (0, 0);
    for seed in seeds(2_000) {
        let outline = run_day(seed, Day::default());
        commits += outline.log_records;
        void += outline.void_records;
    }
    println!("{commits} log records, {void} void ones besides");
    assert!(commits > 0, "something was committed");
    assert!(
        std::env::var("PLINTH_SEED").is_ok() || void > commits / 20,
        "peers come too late all the time"
    );
}

#[test]
fn killing_peers_at_any_point_loses_nothing_acknowledged_and_tears_nothing() {
    let commits: usize = seeds(2_000)
        .into_iter()
        .map(|seed| run(seed + 1_000_000, true).1)
        .sum();
    println!("{commits} log records");
    assert!(commits > 0, "something was committed");
}

#[test]
fn a_seed_replays_the_same_run_to_the_last_poll() {
    for seed in seeds(20) {
        assert_eq!(run(seed, true), run(seed, true), "seed {seed}");
    }
}
