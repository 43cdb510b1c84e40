//! Random programs of directory operations, beside a tree in memory: the same answers, the same errors,
//! and in the end nothing stored that the tree does not explain.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod support;

use std::collections::BTreeMap;

use plinth_core::ErrorCode;
use plinth_core::pure::Subspace;
use plinth_core::pure::tuple::Element;
use plinth_sim::{Cluster, ClusterOptions, Peer, Simulation, seeds};
use support::directories::{Dir, Layer, dump, hex, manual_layer, root_layer};
use support::{begin, code};

const NAMES: [&str; 4] = ["a", "b", "ä", ""];
const LAYERS: [&[u8]; 4] = [b"", b"", b"queue", b"partition"];
const PREFIXES: [&[u8]; 6] = [b"m", b"mm", b"mn", b"\x15", b"\x15\x05x", b"z\x00z"];

/// A directory, or the root of all.
#[derive(Clone, Default, Debug)]
struct Model {
    prefix: Vec<u8>,
    layer: Vec<u8>,
    children: BTreeMap<String, Model>,
    /// Whether the layer inside has ever been written to: the root's or a partition's.
    is_initialized: bool,
}

type Outcome<T> = Result<T, ErrorCode>;

impl Model {
    fn is_partition(&self) -> bool {
        self.layer == b"partition"
    }

    /// The directory of a path, and how far it is to the first partition on the way to it.
    fn find(&self, path: &[String]) -> Option<&Model> {
        path.iter().try_fold(self, |model, name| model.children.get(name))
    }

    fn find_mut(&mut self, path: &[String]) -> Option<&mut Model> {
        path.iter()
            .try_fold(self, |model, name| model.children.get_mut(name))
    }

    /// How many names lead to the innermost partition around a path, not being it.
    fn partition_depth(&self, path: &[String]) -> usize {
        (1..path.len())
            .filter(|depth| self.find(&path[..*depth]).is_some_and(Model::is_partition))
            .max()
            .unwrap_or(0)
    }

    /// Notes that the layers around a path have been asked to write.
    fn initialize(&mut self, path: &[String]) {
        let depth = self.partition_depth(path);
        self.find_mut(&path[..depth]).unwrap().is_initialized = true;
    }

    /// What `create_or_open`, `create` and `open` are to answer: the directory that is there, or `None` for
    /// one to be made.
    fn open(
        &self,
        path: &[String],
        layer: &[u8],
        may_create: bool,
        may_open: bool,
    ) -> Outcome<Option<&Model>> {
        if path.is_empty() {
            return Err(ErrorCode::CannotOpenRootDirectory);
        }
        match self.find(path) {
            None if may_create => Ok(None),
            None => Err(ErrorCode::DirectoryDoesNotExist),
            Some(_) if !may_open => Err(ErrorCode::DirectoryAlreadyExists),
            Some(model) if !layer.is_empty() && layer != model.layer => Err(ErrorCode::MismatchedLayer),
            Some(model) => Ok(Some(model)),
        }
    }

    fn check_move(&self, old: &[String], new: &[String]) -> Outcome<()> {
        let (old_depth, new_depth) = (self.partition_depth(old), self.partition_depth(new));
        if new.starts_with(old) {
            return Err(ErrorCode::InvalidDestinationDirectory);
        }
        if old_depth == 0 && self.find(old).is_none() {
            return Err(ErrorCode::DirectoryDoesNotExist);
        }
        if old[..old_depth] != new[..new_depth] {
            // What is missing inside of a partition that both are in is noticed there, before.
            let common = old_depth.min(new_depth);
            let is_missing =
                old[..common] == new[..common] && common == old_depth && self.find(old).is_none();
            return Err(if is_missing {
                ErrorCode::DirectoryDoesNotExist
            } else {
                ErrorCode::CannotMoveDirectoryBetweenPartitions
            });
        }
        if self.find(old).is_none() {
            return Err(ErrorCode::DirectoryDoesNotExist);
        }
        if self.find(new).is_some() {
            return Err(ErrorCode::DirectoryAlreadyExists);
        }
        match self.find(&new[..new.len() - 1]) {
            Some(_) => Ok(()),
            None => Err(ErrorCode::ParentDirectoryDoesNotExist),
        }
    }

