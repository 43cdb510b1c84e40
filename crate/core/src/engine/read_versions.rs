//! Read versions: the newest commit acknowledged anywhere before the transaction began (I3).
//!
//! Where another peer may have committed unseen, one read of the log's end serves every transaction
//! that asked before it started. Requests that come while one is under way wait for the next: its
//! answer may be older than they are.

use std::rc::Rc;

use futures_channel::oneshot;

use super::peer::Engine;
use super::state::Snapshot;
use crate::storage::Storage;
use crate::words::{Error, ErrorCode, Result, Version};

/// How long a read waits for a version that is not there yet, as FoundationDB's storage servers do.
const FUTURE_VERSION_WAIT_US: u64 = 1_000_000;
/// How often it looks meanwhile.
const FUTURE_VERSION_POLL_US: u64 = 50_000;

/// Transactions waiting for a read version.
#[derive(Debug, Default)]
pub(super) struct ReadVersionQueue {
    waiting: Vec<oneshot::Sender<Result<Snapshot>>>,
    is_running: bool,
}

impl<S: Storage> Engine<S> {
    /// The read version, if it is known without asking the storage.
    pub fn known_read_version(self: &Rc<Self>) -> Result<Option<Snapshot>> {
        self.check_usable()?;
        // What was salvaged does not change.
        let is_known = self.options.salvage || self.storage.known_tail() == Some(self.state.borrow().tail());
        let is_current = is_known || self.is_alone();
        Ok(is_current.then(|| self.newest_snapshot()))
    }

    /// The newest version known here: it may miss commits that other peers made just before.
    ///
    /// # Errors
    /// Why the engine can't be used.
    pub fn newest_known(&self) -> Result<Snapshot> {
        self.check_usable()?;
        Ok(self.newest_snapshot())
    }

    /// The snapshot of a version that was asked for; `None` if it is not known here yet.
    ///
    /// # Errors
    /// Why the engine can't be used.
    pub fn snapshot_at(&self, version: Version) -> Result<Option<Snapshot>> {
        self.check_usable()?;
        let (monotonic_us, unix_us) = (self.env.monotonic_us(), self.env.unix_us());
        Ok(self.state.borrow().snapshot_at(version, monotonic_us, unix_us))
    }

    /// As `snapshot_at`, waiting up to a second for a version that is not there yet.
    ///
    /// # Errors
    /// `future_version` after a second; those of reading the log.
    pub async fn await_version(&self, version: Version) -> Result<Snapshot> {
        let mut waited_us = 0;
        loop {
            self.catch_up().await?;
            if let Some(snapshot) = self.snapshot_at(version)? {
                return Ok(snapshot);
            }
            if waited_us >= FUTURE_VERSION_WAIT_US {
                return Err(ErrorCode::FutureVersion.into());
            }
            self.env.sleep(FUTURE_VERSION_POLL_US).await;
            waited_us += FUTURE_VERSION_POLL_US;
        }
    }

    /// The read version of a transaction that begins now.
    ///
    /// # Errors
    /// Those of reading the log.
    pub async fn read_version(self: &Rc<Self>) -> Result<Snapshot> {
        if let Some(snapshot) = self.known_read_version()? {
            return Ok(snapshot);
        }
        let (sender, receiver) = oneshot::channel();
        let must_start = {
            let mut queue = self.read_versions.borrow_mut();
            queue.waiting.push(sender);
            !std::mem::replace(&mut queue.is_running, true)
        };
        if must_start {
            let engine = Rc::clone(self);
            self.env
                .spawn(Box::pin(async move { engine.serve_read_versions().await }));
        }
        receiver
            .await
            .unwrap_or_else(|_| Err(Error::from(ErrorCode::OperationCancelled)))
    }

    async fn serve_read_versions(self: Rc<Self>) {
        loop {
            let waiting = {
                let mut queue = self.read_versions.borrow_mut();
                if queue.waiting.is_empty() {
                    queue.is_running = false;
                    return;
                }
                std::mem::take(&mut queue.waiting)
            };
            let before = self.state.borrow().tail();
            let answer = self.catch_up().await.map(|()| self.newest_snapshot());
            if self.state.borrow().tail() == before {
                self.consider_being_alone();
            }
            for sender in waiting {
                let _receiver_gone = sender.send(answer.clone());
            }
        }
    }

    fn newest_snapshot(&self) -> Snapshot {
        Snapshot {
            version: self.state.borrow().newest(),
            taken_us: self.env.monotonic_us(),
        }
    }
}
