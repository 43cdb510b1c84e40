//! `cargo xtask sim`: builds the simulator, optimized and with its assertions, and runs it.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::command;

/// Transactions of an ordinary test run.
pub(crate) const ORDINARY_TRANSACTIONS: &str = "1000000";

/// The simulator with these arguments.
pub(crate) fn simulator(arguments: &[impl AsRef<str>]) -> Command {
    let mut cargo = command::cargo();
    cargo.args(["run", "--quiet", "--profile", "sim", "--package", "plinth-sim"]);
    cargo.args(["--bin", "simulate", "--"]);
    cargo.args(arguments.iter().map(AsRef::as_ref));
    cargo
}

/// Runs it with the terminal's own output.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let status = simulator(arguments).status();
    let status = status.context("could not start cargo")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
