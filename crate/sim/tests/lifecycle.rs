//! The life of a transaction and of a database, rule by rule: commit, retry, cancel, age, timeout, close.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod support;

use std::cell::Cell;
use std::future::poll_fn;
use std::mem::replace;
use std::rc::Rc;
use std::task::Poll;

use plinth_core::engine::FoldExtent;
use plinth_core::words::{KeyRange, TransactionOption};
use plinth_core::{Error, ErrorCode, TransactionOptions};
use plinth_sim::{Cluster, ClusterOptions, Peer, Simulation, seeds};
use support::{begin, code, get, set, set_flag, slow_storage, with_cluster};

#[test]
fn after_commit_every_use_fails_with_used_during_commit_until_reset() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let transaction = begin(&peer);
        transaction.set(b"k", b"v").unwrap();
        let read_version = transaction.read_version().await.unwrap();
        transaction.commit().await.unwrap();
        let used = Some(ErrorCode::UsedDuringCommit);
        assert_eq!(transaction.read_version().await, Ok(read_version));
        assert!(transaction.approximate_size().is_ok());
        assert!(transaction.committed().is_some());
        assert_eq!(code(get(&transaction, b"k").await), used);
        assert_eq!(code(transaction.set(b"k", b"w")), used);
        assert_eq!(code(transaction.versionstamp().await), used);
        assert_eq!(code(transaction.commit().await), used);
        assert_eq!(code(transaction.watch(b"k").await), used);
        transaction.reset();
        assert_eq!(get(&transaction, b"k").await, Ok(Some(b"v".to_vec())));
    });
}

#[test]
fn a_use_during_the_commit_fails_the_commit_and_on_error_does_not_heal_it() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let transaction = begin(&peer);
        transaction.set(b"k", b"v").unwrap();
        let committing = transaction.commit();
        let used = Some(ErrorCode::UsedDuringCommit);
        assert_eq!(code(transaction.set(b"k", b"w")), used);
        assert_eq!(code(committing.await), used);
        assert_eq!(code(transaction.read_version().await), used);
        let conflict = Error::from(ErrorCode::NotCommitted);
        assert_eq!(code(transaction.on_error(&conflict).await), used);
        transaction.reset();
        assert!(get(&transaction, b"k").await.is_ok());
    });
}

#[test]
fn without_the_protection_a_use_during_the_commit_leaves_the_commit_alone() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let transaction = begin(&peer);
        set_flag(&transaction, TransactionOption::UsedDuringCommitProtectionDisable);
        transaction.set(b"k", b"v").unwrap();
        let committing = transaction.commit();
        let used = Some(ErrorCode::UsedDuringCommit);
        assert_eq!(code(transaction.set(b"k", b"w")), used);
        assert_eq!(committing.await, Ok(()));
        assert_eq!(code(get(&transaction, b"k").await), used);
        let conflict = Error::from(ErrorCode::NotCommitted);
        assert_eq!(transaction.on_error(&conflict).await, Ok(()));
        assert_eq!(get(&transaction, b"k").await, Ok(Some(b"v".to_vec())));
    });
}

#[test]
fn a_cancelled_transaction_stays_cancelled_until_reset() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        // Who is not alone waits for a read version.
        let other = cluster.open().await;
        set(&other, b"other", b"").await;
        let transaction = begin(&peer);
        let pending = transaction.get(b"k", false);
        transaction.cancel();
        assert_eq!(code(pending.await), Some(ErrorCode::TransactionCancelled));
        assert_eq!(
            code(transaction.set(b"k", b"")),
            Some(ErrorCode::TransactionCancelled)
        );
        let conflict = Error::from(ErrorCode::NotCommitted);
        assert_eq!(
            code(transaction.on_error(&conflict).await),
            Some(ErrorCode::TransactionCancelled)
        );
        transaction.reset();
        assert_eq!(get(&transaction, b"k").await, Ok(None));
    });
}

