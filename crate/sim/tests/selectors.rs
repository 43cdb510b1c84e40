//! Key selectors and range reads, with own writes on top, against a sorted list of keys; and the read
//! conflict ranges they add: if the commit succeeds, the same read gives the same answer.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod support;

use std::collections::BTreeMap;

use plinth_core::ErrorCode;
use plinth_core::words::{AtomicOp, Key, KeySelector, RangeOptions};
use plinth_sim::{Cluster, ClusterOptions, Peer, Simulation, seeds};
use support::{Tn, begin, code, set, with_cluster};

type Rows = Vec<(Vec<u8>, Vec<u8>)>;

#[derive(Clone, Debug)]
enum OwnWrite {
    Set(Vec<u8>),
    Clear(Vec<u8>, Vec<u8>),
    Append(Vec<u8>),
    ClearIfOne(Vec<u8>),
}

#[derive(Clone, Debug)]
enum OwnRead {
    Key(KeySelector),
    Range(KeySelector, KeySelector, RangeOptions),
}

fn random_key(world: &Simulation) -> Vec<u8> {
    vec![b'a' + world.random_in(0..12) as u8]
}

fn random_selector(world: &Simulation) -> KeySelector {
    let offset = world.random_in(0..8) as i32 - 3;
    KeySelector {
        key: random_key(world).into(),
        or_equal: world.one_in(2),
        offset,
    }
}

fn random_write(world: &Simulation) -> OwnWrite {
    let key = random_key(world);
    match world.random_in(0..4) {
        0 => OwnWrite::Set(key),
        1 => OwnWrite::Clear(key.clone(), random_key(world).max(key)),
        2 => OwnWrite::Append(key),
        _ => OwnWrite::ClearIfOne(key),
    }
}

fn random_read(world: &Simulation) -> OwnRead {
    if world.one_in(3) {
        return OwnRead::Key(random_selector(world));
    }
    let (limit, reverse) = (world.random_in(0..4) as usize, world.one_in(2));
    let options = RangeOptions {
        limit,
        reverse,
        ..RangeOptions::default()
    };
    let plain = |key: Vec<u8>| KeySelector::first_greater_or_equal(key.as_slice());
    if world.one_in(3) {
        return OwnRead::Range(plain(random_key(world)), plain(random_key(world)), options);
    }
    OwnRead::Range(random_selector(world), random_selector(world), options)
}

fn write(transaction: &Tn, write: &OwnWrite) {
    match write {
        OwnWrite::Set(key) => transaction.set(key, b"1").unwrap(),
        OwnWrite::Clear(from, to) => transaction.clear_range(from, to).unwrap(),
        OwnWrite::Append(key) => transaction.atomic(AtomicOp::AppendIfFits, key, b"+").unwrap(),
        OwnWrite::ClearIfOne(key) => transaction.atomic(AtomicOp::CompareAndClear, key, b"1").unwrap(),
    }
}

fn write_model(model: &mut BTreeMap<Vec<u8>, Vec<u8>>, write: &OwnWrite) {
    match write {
        OwnWrite::Set(key) => drop(model.insert(key.clone(), b"1".to_vec())),
        OwnWrite::Clear(from, to) => model.retain(|key, _| !(from <= key && key < to)),
        OwnWrite::Append(key) => model.entry(key.clone()).or_default().push(b'+'),
        OwnWrite::ClearIfOne(key) => {
            if model.get(key).is_some_and(|value| value == b"1") {
                model.remove(key);
            }
        }
    }
}

/// The rule of selectors, as it is written down: over the sorted keys, 0-based.
fn select(keys: &[Vec<u8>], selector: &KeySelector) -> Vec<u8> {
    let is_before = |key: &&Vec<u8>| {
        key.as_slice() < &*selector.key || (selector.or_equal && key.as_slice() == &*selector.key)
    };
    let last_before = keys.iter().filter(is_before).count() as i64 - 1;
    let place = last_before + i64::from(selector.offset);
    match usize::try_from(place) {
        Err(_) => Vec::new(),
        Ok(place) => keys.get(place).cloned().unwrap_or_else(|| b"\xff".to_vec()),
    }
}

fn read_model(model: &BTreeMap<Vec<u8>, Vec<u8>>, read: &OwnRead) -> Rows {
    let keys: Vec<Vec<u8>> = model.keys().cloned().collect();
    match read {
        OwnRead::Key(selector) => vec![(select(&keys, selector), Vec::new())],
        OwnRead::Range(begin, end, options) => {
            let (from, to) = (select(&keys, begin), select(&keys, end));
            let inside = |(key, _): &(&Vec<u8>, &Vec<u8>)| from <= **key && **key < to;
            let mut rows: Rows = model
                .iter()
                .filter(inside)
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect();
            if options.reverse {
                rows.reverse();
            }
            rows.truncate(if options.limit == 0 {
                usize::MAX
            } else {
                options.limit
            });
            rows
        }
    }
}

