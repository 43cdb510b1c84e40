//! Options of transactions, rule by rule: what each changes, what is refused, what a retry forgets.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod support;

use plinth_core::words::{AtomicOp, DatabaseOption, KeySelector, RangeOptions, TransactionOption};
use plinth_core::{DatabaseOptions, Error, ErrorCode, TransactionOptions};
use support::{begin, code, get, keys, range, set, set_flag, set_integer, with_cluster};

const STAMP_AT_THE_START: [u8; 14] = [0; 14];

#[test]
fn unknown_and_refused_numbers_are_invalid_options_and_wrong_values_invalid_values() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let tn = begin(&peer);
        let eight = |number: i64| number.to_le_bytes().to_vec();
        let cases: [(u16, Vec<u8>, ErrorCode); 18] = [
            (1, vec![], ErrorCode::InvalidOption),
            (9_999, vec![], ErrorCode::InvalidOption),
            (40, vec![], ErrorCode::InvalidOption),
            (2000, b"token".to_vec(), ErrorCode::InvalidOption),
            (51, vec![1], ErrorCode::InvalidOptionValue),
            (500, vec![], ErrorCode::InvalidOptionValue),
            (500, vec![0; 4], ErrorCode::InvalidOptionValue),
            (500, eight(-1), ErrorCode::InvalidOptionValue),
            (500, eight(1 << 31), ErrorCode::InvalidOptionValue),
            (501, eight(-2), ErrorCode::InvalidOptionValue),
            (503, eight(31), ErrorCode::InvalidOptionValue),
            (503, eight(10_000_001), ErrorCode::InvalidOptionValue),
            (405, eight(0), ErrorCode::InvalidOptionValue),
            (504, vec![7; 15], ErrorCode::InvalidOption),
            (504, vec![7; 256], ErrorCode::InvalidOption),
            (403, vec![], ErrorCode::InvalidOptionValue),
            (404, vec![], ErrorCode::ClientInvalidOperation),
            (900, vec![0; 32], ErrorCode::InvalidOptionValue),
        ];
        for (number, value, expected) in cases {
            assert_eq!(
                code(tn.set_option(number, &value)),
                Some(expected),
                "option {number}"
            );
        }
        let none = [1_u16, 9_999].map(|number| code(DatabaseOptions::default().set(number, &[])));
        assert_eq!(none, [Some(ErrorCode::InvalidOption); 2]);
        let too_many = eight(1_000_001);
        assert_eq!(
            code(DatabaseOptions::default().set(20, &too_many)),
            Some(ErrorCode::InvalidOptionValue)
        );
    });
}

#[test]
fn options_without_an_effect_are_accepted_and_checked() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let tn = begin(&peer);
        for number in [
            21, 23, 52, 110, 130, 200, 201, 303, 304, 406, 507, 511, 700, 702, 1000, 1101,
        ] {
            assert_eq!(tn.set_option(number, &[]), Ok(()), "option {number}");
        }
        assert_eq!(tn.set_option(403, b"name"), Ok(()));
        assert_eq!(tn.set_option(403, b"name"), Ok(()));
        assert_eq!(
            code(tn.set_option(403, b"other")),
            Some(ErrorCode::ClientInvalidOperation)
        );
        assert_eq!(tn.set_option(404, &[]), Ok(()));
        for tag in 0..5 {
            assert_eq!(tn.set_option(800, &[tag]), Ok(()));
        }
        assert_eq!(tn.set_option(800, &[0]), Ok(()), "the same tag again");
        assert_eq!(code(tn.set_option(801, &[5])), Some(ErrorCode::TooManyTags));
        assert_eq!(code(tn.set_option(800, &[0; 256])), Some(ErrorCode::TagTooLong));
    });
}

