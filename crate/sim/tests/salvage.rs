//! A damaged log: opening names the record; opening for salvage reads everything before it, and writes
//! nothing.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod support;

use plinth_core::engine::EngineOptions;
use plinth_core::pure::ExportReader;
use plinth_core::words::{KeyRange, PageId, RangeOptions, SequenceNumber};
use plinth_core::{ErrorCode, ImportMode, TransactionOptions};
use plinth_sim::{Cluster, ClusterOptions, Item, Peer, Simulation};
use support::{begin, code, keys, pages_of, set, with_engine};

fn engine(salvage: bool) -> EngineOptions {
    EngineOptions {
        salvage,
        ..pages_of(200)
    }
}

fn with_log<F: Future<Output = ()> + 'static>(body: impl FnOnce(Cluster) -> F) {
    with_engine(engine(false), body);
}

fn row(number: u64) -> Vec<u8> {
    format!("row/{number:03}").into_bytes()
}

/// One row a record, so that record `n` has row `n`.
async fn fill(peer: &Peer, count: u64) {
    for number in 1..=count {
        set(peer, &row(number), b"value").await;
    }
}

async fn rows_of(peer: &Peer) -> usize {
    let options = RangeOptions {
        limit: 10_000,
        ..RangeOptions::default()
    };
    keys(&begin(peer), b"row/", b"row0", options).await.0.len()
}

fn everything_stored(cluster: &Cluster) -> impl PartialEq {
    let disk = cluster.disk();
    let pages = disk.page_ids(PageId::new(0), usize::MAX);
    let log = disk.log_after(SequenceNumber::ZERO, usize::MAX);
    (disk.root(), log, pages)
}

#[test]
fn a_damaged_record_is_named_and_what_is_before_it_is_read_exported_and_never_written() {
    with_log(async |cluster| {
        let writer = cluster.open().await;
        fill(&writer, 20).await;
        cluster.kill(&writer);
        cluster
            .disk()
            .damage(Item::Log(SequenceNumber::new(12)), |bytes| bytes[40] ^= 8);
        let refused = cluster.try_open().await.err().unwrap();
        assert_eq!(refused.code(), ErrorCode::FileCorrupt);
        assert_eq!(refused.message(), "log record 12: checksum mismatch");
        let stored = everything_stored(&cluster);
        let salvaged = cluster.with_engine(engine(true)).open().await;
        assert_eq!(rows_of(&salvaged).await, 11);
        let writing = begin(&salvaged);
        writing.set(b"a", b"b").unwrap();
        assert_eq!(code(writing.commit().await), Some(ErrorCode::TransactionReadOnly));
        let database = &salvaged.database;
        assert_eq!(code(database.fold().await), Some(ErrorCode::TransactionReadOnly));
        assert_eq!(
            code(database.compact().await),
            Some(ErrorCode::TransactionReadOnly)
        );
        let report = database.check().await.unwrap();
        let messages: Vec<&str> = report.damage.iter().map(|damage| damage.message()).collect();
        assert_eq!(messages, ["log record 12: checksum mismatch"]);
        let everything = KeyRange::new([].as_slice(), [0xff].as_slice());
        let mut export = database.export(&everything).unwrap();
        let world = Simulation::new(1);
        let other = Cluster::new(&world, ClusterOptions::default());
        let mut bytes = Vec::new();
        while let Some(frame) = export.next().await.unwrap() {
            bytes.extend(frame);
        }
        cluster.world().sleep(60_000_000).await;
        assert_eq!(rows_of(&salvaged).await, 11, "it stays as it is");
        salvaged.database.close().await;
        assert!(stored == everything_stored(&cluster), "nothing was written");
        world.run(async move {
            let peer = other.open().await;
            let mut import = peer
                .database
                .import(ImportMode::Empty, TransactionOptions::default())
                .unwrap();
            import.write(&bytes).await.unwrap();
            import.finish().unwrap();
            assert_eq!(rows_of(&peer).await, 11);
        });
    });
}

#[test]
fn what_was_folded_before_the_damage_is_there_and_a_missing_record_is_damage_too() {
    with_log(async |cluster| {
        let writer = cluster.open().await;
        fill(&writer, 200).await;
        cluster.world().sleep(6_000_000).await;
        writer.database.fold().await.unwrap();
        let after = writer.database.stats().log_tail;
        for number in 201..=210 {
            set(&writer, &row(number), b"value").await;
        }
        cluster.kill(&writer);
        cluster.disk().damage(Item::Log(after.plus(5)), Vec::clear);
        assert_eq!(code(cluster.try_open().await), Some(ErrorCode::FileCorrupt));
        let salvaged = cluster.with_engine(engine(true)).open().await;
        assert_eq!(rows_of(&salvaged).await, 204);
        assert_eq!(salvaged.database.check().await.unwrap().damage.len(), 1);
    });
}