    /// All directories below, with the prefixes of the layers that they are in.
    fn all<'a>(&'a self, nodes: &[u8], into: &mut Vec<(Vec<u8>, &'a Model)>) {
        for child in self.children.values() {
            into.push((nodes.to_vec(), child));
            let inner = [&*child.prefix, b"\xfe"].concat();
            child.all(if child.is_partition() { &inner } else { nodes }, into);
        }
    }

    /// The rows that the directories below make up, allocators left out.
    fn rows(&self, nodes: &[u8], rows: &mut BTreeMap<String, String>) {
        let key = |elements: &[Element]| hex(&Subspace::new(nodes).pack(elements).unwrap());
        let own_prefix = if self.prefix.is_empty() || self.is_partition() {
            nodes
        } else {
            &self.prefix
        };
        if self.is_initialized {
            let version = key(&[nodes.into(), b"version".as_slice().into()]);
            rows.insert(version, "010000000000000000000000".into());
        }
        for (name, child) in &self.children {
            rows.insert(
                key(&[own_prefix.into(), 0.into(), name.as_str().into()]),
                hex(&child.prefix),
            );
            rows.insert(
                key(&[child.prefix.as_slice().into(), b"layer".as_slice().into()]),
                hex(&child.layer),
            );
            rows.insert(hex(&child.prefix), hex(b"data"));
            let inner = [&*child.prefix, b"\xfe"].concat();
            child.rows(if child.is_partition() { &inner } else { nodes }, rows);
        }
    }
}

fn is_in_the_way(prefix: &[u8]) -> bool {
    prefix == b"\x15" || prefix == b"\x15\x05x"
}

struct Program {
    world: Simulation,
    peer: Peer,
    layer: Layer,
    manual: Layer,
    model: Model,
    counts: BTreeMap<Option<u16>, u64>,
}

impl Program {
    fn pick<T: Copy>(&self, choices: &[T]) -> T {
        choices[self.world.random_in(0..choices.len() as u64) as usize]
    }

    /// A path, more often than not one that is there or near one.
    fn path(&self) -> Vec<String> {
        let mut path = Vec::new();
        let mut model = Some(&self.model);
        for _ in 0..self.world.random_in(0..5) {
            let existing: Vec<&String> = model.iter().flat_map(|model| model.children.keys()).collect();
            let name = if existing.is_empty() || self.world.one_in(4) {
                self.pick(&NAMES).to_owned()
            } else {
                self.pick(&existing).clone()
            };
            model = model.and_then(|model| model.children.get(&name));
            path.push(name);
        }
        path
    }

    /// Runs one operation in a transaction of its own, and compares it with the model's.
    async fn step(&mut self) {
        let path = self.path();
        let code = match self.world.random_in(0..9) {
            0..=2 => self.create_or_open(&path, true, true).await,
            3 => self.create_or_open(&path, true, false).await,
            4 => self.create_or_open(&path, false, true).await,
            5 => self.move_to(&path).await,
            6 => self.remove(&path).await,
            7 => self.list(&path).await,
            _ => self.by_handle(&path).await,
        };
        *self.counts.entry(code.map(ErrorCode::number)).or_default() += 1;
    }