#[test]
fn without_read_your_writes_reads_see_the_snapshot_only() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        set(&peer, b"a", b"theirs").await;
        let tn = begin(&peer);
        set_flag(&tn, TransactionOption::ReadYourWritesDisable);
        tn.set(b"a", b"mine").unwrap();
        tn.set(b"b", b"mine").unwrap();
        tn.set_versionstamped_value(b"c", &STAMP_AT_THE_START).unwrap();
        assert_eq!(get(&tn, b"a").await, Ok(Some(b"theirs".to_vec())));
        assert_eq!(
            get(&tn, b"c").await,
            Ok(None),
            "what is stamped is not unreadable"
        );
        let all = RangeOptions::default();
        assert_eq!(keys(&tn, b"", b"z", all).await, (vec!["a".into()], false));
        assert_eq!(code(tn.watch(b"a").await), Some(ErrorCode::WatchesDisabled));
        tn.commit().await.unwrap();
        tn.reset();
        assert_eq!(get(&tn, b"b").await, Ok(Some(b"mine".to_vec())));
    });
}

#[test]
fn without_read_your_writes_reading_a_key_that_was_set_conflicts() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        for (disabled, expected) in [(false, None), (true, Some(ErrorCode::NotCommitted))] {
            let tn = begin(&peer);
            if disabled {
                set_flag(&tn, TransactionOption::ReadYourWritesDisable);
            }
            tn.set(b"k", b"mine").unwrap();
            get(&tn, b"k").await.unwrap();
            tn.read_version().await.unwrap();
            set(&peer, b"k", b"theirs").await;
            assert_eq!(code(tn.commit().await), expected, "disabled: {disabled}");
        }
    });
}

#[test]
fn without_read_your_writes_operations_are_sent_in_the_order_of_the_calls() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        set(&peer, b"k", &vec![b'x'; 60_000]).await;
        for (disabled, expected) in [(false, 60_000), (true, 95_000)] {
            let tn = begin(&peer);
            if disabled {
                set_flag(&tn, TransactionOption::ReadYourWritesDisable);
            }
            // Merged first, both don't fit and neither is done; one by one the first one is.
            tn.atomic(AtomicOp::AppendIfFits, b"k", &vec![b'a'; 35_000])
                .unwrap();
            tn.atomic(AtomicOp::AppendIfFits, b"k", &vec![b'b'; 35_000])
                .unwrap();
            tn.commit().await.unwrap();
            let length = get(&begin(&peer), b"k").await.unwrap().unwrap().len();
            assert_eq!(length, expected, "disabled: {disabled}");
        }
    });
}

#[test]
fn read_your_writes_can_be_disabled_only_before_the_first_operation_of_an_attempt() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let disable = TransactionOption::ReadYourWritesDisable.number();
        let refused = Some(ErrorCode::ClientInvalidOperation);
        let tn = begin(&peer);
        get(&tn, b"k").await.unwrap();
        assert_eq!(
            code(tn.set_option(disable, &[])),
            refused,
            "after a read that is done"
        );
        tn.on_error(&Error::from(ErrorCode::NotCommitted)).await.unwrap();
        assert_eq!(tn.set_option(disable, &[]), Ok(()), "after a retry");
        tn.reset();
        tn.clear(b"k").unwrap();
        assert_eq!(code(tn.set_option(disable, &[])), refused, "after a write");
        tn.reset();
        tn.add_write_conflict_range(b"a", b"b").unwrap();
        assert_eq!(
            code(tn.set_option(disable, &[])),
            refused,
            "after a conflict range"
        );
        tn.reset();
        tn.read_version().await.unwrap();
        assert_eq!(tn.set_option(disable, &[]), Ok(()), "a read version is no read");
    });
}

