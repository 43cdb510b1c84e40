//! Whole runs of the simulator: hostile days from seeds, judged; states that must have been reached; runs that
//! replay. `PLINTH_SEED` runs one seed, `PLINTH_STEPS` says how many.

use std::collections::BTreeMap;

use plinth_core::words::Probe;
use plinth_sim::workload::WorkloadKind;
use plinth_sim::{Counts, Report, Scenario, program_seeds};

/// Runs a scenario that must end well.
fn run(scenario: &Scenario) -> Report {
    let report = scenario.run();
    if let Some(violation) = &report.violation {
        let latest: Vec<String> = report.latest.iter().map(ToString::to_string).collect();
        panic!(
            "{violation}\n{scenario}\nlatest events:\n{}\ncargo xtask sim {}",
            latest.join("\n"),
            scenario.arguments()
        );
    }
    report
}

/// States that a batch of ordinary runs must have reached besides those that engines note.
const STATES: [&str; 36] = [
    "a database was checked",
    "a database was closed",
    "a database was compacted",
    "a connection was lost",
    "a lock was stolen",
    "a page was frozen",
    "a page was hidden",
    "a page was put away",
    "a peer was killed",
    "a storage operation takes long",
    "a storage operation was aborted",
    "a peer was told that its database is gone",
    "a subscription was told of changes",
    "a wall clock jumped",
    "a wall clock stopped",
    "a watch fired",
    "a wild call was refused",
    "a write found no room",
    "an engine trapped, and was opened anew",
    "an export told of changes that came meanwhile",
    "an export was broken off",
    "an export was imported",
    "an import was broken off",
    "another tab deleted the database",
    "damage was told",
    "every place has its peer, and all is judged",
    "everything was folded",
    "forged news were sent",
    "news were lost",
    "news were sent twice",
    "room ran out",
    "the answer to a write was lost",
    "the browser threw the database away",
    "the clients are done, and nothing bad happens any more",
    "the clients began to work",
    "the machine died, and lost what was not durable",
];

#[test]
fn hostile_days_break_no_promise_and_reach_every_state() {
    let seeds = program_seeds(1_200);
    let is_whole_batch = seeds.len() >= 1_200;
    let (mut counts, mut transactions) = (Counts::new(), 0);
    for seed in seeds {
        let report = run(&Scenario::of_seed(seed));
        transactions += report.transactions;
        for (what, count) in report.counts {
            *counts.entry(what).or_default() += count;
        }
    }
    println!("{transactions} transactions");
    for (what, count) in &counts {
        println!("{count:>10}  {what}");
    }
    let noted = Probe::ALL
        .iter()
        .filter(|probe| **probe != Probe::DamageNoticed)
        .map(|probe| probe.text());
    let never: Vec<&str> = noted
        .chain(STATES)
        .filter(|what| !counts.contains_key(what))
        .collect();
    assert!(!is_whole_batch || never.is_empty(), "never seen: {never:#?}");
}

#[test]
fn a_seed_replays_the_same_day_to_the_last_poll_and_days_differ() {
    let mut traces = BTreeMap::new();
    for seed in program_seeds(60) {
        let scenario = Scenario::of_seed(seed + 5_000_000);
        let (one, other) = (run(&scenario), run(&scenario));
        assert_eq!(
            (one.trace, one.transactions, one.counts),
            (other.trace, other.transactions, other.counts),
            "seed {seed}"
        );
        let before = traces.insert(one.trace, seed);
        assert_eq!(before, None, "seeds {before:?} and {seed} have the same day");
    }
}

#[test]
fn every_workload_alone_keeps_its_promises() {
    for &kind in WorkloadKind::ALL {
        for seed in program_seeds(25) {
            run(&Scenario::of_seed(seed + 6_000_000).with_workload(kind));
        }
    }
}

#[test]
fn what_a_run_says_replays_it() {
    let scenario = Scenario::of_seed(7);
    let arguments = scenario.arguments();
    let names = arguments.split("--only ").last().unwrap_or_default();
    let names: Vec<&str> = names.split(',').collect();
    let again = Scenario::of_seed(7).only(&names);
    assert_eq!(again, Ok(scenario));
}
