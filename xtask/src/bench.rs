//! `cargo xtask bench`: Plinth beside what a page would use instead, in a headless browser.
//!
//! The benchmark itself is the workspace `bench`; this prepares the package and the browser for it.

use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::browser::BROWSER_VARIABLE;
use crate::command;
use crate::kit::Kit;
use crate::npm;

/// What to measure, or what to do with what was measured.
#[derive(Args)]
pub(crate) struct Options {
    /// Only these: W1 to W9, tasks, memory, size
    #[arg(long, value_name = "W3,W6")]
    only: Option<String>,
    /// Only these contestants, such as plinth,raw-indexeddb
    #[arg(long, value_name = "NAMES")]
    contestants: Option<String>,
    /// Only commits as durable as this: strict or relaxed
    #[arg(long, value_name = "HOW")]
    durability: Option<String>,
    /// Rounds; 5 without it
    #[arg(long, value_name = "N")]
    rounds: Option<u32>,
    /// Rows of the data set; 100,000 without it
    #[arg(long, value_name = "N")]
    rows: Option<u32>,
    /// Also W5 on a million rows
    #[arg(long)]
    million: bool,
    /// Keep what the last run found about everything else, to measure in parts
    #[arg(long)]
    add: bool,
    /// Also record where Plinth's time goes, as Chromium CPU profiles
    #[arg(long)]
    profile: bool,
    /// Paste the table of the last run into the README, and measure nothing
    #[arg(long)]
    readme: bool,
    /// Check the place and the form of the README's table, and measure nothing
    #[arg(long)]
    check: bool,
}

/// Measures, or deals with the README.
pub(crate) fn run(options: &Options) -> Result<()> {
    let kit = Kit::default();
    let mut command = if options.readme || options.check {
        kit.npm()?;
        npm::script("bench", "bench")
    } else {
        command(&kit)?
    };
    command::run(command.arg("--").args(options.arguments()))
}

/// The benchmark on the built package; its options follow after `--`.
pub(crate) fn command(kit: &Kit) -> Result<Command> {
    kit.built()?;
    let browser = kit.browser()?;
    let mut command = npm::script("bench", "bench");
    command.env(BROWSER_VARIABLE, browser.path);
    Ok(command)
}

impl Options {
    fn arguments(&self) -> Vec<String> {
        let values = [
            ("only", self.only.clone()),
            ("contestants", self.contestants.clone()),
            ("durability", self.durability.clone()),
            ("rounds", self.rounds.map(|rounds| rounds.to_string())),
            ("rows", self.rows.map(|rows| rows.to_string())),
        ];
        let flags = [
            ("million", self.million),
            ("add", self.add),
            ("profile", self.profile),
            ("readme", self.readme),
            ("check", self.check),
        ];
        let values = values
            .into_iter()
            .filter_map(|(name, value)| value.map(|value| format!("--{name}={value}")));
        let flags = flags
            .into_iter()
            .filter(|(_, is_set)| *is_set)
            .map(|(name, _)| format!("--{name}"));
        values.chain(flags).collect()
    }
}
