//! A run of the simulator: what a seed decides, how it is played, and the verdict.
//!
//! The seed decides about peers, workloads and hazards ([`Scenario`]). A [`Run`] opens the peers on one
//! [`Stage`], lets the clients of all workloads work while disturbances happen, then lets the world calm down
//! and judges: each workload what it knows, every peer against the log, the log's history against everything
//! that clients saw, and a damaged copy of the disk, which must be told and never give other data.

mod cast;
mod disturbance;
mod final_check;
mod hazard;
mod minimize;
mod phase;
#[cfg(feature = "canaries")]
mod planted;
mod recorded;
mod run;
mod stage;

use std::collections::BTreeSet;
use std::fmt;

use fastrand::Rng;
use plinth_core::engine::{EngineOptions, FoldOptions};
use plinth_core::pure::PageOptions;
#[cfg(feature = "canaries")]
use plinth_core::words::Canary;

pub use cast::{Absence, Appearance, Away, Cast};
pub use hazard::Hazard;
pub use minimize::minimized;
pub use phase::Phase;
pub use recorded::Recorded;
pub use run::{Played, Portion, Report, Run, violation_of_panic};
pub use stage::{Stage, Told};

use crate::cluster::ClusterOptions;
use crate::draw::index_in;
use crate::peer_env::Perturbations;
use crate::simulated_storage::Faults;
use crate::workload::WorkloadKind;

/// One hostile day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// What chance does in it.
    pub seed: u64,
    /// How many peers are kept open.
    pub peers: usize,
    /// How much each client does.
    pub steps: u64,
    /// Longest time between two things that a client does.
    pub pause_us: u64,
    /// Who works.
    pub workloads: Vec<WorkloadKind>,
    /// What is bad about it.
    pub hazards: BTreeSet<Hazard>,
    /// The fault planted in every engine.
    #[cfg(feature = "canaries")]
    pub canary: Option<Canary>,
}

impl Scenario {
    /// The day that a seed decides.
    pub fn of_seed(seed: u64) -> Scenario {
        let mut random = Rng::with_seed(seed ^ 0x9e37_79b9_7f4a_7c15);
        let kinds = WorkloadKind::ALL;
        let pick = |random: &mut Rng| {
            let index = index_in(random, ..kinds.len());
            kinds.get(index).copied().unwrap_or(WorkloadKind::Cycle)
        };
        let first = pick(&mut random);
        let mut workloads = vec![first];
        for _ in 0..index_in(&mut random, ..4) {
            let next = pick(&mut random);
            if !first.is_exclusive() && !next.is_exclusive() && !workloads.contains(&next) {
                workloads.push(next);
            }
        }
        // Some days are full of bad things, some have hardly any: a rare one may hide what another shows.
        let share = random.u8(1..10);
        let hazards = Hazard::ALL
            .iter()
            .copied()
            .filter(|_| random.u8(..10) < share)
            .collect();
        let pauses = [1_000, 10_000, 100_000, 1_000_000, 3_000_000];
        Scenario {
            seed,
            peers: index_in(&mut random, 1..5),
            steps: random.u64(4..16),
            pause_us: pauses
                .get(index_in(&mut random, ..pauses.len()))
                .copied()
                .unwrap_or(1_000),
            workloads,
            hazards,
            #[cfg(feature = "canaries")]
            canary: None,
        }
    }

    /// The same day with this one workload.
    #[must_use]
    pub fn with_workload(mut self, kind: WorkloadKind) -> Scenario {
        self.workloads = vec![kind];
        self
    }

    /// The same day with these workloads and hazards only, by their names.
    ///
    /// # Errors
    /// A name that is none.
    pub fn only(mut self, names: &[&str]) -> Result<Scenario, String> {
        self.workloads.clear();
        self.hazards.clear();
        for name in names {
            let workload = WorkloadKind::ALL.iter().find(|kind| kind.name() == *name);
            let hazard = Hazard::ALL.iter().find(|hazard| hazard.name() == *name);
            match (workload, hazard) {
                (Some(workload), _) => self.workloads.push(*workload),
                (None, Some(hazard)) => drop(self.hazards.insert(*hazard)),
                (None, None) => return Err(format!("{name} is neither a workload nor a hazard")),
            }
        }
        Ok(self)
    }

