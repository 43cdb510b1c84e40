//! A fold that others have overtaken: its pages were written, and while it waited for the answer somebody gave it up for
//! dead, folded more than it, and deleted from the log what they had folded.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod support;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use plinth_core::engine::FoldExtent;
use plinth_core::words::RangeOptions;
use plinth_sim::{Cluster, ClusterOptions, Faults, Peer, Simulation, seeds};
use support::{begin, pages_of, range, set, slow_storage};

/// Rows that each peer has written.
const ROWS: u8 = 40;

fn key(peer: &Peer, row: u8) -> Vec<u8> {
    format!("{}/{row:03}", peer.lane()).into_bytes()
}

/// Writes and folds; what was written in the end is told.
async fn write_and_fold(world: Simulation, peer: Peer) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut rows = BTreeMap::new();
    for round in 0..6 {
        for row in (0..ROWS).filter(|row| row % 6 == round || round == 0) {
            let (key, value) = (key(&peer, row), vec![round; 100]);
            set(&peer, &key, &value).await;
            rows.insert(key, value);
        }
        let _busy_or_not = peer.database.engine().fold(FoldExtent::All).await;
        world.sleep_below(4_000_000).await;
    }
    rows
}

#[test]
fn a_fold_that_was_overtaken_while_it_waited_gives_way_and_no_row_is_lost() {
    for seed in seeds(300) {
        let world = Simulation::new(seed);
        let mut engine = pages_of(300);
        engine.fold.write_bytes = 700;
        let mut options = ClusterOptions {
            engine,
            ..slow_storage(2_000)
        };
        // Longer than a reservation is respected.
        (options.faults.slow_odds, options.faults.slow_us) = (30, 20_000_000);
        let cluster = Cluster::new(&world, options);
        world.clone().run(async move {
            let world = cluster.world().clone();
            let (one, other) = (cluster.open().await, cluster.open().await);
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
            let works = [&one, &other].map(|peer| world.spawn(write_and_fold(world.clone(), peer.clone())));
            let mut expected = BTreeMap::new();
            for work in works {
                expected.extend(work.await);
            }
            is_over.set(true);
            for look in looks {
                look.await;
            }
            cluster.set_faults(Faults::default());
            let transaction = begin(&cluster.open().await);
            let found = range(&transaction, b"", b"\xff", RangeOptions::default())
                .await
                .unwrap();
            let found = found
                .rows
                .iter()
                .map(|(key, value)| (key.to_vec(), value.to_vec()));
            assert_eq!(BTreeMap::from_iter(found), expected, "seed {seed}");
            let report = one.database.check().await.unwrap();
            assert_eq!(report.damage, [], "seed {seed}");
        });
    }
}
