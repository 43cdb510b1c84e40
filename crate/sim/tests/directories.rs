//! Directories: what is stored, every error, partitions.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod support;

use plinth_core::ErrorCode;
use plinth_core::pure::Subspace;
use support::directories::{Layer, NONE, create, dump, hex, manual_layer, root_layer, run};
use support::{begin, code, set, with_cluster};

#[test]
fn what_is_stored_is_what_foundationdbs_bindings_store() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let layer = manual_layer();
        let users = hex(create(&peer, &layer, &["users"]).await.prefix());
        let partition = run(&peer, async |tn| {
            layer
                .create(tn, &["p"], b"partition", Some(b"\x16\x00\x07"))
                .await
        });
        partition.await.unwrap();
        let inner = hex(create(&peer, &layer, &["p", "ä"]).await.prefix());
        let drawn = inner.strip_prefix("160007").unwrap();
        let (root, node) = ("fe01fe00", "fe01");
        let (inner_root, inner_node) = ("160007fe011600ff07fe00", "160007fe01");
        let (version, one_zero_zero) = ("0176657273696f6e00", "010000000000000000000000");
        let (allocator, layer_key, one) = ("0168636100", "016c6179657200", "0100000000000000");
        let mut expected = [
            (format!("{root}{version}"), one_zero_zero.to_owned()),
            (format!("{root}{allocator}1414"), one.to_owned()),
            (format!("{root}{allocator}1501{users}"), String::new()),
            (format!("{root}1402757365727300"), users.clone()),
            (format!("{root}14027000"), "160007".to_owned()),
            (format!("{node}{users}00{layer_key}"), String::new()),
            (format!("{node}1600ff0700{layer_key}"), hex(b"partition")),
            (format!("{inner_root}{version}"), one_zero_zero.to_owned()),
            (format!("{inner_root}{allocator}1414"), one.to_owned()),
            (format!("{inner_root}{allocator}1501{drawn}"), String::new()),
            (format!("{inner_root}1402c3a400"), inner.clone()),
            (format!("{inner_node}1600ff07{drawn}00{layer_key}"), String::new()),
        ];
        expected.sort();
        assert_eq!(dump(&peer).await, expected);
    });
}

#[test]
fn directories_are_created_with_those_on_the_way_and_opened_by_all_peers() {
    with_cluster(async |cluster| {
        let (one, other) = (cluster.open().await, cluster.open().await);
        let (layer, other_layer) = (root_layer(), root_layer());
        let made = run(&one, async |tn| {
            layer.create(tn, &["a", "b", "c"], b"queue", None).await
        })
        .await
        .unwrap();
        assert_eq!(
            (made.path(), made.layer()),
            (["a", "b", "c"].map(str::to_owned).as_slice(), b"queue".as_slice())
        );
        for layer_name in [b"".as_slice(), b"queue"] {
            let opened = run(&other, async |tn| {
                other_layer.open(tn, &["a", "b", "c"], layer_name).await
            })
            .await
            .unwrap();
            assert_eq!(
                (opened.prefix(), opened.layer()),
                (made.prefix(), b"queue".as_slice())
            );
        }
        let between = run(&other, async |tn| {
            other_layer.create_or_open(tn, &["a", "b"], b"").await
        })
        .await
        .unwrap();
        assert_eq!(between.layer(), b"", "directories on the way have no layer");
        let tn = begin(&other);
        assert_eq!(between.list(&tn, NONE).await, Ok(vec!["c".to_owned()]));
        assert_eq!(between.exists(&tn, &["c"]).await, Ok(true));
        assert_eq!(
            other_layer.exists(&tn, NONE).await,
            Ok(true),
            "the root is always there"
        );
        assert_eq!(other_layer.exists(&tn, &["a", "x"]).await, Ok(false));
        let subspace: &Subspace = made.subspace().unwrap();
        assert_eq!(subspace.key(), made.prefix());
        assert_eq!(code(subspace.unpack(b"\x00")), Some(ErrorCode::KeyNotInSubspace));
    });
}

#[test]
fn names_are_listed_in_the_order_of_their_bytes() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let layer = root_layer();
        let names = ["", "a", "a\0", "ab", "\u{ff5e}", "\u{1f525}"];
        for name in names.iter().rev() {
            create(&peer, &layer, &[name]).await;
        }
        assert_eq!(layer.list(&begin(&peer), NONE).await.unwrap(), names);
    });
}

