//! Records that were too late (I14): the storage gave them another number than they were made for. Nobody counts
//! them, whoever reads them; and where the storage's numbers can't be trusted, there is an error and no loss.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod support;

use plinth_core::ErrorCode;
use plinth_core::engine::{FoldExtent, FoldResult};
use plinth_core::storage::LogEntry;
use plinth_core::words::{RangeOptions, SequenceNumber, StreamingMode};
use plinth_sim::{Cluster, ClusterOptions, Death, Item, Peer, Simulation};
use support::{begin, code, get, is_void, keys, set};

/// Peers that hear nothing of each other: who writes without reading is too late.
fn without_news<F: Future<Output = ()> + 'static>(body: impl FnOnce(Cluster) -> F) {
    let world = Simulation::new(7);
    let options = ClusterOptions {
        news_loss_odds: 1,
        without_locks: true,
        ..Default::default()
    };
    let cluster = Cluster::new(&world, options);
    world.run(body(cluster));
}

fn log(cluster: &Cluster) -> Vec<LogEntry> {
    cluster.disk().log_after(SequenceNumber::ZERO, usize::MAX)
}

fn void_places(cluster: &Cluster) -> Vec<u64> {
    let log = log(cluster);
    let void = log.iter().filter(|entry| is_void(entry));
    void.map(|entry| entry.sequence.get()).collect()
}

async fn all_keys(peer: &Peer) -> Vec<String> {
    let options = RangeOptions {
        limit: 1_000,
        mode: StreamingMode::Exact,
        ..RangeOptions::default()
    };
    keys(&begin(peer), b"", b"\xff", options).await.0
}

#[test]
fn whoever_is_too_late_leaves_a_void_record_and_commits_after_it() {
    without_news(async |cluster| {
        let (one, other) = (cluster.open().await, cluster.open().await);
        set(&one, b"a", b"one").await;
        set(&other, b"a", b"other").await;
        set(&other, b"b", b"other").await;
        set(&one, b"c", b"one").await;
        assert_eq!(void_places(&cluster), [2, 5]);
        assert_eq!(log(&cluster).len(), 6);
        for peer in [&one, &other, &cluster.open().await] {
            assert_eq!(all_keys(peer).await, ["a", "b", "c"]);
            assert_eq!(get(&begin(peer), b"a").await, Ok(Some(b"other".to_vec())));
            assert_eq!(peer.database.check().await.unwrap().damage, []);
        }
    });
}

#[test]
fn who_was_overtaken_commits_in_turn_for_as_long_as_others_write() {
    without_news(async |cluster| {
        let (one, other) = (cluster.open().await, cluster.open().await);
        for _ in 0..10 {
            set(&one, b"a", b"one").await;
            set(&other, b"b", b"other").await;
        }
        assert_eq!(void_places(&cluster), [2, 4], "one attempt of each");
        for _ in 0..10 {
            set(&other, b"b", b"other").await;
        }
        assert_eq!(void_places(&cluster), [2, 4]);
        set(&one, b"a", b"one").await;
        set(&other, b"b", b"other").await;
        let entries = log(&cluster).len();
        assert_eq!(
            (void_places(&cluster).len(), entries),
            (3, 35),
            "who had its peace back is late once more"
        );
    });
}

#[test]
fn a_transaction_that_lost_to_the_record_before_its_own_is_refused_and_its_void_record_counts_for_nobody() {
    without_news(async |cluster| {
        let (one, other) = (cluster.open().await, cluster.open().await);
        let late = begin(&other);
        assert_eq!(get(&late, b"a").await, Ok(None));
        set(&one, b"a", b"1").await;
        late.set(b"b", b"since there was no a").unwrap();
        assert_eq!(code(late.commit().await), Some(ErrorCode::NotCommitted));
        assert_eq!(void_places(&cluster), [2]);
        for peer in [&one, &other, &cluster.open().await] {
            assert_eq!(all_keys(peer).await, ["a"]);
        }
    });
}

#[test]
fn all_parts_of_a_late_record_are_void() {
    without_news(async |cluster| {
        let (one, other) = (cluster.open().await, cluster.open().await);
        set(&one, b"a", b"1").await;
        let large = begin(&other);
        for number in 0..4u8 {
            large.set(&[b'b', number], &[7; 50_000]).unwrap();
        }
        assert_eq!(large.commit().await, Ok(()));
        assert_eq!(void_places(&cluster), [2, 3, 4, 5]);
        set(&one, b"c", b"1").await;
        for peer in [&one, &other, &cluster.open().await] {
            assert_eq!(all_keys(peer).await.len(), 6);
            assert_eq!(peer.database.check().await.unwrap().damage, []);
        }
    });
}

