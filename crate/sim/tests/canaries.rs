//! Faults planted in the engine, one at a time: each must be found within a bounded number of seeds. One that
//! survives means that the simulator does not look where it should.

use plinth_core::words::Canary;
use plinth_sim::Scenario;
use plinth_sim::workload::WorkloadKind;

/// Seeds within which a canary must be found.
const SEEDS_MAX: u64 = 40;

/// Looks for a planted fault in days of the workloads that it ought to hurt, or of this one; what was found.
fn hunt(canary: Canary, workload: Option<WorkloadKind>) -> String {
    for seed in 0..SEEDS_MAX {
        let mut scenario = Scenario::of_seed(seed).with_canary(canary);
        if let Some(workload) = workload {
            scenario = scenario.with_workload(workload);
        }
        let report = scenario.run();
        if let Some(violation) = report.violation {
            println!("{canary:?} was found at seed {seed}: {violation}");
            return violation;
        }
    }
    panic!("{canary:?} survived {SEEDS_MAX} seeds");
}

#[test]
fn without_a_fault_the_same_days_are_fine() {
    for seed in 0..SEEDS_MAX {
        let mut scenario = Scenario::of_seed(seed);
        scenario.workloads = vec![WorkloadKind::Serializability, WorkloadKind::Watches];
        let violation = scenario.run().violation;
        assert_eq!(violation, None, "seed {seed}");
    }
}

#[test]
fn a_resolver_that_ignores_reads_is_found() {
    hunt(Canary::ReadsIgnored, Some(WorkloadKind::Bank));
    hunt(Canary::ReadsIgnored, Some(WorkloadKind::Serializability));
}

#[test]
fn a_fold_that_takes_one_version_too_many_is_found() {
    hunt(Canary::FoldTooFar, None);
}

#[test]
fn a_batch_that_is_not_decided_against_what_others_appended_is_found() {
    hunt(Canary::TailUnchecked, None);
}

#[test]
fn a_watch_that_is_armed_late_is_found() {
    hunt(Canary::WatchArmedLate, None);
}

#[test]
fn an_answer_before_the_commit_is_durable_is_found() {
    hunt(Canary::AnswerBeforeDurable, None);
}

#[test]
fn a_panic_is_found_and_told_as_one() {
    let found = hunt(Canary::PanicOnLostRace, None);
    assert!(
        found.starts_with("panic: a race for a place in the log was lost"),
        "{found}"
    );
}

#[test]
fn a_root_that_is_switched_before_its_pages_are_there_is_found() {
    hunt(Canary::RootBeforePages, None);
}
