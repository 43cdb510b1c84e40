//! A fold that others have overtaken: its pages were written, and while it waited for the answer somebody gave it up for
//! dead, folded more than it, and deleted from the log what they had folded, or deleted its pages. No row may be lost,
//! and no page be left that nothing refers to (I10, I11).

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod support;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use plinth_core::engine::{FoldExtent, FoldResult};
use plinth_core::pure::Root;
use plinth_core::words::{PageId, RangeOptions};
use plinth_sim::{Cluster, ClusterOptions, Faults, Peer, Simulation, seeds};
use support::{begin, pages_of, range, set, slow_storage};

/// Rows that each peer has written.
const ROWS: u8 = 40;
/// How long a peer needs at most to find a reservation that stands still, and to delete what is condemned.
const RECLAIMED_US: u64 = 120_000_000;

fn key(peer: &Peer, row: u8) -> Vec<u8> {
    format!("{}/{row:03}", peer.lane()).into_bytes()
}

/// Some values take many pages, so that a step of a fold makes more than one storage operation writes.
fn value(row: u8, round: u8) -> Vec<u8> {
    vec![round; if row % 8 == 3 { 3_000 } else { 100 }]
}

/// Writes and folds; what was written in the end is told.
async fn write_and_fold(world: Simulation, peer: Peer) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut rows = BTreeMap::new();
    for round in 0..6 {
        for row in (0..ROWS).filter(|row| row % 6 == round || round == 0) {
            let (key, value) = (key(&peer, row), value(row, round));
            set(&peer, &key, &value).await;
            rows.insert(key, value);
        }
        let _busy_or_not = peer.database.engine().fold(FoldExtent::All).await;
        world.sleep_below(4_000_000).await;
    }
    rows
}

/// After a peer was opened, and all others are quiet.
async fn assert_nothing_is_left(world: &Simulation, opened: &Peer, seed: u64) {
    world.sleep(RECLAIMED_US).await;
    let report = opened.database.check().await.unwrap();
    assert_eq!(report.damage, [], "seed {seed}");
    let left = (report.superseded_page_count, report.unreachable_page_count);
    assert_eq!(
        left,
        (0, 0),
        "seed {seed}: pages that wait to be deleted, and that nobody will delete"
    );
}

#[test]
fn a_fold_that_was_overtaken_while_it_waited_gives_way_and_no_row_is_lost_and_no_page_forgotten() {
    for seed in seeds(100) {
        let world = Simulation::new(seed);
        let mut engine = pages_of(300);
        engine.fold.write_bytes = 700;
        let options = ClusterOptions {
            engine,
            ..slow_storage(2_000)
        };
        let cluster = Cluster::new(&world, options);
        // Longer than a reservation is respected.
        let slow = |slow_odds, slow_us| Faults {
            slow_odds,
            slow_us,
            ..options.faults
        };
        let slow_cluster = cluster.with_faults(slow(8, 60_000_000));
        cluster.set_faults(slow(30, 20_000_000));
        world.clone().run(async move {
            let world = cluster.world().clone();
            let (one, other) = (slow_cluster.open().await, cluster.open().await);
            let is_over = Rc::<Cell<bool>>::default();
            // Each read looks at the log and may find another root.
            let look = |peer: &Peer| {
                let (world, is_over, peer) = (world.clone(), Rc::clone(&is_over), peer.clone());
                async move {
                    while !is_over.get() {
                        world.sleep_below(1_000_000).await;
                        let _only_the_look_counts = begin(&peer).read_version().await;
                    }
                }
            };
            let looks = [&one, &other].map(|peer| world.spawn(look(peer)));
            // Who opens the database deletes what it finds condemned.
            let guests = {
                let (world, is_over, cluster) = (world.clone(), Rc::clone(&is_over), cluster.clone());
                world.clone().spawn(async move {
                    while !is_over.get() {
                        world.sleep_below(10_000_000).await;
                        let _stays = cluster.open().await;
                    }
                })
            };
            let works = [&one, &other].map(|peer| world.spawn(write_and_fold(world.clone(), peer.clone())));
            let mut expected = BTreeMap::new();
            for work in works {
                expected.extend(work.await);
            }
            is_over.set(true);
            for look in looks {
                look.await;
            }
            guests.await;
            cluster.set_faults(Faults::default());
            slow_cluster.set_faults(Faults::default());
            let last = cluster.open().await;
            let transaction = begin(&last);
            let found = range(&transaction, b"", b"\xff", RangeOptions::default())
                .await
                .unwrap();
            let found = found
                .rows
                .iter()
                .map(|(key, value)| (key.to_vec(), value.to_vec()));
            assert_eq!(BTreeMap::from_iter(found), expected, "seed {seed}");
            assert_nothing_is_left(&world, &last, seed).await;
        });
    }
}

/// Has a peer fold, and kills it as soon as it has reserved pages.
async fn die_while_folding(cluster: &Cluster, peer: &Peer) {
    let folding = peer.clone();
    let _dies = cluster.run_in(peer, async move {
        folding.database.engine().fold(FoldExtent::All).await
    });
    while reservation(cluster).is_none() {
        cluster.world().sleep(100).await;
    }
    cluster.kill(peer);
}

fn reservation(cluster: &Cluster) -> Option<PageId> {
    let root = cluster.disk().root().unwrap();
    Root::decode(&root).unwrap().reserved_from
}

/// The answer that a reservation was given up takes long. Meanwhile another peer reserves pages and dies, and a look at
/// the log tells the first one of the new root.
#[test]
fn who_gave_a_reservation_up_respects_the_one_after_it() {
    for seed in seeds(100) {
        let world = Simulation::new(seed);
        let mut engine = pages_of(300);
        engine.fold.write_bytes = 700;
        let options = ClusterOptions {
            engine,
            ..slow_storage(2_000)
        };
        let cluster = Cluster::new(&world, options);
        let slow_cluster = cluster.with_faults(options.faults);
        world.clone().run(async move {
            let world = cluster.world().clone();
            let (slow, first, second) = (
                slow_cluster.open().await,
                cluster.open().await,
                cluster.open().await,
            );
            for row in 0..ROWS {
                set(&slow, &key(&slow, row), &value(row, 0)).await;
            }
            die_while_folding(&cluster, &first).await;
            let fold = async |peer: &Peer| peer.database.engine().fold(FoldExtent::All).await.unwrap();
            assert_eq!(fold(&slow).await, FoldResult::Busy);
            // As long as a peer that is short of memory waits.
            world.sleep(6_000_000).await;
            slow_cluster.set_faults(Faults {
                slow_odds: 2,
                slow_us: 1_000_000,
                ..options.faults
            });
            let folding = world.spawn({
                let slow = slow.clone();
                async move { fold(&slow).await }
            });
            while reservation(&cluster).is_some() {
                world.sleep(100).await;
            }
            die_while_folding(&cluster, &second).await;
            let _only_the_look_counts = begin(&slow).read_version().await;
            let _busy_or_not = folding.await;
            slow_cluster.set_faults(Faults::default());
            assert_nothing_is_left(&world, &cluster.open().await, seed).await;
        });
    }
}
