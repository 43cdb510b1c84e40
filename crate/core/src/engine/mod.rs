//! One peer's engine: what it knows of the database, how it learns more, and how it commits.
//! Refers to `words`, `pure` and `storage`.

mod commit_pipeline;
mod contention;
mod exclusivity;
mod peer;
mod read_versions;
mod resolver;
mod state;
mod subscription_set;
mod watch_set;

pub use contention::Turn;
pub use exclusivity::{LEASE_US, Lock, Locks, PATIENCE_US};
pub use peer::{Engine, EngineStats, News};
pub use resolver::{CommitIntent, Committed, Rejection};
pub use state::Snapshot;
pub use subscription_set::{ChangedKeys, SubscriptionId};
pub use watch_set::{WatchId, WatchOutcome};
