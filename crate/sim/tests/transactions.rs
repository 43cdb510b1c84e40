//! The rules of transactions, one by one.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use plinth_core::ErrorCode;
use plinth_core::words::{RangeOptions, Version};
use plinth_sim::Peer;
use support::{Tn, begin, code, get, keys, peer_clear, range, set, with_cluster};

/// Whether a transaction that does `body` conflicts with another one that sets `key` meanwhile.
async fn conflicts_with_set_of(peer: &Peer, key: &[u8], body: impl AsyncFnOnce(&Tn)) -> bool {
    let transaction = begin(peer);
    transaction.read_version().await.unwrap();
    body(&transaction).await;
    // A write far away, so that there is something to commit.
    transaction.set(b"~elsewhere", b"").unwrap();
    set(peer, key, b"by the other").await;
    match code(transaction.commit().await) {
        None => false,
        Some(ErrorCode::NotCommitted) => true,
        Some(unexpected) => panic!("{unexpected:?}"),
    }
}

#[test]
fn a_committed_value_is_read_by_every_peer_that_begins_after() {
    with_cluster(async |cluster| {
        let (one, other) = (cluster.open().await, cluster.open().await);
        set(&one, b"k", b"v").await;
        assert_eq!(get(&begin(&other), b"k").await, Ok(Some(b"v".to_vec())));
        let late = cluster.open().await;
        assert_eq!(get(&begin(&late), b"k").await, Ok(Some(b"v".to_vec())));
    });
}

#[test]
fn a_transaction_reads_one_snapshot_whatever_others_commit() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        set(&peer, b"k", b"old").await;
        let transaction = begin(&peer);
        assert_eq!(get(&transaction, b"k").await, Ok(Some(b"old".to_vec())));
        set(&peer, b"k", b"new").await;
        set(&peer, b"l", b"new").await;
        assert_eq!(get(&transaction, b"k").await, Ok(Some(b"old".to_vec())));
        assert_eq!(get(&transaction, b"l").await, Ok(None));
        assert_eq!(
            keys(&transaction, b"a", b"z", RangeOptions::default()).await.0,
            ["k"]
        );
    });
}

#[test]
fn a_read_that_was_overwritten_conflicts_and_a_blind_write_never_does() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        assert!(conflicts_with_set_of(&peer, b"k", async |tn| drop(get(tn, b"k").await)).await);
        assert!(!conflicts_with_set_of(&peer, b"k", async |tn| tn.set(b"k", b"mine").unwrap()).await);
        assert!(!conflicts_with_set_of(&peer, b"k", async |tn| drop(get(tn, b"l").await)).await);
    });
}

#[test]
fn setting_the_same_value_conflicts_with_readers_all_the_same() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        set(&peer, b"k", b"by the other").await;
        assert!(conflicts_with_set_of(&peer, b"k", async |tn| drop(get(tn, b"k").await)).await);
    });
}

#[test]
fn snapshot_reads_see_the_same_and_do_not_conflict() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        set(&peer, b"k", b"v").await;
        let conflict = conflicts_with_set_of(&peer, b"k", async |tn| {
            assert_eq!(
                tn.get(b"k", true).await.unwrap().as_deref(),
                Some(b"v".as_slice())
            );
            let snapshot = RangeOptions {
                snapshot: true,
                ..RangeOptions::default()
            };
            assert_eq!(keys(tn, b"a", b"z", snapshot).await.0, ["k"]);
        });
        assert!(!conflict.await);
    });
}

#[test]
fn reading_a_key_of_ones_own_writes_adds_no_conflict() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let own_set = async |tn: &Tn| {
            tn.set(b"k", b"mine").unwrap();
            assert_eq!(get(tn, b"k").await, Ok(Some(b"mine".to_vec())));
        };
        assert!(!conflicts_with_set_of(&peer, b"k", own_set).await);
        let own_clear = async |tn: &Tn| {
            tn.clear_range(b"a", b"z").unwrap();
            assert_eq!(get(tn, b"k").await, Ok(None));
            assert_eq!(keys(tn, b"b", b"y", RangeOptions::default()).await.0, [""; 0]);
        };
        assert!(!conflicts_with_set_of(&peer, b"k", own_clear).await);
    });
}

