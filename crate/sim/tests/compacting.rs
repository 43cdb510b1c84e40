//! Housekeeping that nobody asks for, or once in a while: packing half-empty pages, folding when idle,
//! cutting ranges by what the branches say.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod support;

use std::cell::Cell;
use std::rc::Rc;

use plinth_core::engine::{EngineOptions, FoldExtent, FoldResult};
use plinth_core::words::RangeOptions;
use plinth_core::{Error, ErrorCode, Transaction, TransactionOptions};
use plinth_sim::{Cluster, ClusterOptions, Peer, Simulation, seeds};
use support::{begin, get, pages_of, range, set, slow_storage, with_engine};

const MINUTE_US: u64 = 60_000_000;

fn small_pages() -> EngineOptions {
    pages_of(1_000)
}

fn key(number: u32) -> Vec<u8> {
    format!("key/{number:06}").into_bytes()
}

/// Rows of a leaf, about.
const LEAF_ROWS: u32 = 54;

fn is_cleared(number: u32) -> bool {
    (8..42).contains(&(number % LEAF_ROWS))
}

async fn load(peer: &Peer, numbers: impl Iterator<Item = u32>) {
    let numbers: Vec<u32> = numbers.collect();
    for some in numbers.chunks(1_000) {
        let transaction = begin(peer);
        for &number in some {
            transaction
                .set(&key(number), format!("value {number}").as_bytes())
                .unwrap();
        }
        transaction.commit().await.unwrap();
    }
}

async fn fold_all(peer: &Peer) {
    set(peer, b"last", b"1").await;
    let folded = peer.database.engine().fold(FoldExtent::All).await;
    assert_eq!(folded, Ok(FoldResult::Folded));
}

#[test]
fn compact_packs_half_empty_leaves_under_readers_and_finds_nothing_to_do_then() {
    with_engine(small_pages(), async |cluster| {
        let (peer, other) = (cluster.open().await, cluster.open().await);
        load(&peer, 0..6_000).await;
        fold_all(&peer).await;
        // Most rows of every leaf go, of neighbouring ones in different folds: none is empty enough to take a
        // neighbour in.
        for turn in 0..4 {
            let transaction = begin(&peer);
            for number in (0..5_700).filter(|number| number / LEAF_ROWS % 4 == turn && is_cleared(*number)) {
                transaction.clear(&key(number)).unwrap();
            }
            transaction.commit().await.unwrap();
            fold_all(&peer).await;
        }
        assert!(get(&begin(&other), &key(0)).await.unwrap().is_some());
        let before = peer.database.check().await.unwrap();
        let reading = begin(&other);
        assert_eq!(get(&reading, &key(1)).await, Ok(Some(b"value 1".to_vec())));
        assert!(peer.database.compact().await.is_ok());
        let after = peer.database.check().await.unwrap();
        assert_eq!(after.damage, []);
        assert_eq!(
            (after.row_count, after.key_value_bytes),
            (before.row_count, before.key_value_bytes)
        );
        assert_eq!(after.superseded_page_count + after.unreachable_page_count, 0);
        let (had, has) = (before.node_count, after.node_count);
        assert!(has * 10 < had * 9, "{had} pages became {has}");
        for reader in [&peer, &other, &cluster.open().await] {
            let transaction = begin(reader);
            for number in (0..6_000).step_by(37) {
                let is_there = number >= 5_700 || !is_cleared(number);
                let expected = is_there.then(|| format!("value {number}").into_bytes());
                assert_eq!(get(&transaction, &key(number)).await, Ok(expected), "{number}");
            }
        }
        assert_eq!(
            get(&reading, &key(5)).await,
            Ok(Some(b"value 5".to_vec())),
            "a reader goes on"
        );
        let written = peer.database.stats().page_write_count;
        peer.database.compact().await.unwrap();
        assert_eq!(
            peer.database.stats().page_write_count,
            written,
            "nothing was left to do"
        );
        // And it goes on as before.
        load(&peer, 10_000..10_100).await;
        fold_all(&peer).await;
        assert_eq!(peer.database.check().await.unwrap().damage, []);
    });
}