#[test]
fn a_move_changes_the_path_and_nothing_else() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let layer = root_layer();
        let made = create(&peer, &layer, &["a", "b"]).await;
        let below = create(&peer, &layer, &["a", "b", "c"]).await;
        let key = made.subspace().unwrap().pack(&["key".into()]).unwrap();
        set(&peer, &key, b"value").await;
        let moved = run(&peer, async |tn| made.move_to(tn, &["d"]).await)
            .await
            .unwrap();
        assert_eq!(
            (moved.prefix(), moved.path()),
            (made.prefix(), ["d".to_owned()].as_slice())
        );
        let tn = begin(&peer);
        assert_eq!(layer.exists(&tn, &["a", "b"]).await, Ok(false));
        assert_eq!(
            layer.open(&tn, &["d", "c"], b"").await.unwrap().prefix(),
            below.prefix()
        );
        assert_eq!(support::get(&tn, &key).await, Ok(Some(b"value".to_vec())));
        let moved = run(&peer, async |tn| moved.move_within(tn, &["c"], &["e"]).await)
            .await
            .unwrap();
        assert_eq!(moved.path(), ["d", "e"]);
    });
}

#[test]
fn removing_clears_all_below_and_gives_the_prefix_to_nobody_else() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let layer = root_layer();
        let kept = create(&peer, &layer, &["kept"]).await;
        set(&peer, kept.prefix(), b"data").await;
        let before = dump(&peer).await;
        let top = create(&peer, &layer, &["top"]).await;
        let below = create(&peer, &layer, &["top", "x", "y"]).await;
        for directory in [&top, &below] {
            set(&peer, directory.prefix(), b"data").await;
        }
        assert_eq!(
            run(&peer, async |tn| layer.remove_if_exists(tn, &["top"]).await).await,
            Ok(true)
        );
        assert_eq!(
            run(&peer, async |tn| layer.remove_if_exists(tn, &["top"]).await).await,
            Ok(false)
        );
        let without_allocator = |rows: Vec<(String, String)>| -> Vec<(String, String)> {
            rows.into_iter()
                .filter(|(key, _)| !key.contains("0168636100"))
                .collect()
        };
        assert_eq!(without_allocator(dump(&peer).await), without_allocator(before));
        for index in 0..20 {
            let next = create(&peer, &layer, &[&format!("next{index}")]).await;
            assert!(next.prefix() != top.prefix() && next.prefix() != below.prefix());
        }
    });
}