#[test]
fn an_empty_range_read_conflicts_with_an_insert_into_it() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let read = async |tn: &Tn| drop(keys(tn, b"m", b"n", RangeOptions::default()).await);
        assert!(conflicts_with_set_of(&peer, b"m5", read).await);
        assert!(!conflicts_with_set_of(&peer, b"n", read).await);
    });
}

#[test]
fn a_limited_range_read_conflicts_only_up_to_its_last_row() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        for key in [b"b", b"d", b"f", b"h"] {
            set(&peer, key, b"").await;
        }
        let forward = RangeOptions {
            limit: 2,
            ..RangeOptions::default()
        };
        let reverse = RangeOptions {
            reverse: true,
            ..forward
        };
        let exact = RangeOptions {
            limit: 4,
            ..RangeOptions::default()
        };
        let more = RangeOptions {
            limit: 5,
            ..RangeOptions::default()
        };
        let probe = async |options: RangeOptions, key: &[u8]| {
            let read = async |tn: &Tn| drop(keys(tn, b"a", b"z", options).await);
            let conflict = conflicts_with_set_of(&peer, key, read).await;
            if key.len() > 1 || !b"bdfh".contains(&key[0]) {
                peer_clear(&peer, key, &[key, b"\0"].concat()).await;
            }
            conflict
        };
        assert!(probe(forward, b"a").await && probe(forward, b"c").await && probe(forward, b"d").await);
        assert!(!probe(forward, b"d0").await);
        assert!(probe(reverse, b"f").await && probe(reverse, b"y").await && !probe(reverse, b"e").await);
        assert!(
            !probe(exact, b"h0").await,
            "the limit was hit exactly: nothing past the last row matters"
        );
        assert!(
            probe(more, b"h0").await,
            "the end was reached: all of the range matters"
        );
    });
}

#[test]
fn more_is_true_exactly_when_a_limit_stopped_the_read() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        for key in [b"b", b"d", b"f"] {
            set(&peer, key, b"12345").await;
        }
        let transaction = begin(&peer);
        let limit = |limit| RangeOptions {
            limit,
            ..RangeOptions::default()
        };
        assert_eq!(
            keys(&transaction, b"a", b"z", limit(2)).await,
            (vec!["b".into(), "d".into()], true)
        );
        assert!(keys(&transaction, b"a", b"z", limit(3)).await.1);
        assert!(!keys(&transaction, b"a", b"z", limit(4)).await.1);
        assert_eq!(keys(&transaction, b"m", b"n", limit(1)).await, (vec![], false));
        let bytes = |target_bytes| RangeOptions {
            target_bytes,
            ..RangeOptions::default()
        };
        assert_eq!(
            keys(&transaction, b"a", b"z", bytes(1)).await.0,
            ["b"],
            "one row at least"
        );
        assert_eq!(
            keys(&transaction, b"a", b"z", bytes(14)).await.0,
            ["b"],
            "1 + 5 + 8 reach 14"
        );
        assert_eq!(keys(&transaction, b"a", b"z", bytes(15)).await.0, ["b", "d"]);
    });
}

#[test]
fn range_reads_merge_own_writes_in_both_directions() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        for key in [b"a", b"c", b"e", b"g", b"i"] {
            set(&peer, key, b"").await;
        }
        let transaction = begin(&peer);
        transaction.set(b"b", b"").unwrap();
        transaction.clear_range(b"c", b"f").unwrap();
        transaction.set(b"d", b"").unwrap();
        transaction.set(b"g", b"mine").unwrap();
        transaction.clear(b"i").unwrap();
        assert_eq!(
            keys(&transaction, b"", b"\xff", RangeOptions::default()).await.0,
            ["a", "b", "d", "g"]
        );
        let reverse = RangeOptions {
            reverse: true,
            ..RangeOptions::default()
        };
        assert_eq!(
            keys(&transaction, b"", b"\xff", reverse).await.0,
            ["g", "d", "b", "a"]
        );
        let limited = RangeOptions {
            limit: 2,
            reverse: true,
            ..RangeOptions::default()
        };
        assert_eq!(keys(&transaction, b"b", b"g", limited).await.0, ["d", "b"]);
    });
}

