//! The storage contract as tests: every implementation passes all of them.
//!
//! Each case gets two peers of one new, empty database. They panic when the contract is broken.

#![allow(
    clippy::indexing_slicing,
    reason = "a test that fails by panicking has failed"
)]

use super::contract::{AppendOutcome, AppendRequest, FoldOutcome, FoldRequest, LogEntry, LogRead, Storage};
use crate::words::{Durability, ErrorCode, PageId, SequenceNumber};

const ROOT: &[u8] = b"the root";

/// Runs every case; `peers` makes two peers of a new, empty database.
pub async fn run_all<S: Storage>(mut peers: impl AsyncFnMut() -> (S, S)) {
    let (one, other) = peers().await;
    the_first_root_stays(&one, &other).await;
    let (one, other) = peers().await;
    a_log_that_is_as_expected_grows(&one, &other).await;
    let (one, other) = peers().await;
    an_append_gets_the_next_numbers(&one, &other).await;
    let (one, other) = peers().await;
    numbers_go_on_whoever_appends_and_whatever_is_deleted(&one, &other).await;
    let (one, other) = peers().await;
    concurrent_appends_all_land_once_each_without_gaps(&one, &other).await;
    let (one, other) = peers().await;
    the_log_is_read_with_the_numbers_that_entries_have(&one, &other).await;
    let (one, other) = peers().await;
    pages_are_written_read_listed_and_deleted(&one, &other).await;
    let (one, other) = peers().await;
    a_fold_switches_the_root_and_deletes_what_it_names(&one, &other).await;
    let (one, other) = peers().await;
    pages_are_written_before_the_root_is_switched_unless_it_has_moved(&one, &other).await;
    let (one, other) = peers().await;
    a_closed_peer_refuses_and_the_other_goes_on(&one, &other).await;
}

async fn the_first_root_stays<S: Storage>(one: &S, other: &S) {
    assert_eq!(one.current_root().await, Ok(None));
    assert_eq!(one.root(ROOT).await.as_deref(), Ok(ROOT));
    assert_eq!(other.root(b"a later one").await.as_deref(), Ok(ROOT));
    assert_eq!(other.current_root().await, Ok(Some(ROOT.to_vec())));
}

async fn a_log_that_is_as_expected_grows<S: Storage>(one: &S, other: &S) {
    with_root(one).await;
    assert_eq!(one.append(append(&[b"a"])).await, Ok(landed(1)));
    assert_eq!(one.append(append(&[b"b"])).await, Ok(landed(2)));
    assert_eq!(log(other, 0).await, entries(1, &[b"a", b"b"]));
    assert_eq!(log(other, 1).await, entries(2, &[b"b"]));
    assert_eq!(
        other.read_log(SequenceNumber::ZERO, 1).await,
        Ok(LogRead {
            root: ROOT.to_vec(),
            entries: entries(1, &[b"a"])
        })
    );
    assert_eq!(log(other, 2).await, []);
}

async fn an_append_gets_the_next_numbers<S: Storage>(one: &S, other: &S) {
    with_root(one).await;
    assert_eq!(one.append(append(&[b"a", b"b"])).await, Ok(landed(1)));
    assert_eq!(other.append(append(&[b"c"])).await, Ok(landed(3)));
    assert_eq!(one.append(append(&[b"d"])).await, Ok(landed(4)));
    assert_eq!(log(one, 0).await, entries(1, &[b"a", b"b", b"c", b"d"]));
}

async fn numbers_go_on_whoever_appends_and_whatever_is_deleted<S: Storage>(one: &S, other: &S) {
    with_root(one).await;
    assert_eq!(one.append(append(&[b"a", b"b", b"c"])).await, Ok(landed(1)));
    assert_eq!(other.append(append(&[b"d", b"e"])).await, Ok(landed(4)));
    assert_eq!(one.append(append(&[b"f"])).await, Ok(landed(6)));
    let fold = FoldRequest {
        delete_log_through: SequenceNumber::new(6),
        ..same_root()
    };
    assert_eq!(other.fold(fold).await, Ok(FoldOutcome::Folded));
    assert_eq!(log(one, 0).await, []);
    assert_eq!(one.append(append(&[b"g"])).await, Ok(landed(7)));
    assert_eq!(other.append(append(&[b"h"])).await, Ok(landed(8)));
    assert_eq!(log(other, 0).await, entries(7, &[b"g", b"h"]));
}

