//! Exports and imports: whatever happens meanwhile, an export is the database at one version.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod support;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use plinth_core::engine::EngineOptions;
use plinth_core::pure::{ExportFrame, ExportReader};
use plinth_core::words::{KeyRange, Mutation, RangeOptions, StreamingMode, Version};
use plinth_core::{ErrorCode, Export, ImportMode, Result, TransactionOptions};
use plinth_sim::{Cluster, Peer, SimulatedStorage, Simulation};
use support::{begin, cluster_of, code, pages_of, range, set};

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

fn everything() -> KeyRange {
    KeyRange::new([].as_slice(), [0xff].as_slice())
}

fn key(number: u64) -> Vec<u8> {
    format!("key/{number:06}").into_bytes()
}

fn tiny_pages() -> EngineOptions {
    pages_of(300)
}

/// Runs a test on two databases.
fn with_two<F: Future<Output = ()> + 'static>(body: impl FnOnce(Cluster, Cluster) -> F) {
    let world = Simulation::new(5);
    let [one, other] = [(), ()].map(|()| cluster_of(&world, tiny_pages()));
    world.run(body(one, other));
}

async fn load(peer: &Peer, numbers: std::ops::Range<u64>, value: &[u8]) {
    let numbers: Vec<u64> = numbers.collect();
    for some in numbers.chunks(500) {
        let transaction = begin(peer);
        for &number in some {
            transaction.set(&key(number), value).unwrap();
        }
        transaction.commit().await.unwrap();
    }
}

async fn exported(mut export: Export<SimulatedStorage>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(frame) = export.next().await? {
        bytes.extend(frame);
    }
    assert_eq!(export.totals().1, bytes.len() as u64);
    assert_eq!(export.next().await, Ok(None), "the end stays the end");
    Ok(bytes)
}

async fn imported(peer: &Peer, mode: ImportMode, bytes: &[u8]) -> Result<(u64, Version)> {
    let mut import = peer.database.import(mode, TransactionOptions::default())?;
    for piece in bytes.chunks(1_000) {
        import.write(piece).await?;
    }
    let progress = import.finish()?;
    assert_eq!(progress.bytes, bytes.len() as u64);
    Ok((progress.rows, progress.version.unwrap()))
}

/// All rows now.
async fn rows_of(peer: &Peer) -> Rows {
    let transaction = begin(peer);
    let options = RangeOptions {
        limit: 1_000_000,
        mode: StreamingMode::Exact,
        ..RangeOptions::default()
    };
    let rows = range(&transaction, b"", b"\xff", options).await.unwrap();
    rows.rows
        .iter()
        .map(|(key, value)| (key.to_vec(), value.to_vec()))
        .collect()
}

/// The rows that an export makes of an empty database, and how many changes frames came.
fn rows_in(bytes: &[u8]) -> (Rows, Version, u64) {
    let (mut rows, mut reader) = (Rows::new(), ExportReader::new());
    reader.push(bytes);
    let mut at = None;
    while let Some(frame) = reader.next_frame().unwrap() {
        match frame {
            ExportFrame::Begin { .. } => {}
            ExportFrame::Changes(changes) => changes.iter().for_each(|change| apply(&mut rows, change)),
            ExportFrame::End { version } => at = Some(version),
        }
    }
    reader.finish().unwrap();
    (rows, at.unwrap(), reader.totals().clears)
}

fn apply(rows: &mut Rows, change: &Mutation) {
    match change {
        Mutation::Set(key, value) => {
            rows.insert(key.to_vec(), value.to_vec());
        }
        Mutation::ClearRange(range) => rows.retain(|key, _| !range.contains(key)),
        Mutation::Atomic(..) => panic!("an export has values"),
    }
}

#[test]
fn what_was_exported_is_imported_from_pages_and_from_the_log() {
    with_two(async |from, to| {
        let (one, other) = (from.open().await, to.open().await);
        load(&one, 0..3_000, b"some value").await;
        from.world().sleep(6_000_000).await;
        one.database.fold().await.unwrap();
        let transaction = begin(&one);
        transaction.set(b"empty", b"").unwrap();
        transaction.set(&[7; 10_000], &[3; 100_000]).unwrap();
        transaction.clear_range(&key(100), &key(200)).unwrap();
        transaction.commit().await.unwrap();
        let bytes = exported(one.database.export(&everything()).unwrap())
            .await
            .unwrap();
        let (row_count, version) = imported(&other, ImportMode::Empty, &bytes).await.unwrap();
        let expected = rows_of(&one).await;
        assert_eq!(expected.len(), 2_902);
        assert_eq!(
            row_count, 2_902,
            "each row once: all of it was read at one version"
        );
        assert_eq!(version, one.database.stats().version);
        assert_eq!(rows_of(&other).await, expected);
    });
}