#[test]
fn each_error_has_its_code() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let (layer, manual) = (root_layer(), manual_layer());
        run(&peer, async |tn| layer.create(tn, &["a"], b"queue", None).await)
            .await
            .unwrap();
        create(&peer, &layer, &["a", "b"]).await;
        let partition = run(&peer, async |tn| {
            layer.create(tn, &["p"], b"partition", None).await
        })
        .await
        .unwrap();
        create(&peer, &layer, &["p", "q"]).await;
        let tn = &begin(&peer);
        let open = async |path: &[&str], name: &[u8]| code(layer.open(tn, path, name).await);
        let with_prefix = async |layer: &Layer, path: &[&str], prefix: &[u8]| {
            code(layer.create(tn, path, b"", Some(prefix)).await)
        };
        let moved = async |old: &[&str], new: &[&str]| code(layer.move_to(tn, old, new).await);

        assert_eq!(
            with_prefix(&layer, &["n"], b"x").await,
            Some(ErrorCode::ManualPrefixesNotEnabled)
        );
        assert_eq!(
            with_prefix(&layer, NONE, b"x").await,
            Some(ErrorCode::ManualPrefixesNotEnabled)
        );
        assert_eq!(
            with_prefix(&manual, &["p", "n"], b"x").await,
            Some(ErrorCode::PrefixInPartition)
        );
        let inside = partition.create(tn, &["n"], b"", Some(b"x")).await;
        assert_eq!(code(inside), Some(ErrorCode::PrefixInPartition));

        assert_eq!(open(NONE, b"").await, Some(ErrorCode::CannotOpenRootDirectory));
        let root = layer.create_or_open(tn, NONE, b"").await;
        assert_eq!(code(root), Some(ErrorCode::CannotOpenRootDirectory));
        let root = partition.open(tn, NONE, b"").await;
        assert_eq!(code(root), Some(ErrorCode::CannotOpenRootDirectory));

        let again = layer.create(tn, &["a"], b"", None).await;
        assert_eq!(code(again), Some(ErrorCode::DirectoryAlreadyExists));
        assert_eq!(
            moved(&["a"], &["p"]).await,
            Some(ErrorCode::DirectoryAlreadyExists)
        );
        assert_eq!(
            moved(&["a", "b"], NONE).await,
            Some(ErrorCode::DirectoryAlreadyExists)
        );

        let missing = Some(ErrorCode::DirectoryDoesNotExist);
        assert_eq!(open(&["x"], b"").await, missing);
        assert_eq!(open(&["a", "x"], b"").await, missing);
        assert_eq!(open(&["p", "x"], b"").await, missing);
        assert_eq!(code(layer.remove(tn, &["x"]).await), missing);
        assert_eq!(code(layer.remove(tn, &["p", "x"]).await), missing);
        assert_eq!(code(layer.list(tn, &["x"]).await), missing);
        assert_eq!(moved(&["x"], &["y"]).await, missing);

        assert_eq!(
            moved(&["a", "b"], &["x", "y"]).await,
            Some(ErrorCode::ParentDirectoryDoesNotExist)
        );
        assert_eq!(open(&["a"], b"stack").await, Some(ErrorCode::MismatchedLayer));

        let between = Some(ErrorCode::CannotMoveDirectoryBetweenPartitions);
        assert_eq!(moved(&["a"], &["p", "a"]).await, between);
        assert_eq!(moved(&["p", "q"], &["q"]).await, between);
        let inner = partition.open(tn, &["q"], b"").await.unwrap();
        assert_eq!(code(inner.move_to(tn, &["q"]).await), between);

        assert_eq!(
            code(partition.subspace()),
            Some(ErrorCode::CannotUsePartitionAsSubspace)
        );

        let destination = Some(ErrorCode::InvalidDestinationDirectory);
        assert_eq!(moved(&["a"], &["a"]).await, destination);
        assert_eq!(moved(&["a"], &["a", "b", "c"]).await, destination);
        assert_eq!(moved(NONE, &["x"]).await, destination);
        assert_eq!(moved(&["p", "q"], &["p", "q", "r"]).await, destination);

        let root = Some(ErrorCode::CannotModifyRootDirectory);
        assert_eq!(code(layer.remove(tn, NONE).await), root);
        assert_eq!(code(layer.remove_if_exists(tn, NONE).await), root);

        let shown = layer.open(tn, &["a"], b"stack").await.err().unwrap();
        assert_eq!(
            shown.message(),
            "layer stack was expected of the directory a, found queue"
        );
    });
}

#[test]
fn a_prefix_is_given_once_and_no_prefix_begins_another() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let layer = manual_layer();
        let made = async |name: &str, prefix: &[u8]| {
            code(
                run(&peer, async |tn| {
                    layer.create(tn, &[name], b"", Some(prefix)).await
                })
                .await,
            )
        };
        let in_use = Some(ErrorCode::DirectoryPrefixInUse);
        assert_eq!(made("a", b"mm").await, None);
        for prefix in [b"".as_slice(), b"m", b"mm", b"mm\0", b"mmm", b"\xfe", b"\xfe\x01"] {
            assert_eq!(made("b", prefix).await, in_use, "{}", hex(prefix));
        }
        assert_eq!(
            made("b", b"\xff\xff").await,
            Some(ErrorCode::KeyOutsideLegalRange)
        );
        for (index, prefix) in [b"ml".as_slice(), b"mn", b"l", b"n\0", b"\xfd"]
            .into_iter()
            .enumerate()
        {
            assert_eq!(made(&format!("c{index}"), prefix).await, None, "{}", hex(prefix));
        }
    });
}

