//! Special keys: the conflict ranges of the transaction, what a conflict was about, and the rules of
//! their modules.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod support;

use plinth_core::words::{AtomicOp, RangeOptions, TransactionOption};
use plinth_core::{Error, ErrorCode};
use support::{Tn, begin, code, get, range, set, set_flag, with_cluster};

fn special(name: &str, rest: &[u8]) -> Vec<u8> {
    [b"\xff\xff/transaction/".as_slice(), name.as_bytes(), b"/", rest].concat()
}

/// The rows of a module of the transaction, without their prefix.
async fn module(tn: &Tn, name: &str) -> Vec<(Vec<u8>, String)> {
    let (begin, end) = (special(name, b""), special(name, b"\xff\xff"));
    let rows = range(tn, &begin, &end, RangeOptions::default()).await.unwrap();
    let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
    rows.rows
        .iter()
        .map(|(key, value)| (key[begin.len()..].to_vec(), text(value)))
        .collect()
}

fn boundaries(ranges: &[(&[u8], &[u8])]) -> Vec<(Vec<u8>, String)> {
    ranges
        .iter()
        .flat_map(|(begin, end)| [(begin.to_vec(), "1".to_string()), (end.to_vec(), "0".to_string())])
        .collect()
}

#[test]
fn read_conflicts_are_told_merged_and_trimmed_reads_on_their_way_included() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let tn = begin(&peer);
        tn.set(b"m", b"").unwrap();
        let _pending = tn.get(b"a", false);
        let _pending = range(&tn, b"l", b"n", RangeOptions::default());
        assert_eq!(
            module(&tn, "read_conflict_range").await,
            boundaries(&[(b"a", b"a\0"), (b"l", b"m"), (b"m\0", b"n")])
        );
        let key = special("read_conflict_range", b"l");
        assert_eq!(get(&tn, &key).await, Ok(Some(b"1".to_vec())));
        assert_eq!(get(&tn, &special("read_conflict_range", b"x")).await, Ok(None));
    });
}

#[test]
fn write_conflicts_of_stamped_keys_are_possible_ranges_before_and_keys_after_the_commit() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let tn = begin(&peer);
        tn.set(b"a", b"").unwrap();
        tn.clear_range(b"c", b"e").unwrap();
        tn.atomic(AtomicOp::Add, b"e", &[1]).unwrap();
        tn.add_write_conflict_range(b"x", b"y").unwrap();
        tn.set_versionstamped_key(&[b"s".as_slice(), &[0; 10], &[1, 0, 0, 0]].concat(), b"")
            .unwrap();
        let last = [b"s".as_slice(), &[0xff; 10], &[0]].concat();
        let first = [b"s".as_slice(), &[0; 10]].concat();
        let of_the_rest: [(&[u8], &[u8]); 2] = [(b"a", b"a\0"), (b"c", b"e\0")];
        let [a, c] = of_the_rest;
        assert_eq!(
            module(&tn, "write_conflict_range").await,
            boundaries(&[a, c, (&first, &last), (b"x", b"y")])
        );
        let stamp = tn.versionstamp();
        tn.commit().await.unwrap();
        let key = [b"s".as_slice(), &stamp.await.unwrap()].concat();
        let after = [key.as_slice(), &[0]].concat();
        assert_eq!(
            module(&tn, "write_conflict_range").await,
            boundaries(&[a, c, (&key, &after), (b"x", b"y")])
        );
    });
}

#[test]
fn conflicting_keys_are_the_own_read_ranges_that_others_wrote_to() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let tn = begin(&peer);
        set_flag(&tn, TransactionOption::ReportConflictingKeys);
        for key in [b"a", b"c", b"e"] {
            get(&tn, key).await.unwrap();
        }
        tn.set(b"z", b"").unwrap();
        assert_eq!(module(&tn, "conflicting_keys").await, []);
        set(&peer, b"a", b"").await;
        set(&peer, b"e", b"").await;
        let conflict = tn.commit().await.unwrap_err();
        assert_eq!(conflict.code(), ErrorCode::NotCommitted);
        let expected = boundaries(&[(b"a", b"a\0"), (b"e", b"e\0")]);
        assert_eq!(module(&tn, "conflicting_keys").await, expected);
        tn.on_error(&conflict).await.unwrap();
        assert_eq!(
            module(&tn, "conflicting_keys").await,
            expected,
            "a retry keeps them"
        );
        tn.reset();
        assert_eq!(module(&tn, "conflicting_keys").await, expected, "so does a reset");
        get(&tn, b"m").await.unwrap();
        tn.set(b"z", b"").unwrap();
        set(&peer, b"m", b"").await;
        assert_eq!(code(tn.commit().await), Some(ErrorCode::NotCommitted));
        assert_eq!(
            module(&tn, "conflicting_keys").await,
            [],
            "a conflict that reports none replaces them"
        );
    });
}

