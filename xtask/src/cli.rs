//! The command line.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use clap::builder::PossibleValuesParser;
use clap::{Parser, Subcommand};

use crate::bench;
use crate::clean;
use crate::codegen;
use crate::demo;
use crate::docs;
use crate::kit::Kit;
use crate::package;
use crate::parts::{self, PARTS};
use crate::simulation;
use crate::size;
use crate::wasm_tests;

const VARIABLES: &str = "\
Environment:
  PLINTH_CHROMIUM        the browser to test in, if not the one that is found
  PLINTH_FIREFOX         the Firefox to test in, likewise
  CHROMEDRIVER           the driver of that browser
  PLINTH_WASM_TOOLCHAIN  rustup or debian: how to compile to wasm, if not as chosen
  PLINTH_WASM_NAMES      set: keep the names of the engine's functions in the wasm, for profiles";

/// Plinth's commands. Each prepares what it needs: compiler, npm packages, browser.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", disable_help_subcommand = true, after_help = VARIABLES)]
struct Cli {
    #[command(subcommand)]
    command: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Build everything and serve the demo page on a loopback port until Ctrl-C
    Demo {
        /// The port to serve on; without it, 4173 or any that is free
        #[arg(long)]
        port: Option<u16>,
    },
    /// Run all tests, or some parts of them
    Test {
        /// Run only these parts
        #[arg(long, num_args = 1.., value_delimiter = ',', value_name = "NAME", value_parser = part_names())]
        only: Vec<String>,
        /// List the parts
        #[arg(long)]
        list: bool,
    },
    /// Simulate hostile days: --seeds N, --seed S, --workload W, --minutes M and others (`sim --help`)
    #[command(disable_help_flag = true)]
    Sim {
        /// Passed on to the simulator
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Build the npm package in www/dist
    Build,
    /// Print what the engine's wasm is made of, by module and by function
    Size,
    /// Build the npm package and leave it as www/plinthdb-VERSION.tgz
    Pack,
    /// Measure Plinth beside what a page would use instead, in a headless browser
    Bench(bench::Options),
    /// Write the API reference to reference/dist
    Docs,
    /// Write the sources that are generated from the engine
    Codegen {
        /// Only fail if they are not up to date
        #[arg(long)]
        check: bool,
    },
    /// Remove what these commands made
    Clean {
        /// Also cargo's target folder and the npm packages
        #[arg(long)]
        all: bool,
    },
    /// Run one wasm test binary in the browser; called by cargo
    #[command(name = wasm_tests::RUNNER, hide = true)]
    WasmTestRunner {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

/// Does what the command line asks for.
pub(crate) fn run() -> Result<ExitCode> {
    match Cli::parse().command {
        Action::Demo { port } => demo::run(port)?,
        Action::Test { list: true, .. } => list_parts(),
        Action::Test { only, .. } => {
            let summary = parts::run(&only);
            println!("{}", summary.text());
            if !summary.is_success() {
                return Ok(ExitCode::FAILURE);
            }
        }
        Action::Sim { arguments } => return simulation::run(&arguments),
        Action::Build => {
            Kit::default().built()?;
            package::print_sizes()?;
        }
        Action::Docs => docs::run()?,
        Action::Size => size::run()?,
        Action::Pack => {
            Kit::default().packed()?;
        }
        Action::Bench(options) => bench::run(&options)?,
        Action::Codegen { check } => codegen::run(check)?,
        Action::Clean { all } => clean::run(all)?,
        Action::WasmTestRunner { arguments } => wasm_tests::run(arguments)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list_parts() {
    for part in &PARTS {
        println!("{:12}{}", part.name, part.about);
    }
}

fn part_names() -> PossibleValuesParser {
    PossibleValuesParser::new(PARTS.iter().map(|part| part.name))
}