#[test]
fn on_error_with_what_cannot_be_retried_ends_the_transaction() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let transaction = begin(&peer);
        let refused = Error::from(ErrorCode::KeyTooLarge);
        assert_eq!(transaction.on_error(&refused).await, Err(refused));
        assert_eq!(
            code(transaction.set(b"k", b"")),
            Some(ErrorCode::TransactionCancelled)
        );
    });
}

#[test]
fn on_error_after_a_conflict_gives_a_new_snapshot_and_no_writes() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let transaction = begin(&peer);
        assert_eq!(get(&transaction, b"k").await, Ok(None));
        transaction.set(b"l", b"mine").unwrap();
        set(&peer, b"k", b"theirs").await;
        let conflict = transaction.commit().await.unwrap_err();
        assert_eq!(conflict.code(), ErrorCode::NotCommitted);
        transaction.on_error(&conflict).await.unwrap();
        assert_eq!(get(&transaction, b"k").await, Ok(Some(b"theirs".to_vec())));
        assert_eq!(get(&transaction, b"l").await, Ok(None));
    });
}

#[test]
fn a_transaction_is_too_old_after_five_seconds_to_read_or_to_commit_but_not_to_write_blindly() {
    with_cluster(async |cluster| {
        let (peer, world) = (cluster.open().await, cluster.world().clone());
        let (reader, writer, blind) = (begin(&peer), begin(&peer), begin(&peer));
        for transaction in [&reader, &writer] {
            assert_eq!(get(transaction, b"k").await, Ok(None));
        }
        writer.set(b"l", b"").unwrap();
        blind.set(b"m", b"").unwrap();
        world.sleep(4_900_000).await;
        set(&peer, b"unrelated", b"").await;
        assert_eq!(get(&reader, b"k").await, Ok(None), "not yet");
        world.sleep(200_000).await;
        assert_eq!(code(get(&reader, b"k").await), Some(ErrorCode::TransactionTooOld));
        assert_eq!(code(writer.commit().await), Some(ErrorCode::TransactionTooOld));
        assert_eq!(blind.commit().await, Ok(()));
        assert_eq!(
            code(reader.commit().await),
            Some(ErrorCode::TransactionTooOld),
            "its read failed"
        );
    });
}

#[test]
fn a_transaction_that_begins_on_a_long_idle_database_is_young() {
    with_cluster(async |cluster| {
        let (peer, world) = (cluster.open().await, cluster.world().clone());
        set(&peer, b"k", b"v").await;
        world.sleep(3_600_000_000).await;
        let transaction = begin(&peer);
        assert_eq!(get(&transaction, b"k").await, Ok(Some(b"v".to_vec())));
        // These two commits move the versions by the largest step and a little more.
        set(&peer, b"x", b"").await;
        set(&peer, b"y", b"").await;
        assert_eq!(get(&transaction, b"l").await, Ok(None));
        transaction.set(b"z", b"").unwrap();
        assert_eq!(transaction.commit().await, Ok(()));
    });
}

#[test]
fn closing_completes_what_was_submitted_and_refuses_the_rest() {
    with_cluster(async |cluster| {
        let (peer, other) = (cluster.open().await, cluster.open().await);
        let transaction = begin(&peer);
        let watch = transaction.watch(b"k");
        transaction.commit().await.unwrap();
        let never_committed = begin(&peer);
        let never_armed = never_committed.watch(b"k");
        let last = begin(&peer);
        last.set(b"k", b"v").unwrap();
        let committing = last.commit();
        cluster.world().sleep(1).await;
        let database = peer.database.clone();
        database.close().await;
        assert_eq!(committing.await, Ok(()));
        assert_eq!(watch.await, Ok(()), "the last commit changed it");
        assert_eq!(
            code(get(&begin(&peer), b"k").await),
            Some(ErrorCode::ClientInvalidOperation)
        );
        assert_eq!(get(&begin(&other), b"k").await, Ok(Some(b"v".to_vec())));
        drop(never_committed);
        assert!(never_armed.await.is_err(), "its read came too late");
        assert_eq!(peer.database.stats().watch_count, 0);
    });
}

