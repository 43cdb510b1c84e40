//! Recent changes over pages against one sorted map per version: random mutations, folds to random
//! versions as another peer would make them, horizons, and pages that are mostly not in memory.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

use std::collections::BTreeMap;

use fastrand::Rng;
use plinth_core::pure::{Changes, DatabaseAt, KeyChange, PageOptions, Tree, VersionMap, Wanted, evaluate};
use plinth_core::words::{AtomicOp, Key, KeyRange, Mutation, PageId, Value, Version, key_after};
use plinth_sim::{PageStore, seeds};

type Map = BTreeMap<Key, Value>;

fn key(number: u32) -> Key {
    format!("k{number:03}").into_bytes().into()
}

fn version(number: u64) -> Version {
    Version::new(number).unwrap()
}

fn apply(map: &mut Map, mutation: &Mutation) {
    match mutation {
        Mutation::Set(key, value) => {
            map.insert(key.clone(), value.clone());
        }
        Mutation::Atomic(op, key, operand) => match evaluate(*op, map.get(key), operand) {
            Some(value) => {
                map.insert(key.clone(), value);
            }
            None => {
                map.remove(key);
            }
        },
        Mutation::ClearRange(range) => map.retain(|key, _| !range.contains(key)),
    }
}

fn random_mutation(rng: &mut Rng, space: u32) -> Mutation {
    let (one, other) = (key(rng.u32(0..space)), key(rng.u32(0..space)));
    let length = if rng.u8(0..12) == 0 { 400 } else { 4 };
    let operand: Value = std::iter::repeat_with(|| rng.u8(..)).take(length).collect();
    match rng.u8(0..10) {
        0..=3 => Mutation::Set(one, operand),
        4 => Mutation::ClearRange(KeyRange::of_key(one)),
        5 => Mutation::ClearRange(KeyRange {
            begin: one.clone().min(other.clone()),
            end: one.max(other),
        }),
        _ => {
            let ops = [
                AtomicOp::Add,
                AtomicOp::AppendIfFits,
                AtomicOp::CompareAndClear,
                AtomicOp::ByteMax,
            ];
            Mutation::Atomic(ops[rng.usize(0..ops.len())], one, operand)
        }
    }
}

/// The changes that make one map of another.
struct Difference {
    from: Map,
    to: Map,
}

impl Changes for Difference {
    fn keys(&self, begin: &[u8], end: Option<&[u8]>, limit: usize) -> Vec<(Key, KeyChange)> {
        let inside = |key: &Key| &**key >= begin && end.is_none_or(|end| &**key < end);
        let mut changes: BTreeMap<Key, KeyChange> = BTreeMap::new();
        for key in self
            .from
            .keys()
            .filter(|key| inside(key) && !self.to.contains_key(*key))
        {
            changes.insert(key.clone(), KeyChange::Clear);
        }
        for (key, value) in self.to.iter().filter(|(key, _)| inside(key)) {
            if self.from.get(key) != Some(value) {
                changes.insert(key.clone(), KeyChange::Set(value.clone()));
            }
        }
        changes.into_iter().take(limit).collect()
    }

    fn clear_reaching(&self, _key: &[u8]) -> Option<KeyRange> {
        None
    }
}

struct World {
    rng: Rng,
    space: u32,
    store: PageStore,
    tree: Tree,
    next_page: PageId,
    map: VersionMap,
    /// What the database is at each version.
    copies: Vec<Map>,
    options: PageOptions,
}

impl World {
    fn new(seed: u64) -> World {
        let mut rng = Rng::with_seed(seed);
        World {
            space: [8, 60, 300][rng.usize(0..3)],
            rng,
            store: PageStore::default(),
            tree: Tree::default(),
            next_page: PageId::new(1),
            map: VersionMap::new(),
            copies: vec![Map::new()],
            options: PageOptions::of_page_bytes(120),
        }
    }

    fn newest(&self) -> u64 {
        self.copies.len() as u64 - 1
    }

    /// A record of a few mutations at the next version.
    fn commit(&mut self) {
        let mut copy = self.copies.last().unwrap().clone();
        let next = version(self.newest() + 1);
        self.store.evict_some(&mut self.rng);
        for _ in 0..self.rng.usize(0..6) {
            let mutation = random_mutation(&mut self.rng, self.space);
            apply(&mut copy, &mutation);
            let (tree, store) = (self.tree, &self.store);
            self.map
                .apply(&mutation, next, &|key: &[u8]| tree.get(store, key).ok());
        }
        self.copies.push(copy);
    }