#[test]
fn a_void_record_whose_author_died_is_passed_by_everybody() {
    without_news(async |cluster| {
        let one = cluster.open().await;
        // It has read the root and the log; its append happens, and it hears no more of it.
        let death = Death {
            operation: 2,
            has_effect: true,
        };
        let mortal = cluster.try_open_mortal(Some(death)).await.unwrap();
        set(&one, b"a", b"1").await;
        let last_words = {
            let mortal = mortal.clone();
            async move { set(&mortal, b"b", b"never").await }
        };
        let _never = cluster.run_in(&mortal, last_words);
        cluster.world().sleep(1_000_000).await;
        assert_eq!(void_places(&cluster), [2]);
        let fresh = cluster.open().await;
        set(&fresh, b"c", b"1").await;
        assert_eq!(void_places(&cluster), [2], "it knows where the log ends");
        set(&one, b"d", b"1").await;
        for peer in [&one, &fresh, &cluster.open().await] {
            assert_eq!(all_keys(peer).await, ["a", "c", "d"]);
        }
    });
}

#[test]
fn a_record_that_is_missing_is_damage_though_a_void_one_says_its_number() {
    without_news(async |cluster| {
        let (one, other) = (cluster.open().await, cluster.open().await);
        set(&one, b"a", b"1").await;
        set(&one, b"b", b"1").await;
        let reading = begin(&other);
        assert!(get(&reading, b"a").await.is_ok());
        set(&one, b"c", b"1").await;
        set(&other, b"d", b"1").await;
        let [missing, void] = [3, 4].map(SequenceNumber::new);
        assert_eq!(void_places(&cluster), [void.get()]);
        cluster.disk().lose(Item::Log(missing));
        let refused = cluster.try_open().await.err().unwrap();
        assert_eq!(refused.code(), ErrorCode::FileCorrupt);
        assert_eq!(
            refused.message(),
            "log record 4: log record 3 was expected, it is missing"
        );
    });
}

#[test]
fn numbers_that_were_given_before_are_an_error_and_what_they_were_given_to_stays() {
    for behind in [0, 5, 9] {
        without_news(async move |cluster| {
            let peer = cluster.open().await;
            for number in 0..10u8 {
                set(&peer, &[b'a' + number], b"1").await;
            }
            cluster.disk().damage_numbering(SequenceNumber::new(behind));
            let writing = begin(&peer);
            writing.set(b"z", b"1").unwrap();
            assert_eq!(code(writing.commit().await), Some(ErrorCode::FileCorrupt));
            assert_eq!(code(get(&begin(&peer), b"a").await), Some(ErrorCode::FileCorrupt));
            assert_eq!(all_keys(&cluster.open().await).await.len(), 10);
        });
    }
}

#[test]
fn a_number_below_the_pages_given_again_is_an_error_and_its_record_is_deleted_by_the_next_fold() {
    without_news(async |cluster| {
        let peer = cluster.open().await;
        for number in 0..10u8 {
            set(&peer, &[b'a' + number], b"1").await;
        }
        let folded = peer.database.engine().fold(FoldExtent::All).await;
        assert_eq!(folded, Ok(FoldResult::Folded));
        cluster.disk().damage_numbering(SequenceNumber::new(4));
        let writing = begin(&peer);
        writing.set(b"z", b"1").unwrap();
        let refused = writing.commit().await.unwrap_err();
        assert_eq!(
            refused.message(),
            "log record 11: this number was expected for a new record, the storage gave 5"
        );
        assert_eq!(void_places(&cluster), [5]);
        cluster.disk().damage_numbering(SequenceNumber::new(10));
        let fresh = cluster.open().await;
        set(&fresh, b"y", b"1").await;
        let folded = fresh.database.engine().fold(FoldExtent::All).await;
        assert_eq!(folded, Ok(FoldResult::Folded));
        assert_eq!(all_keys(&cluster.open().await).await.len(), 11);
        assert_eq!(log(&cluster).len(), 1);
    });
}

#[test]
fn a_storage_that_forgot_the_newest_records_with_their_numbers_is_found_out_by_who_has_read_them() {
    without_news(async |cluster| {
        let peer = cluster.open().await;
        for number in 0..10u8 {
            set(&peer, &[b'a' + number], b"1").await;
        }
        for place in 7..=10 {
            cluster.disk().lose(Item::Log(SequenceNumber::new(place)));
        }
        cluster.disk().damage_numbering(SequenceNumber::new(6));
        let writing = begin(&peer);
        writing.set(b"z", b"1").unwrap();
        let refused = writing.commit().await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::FileCorrupt);
        assert_eq!(
            refused.message(),
            "log record 11: this number was expected for a new record, the storage gave 7"
        );
        // Whoever opens it finds what is left, and a void record after it.
        let fresh = cluster.open().await;
        assert_eq!(all_keys(&fresh).await.len(), 6);
        set(&fresh, b"z", b"1").await;
        assert_eq!(all_keys(&cluster.open().await).await.len(), 7);
    });
}

#[test]
fn numbers_that_are_left_out_are_an_error_that_names_the_record_that_is_missing() {
    without_news(async |cluster| {
        let peer = cluster.open().await;
        set(&peer, b"a", b"1").await;
        cluster.disk().damage_numbering(SequenceNumber::new(3));
        let writing = begin(&peer);
        writing.set(b"b", b"1").unwrap();
        let refused = writing.commit().await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::FileCorrupt);
        assert_eq!(
            refused.message(),
            "log record 4: log record 2 was expected, it is missing"
        );
    });
}
