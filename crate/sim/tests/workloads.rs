//! FoundationDB's workloads whose invariant a person can state in a sentence.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

use std::cell::Cell;
use std::rc::Rc;

use plinth_core::words::{AtomicOp, KeySelector, RangeOptions};
use plinth_core::{ErrorCode, Result, Transaction, TransactionOptions};
use plinth_sim::model::atomic;
use plinth_sim::{Cluster, ClusterOptions, Peer, SimulatedStorage, Simulation, seeds};

fn options() -> TransactionOptions {
    TransactionOptions::default()
}

type Tn = Rc<Transaction<SimulatedStorage>>;

async fn number(transaction: &Tn, key: &[u8]) -> Result<u64> {
    let value = transaction.get(key, false).await?;
    Ok(value.map_or(0, |value| std::str::from_utf8(&value).unwrap().parse().unwrap()))
}

fn set_number(transaction: &Tn, key: &[u8], number: u64) -> Result<()> {
    transaction.set(key, number.to_string().as_bytes())
}

/// Runs a body until it commits, over failures that the simulation makes up. Only for bodies that may
/// happen more than once.
async fn insist<T>(peer: &Peer, mut body: impl AsyncFnMut(&Tn) -> Result<T>) -> T {
    loop {
        match peer
            .database
            .run(options(), async |transaction| body(transaction).await)
            .await
        {
            Ok(value) => return value,
            Err(error) => assert_eq!(error.code(), ErrorCode::IoError, "only what is simulated"),
        }
    }
}

fn in_world<F: Future<Output = ()> + 'static>(
    options: ClusterOptions,
    count: u64,
    body: impl Fn(Cluster) -> F,
) {
    for seed in seeds(count) {
        println!("seed {seed}");
        let world = Simulation::new(seed);
        let cluster = Cluster::new(&world, options);
        world.run(body(cluster));
    }
}

/// Everything but lost answers, so that each increment is known to have happened once or not at all.
fn without_lost_answers() -> ClusterOptions {
    let hostile = ClusterOptions::hostile();
    ClusterOptions {
        faults: plinth_sim::Faults {
            lost_answer_odds: 0,
            ..hostile.faults
        },
        ..hostile
    }
}

#[test]
fn concurrent_increments_never_lose_an_update() {
    in_world(without_lost_answers(), 60, |cluster| async move {
        let world = cluster.world().clone();
        let clients: Vec<_> = (0..4)
            .map(|_| {
                let (cluster, world) = (cluster.clone(), world.clone());
                world.spawn(async move {
                    let peer = cluster.open().await;
                    for _ in 0..5 {
                        insist(&peer, async |transaction| {
                            let count = number(transaction, b"counter").await?;
                            set_number(transaction, b"counter", count + 1)
                        })
                        .await;
                    }
                })
            })
            .collect();
        for client in clients {
            client.await;
        }
        let peer = cluster.open().await;
        let count = insist(&peer, async |transaction| number(transaction, b"counter").await).await;
        assert_eq!(count, 20, "seed {}", world.seed());
    });
}

#[test]
fn a_commit_whose_answer_was_lost_is_answered_exactly() {
    // Storage answers get lost, operations don't fail: every increment must be counted once, although
    // many commits went through "unknown".
    let hostile = ClusterOptions::hostile();
    let faults = plinth_sim::Faults {
        io_error_odds: 0,
        lost_answer_odds: 4,
        ..hostile.faults
    };
    in_world(ClusterOptions { faults, ..hostile }, 60, |cluster| async move {
        let world = cluster.world().clone();
        let acknowledged = Rc::new(Cell::new(0));
        let clients: Vec<_> = (0..3)
            .map(|_| {
                let (cluster, world, acknowledged) =
                    (cluster.clone(), world.clone(), Rc::clone(&acknowledged));
                world.spawn(async move {
                    let peer = cluster.open().await;
                    for _ in 0..6 {
                        let result = peer
                            .database
                            .run(options(), async |transaction| {
                                let count = number(transaction, b"counter").await?;
                                set_number(transaction, b"counter", count + 1)
                            })
                            .await;
                        match result {
                            Ok(()) => acknowledged.set(acknowledged.get() + 1),
                            Err(error) => assert_eq!(error.code(), ErrorCode::IoError, "gave up, not unsure"),
                        }
                    }
                })
            })
            .collect();
        for client in clients {
            client.await;
        }
        let peer = cluster.open().await;
        let count = insist(&peer, async |transaction| number(transaction, b"counter").await).await;
        assert_eq!(count, acknowledged.get(), "seed {}", world.seed());
    });
}

