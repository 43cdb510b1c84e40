//! Databases larger than memory, rule by rule: folding, reading what was folded, dying in the middle,
//! damage, checking and compacting.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod support;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use plinth_core::engine::{EngineOptions, FoldExtent, FoldOptions, FoldResult};
use plinth_core::pure::PageOptions;
use plinth_core::storage::FoldRequest;
use plinth_core::words::{AtomicOp, PageId, RangeOptions, SequenceNumber};
use plinth_core::{ErrorCode, Read};
use plinth_sim::{Cluster, ClusterOptions, Death, Item, Peer, Simulation};
use support::{begin, code, get, keys, pages_of, peer_clear, range, set, with_engine};

const MINUTE_US: u64 = 60_000_000;

/// Peers that hear nothing of each other.
fn without_news<F: Future<Output = ()> + 'static>(body: impl FnOnce(Cluster) -> F) {
    let world = Simulation::new(7);
    let options = ClusterOptions {
        news_loss_odds: 1,
        without_locks: true,
        engine: tiny(),
        ..Default::default()
    };
    let cluster = Cluster::new(&world, options);
    world.run(body(cluster));
}

/// Pages for a few rows each.
fn tiny() -> EngineOptions {
    pages_of(200)
}

fn key(number: u32) -> Vec<u8> {
    format!("key/{number:06}").into_bytes()
}

/// Loads rows `0..count` in a few transactions.
async fn load(peer: &Peer, count: u32) {
    for first in (0..count).step_by(1_000) {
        let transaction = begin(peer);
        for number in first..count.min(first + 1_000) {
            transaction
                .set(&key(number), format!("value {number}").as_bytes())
                .unwrap();
        }
        transaction.commit().await.unwrap();
    }
}

/// Folds everything but the newest record.
async fn fold_all(peer: &Peer) {
    // The newest record always stays in the log.
    set(peer, b"last", b"1").await;
    let folded = peer.database.engine().fold(FoldExtent::All).await;
    assert_eq!(folded, Ok(FoldResult::Folded));
}

#[test]
fn what_was_folded_is_read_from_pages_by_every_peer() {
    with_engine(tiny(), async |cluster| {
        let (one, other) = (cluster.open().await, cluster.open().await);
        load(&one, 2_000).await;
        fold_all(&one).await;
        let stats = one.database.stats();
        assert_eq!((stats.folded_key_count, stats.log_entry_count), (2_000, 1));
        for peer in [&one, &other, &cluster.open().await] {
            let transaction = begin(peer);
            for number in [0, 1, 999, 1_000, 1_999] {
                let expected = format!("value {number}").into_bytes();
                assert_eq!(get(&transaction, &key(number)).await, Ok(Some(expected)));
            }
            assert_eq!(get(&transaction, b"key/").await, Ok(None));
            assert_eq!(get(&transaction, b"last").await, Ok(Some(b"1".to_vec())));
            let options = RangeOptions {
                limit: 3,
                reverse: true,
                ..Default::default()
            };
            let (found, more) = keys(&transaction, b"key/", b"key0", options).await;
            assert_eq!(found, ["key/001999", "key/001998", "key/001997"]);
            assert!(more);
        }
    });
}

#[test]
fn a_warm_read_is_answered_at_once_and_one_page_is_fetched_once() {
    with_engine(tiny(), async |cluster| {
        let writer = cluster.open().await;
        load(&writer, 500).await;
        fold_all(&writer).await;
        let peer = cluster.open().await;
        let transaction = begin(&peer);
        transaction.read_version().await.unwrap();
        let reads: Vec<_> = (0..10).map(|_| transaction.get(&key(250), false)).collect();
        for read in reads {
            assert!(matches!(read, Read::Pending(_)), "the page is not in memory yet");
            assert_eq!(&*read.await.unwrap().unwrap(), b"value 250");
        }
        let read_count = peer.database.stats().page_read_count;
        assert!(read_count <= 5, "{read_count} pages for one path");
        assert!(matches!(
            transaction.get(&key(250), false),
            Read::Ready(Ok(Some(_)))
        ));
        let whole = range(
            &transaction,
            b"key/000240",
            b"key/000260",
            RangeOptions::default(),
        );
        assert_eq!(whole.await.unwrap().rows.len(), 20);
        let warm = range(
            &transaction,
            b"key/000240",
            b"key/000260",
            RangeOptions::default(),
        );
        assert!(matches!(warm, Read::Ready(Ok(_))), "all of it is in memory now");
        assert!(peer.database.stats().cache_hit_count > 0);
    });
}