#[test]
fn snapshot_reads_see_own_writes_while_the_counter_is_positive() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let tn = begin(&peer);
        tn.set(b"k", b"mine").unwrap();
        tn.set_versionstamped_value(b"s", &STAMP_AT_THE_START).unwrap();
        let snapshot = async |key: &[u8]| {
            tn.get(key, true)
                .await
                .map(|value| value.map(|value| value.to_vec()))
        };
        let mine = Ok(Some(b"mine".to_vec()));
        assert_eq!(snapshot(b"k").await, mine);
        assert_eq!(code(snapshot(b"s").await), Some(ErrorCode::AccessedUnreadable));
        set_flag(&tn, TransactionOption::SnapshotRywDisable);
        assert_eq!(snapshot(b"k").await, Ok(None));
        assert_eq!(snapshot(b"s").await, Ok(None), "never unreadable");
        assert_eq!(get(&tn, b"k").await, mine, "ordinary reads still see it");
        set_flag(&tn, TransactionOption::SnapshotRywDisable);
        set_flag(&tn, TransactionOption::SnapshotRywEnable);
        assert_eq!(snapshot(b"k").await, Ok(None), "disabled twice, enabled once");
        set_flag(&tn, TransactionOption::SnapshotRywEnable);
        assert_eq!(snapshot(b"k").await, mine);
        let rows = |snapshot| {
            let options = RangeOptions {
                snapshot,
                ..Default::default()
            };
            range(&tn, b"", b"l", options)
        };
        set_flag(&tn, TransactionOption::SnapshotRywDisable);
        assert_eq!(rows(true).await.unwrap().rows.len(), 0);
        assert_eq!(rows(false).await.unwrap().rows.len(), 1);
        let first = KeySelector::first_greater_or_equal(b"a".as_slice());
        assert_eq!(&*tn.get_key(&first, true).await.unwrap(), b"\xff");
    });
}

#[test]
fn bypass_unreadable_gives_get_the_operand_as_it_stands_and_nobody_else() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let tn = begin(&peer);
        set_flag(&tn, TransactionOption::BypassUnreadable);
        tn.set_versionstamped_value(b"k", &STAMP_AT_THE_START).unwrap();
        assert_eq!(get(&tn, b"k").await, Ok(Some(STAMP_AT_THE_START.to_vec())));
        let unreadable = Some(ErrorCode::AccessedUnreadable);
        let all = RangeOptions::default();
        assert_eq!(code(range(&tn, b"", b"z", all).await), unreadable);
        let first = KeySelector::first_greater_or_equal(b"".as_slice());
        assert_eq!(code(tn.get_key(&first, false).await), unreadable);
    });
}

#[test]
fn system_keys_need_an_option_to_be_read_and_another_to_be_written() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let outside = Some(ErrorCode::KeyOutsideLegalRange);
        let tn = begin(&peer);
        assert_eq!(code(get(&tn, b"\xff/k").await), outside);
        assert_eq!(code(tn.set(b"\xff/k", b"")), outside);
        set_flag(&tn, TransactionOption::ReadSystemKeys);
        assert_eq!(get(&tn, b"\xff/k").await, Ok(None));
        assert_eq!(code(tn.set(b"\xff/k", b"")), outside);
        set_flag(&tn, TransactionOption::AccessSystemKeys);
        assert_eq!(tn.set(b"\xff/k", b"v"), Ok(()));
        let system_key = |length: usize| [[0xff].as_slice(), &vec![1; length - 1]].concat();
        assert_eq!(tn.set(&system_key(30_000), b"v"), Ok(()));
        assert_eq!(
            code(tn.set(&system_key(30_001), b"v")),
            Some(ErrorCode::KeyTooLarge)
        );
        tn.set(b"a", b"v").unwrap();
        tn.commit().await.unwrap();
        let tn = begin(&peer);
        let past_all = KeySelector::first_greater_than(b"a".as_slice());
        assert_eq!(
            &*tn.get_key(&past_all, false).await.unwrap(),
            b"\xff",
            "clipped without the option"
        );
        set_flag(&tn, TransactionOption::ReadSystemKeys);
        assert_eq!(tn.get_key(&past_all, false).await.unwrap().len(), 30_000);
        let past_system = KeySelector::first_greater_than(b"\xff/k".as_slice());
        assert_eq!(&*tn.get_key(&past_system, false).await.unwrap(), b"\xff\xff");
    });
}

