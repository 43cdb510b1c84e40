//! The parts of `cargo xtask test`: what each runs and how it knows that something ran.
//!
//! A part that fails does not stop the others, so that one run shows everything there is to mend.

use std::io::{self, IsTerminal};
use std::process::Command;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::apt::on_path;
use crate::bench;
use crate::browser::BROWSER_VARIABLE;
use crate::command;
use crate::firefox::FIREFOX_VARIABLE;
use crate::kit::Kit;
use crate::npm;
use crate::paths;
use crate::runner_output::Tally;
use crate::simulation;
use crate::step::seconds;
use crate::summary::{Outcome, Summary};
use crate::wasm_tests;

/// One part: its name for `--only`, what it is about, and how it runs. The answer says what was run.
pub(crate) struct Part {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    run: fn(&Kit) -> Result<String>,
}

/// All parts, the quick ones first.
pub(crate) const PARTS: [Part; 10] = [
    Part {
        name: "lint-rust",
        about: "rustfmt and clippy, warnings denied",
        run: lint_rust,
    },
    Part {
        name: "tidy",
        about: "layers, file sizes, generated sources; this tool's own tests",
        run: tidy,
    },
    Part {
        name: "rust",
        about: "the engine's tests, native, with a million simulated transactions and planted faults",
        run: rust,
    },
    Part {
        name: "wasm",
        about: "the wasm crate's tests in a headless browser",
        run: wasm,
    },
    Part {
        name: "lint-js",
        about: "biome on TypeScript, JavaScript, CSS and JSON",
        run: lint_js,
    },
    Part {
        name: "types",
        about: "the TypeScript compiler over the package, its tests and the demo",
        run: types,
    },
    Part {
        name: "package",
        about: "the packed npm package in Node and in a headless Chromium",
        run: package,
    },
    Part {
        name: "bench",
        about: "the benchmark, made small: everybody does the work, nobody is timed",
        run: bench,
    },
    Part {
        name: "firefox",
        about: "the packed npm package's API suite in a headless Firefox",
        run: firefox,
    },
    Part {
        name: "demo",
        about: "the demo page in a headless browser",
        run: demo,
    },
];

/// Runs the parts named (all, when none is), and sums up.
pub(crate) fn run(only: &[String]) -> Summary {
    let kit = Kit::default();
    let mut summary = Summary::default();
    for part in PARTS
        .iter()
        .filter(|part| only.is_empty() || only.iter().any(|name| name == part.name))
    {
        eprintln!("\n=== {}: {}", part.name, part.about);
        let begin = Instant::now();
        let result = (part.run)(&kit).map_err(|error| format!("{error:#}"));
        let took = begin.elapsed();
        match &result {
            Ok(detail) => eprintln!("=== {}: {detail}, {}", part.name, seconds(took)),
            Err(reason) => eprintln!("=== {}: FAILED: {reason}", part.name),
        }
        summary.add(Outcome {
            part: part.name,
            took,
            result,
        });
    }
    summary
}

fn lint_rust(_: &Kit) -> Result<String> {
    let format = command::run(command::cargo().args(["fmt", "--all", "--check"]));
    let clippy = command::run(command::cargo().args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "--deny",
        "warnings",
    ]));
    format.and(clippy)?;
    Ok("format and lints are clean".to_owned())
}

fn tidy(_: &Kit) -> Result<String> {
    tests(&mut cargo_tests(&["--package", "xtask"]))
}

fn rust(_: &Kit) -> Result<String> {
    let packages = [
        "--workspace",
        "--exclude",
        "xtask",
        "--exclude",
        "plinth-wasm",
        "--exclude",
        "plinth-sim-wasm",
    ];
    let counted = tests(&mut cargo_tests(&packages));
    let mut examples = Tally::default();
    let documentation = command::run_seen(command::cargo().args(["test", "--doc"]).args(packages), |line| {
        examples.see(line);
    })?;
    let planted = tests(&mut command_of_canaries());
    let days = tests(&mut simulation::simulator(&[
        "--transactions",
        simulation::ORDINARY_TRANSACTIONS,
    ]));
    let (counted, planted, days) = (counted?, planted?, days?);
    if !documentation {
        bail!("{} examples in the documentation failed", examples.failed);
    }
    Ok(format!(
        "{counted}, {} examples, {planted} of planted faults, {days} of simulated days",
        examples.passed
    ))
}

