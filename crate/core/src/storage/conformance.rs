//! The storage contract as tests: every implementation passes all of them.
//!
//! Each case gets two peers of one new, empty database. They panic when the contract is broken.

#![allow(
    clippy::indexing_slicing,
    reason = "a test that fails by panicking has failed"
)]

use std::cell::RefCell;
use std::rc::Rc;

use super::contract::{
    AppendOutcome, AppendRequest, CommitOutcome, CommitRequest, FoldOutcome, FoldRequest, LogEntry, LogRead,
    Storage,
};
use crate::words::{Durability, Error, ErrorCode, PageId, SequenceNumber};

const ROOT: &[u8] = b"the root";

/// Runs every case; `peers` makes two peers of a new, empty database.
pub async fn run_all<S: Storage>(mut peers: impl AsyncFnMut() -> (S, S)) {
    let (one, other) = peers().await;
    the_first_root_stays(&one, &other).await;
    let (one, other) = peers().await;
    a_log_that_is_as_expected_grows(&one, &other).await;
    let (one, other) = peers().await;
    a_log_that_is_further_on_hands_over_the_unseen_entries(&one, &other).await;
    let (one, other) = peers().await;
    a_commit_may_withdraw_after_seeing_the_unseen_entries(&one, &other).await;
    let (one, other) = peers().await;
    an_error_of_the_rewriter_appends_nothing(&one, &other).await;
    let (one, other) = peers().await;
    a_moved_root_stops_a_commit_even_at_the_right_place(&one, &other).await;
    let (one, other) = peers().await;
    concurrent_commits_all_land_once_each_in_one_order(&one, &other).await;
    let (one, other) = peers().await;
    an_append_gets_the_next_numbers(&one, &other).await;
    let (one, other) = peers().await;
    numbers_go_on_whoever_appends_and_whatever_is_deleted(&one, &other).await;
    let (one, other) = peers().await;
    what_did_not_happen_uses_up_no_number(&one, &other).await;
    let (one, other) = peers().await;
    concurrent_appends_all_land_once_each_without_gaps(&one, &other).await;
    let (one, other) = peers().await;
    the_log_is_read_with_the_numbers_that_entries_have(&one, &other).await;
    let (one, other) = peers().await;
    several_entries_are_appended_together_or_not_at_all(&one, &other).await;
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
    assert_eq!(one.commit(append(0, &[b"a"])).await, Ok(appended(1)));
    assert_eq!(one.commit(append(1, &[b"b"])).await, Ok(appended(2)));
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

async fn a_log_that_is_further_on_hands_over_the_unseen_entries<S: Storage>(one: &S, other: &S) {
    with_root(one).await;
    assert_eq!(one.commit(append(0, &[b"a"])).await, Ok(appended(1)));
    assert_eq!(one.commit(append(1, &[b"b"])).await, Ok(appended(2)));
    let seen = Rc::new(RefCell::new(Vec::new()));
    let rewrite = {
        let seen = Rc::clone(&seen);
        move |unseen: Vec<LogEntry>| {
            *seen.borrow_mut() = unseen;
            Ok(Some(vec![b"c".to_vec(), b"d".to_vec()]))
        }
    };
    let request = CommitRequest {
        rewrite: Box::new(rewrite),
        ..append(0, &[b"late"])
    };
    assert_eq!(other.commit(request).await, Ok(appended(3)));
    assert_eq!(*seen.borrow(), entries(1, &[b"a", b"b"]));
    assert_eq!(log(one, 0).await, entries(1, &[b"a", b"b", b"c", b"d"]));
}

async fn a_commit_may_withdraw_after_seeing_the_unseen_entries<S: Storage>(one: &S, other: &S) {
    with_root(one).await;
    assert_eq!(one.commit(append(0, &[b"a"])).await, Ok(appended(1)));
    let request = CommitRequest {
        rewrite: Box::new(|_| Ok(None)),
        ..append(0, &[b"late"])
    };
    assert_eq!(other.commit(request).await, Ok(CommitOutcome::Withdrawn));
    assert_eq!(log(one, 0).await, entries(1, &[b"a"]));
}

async fn an_error_of_the_rewriter_appends_nothing<S: Storage>(one: &S, other: &S) {
    with_root(one).await;
    assert_eq!(one.commit(append(0, &[b"a"])).await, Ok(appended(1)));
    let refuse = |_| Err(Error::new(ErrorCode::FileCorrupt, "as the test wants it"));
    let request = CommitRequest {
        rewrite: Box::new(refuse),
        ..append(0, &[b"late"])
    };
    let refused = other.commit(request).await;
    assert_eq!(refused.map_err(|error| error.code()), Err(ErrorCode::FileCorrupt));
    assert_eq!(log(one, 0).await, entries(1, &[b"a"]));
    assert_eq!(
        other.commit(append(1, &[b"b"])).await,
        Ok(appended(2)),
        "the next commit is unharmed"
    );
}

async fn a_moved_root_stops_a_commit_even_at_the_right_place<S: Storage>(one: &S, other: &S) {
    with_root(one).await;
    let fold = FoldRequest {
        root: ROOT.to_vec(),
        new_root: b"another root".to_vec(),
        ..FoldRequest::default()
    };
    assert_eq!(other.fold(fold).await, Ok(FoldOutcome::Folded));
    let moved = CommitOutcome::RootMoved(b"another root".to_vec());
    assert_eq!(one.commit(append(0, &[b"a"])).await, Ok(moved));
    assert_eq!(log(one, 0).await, []);
}

async fn concurrent_commits_all_land_once_each_in_one_order<S: Storage>(one: &S, other: &S) {
    with_root(one).await;
    // Both expect an empty log. Whichever is later appends after what it has not seen.
    let request = |name: &'static [u8]| CommitRequest {
        rewrite: Box::new(move |_| Ok(Some(vec![name.to_vec()]))),
        ..append(0, &[name])
    };
    let (first, second) = futures_join(one.commit(request(b"one")), other.commit(request(b"other"))).await;
    let mut places = [first, second].map(|outcome| match outcome {
        Ok(CommitOutcome::Appended(place)) => place.get(),
        unexpected => panic!("a commit ended with {unexpected:?}"),
    });
    places.sort_unstable();
    assert_eq!(places, [1, 2]);
    let mut bytes: Vec<Vec<u8>> = log(one, 0).await.into_iter().map(|entry| entry.bytes).collect();
    bytes.sort();
    assert_eq!(bytes, [b"one".to_vec(), b"other".to_vec()]);
}

