//! The page tree against a sorted map: random batches over tiny pages, most of which are never in memory.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use fastrand::Rng;
use plinth_core::pure::{
    Changes, KeyChange, PageOptions, Progress, Tree, TreeCursor, TreeUpdate, Wanted, evaluate,
};
use plinth_core::words::{AtomicOp, Bytes, Key, KeyRange, PageId, Value};
use plinth_sim::{PageStore, seeds};

type Model = BTreeMap<Key, Value>;

#[derive(Clone, Debug, Default)]
struct Batch {
    keys: BTreeMap<Key, KeyChange>,
    /// Disjoint, by their begin.
    clears: BTreeMap<Key, Key>,
}

impl Changes for Batch {
    fn keys(&self, begin: &[u8], end: Option<&[u8]>, limit: usize) -> Vec<(Key, KeyChange)> {
        if end.is_some_and(|end| end <= begin) {
            return Vec::new();
        }
        let end = end.map_or(Bound::Unbounded, Bound::Excluded);
        let keys = self.keys.range::<[u8], _>((Bound::Included(begin), end));
        keys.take(limit)
            .map(|(key, change)| (key.clone(), change.clone()))
            .collect()
    }

    fn clear_reaching(&self, key: &[u8]) -> Option<KeyRange> {
        let mut clears = self.clears.iter();
        let (begin, end) = clears.find(|(_, end)| &***end > key)?;
        Some(KeyRange {
            begin: begin.clone(),
            end: end.clone(),
        })
    }
}

impl Batch {
    fn apply_to(&self, model: &mut Model) {
        for (begin, end) in &self.clears {
            model.retain(|key, _| key < begin || key >= end);
        }
        for (key, change) in &self.keys {
            let value = match change {
                KeyChange::Set(value) => Some(value.clone()),
                KeyChange::Clear => None,
                KeyChange::Operations(operations) => operations
                    .iter()
                    .fold(model.get(key).cloned(), |value, (op, operand)| {
                        evaluate(*op, value.as_ref(), operand)
                    }),
            };
            match value {
                Some(value) => model.insert(key.clone(), value),
                None => model.remove(key),
            };
        }
    }
}

fn bytes(rng: &mut Rng, length: usize) -> Bytes {
    std::iter::repeat_with(|| rng.u8(..)).take(length).collect()
}

/// Keys with long common beginnings, some of them long, some the beginning of others.
fn random_key(rng: &mut Rng, space: u32) -> Key {
    let number = rng.u32(0..space);
    match rng.u8(0..12) {
        0 => Key::from(format!("{number:05}{}", "x".repeat(rng.usize(0..90))).into_bytes()),
        1 => bytes(rng, 2),
        _ => Key::from(format!("table/{number:05}").into_bytes()),
    }
}

fn random_batch(rng: &mut Rng, space: u32) -> Batch {
    let mut batch = Batch::default();
    let mut ends: BTreeSet<Key> = BTreeSet::new();
    for _ in 0..rng.usize(0..3) * 2 {
        ends.insert(random_key(rng, space));
    }
    let ends: Vec<Key> = ends.into_iter().collect();
    for pair in ends.chunks_exact(2) {
        batch.clears.insert(pair[0].clone(), pair[1].clone());
    }
    let most = if rng.bool() { 8 } else { 300 };
    for _ in 0..rng.usize(0..most) {
        let length = if rng.u8(0..20) == 0 {
            rng.usize(0..900)
        } else {
            rng.usize(0..30)
        };
        let change = match rng.u8(0..10) {
            0..=1 => KeyChange::Clear,
            2 => {
                let operand = bytes(rng, 4);
                KeyChange::Operations(vec![
                    (AtomicOp::Add, operand.clone()),
                    (AtomicOp::AppendIfFits, operand),
                ])
            }
            _ => KeyChange::Set(bytes(rng, length)),
        };
        batch.keys.insert(random_key(rng, space), change);
    }
    batch
}

fn scan(store: &PageStore, tree: Tree, range: &KeyRange, reverse: bool, wanted: Wanted) -> Vec<(Key, Value)> {
    let mut rest = range.clone();
    let mut rows = Vec::new();
    store.run(|| {
        let mut cursor = TreeCursor::new(tree, store, rest.clone(), reverse, wanted);
        loop {
            // Going on from where the pages were missing, as a long scan does.
            match cursor.next_row() {
                Ok(Some(row)) => {
                    if reverse {
                        rest.end = row.0.clone();
                    } else {
                        rest.begin = plinth_core::words::key_after(&row.0);
                    }
                    rows.push(row);
                }
                Ok(None) => return Ok(()),
                Err(stop) => return Err(stop),
            }
        }
    });
    rows
}

