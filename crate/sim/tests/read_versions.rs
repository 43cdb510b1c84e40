//! Read versions: asked for, too old, not there yet, and risky.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod support;

use plinth_core::ErrorCode;
use plinth_core::words::{KEY_BYTES_MAX, TransactionOption};
use support::{begin, code, get, set, set_flag, with_cluster};

#[test]
fn a_read_version_that_was_asked_for_is_the_one_that_is_read() {
    with_cluster(async |cluster| {
        let (peer, world) = (cluster.open().await, cluster.world().clone());
        set(&peer, b"k", b"old").await;
        let earlier = begin(&peer).read_version().await.unwrap();
        world.sleep(1_000_000).await;
        set(&peer, b"k", b"new").await;
        let tn = begin(&peer);
        tn.set_read_version(earlier.get() as i64).unwrap();
        assert_eq!(tn.read_version().await, Ok(earlier));
        assert_eq!(get(&tn, b"k").await, Ok(Some(b"old".to_vec())));
        tn.set(b"l", b"").unwrap();
        assert_eq!(code(tn.commit().await), Some(ErrorCode::NotCommitted));
    });
}

#[test]
fn a_key_that_is_read_at_once_has_the_value_that_a_transaction_reads_and_is_not_where_one_must_wait() {
    with_cluster(async |cluster| {
        let (peer, world) = (cluster.open().await, cluster.world().clone());
        world.sleep(50_000).await;
        for (key, value) in [(b"k".as_slice(), b"v".as_slice()), (b"", b"w"), (b"empty", b"")] {
            assert_eq!(peer.database.get_now(key), Some(None));
            set(&peer, key, value).await;
            assert_eq!(peer.database.get_now(key), Some(Some(value.into())));
        }
        let too_long = vec![b'k'; KEY_BYTES_MAX + 1];
        for special in [b"\xff".as_slice(), b"\xff\xff/status/json", &too_long] {
            assert_eq!(
                peer.database.get_now(special),
                None,
                "a transaction has more to say of it"
            );
        }
        let other = cluster.open().await;
        set(&other, b"k", b"of another peer").await;
        for one in [&peer, &other] {
            let at_once = one.database.get_now(b"k");
            assert_eq!(at_once, None, "another peer may have committed unseen");
        }
        other.database.close().await;
        peer.database.close().await;
        assert_eq!(peer.database.get_now(b"k"), None, "closed");
    });
}

#[test]
fn a_read_version_is_set_once_and_positive() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let already = Some(ErrorCode::ReadVersionAlreadySet);
        let tn = begin(&peer);
        for version in [0, -1, i64::MIN] {
            assert_eq!(
                code(tn.set_read_version(version)),
                Some(ErrorCode::VersionInvalid)
            );
        }
        tn.set_read_version(1).unwrap();
        assert_eq!(code(tn.set_read_version(2)), already);
        tn.reset();
        let pending = tn.read_version();
        assert_eq!(pending.await.map(|_| ()), Ok(()));
        assert_eq!(code(tn.set_read_version(2)), already, "after one was fetched");
        tn.reset();
        let _requested = tn.get(b"k", false);
        assert_eq!(
            code(tn.set_read_version(2)),
            already,
            "while one is being fetched"
        );
    });
}

#[test]
fn version_1_is_too_old_in_every_database() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let tn = begin(&peer);
        tn.set_read_version(1).unwrap();
        assert_eq!(code(get(&tn, b"k").await), Some(ErrorCode::TransactionTooOld));
        tn.set(b"k", b"").unwrap();
        assert_eq!(
            code(tn.commit().await),
            Some(ErrorCode::TransactionTooOld),
            "the commit tells the read's error"
        );
    });
}

#[test]
fn a_version_in_the_future_is_waited_for_up_to_a_second() {
    with_cluster(async |cluster| {
        let (peer, world) = (cluster.open().await, cluster.world().clone());
        let tn = begin(&peer);
        tn.set_read_version(1 << 62).unwrap();
        let began_us = world.now_us();
        assert_eq!(code(get(&tn, b"k").await), Some(ErrorCode::FutureVersion));
        assert!(world.now_us() - began_us >= 1_000_000);

        let newest = begin(&peer).read_version().await.unwrap().get();
        let tn = begin(&peer);
        tn.set_read_version(newest as i64 + 1_000).unwrap();
        let pending = tn.get(b"k", false);
        world.sleep(500_000).await;
        set(&peer, b"k", b"v").await;
        let seen = pending.await.unwrap();
        assert_eq!(seen, None, "the commit that made it readable came after it");
    });
}

#[test]
fn a_read_version_that_others_just_got_is_readable_however_long_nobody_commits() {
    with_cluster(async |cluster| {
        let (peer, world) = (cluster.open().await, cluster.world().clone());
        set(&peer, b"k", b"v").await;
        world.sleep(60_000_000).await;
        let newest = begin(&peer).read_version().await.unwrap();
        let tn = begin(&peer);
        tn.set_read_version(newest.get() as i64).unwrap();
        assert_eq!(get(&tn, b"k").await, Ok(Some(b"v".to_vec())));
    });
}

#[test]
fn a_snapshot_grows_too_old_while_nobody_commits() {
    with_cluster(async |cluster| {
        let (peer, world) = (cluster.open().await, cluster.world().clone());
        world.sleep(60_000_000).await;
        let tn = begin(&peer);
        assert_eq!(get(&tn, b"k").await, Ok(None));
        world.sleep(4_900_000).await;
        assert_eq!(get(&tn, b"k").await, Ok(None));
        world.sleep(200_000).await;
        assert_eq!(code(get(&tn, b"k").await), Some(ErrorCode::TransactionTooOld));
    });
}

#[test]
fn a_blind_write_whose_read_version_is_too_old_fails_unless_it_is_risky() {
    with_cluster(async |cluster| {
        let (peer, world) = (cluster.open().await, cluster.world().clone());
        let (plain, risky, without) = (begin(&peer), begin(&peer), begin(&peer));
        set_flag(&risky, TransactionOption::CausalWriteRisky);
        for tn in [&plain, &risky] {
            tn.read_version().await.unwrap();
        }
        for tn in [&plain, &risky, &without] {
            tn.set(b"k", b"").unwrap();
        }
        world.sleep(5_100_000).await;
        assert_eq!(code(plain.commit().await), Some(ErrorCode::TransactionTooOld));
        assert_eq!(risky.commit().await, Ok(()));
        assert_eq!(without.commit().await, Ok(()), "it never had one");
    });
}

#[test]
fn a_causally_risky_read_asks_nobody_and_may_miss_another_peers_commit() {
    with_cluster(async |cluster| {
        let (peer, other) = (cluster.open().await, cluster.open().await);
        let tn = begin(&other);
        set(&peer, b"k", b"v").await;
        let log_reads = other.database.stats().log_read_count;
        set_flag(&tn, TransactionOption::CausalReadRisky);
        assert_eq!(get(&tn, b"k").await, Ok(None), "news takes a millisecond");
        assert_eq!(other.database.stats().log_read_count, log_reads);
        assert_eq!(get(&begin(&other), b"k").await, Ok(Some(b"v".to_vec())));
    });
}
