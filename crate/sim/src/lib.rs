//! Deterministic simulation: several peers over one storage, in one thread, on virtual time, from one
//! seed.
//!
//! What it does: runs tasks in a seeded order; delays every storage operation, before and after its
//! effect; fails operations, loses the answers of commits whether or not they were done; loses, delays
//! and repeats news; lets wall clocks disagree and jump; kills peers at any point, with whatever they
//! had under way, or at a chosen storage operation, before or after its effect; hides, freezes and thaws
//! them; lends a lock like the browser's. Log entries that folds delete are kept aside for the checker.
//! What it does not do yet: durability that differs between strict and relaxed, quota.
//!
//! The same seed gives the same run, to the last poll: [`Simulation::trace`] tells.

mod cluster;
mod executor;
mod fake_locks;
mod history;
pub mod model;
mod page_store;
mod peer_env;
pub mod program;
mod simulated_storage;

pub use cluster::{Cluster, ClusterOptions, Peer};
pub use executor::{GroupId, Simulation, program_seeds, seeds};
pub use fake_locks::{FakeLocks, LockManager};
pub use history::{History, Observation, Operation, Outcome, marker_key};
pub use page_store::PageStore;
pub use simulated_storage::{Archive, Death, Faults, SimulatedStorage};