/// Asks for one read version after the other, as a subscription does, until there is none.
async fn ask_until_it_fails(peer: Peer) -> Option<ErrorCode> {
    loop {
        let told = code(peer.database.engine().read_version().await);
        if told.is_some() {
            return told;
        }
    }
}

#[test]
fn a_look_at_the_log_that_the_closing_overtakes_tells_of_the_closing_and_of_no_damage() {
    for seed in seeds(400) {
        let world = Simulation::new(seed);
        let options = ClusterOptions {
            // Nobody is alone: every transaction looks at the log.
            without_locks: true,
            ..slow_storage(3)
        };
        let cluster = Cluster::new(&world, options);
        world.clone().run(async move {
            let peer = cluster.open().await;
            set(&peer, b"k", b"1").await;
            let reading: Vec<_> = (0..3)
                .map(|_| world.spawn(ask_until_it_fails(peer.clone())))
                .collect();
            // Who is answered closes in the very instant in which the next look begins, and may end.
            for _ in 0..world.random_in(1..8) {
                peer.database.engine().read_version().await.unwrap();
            }
            peer.database.close().await;
            for read in reading {
                let told = read.await;
                let is_closing = matches!(
                    told,
                    Some(ErrorCode::ClientInvalidOperation | ErrorCode::OperationCancelled)
                );
                assert!(is_closing, "seed {seed}: {told:?}");
            }
        });
    }
}

/// What was read of the log had no root any more, which was told as a damaged one.
#[test]
fn an_opening_that_a_deletion_overtakes_opens_the_database_that_is_there_then() {
    for delay_us in (0..2_000).step_by(20) {
        let world = Simulation::new(delay_us);
        let cluster = Cluster::new(&world, slow_storage(500));
        world.clone().run(async move {
            let before = cluster.open().await;
            set(&before, b"k", b"gone").await;
            let opening = {
                let cluster = cluster.clone();
                world.spawn(async move { cluster.try_open().await.map(|peer| (peer, cluster)) })
            };
            world.sleep(delay_us).await;
            cluster.evict_database(&[before]);
            let (peer, cluster) = opening.await.unwrap();
            let is_old = get(&begin(&peer), b"k").await;
            assert!(
                is_old == Ok(None) || code(is_old.clone()) == Some(ErrorCode::FileNotFound),
                "{is_old:?} after {delay_us} us"
            );
            assert_eq!(get(&begin(&cluster.open().await), b"k").await, Ok(None));
        });
    }
}

#[test]
fn a_timeout_ends_every_use_of_the_transaction_retries_included() {
    with_cluster(async |cluster| {
        let (peer, world) = (cluster.open().await, cluster.world().clone());
        let options = TransactionOptions {
            timeout_us: Some(100_000),
            ..TransactionOptions::default()
        };
        let transaction = peer.database.create_transaction(options);
        assert_eq!(get(&transaction, b"k").await, Ok(None));
        transaction
            .on_error(&Error::from(ErrorCode::NotCommitted))
            .await
            .unwrap();
        assert_eq!(
            get(&transaction, b"k").await,
            Ok(None),
            "its time runs on, and is not over yet"
        );
        let watch = transaction.watch(b"k");
        world.sleep(120_000).await;
        assert_eq!(code(watch.await), Some(ErrorCode::TransactionTimedOut));
        assert_eq!(
            code(get(&transaction, b"k").await),
            Some(ErrorCode::TransactionTimedOut)
        );
        assert_eq!(
            code(transaction.set(b"k", b"")),
            Some(ErrorCode::TransactionTimedOut)
        );
        let conflict = Error::from(ErrorCode::NotCommitted);
        assert_eq!(
            code(transaction.on_error(&conflict).await),
            Some(ErrorCode::TransactionTimedOut)
        );
        transaction.reset();
        assert_eq!(
            get(&transaction, b"k").await,
            Ok(None),
            "a reset starts the clock anew"
        );
        world.sleep(120_000).await;
        assert_eq!(
            code(get(&transaction, b"k").await),
            Some(ErrorCode::TransactionTimedOut)
        );
    });
}

