//! Writing under the root, and replacing it: each names the root that it counts on, so that nobody writes under a root
//! that has been replaced meanwhile.

use super::peer::Engine;
use super::root_follower::KnownRoot;
use crate::pure::Root;
use crate::storage::{FoldOutcome, FoldRequest, Storage};
use crate::words::{Error, ErrorCode, Result};

/// Answers to one request that may be lost before it has failed.
const LOST_ANSWERS_MAX: u32 = 5;

impl<S: Storage> Engine<S> {
    /// Replaces the root by its next one; false if there was another one before.
    ///
    /// # Errors
    /// The storage's. After `commit_unknown_result` the root itself says whether it was replaced.
    pub(super) async fn switch_root(&self, root: Root, request: FoldRequest) -> Result<bool> {
        if root.generation != self.root_generation() + 1 {
            return Ok(false);
        }
        let root = Root {
            mark: self.env.random_u64().to_le_bytes(),
            ..root
        };
        let bytes = root.encode();
        let request = FoldRequest {
            root: self.root.borrow().bytes.clone(),
            new_root: bytes.clone(),
            ..request
        };
        match self.storage.fold(request).await {
            Ok(FoldOutcome::Folded) => {
                self.take_root(KnownRoot { root, bytes });
                Ok(true)
            }
            Ok(FoldOutcome::RootMoved(_)) => {
                self.refresh_root().await?;
                Ok(false)
            }
            Err(error) if error.code() == ErrorCode::CommitUnknownResult => {
                self.refresh_root().await?;
                Ok(self.root.borrow().bytes == bytes)
            }
            Err(error) => Err(error),
        }
    }

    /// Writes or deletes under the present root; false if it has moved on.
    ///
    /// # Errors
    /// The storage's. An answer that was lost is asked for again: the same pages written or deleted twice, under the
    /// same root, are the same pages.
    pub(super) async fn fold_under_root(&self, request: FoldRequest) -> Result<bool> {
        let bytes = self.root.borrow().bytes.clone();
        let request = FoldRequest {
            root: bytes.clone(),
            new_root: bytes,
            ..request
        };
        for _ in 0..LOST_ANSWERS_MAX {
            match self.storage.fold(request.clone()).await {
                Ok(FoldOutcome::Folded) => return Ok(true),
                Ok(FoldOutcome::RootMoved(_)) => {
                    self.refresh_root().await?;
                    return Ok(false);
                }
                Err(error) if error.code() == ErrorCode::CommitUnknownResult => {}
                Err(error) => return Err(error),
            }
        }
        let detail = format!("{LOST_ANSWERS_MAX} times the storage did not say whether it has written pages");
        Err(Error::new(ErrorCode::IoError, detail))
    }
}