    /// What replays it: the arguments of `cargo xtask sim`.
    pub fn arguments(&self) -> String {
        let workloads = self.workloads.iter().map(|kind| kind.name());
        let names: Vec<&str> = workloads
            .chain(self.hazards.iter().map(|hazard| hazard.name()))
            .collect();
        format!(
            "--seed {} --peers {} --steps {} --pause-us {} --only {}",
            self.seed,
            self.peers,
            self.steps,
            self.pause_us,
            names.join(",")
        )
    }

    fn has(&self, hazard: Hazard) -> bool {
        self.hazards.contains(&hazard)
    }

    /// A number that belongs to a hazard, whatever the others are: one of a range.
    fn degree(&self, hazard: Hazard, from: u64, to: u64) -> u64 {
        if self.has(hazard) {
            Rng::with_seed(self.seed ^ (hazard as u64 + 1).wrapping_mul(0xd134_2543_de82_ef95)).u64(from..to)
        } else {
            0
        }
    }

    fn relaxed_odds(&self) -> u64 {
        self.degree(Hazard::RelaxedCommits, 1, 4)
    }

    fn faults(&self) -> Faults {
        Faults {
            delay_us: 100 + self.degree(Hazard::Delays, 500, 3_000),
            slow_odds: self.degree(Hazard::SlowOperations, 20, 100),
            slow_us: self.degree(Hazard::SlowOperations, 10_000, 2_500_000),
            io_error_odds: self.degree(Hazard::IoErrors, 20, 200),
            lost_answer_odds: self.degree(Hazard::LostAnswers, 6, 60),
        }
    }

    fn perturbations(&self) -> Perturbations {
        Perturbations {
            false_conflict_odds: self.degree(Hazard::FalseConflicts, 5, 30),
            forget_pages_odds: self.degree(Hazard::ForgottenPages, 2, 20),
            short_batch_odds: self.degree(Hazard::ShortBatches, 1, 5),
            fold_now_odds: self.degree(Hazard::EagerFolds, 1, 8),
            take_turn_odds: self.degree(Hazard::CommitsInTurn, 1, 10),
        }
    }

    fn engine(&self) -> EngineOptions {
        let mut fold = FoldOptions::default();
        if self.has(Hazard::TinyPages) {
            fold.pages = PageOptions::of_page_bytes(self.degree(Hazard::TinyPages, 120, 1_000) as usize);
        }
        if self.has(Hazard::TinyFolds) {
            fold.log_bytes = self.degree(Hazard::TinyFolds, 300, 5_000);
            fold.log_entries = fold.log_bytes / 100;
            fold.write_bytes = fold.log_bytes as usize;
            fold.delete_pages = (fold.log_bytes / 200) as usize;
        }
        if self.has(Hazard::TinyMemory) {
            fold.recent_bytes_max = self.degree(Hazard::TinyMemory, 1_500, 20_000) as usize;
        }
        EngineOptions {
            cache_bytes: match self.degree(Hazard::TinyCache, 300, 5_000) {
                0 => EngineOptions::default().cache_bytes,
                bytes => bytes as usize,
            },
            // Most days are over before somebody is alone by a lease of half a second, let alone robbed.
            lease_us: EngineOptions::default().lease_us >> (self.seed / 5 % 6),
            fold,
            ..EngineOptions::default()
        }
    }

    fn cluster_options(&self) -> ClusterOptions {
        ClusterOptions {
            faults: self.faults(),
            news_delay_us: 200 + self.degree(Hazard::LateNews, 1_000, 50_000),
            news_loss_odds: self.degree(Hazard::LostNews, 1, 5),
            news_repeat_odds: self.degree(Hazard::RepeatedNews, 1, 5),
            news_forgery_odds: self.degree(Hazard::ForgedNews, 2, 20),
            without_locks: self.has(Hazard::NoLocks),
            wall_clock_spread_us: self.degree(Hazard::WallClocks, 1_000, 3_600_000_000),
            wall_clock_drift: self.degree(Hazard::WallClocks, 0, 10_000),
            engine: self.engine(),
            perturbations: self.perturbations(),
            #[cfg(feature = "canaries")]
            canary: self.canary,
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: Vec<&str>| {
            if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            }
        };
        writeln!(
            formatter,
            "  {} peers, {} steps per client, pauses up to {} us",
            self.peers, self.steps, self.pause_us
        )?;
        let workloads = self.workloads.iter().map(|kind| kind.name()).collect();
        writeln!(formatter, "  workloads: {}", list(workloads))?;
        let hazards = self.hazards.iter().map(|hazard| hazard.name()).collect();
        write!(formatter, "  hazards: {}", list(hazards))
    }
}
