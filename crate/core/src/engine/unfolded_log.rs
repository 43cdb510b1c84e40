//! Which records of the log are not in pages yet: where each ends and how large it is.

use std::collections::VecDeque;

use crate::words::{SequenceNumber, Version};

#[derive(Clone, Copy, Debug)]
struct LoggedRecord {
    version: Version,
    /// The place of its last entry.
    last: SequenceNumber,
    /// Bytes of the log from its beginning to the end of this record.
    bytes_through: u64,
}

/// A beginning of the unfolded log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LogPrefix {
    /// The version of its last record.
    pub(super) version: Version,
    /// The place of its last entry.
    pub(super) last: SequenceNumber,
    pub(super) bytes: u64,
    pub(super) entries: u64,
}

/// The records after the last fold, oldest first.
#[derive(Debug, Default)]
pub(super) struct UnfoldedLog {
    records: VecDeque<LoggedRecord>,
    folded: SequenceNumber,
    folded_bytes: u64,
    /// Bytes of void entries after the newest record: they leave the log with the record after them.
    void_bytes: u64,
}

impl UnfoldedLog {
    /// The log after this place.
    pub(super) fn after(folded: SequenceNumber) -> UnfoldedLog {
        UnfoldedLog {
            folded,
            ..UnfoldedLog::default()
        }
    }

    pub(super) fn push(&mut self, version: Version, last: SequenceNumber, bytes: u64) {
        let before = self
            .records
            .back()
            .map_or(self.folded_bytes, |record| record.bytes_through);
        self.records.push_back(LoggedRecord {
            version,
            last,
            bytes_through: before + bytes + std::mem::take(&mut self.void_bytes),
        });
    }

    /// A void entry after the newest record.
    pub(super) fn push_void(&mut self, bytes: u64) {
        self.void_bytes += bytes;
    }

    /// Everything that there is.
    pub(super) fn all(&self) -> Option<LogPrefix> {
        self.records.back().map(|record| self.prefix(record))
    }

    /// The records up to a version, without the newest one. That one stays in the log for ever, so that
    /// a peer which has not seen it finds it, or a gap before it: an empty log would look to that peer
    /// as if nothing had happened.
    pub(super) fn up_to(&self, version: Version) -> Option<LogPrefix> {
        let count = self
            .records
            .partition_point(|record| record.version <= version)
            .min(self.records.len().saturating_sub(1));
        let record = self.records.get(count.checked_sub(1)?)?;
        Some(self.prefix(record))
    }

    /// Forgets what is in pages now.
    pub(super) fn fold_through(&mut self, last: SequenceNumber) {
        while let Some(record) = self.records.front().filter(|record| record.last <= last) {
            self.folded = record.last;
            self.folded_bytes = record.bytes_through;
            self.records.pop_front();
        }
    }

    fn prefix(&self, record: &LoggedRecord) -> LogPrefix {
        LogPrefix {
            version: record.version,
            last: record.last,
            bytes: record.bytes_through - self.folded_bytes,
            entries: record.last.get() - self.folded.get(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_record_is_never_foldable() {
        let mut log = UnfoldedLog::after(SequenceNumber::new(10));
        let version = |number| Version::new(number).unwrap();
        assert_eq!(log.up_to(version(99)), None);
        log.push(version(3), SequenceNumber::new(12), 100);
        assert_eq!(log.up_to(version(99)), None);
        log.push(version(5), SequenceNumber::new(13), 10);
        log.push(version(9), SequenceNumber::new(14), 1);
        let prefix = |number, last, bytes, entries| {
            Some(LogPrefix {
                version: version(number),
                last: SequenceNumber::new(last),
                bytes,
                entries,
            })
        };
        assert_eq!(log.up_to(version(99)), prefix(5, 13, 110, 3));
        assert_eq!(log.up_to(version(4)), prefix(3, 12, 100, 2));
        assert_eq!(log.up_to(version(2)), None);
        log.fold_through(SequenceNumber::new(12));
        assert_eq!(log.up_to(version(99)), prefix(5, 13, 10, 1));
        assert_eq!(log.all(), prefix(9, 14, 11, 2));
    }

    #[test]
    fn void_entries_leave_the_log_with_the_record_after_them() {
        let mut log = UnfoldedLog::after(SequenceNumber::ZERO);
        let version = |number| Version::new(number).unwrap();
        log.push(version(1), SequenceNumber::new(1), 10);
        log.push_void(5);
        log.push_void(7);
        log.push(version(2), SequenceNumber::new(4), 10);
        let through = |version| log.up_to(version).map(|prefix| (prefix.entries, prefix.bytes));
        assert_eq!(through(version(9)), Some((1, 10)));
        assert_eq!(
            log.all().map(|prefix| (prefix.entries, prefix.bytes)),
            Some((4, 32))
        );
        log.fold_through(SequenceNumber::new(1));
        assert_eq!(
            log.all().map(|prefix| (prefix.entries, prefix.bytes)),
            Some((3, 22))
        );
    }
}
