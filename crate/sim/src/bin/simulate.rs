//! Runs hostile days, one seed after the other, on every core, until something is wrong or it is enough.
//! `cargo xtask sim` builds it optimized and passes its arguments on.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use plinth_core::words::Probe;
use plinth_sim::scenario::minimized;
use plinth_sim::workload::WorkloadKind;
use plinth_sim::{Report, Scenario};

const USAGE: &str = "\
  --seeds N         run so many seeds, from --seed on (default 0)
  --seed S          run this seed, or begin with it
  --minutes M       run for so many minutes
  --transactions N  run until so many transactions were attempted
  --workload W      this one workload instead of those that the seed decides
  --only A,B,…      these workloads and hazards instead of those that the seed decides
  --peers N, --steps N, --pause-us N   instead of what the seed decides
  --twice           run each seed a second time and compare the traces
  --threads N       how many seeds are run side by side (default: one per core)
  --trace           tell the latest events of the run, as after a violation
  --hash            tell each seed's trace hash, which is the same on every machine
Without --seed, --seeds, --minutes and --transactions: 1,000 seeds.";

/// What the command line asks for.
#[derive(Clone, Debug, Default)]
struct Wish {
    first: Option<u64>,
    seeds: Option<u64>,
    minutes: Option<f64>,
    transactions: Option<u64>,
    workload: Option<WorkloadKind>,
    only: Option<String>,
    peers: Option<usize>,
    steps: Option<u64>,
    pause_us: Option<u64>,
    threads: Option<usize>,
    is_twice: bool,
    has_trace: bool,
    has_hash: bool,
}

impl Wish {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Wish, String> {
        let mut wish = Wish::default();
        while let Some(name) = arguments.next() {
            match name.as_str() {
                "--twice" => {
                    wish.is_twice = true;
                    continue;
                }
                "--help" => return Err(USAGE.to_owned()),
                "--trace" => {
                    wish.has_trace = true;
                    continue;
                }
                "--hash" => {
                    wish.has_hash = true;
                    continue;
                }
                _ => {}
            }
            let value = arguments.next().ok_or(format!("{name} needs a value"))?;
            let number = || {
                let plain = value.replace(['_', ','], "");
                plain
                    .parse::<u64>()
                    .map_err(|_| format!("{name}: a number was expected, found {value}"))
            };
            match name.as_str() {
                "--seed" => wish.first = Some(number()?),
                "--seeds" => wish.seeds = Some(number()?),
                "--transactions" => wish.transactions = Some(number()?),
                "--peers" => wish.peers = Some(number()? as usize),
                "--steps" => wish.steps = Some(number()?),
                "--pause-us" => wish.pause_us = Some(number()?),
                "--threads" => wish.threads = Some(number()? as usize),
                "--minutes" => {
                    let minutes = value.parse();
                    wish.minutes = Some(minutes.map_err(|_| format!("{name}: minutes, found {value}"))?);
                }
                "--workload" => {
                    let kind = WorkloadKind::ALL.iter().find(|kind| kind.name() == value);
                    let names: Vec<&str> = WorkloadKind::ALL.iter().map(|kind| kind.name()).collect();
                    let names = names.join(", ");
                    wish.workload = Some(*kind.ok_or(format!("{value} is none of {names}"))?);
                }
                "--only" => wish.only = Some(value),
                _ => return Err(format!("{name} is not known\n{USAGE}")),
            }
        }
        Ok(wish)
    }

    fn scenario(&self, seed: u64) -> Result<Scenario, String> {
        let mut scenario = Scenario::of_seed(seed);
        if let Some(kind) = self.workload {
            scenario = scenario.with_workload(kind);
        }
        if let Some(only) = &self.only {
            let names: Vec<&str> = only.split(',').filter(|name| !name.is_empty()).collect();
            scenario = scenario.only(&names)?;
        }
        scenario.peers = self.peers.unwrap_or(scenario.peers);
        scenario.steps = self.steps.unwrap_or(scenario.steps);
        scenario.pause_us = self.pause_us.unwrap_or(scenario.pause_us);
        Ok(scenario)
    }

    /// How many seeds to run, if that is what is asked for.
    fn seed_count(&self) -> Option<u64> {
        let is_open_ended = self.minutes.is_some() || self.transactions.is_some();
        match (self.seeds, self.first) {
            (Some(count), _) => Some(count),
            (None, _) if is_open_ended => None,
            (None, Some(_)) => Some(1),
            (None, None) => Some(1_000),
        }
    }
}

/// What all runs together have seen.
#[derive(Default)]
struct Total {
    runs: u64,
    transactions: u64,
    commits: u64,
    reads: u64,
    virtual_us: u64,
    counts: BTreeMap<&'static str, u64>,
    workloads: BTreeMap<&'static str, u64>,
    failed: Option<Report>,
}

