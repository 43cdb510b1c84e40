//! A run, step by step, and what is to be told of it.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use super::disturbance::Disturber;
use super::phase::Phase;
use super::stage::Stage;
use super::{Hazard, Scenario, final_check};
use crate::cluster::Cluster;
use crate::executor::Simulation;
use crate::happenings::{Counts, Happening, Happenings, KEPT_MAX};
use crate::history::Checked;
use crate::peer_env::Perturbations;
use crate::simulated_storage::Faults;
use crate::workload::{Client, Workload};

/// Polls after which a run is one that does not end.
const POLLS_MAX: u64 = 5_000_000;
/// Virtual time after which a run is one that does not end: half an hour.
const VIRTUAL_US_MAX: u64 = 1_800_000_000;

/// What is to be told of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was run.
    pub scenario: Scenario,
    /// What was wrong; `None` for nothing.
    pub violation: Option<String>,
    /// A hash of everything that was done, in its order and at its time.
    pub trace: u64,
    /// Attempts of transactions.
    pub transactions: u64,
    /// Virtual time that passed.
    pub virtual_us: u64,
    /// How much the history checked.
    pub checked: Checked,
    /// How often each thing happened.
    pub counts: Counts,
    /// The latest of these things.
    pub latest: Vec<Happening>,
}

/// How far to play a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Portion {
    /// As long as the next thing happens no later than this, in virtual microseconds.
    pub until_us: u64,
    /// At most so many polls.
    pub polls_max: u64,
    /// Until so many things have happened that are told. More than a few hundred are not kept, and it ends before any
    /// is forgotten.
    pub happenings_max: u64,
}

/// Why playing a portion has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Played {
    /// There is a verdict.
    Over,
    /// Nothing more happens until the time given.
    UntilThen,
    /// The number of polls or of happenings was reached.
    Enough,
}

/// A run that can be stopped and looked at between any two polls.
pub struct Run {
    scenario: Scenario,
    world: Simulation,
    stage: Rc<Stage>,
    checked: Rc<Cell<Option<Checked>>>,
    polls: u64,
}

impl Run {
    /// Sets the stage.
    pub fn new(scenario: &Scenario) -> Run {
        let world = Simulation::new(scenario.seed);
        let cluster = Cluster::new(&world, scenario.cluster_options());
        let stage = Rc::new(Stage::new(
            cluster,
            scenario.peers,
            scenario.relaxed_odds(),
            scenario.hazards.contains(&Hazard::FalseConflicts),
        ));
        let checked = Rc::<Cell<Option<Checked>>>::default();
        let play = {
            let (stage, scenario, checked) = (Rc::clone(&stage), scenario.clone(), Rc::clone(&checked));
            async move { checked.set(Some(play(&stage, &scenario).await)) }
        };
        drop(world.spawn(play));
        Run {
            scenario: scenario.clone(),
            world,
            stage,
            checked,
            polls: 0,
        }
    }

    /// Lets the next thing happen; false when the run is over.
    pub fn step(&mut self) -> bool {
        if self.is_over() {
            return false;
        }
        self.polls += 1;
        if !self.world.step() {
            self.stage.violate("everything waits and nothing will happen");
        } else if self.polls > POLLS_MAX || self.world.now_us() > VIRTUAL_US_MAX {
            self.stage.violate("it does not come to an end");
        }
        true
    }

    /// Lets things happen, one after the other as [`step`](Run::step) does.
    pub fn play(&mut self, portion: Portion) -> Played {
        let happenings = self.happenings().clone();
        let told = happenings.total();
        // One poll may tell several.
        let happenings_max = portion.happenings_max.min(KEPT_MAX as u64 / 2);
        for _ in 0..portion.polls_max {
            if self.is_over() {
                return Played::Over;
            }
            if self
                .world
                .next_us()
                .is_some_and(|next_us| next_us > portion.until_us)
            {
                return Played::UntilThen;
            }
            self.step();
            if happenings.total() - told >= happenings_max {
                break;
            }
        }
        match self.is_over() {
            true => Played::Over,
            false => Played::Enough,
        }
    }