#[test]
fn an_export_of_a_range_is_about_that_range_only() {
    with_two(async |from, to| {
        let (one, other) = (from.open().await, to.open().await);
        load(&one, 0..100, b"new").await;
        load(&other, 0..5, b"old").await;
        load(&other, 95..105, b"old").await;
        let part = KeyRange::new(key(10), key(98));
        let bytes = exported(one.database.export(&part).unwrap()).await.unwrap();
        assert_eq!(
            code(imported(&other, ImportMode::Empty, &bytes).await),
            Some(ErrorCode::RestoreDestinationNotEmpty)
        );
        imported(&other, ImportMode::Replace, &bytes).await.unwrap();
        let rows = rows_of(&other).await;
        assert_eq!(rows.len(), 5 + 88 + 7);
        assert_eq!(rows[&key(97)], b"new");
        assert_eq!(rows[&key(98)], b"old");
        let refused = one
            .database
            .export(&KeyRange::new(b"a".as_slice(), b"a".as_slice()));
        assert_eq!(code(refused), Some(ErrorCode::ClientInvalidOperation));
        let refused = one
            .database
            .export(&KeyRange::new(b"a".as_slice(), b"\xff\x01".as_slice()));
        assert_eq!(code(refused), Some(ErrorCode::KeyOutsideLegalRange));
    });
}

#[test]
fn an_import_refuses_a_database_that_is_not_empty_and_names_a_key_unless_told_otherwise() {
    with_two(async |from, to| {
        let (one, other) = (from.open().await, to.open().await);
        load(&one, 0..10, b"new").await;
        let bytes = exported(one.database.export(&everything()).unwrap())
            .await
            .unwrap();
        set(&other, b"other", b"old").await;
        set(&other, &key(3), b"old").await;
        let before = rows_of(&other).await;
        let refused = imported(&other, ImportMode::Empty, &bytes).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::RestoreDestinationNotEmpty);
        assert!(
            refused.message().ends_with("was expected, found key/000003"),
            "{refused}"
        );
        assert_eq!(rows_of(&other).await, before, "nothing was touched");
        imported(&other, ImportMode::Merge, &bytes).await.unwrap();
        let merged = rows_of(&other).await;
        assert_eq!((merged.len(), &*merged[&key(3)]), (11, b"new".as_slice()));
        imported(&other, ImportMode::Replace, &bytes).await.unwrap();
        assert_eq!(rows_of(&other).await, rows_of(&one).await);
    });
}

#[test]
fn a_damaged_export_fails_with_its_place_and_leaves_what_was_imported_before() {
    with_two(async |from, to| {
        let (one, other) = (from.open().await, to.open().await);
        load(&one, 0..9_000, &[5; 100]).await;
        let mut bytes = exported(one.database.export(&everything()).unwrap())
            .await
            .unwrap();
        assert_eq!(
            code(imported(&other, ImportMode::Empty, &bytes[..bytes.len() - 1]).await),
            Some(ErrorCode::RestoreMissingData)
        );
        bytes[600_000] ^= 4;
        let damaged = imported(&other, ImportMode::Replace, &bytes).await.unwrap_err();
        assert_eq!(damaged.code(), ErrorCode::RestoreCorruptedData);
        let rows = rows_of(&other).await.len();
        assert!((2_000..9_000).contains(&rows), "{rows}");
    });
}

#[test]
fn a_reader_that_takes_its_time_gets_the_database_as_it_is_at_the_end() {
    with_two(async |from, _| {
        let peer = from.open().await;
        load(&peer, 0..6_000, &[1; 100]).await;
        let mut export = peer.database.export(&everything()).unwrap();
        let (mut bytes, mut frames) = (Vec::new(), 0u64);
        while let Some(frame) = export.next().await.unwrap() {
            bytes.extend(frame);
            frames += 1;
            if frames == 2 {
                // Behind what was exported, and ahead of it.
                set(&peer, &key(1), b"changed").await;
                set(&peer, &key(5_999), b"changed").await;
                support::peer_clear(&peer, &key(10), &key(20)).await;
                support::peer_clear(&peer, &key(30), b"key/000030\0").await;
            }
            // Longer than a transaction lives.
            from.world().sleep(7_000_000).await;
        }
        let (rows, version, clears) = rows_in(&bytes);
        assert_eq!(rows, rows_of(&peer).await);
        assert_eq!(rows[&key(1)], b"changed");
        assert_eq!(version, peer.database.stats().version);
        assert!(clears >= 2, "{clears}");
    });
}

