//! Deterministic simulation: several peers over one storage, in one thread, on virtual time, from one
//! seed.
//!
//! The executor runs tasks in a seeded order on virtual time; [`Disk`], `SimulatedStorage` and the lock
//! manager are fakes of what a browser offers, with their fault models in their files; a [`Cluster`] is
//! several peers over them. A [`Scenario`] is one hostile day that a seed decides: peers, faults and
//! [`workload`]s, with a verdict at its end.
//!
//! The same seed gives the same run, to the last poll: [`Simulation::trace`] tells.

mod cluster;
mod disk;
mod draw;
mod executor;
mod fake_locks;
mod happenings;
mod history;
pub mod model;
mod named_kinds;
mod page_store;
mod peer_env;
pub mod program;
pub mod scenario;
mod simulated_storage;
mod timeline;
mod transaction_queue;
pub mod workload;

pub use cluster::{Cluster, ClusterOptions, Peer};
pub use disk::{Disk, Item, Written};
pub use executor::{GroupId, Simulation, program_seeds, seeds};
pub use fake_locks::{FakeLocks, LockManager};
pub use happenings::{Counts, Happening, HappeningKind, Happenings};
pub use history::{Checked, History, Observation, Operation, Outcome};
pub use page_store::PageStore;
pub use peer_env::Perturbations;
pub use scenario::{Played, Portion, Report, Run, Scenario};
pub use simulated_storage::{Connection, Death, Faults, SimulatedStorage};
pub use timeline::{Place, Timeline};