#[test]
fn a_scan_many_times_the_cache_gets_through_and_stays_within_its_budget() {
    let options = EngineOptions {
        cache_bytes: 3_000,
        ..tiny()
    };
    with_engine(options, async |cluster| {
        let writer = cluster.open().await;
        load(&writer, 3_000).await;
        fold_all(&writer).await;
        let peer = cluster.open().await;
        for reverse in [false, true] {
            let transaction = begin(&peer);
            let options = RangeOptions {
                limit: 10_000,
                mode: plinth_core::words::StreamingMode::Exact,
                reverse,
                ..Default::default()
            };
            let rows = range(&transaction, b"key/", b"key0", options).await.unwrap().rows;
            let mut numbers: Vec<Vec<u8>> = rows.iter().map(|(key, _)| key.to_vec()).collect();
            if reverse {
                numbers.reverse();
            }
            assert_eq!(numbers, (0..3_000).map(key).collect::<Vec<_>>());
            assert!(peer.database.stats().cache_bytes <= 3_000);
        }
        let selector = plinth_core::words::KeySelector {
            offset: 2_500,
            ..plinth_core::words::KeySelector::first_greater_or_equal(b"key/".as_slice())
        };
        let transaction = begin(&peer);
        assert_eq!(
            transaction.get_key(&selector, true).await.unwrap().to_vec(),
            key(2_499)
        );
    });
}

#[test]
fn opening_reads_the_log_after_the_pages_and_none_of_the_pages() {
    with_engine(tiny(), async |cluster| {
        let writer = cluster.open().await;
        let mut operations = Vec::new();
        for count in [100, 4_000] {
            load(&writer, count).await;
            fold_all(&writer).await;
            let peer = cluster.open().await;
            assert_eq!(peer.database.stats().page_read_count, 0);
            assert_eq!(peer.database.stats().log_entry_count, 1);
            operations.push(peer.opening_operations());
        }
        assert_eq!(operations[0], operations[1], "whatever the size");
    });
}

#[test]
fn a_transaction_reads_on_at_its_version_while_folds_pass_below_it() {
    with_engine(tiny(), async |cluster| {
        let (one, other) = (cluster.open().await, cluster.open().await);
        load(&one, 300).await;
        cluster.world().sleep(10_000_000).await;
        // Everything so far is old; what follows is not.
        let before = begin(&other);
        before.read_version().await.unwrap();
        peer_clear(&one, b"key/000100", b"key/000200").await;
        set(&one, &key(50), b"new").await;
        assert_eq!(one.database.fold().await, Ok(FoldResult::Folded));
        assert_eq!(one.database.stats().folded_key_count, 300);
        let (found, _) = keys(&before, b"key/", b"key0", RangeOptions::default()).await;
        assert_eq!(found.len(), 300);
        assert_eq!(get(&before, &key(50)).await, Ok(Some(b"value 50".to_vec())));
        let after = begin(&other);
        let (found, _) = keys(&after, b"key/", b"key0", RangeOptions::default()).await;
        assert_eq!(found.len(), 200);
        assert_eq!(get(&after, &key(50)).await, Ok(Some(b"new".to_vec())));
    });
}

#[test]
fn a_fold_that_memory_forces_makes_older_transactions_too_old_and_no_others() {
    with_engine(tiny(), async |cluster| {
        let (one, other) = (cluster.open().await, cluster.open().await);
        load(&one, 100).await;
        let before = begin(&one);
        before.read_version().await.unwrap();
        set(&one, b"a", b"1").await;
        fold_all(&one).await;
        let after = begin(&other);
        assert_eq!(get(&after, b"a").await, Ok(Some(b"1".to_vec())));
        assert_eq!(get(&after, &key(7)).await, Ok(Some(b"value 7".to_vec())));
        assert_eq!(
            code(get(&before, &key(7)).await),
            Some(ErrorCode::TransactionTooOld)
        );
    });
}

