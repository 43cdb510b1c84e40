//! Atomic operations and versionstamps in transactions.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod support;

use plinth_core::ErrorCode;
use plinth_core::pure::versionstamp;
use plinth_core::words::{AtomicOp, KeySelector, RangeOptions, TransactionOption};
use plinth_sim::{Cluster, ClusterOptions, Simulation, seeds};
use support::{Tn, begin, code, get, range, set, set_flag, with_cluster};

fn stamped_key(prefix: &[u8]) -> Vec<u8> {
    [prefix, &[0; 10], &(prefix.len() as u32).to_le_bytes()].concat()
}

#[test]
fn atomic_operations_do_not_conflict_with_each_other_and_take_effect_at_the_commit() {
    with_cluster(async |cluster| {
        let (one, other) = (cluster.open().await, cluster.open().await);
        let transactions: Vec<Tn> = (0..20)
            .map(|index| begin(if index % 2 == 0 { &one } else { &other }))
            .collect();
        for transaction in &transactions {
            transaction.read_version().await.unwrap();
            transaction.atomic(AtomicOp::Add, b"sum", &[7, 0]).unwrap();
        }
        let commits: Vec<_> = transactions
            .iter()
            .map(|transaction| transaction.commit())
            .collect();
        for commit in commits {
            assert_eq!(commit.await, Ok(()));
        }
        assert_eq!(get(&begin(&one), b"sum").await, Ok(Some(vec![140, 0])));
    });
}

#[test]
fn reading_a_key_of_an_own_atomic_operation_conflicts_unless_its_value_was_known() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        for (is_set_first, expected) in [(false, Some(ErrorCode::NotCommitted)), (true, None)] {
            let transaction = begin(&peer);
            if is_set_first {
                transaction.set(b"k", &[1]).unwrap();
            }
            transaction.atomic(AtomicOp::Add, b"k", &[1]).unwrap();
            get(&transaction, b"k").await.unwrap();
            set(&peer, b"k", &[5]).await;
            assert_eq!(code(transaction.commit().await), expected);
        }
        assert_eq!(get(&begin(&peer), b"k").await, Ok(Some(vec![2])));
    });
}

#[test]
fn operations_give_the_same_over_own_writes_as_over_stored_values() {
    for seed in seeds(2_000) {
        let world = Simulation::new(seed);
        let cluster = Cluster::new(&world, ClusterOptions::default());
        world.clone().run(async move {
            let peer = cluster.open().await;
            let bytes = || {
                (0..world.random_in(0..4))
                    .map(|_| world.random_in(0..3) as u8)
                    .collect::<Vec<_>>()
            };
            let existing = (!world.one_in(4)).then(bytes);
            let operations: Vec<(AtomicOp, Vec<u8>)> = (0..world.random_in(1..5))
                .map(|_| (AtomicOp::ALL[world.random_in(0..10) as usize], bytes()))
                .collect();
            // One transaction each, over the stored value.
            if let Some(existing) = &existing {
                set(&peer, b"stored", existing).await;
                set(&peer, b"unread", existing).await;
            }
            for (op, operand) in &operations {
                let transaction = begin(&peer);
                transaction.atomic(*op, b"stored", operand).unwrap();
                transaction.commit().await.unwrap();
            }
            // All in one transaction: over an own write, and over the stored value without reading it.
            let transaction = begin(&peer);
            match &existing {
                Some(existing) => transaction.set(b"own", existing).unwrap(),
                None => transaction.clear(b"own").unwrap(),
            }
            for (op, operand) in &operations {
                transaction.atomic(*op, b"own", operand).unwrap();
                transaction.atomic(*op, b"unread", operand).unwrap();
            }
            let own = get(&transaction, b"own").await;
            assert_eq!(
                get(&transaction, b"unread").await,
                own,
                "seed {seed}: {existing:?} {operations:?}"
            );
            transaction.commit().await.unwrap();
            let reader = begin(&peer);
            for key in [b"stored".as_slice(), b"own", b"unread"] {
                assert_eq!(
                    get(&reader, key).await,
                    own,
                    "seed {seed}: {existing:?} {operations:?}"
                );
            }
        });
    }
}

#[test]
fn versionstamped_keys_and_values_get_the_stamp_that_the_commit_used() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let mut stamps = Vec::new();
        for _ in 0..3 {
            let transaction = begin(&peer);
            transaction
                .set_versionstamped_key(&stamped_key(b"log/"), b"entry")
                .unwrap();
            transaction
                .set_versionstamped_value(b"last", &[[0; 10].as_slice(), &[0; 4]].concat())
                .unwrap();
            let stamp = transaction.versionstamp();
            transaction.commit().await.unwrap();
            let committed = transaction.committed().unwrap();
            let stamp = stamp.await.unwrap();
            assert_eq!(stamp, versionstamp(committed.version, committed.batch_index));
            assert_eq!(get(&begin(&peer), b"last").await, Ok(Some(stamp.to_vec())));
            stamps.push([b"log/".as_slice(), &stamp].concat());
        }
        assert!(stamps.is_sorted(), "stamps increase in the order of commits");
        let rows = range(&begin(&peer), b"log/", b"log0", RangeOptions::default())
            .await
            .unwrap()
            .rows;
        assert_eq!(
            rows.iter().map(|(key, _)| key.to_vec()).collect::<Vec<_>>(),
            stamps
        );
    });
}