#[test]
fn transfers_keep_the_sum_and_no_reader_ever_sees_another_one() {
    const ACCOUNTS: u64 = 5;
    let account = |index: u64| format!("account/{index}").into_bytes();
    in_world(ClusterOptions::hostile(), 60, move |cluster| async move {
        let world = cluster.world().clone();
        let first = cluster.open().await;
        insist(&first, async |transaction| {
            (0..ACCOUNTS).try_for_each(|index| set_number(transaction, &account(index), 100))
        })
        .await;
        let writers: Vec<_> = (0..3)
            .map(|_| {
                let (cluster, world) = (cluster.clone(), world.clone());
                world.clone().spawn(async move {
                    let peer = cluster.open().await;
                    for _ in 0..6 {
                        let (from, to) = (world.random_in(0..ACCOUNTS), world.random_in(0..ACCOUNTS));
                        insist(&peer, async |transaction| {
                            let available = number(transaction, &account(from)).await?;
                            let amount = world.random_in(0..available + 1);
                            set_number(transaction, &account(from), available - amount)?;
                            let balance = number(transaction, &account(to)).await?;
                            set_number(transaction, &account(to), balance + amount)
                        })
                        .await;
                    }
                })
            })
            .collect();
        let reader = cluster.open().await;
        for round in 0..10 {
            let sum = insist(&reader, async |transaction| {
                let mut sum = 0;
                if round % 2 == 0 {
                    for index in 0..ACCOUNTS {
                        sum += number(transaction, &account(index)).await?;
                        world.sleep_below(2_000).await;
                    }
                } else {
                    let [from, to] = [b"account/", b"account0"]
                        .map(|key| KeySelector::first_greater_or_equal(key.as_slice()));
                    let rows = transaction.get_range(&from, &to, RangeOptions::default()).await?;
                    for (_, value) in rows.rows {
                        sum += std::str::from_utf8(&value).unwrap().parse::<u64>().unwrap();
                    }
                }
                Ok(sum)
            })
            .await;
            assert_eq!(sum, ACCOUNTS * 100, "seed {}", world.seed());
        }
        for writer in writers {
            writer.await;
        }
    });
}

#[test]
fn rotating_links_of_a_ring_leaves_one_ring() {
    const NODES: u64 = 8;
    let node = |index: u64| format!("node/{index:02}").into_bytes();
    in_world(ClusterOptions::hostile(), 60, move |cluster| async move {
        let world = cluster.world().clone();
        let first = cluster.open().await;
        insist(&first, async |transaction| {
            (0..NODES).try_for_each(|index| set_number(transaction, &node(index), (index + 1) % NODES))
        })
        .await;
        let clients: Vec<_> = (0..4)
            .map(|_| {
                let (cluster, world) = (cluster.clone(), world.clone());
                world.clone().spawn(async move {
                    let peer = cluster.open().await;
                    for _ in 0..6 {
                        let start = world.random_in(0..NODES);
                        insist(&peer, async |transaction| {
                            let second = number(transaction, &node(start)).await?;
                            let third = number(transaction, &node(second)).await?;
                            let fourth = number(transaction, &node(third)).await?;
                            transaction.clear(&node(start))?;
                            set_number(transaction, &node(start), third)?;
                            set_number(transaction, &node(second), fourth)?;
                            set_number(transaction, &node(third), second)
                        })
                        .await;
                    }
                })
            })
            .collect();
        for client in clients {
            client.await;
        }
        let links = insist(&first, async |transaction| {
            let mut links = Vec::new();
            for index in 0..NODES {
                links.push(number(transaction, &node(index)).await?);
            }
            Ok(links)
        })
        .await;
        let (mut at, mut length) = (0, 0);
        loop {
            at = links[at as usize];
            length += 1;
            if at == 0 || length > NODES {
                break;
            }
        }
        assert_eq!(length, NODES, "seed {}: {links:?}", world.seed());
    });
}

