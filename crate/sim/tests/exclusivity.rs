//! Alone or not: when a peer may trust its memory, and that it never trusts it wrongly.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod support;

use std::cell::Cell;
use std::rc::Rc;

use plinth_core::engine::{LEASE_US, PATIENCE_US};
use plinth_sim::{Cluster, ClusterOptions, Peer, Simulation, seeds};
use support::{begin, get, set, slow_storage, with_cluster};

/// After so long a peer that is the only one knows it, and has yet to ask again.
const SETTLED_US: u64 = LEASE_US / 4;

/// So long a peer is frozen at most, where it may hold up the others.
const FROZEN_US_MAX: u64 = 10_000_000;

/// Whether a peer answers reads without a look at the log.
async fn is_alone(peer: &Peer) -> bool {
    let before = peer.database.stats().log_read_count;
    get(&begin(peer), b"k").await.unwrap();
    peer.database.stats().log_read_count == before
}

#[test]
fn a_peer_that_is_alone_reads_and_commits_without_a_look_at_the_log() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        cluster.world().sleep(SETTLED_US).await;
        let before = peer.database.stats().log_read_count;
        for round in 0..100_u8 {
            let tn = begin(&peer);
            get(&tn, b"k").await.unwrap();
            tn.set(b"k", &[round]).unwrap();
            tn.commit().await.unwrap();
            cluster.world().sleep(LEASE_US / 4).await;
        }
        assert_eq!(peer.database.stats().log_read_count, before);
    });
}

#[test]
fn a_peer_that_is_the_only_one_is_alone_as_soon_as_its_database_is_open() {
    with_cluster(async |cluster| {
        for _ in 0..3 {
            let peer = cluster.open().await;
            // As a page says that is looked at from the beginning.
            peer.database.engine().set_visible(true);
            assert!(is_alone(&peer).await);
            cluster.world().sleep(SETTLED_US).await;
            assert_eq!(peer.database.stats().log_read_count, 1, "that of the opening");
            assert_eq!(cluster.locks().present(), 1);
            peer.database.close().await;
            assert_eq!(cluster.locks().present(), 0);
        }
    });
}

#[test]
fn a_database_is_opened_and_read_also_where_the_locks_never_answer() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        set(&peer, b"k", b"v").await;
        cluster.locks().is_mute.set(true);
        let began_us = cluster.world().now_us();
        let reader = cluster.open().await;
        assert_eq!(get(&begin(&reader), b"k").await, Ok(Some(b"v".to_vec())));
        assert!(cluster.world().now_us() - began_us < 2 * LEASE_US);
    });
}

#[test]
fn without_locks_nobody_is_ever_alone() {
    let world = Simulation::new(1);
    let options = ClusterOptions {
        without_locks: true,
        ..Default::default()
    };
    let cluster = Cluster::new(&world, options);
    world.clone().run(async move {
        let peer = cluster.open().await;
        world.sleep(2 * LEASE_US).await;
        assert!(!is_alone(&peer).await);
    });
}

#[test]
fn a_newcomer_ends_the_solitude_and_its_leaving_restores_it() {
    with_cluster(async |cluster| {
        let (peer, world) = (cluster.open().await, cluster.world().clone());
        world.sleep(SETTLED_US).await;
        assert!(is_alone(&peer).await);
        let newcomer = cluster.open().await;
        set(&newcomer, b"k", b"v").await;
        assert_eq!(get(&begin(&peer), b"k").await, Ok(Some(b"v".to_vec())));
        assert!(!is_alone(&peer).await);
        assert_eq!(cluster.locks().steals.get(), 0, "the holder answered");
        newcomer.database.close().await;
        for _ in 0..20 {
            world.sleep(1_000_000).await;
            get(&begin(&peer), b"k").await.unwrap();
        }
        assert_eq!(cluster.locks().holders(), (1, 0));
        world.sleep(10_000).await;
        assert!(is_alone(&peer).await, "the last read had the lease confirmed");
    });
}