#[test]
fn an_idle_engine_folds_a_log_that_is_not_long_once_and_a_busy_or_hidden_one_does_not() {
    with_engine(small_pages(), async |cluster| {
        let (one, other) = (cluster.open().await, cluster.open().await);
        let folds = || one.database.stats().fold_count + other.database.stats().fold_count;
        for number in 0..300 {
            set(&one, &key(number), b"v").await;
        }
        for number in 0..40 {
            cluster.world().sleep(2_000_000).await;
            set(&one, &key(number), b"busy").await;
        }
        assert_eq!(folds(), 0, "there was always something to do");
        for peer in [&one, &other] {
            peer.database.engine().set_visible(false);
        }
        cluster.world().sleep(MINUTE_US).await;
        assert_eq!(folds(), 0, "a hidden page may be frozen in the middle of it");
        one.database.engine().set_visible(true);
        cluster.world().sleep(MINUTE_US / 2).await;
        assert_eq!(folds(), 1);
        assert!(cluster.disk().log_length() < 10);
        set(&one, b"z", b"v").await;
        cluster.world().sleep(MINUTE_US).await;
        assert_eq!(folds(), 1, "it is not worth it yet");
    });
}

#[test]
fn split_points_of_pages_cut_evenly_and_read_branches_only() {
    with_engine(small_pages(), async |cluster| {
        let writer = cluster.open().await;
        load(&writer, 0..20_000).await;
        fold_all(&writer).await;
        let page_count = writer.database.check().await.unwrap().node_count;
        let peer = cluster.open().await;
        let transaction = begin(&peer);
        transaction.set(b"unrelated", b"1").unwrap();
        let (first, past) = (key(1_000), key(19_000));
        let total = transaction.estimated_range_bytes(&first, &past).await.unwrap();
        let points = transaction
            .range_split_points(&first, &past, total / 20)
            .await
            .unwrap();
        let read = peer.database.stats().page_read_count;
        assert!(read * 4 < page_count, "{read} of {page_count} pages were read");
        assert_eq!((&*points[0], &*points[points.len() - 1]), (&*first, &*past));
        assert!((17..=21).contains(&points.len()), "{} points", points.len());
        for pair in points[..points.len() - 1].windows(2) {
            let options = RangeOptions {
                limit: 10_000,
                ..RangeOptions::default()
            };
            let rows = range(&transaction, &pair[0], &pair[1], options)
                .await
                .unwrap()
                .rows;
            let bytes: u64 = rows
                .iter()
                .map(|(key, value)| (key.len() + value.len()) as u64)
                .sum();
            assert!(
                (total / 20..total / 20 * 13 / 10).contains(&bytes),
                "{bytes} of {total}"
            );
        }
    });
}

#[test]
fn commits_of_a_bulk_load_wait_a_little_each_and_none_of_them_for_a_whole_fold() {
    let mut options = small_pages();
    options.fold.recent_bytes_max = 1_000_000;
    options.fold.write_bytes = 20_000;
    options.cache_bytes = 100_000;
    with_engine(options, async |cluster| {
        let peer = cluster.open().await;
        let (mut slowest_us, mut total_us) = (0, 0);
        for first in (0..40_000).step_by(100) {
            let began_us = cluster.world().now_us();
            let transaction = begin(&peer);
            for number in first..first + 100 {
                transaction.set(&key(number), &[7; 100]).unwrap();
            }
            transaction.commit().await.unwrap();
            let took_us = cluster.world().now_us() - began_us;
            slowest_us = slowest_us.max(took_us);
            total_us += took_us;
            let recent = peer.database.stats().recent_bytes;
            assert!(recent < 2_200_000, "{recent} bytes at {first}");
        }
        let folds = peer.database.stats().fold_count;
        assert!(folds >= 3, "{folds} folds");
        let fold_us = total_us / folds;
        assert!(
            slowest_us * 5 < fold_us,
            "{slowest_us} us, where a fold takes some {fold_us}"
        );
    });
}