#[test]
fn the_metadata_version_is_readable_by_all_and_settable_to_a_stamp_only() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let (key, tn) = (b"\xff/metadataVersion", begin(&peer));
        let refused = Some(ErrorCode::ClientInvalidOperation);
        assert_eq!(get(&tn, key).await, Ok(None));
        assert_eq!(code(tn.set(key, b"v")), refused);
        assert_eq!(code(tn.atomic(AtomicOp::Add, key, &[1])), refused);
        assert_eq!(code(tn.set_versionstamped_value(key, &[1; 14])), refused);
        assert_eq!(code(tn.clear(key)), Some(ErrorCode::KeyOutsideLegalRange));
        assert_eq!(tn.set_versionstamped_value(key, &STAMP_AT_THE_START), Ok(()));
        let stamp = tn.versionstamp();
        tn.commit().await.unwrap();
        let reader = begin(&peer);
        assert_eq!(get(&reader, key).await, Ok(Some(stamp.await.unwrap().to_vec())));
        reader.set(b"k", b"").unwrap();
        let again = begin(&peer);
        again.set_versionstamped_value(key, &STAMP_AT_THE_START).unwrap();
        again.commit().await.unwrap();
        assert_eq!(
            code(reader.commit().await),
            Some(ErrorCode::NotCommitted),
            "a read of it conflicts"
        );
    });
}

#[test]
fn a_retry_keeps_the_timeout_and_how_to_retry_and_forgets_the_rest() {
    with_cluster(async |cluster| {
        let (peer, world) = (cluster.open().await, cluster.world().clone());
        let tn = begin(&peer);
        set_integer(&tn, TransactionOption::Timeout, 200);
        set_integer(&tn, TransactionOption::RetryLimit, 1);
        set_integer(&tn, TransactionOption::SizeLimit, 100);
        set_flag(&tn, TransactionOption::AccessSystemKeys);
        let conflict = Error::from(ErrorCode::NotCommitted);
        tn.on_error(&conflict).await.unwrap();
        tn.set(b"k", &[0; 200]).unwrap();
        assert_eq!(
            code(tn.set(b"\xff/k", b"")),
            Some(ErrorCode::KeyOutsideLegalRange)
        );
        assert_eq!(tn.commit().await, Ok(()), "the size limit is the default again");
        assert_eq!(
            tn.on_error(&conflict).await,
            Err(conflict.clone()),
            "the retry limit stays"
        );
        tn.reset();
        assert_eq!(tn.on_error(&conflict).await, Ok(()), "until a reset");
        assert_eq!(tn.on_error(&conflict).await, Ok(()));
        world.sleep(300_000).await;
        assert_eq!(
            get(&tn, b"k").await.map(|value| value.is_some()),
            Ok(true),
            "so does the timeout"
        );
    });
}

#[test]
fn a_timeout_runs_from_the_creation_can_be_replaced_before_it_fires_and_not_revived_after() {
    with_cluster(async |cluster| {
        let (peer, world) = (cluster.open().await, cluster.world().clone());
        let tn = begin(&peer);
        world.sleep(50_000).await;
        set_integer(&tn, TransactionOption::Timeout, 60);
        set_integer(&tn, TransactionOption::Timeout, 200);
        world.sleep(50_000).await;
        assert_eq!(
            get(&tn, b"k").await,
            Ok(None),
            "the longer one replaced the shorter one"
        );
        set_integer(&tn, TransactionOption::Timeout, 50);
        let timed_out = Some(ErrorCode::TransactionTimedOut);
        assert_eq!(code(get(&tn, b"k").await), timed_out, "elapsed when it was set");
        set_integer(&tn, TransactionOption::Timeout, 0);
        assert_eq!(code(get(&tn, b"k").await), timed_out);
        tn.reset();
        assert_eq!(get(&tn, b"k").await, Ok(None));
    });
}

