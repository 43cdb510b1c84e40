//! Live ranges: the copy of a subscriber is the database's range at the version it was told.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod support;

use std::collections::BTreeMap;
use std::rc::Rc;

use plinth_core::words::{AtomicOp, KeyRange, RangeOptions};
use plinth_core::{Changes, ErrorCode};
use plinth_sim::{Cluster, ClusterOptions, Peer, Simulation, seeds};
use support::{begin, code, peer_clear, range, set, slow_storage, with_cluster};

type Copy = BTreeMap<Vec<u8>, Vec<u8>>;

fn apply(copy: &mut Copy, changes: &Changes) {
    copy.retain(|key, _| !changes.replaced.iter().any(|range| range.contains(key)));
    for (key, value) in &changes.changes {
        match value {
            Some(value) => copy.insert(key.to_vec(), value.to_vec()),
            None => copy.remove(&key.to_vec()),
        };
    }
}

async fn range_at(peer: &Peer, changes: &Changes, begin_key: &[u8], end_key: &[u8]) -> Copy {
    let tn = begin(peer);
    tn.set_read_version(changes.version.get() as i64).unwrap();
    let rows = range(&tn, begin_key, end_key, RangeOptions::default())
        .await
        .unwrap();
    rows.rows
        .iter()
        .map(|(key, value)| (key.to_vec(), value.to_vec()))
        .collect()
}

#[test]
fn everything_comes_first_and_then_every_change_in_the_range_and_nothing_else() {
    with_cluster(async |cluster| {
        let (peer, other) = (cluster.open().await, cluster.open().await);
        set(&other, b"b", b"1").await;
        set(&other, b"x", b"1").await;
        let live = peer
            .database
            .subscribe(&KeyRange::new(b"a".as_slice(), b"m".as_slice()))
            .unwrap();
        let first = live.next().await.unwrap();
        assert_eq!(first.replaced, [KeyRange::new(b"a".as_slice(), b"m".as_slice())]);
        assert_eq!(
            first.changes,
            [(b"b".as_slice().into(), Some(b"1".as_slice().into()))]
        );
        set(&other, b"x", b"2").await;
        set(&other, b"c", b"2").await;
        let second = live.next().await.unwrap();
        assert_eq!(
            second.changes,
            [(b"c".as_slice().into(), Some(b"2".as_slice().into()))]
        );
        assert_eq!(second.replaced, []);
        peer_clear(&other, b"b", b"b\0").await;
        let third = live.next().await.unwrap();
        assert_eq!(
            third.changes,
            [(b"b".as_slice().into(), None)],
            "a single key that is cleared is a changed key"
        );
        assert_eq!(third.replaced, []);
        let mut copy = Copy::new();
        for changes in [&first, &second, &third] {
            apply(&mut copy, changes);
        }
        assert_eq!(copy, Copy::from([(b"c".to_vec(), b"2".to_vec())]));
        assert!(first.version < second.version && second.version < third.version);
    });
}

#[test]
fn changes_that_nobody_asked_for_yet_come_together_each_key_once() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let live = peer
            .database
            .subscribe(&KeyRange::new(b"".as_slice(), b"\xff".as_slice()))
            .unwrap();
        live.next().await.unwrap();
        for round in 0..50_u8 {
            set(&peer, b"k", &[round]).await;
        }
        let changes = live.next().await.unwrap();
        assert_eq!(
            changes.changes,
            [(b"k".as_slice().into(), Some([49].as_slice().into()))]
        );
    });
}

#[test]
fn a_single_key_tells_its_absence_too() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let live = peer
            .database
            .subscribe(&KeyRange::of_key(b"k".as_slice().into()))
            .unwrap();
        assert_eq!(live.next().await.unwrap().changes, []);
        set(&peer, b"k", b"v").await;
        assert_eq!(live.next().await.unwrap().changes.len(), 1);
        peer_clear(&peer, b"a", b"z").await;
        let gone = live.next().await.unwrap();
        assert_eq!(gone.changes, [(b"k".as_slice().into(), None)]);
    });
}

#[test]
fn a_huge_backlog_becomes_ranges_of_neighbouring_keys() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let all = KeyRange::new(b"".as_slice(), b"\xff".as_slice());
        let live = peer.database.subscribe(&all).unwrap();
        live.next().await.unwrap();
        for round in 0..3_u32 {
            let tn = begin(&peer);
            for row in 0..5_000_u32 {
                tn.set(&(round * 5_000 + row).to_be_bytes(), b"").unwrap();
            }
            tn.commit().await.unwrap();
        }
        let changes = live.next().await.unwrap();
        let (ranges, rows) = (changes.replaced.len(), changes.changes.len());
        assert!((1..=200).contains(&ranges), "{ranges} ranges for 15,000 keys");
        assert_eq!(rows, 15_000);
        let is_told = |key: &[u8]| changes.replaced.iter().any(|range| range.contains(key));
        assert!((0..10_000_u32).all(|row| is_told(&row.to_be_bytes())));
    });
}