/// Asks one peer something again and again while another one folds and the same asks for the root; gives how often
/// `ask` was answered.
fn beside_the_folds_of_another_peer(ask: impl AsyncFn(&Peer, u64) -> bool + Copy + 'static) -> u32 {
    let mut answers = 0;
    for seed in seeds(40) {
        let world = Simulation::new(seed);
        let mut options = slow_storage(500);
        options.faults.slow_odds = 4;
        options.faults.slow_us = 20_000;
        let cluster = Cluster::new(&world, options);
        answers += world.clone().run(async move {
            let (peer, other) = (cluster.open().await, cluster.open().await);
            let is_done = Rc::<Cell<bool>>::default();
            let folding = {
                let is_done = Rc::clone(&is_done);
                async move {
                    for number in 0..40 {
                        set(&other, &key(number), b"value").await;
                        other.database.engine().fold(FoldExtent::All).await.unwrap();
                    }
                    is_done.set(true);
                }
            };
            let asking = {
                let (peer, world, is_done) = (peer.clone(), world.clone(), Rc::clone(&is_done));
                async move {
                    while !is_done.get() {
                        let _there_is_nothing_to_fold = peer.database.fold().await;
                        world.sleep_below(3_000).await;
                    }
                }
            };
            let tasks = (world.spawn(folding), world.spawn(asking));
            let mut answers = 0;
            while !is_done.get() {
                answers += u32::from(ask(&peer, seed).await);
            }
            tasks.0.await;
            tasks.1.await;
            answers
        });
    }
    answers
}

/// The check's last question for the root was answered by one that its engine had asked before the fold, so that
/// what was folded meanwhile looked like damage.
#[test]
fn a_check_beside_the_folds_of_another_peer_finds_no_damage_whatever_else_asks_for_the_root() {
    let checks = beside_the_folds_of_another_peer(async |peer, seed| {
        let checked = peer.database.check().await;
        checked.is_ok_and(|report| {
            assert_eq!(report.damage, [], "seed {seed}");
            true
        })
    });
    assert!(checks > 100, "{checks} checks");
}

/// Pages that were folded away under its eyes looked like damage to it.
#[test]
fn a_compaction_beside_the_folds_of_another_peer_finds_no_damage() {
    let compactions = beside_the_folds_of_another_peer(async |peer, seed| {
        let ended = peer.database.compact().await;
        let code = ended.as_ref().err().map(Error::code);
        assert_ne!(code, Some(ErrorCode::FileCorrupt), "seed {seed}: {ended:?}");
        ended.is_ok()
    });
    assert!(compactions > 100, "{compactions} compactions");
}

/// A page written or deleted twice is the same page, so whether it was written once needs no answer.
#[test]
fn a_compaction_whose_answers_are_lost_asks_again_and_never_fails_as_a_commit_would() {
    let mut compactions = 0;
    for seed in seeds(20) {
        let world = Simulation::new(seed);
        let mut engine = pages_of(1_000);
        engine.fold.write_bytes = 2_000;
        engine.fold.delete_pages = 3;
        let mut options = ClusterOptions {
            engine,
            ..ClusterOptions::default()
        };
        options.faults.lost_answer_odds = 6;
        let cluster = Cluster::new(&world, options);
        compactions += world.clone().run(async move {
            let peer = cluster.open().await;
            let mut compactions = 0;
            for round in 0..20 {
                let body = async |transaction: &Rc<Transaction<_>>| {
                    (0..200).try_for_each(|number| transaction.set(&key(number), &[round; 50]))
                };
                while peer
                    .database
                    .run(TransactionOptions::default(), body)
                    .await
                    .is_err()
                {}
                cluster.world().sleep(MINUTE_US).await;
                match peer.database.compact().await {
                    Ok(_) => compactions += 1,
                    Err(error) => assert_eq!(error.code(), ErrorCode::IoError, "seed {seed}: {error}"),
                }
            }
            compactions
        });
    }
    assert!(compactions > 300, "{compactions} compactions");
}
