//! Versions order transactions in time; sequence numbers order log entries without gaps.

use std::fmt;

use super::limits::{FIRST_VERSION, VERSION_MAX};

/// A point in the database's history: about one per microsecond, strictly increasing with each
/// commit batch, at most 2^53 - 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u64);

impl Version {
    /// Before every database.
    pub const ZERO: Version = Version(0);
    /// The empty database, before its first commit.
    pub const FIRST: Version = Version(FIRST_VERSION);

    /// The version with this number; `None` past 2^53 - 1.
    pub fn new(number: u64) -> Option<Version> {
        (number <= VERSION_MAX).then_some(Version(number))
    }

    /// The version's number.
    pub fn get(self) -> u64 {
        self.0
    }

    /// The version `count` later, at most the largest one.
    pub fn plus(self, count: u64) -> Version {
        Version(self.0.saturating_add(count).min(VERSION_MAX))
    }

    /// The version `count` earlier, at least zero.
    pub fn minus(self, count: u64) -> Version {
        Version(self.0.saturating_sub(count))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The place of an entry in the log: 1, 2, 3, … without gaps. Zero is "before the first".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SequenceNumber(u64);

impl SequenceNumber {
    /// Before the first entry.
    pub const ZERO: SequenceNumber = SequenceNumber(0);

    /// The sequence number with this value. Values stay far below 2^53: one per commit batch.
    pub const fn new(number: u64) -> SequenceNumber {
        SequenceNumber(number)
    }

    /// The number itself.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The place `count` entries later.
    pub const fn plus(self, count: u64) -> SequenceNumber {
        SequenceNumber(self.0 + count)
    }
}

impl fmt::Display for SequenceNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