    /// A fold of this peer's, from its own changes; or of another's, which may be to an older version than
    /// this one could tell any more.
    fn fold(&mut self) {
        let (folded, newest) = (self.map.folded().get(), self.newest());
        let is_own = self.rng.bool();
        let lowest = if is_own { self.map.horizon().get() } else { folded };
        let to = self.rng.u64(lowest..newest + 1);
        self.store.evict_some(&mut self.rng);
        let changes = self.map.changes_at(version(to.max(self.map.horizon().get())));
        let difference = Difference {
            from: self.copies[folded as usize].clone(),
            to: self.copies[to as usize].clone(),
        };
        let changes: &dyn Changes = if is_own { &changes } else { &difference };
        self.tree = self
            .store
            .update(self.tree, &mut self.next_page, changes, self.options);
        self.map.fold_through(version(to), self.tree.root().is_some());
        let mut from = Some(key(0));
        // Sweeping may be anywhere.
        for _ in 0..self.rng.usize(0..4) {
            from = from.and_then(|from| self.map.sweep(&from, 20));
        }
        assert_eq!(
            self.tree.totals().rows,
            self.copies[to as usize].len() as u64,
            "the tree is the database at version {to}"
        );
    }

    fn check_reads(&mut self) {
        let oldest = self.map.horizon().get();
        for at in [oldest, self.rng.u64(oldest..self.newest() + 1), self.newest()] {
            let (map, tree, store) = (&self.map, self.tree, &self.store);
            let copy = &self.copies[at as usize];
            let database = DatabaseAt::new(map, tree, store, version(at));
            for _ in 0..10 {
                let key = key(self.rng.u32(0..self.space));
                self.store.evict_some(&mut self.rng);
                assert_eq!(
                    store.run(|| database.get(&key)).as_ref(),
                    copy.get(&key),
                    "at {at}"
                );
            }
            let (one, other) = (key(self.rng.u32(0..self.space)), key(self.rng.u32(0..self.space)));
            let range = KeyRange {
                begin: one.clone().min(other.clone()),
                end: one.max(other),
            };
            for reverse in [false, true] {
                self.store.evict_some(&mut self.rng);
                let mut expected: Vec<(Key, Value)> = copy
                    .range(range.begin.clone()..range.end.clone())
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect();
                if reverse {
                    expected.reverse();
                }
                let wanted = Wanted {
                    rows: self.rng.u64(1..30),
                    bytes: 1_000,
                    keys_only: false,
                };
                let mut rest = range.clone();
                let mut rows: Vec<(Key, Value)> = Vec::new();
                store.run(|| {
                    let mut walk = database.rows(&rest, reverse, wanted);
                    loop {
                        match walk.next_row() {
                            Ok(Some(row)) => rows.push(row),
                            Ok(None) => return Ok(()),
                            Err(stop) => {
                                // Where the walk says it is, but past the last row.
                                rest = walk.rest();
                                match rows.last() {
                                    Some((last, _)) if reverse => {
                                        rest.end = rest.end.clone().min(last.clone());
                                    }
                                    Some((last, _)) => {
                                        rest.begin = rest.begin.clone().max(key_after(last));
                                    }
                                    None => {}
                                }
                                return Err(stop);
                            }
                        }
                    }
                });
                assert_eq!(rows, expected, "at {at}, reverse {reverse}");
            }
        }
    }
}

#[test]
fn recent_changes_over_pages_equal_a_map_per_version() {
    for seed in seeds(150) {
        println!("seed {seed}");
        let mut world = World::new(seed);
        for _ in 0..60 {
            for _ in 0..world.rng.usize(1..4) {
                world.commit();
            }
            if world.rng.u8(0..4) == 0 {
                let oldest = world.map.horizon().get();
                let horizon = world.rng.u64(oldest..world.newest() + 1);
                world.map.forget(version(horizon));
            }
            if world.rng.u8(0..4) == 0 {
                world.fold();
            }
            world.check_reads();
        }
    }
}
