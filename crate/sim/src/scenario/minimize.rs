//! Makes a failing day smaller, as long as it still fails.

use super::{Report, Scenario};

/// How many smaller days are tried.
const RUNS_MAX: u32 = 150;

/// The smallest day found that still fails, with its report. `told` hears of each that does.
pub fn minimized(failed: &Report, mut told: impl FnMut(&Scenario)) -> Report {
    let mut smallest = failed.clone();
    let mut runs = 0;
    loop {
        let mut is_smaller = false;
        for candidate in smaller(&smallest.scenario) {
            if runs == RUNS_MAX {
                return smallest;
            }
            runs += 1;
            let report = candidate.run();
            if report.violation.is_some() {
                told(&candidate);
                smallest = report;
                is_smaller = true;
                break;
            }
        }
        if !is_smaller {
            return smallest;
        }
    }
}

/// Days that are a little smaller, the most promising ones first.
fn smaller(scenario: &Scenario) -> Vec<Scenario> {
    let mut candidates = Vec::new();
    if scenario.workloads.len() > 1 {
        for kind in &scenario.workloads {
            let mut without = scenario.clone();
            without.workloads.retain(|other| other != kind);
            candidates.push(without);
        }
    }
    if scenario.steps > 1 {
        candidates.extend([scenario.steps / 2, scenario.steps - 1].map(|steps| Scenario {
            steps,
            ..scenario.clone()
        }));
    }
    for hazard in &scenario.hazards {
        let mut without = scenario.clone();
        without.hazards.remove(hazard);
        candidates.push(without);
    }
    if scenario.peers > 1 {
        candidates.push(Scenario {
            peers: scenario.peers - 1,
            ..scenario.clone()
        });
    }
    candidates
}