async fn an_append_gets_the_next_numbers<S: Storage>(one: &S, other: &S) {
    with_root(one).await;
    assert_eq!(one.append(append_only(&[b"a", b"b"])).await, Ok(landed(1)));
    assert_eq!(other.append(append_only(&[b"c"])).await, Ok(landed(3)));
    assert_eq!(one.append(append_only(&[b"d"])).await, Ok(landed(4)));
    assert_eq!(log(one, 0).await, entries(1, &[b"a", b"b", b"c", b"d"]));
}

async fn numbers_go_on_whoever_appends_and_whatever_is_deleted<S: Storage>(one: &S, other: &S) {
    with_root(one).await;
    assert_eq!(one.append(append_only(&[b"a", b"b", b"c"])).await, Ok(landed(1)));
    assert_eq!(other.commit(append(3, &[b"d", b"e"])).await, Ok(appended(4)));
    assert_eq!(one.append(append_only(&[b"f"])).await, Ok(landed(6)));
    let fold = FoldRequest {
        delete_log_through: SequenceNumber::new(6),
        ..same_root()
    };
    assert_eq!(other.fold(fold).await, Ok(FoldOutcome::Folded));
    assert_eq!(log(one, 0).await, []);
    assert_eq!(one.append(append_only(&[b"g"])).await, Ok(landed(7)));
    assert_eq!(other.commit(append(7, &[b"h"])).await, Ok(appended(8)));
    assert_eq!(log(other, 0).await, entries(7, &[b"g", b"h"]));
}