const EVERYTHING: Wanted = Wanted {
    rows: u64::MAX / 4,
    bytes: u64::MAX / 4,
    keys_only: false,
};

fn everything() -> KeyRange {
    KeyRange::new([].as_slice(), [0xff; 9].as_slice())
}

#[test]
fn the_tree_equals_a_sorted_map_and_owns_exactly_the_pages_that_are_stored() {
    for seed in seeds(30) {
        println!("seed {seed}");
        let mut rng = Rng::with_seed(seed);
        let page_bytes = [96, 128, 300, 1_000][rng.usize(0..4)];
        let options = PageOptions::of_page_bytes(page_bytes);
        let space = [40, 400, 4_000][rng.usize(0..3)];
        let (store, mut tree, mut next_page) = (PageStore::default(), Tree::default(), PageId::new(1));
        let mut model = Model::new();
        for _ in 0..40 {
            let batch = random_batch(&mut rng, space);
            store.evict_some(&mut rng);
            tree = store.update(tree, &mut next_page, &batch, options);
            batch.apply_to(&mut model);
            let stored: BTreeSet<PageId> = store.stored.borrow().keys().copied().collect();
            assert_eq!(store.walk(tree.root()), stored, "seed {seed}");
            let bytes: usize = model.iter().map(|(key, value)| key.len() + value.len()).sum();
            let totals = tree.totals();
            assert_eq!(
                (totals.rows, totals.bytes),
                (model.len() as u64, bytes as u64),
                "seed {seed}"
            );
            compare_reads(&store, tree, &model, &mut rng, space);
        }
    }
}

fn compare_reads(store: &PageStore, tree: Tree, model: &Model, rng: &mut Rng, space: u32) {
    for _ in 0..20 {
        let key = random_key(rng, space);
        store.evict_some(rng);
        assert_eq!(
            store.run(|| tree.get(store, &key)).as_ref(),
            model.get(&key),
            "seed {}",
            rng.get_seed()
        );
    }
    let (one, other) = (random_key(rng, space), random_key(rng, space));
    let part = KeyRange {
        begin: one.clone().min(other.clone()),
        end: one.max(other),
    };
    for range in [part, everything()] {
        for reverse in [false, true] {
            store.evict_some(rng);
            let wanted = Wanted {
                rows: [1, 10, EVERYTHING.rows][rng.usize(0..3)],
                ..EVERYTHING
            };
            let mut expected: Vec<(Key, Value)> = model
                .range(range.begin.clone()..range.end.clone())
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            if reverse {
                expected.reverse();
            }
            assert_eq!(scan(store, tree, &range, reverse, wanted), expected);
            let keys_only = Wanted {
                keys_only: true,
                ..wanted
            };
            let keys: Vec<Key> = scan(store, tree, &range, reverse, keys_only)
                .into_iter()
                .map(|(key, _)| key)
                .collect();
            assert_eq!(keys, expected.into_iter().map(|(key, _)| key).collect::<Vec<_>>());
        }
    }
}

/// A tree of so many rows of 16 bytes key and 100 bytes value, as the engine makes it.
fn loaded(store: &PageStore, rows: u32) -> (Tree, PageId) {
    let mut rng = Rng::with_seed(1);
    let mut batch = Batch::default();
    for number in 0..rows {
        batch.keys.insert(
            format!("{number:016}").into_bytes().into(),
            KeyChange::Set(bytes(&mut rng, 100)),
        );
    }
    let mut next_page = PageId::new(1);
    let tree = store.update(Tree::default(), &mut next_page, &batch, PageOptions::default());
    (tree, next_page)
}

fn key(number: u32) -> Key {
    format!("{number:016}").into_bytes().into()
}