#[test]
fn database_options_are_the_defaults_of_transactions_and_apply_again_after_a_retry() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let mut options = DatabaseOptions::default();
        for (option, value) in [
            (DatabaseOption::TransactionRetryLimit, 1_i64),
            (DatabaseOption::TransactionSizeLimit, 100),
        ] {
            options.set(option.number(), &value.to_le_bytes()).unwrap();
        }
        for option in [
            DatabaseOption::SnapshotRywDisable,
            DatabaseOption::TransactionBypassUnreadable,
        ] {
            options.set(option.number(), &[]).unwrap();
        }
        let tn = peer.database.create_transaction(options.transactions);
        let conflict = Error::from(ErrorCode::NotCommitted);
        for attempt in 0..2 {
            tn.set_versionstamped_value(b"k", &STAMP_AT_THE_START).unwrap();
            assert!(
                get(&tn, b"k").await.unwrap().is_some(),
                "bypassed, attempt {attempt}"
            );
            assert_eq!(tn.get(b"k", true).await.unwrap(), None, "attempt {attempt}");
            tn.set(b"l", &[0; 100]).unwrap();
            assert_eq!(code(tn.commit().await), Some(ErrorCode::TransactionTooLarge));
            assert_eq!(tn.on_error(&conflict).await.is_ok(), attempt == 0);
        }
    });
}

#[test]
fn the_number_of_outstanding_watches_is_limited_and_the_limit_can_be_changed() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        peer.database.set_watches_max(1);
        let tn = begin(&peer);
        let (first, second) = (tn.watch(b"a"), tn.watch(b"b"));
        assert_eq!(code(second.await), Some(ErrorCode::TooManyWatches));
        tn.commit().await.unwrap();
        drop(first);
        tn.reset();
        let third = tn.watch(b"c");
        tn.commit().await.unwrap();
        set(&peer, b"c", b"v").await;
        assert_eq!(third.await, Ok(()), "there is room again");
    });
}

#[test]
fn a_deferred_error_skips_later_writes_and_fails_every_later_call_with_the_first_error() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let options = TransactionOptions {
            defers_errors: true,
            ..Default::default()
        };
        let tn = peer.database.create_transaction(options);
        tn.set(b"before", b"").unwrap();
        tn.set(&[0; 10_001], b"").unwrap();
        tn.set(b"\xff", b"").unwrap();
        let first = Some(ErrorCode::KeyTooLarge);
        assert_eq!(code(get(&tn, b"k").await), first);
        assert_eq!(code(tn.read_version().await), first);
        assert_eq!(code(tn.approximate_size()), first);
        assert_eq!(code(tn.versionstamp().await), first);
        assert_eq!(code(tn.watch(b"k").await), first);
        assert_eq!(code(tn.commit().await), first);
        assert_eq!(
            code(tn.set_option(1, &[])),
            Some(ErrorCode::InvalidOption),
            "at the call"
        );
        assert_eq!(
            code(tn.add_read_conflict_range(b"b", b"a")),
            Some(ErrorCode::InvertedRange),
            "at the call"
        );
        tn.on_error(&Error::from(ErrorCode::NotCommitted)).await.unwrap();
        assert_eq!(get(&tn, b"before").await, Ok(None), "a retry heals it");
        tn.set_option(503, &31_i64.to_le_bytes()).unwrap();
        assert_eq!(code(tn.commit().await), Some(ErrorCode::InvalidOptionValue));
        tn.reset();
        tn.clear_range(b"b", b"a").unwrap();
        assert_eq!(code(get(&tn, b"k").await), Some(ErrorCode::InvertedRange));
    });
}

#[test]
fn the_approximate_size_grows_with_every_call_that_adds_to_it() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let tn = begin(&peer);
        let mut last = tn.approximate_size().unwrap();
        assert_eq!(last, 0);
        for call in 0..10 {
            match call % 5 {
                0 => tn.set(b"k", b"v").unwrap(),
                1 => tn.clear(b"k").unwrap(),
                2 => tn.add_read_conflict_range(b"m", b"n").unwrap(),
                3 => tn.add_write_conflict_range(b"m", b"n").unwrap(),
                _ => drop(get(&tn, b"other").await.unwrap()),
            }
            let size = tn.approximate_size().unwrap();
            assert!(size > last, "call {call}: {size} after {last}");
            last = size;
        }
        tn.reset();
        assert_eq!(tn.approximate_size(), Ok(0));
    });
}