async fn read(transaction: &Tn, read: &OwnRead) -> Rows {
    match read {
        OwnRead::Key(selector) => {
            vec![(
                transaction.get_key(selector, false).await.unwrap().to_vec(),
                Vec::new(),
            )]
        }
        OwnRead::Range(begin, end, options) => {
            let rows = transaction.get_range(begin, end, *options).await.unwrap().rows;
            rows.into_iter()
                .map(|(key, value)| (key.to_vec(), value.to_vec()))
                .collect()
        }
    }
}

async fn random_database(peer: &Peer, world: &Simulation) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let transaction = begin(peer);
    let mut model = BTreeMap::new();
    for _ in 0..world.random_in(0..9) {
        let key = random_key(world);
        transaction.set(&key, b"1").unwrap();
        model.insert(key, b"1".to_vec());
    }
    transaction.commit().await.unwrap();
    model
}

#[test]
fn selectors_and_ranges_see_the_database_with_own_writes_on_top() {
    for seed in seeds(3_000) {
        let world = Simulation::new(seed);
        let cluster = Cluster::new(&world, ClusterOptions::default());
        world.clone().run(async move {
            let peer = cluster.open().await;
            let mut model = random_database(&peer, &world).await;
            let transaction = begin(&peer);
            for _ in 0..world.random_in(1..12) {
                if world.one_in(2) {
                    let own = random_write(&world);
                    write(&transaction, &own);
                    write_model(&mut model, &own);
                } else {
                    let own = random_read(&world);
                    let expected = read_model(&model, &own);
                    assert_eq!(
                        read(&transaction, &own).await,
                        expected,
                        "seed {seed}: {own:?} of {model:?}"
                    );
                }
            }
        });
    }
}

#[test]
fn a_commit_that_succeeds_would_read_the_same_again() {
    let (mut committed, mut conflicted, mut needlessly) = (0, 0, 0);
    for seed in seeds(6_000) {
        let world = Simulation::new(seed);
        let cluster = Cluster::new(&world, ClusterOptions::default());
        let (is_committed, is_same) = world.clone().run(async move {
            let peer = cluster.open().await;
            random_database(&peer, &world).await;
            let own_writes: Vec<OwnWrite> =
                (0..world.random_in(0..4)).map(|_| random_write(&world)).collect();
            let own_read = random_read(&world);
            let transaction = begin(&peer);
            own_writes.iter().for_each(|own| write(&transaction, own));
            let before = read(&transaction, &own_read).await;
            transaction.set(b"~", b"").unwrap();
            let other = begin(&peer);
            write(&other, &random_write(&world));
            other.commit().await.unwrap();
            let again = begin(&peer);
            own_writes.iter().for_each(|own| write(&again, own));
            let after = read(&again, &own_read).await;
            (transaction.commit().await.is_ok(), before == after)
        });
        assert!(
            is_same || !is_committed,
            "seed {seed}: it committed, and would have read something else"
        );
        committed += u32::from(is_committed);
        conflicted += u32::from(!is_committed);
        needlessly += u32::from(!is_committed && is_same);
    }
    println!("{committed} committed, {conflicted} conflicted, {needlessly} of them though nothing changed");
    assert!(committed > 0 && conflicted > needlessly);
}

#[test]
fn one_past_either_end_is_the_empty_key_or_the_end_of_the_key_space() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        for key in [b"b", b"d", b"f"] {
            set(&peer, key, b"").await;
        }
        let transaction = begin(&peer);
        let plus = |selector: KeySelector, places| KeySelector {
            offset: selector.offset + places,
            ..selector
        };
        let key = |bytes: &[u8]| -> Key { bytes.into() };
        let cases = [
            (KeySelector::first_greater_or_equal(key(b"b")), b"b".as_slice()),
            (KeySelector::first_greater_than(key(b"b")), b"d"),
            (KeySelector::last_less_than(key(b"b")), b""),
            (KeySelector::last_less_or_equal(key(b"b")), b"b"),
            (plus(KeySelector::first_greater_or_equal(key(b"b")), 1), b"d"),
            (KeySelector::first_greater_or_equal(key(b"g")), b"\xff"),
            (KeySelector::last_less_than(key(b"g")), b"f"),
            (plus(KeySelector::last_less_than(key(b"g")), -2), b"b"),
            (plus(KeySelector::last_less_than(key(b"g")), -3), b""),
            (KeySelector::first_greater_or_equal(key(b"")), b"b"),
            (KeySelector::last_less_than(key(b"")), b""),
            (KeySelector::last_less_than(key(b"\xff")), b"f"),
        ];
        for (selector, expected) in cases {
            let found = transaction.get_key(&selector, false).await.unwrap();
            assert_eq!(&*found, expected, "{selector:?}");
        }
        let outside = KeySelector::first_greater_or_equal(key(b"\xff\0"));
        assert_eq!(
            code(transaction.get_key(&outside, false).await),
            Some(ErrorCode::KeyOutsideLegalRange)
        );
    });
}