#[test]
fn clearing_most_of_a_tree_reads_the_pages_at_its_boundaries_only() {
    let store = PageStore::default();
    let (tree, mut next_page) = loaded(&store, 200_000);
    let pages = store.stored.borrow().len();
    assert!(pages > 1_000, "{pages} pages");
    store.evict_all();
    store.fetched.set(0);
    let mut batch = Batch::default();
    batch.clears.insert(key(1_000), key(199_000));
    let mut update = TreeUpdate::new(tree, next_page, PageOptions::default());
    let progress = loop {
        match store.run(|| update.step(&store, &batch)) {
            Progress::Working => {}
            done => break done,
        }
    };
    let output = update.take_output();
    next_page = update.next_page();
    let Progress::Done(after) = progress else {
        panic!("{progress:?}")
    };
    assert_eq!(after.totals().rows, 2_000);
    assert!(
        store.fetched.get() <= 6,
        "{} pages were read",
        store.fetched.get()
    );
    assert!(
        output.written.len() <= 6,
        "{} pages were written",
        output.written.len()
    );
    // Leaves whose branch stays are named one by one, the others with their branch.
    let mut gone: BTreeSet<PageId> = output.replaced.into_iter().collect();
    for node in output.dropped {
        gone.extend(store.walk(Some(node)));
    }
    assert!(
        gone.len() > pages * 9 / 10,
        "{} of {pages} pages are gone",
        gone.len()
    );
    assert!(next_page.get() > pages as u64);
}

#[test]
fn a_bulk_load_fills_its_pages_and_small_changes_keep_them_half_full() {
    let store = PageStore::default();
    let (mut tree, mut next_page) = loaded(&store, 50_000);
    let fill = |tree: Tree| {
        let stored: usize = store.stored.borrow().values().map(Vec::len).sum();
        tree.totals().bytes as f64 / stored as f64
    };
    assert!(fill(tree) > 0.95, "{}", fill(tree));
    let mut rng = Rng::with_seed(3);
    for _ in 0..30 {
        let mut batch = Batch::default();
        for _ in 0..200 {
            let key: Key = format!("{:016}+", rng.u32(0..50_000)).into_bytes().into();
            batch.keys.insert(key, KeyChange::Set(bytes(&mut rng, 100)));
            batch.keys.insert(
                format!("{:016}", rng.u32(0..50_000)).into_bytes().into(),
                KeyChange::Clear,
            );
        }
        tree = store.update(tree, &mut next_page, &batch, PageOptions::default());
    }
    assert!(fill(tree) > 0.55, "{}", fill(tree));
}

#[test]
fn a_scan_asks_for_many_pages_at_once_and_a_short_one_for_few() {
    let store = PageStore::default();
    let (tree, _) = loaded(&store, 50_000);
    let pages = store.stored.borrow().len();
    for reverse in [false, true] {
        store.evict_all();
        store.rounds.set(0);
        assert_eq!(
            scan(&store, tree, &everything(), reverse, EVERYTHING).len(),
            50_000
        );
        assert!(
            store.rounds.get() < pages / 20,
            "{} rounds for {pages} pages",
            store.rounds.get()
        );
        store.evict_all();
        store.fetched.set(0);
        let wanted = Wanted {
            rows: 10,
            ..EVERYTHING
        };
        let mut cursor_rows = 0;
        store.run(|| {
            let mut cursor = TreeCursor::new(tree, &store, everything(), reverse, wanted);
            cursor_rows = 0;
            while cursor_rows < 10 && cursor.next_row()?.is_some() {
                cursor_rows += 1;
            }
            Ok(())
        });
        assert_eq!(cursor_rows, 10);
        assert!(store.fetched.get() <= 4, "{} pages", store.fetched.get());
    }
}

#[test]
fn the_longest_keys_and_values_are_kept_and_found() {
    let store = PageStore::default();
    let mut rng = Rng::with_seed(5);
    let (mut model, mut batch) = (Model::new(), Batch::default());
    for number in 0..40u8 {
        let mut key = vec![number; 9_999];
        key.push(number);
        batch
            .keys
            .insert(key.into(), KeyChange::Set(bytes(&mut rng, 100_000)));
        let mut system = vec![0xff; 29_999];
        system.push(number);
        batch
            .keys
            .insert(system.into(), KeyChange::Set(bytes(&mut rng, 4_096)));
    }
    let mut next_page = PageId::new(1);
    let tree = store.update(Tree::default(), &mut next_page, &batch, PageOptions::default());
    batch.apply_to(&mut model);
    let stored: BTreeSet<PageId> = store.stored.borrow().keys().copied().collect();
    assert_eq!(store.walk(tree.root()), stored);
    assert!(store.stored.borrow().values().all(|bytes| bytes.len() <= 60_000));
    for (key, value) in &model {
        store.evict_all();
        assert_eq!(store.run(|| tree.get(&store, key)).as_ref(), Some(value));
    }
}