/// Reads ten times a second until a read needs no look at the log; how long that took.
async fn until_alone_us(cluster: &Cluster, peer: &Peer) -> u64 {
    let began_us = cluster.world().now_us();
    while !is_alone(peer).await {
        cluster.world().sleep(100_000).await;
    }
    cluster.world().now_us() - began_us
}

#[test]
fn a_peer_that_heard_much_is_alone_again_soon_after_the_last_word() {
    with_cluster(async |cluster| {
        let (peer, world) = (cluster.open().await, cluster.world().clone());
        let talker = cluster.open().await;
        for round in 0..100_u8 {
            set(&talker, b"k", &[round]).await;
            world.sleep(50_000).await;
            get(&begin(&peer), b"k").await.unwrap();
        }
        talker.database.close().await;
        let took_us = until_alone_us(&cluster, &peer).await;
        assert!(took_us < 2_000_000, "{took_us} us");
    });
}

#[test]
fn a_peer_beside_a_silent_one_asks_less_and_less_often_and_is_alone_again_when_that_is_gone() {
    with_cluster(async |cluster| {
        let (peer, world) = (cluster.open().await, cluster.world().clone());
        let silent = cluster.open().await;
        let questions_before = cluster.locks().questions.get();
        for _ in 0..600 {
            world.sleep(100_000).await;
            get(&begin(&peer), b"k").await.unwrap();
        }
        let questions = cluster.locks().questions.get() - questions_before;
        assert!((5..=12).contains(&questions), "{questions} questions in a minute");
        cluster.kill(&silent);
        let took_us = until_alone_us(&cluster, &peer).await;
        assert!(took_us < 9_000_000, "{took_us} us");
    });
}

#[test]
fn a_newcomer_commits_soon_although_every_message_is_lost() {
    let world = Simulation::new(3);
    let options = ClusterOptions {
        news_loss_odds: 1,
        ..Default::default()
    };
    let cluster = Cluster::new(&world, options);
    world.clone().run(async move {
        let peer = cluster.open().await;
        world.sleep(SETTLED_US).await;
        let newcomer = cluster.open().await;
        let began_us = world.now_us();
        set(&newcomer, b"k", b"v").await;
        assert!(world.now_us() - began_us < PATIENCE_US + LEASE_US + 100_000);
        assert_eq!(get(&begin(&peer), b"k").await, Ok(Some(b"v".to_vec())));
    });
}

#[test]
fn a_peer_frozen_while_alone_blocks_nobody_for_two_seconds_and_reads_nothing_stale_when_thawed() {
    for seed in seeds(30) {
        let world = Simulation::new(seed);
        let options = ClusterOptions {
            news_delay_us: 3_000,
            ..slow_storage(1_000)
        };
        let cluster = Cluster::new(&world, options);
        world.clone().run(async move {
            let peer = cluster.open().await;
            world.sleep(SETTLED_US).await;
            cluster.freeze(&peer);
            let newcomer = cluster.open().await;
            let began_us = world.now_us();
            set(&newcomer, b"k", b"1").await;
            let waited_us = world.now_us() - began_us;
            assert!(waited_us < 2_000_000, "seed {seed}: it waited {waited_us} us");
            assert!(cluster.locks().steals.get() > 0);
            world.sleep_below(3_000_000).await;
            set(&newcomer, b"k", b"2").await;
            cluster.thaw(&peer);
            // What the thawed page does first, before any message reaches it.
            let seen = cluster.run_in(&peer, {
                let peer = peer.clone();
                async move {
                    let seen = get(&begin(&peer), b"k").await;
                    set(&peer, b"l", b"mine").await;
                    seen
                }
            });
            assert_eq!(seen.await.unwrap(), Ok(Some(b"2".to_vec())), "seed {seed}");
            let all = [&peer, &newcomer].map(|peer| begin(peer).get(b"l", false));
            for value in all {
                assert_eq!(
                    value.await.unwrap().as_deref(),
                    Some(b"mine".as_slice()),
                    "seed {seed}"
                );
            }
        });
    }
}