#[test]
fn a_peer_that_slept_past_a_fold_exports_all_of_it_anew() {
    with_two(async |from, _| {
        let (peer, other) = (from.open().await, from.open().await);
        load(&peer, 0..6_000, &[1; 100]).await;
        let mut export = peer.database.export(&everything()).unwrap();
        let mut bytes = Vec::new();
        for _ in 0..2 {
            bytes.extend(export.next().await.unwrap().unwrap());
        }
        from.freeze(&peer);
        support::peer_clear(&other, &key(0), &key(3_000)).await;
        for _ in 0..2 {
            set(&other, b"more", b"1").await;
            from.world().sleep(6_000_000).await;
            other.database.fold().await.unwrap();
        }
        from.thaw(&peer);
        while let Some(frame) = export.next().await.unwrap() {
            bytes.extend(frame);
        }
        assert!(peer.database.stats().restart_count > 0);
        assert_eq!(rows_in(&bytes).0, rows_of(&other).await);
    });
}

#[test]
fn exports_under_the_writes_of_others_are_the_database_at_one_version() {
    let seeds = match std::env::var("PLINTH_SEED") {
        Ok(seed) => seed.parse().unwrap()..seed.parse::<u64>().unwrap() + 1,
        Err(_) => 0..6,
    };
    let mut rounds = 0;
    for seed in seeds {
        let world = Simulation::new(seed);
        let mut engine = tiny_pages();
        engine.fold.log_entries = 40;
        engine.cache_bytes = 3_000;
        let cluster = cluster_of(&world, engine);
        let outer = world.clone();
        rounds += world.run(async move {
            let (peer, other) = (cluster.open().await, cluster.open().await);
            load(&peer, 0..4_000, &[b'v'; 400]).await;
            let is_done = Rc::<Cell<bool>>::default();
            let states = Rc::<RefCell<BTreeMap<Version, Rows>>>::default();
            let writer = {
                let (world, is_done) = (outer.clone(), Rc::clone(&is_done));
                let (states, writer) = (Rc::clone(&states), other.clone());
                let loaded = rows_of(&peer).await;
                let version = peer.database.stats().version;
                states.borrow_mut().insert(version, loaded);
                outer.spawn_killable(outer.new_group(), async move {
                    let mut rows = rows_of(&writer).await;
                    while !is_done.get() {
                        let transaction = begin(&writer);
                        for _ in 0..1 + world.random_in(0..5) {
                            let change = random_change(&world);
                            match &change {
                                Mutation::Set(key, value) => transaction.set(key, value).unwrap(),
                                Mutation::ClearRange(range) => {
                                    transaction.clear_range(&range.begin, &range.end).unwrap();
                                }
                                Mutation::Atomic(..) => {}
                            }
                            apply(&mut rows, &change);
                        }
                        transaction.commit().await.unwrap();
                        let committed = transaction.committed().unwrap();
                        states.borrow_mut().insert(committed.version, rows.clone());
                        world.sleep_below(150_000).await;
                    }
                })
            };
            let mut export = peer.database.export(&everything()).unwrap();
            let mut bytes = Vec::new();
            while let Some(frame) = export.next().await.unwrap() {
                bytes.extend(frame);
                outer.sleep_below(4_000_000).await;
            }
            is_done.set(true);
            writer.await;
            let (rows, version, clears) = rows_in(&bytes);
            let states = states.borrow();
            let (_, expected) = states.range(..=version).next_back().unwrap();
            assert!(&rows == expected, "seed {seed}: torn at {version}");
            clears
        });
    }
    assert!(rounds > 25, "{rounds}: changes behind the reader are told");
}

fn random_change(world: &Simulation) -> Mutation {
    let number = world.random_in(0..4_500);
    if world.one_in(4) {
        let last = number + world.random_in(1..40);
        return Mutation::ClearRange(KeyRange::new(key(number), key(last)));
    }
    let value = vec![b'w'; world.random_in(0..300) as usize];
    Mutation::Set(key(number).into(), value.into())
}

#[test]
fn memory_does_not_grow_with_the_changes_that_come_meanwhile() {
    with_two(async |from, _| {
        let peer = from.open().await;
        load(&peer, 0..5_000, &[1; 100]).await;
        let mut export = peer.database.export(&everything()).unwrap();
        let mut bytes = Vec::new();
        for _ in 0..2 {
            bytes.extend(export.next().await.unwrap().unwrap());
        }
        // More changed keys than are remembered one by one.
        load(&peer, 0..60_000, b"again").await;
        from.world().sleep(6_000_000).await;
        while let Some(frame) = export.next().await.unwrap() {
            assert!(frame.len() < 600_000);
            bytes.extend(frame);
        }
        let (rows, _, clears) = rows_in(&bytes);
        assert_eq!(rows, rows_of(&peer).await);
        assert!(clears > 10, "{clears} ranges");
    });
}