#[test]
fn a_peer_that_has_read_past_the_damage_goes_on_and_its_fold_heals_the_log() {
    with_log(async |cluster| {
        let writer = cluster.open().await;
        fill(&writer, 20).await;
        cluster
            .disk()
            .damage(Item::Log(SequenceNumber::new(12)), |bytes| bytes[9] ^= 8);
        let salvaged = cluster.with_engine(engine(true)).open().await;
        assert_eq!(rows_of(&salvaged).await, 11);
        set(&writer, &row(21), b"value").await;
        cluster.world().sleep(6_000_000).await;
        set(&writer, &row(22), b"value").await;
        writer.database.fold().await.unwrap();
        assert_eq!(rows_of(&cluster.open().await).await, 22);
        assert_eq!(
            rows_of(&salvaged).await,
            11,
            "what was salvaged does not change by itself"
        );
        let report = salvaged.database.check().await.unwrap();
        assert_eq!(report.damage, [], "but a check looks at what is stored now");
        assert_eq!(rows_of(&salvaged).await, 22);
    });
}

#[test]
fn a_whole_database_can_be_opened_for_salvage_and_one_that_does_not_exist_cannot() {
    with_log(async |cluster| {
        let salvaging = cluster.with_engine(engine(true));
        assert_eq!(code(salvaging.try_open().await), Some(ErrorCode::FileNotFound));
        assert_eq!(cluster.disk().root(), None, "none was made");
        let writer = cluster.open().await;
        fill(&writer, 5).await;
        let salvaged = salvaging.open().await;
        assert_eq!(rows_of(&salvaged).await, 5);
        fill(&writer, 6).await;
        assert_eq!(rows_of(&salvaged).await, 5);
        assert_eq!(salvaged.database.check().await.unwrap().damage, []);
    });
}

#[test]
fn an_export_for_salvage_goes_around_damaged_pages_and_values_and_counts_them() {
    with_log(async |cluster| {
        let writer = cluster.open().await;
        let filling = begin(&writer);
        for number in 0..900 {
            filling
                .set(&row(number), format!("value {number}").as_bytes())
                .unwrap();
        }
        filling.set(b"row/500/long", &[5; 3_000]).unwrap();
        filling.commit().await.unwrap();
        cluster.world().sleep(6_000_000).await;
        set(&writer, b"row/recent", b"1").await;
        writer.database.fold().await.unwrap();
        let expected = rows_of(&writer).await;
        let disk = cluster.disk();
        let pages = disk.page_ids(PageId::new(0), usize::MAX);
        // A leaf near the beginning, and a piece of the long value.
        let stored = disk.pages(&pages);
        let is_chunk = |bytes: &Option<Vec<u8>>| bytes.as_ref().is_some_and(|bytes| bytes[24] == 255);
        let chunk = pages[stored.iter().position(is_chunk).unwrap()];
        let leaf = pages[10];
        for page in [leaf, chunk] {
            disk.damage(Item::Page(page), |bytes| bytes[50] ^= 1);
        }
        let everything = KeyRange::new([].as_slice(), [0xff].as_slice());
        let whole = cluster.open().await;
        let report = whole.database.check().await.unwrap();
        assert_eq!(report.damage.len(), 2);
        let mut export = whole.database.export(&everything).unwrap();
        let failed = loop {
            match export.next().await {
                Ok(frame) => assert!(frame.is_some(), "it does not end as if nothing were wrong"),
                Err(error) => break error,
            }
        };
        assert_eq!(failed.code(), ErrorCode::FileCorrupt);
        let salvaged = cluster.with_engine(engine(true)).open().await;
        let mut export = salvaged.database.export(&everything).unwrap();
        let mut reader = ExportReader::new();
        let mut found = 0;
        while let Some(frame) = export.next().await.unwrap() {
            reader.push(&frame);
            while reader.next_frame().unwrap().is_some() {}
            found = reader.totals().rows as usize;
        }
        reader.finish().unwrap();
        assert_eq!(export.skipped_count(), 2);
        let lost = expected - found;
        assert!((2..20).contains(&lost), "{lost} rows are lost");
    });
}