#[test]
fn a_peer_that_slept_through_a_fold_begins_again_and_misses_nothing() {
    with_engine(tiny(), async |cluster| {
        let (one, other) = (cluster.open().await, cluster.open().await);
        set(&one, b"watched", b"old").await;
        let arming = begin(&other);
        let watch = arming.watch(b"watched");
        arming.commit().await.unwrap();
        // Straight to the storage, past the news that would have told the other peer.
        let deaf = cluster.open().await;
        cluster.kill(&one);
        load(&deaf, 200).await;
        set(&deaf, b"watched", b"new").await;
        fold_all(&deaf).await;
        let transaction = begin(&other);
        assert_eq!(get(&transaction, b"watched").await, Ok(Some(b"new".to_vec())));
        assert_eq!(get(&transaction, &key(3)).await, Ok(Some(b"value 3".to_vec())));
        transaction.set(b"mine", b"1").unwrap();
        assert_eq!(transaction.commit().await, Ok(()));
        assert_eq!(watch.await, Ok(()));
    });
}

#[test]
fn whoever_is_behind_a_fold_appends_in_vain_and_its_transaction_is_tried_again() {
    without_news(async |cluster| {
        let (behind, other) = (cluster.open().await, cluster.open().await);
        // The first append of a connection waits for the root: behind it may be another database.
        set(&behind, b"first", b"1").await;
        load(&other, 200).await;
        set(&other, b"both", b"other").await;
        fold_all(&other).await;
        // A write that reads nothing looks at the log only by being appended to it.
        set(&behind, b"both", b"behind").await;
        let log = cluster.disk().log_after(SequenceNumber::ZERO, 9);
        assert_eq!(
            log.len(),
            3,
            "the newest record, the void one, the one that counts"
        );
        for peer in [&behind, &other, &cluster.open().await] {
            let transaction = begin(peer);
            assert_eq!(get(&transaction, b"both").await, Ok(Some(b"behind".to_vec())));
            assert_eq!(get(&transaction, &key(3)).await, Ok(Some(b"value 3".to_vec())));
        }
        fold_all(&other).await;
        let log = cluster.disk().log_after(SequenceNumber::ZERO, 9);
        assert_eq!(log.len(), 1, "the next fold takes it away");
    });
}

#[test]
fn an_append_counts_though_a_fold_has_moved_the_root_unseen() {
    without_news(async |cluster| {
        let (writer, folder) = (cluster.open().await, cluster.open().await);
        load(&writer, 200).await;
        set(&writer, b"last", b"1").await;
        for round in 0..3u8 {
            assert!(get(&begin(&folder), b"last").await.is_ok(), "it has read the log");
            let folded = folder.database.engine().fold(FoldExtent::All).await;
            assert_eq!(folded, Ok(FoldResult::Folded));
            set(&writer, b"last", &[round]).await;
            let log = cluster.disk().log_after(SequenceNumber::ZERO, 9);
            assert_eq!(log.len(), 2, "its first try counts");
        }
        for peer in [&folder, &cluster.open().await, &writer] {
            let transaction = begin(peer);
            assert_eq!(get(&transaction, b"last").await, Ok(Some(vec![2])));
            assert_eq!(get(&transaction, &key(3)).await, Ok(Some(b"value 3".to_vec())));
        }
        assert_eq!(writer.database.stats().restart_count, 0);
        assert_eq!(writer.database.check().await.unwrap().damage, []);
    });
}

#[test]
fn atomic_operations_on_values_in_pages_add_up_whether_or_not_they_are_in_memory() {
    with_engine(tiny(), async |cluster| {
        let writer = cluster.open().await;
        let number = |value: u64| value.to_le_bytes();
        set(&writer, b"count", &number(1_000)).await;
        load(&writer, 200).await;
        fold_all(&writer).await;
        let peer = cluster.open().await;
        for round in 1..=5u64 {
            for _ in 0..10 {
                let transaction = begin(&peer);
                transaction.atomic(AtomicOp::Add, b"count", &number(1)).unwrap();
                transaction.atomic(AtomicOp::Add, b"fresh", &number(1)).unwrap();
                transaction.commit().await.unwrap();
            }
            if round % 2 == 0 {
                fold_all(&peer).await;
            }
            for reader in [&peer, &writer, &cluster.open().await] {
                let transaction = begin(reader);
                let expected = Some(number(1_000 + 10 * round).to_vec());
                assert_eq!(get(&transaction, b"count").await, Ok(expected), "round {round}");
                assert_eq!(
                    get(&transaction, b"fresh").await,
                    Ok(Some(number(10 * round).to_vec()))
                );
            }
        }
    });
}