    async fn create_or_open(
        &mut self,
        path: &[String],
        may_create: bool,
        may_open: bool,
    ) -> Option<ErrorCode> {
        let layer = self.pick(&LAYERS);
        let tn = begin(&self.peer);
        let is_manual = may_create && !may_open && self.world.one_in(2);
        let prefix = is_manual.then(|| self.pick(&PREFIXES));
        let found = match (may_create, may_open) {
            (true, true) => self.layer.create_or_open(&tn, path, layer).await,
            (true, false) if is_manual => self.manual.create(&tn, path, layer, prefix).await,
            (true, false) => self.layer.create(&tn, path, layer, None).await,
            _ => self.layer.open(&tn, path, layer).await,
        };
        let mut expected = self.model.open(path, layer, may_create, may_open);
        if let (Ok(None), Some(prefix)) = (&expected, prefix)
            && !self.is_prefix_free(prefix)
        {
            expected = Err(ErrorCode::DirectoryPrefixInUse);
        }
        if prefix.is_some() && self.model.partition_depth(path) > 0 {
            expected = Err(ErrorCode::PrefixInPartition);
        }
        match (expected, found) {
            (Err(expected), found) => {
                assert_eq!(code(found), Some(expected), "{path:?} {prefix:?}");
                Some(expected)
            }
            (Ok(Some(model)), Ok(directory)) => {
                assert_eq!(
                    (&**directory.prefix(), directory.layer()),
                    (&*model.prefix, &*model.layer)
                );
                None
            }
            (Ok(None), Ok(directory)) => {
                self.made(&tn, path, &directory).await;
                tn.commit().await.unwrap();
                None
            }
            // The allocator can't know of prefixes that were given by hand, nor can a prefix that is given
            // know of what is allocated for the directories on the way.
            (Ok(None), Err(error)) if prefix.into_iter().any(is_in_the_way) || self.is_in_the_way() => {
                let codes = [
                    ErrorCode::DirectoryPrefixInUse,
                    ErrorCode::DirectoryPrefixNotEmpty,
                ];
                assert!(codes.contains(&error.code()), "{path:?}: {error}");
                Some(error.code())
            }
            (expected, found) => panic!("{path:?}: {expected:?}, found {:?}", found.err()),
        }
    }

    /// Puts a directory that was made, and those on the way to it, into the model, and data into them.
    async fn made(&mut self, tn: &support::Tn, path: &[String], directory: &Dir) {
        assert_eq!(directory.path(), path);
        self.model.initialize(path);
        for depth in 1..=path.len() {
            let (name, parent) = path[..depth].split_last().unwrap();
            if self.model.find(&path[..depth]).is_some() {
                continue;
            }
            let made = self.layer.open(tn, &path[..depth], b"").await.unwrap();
            tn.set(made.prefix(), b"data").unwrap();
            let child = Model {
                prefix: made.prefix().to_vec(),
                layer: made.layer().to_vec(),
                ..Model::default()
            };
            assert!(depth == path.len() || child.layer.is_empty());
            let parent = self.model.find_mut(parent).unwrap();
            parent.children.insert(name.clone(), child);
        }
        let mut all = Vec::new();
        self.model.all(b"\xfe", &mut all);
        for (nodes, one) in &all {
            for (other_nodes, other) in &all {
                let is_other = one.prefix != other.prefix && nodes == other_nodes;
                assert!(
                    !is_other || !other.prefix.starts_with(&one.prefix),
                    "{one:?} {other:?}"
                );
            }
            assert!(nodes == b"\xfe" || one.prefix.starts_with(&nodes[..nodes.len() - 1]));
        }
    }

    /// Whether a directory has a prefix that the allocator might draw, or draw the beginning of.
    fn is_in_the_way(&self) -> bool {
        let mut all = Vec::new();
        self.model.all(b"\xfe", &mut all);
        all.iter()
            .any(|(nodes, model)| nodes == b"\xfe" && is_in_the_way(&model.prefix))
    }

    fn is_prefix_free(&self, prefix: &[u8]) -> bool {
        let mut all = Vec::new();
        self.model.all(b"\xfe", &mut all);
        all.iter()
            .filter(|(nodes, _)| nodes == b"\xfe")
            .all(|(_, other)| !other.prefix.starts_with(prefix) && !prefix.starts_with(&other.prefix))
    }

    async fn move_to(&mut self, old: &[String]) -> Option<ErrorCode> {
        let new = self.path();
        let tn = begin(&self.peer);
        let found = self.layer.move_to(&tn, old, &new).await;
        if let Err(expected) = self.model.check_move(old, &new) {
            assert_eq!(code(found), Some(expected), "{old:?} to {new:?}");
            return Some(expected);
        }
        let found = found.unwrap();
        tn.commit().await.unwrap();
        self.model.initialize(old);
        let (name, parent) = old.split_last().unwrap();
        let moved = self
            .model
            .find_mut(parent)
            .unwrap()
            .children
            .remove(name)
            .unwrap();
        assert_eq!((&**found.prefix(), found.path()), (&*moved.prefix, &*new));
        let (name, parent) = new.split_last().unwrap();
        self.model
            .find_mut(parent)
            .unwrap()
            .children
            .insert(name.clone(), moved);
        None
    }