#[test]
fn a_read_sees_the_writes_before_its_call_and_not_those_after() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let transaction = begin(&peer);
        // The read version is not known yet, so both reads are on their way when the writes come.
        let early_range = range(&transaction, b"a", b"z", RangeOptions::default());
        let early = transaction.get(b"k", false);
        transaction.set(b"k", b"v").unwrap();
        assert_eq!(early.await.unwrap(), None);
        assert_eq!(early_range.await.unwrap().rows, []);
        assert_eq!(get(&transaction, b"k").await, Ok(Some(b"v".to_vec())));
    });
}

#[test]
fn keys_and_values_have_foundationdbs_limits_and_the_errors_say_what_was_found() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let transaction = begin(&peer);
        let (longest, too_long) = (vec![b'k'; 10_000], vec![b'k'; 10_001]);
        assert_eq!(transaction.set(&longest, &[b'v'; 100_000]), Ok(()));
        assert_eq!(
            code(transaction.set(&too_long, b"")),
            Some(ErrorCode::KeyTooLarge)
        );
        assert_eq!(
            code(transaction.set(b"k", &[0; 100_001])),
            Some(ErrorCode::ValueTooLarge)
        );
        assert_eq!(transaction.set(b"", b"the empty key is a key"), Ok(()));
        let refused = transaction.set(b"\xff", b"").unwrap_err();
        assert_eq!(
            refused.to_string(),
            "key_outside_legal_range (2004): a key below \\xff was expected, found \\xff"
        );
        assert_eq!(
            code(transaction.clear(b"\xff")),
            Some(ErrorCode::KeyOutsideLegalRange)
        );
        assert_eq!(transaction.clear_range(b"x", b"\xff"), Ok(()));
        assert_eq!(
            code(transaction.clear_range(b"x", b"\xff\0")),
            Some(ErrorCode::KeyOutsideLegalRange)
        );
        assert_eq!(
            code(transaction.clear_range(b"b", b"a")),
            Some(ErrorCode::InvertedRange)
        );
        assert_eq!(
            code(transaction.get(b"\xff", false).await),
            Some(ErrorCode::KeyOutsideLegalRange)
        );
        transaction.commit().await.unwrap();
    });
}

#[test]
fn over_long_keys_are_absent_in_reads_and_harmless_in_clears() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let transaction = begin(&peer);
        let too_long = vec![b'k'; 20_000];
        transaction.set(b"k", b"v").unwrap();
        transaction.set(b"l", b"v").unwrap();
        assert_eq!(get(&transaction, &too_long).await, Ok(None));
        assert_eq!(transaction.clear(&too_long), Ok(()));
        transaction.clear_range(&too_long, b"z").unwrap();
        assert_eq!(
            keys(&transaction, b"", b"\xff", RangeOptions::default()).await.0,
            ["k"]
        );
    });
}

#[test]
fn an_inverted_range_read_is_empty_and_conflicts_with_nothing() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let read = async |tn: &Tn| {
            assert_eq!(
                keys(tn, b"z", b"a", RangeOptions::default()).await,
                (vec![], false)
            );
        };
        assert!(!conflicts_with_set_of(&peer, b"k", read).await);
    });
}

#[test]
fn a_transaction_over_ten_million_bytes_fails_at_commit_only() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let transaction = begin(&peer);
        for index in 0..100u8 {
            transaction.set(&[index], &[0; 100_000]).unwrap();
        }
        assert!(transaction.approximate_size().unwrap() > 10_000_000);
        assert_eq!(
            code(transaction.commit().await),
            Some(ErrorCode::TransactionTooLarge)
        );
        assert_eq!(get(&begin(&peer), &[0]).await, Ok(None));
    });
}

#[test]
fn the_largest_transaction_becomes_several_log_entries_and_is_read_back_whole() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let transaction = begin(&peer);
        for index in 0..99u8 {
            transaction.set(&[index], &[index; 100_000]).unwrap();
        }
        transaction.commit().await.unwrap();
        assert!(cluster.disk().log_length() > 160);
        let late = cluster.open().await;
        let reader = begin(&late);
        for index in 0..99u8 {
            assert_eq!(get(&reader, &[index]).await, Ok(Some(vec![index; 100_000])));
        }
    });
}