#[test]
fn a_hidden_peer_gives_its_solitude_up_and_a_page_put_away_gives_up_the_lock() {
    with_cluster(async |cluster| {
        let (peer, world) = (cluster.open().await, cluster.world().clone());
        world.sleep(SETTLED_US).await;
        assert_eq!(cluster.locks().holders(), (1, 0));
        peer.database.engine().set_visible(false);
        assert!(!is_alone(&peer).await, "at once");
        world.sleep(SETTLED_US).await;
        assert_eq!(cluster.locks().holders(), (0, 1));
        peer.database.engine().suspend();
        world.sleep(SETTLED_US).await;
        assert_eq!(cluster.locks().holders(), (0, 0));
        peer.database.engine().resume();
        peer.database.engine().set_visible(true);
        set(&peer, b"k", b"v").await;
        world.sleep(2_000_000).await;
        assert_eq!(get(&begin(&peer), b"k").await, Ok(Some(b"v".to_vec())));
        world.sleep(SETTLED_US).await;
        assert!(is_alone(&peer).await);
    });
}

#[test]
fn a_page_put_away_while_it_waits_for_the_lock_waits_no_longer() {
    with_cluster(async |cluster| {
        let (holder, world) = (cluster.open().await, cluster.world().clone());
        world.sleep(SETTLED_US).await;
        cluster.freeze(&holder);
        let waiting = cluster.open().await;
        world.sleep(SETTLED_US).await;
        waiting.database.engine().suspend();
        world.sleep(5_000_000).await;
        assert_eq!(cluster.locks().steals.get(), 0, "it went on waiting");
        cluster.thaw(&holder);
        world.sleep(SETTLED_US).await;
        waiting.database.engine().resume();
        set(&waiting, b"k", b"v").await;
        assert_eq!(get(&begin(&holder), b"k").await, Ok(Some(b"v".to_vec())));
    });
}

/// Two newcomers wait for a holder that is frozen, and lose patience in the same moment: the second one robs the first,
/// which has robbed the holder and shares the lock by then.
#[test]
fn a_peer_robbed_of_its_share_without_a_word_commits_nothing_that_one_who_is_alone_misses() {
    let mut robbed_twice = 0;
    for seed in seeds(200) {
        let world = Simulation::new(seed);
        let options = ClusterOptions {
            news_loss_odds: 1,
            ..slow_storage(3_000)
        };
        let cluster = Cluster::new(&world, options);
        let locks = cluster.clone();
        world.clone().run(async move {
            let frozen = cluster.open().await;
            world.sleep(SETTLED_US).await;
            cluster.freeze(&frozen);
            let opening = cluster.clone();
            let opening = world.spawn(async move { opening.open().await });
            let (first, second) = (cluster.open().await, opening.await);
            set(&first, b"k", b"0").await;
            set(&second, b"k", b"0").await;
            cluster.kill(&frozen);
            for round in 1..40_u8 {
                set(&first, b"k", &[round]).await;
                let seen = get(&begin(&second), b"k").await;
                assert_eq!(seen, Ok(Some(vec![round])), "seed {seed}");
                world.sleep_below(200_000).await;
                get(&begin(&second), b"k").await.unwrap();
            }
        });
        robbed_twice += u64::from(locks.locks().steals.get() > 1);
    }
    assert!(robbed_twice > 0, "nobody was robbed of a share");
}

/// A client of one peer: increments a counter and checks that it saw every increment that was
/// acknowledged to anybody before it began.
async fn count(peer: Peer, acknowledged: Rc<Cell<u64>>, seed: u64) {
    let must_see = acknowledged.get();
    let tn = begin(&peer);
    let read = async |tn: &support::Tn| -> plinth_core::Result<u64> {
        let value = get(tn, b"count").await?;
        Ok(value.map_or(0, |value| u64::from_le_bytes(value.try_into().unwrap())))
    };
    loop {
        let outcome: plinth_core::Result<u64> = async {
            let count = read(&tn).await?;
            assert!(
                count >= must_see,
                "seed {seed}: {count} was read after {must_see} was told"
            );
            tn.set(b"count", &(count + 1).to_le_bytes())?;
            tn.commit().await?;
            Ok(count + 1)
        }
        .await;
        match outcome {
            Ok(count) => {
                acknowledged.set(acknowledged.get().max(count));
                return;
            }
            Err(error) => {
                if tn.on_error(&error).await.is_err() {
                    return;
                }
            }
        }
    }
}