    async fn remove(&mut self, path: &[String]) -> Option<ErrorCode> {
        let tn = begin(&self.peer);
        let found = self.layer.remove(&tn, path).await;
        let expected = match self.model.find(path) {
            _ if path.is_empty() => Some(ErrorCode::CannotModifyRootDirectory),
            None => Some(ErrorCode::DirectoryDoesNotExist),
            Some(_) => None,
        };
        assert_eq!(code(found), expected, "{path:?}");
        if expected.is_none() {
            tn.commit().await.unwrap();
            self.model.initialize(path);
            let (name, parent) = path.split_last().unwrap();
            self.model.find_mut(parent).unwrap().children.remove(name);
        }
        expected
    }

    async fn list(&mut self, path: &[String]) -> Option<ErrorCode> {
        let tn = begin(&self.peer);
        let found = self.layer.list(&tn, path).await;
        let model = self.model.find(path);
        assert_eq!(
            self.layer.exists(&tn, path).await,
            Ok(model.is_some()),
            "{path:?}"
        );
        match model {
            None => {
                assert_eq!(code(found), Some(ErrorCode::DirectoryDoesNotExist));
                Some(ErrorCode::DirectoryDoesNotExist)
            }
            Some(model) => {
                let names: Vec<String> = model.children.keys().cloned().collect();
                assert_eq!(found, Ok(names), "{path:?}");
                None
            }
        }
    }

    /// What an open directory says of paths below it is what the root says.
    async fn by_handle(&mut self, path: &[String]) -> Option<ErrorCode> {
        let tn = begin(&self.peer);
        for depth in 1..=path.len() {
            let Ok(directory) = self.layer.open(&tn, &path[..depth], b"").await else {
                break;
            };
            let rest = &path[depth..];
            let model = self.model.find(path);
            assert_eq!(
                directory.exists(&tn, rest).await,
                Ok(model.is_some()),
                "{path:?} {depth}"
            );
            assert_eq!(
                directory.list(&tn, rest).await.ok(),
                self.layer.list(&tn, path).await.ok()
            );
            if let (Some(model), false) = (model, rest.is_empty()) {
                let opened = directory.open(&tn, rest, b"").await.unwrap();
                assert_eq!((&**opened.prefix(), opened.path()), (&*model.prefix, path));
            }
        }
        None
    }

    async fn check_stored(&self) {
        let mut expected = BTreeMap::new();
        self.model.rows(b"\xfe", &mut expected);
        let stored: BTreeMap<String, String> = dump(&self.peer)
            .await
            .into_iter()
            .filter(|(key, _)| !key.contains("000168636100"))
            .collect();
        assert_eq!(stored, expected);
    }
}

#[test]
fn random_programs_answer_as_a_tree_does_and_store_nothing_else() {
    let steps = std::env::var("PLINTH_STEPS")
        .ok()
        .and_then(|steps| steps.parse().ok())
        .unwrap_or(150);
    let mut counts: BTreeMap<Option<u16>, u64> = BTreeMap::new();
    for seed in seeds(60) {
        let world = Simulation::new(seed);
        let cluster = Cluster::new(&world, ClusterOptions::default());
        println!("PLINTH_SEED={seed}");
        let counted = world.clone().run(async move {
            let peer = cluster.open().await;
            let mut program = Program {
                world: cluster.world().clone(),
                layer: root_layer(),
                manual: manual_layer(),
                model: Model::default(),
                counts: BTreeMap::new(),
                peer,
            };
            for _ in 0..steps {
                program.step().await;
                program.check_stored().await;
            }
            program.counts
        });
        for (code, count) in counted {
            *counts.entry(code).or_default() += count;
        }
    }
    println!("{counts:?}");
    if std::env::var_os("PLINTH_SEED").is_none() {
        for code in [2254, 2255, 2256, 2257, 2258, 2259, 2261, 2265, 2266, 2267] {
            assert!(
                counts.contains_key(&Some(code)),
                "{code} was never reached: {counts:?}"
            );
        }
    }
}