async fn concurrent_appends_all_land_once_each_without_gaps<S: Storage>(one: &S, other: &S) {
    with_root(one).await;
    let (first, second) = futures_join(
        one.append(append(&[b"a", b"b"])),
        other.append(append(&[b"c", b"d", b"e"])),
    )
    .await;
    let expected: [&[&[u8]]; 2] = [&[b"a", b"b", b"c", b"d", b"e"], &[b"c", b"d", b"e", b"a", b"b"]];
    let is_first_first = first == Ok(landed(1));
    let outcomes = if is_first_first { (1, 3) } else { (4, 1) };
    assert_eq!((first, second), (Ok(landed(outcomes.0)), Ok(landed(outcomes.1))));
    assert_eq!(
        log(one, 0).await,
        entries(1, expected[usize::from(!is_first_first)])
    );
}

async fn the_log_is_read_with_the_numbers_that_entries_have<S: Storage>(one: &S, other: &S) {
    with_root(one).await;
    assert_eq!(one.append(append(&[b"a", b"b", b"c", b"d"])).await, Ok(landed(1)));
    let fold = FoldRequest {
        root: ROOT.to_vec(),
        new_root: b"new root".to_vec(),
        delete_log_through: SequenceNumber::new(2),
        ..FoldRequest::default()
    };
    assert_eq!(one.fold(fold).await, Ok(FoldOutcome::Folded));
    // Whoever has read less than was folded finds a gap, and the root that explains it.
    let expected = |limit| LogRead {
        root: b"new root".to_vec(),
        entries: entries(3, &[b"c".as_slice(), b"d"][..limit]),
    };
    for after in [0, 1, 2] {
        for limit in [1, 2] {
            assert_eq!(
                other.read_log(SequenceNumber::new(after), limit).await,
                Ok(expected(limit))
            );
        }
    }
}

async fn pages_are_written_read_listed_and_deleted<S: Storage>(one: &S, other: &S) {
    with_root(one).await;
    let [first, second, third] = [1, 2, 3].map(PageId::new);
    let pages = vec![
        (first, b"p1".to_vec()),
        (second, vec![7; 50_000]),
        (third, Vec::new()),
    ];
    write(one, pages).await;
    assert_eq!(page_ids(other).await, [first, second, third]);
    assert_eq!(other.page_ids(second, 1).await, Ok(vec![second]));
    assert_eq!(other.page_ids(PageId::new(4), 9).await, Ok(Vec::new()));
    assert_eq!(
        other.read_pages(&[third, PageId::new(9), second]).await,
        Ok(vec![Some(Vec::new()), None, Some(vec![7; 50_000])])
    );
    let delete = FoldRequest {
        delete_pages: vec![first, third],
        ..same_root()
    };
    assert_eq!(other.fold(delete).await, Ok(FoldOutcome::Folded));
    assert_eq!(page_ids(one).await, [second]);
    assert_eq!(one.read_pages(&[]).await, Ok(Vec::new()));
}

async fn a_fold_switches_the_root_and_deletes_what_it_names<S: Storage>(one: &S, other: &S) {
    with_root(one).await;
    let [first, second, third] = [1, 2, 3].map(PageId::new);
    write(one, vec![(first, b"p1".to_vec()), (second, b"p2".to_vec())]).await;
    assert_eq!(one.append(append(&[b"a", b"b", b"c"])).await, Ok(landed(1)));
    let fold = FoldRequest {
        root: ROOT.to_vec(),
        new_root: b"new root".to_vec(),
        write_pages: vec![(third, b"p3".to_vec())],
        delete_pages: vec![first],
        delete_log_through: SequenceNumber::new(2),
    };
    assert_eq!(other.fold(fold.clone()).await, Ok(FoldOutcome::Folded));
    assert_eq!(one.root(b"unused").await.as_deref(), Ok(b"new root".as_slice()));
    assert_eq!(page_ids(one).await, [second, third]);
    assert_eq!(log(one, 2).await, entries(3, &[b"c"]));
    let moved = FoldOutcome::RootMoved(b"new root".to_vec());
    assert_eq!(
        other
            .fold(FoldRequest {
                delete_pages: vec![second],
                ..fold
            })
            .await,
        Ok(moved)
    );
    assert_eq!(
        page_ids(one).await,
        [second, third],
        "a refused fold deletes nothing"
    );
}

