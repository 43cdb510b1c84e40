//! One peer's engine: what it knows of the database, how it learns more, and how it commits.
//! Refers to `words`, `pure` and `storage`.

mod append_turn;
mod check;
mod commit_pipeline;
mod contention;
mod exclusivity;
mod fold;
mod fold_pressure;
mod gate;
mod options;
mod pager;
mod peer;
mod read_versions;
mod reclaim;
mod resolver;
mod root_follower;
mod root_writer;
mod state;
mod stats;
mod subscription_set;
mod unfolded_log;
mod unreadable;
mod watch_set;

pub use check::CheckReport;
pub use contention::Turn;
pub use exclusivity::{LEASE_US, Lock, Locks, PATIENCE_US, Tenure};
pub use fold::{FoldExtent, FoldResult};
pub use options::{EngineOptions, FoldOptions};
pub use peer::{Engine, News};
pub use resolver::{CommitIntent, Committed, Rejection};
pub use state::Snapshot;
pub use stats::EngineStats;
pub use subscription_set::{ChangedKeys, SubscriptionId};
pub use watch_set::{WatchId, WatchOutcome};
