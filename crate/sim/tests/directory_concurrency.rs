//! Directories made at the same time: in one transaction, in many, by many peers.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod support;

use std::rc::Rc;

use plinth_core::ErrorCode;
use plinth_core::pure::Subspace;
use plinth_core::words::RangeOptions;
use plinth_sim::{Cluster, ClusterOptions, Simulation, seeds};
use support::directories::{Dir, create, dump, hex, root_layer, run};
use support::{Tn, begin, code, range, with_cluster};

#[test]
fn the_same_directory_made_twice_in_one_transaction_is_one_directory() {
    for seed in seeds(100) {
        let world = Simulation::new(seed);
        let cluster = Cluster::new(&world, ClusterOptions::default());
        world.clone().run(async move {
            let peer = cluster.open().await;
            let layer = root_layer();
            let tn = begin(&peer);
            let calls: Vec<_> = (0..6)
                .map(|index| {
                    let (layer, tn) = (layer.clone(), Rc::clone(&tn));
                    let path = [["a", "b"].as_slice(), &["a", "b", "c"], &["a"]][index % 3];
                    let name: &[u8] = if index % 3 == 1 { b"partition" } else { b"" };
                    world.spawn(async move { layer.create_or_open(&tn, path, name).await })
                })
                .collect();
            let mut made = Vec::new();
            for call in calls {
                made.push(call.await.unwrap());
            }
            tn.commit().await.unwrap();
            for (one, other) in made.iter().zip(&made[3..]) {
                assert_eq!(one.prefix(), other.prefix(), "seed {seed}");
            }
            let nodes = dump(&peer)
                .await
                .into_iter()
                .filter(|(key, _)| key.ends_with("016c6179657200"));
            assert_eq!(nodes.count(), 3, "seed {seed}: one node each, and no orphan");
        });
    }
}

#[test]
fn the_same_directory_made_by_many_transactions_is_one_directory() {
    for seed in seeds(40) {
        let world = Simulation::new(seed);
        let cluster = Cluster::new(&world, ClusterOptions::hostile());
        world.clone().run(async move {
            let mut calls = Vec::new();
            for _ in 0..4 {
                let peer = cluster.open().await;
                let call = async move {
                    let layer = root_layer();
                    loop {
                        let body = async |tn: &Tn| layer.create_or_open(tn, &["a", "b"], b"").await;
                        if let Ok(made) = run(&peer, body).await {
                            return made.prefix().to_vec();
                        }
                    }
                };
                calls.push(world.spawn(call));
            }
            let mut prefixes = Vec::new();
            for call in calls {
                prefixes.push(call.await);
            }
            prefixes.dedup();
            assert_eq!(prefixes.len(), 1, "seed {seed}");
            let peer = cluster.open().await;
            let rows = loop {
                let all = range(&begin(&peer), b"\xfe", b"\xff", RangeOptions::default());
                if let Ok(rows) = all.await {
                    break rows.rows;
                }
            };
            let nodes = rows.iter().filter(|(key, _)| key.ends_with(b"\x01layer\x00"));
            assert_eq!(nodes.count(), 2, "seed {seed}: one node each, and no orphan");
        });
    }
}

#[test]
fn allocations_conflict_only_when_they_draw_the_same_prefix() {
    let (mut equal_count, mut different_count) = (0, 0);
    for seed in seeds(300) {
        let world = Simulation::new(seed);
        let cluster = Cluster::new(&world, ClusterOptions::default());
        let is_equal = world.clone().run(async move {
            let (one, other) = (cluster.open().await, cluster.open().await);
            create(&one, &root_layer(), &["first"]).await;
            let (tn, other_tn) = (begin(&one), begin(&other));
            let mine = root_layer().create(&tn, &["mine"], b"", None).await.unwrap();
            let theirs = root_layer()
                .create(&other_tn, &["theirs"], b"", None)
                .await
                .unwrap();
            tn.commit().await.unwrap();
            let is_equal = mine.prefix() == theirs.prefix();
            let expected = is_equal.then_some(ErrorCode::NotCommitted);
            assert_eq!(code(other_tn.commit().await), expected, "seed {seed}");
            is_equal
        });
        *(if is_equal {
            &mut equal_count
        } else {
            &mut different_count
        }) += 1;
    }
    println!("{equal_count} drew the same prefix, {different_count} did not");
    assert!(different_count > 10 * equal_count);
    assert!(equal_count > 0 || std::env::var_os("PLINTH_SEED").is_some());
}