async fn pages_are_written_before_the_root_is_switched_unless_it_has_moved<S: Storage>(one: &S, other: &S) {
    with_root(one).await;
    let [first, second] = [1, 2].map(PageId::new);
    write(one, vec![(first, b"p1".to_vec())]).await;
    let moved = FoldRequest {
        new_root: b"new root".to_vec(),
        ..same_root()
    };
    assert_eq!(other.fold(moved).await, Ok(FoldOutcome::Folded));
    // Whoever moved the root counts on it that nobody writes for the old one any more.
    let late = FoldRequest {
        write_pages: vec![(second, b"p2".to_vec())],
        ..same_root()
    };
    assert_eq!(
        one.fold(late).await,
        Ok(FoldOutcome::RootMoved(b"new root".to_vec()))
    );
    assert_eq!(page_ids(one).await, [first]);
    assert_eq!(one.current_root().await, Ok(Some(b"new root".to_vec())));
}

async fn a_closed_peer_refuses_and_the_other_goes_on<S: Storage>(one: &S, other: &S) {
    with_root(one).await;
    one.close();
    let refused = one.append(append(&[b"a"])).await.map_err(|error| error.code());
    assert_eq!(refused, Err(ErrorCode::ClientInvalidOperation));
    let refused = one
        .read_log(SequenceNumber::ZERO, 9)
        .await
        .map_err(|error| error.code());
    assert_eq!(refused, Err(ErrorCode::ClientInvalidOperation));
    assert_eq!(other.append(append(&[b"a"])).await, Ok(landed(1)));
}

async fn write<S: Storage>(storage: &S, pages: Vec<(PageId, Vec<u8>)>) {
    let request = FoldRequest {
        write_pages: pages,
        ..same_root()
    };
    assert_eq!(storage.fold(request).await, Ok(FoldOutcome::Folded));
}

fn same_root() -> FoldRequest {
    FoldRequest {
        root: ROOT.to_vec(),
        new_root: ROOT.to_vec(),
        ..FoldRequest::default()
    }
}

async fn page_ids<S: Storage>(storage: &S) -> Vec<PageId> {
    storage
        .page_ids(PageId::new(0), 1_000)
        .await
        .expect("page ids can be listed")
}

async fn with_root<S: Storage>(storage: &S) {
    assert_eq!(storage.root(ROOT).await.as_deref(), Ok(ROOT));
}

async fn log<S: Storage>(storage: &S, after: u64) -> Vec<LogEntry> {
    storage
        .read_log(SequenceNumber::new(after), 1_000)
        .await
        .expect("the log can be read")
        .entries
}

fn append(bytes: &[&[u8]]) -> AppendRequest {
    AppendRequest {
        root: ROOT.to_vec(),
        entries: bytes.iter().map(|entry| entry.to_vec()).collect(),
        durability: Durability::Strict,
    }
}

fn landed(first: u64) -> AppendOutcome {
    AppendOutcome::Appended(SequenceNumber::new(first))
}

fn entries(first: u64, bytes: &[&[u8]]) -> Vec<LogEntry> {
    let places = (first..).map(SequenceNumber::new);
    places
        .zip(bytes)
        .map(|(sequence, entry)| LogEntry {
            sequence,
            bytes: entry.to_vec(),
        })
        .collect()
}

/// Polls both futures until both are done.
async fn futures_join<A, B>(one: impl Future<Output = A>, other: impl Future<Output = B>) -> (A, B) {
    let (mut one, mut other) = (Box::pin(one), Box::pin(other));
    let (mut first, mut second) = (None, None);
    std::future::poll_fn(|context| {
        if first.is_none()
            && let std::task::Poll::Ready(value) = one.as_mut().poll(context)
        {
            first = Some(value);
        }
        if second.is_none()
            && let std::task::Poll::Ready(value) = other.as_mut().poll(context)
        {
            second = Some(value);
        }
        match (first.take(), second.take()) {
            (Some(one), Some(other)) => std::task::Poll::Ready((one, other)),
            (one, other) => {
                (first, second) = (one, other);
                std::task::Poll::Pending
            }
        }
    })
    .await
}