#[test]
fn reading_what_a_versionstamp_will_change_is_an_error_until_it_is_cleared() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        for key in [b"a", b"z"] {
            set(&peer, key, b"").await;
        }
        let transaction = begin(&peer);
        transaction
            .set_versionstamped_key(&stamped_key(b"m"), b"")
            .unwrap();
        transaction.set_versionstamped_value(b"v", &[0; 14]).unwrap();
        assert_eq!(
            code(get(&transaction, b"v").await),
            Some(ErrorCode::AccessedUnreadable)
        );
        assert_eq!(
            code(get(&transaction, b"m\0\0\0\0\0\0\0\x01\0\0").await),
            Some(ErrorCode::AccessedUnreadable)
        );
        assert_eq!(get(&transaction, b"a").await, Ok(Some(vec![])));
        let all = RangeOptions::default();
        assert_eq!(
            code(range(&transaction, b"", b"\xff", all).await),
            Some(ErrorCode::AccessedUnreadable)
        );
        let first = RangeOptions { limit: 1, ..all };
        let rows = range(&transaction, b"", b"\xff", first).await.unwrap().rows;
        assert_eq!(rows.len(), 1, "a read that stops before it succeeds");
        let past = KeySelector::first_greater_than(b"a".as_slice());
        assert_eq!(
            code(transaction.get_key(&past, false).await),
            Some(ErrorCode::AccessedUnreadable)
        );
        assert_eq!(
            code(transaction.commit().await),
            Some(ErrorCode::AccessedUnreadable),
            "its reads failed"
        );
        transaction.reset();
        transaction
            .set_versionstamped_key(&stamped_key(b"m"), b"")
            .unwrap();
        transaction.clear_range(b"m", b"n").unwrap();
        assert_eq!(
            range(&transaction, b"", b"\xff", all).await.unwrap().rows.len(),
            2
        );
    });
}

#[test]
fn an_operation_where_a_stamped_key_may_come_to_lie_does_not_make_the_key_readable() {
    // It was folded onto the clear before, and a compare-and-clear then ended as another clear, which
    // does make keys readable.
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        for is_set_first in [false, true] {
            let transaction = begin(&peer);
            if is_set_first {
                transaction.set(b"m5", b"v").unwrap();
            } else {
                transaction.clear_range(b"a", b"z").unwrap();
            }
            transaction
                .set_versionstamped_key(&stamped_key(b"m"), b"")
                .unwrap();
            transaction
                .atomic(AtomicOp::CompareAndClear, b"m5", b"v")
                .unwrap();
            assert_eq!(
                code(get(&transaction, b"m5").await),
                Some(ErrorCode::AccessedUnreadable)
            );
        }
    });
}

#[test]
fn a_template_without_room_for_its_stamp_is_refused_at_the_call() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let transaction = begin(&peer);
        for template in [
            [0; 13].to_vec(),
            [[0; 10].as_slice(), &[1, 0, 0, 0]].concat(),
            vec![0xff; 14],
        ] {
            let refused = Some(ErrorCode::ClientInvalidOperation);
            assert_eq!(
                code(transaction.set_versionstamped_value(b"k", &template)),
                refused
            );
            let key = [b"k".as_slice(), &template[1..]].concat();
            assert_eq!(code(transaction.set_versionstamped_key(&key, b"")), refused);
        }
    });
}

#[test]
fn a_versionstamp_is_that_of_the_commit_or_says_why_there_is_none() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let read_only = begin(&peer);
        let stamp = read_only.versionstamp();
        read_only.commit().await.unwrap();
        assert_eq!(code(stamp.await), Some(ErrorCode::NoCommitVersion));
        assert_eq!(
            code(read_only.versionstamp().await),
            Some(ErrorCode::UsedDuringCommit)
        );
        let conflicting = begin(&peer);
        get(&conflicting, b"k").await.unwrap();
        conflicting.set(b"l", b"").unwrap();
        let stamp = conflicting.versionstamp();
        set(&peer, b"k", b"").await;
        assert_eq!(code(conflicting.commit().await), Some(ErrorCode::NotCommitted));
        assert_eq!(code(stamp.await), Some(ErrorCode::TransactionInvalidVersion));
        let abandoned = begin(&peer);
        let stamp = abandoned.versionstamp();
        abandoned.reset();
        assert_eq!(code(stamp.await), Some(ErrorCode::TransactionCancelled));
    });
}

#[test]
fn a_write_without_a_conflict_range_hurts_no_reader_and_only_the_next_write_goes_without() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let probe = async |key: &[u8], write: &dyn Fn(&Tn)| {
            let reader = begin(&peer);
            get(&reader, key).await.unwrap();
            reader.set(b"~", b"").unwrap();
            let writer = begin(&peer);
            write(&writer);
            writer.commit().await.unwrap();
            code(reader.commit().await)
        };
        let silently = |tn: &Tn| {
            set_flag(tn, TransactionOption::NextWriteNoWriteConflictRange);
            tn.set(b"k", b"1").unwrap();
            tn.set(b"l", b"1").unwrap();
        };
        assert_eq!(probe(b"k", &silently).await, None);
        assert_eq!(probe(b"l", &silently).await, Some(ErrorCode::NotCommitted));
        let consumed = |tn: &Tn| {
            set_flag(tn, TransactionOption::NextWriteNoWriteConflictRange);
            assert_eq!(code(tn.set(b"\xff", b"")), Some(ErrorCode::KeyOutsideLegalRange));
            tn.set(b"k", b"2").unwrap();
        };
        assert_eq!(
            probe(b"k", &consumed).await,
            Some(ErrorCode::NotCommitted),
            "a failed call consumes it"
        );
    });
}

#[test]
fn a_watch_fires_at_an_own_atomic_operation_whatever_it_does() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let transaction = begin(&peer);
        let watch = transaction.watch(b"k");
        get(&transaction, b"k").await.unwrap();
        transaction.atomic(AtomicOp::CompareAndClear, b"k", b"x").unwrap();
        assert_eq!(watch.await, Ok(()));
    });
}
