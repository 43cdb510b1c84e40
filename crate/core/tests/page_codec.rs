//! Pages survive their codec, and damage of any kind is a typed error that names the page.

use std::rc::Rc;

use plinth_core::ErrorCode;
use plinth_core::pure::{
    BoundedChild, Changes, Child, KeyChange, Page, PageKind, PageOptions, PageSource, Progress, Totals, Tree,
    TreeUpdate, check_node, encode_page_list,
};
use plinth_core::words::{Key, KeyRange, PageId, Value};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use xxhash_rust::xxh64::xxh64;

struct Rows(Vec<(Key, Value)>);

impl Changes for Rows {
    fn keys(&self, begin: &[u8], end: Option<&[u8]>, limit: usize) -> Vec<(Key, KeyChange)> {
        let inside = |key: &Key| &**key >= begin && end.is_none_or(|end| &**key < end);
        let rows = self.0.iter().filter(|(key, _)| inside(key)).take(limit);
        rows.map(|(key, value)| (key.clone(), KeyChange::Set(value.clone())))
            .collect()
    }

    fn clear_reaching(&self, _key: &[u8]) -> Option<KeyRange> {
        None
    }
}

struct Nothing;

impl PageSource for Nothing {
    fn page(&self, _id: PageId) -> Option<Rc<Page>> {
        None
    }
}

/// The pages of a new tree with these rows.
fn pages_of(rows: Vec<(Key, Value)>) -> Vec<(PageId, Vec<u8>)> {
    let mut update = TreeUpdate::new(Tree::default(), PageId::new(1), PageOptions::of_page_bytes(200));
    let rows = Rows(rows);
    while update.step(&Nothing, &rows).expect("nothing is missing") == Progress::Working {}
    update.take_output().written
}

fn rows() -> impl Strategy<Value = Vec<(Key, Value)>> {
    let key = vec(prop::sample::select(vec![0u8, 1, 97, 255]), 0..12);
    btree_map(key, vec(any::<u8>(), 0..90), 1..60).prop_map(|rows| {
        rows.into_iter()
            .map(|(key, value)| (key.into(), value.into()))
            .collect()
    })
}

/// Asks a page for everything it can tell.
fn use_all(page: &Page) {
    for index in 0..page.count() {
        let key = page.key(index);
        match page.kind() {
            PageKind::Leaf => {
                assert_eq!(page.search(&key), Ok(index));
                assert!(page.value(index).bytes() <= 100_000);
            }
            _ => {
                assert_eq!(page.child_index(&key), index);
                assert!(page.child(index).page.get() > 0);
            }
        }
    }
    for key in [&b""[..], b"a", b"\xff\xff"] {
        let _place = page.search(key);
        if page.count() > 0 {
            assert!(page.child_index(key) < page.count());
            assert!(page.child_index_below(key) < page.count());
        }
    }
    assert!(page.listed().count() <= page.byte_count());
    assert!(page.chunk().len() <= page.byte_count());
    let node = Child {
        page: page.id(),
        level: 1,
        totals: Totals::default(),
    };
    let _contents_or_error = check_node(
        page,
        &BoundedChild {
            node,
            low: b"a".as_slice().into(),
            high: Some(b"b".as_slice().into()),
        },
    );
}

/// A page whose checksum is right, whatever its content.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let seed = bytes.first_chunk::<8>().map(|head| u64::from_le_bytes(*head));
    let checksum = bytes.get(16..).map(|body| xxh64(body, seed.unwrap_or_default()));
    if let (Some(checksum), Some(place)) = (checksum, bytes.get_mut(8..16)) {
        place.copy_from_slice(&checksum.to_le_bytes());
    }
    bytes
}