impl Total {
    fn add(&mut self, report: &Report) {
        self.runs += 1;
        self.transactions += report.transactions;
        self.commits += report.checked.commits;
        self.reads += report.checked.reads;
        self.virtual_us += report.virtual_us;
        for (what, count) in &report.counts {
            *self.counts.entry(what).or_default() += count;
        }
        for kind in &report.scenario.workloads {
            *self.workloads.entry(kind.name()).or_default() += 1;
        }
        if report.violation.is_some() && self.failed.is_none() {
            self.failed = Some(report.clone());
        }
    }

    fn line(&self, since: Instant) -> String {
        let seconds = since.elapsed().as_secs_f64();
        let hours = self.virtual_us as f64 / 3.6e9;
        format!(
            "{seconds:.0} s: {} runs, {} transactions ({} committed, {:.0} a second), {} reads judged, \
             {hours:.1} hours simulated, {} states reached",
            self.runs,
            self.transactions,
            self.commits,
            self.transactions as f64 / seconds.max(0.001),
            self.reads,
            self.counts.len(),
        )
    }

    fn print_states(&self) {
        println!("what happened, how often:");
        for (what, count) in &self.counts {
            println!("{count:>12}  {what}");
        }
        let never = Probe::ALL
            .iter()
            .filter(|probe| !self.counts.contains_key(probe.text()));
        for probe in never {
            println!("{:>12}  {}", "never", probe.text());
        }
        let workloads: Vec<String> = self
            .workloads
            .iter()
            .map(|(name, runs)| format!("{name} {runs}"))
            .collect();
        println!("runs by workload: {}", workloads.join(", "));
    }
}

/// Runs a scenario, and again where that is asked for.
fn run(scenario: &Scenario, is_twice: bool) -> Report {
    let mut report = scenario.run();
    if is_twice && report.violation.is_none() {
        let again = scenario.run();
        if again.trace != report.trace {
            let (one, other) = (report.trace, again.trace);
            report.violation = Some(format!(
                "the second run of the seed is another one: {one:x}, {other:x}"
            ));
        }
    }
    report
}

fn simulate(wish: &Wish) -> Result<Total, String> {
    let first = wish.first.unwrap_or(0);
    wish.scenario(first)?;
    let count = wish.seed_count();
    let since = Instant::now();
    let time = wish
        .minutes
        .map(|minutes| Duration::from_secs_f64(60.0 * minutes));
    let (next, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    let total = Mutex::new(Total::default());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let work = || {
        while !is_over.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let is_last = count.is_some_and(|count| index >= count);
            if is_last || time.is_some_and(|time| since.elapsed() >= time) {
                return;
            }
            // After the largest seed comes the first.
            let seed = first.wrapping_add(index);
            let Ok(scenario) = wish.scenario(seed) else { return };
            let report = run(&scenario, wish.is_twice);
            if wish.has_trace {
                print_latest(&report);
            }
            if wish.has_hash {
                println!("seed {seed}: trace {:016x}", report.trace);
            }
            let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
            total.add(&report);
            let is_enough = wish.transactions.is_some_and(|count| total.transactions >= count);
            if total.failed.is_some() || is_enough {
                is_over.store(true, Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..wish.threads.unwrap_or(cores).max(1))
            .map(|_| scope.spawn(work))
            .collect();
        let mut told = Instant::now();
        while workers.iter().any(|worker| !worker.is_finished()) {
            std::thread::sleep(Duration::from_millis(50));
            if told.elapsed() >= Duration::from_secs(60) {
                told = Instant::now();
                let total = total.lock().unwrap_or_else(PoisonError::into_inner);
                println!("{}", total.line(since));
            }
        }
    });
    let total = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("{}", total.line(since));
    Ok(total)
}

fn print_latest(report: &Report) {
    println!("what happened last (virtual seconds):");
    for happening in &report.latest {
        println!("{happening}");
    }
}

fn print_failure(report: &Report) {
    let violation = report.violation.as_deref().unwrap_or_default();
    println!(
        "\nseed {}: {violation}\n{}",
        report.scenario.seed, report.scenario
    );
    println!("\nlooking for the smallest day that fails …");
    let smallest = minimized(report, |candidate| {
        println!(
            "  fails with {} peers, {} steps, {} workloads, {} hazards",
            candidate.peers,
            candidate.steps,
            candidate.workloads.len(),
            candidate.hazards.len()
        );
    });
    print_latest(&smallest);
    let violation = smallest.violation.as_deref().unwrap_or_default();
    println!(
        "\nseed {}: {violation}\n{}",
        smallest.scenario.seed, smallest.scenario
    );
    println!(
        "\nit is replayed by\n  cargo xtask sim {}",
        smallest.scenario.arguments()
    );
}

fn main() -> ExitCode {
    let wish = match Wish::parse(std::env::args().skip(1)) {
        Ok(wish) => wish,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    // A panic is a violation, and told as one.
    std::panic::set_hook(Box::new(|_| {}));
    match simulate(&wish) {
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
        Ok(total) => {
            total.print_states();
            match &total.failed {
                Some(report) => {
                    print_failure(report);
                    println!("0 passed, 1 failed");
                    ExitCode::FAILURE
                }
                None => {
                    println!("{} passed", total.runs);
                    ExitCode::SUCCESS
                }
            }
        }
    }
}
