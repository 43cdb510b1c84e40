//! The rules of watches, one by one.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod support;

use std::rc::Rc;

use plinth_core::ErrorCode;
use plinth_sim::{Cluster, ClusterOptions, Simulation};
use support::{begin, code, get, peer_clear, set, with_cluster};

#[test]
fn a_watch_fires_when_the_value_differs_and_not_when_it_is_set_again() {
    with_cluster(async |cluster| {
        let (one, other) = (cluster.open().await, cluster.open().await);
        set(&one, b"k", b"v").await;
        let transaction = begin(&one);
        let watch = transaction.watch(b"k");
        transaction.commit().await.unwrap();
        let fired = Rc::new(std::cell::Cell::new(false));
        let flag = Rc::clone(&fired);
        let waiting = cluster.world().spawn(async move {
            let outcome = watch.await;
            flag.set(true);
            outcome
        });
        set(&other, b"k", b"v").await;
        set(&other, b"unrelated", b"").await;
        cluster.world().sleep(100_000).await;
        assert!(!fired.get());
        set(&other, b"k", b"w").await;
        assert_eq!(waiting.await, Ok(()));
        assert_eq!(get(&begin(&one), b"k").await, Ok(Some(b"w".to_vec())));
    });
}

#[test]
fn a_watch_fires_for_a_clear_of_a_range_over_its_key() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        set(&peer, b"k", b"v").await;
        let transaction = begin(&peer);
        let (present, absent) = (transaction.watch(b"k"), transaction.watch(b"absent"));
        transaction.commit().await.unwrap();
        peer_clear(&peer, b"a", b"z").await;
        assert_eq!(present.await, Ok(()));
        let (canceller, absent) = absent.into_parts();
        canceller.cancel();
        assert_eq!(
            code(absent.await),
            Some(ErrorCode::OperationCancelled),
            "clearing nothing is no change"
        );
    });
}

#[test]
fn before_the_commit_a_watch_fires_for_own_writes_of_another_value_only() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        set(&peer, b"k", b"v").await;
        let transaction = begin(&peer);
        let (changed, same) = (transaction.watch(b"k"), transaction.watch(b"k"));
        drop(get(&transaction, b"k").await);
        transaction.set(b"k", b"v").unwrap();
        let (canceller, same) = same.into_parts();
        canceller.cancel();
        assert_eq!(code(same.await), Some(ErrorCode::OperationCancelled));
        transaction.set(b"k", b"w").unwrap();
        assert_eq!(changed.await, Ok(()));
    });
}

#[test]
fn a_watch_of_ones_own_write_compares_with_that_write() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let transaction = begin(&peer);
        transaction.set(b"k", b"mine").unwrap();
        let watch = transaction.watch(b"k");
        transaction.commit().await.unwrap();
        set(&peer, b"k", b"theirs").await;
        assert_eq!(watch.await, Ok(()));
    });
}

#[test]
fn a_watch_shares_the_fate_of_its_transaction() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let conflicting = begin(&peer);
        let watch = conflicting.watch(b"k");
        drop(get(&conflicting, b"k").await);
        conflicting.set(b"l", b"").unwrap();
        set(&peer, b"k", b"theirs").await;
        assert_eq!(
            code(conflicting.commit().await),
            Some(ErrorCode::NotCommitted),
            "a watch is a read"
        );
        assert_eq!(code(watch.await), Some(ErrorCode::NotCommitted));
        let abandoned = begin(&peer);
        let watch = abandoned.watch(b"k");
        abandoned.reset();
        assert_eq!(code(watch.await), Some(ErrorCode::TransactionCancelled));
        let dropped = begin(&peer);
        let watch = dropped.watch(b"k");
        drop(dropped);
        assert_eq!(code(watch.await), Some(ErrorCode::TransactionCancelled));
    });
}

#[test]
fn a_read_only_transaction_arms_its_watches_at_its_read_version() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let transaction = begin(&peer);
        let watch = transaction.watch(b"k");
        drop(get(&transaction, b"k").await);
        set(&peer, b"k", b"changed before the commit").await;
        transaction.commit().await.unwrap();
        assert_eq!(watch.await, Ok(()));
    });
}

#[test]
fn the_watch_past_the_limit_fails_and_an_ended_one_makes_room() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let transaction = begin(&peer);
        let mut watches: Vec<_> = (0..10_000).map(|_| transaction.watch(b"k")).collect();
        assert_eq!(
            code(transaction.watch(b"k").await),
            Some(ErrorCode::TooManyWatches)
        );
        watches.pop();
        let again = transaction.watch(b"k");
        transaction.commit().await.unwrap();
        assert_eq!(peer.database.stats().watch_count, 10_000);
        drop((watches, again));
        assert_eq!(peer.database.stats().watch_count, 0);
    });
}

#[test]
fn the_read_of_a_watch_that_fails_fails_the_watch_and_not_the_commit() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let transaction = begin(&peer);
        transaction.set_versionstamped_value(b"k", &[0; 14]).unwrap();
        let watch = transaction.watch(b"k");
        assert_eq!(transaction.commit().await, Ok(()));
        assert_eq!(code(watch.await), Some(ErrorCode::AccessedUnreadable));
        let old = begin(&peer);
        old.read_version().await.unwrap();
        cluster.world().sleep(6_000_000).await;
        let watch = old.watch(b"l");
        assert_eq!(old.commit().await, Ok(()), "it is read-only");
        assert_eq!(code(watch.await), Some(ErrorCode::TransactionTooOld));
    });
}

#[test]
fn an_own_write_of_another_value_fires_a_watch_also_if_it_is_taken_back_before_the_value_is_read() {
    // The value to compare with was still on its way when the key was set and cleared again; only what
    // was left of both was compared with it, which is nothing, like the value.
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let transaction = begin(&peer);
        let (changed, unchanged) = (transaction.watch(b"k"), transaction.watch(b"l"));
        transaction.set(b"k", b"v").unwrap();
        transaction.clear(b"k").unwrap();
        transaction.clear(b"l").unwrap();
        assert_eq!(changed.await, Ok(()));
        let (canceller, unchanged) = unchanged.into_parts();
        transaction.commit().await.unwrap();
        canceller.cancel();
        assert_eq!(code(unchanged.await), Some(ErrorCode::OperationCancelled));
    });
}

#[test]
fn an_own_set_fires_a_watch_also_where_a_versionstamp_made_the_key_unreadable() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let transaction = begin(&peer);
        let watch = transaction.watch(b"k5");
        drop(get(&transaction, b"k5").await);
        let template = [b"k".as_slice(), &[0; 10], &[1, 0, 0, 0]].concat();
        transaction.set_versionstamped_key(&template, b"").unwrap();
        transaction.set(b"k5", b"v").unwrap();
        assert_eq!(watch.await, Ok(()));
    });
}

#[test]
fn a_watch_fires_within_a_poll_although_every_message_is_lost() {
    let world = Simulation::new(5);
    let options = ClusterOptions {
        news_loss_odds: 1,
        ..Default::default()
    };
    let cluster = Cluster::new(&world, options);
    world.clone().run(async move {
        let (watching, other) = (cluster.open().await, cluster.open().await);
        let tn = begin(&watching);
        let watch = tn.watch(b"k");
        tn.commit().await.unwrap();
        world.sleep(3_000_000).await;
        set(&other, b"k", b"v").await;
        let began_us = world.now_us();
        assert_eq!(watch.await, Ok(()));
        assert!(world.now_us() - began_us <= 1_100_000);
    });
}
