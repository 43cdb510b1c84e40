//! The storage contract: what IndexedDB can do atomically, and no more.
//!
//! Four kinds of state: one root record, the log, its numbering, pages by id. Several peers use one database at
//! the same time; the storage serializes their writing operations, and each is atomic: it happened wholly or not
//! at all, also when its peer dies in the middle (I1). Bytes are opaque here. `conformance` says the same in tests,
//! which every implementation passes.
//!
//! The storage numbers the entries of the log itself, 1, 2, 3, …: no number is given twice, also not when its entry
//! was deleted, and none is left out, since the numbers of an operation that did not happen are given to the next
//! one. So whoever gets the number after the last one that it knows has missed nothing (I14).
//!
//! Only `fold` and the first `root` may wait for an answer before they say what is to be written: a peer that is
//! stopped in the middle holds up all others.

use crate::words::{Durability, PageId, Result, SequenceNumber};

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Its place.
    pub sequence: SequenceNumber,
    /// Its bytes, as appended.
    pub bytes: Vec<u8>,
}

/// A part of the log, and the root record that was there when it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogRead {
    /// The root record; empty where there is none any more.
    pub root: Vec<u8>,
    /// Entries in order, each with the number that it has.
    pub entries: Vec<LogEntry>,
}

/// An append to the log without waiting for anything, whatever number comes next.
pub struct AppendRequest {
    /// The root record as far as this peer knows: tells a database from one that was put in its place.
    pub root: Vec<u8>,
    /// What to append, at numbers that follow on each other.
    pub entries: Vec<Vec<u8>>,
    /// When the append counts as done.
    pub durability: Durability,
}

/// How an append ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendOutcome {
    /// The entries are in the log, the first of them at this place.
    Appended(SequenceNumber),
    /// It is not certain that this is the database that the peer knows, since its root record is this one.
    /// Nothing was appended. Storage that can't be another one need not look.
    RootMoved(Vec<u8>),
}

/// A change of the root record and of pages, on a condition. What is written and deleted is bounded by
/// whoever asks, so that the storage is never busy for long.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoldRequest {
    /// The root record must be exactly this.
    pub root: Vec<u8>,
    /// The root record from now on; may be the same.
    pub new_root: Vec<u8>,
    /// New pages.
    pub write_pages: Vec<(PageId, Vec<u8>)>,
    /// Pages that the new root does not reach.
    pub delete_pages: Vec<PageId>,
    /// Entries up to and including this place leave the log.
    pub delete_log_through: SequenceNumber,
}

/// How a fold ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoldOutcome {
    /// The new root is in place.
    Folded,
    /// The root record is another one, this one. Nothing was changed.
    RootMoved(Vec<u8>),
}

/// A database's storage as one peer sees it.
///
/// Every method may fail with `io_error` (definitely not done), or with the error's own code where
/// there is a better one. `append` and `fold` fail with `commit_unknown_result` when the storage went
/// away without saying whether it was done; it is not in flight any more then.
#[allow(async_fn_in_trait, reason = "one thread: no future here needs to be Send")]
pub trait Storage: 'static {
    /// The root record; where there is none, `initial` becomes it first.
    async fn root(&self, initial: &[u8]) -> Result<Vec<u8>>;

    /// The root record as it is now; `None` where there is none any more.
    async fn current_root(&self) -> Result<Option<Vec<u8>>>;

    /// Up to `limit` entries of the log after a place.
    async fn read_log(&self, after: SequenceNumber, limit: usize) -> Result<LogRead>;

    /// Appends to the log, and tells where.
    async fn append(&self, request: AppendRequest) -> Result<AppendOutcome>;

    /// The pages with these ids, in the order of the ids; `None` for those that do not exist.
    async fn read_pages(&self, ids: &[PageId]) -> Result<Vec<Option<Vec<u8>>>>;

    /// Up to `limit` page ids from this one on, ascending.
    async fn page_ids(&self, from: PageId, limit: usize) -> Result<Vec<PageId>>;

    /// Replaces the root, writes pages, and deletes pages and log entries, if the root is as expected.
    async fn fold(&self, request: FoldRequest) -> Result<FoldOutcome>;

    /// The last place of the log where it is known for certain without asking: no other peer could
    /// have appended to it unseen.
    fn known_tail(&self) -> Option<SequenceNumber>;

    /// Ends this peer's use. Later operations fail with `client_invalid_operation`.
    fn close(&self);
}