#[test]
fn what_was_acknowledged_anywhere_is_seen_everywhere_through_freezes_hides_kills_and_lost_messages() {
    let mut steals = 0;
    for seed in seeds(60) {
        let world = Simulation::new(seed);
        let mut options = ClusterOptions::hostile();
        options.faults.io_error_odds = 0;
        options.faults.lost_answer_odds = 0;
        let cluster = Cluster::new(&world, options);
        let manager = cluster.clone();
        world.clone().run(async move {
            let acknowledged = Rc::new(Cell::new(0));
            let mut peers: Vec<Peer> = vec![cluster.open().await];
            let mut frozen: Vec<Peer> = Vec::new();
            for _ in 0..120 {
                world.sleep_below(400_000).await;
                let choice = world.random_in(0..10);
                let index = world.random_in(0..peers.len() as u64) as usize;
                let peer = peers[index].clone();
                match choice {
                    0 if peers.len() < 4 => peers.push(cluster.open().await),
                    1 if peers.len() > 1 => cluster.kill(&peers.swap_remove(index)),
                    2 if peers.len() > 1 => peers.swap_remove(index).database.close().await,
                    3 if frozen.is_empty() && peers.len() > 1 => {
                        let peer = peers.swap_remove(index);
                        // Half of it on its way somewhere.
                        drop(cluster.run_in(&peer, count(peer.clone(), Rc::clone(&acknowledged), seed)));
                        world.sleep_below(2_000).await;
                        cluster.freeze(&peer);
                        // It may have an append in turn under way, for which everybody waits.
                        let (waiting, thawing, held) = (world.clone(), cluster.clone(), peer.clone());
                        drop(world.spawn(async move {
                            waiting.sleep(FROZEN_US_MAX).await;
                            thawing.thaw(&held);
                        }));
                        frozen.push(peer);
                    }
                    4 => {
                        if let Some(peer) = frozen.pop() {
                            cluster.thaw(&peer);
                            peers.push(peer);
                        }
                    }
                    5 => peer.database.engine().set_visible(false),
                    6 => peer.database.engine().set_visible(true),
                    _ => {
                        for _ in 0..world.random_in(1..4) {
                            let index = world.random_in(0..peers.len() as u64) as usize;
                            let peer = peers[index].clone();
                            cluster
                                .run_in(&peer, count(peer.clone(), Rc::clone(&acknowledged), seed))
                                .await;
                        }
                    }
                }
            }
            assert!(
                acknowledged.get() > 20,
                "seed {seed}: {} increments",
                acknowledged.get()
            );
        });
        steals += manager.locks().steals.get();
    }
    assert!(steals > 0, "no lock was ever stolen");
}