async fn what_did_not_happen_uses_up_no_number<S: Storage>(one: &S, other: &S) {
    with_root(one).await;
    assert_eq!(one.append(append_only(&[b"a"])).await, Ok(landed(1)));
    for refusal in [Ok(None), Err(Error::new(ErrorCode::FileCorrupt, "refused"))] {
        let request = CommitRequest {
            rewrite: Box::new(move |_| refusal.clone()),
            ..append(0, &[b"late"])
        };
        let ended = other.commit(request).await;
        assert!(!matches!(ended, Ok(CommitOutcome::Appended(_))), "{ended:?}");
    }
    let request = CommitRequest {
        root: b"another root".to_vec(),
        ..append(1, &[b"elsewhere"])
    };
    assert_eq!(
        other.commit(request).await,
        Ok(CommitOutcome::RootMoved(ROOT.to_vec()))
    );
    assert_eq!(other.append(append_only(&[b"b"])).await, Ok(landed(2)));
    assert_eq!(log(one, 0).await, entries(1, &[b"a", b"b"]));
}

async fn concurrent_appends_all_land_once_each_without_gaps<S: Storage>(one: &S, other: &S) {
    with_root(one).await;
    let (first, second) = futures_join(
        one.append(append_only(&[b"a", b"b"])),
        other.append(append_only(&[b"c", b"d", b"e"])),
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
    assert_eq!(
        one.append(append_only(&[b"a", b"b", b"c", b"d"])).await,
        Ok(landed(1))
    );
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

async fn several_entries_are_appended_together_or_not_at_all<S: Storage>(one: &S, other: &S) {
    with_root(one).await;
    assert_eq!(one.commit(append(0, &[b"a", b"b", b"c"])).await, Ok(appended(1)));
    let request = CommitRequest {
        rewrite: Box::new(|_| Ok(None)),
        ..append(2, &[b"x", b"y", b"z"])
    };
    assert_eq!(other.commit(request).await, Ok(CommitOutcome::Withdrawn));
    assert_eq!(log(one, 0).await, entries(1, &[b"a", b"b", b"c"]));
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
    assert_eq!(one.commit(append(0, &[b"a", b"b", b"c"])).await, Ok(appended(1)));
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
    // Whoever is so far behind decides nothing about the log.
    let moved = CommitOutcome::RootMoved(b"new root".to_vec());
    assert_eq!(one.commit(append(0, &[b"far behind"])).await, Ok(moved));
    assert_eq!(log(one, 2).await, entries(3, &[b"c"]));
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
    let refused = one.commit(append(0, &[b"a"])).await.map_err(|error| error.code());
    assert_eq!(refused, Err(ErrorCode::ClientInvalidOperation));
    let refused = one
        .read_log(SequenceNumber::ZERO, 9)
        .await
        .map_err(|error| error.code());
    assert_eq!(refused, Err(ErrorCode::ClientInvalidOperation));
    assert_eq!(other.commit(append(0, &[b"a"])).await, Ok(appended(1)));
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

fn append(tail: u64, bytes: &[&[u8]]) -> CommitRequest {
    CommitRequest {
        root: ROOT.to_vec(),
        tail: SequenceNumber::new(tail),
        entries: bytes.iter().map(|entry| entry.to_vec()).collect(),
        durability: Durability::Strict,
        rewrite: Box::new(|unseen| panic!("the log was further on than expected: {unseen:?}")),
    }
}

fn append_only(bytes: &[&[u8]]) -> AppendRequest {
    AppendRequest {
        root: ROOT.to_vec(),
        entries: bytes.iter().map(|entry| entry.to_vec()).collect(),
        durability: Durability::Strict,
    }
}

fn landed(first: u64) -> AppendOutcome {
    AppendOutcome::Appended(SequenceNumber::new(first))
}

fn appended(place: u64) -> CommitOutcome {
    CommitOutcome::Appended(SequenceNumber::new(place))
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