#[test]
fn a_cancelled_wait_before_a_retry_ends_at_once() {
    with_cluster(async |cluster| {
        let (peer, world) = (cluster.open().await, cluster.world().clone());
        let transaction = begin(&peer);
        let waiting = transaction.on_error(&Error::from(ErrorCode::TransactionTooOld));
        let waiting = world.spawn(waiting);
        world.sleep(1_000).await;
        transaction.cancel();
        assert_eq!(code(waiting.await), Some(ErrorCode::TransactionCancelled));
        assert!(world.now_us() < 10_000, "it would have waited for 10 ms");
    });
}

#[test]
fn a_size_limit_is_checked_at_commit() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let options = TransactionOptions {
            size_limit: 200,
            ..TransactionOptions::default()
        };
        let transaction = peer.database.create_transaction(options);
        transaction.set(b"k", &[0; 100]).unwrap();
        assert_eq!(transaction.commit().await, Ok(()));
        transaction.reset();
        transaction.set(b"k", &[0; 200]).unwrap();
        assert_eq!(
            code(transaction.commit().await),
            Some(ErrorCode::TransactionTooLarge)
        );
    });
}

/// How many turns others get while a database with so many records of ten thousand bytes is opened.
fn turns_of_others_while_opening(records: usize, seed: u64) -> u32 {
    let world = Simulation::new(seed);
    // No time passes beside those turns: nobody may wait for anything but them.
    let options = ClusterOptions {
        without_locks: true,
        ..ClusterOptions::default()
    };
    let cluster = Cluster::new(&world, options);
    world.clone().run(async move {
        let writer = cluster.open().await;
        for _ in 0..records {
            set(&writer, b"k", &[1; 10_000]).await;
        }
        let is_open = Rc::<Cell<bool>>::default();
        let other = {
            let is_open = Rc::clone(&is_open);
            world.spawn(async move {
                let mut turns = 0;
                while !is_open.get() {
                    turns += 1;
                    // One turn of the event loop.
                    let mut is_over = false;
                    poll_fn(|context| {
                        context.waker().wake_by_ref();
                        if replace(&mut is_over, true) {
                            Poll::Ready(())
                        } else {
                            Poll::Pending
                        }
                    })
                    .await;
                }
                turns
            })
        };
        let reader = cluster.open().await;
        is_open.set(true);
        assert_eq!(get(&begin(&reader), b"k").await, Ok(Some(vec![1; 10_000])));
        other.await
    })
}

#[test]
fn opening_a_long_log_lets_others_have_their_turns_between_pieces_of_it() {
    // Whose turn is next is chance.
    let seeds = 0..16;
    let [short, long] = [2, 100].map(|records| {
        seeds
            .clone()
            .map(|seed| turns_of_others_while_opening(records, seed))
            .sum::<u32>()
    });
    assert!(
        long >= short + 16 * 20,
        "{long} turns beside 100 records, {short} beside 2, in 16 runs"
    );
}

#[test]
fn a_database_that_was_closed_is_freed_with_all_that_it_held() {
    with_cluster(async |cluster| {
        for is_folded in [false, true] {
            let peer = cluster.open().await;
            let engine = Rc::downgrade(peer.database.engine());
            set(&peer, b"k", b"v").await;
            if is_folded {
                peer.database.engine().fold(FoldExtent::All).await.unwrap();
            }
            let live = peer
                .database
                .subscribe(&KeyRange::new(b"".as_slice(), b"\xff".as_slice()));
            let (waiting, uncommitted) = (begin(&peer), begin(&peer));
            let watches = (waiting.watch(b"k"), uncommitted.watch(b"k"));
            waiting.commit().await.unwrap();
            peer.database.close().await;
            drop((peer, waiting, uncommitted, live.unwrap()));
            assert!(watches.0.await.is_err() && watches.1.await.is_err());
            cluster.world().sleep(60_000_000).await;
            assert_eq!(engine.strong_count(), 0);
        }
    });
}