#[test]
fn a_watch_on_a_value_in_a_page_fires_when_it_changes_and_not_before() {
    with_engine(tiny(), async |cluster| {
        let writer = cluster.open().await;
        load(&writer, 300).await;
        fold_all(&writer).await;
        let peer = cluster.open().await;
        let arming = begin(&peer);
        let watch = arming.watch(&key(100));
        arming.commit().await.unwrap();
        // The same value, by an operation whose outcome only the page tells.
        let transaction = begin(&writer);
        transaction
            .atomic(AtomicOp::ByteMax, &key(100), b"value 0")
            .unwrap();
        transaction.commit().await.unwrap();
        cluster.world().sleep(100_000).await;
        assert_eq!(peer.database.stats().watch_count, 1);
        let transaction = begin(&writer);
        transaction
            .atomic(AtomicOp::ByteMax, &key(100), b"value 9")
            .unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(watch.await, Ok(()));
    });
}

#[test]
fn the_log_is_folded_by_itself_when_it_is_long_and_old_enough() {
    let mut options = tiny();
    options.fold.log_entries = 50;
    with_engine(options, async |cluster| {
        let (one, other) = (cluster.open().await, cluster.open().await);
        for number in 0..60 {
            set(&one, &key(number), b"v").await;
        }
        assert_eq!(one.database.stats().folded_key_count, 0, "all of it is young");
        cluster.world().sleep(MINUTE_US / 6).await;
        set(&one, b"z", b"v").await;
        cluster.world().sleep(MINUTE_US / 6).await;
        let folds = one.database.stats().fold_count + other.database.stats().fold_count;
        assert_eq!(folds, 1, "one of the peers folded, the other did not");
        assert!(cluster.disk().log_length() < 10);
        assert!(one.database.stats().recent_bytes < 2_000, "swept");
    });
}

#[test]
fn memory_stays_bounded_during_a_bulk_load_that_is_much_larger() {
    let mut options = tiny();
    options.fold.recent_bytes_max = 60_000;
    options.fold.pages = PageOptions::of_page_bytes(1_000);
    options.cache_bytes = 20_000;
    with_engine(options, async |cluster| {
        let peer = cluster.open().await;
        for first in (0..20_000).step_by(100) {
            let transaction = begin(&peer);
            for number in first..first + 100 {
                transaction.set(&key(number), &[7; 100]).unwrap();
            }
            transaction.commit().await.unwrap();
            let recent = peer.database.stats().recent_bytes;
            assert!(recent < 200_000, "{recent} bytes at {first}");
        }
        let transaction = begin(&peer);
        assert_eq!(get(&transaction, &key(12_345)).await, Ok(Some(vec![7; 100])));
        assert!(peer.database.stats().folded_key_count > 15_000);
    });
}

#[test]
fn clearing_nearly_everything_gives_the_pages_back() {
    with_engine(tiny(), async |cluster| {
        let peer = cluster.open().await;
        load(&peer, 4_000).await;
        let long = begin(&peer);
        long.set(&key(2_000), &[3; 90_000]).unwrap();
        long.commit().await.unwrap();
        fold_all(&peer).await;
        let pages = cluster.disk().page_ids(PageId::new(0), usize::MAX);
        assert!(pages.len() > 500);
        let reads = peer.database.stats().page_read_count;
        peer_clear(&peer, &key(10), &key(3_990)).await;
        fold_all(&peer).await;
        let read = peer.database.stats().page_read_count - reads;
        assert!(read < 20, "{read} pages were read to clear {}", pages.len());
        assert_eq!(peer.database.compact().await, Ok(FoldResult::Nothing));
        let report = peer.database.check().await.unwrap();
        // Ten at each end, and the key that was written to be the newest.
        assert_eq!((report.row_count, report.chunk_count), (21, 0));
        let left = cluster.disk().page_ids(PageId::new(0), usize::MAX);
        assert_eq!(left.len() as u64, report.node_count);
        assert!(left.len() < 10, "{} pages are left", left.len());
        assert!(report.damage.is_empty());
    });
}