#[test]
fn a_peer_that_reads_all_the_time_and_hears_nothing_misses_no_commit_of_those_who_come_and_go() {
    let mut times_alone = 0;
    for seed in seeds(40) {
        let world = Simulation::new(seed);
        let options = ClusterOptions {
            news_loss_odds: 1,
            ..slow_storage(1_500)
        };
        let cluster = Cluster::new(&world, options);
        times_alone += world.clone().run(async move {
            let (acknowledged, is_over) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(false)));
            let reader = cluster.open().await;
            let reading = world.spawn({
                let (world, acknowledged, is_over) =
                    (world.clone(), Rc::clone(&acknowledged), Rc::clone(&is_over));
                async move {
                    let mut times_alone = 0;
                    while !is_over.get() {
                        let must_see = acknowledged.get();
                        let log_reads = reader.database.stats().log_read_count;
                        let value = get(&begin(&reader), b"count").await.unwrap();
                        let seen = value.map_or(0, |value| u64::from_le_bytes(value.try_into().unwrap()));
                        assert!(
                            seen >= must_see,
                            "seed {seed}: {seen} was read after {must_see} was told"
                        );
                        times_alone += u64::from(reader.database.stats().log_read_count == log_reads);
                        world.sleep_below(1_500).await;
                    }
                    times_alone
                }
            });
            for _ in 0..6 {
                let visitor = cluster.open().await;
                for _ in 0..world.random_in(1..4) {
                    count(visitor.clone(), Rc::clone(&acknowledged), seed).await;
                    world.sleep_below(3_000).await;
                }
                if world.one_in(2) {
                    cluster.kill(&visitor);
                } else {
                    visitor.database.close().await;
                }
                world.sleep_below(8_000_000).await;
            }
            is_over.set(true);
            reading.await
        });
    }
    assert!(times_alone > 0, "the reader was never alone");
}

/// The robber's lock went back to the browser when it died, and who was next in line committed while the one who was
/// robbed trusted its memory still.
#[test]
fn a_peer_that_is_alone_finds_out_who_waits_for_the_lock_whatever_becomes_of_messages_and_robbers() {
    for seed in seeds(30) {
        let world = Simulation::new(seed);
        let options = ClusterOptions {
            news_loss_odds: 1,
            ..slow_storage(300)
        };
        let cluster = Cluster::new(&world, options);
        world.clone().run(async move {
            let world = cluster.world().clone();
            let alone = cluster.open().await;
            world.sleep(SETTLED_US).await;
            let (robber, other) = (cluster.open().await, cluster.open().await);
            let is_done = Rc::<Cell<bool>>::default();
            let client = robber.clone();
            let robbing = cluster.run_in(&robber, async move { set(&client, b"r", b"1").await });
            let writing = {
                let is_done = Rc::clone(&is_done);
                world.spawn(async move {
                    set(&other, b"k", b"1").await;
                    is_done.set(true);
                })
            };
            let mut is_robber_alive = true;
            while !is_done.get() {
                // Asking keeps its trust fresh.
                get(&begin(&alone), b"k").await.unwrap();
                if is_robber_alive && cluster.locks().steals.get() > 0 {
                    cluster.kill(&robber);
                    is_robber_alive = false;
                }
                world.sleep(500).await;
            }
            assert_eq!(
                get(&begin(&alone), b"k").await,
                Ok(Some(b"1".to_vec())),
                "seed {seed}"
            );
            writing.await;
            drop(robbing);
        });
    }
}

/// It waited for its commits to end before it let go of the lock, and they waited for the lock, which it had lost.
#[test]
fn a_page_robbed_of_the_lock_and_put_away_while_it_commits_goes_on_when_it_comes_back() {
    for seed in seeds(40) {
        let world = Simulation::new(seed);
        let cluster = Cluster::new(&world, slow_storage(3_000));
        world.clone().run(async move {
            let world = cluster.world().clone();
            let peer = cluster.open().await;
            world.sleep(SETTLED_US).await;
            let is_done = Rc::<Cell<bool>>::default();
            let (client, done, pause) = (peer.clone(), Rc::clone(&is_done), world.clone());
            let working = cluster.run_in(&peer, async move {
                for round in 0..20_u8 {
                    set(&client, b"k", &[round]).await;
                    pause.sleep_below(2_000).await;
                }
                done.set(true);
            });
            world.sleep_below(20_000).await;
            cluster.freeze(&peer);
            let other = cluster.open().await;
            set(&other, b"other", b"1").await;
            cluster.thaw(&peer);
            peer.database.engine().suspend();
            world.sleep_below(200_000).await;
            peer.database.engine().resume();
            world.sleep(60_000_000).await;
            assert!(is_done.get(), "seed {seed}: it commits nothing any more");
            drop(working);
        });
    }
}