proptest! {
    #[test]
    fn every_page_of_a_tree_survives_its_codec(rows in rows()) {
        let mut found = Vec::new();
        for (id, bytes) in pages_of(rows.clone()) {
            prop_assert!(bytes.len() <= 60_000);
            let page = Page::decode(id, bytes).expect("what was encoded can be decoded");
            use_all(&page);
            if page.kind() == PageKind::Leaf {
                found.extend((0..page.count()).map(|index| (page.key(index), page.value(index).bytes())));
            }
        }
        found.sort();
        prop_assert_eq!(found, rows.into_iter().map(|(key, value)| (key, value.len())).collect::<Vec<_>>());
    }

    #[test]
    fn any_flipped_bit_is_damage_that_names_the_page(rows in rows(), which in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(), bit in 0u8..8) {
        let pages = pages_of(rows);
        let (id, mut bytes) = pages[which.index(pages.len())].clone();
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        let error = Page::decode(id, bytes).unwrap_err();
        prop_assert_eq!(error.code(), ErrorCode::FileCorrupt);
        let expected = format!("page {id}: ");
        prop_assert!(error.message().starts_with(&expected), "{}", error);
    }

    #[test]
    fn a_page_cut_anywhere_or_read_under_another_id_is_damage(rows in rows(), cut in any::<prop::sample::Index>()) {
        let (id, bytes) = pages_of(rows).swap_remove(0);
        let short = bytes[..cut.index(bytes.len())].to_vec();
        prop_assert_eq!(Page::decode(id, short).unwrap_err().code(), ErrorCode::FileCorrupt);
        let other = Page::decode(PageId::new(77_777), bytes).unwrap_err();
        let expected = format!("page 77777: it says that it is page {id}");
        prop_assert_eq!(other.message(), expected);
    }

    #[test]
    fn arbitrary_bytes_are_an_error_and_never_a_panic(noise in vec(any::<u8>(), 0..200)) {
        prop_assert!(Page::decode(PageId::new(1), noise).is_err());
    }

    #[test]
    fn changed_pages_with_a_right_checksum_never_panic(rows in rows(), which in any::<prop::sample::Index>(), changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let pages = pages_of(rows);
        let (id, mut bytes) = pages[which.index(pages.len())].clone();
        for (place, byte) in changes {
            let place = 24 + place.index(bytes.len() - 24);
            bytes[place] = byte;
        }
        if let Ok(page) = Page::decode(id, sealed(bytes)) {
            use_all(&page);
        }
    }

    #[test]
    fn arbitrary_content_with_a_right_checksum_never_panics(kind in prop::sample::select(vec![0u8, 1, 2, 40, 41, 254, 255]), count in 0u8..5, prefix in 0u8..4, content in vec(any::<u8>(), 0..120)) {
        let mut bytes = b"PLPG\x01\0\0\0........".to_vec();
        bytes.extend_from_slice(&3u64.to_le_bytes());
        bytes.extend_from_slice(&[kind, 0, 0, 0, count, 0, prefix, 0]);
        bytes.extend_from_slice(&content);
        if let Ok(page) = Page::decode(PageId::new(3), sealed(bytes)) {
            use_all(&page);
        }
    }

    #[test]
    fn a_list_of_pages_survives_its_codec(ids in prop::collection::btree_set(1u64..1 << 53, 0..50)) {
        let ids: Vec<PageId> = ids.into_iter().map(PageId::new).collect();
        let bytes = encode_page_list(PageId::new(9), &ids).expect("few enough");
        let page = Page::decode(PageId::new(9), bytes).expect("what was encoded can be decoded");
        prop_assert_eq!(page.kind(), PageKind::List);
        prop_assert_eq!(page.listed().collect::<Vec<_>>(), ids);
    }
}

#[test]
fn a_page_of_a_later_format_asks_for_a_later_build() {
    let (id, mut bytes) = pages_of(vec![(b"k".as_slice().into(), b"v".as_slice().into())]).swap_remove(0);
    bytes[4] = 2;
    let error = Page::decode(id, sealed(bytes)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::IncompatibleProtocolVersion);
    assert_eq!(
        error.message(),
        "page 1: format version 2 was found, this build reads 1"
    );
}

#[test]
fn keys_share_their_common_beginning_once_per_page() {
    let rows = (0..4u8).map(|number| {
        let key: Key = format!("a rather long common beginning/{number}")
            .into_bytes()
            .into();
        (key, Value::from([number].as_slice()))
    });
    let pages = pages_of(rows.collect());
    assert_eq!(pages.len(), 1);
    let (_, bytes) = &pages[0];
    // Head, the prefix once, and per row: where it is, rest of the key, length and value.
    assert_eq!(bytes.len(), 32 + 31 + 4 * (2 + 2 + 2));
}