#[test]
fn a_conflict_inside_one_batch_reports_its_first_range() {
    with_cluster(async |cluster| {
        let (peer, world) = (cluster.open().await, cluster.world().clone());
        let (first, second) = (begin(&peer), begin(&peer));
        set_flag(&second, TransactionOption::ReportConflictingKeys);
        for key in [b"a", b"b"] {
            first.set(key, b"").unwrap();
            get(&second, key).await.unwrap();
        }
        second.set(b"z", b"").unwrap();
        // The commit before them is on its way, so that both come into the next batch.
        let blocker = begin(&peer);
        blocker.set(b"other", b"").unwrap();
        let mut commits = Vec::new();
        for transaction in [&blocker, &first, &second] {
            commits.push(transaction.commit());
            world.sleep(1).await;
        }
        let mut results = Vec::new();
        for commit in commits {
            results.push(code(commit.await));
        }
        assert_eq!(results, [None, None, Some(ErrorCode::NotCommitted)]);
        assert_eq!(first.committed().unwrap().batch_index, 0);
        assert_eq!(
            module(&second, "conflicting_keys").await,
            boundaries(&[(b"a", b"a\0")])
        );
    });
}

#[test]
fn a_range_read_stays_in_one_module_unless_it_is_relaxed() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let tn = begin(&peer);
        let all = RangeOptions::default();
        let read = |begin: &[u8], end: &[u8]| range(&tn, begin, end, all);
        let none = Some(ErrorCode::SpecialKeysNoModuleFound);
        assert_eq!(code(read(b"\xff\xff/nothing", b"\xff\xff/nothinh").await), none);
        assert_eq!(code(get(&tn, b"\xff\xff/nothing").await), none);
        assert_eq!(
            code(read(b"\xff\xff/transaction/", b"\xff\xff\xff").await),
            Some(ErrorCode::SpecialKeysCrossModuleRead)
        );
        assert_eq!(
            get(&tn, b"\xff\xff/cluster_id").await.map(|id| id.unwrap().len()),
            Ok(32)
        );
        set_flag(&tn, TransactionOption::SpecialKeySpaceRelaxed);
        get(&tn, b"k").await.unwrap();
        assert_eq!(get(&tn, b"\xff\xff/nothing").await, Ok(None));
        let rows = read(b"\xff\xff", b"\xff\xff\xff").await.unwrap();
        assert_eq!(
            rows.rows.len(),
            3,
            "the id, and both ends of a read conflict range"
        );
        let limited = RangeOptions {
            limit: 1,
            reverse: true,
            ..all
        };
        let last = range(&tn, b"\xff\xff", b"\xff\xff\xff", limited).await.unwrap();
        assert_eq!((last.rows.len(), last.more), (1, true));
        assert_eq!(last.rows[0].0.to_vec(), special("read_conflict_range", b"k\0"));
    });
}

#[test]
fn special_keys_are_not_written() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let tn = begin(&peer);
        let key = b"\xff\xff/management/x";
        let writes = || {
            [
                code(tn.set(key, b"")),
                code(tn.clear(key)),
                code(tn.clear_range(key, b"\xff\xff/n")),
            ]
        };
        assert_eq!(writes(), [Some(ErrorCode::SpecialKeysWriteDisabled); 3]);
        set_flag(&tn, TransactionOption::SpecialKeySpaceEnableWrites);
        assert_eq!(writes(), [Some(ErrorCode::SpecialKeysNoWriteModuleFound); 3]);
        assert_eq!(code(tn.watch(key).await), Some(ErrorCode::KeyOutsideLegalRange));
    });
}

#[test]
fn special_keys_can_be_read_after_the_commit_and_add_no_conflict() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let tn = begin(&peer);
        tn.set(b"k", b"").unwrap();
        module(&tn, "read_conflict_range").await;
        assert_eq!(module(&tn, "read_conflict_range").await, []);
        tn.commit().await.unwrap();
        assert_eq!(
            module(&tn, "write_conflict_range").await,
            boundaries(&[(b"k", b"k\0")])
        );
        tn.cancel();
        assert_eq!(
            code(get(&tn, b"\xff\xff/cluster_id").await),
            Some(ErrorCode::TransactionCancelled)
        );
        let conflict = Error::from(ErrorCode::NotCommitted);
        assert!(tn.on_error(&conflict).await.is_err());
    });
}