    /// Whether there is a verdict.
    pub fn is_over(&self) -> bool {
        self.checked.get().is_some() || self.stage.violation().is_some()
    }

    /// The first thing that was wrong so far.
    pub fn violation(&self) -> Option<String> {
        self.stage.violation()
    }

    /// What has happened so far.
    pub fn happenings(&self) -> &Happenings {
        self.stage.cluster().happenings()
    }

    /// What is run.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// Who plays, and with what.
    pub fn stage(&self) -> &Stage {
        &self.stage
    }

    /// What is to be told of it now.
    pub fn report(&self) -> Report {
        let cluster = self.stage.cluster();
        let mut counts = cluster.happenings().counts();
        let steals = cluster.locks().steals.get();
        if steals > 0 {
            counts.insert("a lock was stolen", steals);
        }
        if cluster.disk().void_records() > 0 {
            counts.insert("a void record was left in the log", cluster.disk().void_records());
        }
        Report {
            scenario: self.scenario.clone(),
            violation: self.stage.violation(),
            trace: self.world.trace(),
            transactions: self.stage.transactions(),
            virtual_us: self.world.now_us(),
            checked: self.checked.get().unwrap_or_default(),
            counts,
            latest: cluster.happenings().latest(),
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.world.abandon();
    }
}

impl Scenario {
    /// Runs it to its end. A panic of the engine is a violation, too.
    pub fn run(&self) -> Report {
        let mut run = Run::new(self);
        let caught = catch_unwind(AssertUnwindSafe(|| while run.step() {}));
        if let Err(panic) = caught {
            run.stage.violate(violation_of_panic(&*panic));
        }
        run.report()
    }
}

/// The violation that a panic is, with what it says.
pub fn violation_of_panic(panic: &(dyn Any + Send)) -> String {
    let owned = panic.downcast_ref::<String>().cloned();
    let message = owned.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    format!("panic: {}", message.as_deref().unwrap_or("without a message"))
}

async fn play(stage: &Rc<Stage>, scenario: &Scenario) -> Checked {
    let world = stage.world().clone();
    let is_shared = scenario.workloads.iter().all(|kind| !kind.is_exclusive());
    let disturbances = scenario
        .hazards
        .iter()
        .copied()
        .filter(|hazard| is_shared && hazard.is_disturbance())
        .collect();
    let period_us = 10_000 + 3 * scenario.pause_us;
    let disturber = Disturber::new(stage, disturbances, period_us);
    disturber.fill_all(1_000);
    let workloads: Vec<Rc<dyn Workload>> = scenario.workloads.iter().map(|kind| kind.make()).collect();
    for workload in &workloads {
        Rc::clone(workload).set_up(Rc::clone(stage)).await;
    }
    stage.enter(Phase::Work);
    let disturbing = world.spawn(Rc::clone(&disturber).run());
    let mut clients = Vec::new();
    for workload in &workloads {
        for number in 0..workload.clients() {
            let client = Client {
                number,
                steps: scenario.steps,
                pause_us: scenario.pause_us,
            };
            clients.push(world.spawn(Rc::clone(workload).client(Rc::clone(stage), client)));
        }
    }
    for client in clients {
        client.await;
    }
    stage.quieten();
    disturbing.await;
    stage.enter(Phase::Calm);
    calm_down(stage, &disturber).await;
    stage.enter(Phase::Verdict);
    for workload in &workloads {
        Rc::clone(workload).check(Rc::clone(stage)).await;
    }
    final_check::check(stage, scenario).await
}

/// Nothing bad happens any more, and every place has its peer.
async fn calm_down(stage: &Rc<Stage>, disturber: &Rc<Disturber>) {
    let cluster = stage.cluster();
    cluster.set_faults(Faults {
        delay_us: 200,
        ..Faults::default()
    });
    cluster.set_perturbations(Perturbations::default());
    cluster.disk().limit_growth(None);
    disturber.fill_all(1_000);
    while stage.open_peers().len() < stage.slots() {
        stage.world().sleep(5_000).await;
    }
}
