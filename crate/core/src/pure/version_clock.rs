//! The clock of versions: about one per microsecond, strictly increasing whatever the clocks do.
//!
//! The next version after `last` is `last + clamp(elapsed, 1, 5_000_000)`. Elapsed time is the larger
//! of what this peer's monotonic clock saw since it learned of `last` and what the wall clock says
//! since `last` was written, so that it survives reloads (wall) and a wall clock set back (monotonic).
//! FoundationDB's master assigns versions by the same formula from its own clock alone.

use crate::words::{VERSION_STEP_MAX, Version};

/// When the newest known version was assigned, on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionClock {
    last: Version,
    last_unix_us: u64,
    seen_monotonic_us: u64,
}

impl VersionClock {
    /// A clock that begins at `last`.
    pub fn new(last: Version, monotonic_us: u64, unix_us: u64) -> VersionClock {
        VersionClock {
            last,
            last_unix_us: unix_us,
            seen_monotonic_us: monotonic_us,
        }
    }

    /// The newest committed version.
    pub fn last(&self) -> Version {
        self.last
    }

    /// Learns of a commit at `version`, written when the wall clock said `unix_us`.
    pub fn advance(&mut self, version: Version, unix_us: u64, monotonic_us: u64) {
        assert!(
            version > self.last,
            "versions increase: {version} after {}",
            self.last
        );
        *self = VersionClock {
            last: version,
            last_unix_us: unix_us,
            seen_monotonic_us: monotonic_us,
        };
    }

    /// What the clock says now: the version that a commit at this moment would get.
    pub fn now(&self, monotonic_us: u64, unix_us: u64) -> Version {
        let seen = monotonic_us.saturating_sub(self.seen_monotonic_us);
        let written = unix_us.saturating_sub(self.last_unix_us);
        self.last.plus(seen.max(written).clamp(1, VERSION_STEP_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(number: u64) -> Version {
        Version::new(number).unwrap()
    }

    #[test]
    fn versions_advance_with_the_microseconds() {
        let mut clock = VersionClock::new(Version::ZERO, 0, 1_000);
        clock.advance(version(10), 1_000, 0);
        assert_eq!(clock.now(250, 1_250), version(260));
    }

    #[test]
    fn a_step_is_at_least_one_and_at_most_five_million() {
        let mut clock = VersionClock::new(Version::ZERO, 0, 0);
        clock.advance(version(10), 0, 0);
        assert_eq!(clock.now(0, 0), version(11));
        assert_eq!(clock.now(60_000_000, 60_000_000), version(5_000_010));
    }

    #[test]
    fn a_wall_clock_set_back_leaves_the_monotonic_one_in_charge() {
        let mut clock = VersionClock::new(Version::ZERO, 0, 0);
        clock.advance(version(10), 9_000_000, 100);
        assert_eq!(clock.now(400, 5), version(310));
    }

    #[test]
    fn after_a_reload_the_wall_clock_tells_the_time_since_the_last_commit() {
        let mut clock = VersionClock::new(Version::ZERO, 0, 50_000);
        clock.advance(version(10), 20_000, 0);
        assert_eq!(clock.now(0, 50_000), version(30_010));
    }
}