#[test]
fn a_damaged_page_is_named_and_the_rest_stays_readable_and_writable() {
    with_engine(tiny(), async |cluster| {
        let writer = cluster.open().await;
        load(&writer, 1_000).await;
        fold_all(&writer).await;
        let leaf = {
            let pages = cluster.disk().page_ids(PageId::new(0), usize::MAX);
            // The tenth page written is a leaf, long before the end.
            pages[10]
        };
        cluster.disk().damage(Item::Page(leaf), |bytes| bytes[40] ^= 1);
        let peer = cluster.open().await;
        let expected = format!("page {leaf}: checksum mismatch");
        let transaction = begin(&peer);
        let mut damaged = 0;
        for number in 0..1_000 {
            match get(&transaction, &key(number)).await {
                Ok(value) => assert_eq!(value, Some(format!("value {number}").into_bytes())),
                Err(error) => {
                    assert_eq!(
                        (error.code(), error.message()),
                        (ErrorCode::FileCorrupt, &*expected)
                    );
                    damaged += 1;
                }
            }
        }
        assert!((1..20).contains(&damaged), "{damaged} rows");
        set(&peer, b"after", b"1").await;
        let report = peer.database.check().await.unwrap();
        let messages: Vec<&str> = report.damage.iter().map(|damage| damage.message()).collect();
        assert_eq!(messages, [expected]);
        assert_eq!(
            code(peer.database.compact().await),
            Some(ErrorCode::FileCorrupt),
            "nothing is deleted that may still be of use"
        );
    });
}

#[test]
fn a_page_that_is_missing_under_an_unmoved_root_is_damage() {
    with_engine(tiny(), async |cluster| {
        let writer = cluster.open().await;
        load(&writer, 1_000).await;
        fold_all(&writer).await;
        let root = cluster.disk().root().unwrap();
        let gone = PageId::new(5);
        let request = FoldRequest {
            root: root.clone(),
            new_root: root,
            delete_pages: vec![gone],
            ..FoldRequest::default()
        };
        cluster.disk().fold(request);
        let peer = cluster.open().await;
        let transaction = begin(&peer);
        let whole = range(&transaction, b"key/", b"key0", RangeOptions::default()).await;
        assert_eq!(whole.unwrap_err().message(), "page 5: it is missing");
        assert!(get(&begin(&peer), &key(900)).await.is_ok());
        let report = peer.database.check().await.unwrap();
        assert_eq!(report.damage[0].message(), "page 5: it is missing");
    });
}

#[test]
fn pages_that_nothing_refers_to_are_found_and_compacted_away() {
    with_engine(tiny(), async |cluster| {
        let peer = cluster.open().await;
        load(&peer, 100).await;
        fold_all(&peer).await;
        let root = cluster.disk().root().unwrap();
        let request = FoldRequest {
            root: root.clone(),
            new_root: root,
            write_pages: vec![(PageId::new(77_777), b"who am I".to_vec())],
            ..FoldRequest::default()
        };
        cluster.disk().fold(request);
        assert_eq!(peer.database.check().await.unwrap().unreachable_page_count, 1);
        peer.database.compact().await.unwrap();
        assert_eq!(peer.database.check().await.unwrap().unreachable_page_count, 0);
    });
}

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// What a client was told, and what it had asked for when it heard no more.
#[derive(Default)]
struct Told {
    acknowledged: RefCell<Model>,
    asked: RefCell<Option<Model>>,
    is_done: Cell<bool>,
}

