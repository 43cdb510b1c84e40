//! Many transactions that want the same: nobody runs for nothing again and again, nobody starves.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod support;

use plinth_core::{Error, ErrorCode, TransactionOptions};
use plinth_sim::{Cluster, Peer};
use support::{begin, code, get, set, with_cluster};

const COUNT: u64 = 100;

/// Increments a counter of eight bytes.
async fn increment(peer: Peer, key: Vec<u8>) {
    let options = TransactionOptions::default();
    let body = async |tn: &support::Tn| {
        let value = get(tn, &key).await?;
        let count = value.map_or(0, |value| u64::from_le_bytes(value.try_into().unwrap()));
        tn.set(&key, &(count + 1).to_le_bytes())
    };
    peer.database.run(options, body).await.unwrap();
}

async fn increment_at_once(cluster: &Cluster, peer: &Peer, keys: u64) -> u64 {
    let began_us = cluster.world().now_us();
    let all: Vec<_> = (0..COUNT)
        .map(|index| {
            let key = (index % keys).to_le_bytes().to_vec();
            cluster.world().spawn(increment(peer.clone(), key))
        })
        .collect();
    for one in all {
        one.await;
    }
    for key in 0..keys {
        let value = get(&begin(peer), &key.to_le_bytes()).await.unwrap().unwrap();
        assert_eq!(u64::from_le_bytes(value.try_into().unwrap()), COUNT / keys);
    }
    cluster.world().now_us() - began_us
}

#[test]
fn losers_over_one_key_try_again_one_after_another_and_lose_no_second_time() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let took_us = increment_at_once(&cluster, &peer, 1).await;
        let conflicts = peer.database.stats().conflict_count;
        assert!(conflicts <= COUNT + COUNT / 10, "{conflicts} conflicts");
        // A storage operation takes up to 1,000 us, on average half of that.
        assert!(took_us < COUNT * 1_500, "{took_us} us");
    });
}

#[test]
fn losers_over_different_keys_share_their_batches() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let took_us = increment_at_once(&cluster, &peer, 20).await;
        assert!(took_us < (COUNT / 20 + 4) * 3_000, "{took_us} us");
    });
}

/// Two transactions that lost a conflict over one key, in this order.
async fn two_losers(peer: &Peer) -> [support::Tn; 2] {
    let transactions = [begin(peer), begin(peer)];
    for tn in &transactions {
        get(tn, b"k").await.unwrap();
        tn.set(b"k", b"mine").unwrap();
    }
    set(peer, b"k", b"theirs").await;
    for tn in &transactions {
        assert_eq!(code(tn.commit().await), Some(ErrorCode::NotCommitted));
    }
    transactions
}

#[test]
fn one_that_keeps_its_turn_for_long_holds_the_others_up_for_the_longest_delay_only() {
    with_cluster(async |cluster| {
        let (peer, world) = (cluster.open().await, cluster.world().clone());
        let [slow, quick] = two_losers(&peer).await;
        let conflict = Error::from(ErrorCode::NotCommitted);
        slow.on_error(&conflict).await.unwrap();
        let began_us = world.now_us();
        quick.on_error(&conflict).await.unwrap();
        assert_eq!(world.now_us() - began_us, 1_000_000);
        get(&slow, b"k").await.unwrap();
    });
}

#[test]
fn a_turn_that_is_given_up_goes_to_the_next() {
    with_cluster(async |cluster| {
        let (peer, world) = (cluster.open().await, cluster.world().clone());
        let [first, second] = two_losers(&peer).await;
        let conflict = Error::from(ErrorCode::NotCommitted);
        first.on_error(&conflict).await.unwrap();
        let waiting = world.spawn(second.on_error(&conflict));
        world.sleep(5_000).await;
        let began_us = world.now_us();
        first.cancel();
        assert_eq!(waiting.await, Ok(()));
        assert!(world.now_us() - began_us < 1_000);
    });
}