#[test]
fn a_read_only_commit_never_conflicts_and_has_no_version() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let transaction = begin(&peer);
        assert_eq!(get(&transaction, b"k").await, Ok(None));
        set(&peer, b"k", b"v").await;
        transaction.commit().await.unwrap();
        assert_eq!(transaction.committed(), None);
    });
}

#[test]
fn a_bare_write_conflict_range_makes_a_transaction_write() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let reader = begin(&peer);
        assert_eq!(get(&reader, b"k").await, Ok(None));
        reader.set(b"elsewhere", b"").unwrap();
        let transaction = begin(&peer);
        transaction.add_write_conflict_range(b"k", b"l").unwrap();
        transaction.commit().await.unwrap();
        assert!(transaction.committed().is_some());
        assert_eq!(code(reader.commit().await), Some(ErrorCode::NotCommitted));
    });
}

#[test]
fn a_bare_read_conflict_range_conflicts_as_a_read_would() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let add = async |tn: &Tn| tn.add_read_conflict_range(b"k", b"m").unwrap();
        assert!(conflicts_with_set_of(&peer, b"l", add).await);
        assert!(!conflicts_with_set_of(&peer, b"m", add).await);
        let add_to_own = async |tn: &Tn| {
            tn.set(b"l", b"mine").unwrap();
            tn.add_read_conflict_range(b"k", b"m").unwrap();
        };
        assert!(
            !conflicts_with_set_of(&peer, b"l", add_to_own).await,
            "trimmed by own writes"
        );
    });
}

#[test]
fn concurrent_commits_share_a_log_entry_and_a_version() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let transactions: Vec<Tn> = (0..100u8)
            .map(|index| {
                let transaction = begin(&peer);
                transaction.set(&[index], b"").unwrap();
                transaction
            })
            .collect();
        let commits: Vec<_> = transactions
            .iter()
            .map(|transaction| transaction.commit())
            .collect();
        for commit in commits {
            commit.await.unwrap();
        }
        let mut batches: BTreeMap<Version, BTreeSet<u16>> = BTreeMap::new();
        for transaction in &transactions {
            let committed = transaction.committed().unwrap();
            assert!(
                batches
                    .entry(committed.version)
                    .or_default()
                    .insert(committed.batch_index)
            );
        }
        // The first commit may set out alone; what comes while it is under way goes together.
        assert!(batches.len() <= 2, "{} batches", batches.len());
        assert_eq!(cluster.disk().log_length(), batches.len());
        for indices in batches.values() {
            assert!(
                indices.iter().copied().eq(0..indices.len() as u16),
                "dense batch indices"
            );
        }
    });
}

#[test]
fn of_two_read_modify_writes_in_one_batch_one_conflicts() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let (one, other) = (begin(&peer), begin(&peer));
        for transaction in [&one, &other] {
            assert_eq!(get(transaction, b"k").await, Ok(None));
            transaction.set(b"k", b"1").unwrap();
        }
        let (first, second) = (one.commit(), other.commit());
        let mut verdicts = [code(first.await), code(second.await)];
        verdicts.sort_by_key(Option::is_some);
        assert_eq!(verdicts, [None, Some(ErrorCode::NotCommitted)]);
    });
}

#[test]
fn read_versions_include_what_was_acknowledged_before_and_never_go_back() {
    with_cluster(async |cluster| {
        let (one, other) = (cluster.open().await, cluster.open().await);
        let mut newest = 0;
        for round in 0..20u8 {
            let (writer, reader) = if round % 2 == 0 {
                (&one, &other)
            } else {
                (&other, &one)
            };
            let transaction = begin(writer);
            transaction.set(b"k", &[round]).unwrap();
            transaction.commit().await.unwrap();
            let committed = transaction.committed().unwrap().version.get();
            let read = begin(reader).read_version().await.unwrap().get();
            assert!(committed > newest && read >= committed);
            newest = committed;
        }
    });
}
