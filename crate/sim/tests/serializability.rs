//! Random programs of many interleaved transactions on several hostile peers are strictly
//! serializable: each is checked against a plain sorted map replaying the log.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use plinth_core::words::{KeySelector, RangeOptions, Version};
use plinth_core::{Error, ErrorCode, Result, TransactionOptions};
use plinth_sim::{Cluster, ClusterOptions, History, Observation, Operation, Outcome, Peer, Simulation};
use plinth_sim::{marker_key, seeds};

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

/// Runs a hostile day and gives the trace of the world.
fn run(seed: u64, with_kills: bool) -> (u64, usize) {
    let world = Simulation::new(seed);
    let cluster = Cluster::new(&world, ClusterOptions::hostile());
    let main = world.clone();
    let committed = world.run(async move {
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
        if with_kills {
            for _ in 0..3 {
                main.sleep_below(10_000).await;
                let newcomer = cluster.open().await;
                let index = main.random_in(0..PEERS as u64) as usize;
                let victim = std::mem::replace(&mut shared.peers.borrow_mut()[index], newcomer);
                cluster.kill(&victim);
            }
        }
        for client in clients {
            client.await;
        }
        let log = plinth_core::Storage::read_log(cluster.memory(), Default::default(), usize::MAX)
            .await
            .unwrap();
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
        log.len()
    });
    (world.trace(), committed)
}

#[test]
fn random_programs_on_hostile_peers_are_strictly_serializable() {
    let commits: usize = seeds(2_000).into_iter().map(|seed| run(seed, false).1).sum();
    println!("{commits} log records");
    assert!(commits > 0, "something was committed");
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