/// Commits, folds, clears and deletes, with values in chunks and steps as small as they get.
async fn live(peer: Peer, told: Rc<Told>, world: Simulation) {
    for round in 0..14u32 {
        let mut model = told.acknowledged.borrow().clone();
        let transaction = begin(&peer);
        for number in 0..12 {
            let number = round * 5 + number;
            let value = vec![round as u8; if number % 7 == 0 { 300 } else { 20 }];
            transaction.set(&key(number), &value).unwrap();
            model.insert(key(number), value);
        }
        if round % 3 == 2 {
            let (begin, end) = (key(round * 2), key(round * 5 + 9));
            transaction.clear_range(&begin, &end).unwrap();
            model.retain(|key, _| !(begin <= *key && *key < end));
        }
        told.asked.replace(Some(model.clone()));
        if transaction.commit().await.is_err() {
            return;
        }
        told.acknowledged.replace(model);
        told.asked.replace(None);
        if round % 2 == 1 {
            world.sleep(6_000_000).await;
            let folded = peer.database.fold().await;
            assert!(folded.is_ok(), "{folded:?}");
        }
    }
    assert!(peer.database.compact().await.is_ok());
    told.is_done.set(true);
}

fn mortal_options() -> ClusterOptions {
    ClusterOptions {
        engine: EngineOptions {
            cache_bytes: 1_000,
            fold: FoldOptions {
                write_bytes: 500,
                delete_pages: 3,
                pages: PageOptions::of_page_bytes(150),
                ..FoldOptions::default()
            },
            ..EngineOptions::default()
        },
        ..ClusterOptions::default()
    }
}

/// Lives until the given death; then two others open the database. Gives whether the first one survived.
fn die_at(death: Option<Death>) -> (bool, u64) {
    let world = Simulation::new(3);
    let cluster = Cluster::new(&world, mortal_options());
    let outer = world.clone();
    world.run(async move {
        let told = Rc::<Told>::default();
        let operations = Rc::<Cell<u64>>::default();
        let life = {
            let (cluster, told, world) = (cluster.clone(), Rc::clone(&told), outer.clone());
            let operations = Rc::clone(&operations);
            async move {
                let peer = cluster.try_open_mortal(death).await.unwrap();
                live(peer.clone(), told, world).await;
                operations.set(peer.operations());
            }
        };
        // Nobody waits for it: the dead do not answer.
        let _life = outer.spawn_killable(outer.new_group(), life);
        outer.sleep(2 * MINUTE_US).await;
        let context = format!("{death:?}");
        for opening in 0..2 {
            let peer = cluster.open().await;
            let found = read_all(&peer).await;
            let acknowledged = told.acknowledged.borrow().clone();
            let is_asked = told.asked.borrow().as_ref() == Some(&found);
            assert!(
                found == acknowledged || is_asked,
                "{context}, opening {opening}: torn or lost"
            );
            let report = peer.database.check().await.unwrap();
            assert_eq!(report.damage, [], "{context}");
            assert_eq!(report.unreachable_page_count, 0, "{context}");
            outer.sleep(MINUTE_US).await;
            if opening == 1 {
                let report = peer.database.check().await.unwrap();
                assert_eq!(report.superseded_page_count, 0, "{context}: orphans");
                assert_eq!(report.damage, [], "{context}");
                // It goes on as if nothing had been.
                set(&peer, b"on", b"1").await;
                set(&peer, b"and on", b"1").await;
                assert_eq!(
                    peer.database.engine().fold(FoldExtent::All).await,
                    Ok(FoldResult::Folded)
                );
            }
        }
        (told.is_done.get(), operations.get())
    })
}

async fn read_all(peer: &Peer) -> Model {
    let transaction = begin(peer);
    let options = RangeOptions {
        limit: 10_000,
        mode: plinth_core::words::StreamingMode::Exact,
        ..Default::default()
    };
    let rows = range(&transaction, b"", b"\xff", options).await.unwrap();
    rows.rows
        .iter()
        .map(|(key, value)| (key.to_vec(), value.to_vec()))
        .collect()
}

#[test]
fn whoever_dies_at_any_storage_operation_leaves_what_was_acknowledged_and_no_orphans() {
    let (is_done, operations) = die_at(None);
    assert!(is_done && operations > 60, "{operations} operations");
    for operation in 0..operations {
        for has_effect in [false, true] {
            let death = Death {
                operation,
                has_effect,
            };
            let (is_done, _) = die_at(Some(death));
            assert!(!is_done || operation + 3 > operations, "{death:?} came too late");
        }
    }
}