#[test]
fn windows_move_on_and_grow_and_leave_no_old_candidates() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let layer = root_layer();
        let number = |directory: &Dir| {
            let elements = Subspace::new(b"".as_slice()).unpack(directory.prefix()).unwrap();
            match &elements[..] {
                [plinth_core::pure::tuple::Element::Integer(integer)] => integer.to_i64().unwrap(),
                other => panic!("an integer was expected, found {other:?}"),
            }
        };
        let mut numbers = Vec::new();
        for index in 0..200 {
            numbers.push(number(&create(&peer, &layer, &[&index.to_string()]).await));
        }
        // 31 from each window of 64: the 32nd finds it half used and goes on.
        for (index, number) in numbers.iter().enumerate() {
            let start = (index / 31 * 64).min(256) as i64;
            let size = if start < 255 { 64 } else { 1_024 };
            assert!(
                (start..start + size).contains(number),
                "directory {index} has {number}"
            );
        }
        let mut unique = numbers.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), numbers.len());
        let counters = range(
            &begin(&peer),
            b"\xfe\x01\xfe\x00\x01hca\x00\x14",
            b"\xfe\x01\xfe\x00\x01hca\x00\x15",
            RangeOptions::default(),
        );
        assert_eq!(counters.await.unwrap().rows.len(), 1);
        let recent = range(
            &begin(&peer),
            b"\xfe\x01\xfe\x00\x01hca\x00\x15",
            b"\xfe\x01\xfe\x00\x01hca\x00\x16",
            RangeOptions::default(),
        );
        assert!(recent.await.unwrap().rows.len() <= 200 - 4 * 31);
        let tn = begin(&peer);
        tn.set(
            b"\xfe\x01\xfe\x00\x01hca\x00\x14\x16\xff\xff",
            &1u64.to_le_bytes(),
        )
        .unwrap();
        let large = layer.create(&tn, &["large"], b"", None).await.unwrap();
        assert!((65_535..65_535 + 8_192).contains(&number(&large)));
    });
}

#[test]
fn prefixes_of_many_peers_at_once_never_begin_each_other() {
    for seed in seeds(30) {
        let world = Simulation::new(seed);
        let cluster = Cluster::new(&world, ClusterOptions::hostile());
        world.clone().run(async move {
            let mut calls = Vec::new();
            for peer_index in 0..4 {
                let peer = cluster.open().await;
                let world_of_call = world.clone();
                let call = async move {
                    let layer = root_layer();
                    let mut prefixes = Vec::new();
                    for index in 0..world_of_call.random_in(5..25) {
                        let names = [0, 1].map(|half| format!("{peer_index}.{index}.{half}"));
                        // Two in each transaction, at the same time.
                        let body = async |tn: &Tn| {
                            let [one, other] = names.clone().map(|name| {
                                let (layer, tn) = (layer.clone(), Rc::clone(tn));
                                world_of_call
                                    .spawn(async move { layer.create_or_open(&tn, &[name], b"").await })
                            });
                            Ok([one.await?.prefix().to_vec(), other.await?.prefix().to_vec()])
                        };
                        let mut body = body;
                        loop {
                            if let Ok(pair) = run(&peer, &mut body).await {
                                prefixes.extend(pair);
                                break;
                            }
                        }
                    }
                    prefixes
                };
                calls.push(world.spawn(call));
            }
            let mut prefixes = Vec::new();
            for call in calls {
                prefixes.extend(call.await);
            }
            prefixes.sort();
            for pair in prefixes.windows(2) {
                assert!(
                    !pair[1].starts_with(&pair[0]),
                    "seed {seed}: {}, {}",
                    hex(&pair[0]),
                    hex(&pair[1])
                );
            }
        });
    }
}