#[test]
fn a_change_travels_through_a_chain_of_watches_on_other_peers() {
    const LINKS: u64 = 4;
    let key = |index: u64| format!("chain/{index}").into_bytes();
    // News may be late, not lost: nothing but news wakes a peer that only waits.
    let options = ClusterOptions {
        news_loss_odds: 0,
        ..without_lost_answers()
    };
    in_world(options, 60, move |cluster| async move {
        let world = cluster.world().clone();
        let links: Vec<_> = (0..LINKS)
            .map(|index| {
                let cluster = cluster.clone();
                world.spawn(async move {
                    let peer = cluster.open().await;
                    loop {
                        let (value, watch) = insist(&peer, async |transaction| {
                            let value = number(transaction, &key(index)).await?;
                            set_number(transaction, &key(index + 1), value)?;
                            Ok((value, transaction.watch(&key(index))))
                        })
                        .await;
                        if value == 3 {
                            return;
                        }
                        assert_eq!(watch.await, Ok(()));
                    }
                })
            })
            .collect();
        let peer = cluster.open().await;
        for value in 1..=3 {
            world.sleep_below(20_000).await;
            insist(&peer, async |transaction| set_number(transaction, &key(0), value)).await;
        }
        for link in links {
            link.await;
        }
    });
}

#[test]
fn wall_clocks_that_jump_never_send_versions_backwards() {
    in_world(ClusterOptions::hostile(), 40, |cluster| async move {
        let world = cluster.world().clone();
        let (one, other) = (cluster.open().await, cluster.open().await);
        let mut newest = 0;
        for round in 0..12 {
            let peer = if world.one_in(2) { &one } else { &other };
            peer.set_wall_clock_offset(world.random_in(0..7_200_000_000) as i64 - 3_600_000_000);
            let transaction = peer.database.create_transaction(options());
            transaction.set(b"round", &[round]).unwrap();
            if transaction.commit().await.is_ok() {
                let version = transaction.committed().unwrap().version.get();
                assert!(
                    version > newest,
                    "seed {}: {version} after {newest}",
                    world.seed()
                );
                newest = version;
            }
            world.sleep_below(50_000).await;
        }
    });
}

/// FoundationDB's AtomicOps: a log says in which order which operations were carried out.
#[test]
fn the_log_of_operations_replays_to_the_values_that_the_operations_left() {
    const COUNTERS: u64 = 3;
    let counter = |index: u64| format!("counter/{index}").into_bytes();
    in_world(without_lost_answers(), 60, move |cluster| async move {
        let world = cluster.world().clone();
        let clients: Vec<_> = (0..4)
            .map(|_| {
                let (cluster, world) = (cluster.clone(), world.clone());
                world.clone().spawn(async move {
                    let peer = cluster.open().await;
                    for _ in 0..10 {
                        let op = AtomicOp::ALL[world.random_in(0..10) as usize];
                        let operand = world.random_in(0..1 << 20).to_le_bytes();
                        let operand = &operand[..world.random_in(0..4) as usize];
                        let index = world.random_in(0..COUNTERS);
                        let entry = [&[index as u8, op.number()], operand].concat();
                        // The key of the entry is the place of the operation in history.
                        let template = [b"log/".as_slice(), &[0; 10], &[4, 0, 0, 0]].concat();
                        insist(&peer, async |transaction| {
                            transaction.atomic(op, &counter(index), operand)?;
                            transaction.set_versionstamped_key(&template, &entry)
                        })
                        .await;
                        world.sleep_below(2_000).await;
                    }
                })
            })
            .collect();
        for client in clients {
            client.await;
        }
        let peer = cluster.open().await;
        let (entries, values) = insist(&peer, async |transaction| {
            let [from, to] =
                [b"log/", b"log0"].map(|key| KeySelector::first_greater_or_equal(key.as_slice()));
            let log = transaction.get_range(&from, &to, RangeOptions::default()).await?;
            let mut values = Vec::new();
            for index in 0..COUNTERS {
                values.push(transaction.get(&counter(index), false).await?);
            }
            Ok((log.rows, values))
        })
        .await;
        assert_eq!(entries.len(), 40, "seed {}", world.seed());
        let mut replayed = vec![None; COUNTERS as usize];
        for (_, entry) in entries {
            let op = AtomicOp::from_number(entry[1]).unwrap();
            let value = &mut replayed[usize::from(entry[0])];
            *value = atomic(op, value.as_deref(), &entry[2..]);
        }
        let values: Vec<Option<Vec<u8>>> = values
            .into_iter()
            .map(|value| value.map(|value| value.to_vec()))
            .collect();
        assert_eq!(values, replayed, "seed {}", world.seed());
    });
}
