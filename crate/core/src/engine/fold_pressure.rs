//! How commits are slowed down when changes come faster than they are folded.
//!
//! Memory for changes that are not in pages is bounded: above `recent_bytes_max` a fold is under way, and
//! above twice as much, commits wait until it is over. So that they never have to wait that long, they get
//! the memory between the two bit by bit, as the fold gets on: each waits a little instead of one for all. A
//! part is left for the end, when the fold is done and memory is only beginning to be given back.

use super::fold::FoldExtent;
use super::peer::Engine;
use crate::storage::Storage;
use crate::words::{Error, ErrorCode, Probe, Result};

/// How often a commit that waits looks at the fold.
const LOOK_US: u64 = 2_000;

/// Quarters of the memory that are given out while a fold goes through its keys; the rest while it ends.
const FOLD_QUARTERS: u64 = 3;

/// How far a fold is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FoldProgress {
    /// Bytes of the recent map when it began.
    begin_bytes: usize,
    /// Keys of the recent map when it began.
    keys: u64,
    /// Keys dealt with.
    keys_done: u64,
}

impl FoldProgress {
    /// Of work that makes no room: commits do not wait for it.
    pub(super) fn of_no_concern() -> FoldProgress {
        FoldProgress {
            begin_bytes: usize::MAX,
            ..FoldProgress::default()
        }
    }

    /// Bytes that the recent map may have by now, of at most twice `bytes_max`.
    fn bytes_allowed(&self, bytes_max: usize) -> usize {
        let begin = self.begin_bytes.clamp(bytes_max, 2 * bytes_max);
        let room = (2 * bytes_max - begin) as u64;
        let done = self.keys_done.min(self.keys);
        begin + (room * FOLD_QUARTERS * done / (4 * self.keys.max(1))) as usize
    }
}

impl<S: Storage> Engine<S> {
    pub(super) fn begin_progress(&self) {
        let state = self.state.borrow();
        self.folds.progress.set(FoldProgress {
            begin_bytes: state.map().bytes(),
            keys: state.map().key_count() as u64,
            keys_done: 0,
        });
    }

    pub(super) fn note_progress(&self, keys_done: u64) {
        let progress = self.folds.progress.get();
        self.folds.progress.set(FoldProgress {
            keys_done,
            ..progress
        });
    }

    /// Waits, if the changes that are not in pages take too much memory, until a fold has got on enough.
    ///
    /// # Errors
    /// `commit_proxy_memory_limit_exceeded` if they take far too much and could not be folded.
    pub(super) async fn wait_for_memory(&self) -> Result<()> {
        let bytes_max = self.options.fold.recent_bytes_max;
        let bytes = || self.state.borrow().map().bytes();
        loop {
            self.check_usable_for_commit()?;
            let bytes_allowed = if self.is_sweeping.get() {
                2 * bytes_max
            } else if self.folds.is_running() {
                self.folds.progress.get().bytes_allowed(bytes_max)
            } else {
                break;
            };
            if bytes() <= bytes_allowed {
                return Ok(());
            }
            self.env.sleep(LOOK_US).await;
        }
        if bytes() <= 2 * bytes_max {
            return Ok(());
        }
        self.env.note(Probe::CommitWaitedForMemory);
        let folded = self.fold(FoldExtent::All).await;
        while self.is_sweeping.get() {
            self.env.yield_now().await;
        }
        match folded {
            Err(error) if bytes() > 2 * bytes_max => {
                let detail = format!("changes wait for being folded into pages, which failed: {error}");
                Err(Error::new(ErrorCode::CommitProxyMemoryLimitExceeded, detail))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_out_as_the_fold_gets_on() {
        let at = |begin_bytes, keys_done| FoldProgress {
            begin_bytes,
            keys: 200,
            keys_done,
        };
        assert_eq!(at(100, 0).bytes_allowed(100), 100);
        assert_eq!(at(100, 40).bytes_allowed(100), 115);
        assert_eq!(at(160, 100).bytes_allowed(100), 175);
        assert_eq!(at(100, 999).bytes_allowed(100), 175, "the rest is for its end");
        assert_eq!(
            at(10, 100).bytes_allowed(100),
            137,
            "a fold that memory did not cause"
        );
        assert_eq!(at(900, 0).bytes_allowed(100), 200);
        assert_eq!(FoldProgress::default().bytes_allowed(100), 100);
    }
}