#[test]
fn an_allocated_prefix_that_is_not_free_is_refused() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let layer = root_layer();
        create(&peer, &layer, &["first"]).await;
        let tn = begin(&peer);
        let packed = |number: i64| Subspace::new(b"".as_slice()).pack(&[number.into()]).unwrap();
        for number in 0..64 {
            tn.set(&[&*packed(number), b"x"].concat(), b"").unwrap();
        }
        let refused = layer.create(&tn, &["a"], b"", None).await;
        assert_eq!(code(refused), Some(ErrorCode::DirectoryPrefixNotEmpty));
        tn.reset();
        let nodes = Subspace::new(b"\xfe".as_slice());
        for number in 0..64 {
            let longer = [&*packed(number), b"x"].concat();
            tn.set(&nodes.pack(&[longer.as_slice().into()]).unwrap(), b"")
                .unwrap();
        }
        let refused = layer.create(&tn, &["a"], b"", None).await;
        assert_eq!(code(refused), Some(ErrorCode::DirectoryPrefixInUse));
    });
}

#[test]
fn metadata_of_later_versions_are_read_if_only_the_minor_is_later_and_never_written() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let layer = root_layer();
        create(&peer, &layer, &["a"]).await;
        let key = b"\xfe\x01\xfe\x00\x01version\x00";
        let version =
            |parts: [u32; 3]| -> Vec<u8> { parts.iter().flat_map(|part| part.to_le_bytes()).collect() };
        let incompatible = Some(ErrorCode::IncompatibleDirectoryVersion);
        let metadata = Some(ErrorCode::InvalidDirectoryLayerMetadata);
        for (value, read, written) in [
            (version([1, 0, 9]), None, None),
            (version([0, 9, 9]), None, incompatible),
            (version([1, 1, 0]), None, incompatible),
            (version([2, 0, 0]), incompatible, incompatible),
            (vec![1; 11], metadata, metadata),
            (vec![], metadata, metadata),
        ] {
            set(&peer, key, &value).await;
            let tn = begin(&peer);
            assert_eq!(code(layer.open(&tn, &["a"], b"").await), read, "{value:?}");
            assert_eq!(code(layer.list(&tn, NONE).await), read);
            assert_eq!(code(layer.exists(&tn, &["a"]).await), read);
            assert_eq!(
                code(layer.create_or_open(&tn, &["a"], b"").await),
                read,
                "it exists"
            );
            assert_eq!(
                code(layer.create(&tn, &["b"], b"", None).await),
                written,
                "{value:?}"
            );
            assert_eq!(code(layer.move_to(&tn, &["a"], &["c"]).await), written);
            assert_eq!(code(layer.remove_if_exists(&tn, &["x"]).await), written);
        }
    });
}

#[test]
fn metadata_that_nobody_who_follows_the_format_writes_are_typed_errors() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let layer = root_layer();
        create(&peer, &layer, &["a"]).await;
        let root = b"\xfe\x01\xfe\x00";
        let with = async |rest: &[u8], value: &[u8]| {
            let tn = begin(&peer);
            tn.set(&[root, rest].concat(), value).unwrap();
            tn
        };
        let tn = with(b"\x14\x15\x05", b"x").await;
        assert_eq!(
            code(layer.list(&tn, NONE).await),
            Some(ErrorCode::InvalidTupleDataType)
        );
        let counters = b"\x01hca\x00\x14";
        let tn = with(&[counters, b"\x27".as_slice()].concat(), b"").await;
        assert_eq!(
            code(layer.create(&tn, &["b"], b"", None).await),
            Some(ErrorCode::InvalidTupleDataType)
        );
        let tn = with(
            &[counters, b"\x1c\xff\xff\xff\xff\xff\xff\xff\xff".as_slice()].concat(),
            b"",
        )
        .await;
        assert_eq!(
            code(layer.create(&tn, &["b"], b"", None).await),
            Some(ErrorCode::InvalidTupleDataType)
        );
        let tn = with(
            &[counters, b"\x1c\x7f\xff\xff\xff\xff\xff\xff\xff".as_slice()].concat(),
            b"",
        )
        .await;
        let refused = layer.create(&tn, &["b"], b"", None).await;
        assert_eq!(code(refused), Some(ErrorCode::InvalidDirectoryLayerMetadata));
        let tn = with(b"\x01", b"").await;
        assert_eq!(
            code(layer.create(&tn, &["b"], b"", None).await),
            None,
            "not a key it looks at"
        );
    });
}