/// A build of its own: the faults are in no other.
fn command_of_canaries() -> Command {
    let mut cargo = command::cargo();
    cargo.args(["test", "--package", "plinth-sim", "--features", "canaries"]);
    cargo.args(["--test", "canaries"]);
    cargo
}

fn wasm(kit: &Kit) -> Result<String> {
    let toolchain = kit.toolchain()?;
    let browser = kit.browser()?;
    tests(&mut wasm_tests::cargo_test(toolchain, &browser)?)
}

fn lint_js(kit: &Kit) -> Result<String> {
    kit.npm()?;
    let mut checked = String::new();
    let colours = if io::stdout().is_terminal() {
        "--colors=force"
    } else {
        "--colors=off"
    };
    let success = command::run_seen(npm::bin("biome", None).args(["ci", colours]), |line| {
        if line.starts_with("Checked ") {
            line.clone_into(&mut checked);
        }
    })?;
    if !success {
        bail!("biome is not content: `npx biome check --write` mends most of it");
    }
    if checked.is_empty() || checked.starts_with("Checked 0 ") {
        bail!("biome checked no file");
    }
    Ok(checked)
}

fn types(kit: &Kit) -> Result<String> {
    // The tests of the package see the types that it ships, and the demo those of the simulator.
    kit.unpacked()?;
    kit.simulator()?;
    let mut checked = Vec::new();
    let mut failed = Vec::new();
    for (workspace, folder) in [
        ("www", paths::www()),
        ("pkg-tests", paths::package_tests()),
        ("bench", paths::bench()),
        ("demo", paths::demo()),
    ] {
        if npm::has_script(&folder, "types")? {
            let good = command::run(&mut npm::script(workspace, "types")).is_ok();
            if good {
                checked.push(workspace);
            } else {
                failed.push(workspace);
            }
        }
    }
    if !failed.is_empty() {
        bail!("types are wrong in {}", failed.join(", "));
    }
    if checked.is_empty() {
        bail!("no workspace has a script `types`");
    }
    Ok(format!("types are right in {}", checked.join(", ")))
}

fn package(kit: &Kit) -> Result<String> {
    kit.unpacked()?;
    let browser = kit.browser()?;
    tests(npm::script("pkg-tests", "test").env(BROWSER_VARIABLE, browser.path))
}

fn bench(kit: &Kit) -> Result<String> {
    tests(bench::command(kit)?.args(["--", "--smoke"]))
}

fn firefox(kit: &Kit) -> Result<String> {
    let Some(path) = kit.firefox()? else {
        return Ok("SKIPPED: there is no Firefox here".to_owned());
    };
    kit.unpacked()?;
    tests(
        npm::script("pkg-tests", "test")
            .args(["--", "--browser", "firefox", "--part", "page"])
            .env(FIREFOX_VARIABLE, path),
    )
}

fn demo(kit: &Kit) -> Result<String> {
    kit.built()?;
    kit.simulator()?;
    let browser = kit.browser()?;
    tests(npm::script("demo", "test").env(BROWSER_VARIABLE, browser.path))
}

/// Native tests of some packages, by nextest where it is installed.
fn cargo_tests(packages: &[&str]) -> Command {
    let mut cargo = command::cargo();
    if on_path("cargo-nextest").is_some() {
        cargo.args(["nextest", "run", "--no-fail-fast"]).args(packages);
    } else {
        cargo
            .args(["test", "--no-fail-fast", "--all-targets"])
            .args(packages);
    }
    cargo
}

/// Runs `command`; a success counts only if tests ran.
fn tests(command: &mut Command) -> Result<String> {
    let mut tally = Tally::default();
    let success = command::run_seen(command, |line| tally.see(line))?;
    let Tally {
        passed,
        failed,
        skipped,
    } = tally;
    if failed > 0 {
        bail!("{failed} of {} tests failed", passed + failed);
    }
    if !success {
        bail!("`{}` failed", command::line(command));
    }
    if passed == 0 {
        bail!("`{}` ran no test", command::line(command));
    }
    let skipped = if skipped == 0 {
        String::new()
    } else {
        format!(", {skipped} skipped")
    };
    let noun = if passed == 1 { "test" } else { "tests" };
    Ok(format!("{passed} {noun}{skipped}"))
}