#[test]
fn a_closed_database_ends_its_subscriptions_and_wrong_ranges_are_refused() {
    with_cluster(async |cluster| {
        let (peer, world) = (cluster.open().await, cluster.world().clone());
        let range = |begin: &[u8], end: &[u8]| KeyRange::new(begin, end);
        let refused =
            |begin: &[u8], end: &[u8]| code(peer.database.subscribe(&range(begin, end)).map(|_| ()));
        assert_eq!(refused(b"b", b"a"), Some(ErrorCode::InvertedRange));
        assert_eq!(refused(b"a", b"a"), Some(ErrorCode::ClientInvalidOperation));
        assert_eq!(refused(b"a", b"\xff\xff"), Some(ErrorCode::KeyOutsideLegalRange));
        let live = Rc::new(peer.database.subscribe(&range(b"a", b"b")).unwrap());
        live.next().await.unwrap();
        let waiting = world.spawn({
            let live = Rc::clone(&live);
            async move { live.next().await }
        });
        world.sleep(1_000).await;
        peer.database.close().await;
        assert_eq!(code(waiting.await), Some(ErrorCode::OperationCancelled));
        assert_eq!(code(live.next().await), Some(ErrorCode::ClientInvalidOperation));
    });
}

/// A change was told to a subscription, and before it was taken the database was closed: the empty state that
/// was left was told as one at the first version.
#[test]
fn a_subscription_of_a_database_that_is_closed_right_after_a_change_tells_no_older_version() {
    for seed in seeds(60) {
        let world = Simulation::new(seed);
        let cluster = Cluster::new(&world, ClusterOptions::default());
        world.clone().run(async move {
            let peer = cluster.open().await;
            let all = KeyRange::new(b"".as_slice(), b"\xff".as_slice());
            let live = Rc::new(peer.database.subscribe(&all).unwrap());
            let first = live.next().await.unwrap();
            let waiting = world.spawn({
                let live = Rc::clone(&live);
                async move { live.next().await }
            });
            world.sleep(1_000).await;
            let tn = begin(&peer);
            tn.set(b"k", b"v").unwrap();
            let commit = world.spawn(tn.commit());
            let closing = peer.clone();
            let close = world.spawn(async move { closing.database.close().await });
            let _either_way = commit.await;
            close.await;
            if let Ok(second) = waiting.await {
                assert!(second.version > first.version, "seed {seed}: {second:?}");
            }
        });
    }
}

/// Something random, in a transaction of its own.
async fn write(world: &Simulation, peer: &Peer) {
    let tn = begin(peer);
    for _ in 0..world.random_in(1..4) {
        let key = |limit: u64| vec![b'a' + world.random_in(0..limit) as u8];
        match world.random_in(0..4) {
            0 => {
                let (one, other) = (key(8), key(8));
                tn.clear_range(one.clone().min(other.clone()).as_slice(), &one.max(other))
                    .unwrap();
            }
            1 => tn.atomic(AtomicOp::Add, &key(8), &[1, 0]).unwrap(),
            _ => tn.set(&key(8), &[world.random_in(0..200) as u8]).unwrap(),
        }
    }
    // A write without a read can't conflict; what the storage loses is not told.
    let _may_fail = tn.commit().await;
}

#[test]
fn whatever_happens_the_copy_equals_the_range_at_each_version_that_is_told() {
    let mut deliveries = 0;
    for seed in seeds(30) {
        let world = Simulation::new(seed);
        let options = ClusterOptions {
            news_delay_us: 3_000,
            news_loss_odds: 3,
            ..slow_storage(1_500)
        };
        let cluster = Cluster::new(&world, options);
        deliveries += world.clone().run(async move {
            let (peer, other) = (cluster.open().await, cluster.open().await);
            let live = peer
                .database
                .subscribe(&KeyRange::new(b"b".as_slice(), b"g".as_slice()))
                .unwrap();
            let following = world.spawn({
                let (peer, world) = (peer.clone(), world.clone());
                async move {
                    let (mut copy, mut count, mut last) = (Copy::new(), 0, None);
                    while copy.get(b"c".as_slice()).is_none_or(|value| value != b"the end") {
                        let changes = live.next().await.unwrap();
                        apply(&mut copy, &changes);
                        assert_eq!(copy, range_at(&peer, &changes, b"b", b"g").await, "seed {seed}");
                        assert!(last <= Some(changes.version), "seed {seed}: versions go back");
                        last = Some(changes.version);
                        count += 1;
                        // A slow subscriber.
                        world.sleep_below(8_000).await;
                    }
                    (copy, count)
                }
            });
            for _ in 0..60 {
                let writer = if world.one_in(2) { &peer } else { &other };
                write(&world, writer).await;
                world.sleep_below(3_000).await;
            }
            // It ends the loop above. If the news of it is lost, the poll finds it.
            set(&other, b"c", b"the end").await;
            let (copy, count) = following.await;
            let tn = begin(&other);
            let rows = range(&tn, b"b", b"g", RangeOptions::default()).await.unwrap();
            let newest: Copy = rows
                .rows
                .iter()
                .map(|(key, value)| (key.to_vec(), value.to_vec()))
                .collect();
            assert_eq!(copy, newest, "seed {seed}");
            count
        });
    }
    assert!(deliveries > 200, "{deliveries}");
}
