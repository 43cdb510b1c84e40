//! A transaction that is used, cancelled or reset while its reads and its commit are under way: each
//! answer is one that the rules allow, nothing waits for ever, and the commit happens wholly or not.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod support;

use plinth_core::words::{RangeOptions, TransactionOption};
use plinth_core::{ErrorCode, Read};
use plinth_sim::{Cluster, ClusterOptions, Faults, Simulation, seeds};
use support::{begin, code, get, keys, range, set, set_flag};

const KEYS: u8 = 5;

fn own_key(index: u8) -> [u8; 2] {
    [b'k', b'0' + index]
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disturbance {
    None,
    Use,
    UseUnprotected,
    Cancel,
    Reset,
    Drop,
}

const DISTURBANCES: [Disturbance; 6] = [
    Disturbance::None,
    Disturbance::Use,
    Disturbance::UseUnprotected,
    Disturbance::Cancel,
    Disturbance::Reset,
    Disturbance::Drop,
];

async fn disturb(cluster: Cluster, disturbance: Disturbance) {
    let world = cluster.world().clone();
    let context = format!("seed {}, {disturbance:?}", world.seed());
    let (peer, other) = (cluster.open().await, cluster.open().await);
    let transaction = begin(&peer);
    if disturbance == Disturbance::UseUnprotected {
        set_flag(&transaction, TransactionOption::UsedDuringCommitProtectionDisable);
    }
    let point = transaction.get(b"read", false);
    let rows = range(&transaction, b"k", b"l", RangeOptions::default());
    for index in 0..KEYS {
        transaction.set(&own_key(index), b"v").unwrap();
    }
    let watch = transaction.watch(b"k0");
    let stamp = transaction.versionstamp();
    let conflicts = world.one_in(3);
    if conflicts {
        transaction.read_version().await.unwrap();
        set(&other, b"read", b"by the other").await;
    }
    let commit = transaction.commit();
    world.sleep_below(2_500).await;
    let ended_by = match disturbance {
        Disturbance::None => None,
        Disturbance::Use | Disturbance::UseUnprotected => {
            let used = match world.random_in(0..4) {
                0 => code(transaction.set(b"k0", b"w")),
                1 => code(transaction.get(b"k0", true).await),
                2 => code(transaction.commit().await),
                _ => code(transaction.watch(b"k0").await),
            };
            assert_eq!(used, Some(ErrorCode::UsedDuringCommit), "{context}");
            (disturbance == Disturbance::Use).then_some(ErrorCode::UsedDuringCommit)
        }
        Disturbance::Cancel => {
            transaction.cancel();
            Some(ErrorCode::TransactionCancelled)
        }
        Disturbance::Reset => {
            transaction.reset();
            Some(ErrorCode::TransactionCancelled)
        }
        Disturbance::Drop => None,
    };
    if disturbance == Disturbance::Drop {
        drop(transaction);
    }
    let committed = code(commit.await);
    let verdict = if conflicts {
        Some(ErrorCode::NotCommitted)
    } else {
        None
    };
    assert!(
        committed == verdict || (ended_by.is_some() && committed == ended_by),
        "{context}: the commit, {committed:?}"
    );
    for read in [code(point.await), code(rows.await)] {
        assert!(read.is_none() || read == ended_by, "{context}: a read, {read:?}");
    }
    let stamped = code(stamp.await);
    let unstamped = verdict.map(|_| ErrorCode::TransactionInvalidVersion);
    let ended_stamp = ended_by.is_some() && (stamped == ended_by || stamped == unstamped);
    assert!(
        stamped == unstamped || ended_stamp,
        "{context}: the stamp, {stamped:?}"
    );
    // Whatever it was told, a commit under way may still happen, or not: wholly, and soon.
    world.sleep(100_000).await;
    let found = keys(&begin(&other), b"k", b"l", RangeOptions::default()).await.0;
    let is_whole = found.is_empty() || found.len() == usize::from(KEYS);
    assert!(is_whole, "{context}: {found:?}");
    match committed {
        None => assert!(!found.is_empty(), "{context}: acknowledged, and lost"),
        Some(ErrorCode::NotCommitted) => assert!(found.is_empty(), "{context}: refused, and done"),
        Some(_) => {}
    }
    set(&other, b"k0", b"another value").await;
    world.sleep(100_000).await;
    let watched = code(watch.await);
    let is_told = watched.is_none() || watched == verdict || watched == ended_by;
    assert!(is_told, "{context}: the watch, {watched:?}");
    assert_eq!(
        get(&begin(&peer), b"k0").await,
        Ok(Some(b"another value".to_vec())),
        "{context}"
    );
    assert_eq!(peer.database.stats().watch_count, 0, "{context}");
}

#[test]
fn whatever_disturbs_a_commit_it_is_answered_and_happens_wholly_or_not() {
    for seed in seeds(1_200) {
        let world = Simulation::new(seed);
        let faults = Faults {
            delay_us: 700,
            ..Faults::default()
        };
        let options = ClusterOptions {
            faults,
            news_delay_us: 1_000,
            ..ClusterOptions::default()
        };
        let cluster = Cluster::new(&world, options);
        let disturbance = DISTURBANCES[seed as usize % DISTURBANCES.len()];
        world.run(disturb(cluster, disturbance));
    }
}

#[test]
fn a_commit_waits_for_its_reads_and_fails_with_the_first_error_of_any() {
    for seed in seeds(50) {
        let world = Simulation::new(seed);
        let cluster = Cluster::new(&world, ClusterOptions::default());
        world.clone().run(async move {
            let peer = cluster.open().await;
            let transaction = begin(&peer);
            transaction.read_version().await.unwrap();
            world.sleep(6_000_000).await;
            transaction.set(b"k", b"").unwrap();
            match transaction.get(b"l", true) {
                Read::Ready(answer) => drop(answer),
                Read::Pending(never_polled) => drop(never_polled),
            }
            let commit = code(transaction.commit().await);
            assert_eq!(
                commit,
                Some(ErrorCode::TransactionTooOld),
                "nobody looked at the read"
            );
        });
    }
}