#[test]
fn a_partition_is_a_directory_to_its_parent_and_a_root_to_what_is_inside() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        let layer = root_layer();
        let outer = run(&peer, async |tn| {
            layer.create(tn, &["p"], b"partition", None).await
        })
        .await
        .unwrap();
        let inner = run(&peer, async |tn| {
            outer.create(tn, &["q"], b"partition", None).await
        })
        .await
        .unwrap();
        let deep = run(&peer, async |tn| {
            layer.create_or_open(tn, &["p", "q", "r", "s"], b"deep").await
        })
        .await
        .unwrap();
        assert!(outer.is_partition() && inner.is_partition() && !deep.is_partition());
        assert_eq!(deep.path(), ["p", "q", "r", "s"]);
        assert!(inner.prefix().starts_with(outer.prefix()) && deep.prefix().starts_with(inner.prefix()));
        let tn = begin(&peer);
        let names = |list: &[&str]| Ok(list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(layer.list(&tn, NONE).await, names(&["p"]));
        assert_eq!(layer.list(&tn, &["p"]).await, names(&["q"]));
        assert_eq!(outer.list(&tn, NONE).await, names(&["q"]));
        assert_eq!(outer.list(&tn, &["q", "r"]).await, names(&["s"]));
        assert_eq!(
            inner.open(&tn, &["r", "s"], b"deep").await.unwrap().prefix(),
            deep.prefix()
        );
        assert_eq!(deep.open(&tn, NONE, b"deep").await.unwrap().path(), deep.path());
        for (directory, path) in [(&outer, NONE), (&outer, &["q"]), (&inner, &["r"]), (&deep, NONE)] {
            assert_eq!(
                directory.exists(&tn, path).await,
                Ok(true),
                "{:?} {path:?}",
                directory.path()
            );
        }
        // Within the same partition, named from the root and from inside.
        let moved = layer
            .move_to(&tn, &["p", "q", "r", "s"], &["p", "q", "t"])
            .await
            .unwrap();
        assert_eq!(
            (moved.path(), moved.prefix()),
            (["p", "q", "t"].map(str::to_owned).as_slice(), deep.prefix())
        );
        let moved = moved.move_to(&tn, &["p", "q", "u"]).await.unwrap();
        assert_eq!(inner.list(&tn, NONE).await, names(&["r", "u"]));
        assert_eq!(
            code(moved.move_to(&tn, &["p", "u"]).await),
            Some(ErrorCode::CannotMoveDirectoryBetweenPartitions)
        );
        // A partition moves as the directory that it is to its parent, with all inside.
        let renamed = outer.move_to(&tn, &["z"]).await.unwrap();
        assert_eq!(
            renamed.open(&tn, &["q", "u"], b"deep").await.unwrap().prefix(),
            deep.prefix()
        );
        assert_eq!(outer.exists(&tn, NONE).await, Ok(false));
        tn.set(&[&**deep.prefix(), b"data"].concat(), b"").unwrap();
        renamed.remove(&tn, NONE).await.unwrap();
        tn.commit().await.unwrap();
        let left = dump(&peer).await;
        assert!(
            left.iter().all(|(key, _)| key.starts_with("fe01fe0001")),
            "{left:?}"
        );
    });
}

#[test]
fn an_abandoned_operation_lets_the_next_one_of_its_transaction_go_on() {
    with_cluster(async |cluster| {
        let peer = cluster.open().await;
        // Who is not alone waits for a read version.
        let other = cluster.open().await;
        set(&other, b"other", b"").await;
        let layer = root_layer();
        let tn = begin(&peer);
        let mut first = Box::pin(layer.create_or_open(&tn, &["a"], b""));
        let mut waiting = Box::pin(layer.create_or_open(&tn, &["b"], b""));
        let mut last = Box::pin(layer.create_or_open(&tn, &["c"], b""));
        std::future::poll_fn(|context| {
            assert!(first.as_mut().poll(context).is_pending());
            assert!(waiting.as_mut().poll(context).is_pending());
            assert!(last.as_mut().poll(context).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
        drop(waiting);
        drop(first);
        assert_eq!(last.await.unwrap().path(), ["c"]);
    });
}
