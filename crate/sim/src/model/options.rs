//! The options of an attempt, as far as they change what calls answer.

use plinth_core::words::{KEY_SPACE_END, SYSTEM_KEY_SPACE_END, TransactionOption};

/// What is set at some point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Options {
    /// Reads see the snapshot only.
    pub(super) read_your_writes_disable: bool,
    /// Snapshot reads see own writes while this is positive.
    pub(super) snapshot_ryw: i32,
    /// `get` gives what is to be stamped as it stands.
    pub(super) bypass_unreadable: bool,
    /// The exclusive top of the keys that can be read.
    pub(super) read_end: &'static [u8],
    /// The exclusive top of the keys that can be written.
    pub(super) write_end: &'static [u8],
    /// A blind write commits whatever the age of its read version.
    pub(super) causal_write_risky: bool,
    /// A use after the commit was called is refused, and no more.
    pub(super) used_during_commit_protection_disable: bool,
    /// A conflict tells what it was about.
    pub(super) report_conflicting_keys: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            read_your_writes_disable: false,
            snapshot_ryw: 1,
            bypass_unreadable: false,
            read_end: KEY_SPACE_END,
            write_end: KEY_SPACE_END,
            causal_write_risky: false,
            used_during_commit_protection_disable: false,
            report_conflicting_keys: false,
        }
    }
}

impl Options {
    /// Sets one.
    ///
    /// # Panics
    /// For options that programs do not set.
    pub(super) fn set(&mut self, option: TransactionOption) {
        match option {
            TransactionOption::ReadYourWritesDisable => self.read_your_writes_disable = true,
            TransactionOption::SnapshotRywEnable => self.snapshot_ryw += 1,
            TransactionOption::SnapshotRywDisable => self.snapshot_ryw -= 1,
            TransactionOption::BypassUnreadable => self.bypass_unreadable = true,
            TransactionOption::ReadSystemKeys => self.read_end = SYSTEM_KEY_SPACE_END,
            TransactionOption::AccessSystemKeys => {
                self.read_end = SYSTEM_KEY_SPACE_END;
                self.write_end = SYSTEM_KEY_SPACE_END;
            }
            TransactionOption::CausalWriteRisky => self.causal_write_risky = true,
            TransactionOption::UsedDuringCommitProtectionDisable => {
                self.used_during_commit_protection_disable = true;
            }
            TransactionOption::ReportConflictingKeys => self.report_conflicting_keys = true,
            TransactionOption::NextWriteNoWriteConflictRange => {}
            other => unreachable!("programs do not set {other:?}"),
        }
    }

    /// Whether a read sees the own writes.
    pub(super) fn shows_own_writes(&self, is_snapshot: bool) -> bool {
        !self.read_your_writes_disable && (!is_snapshot || self.snapshot_ryw > 0)
    }
}
