//! `cargo xtask …`: the project's one door. Builds, tests, packs and serves Plinth on a machine that has nothing but
//! Rust, Node with npm and a C compiler; what else is needed it installs by name or asks for by name.
//!
//! Nothing here is shipped. It may install named packages and write below the repository, and changes nothing else.

mod apt;
mod bench;
mod bindings;
mod browser;
mod clean;
mod cli;
mod codegen;
mod command;
mod demo;
mod docs;
mod firefox;
mod kit;
mod npm;
mod package;
mod parts;
mod paths;
mod runner_output;
mod simulation;
mod size;
mod stamp;
mod step;
mod summary;
mod toolchain;
mod wasm_tests;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("\nxtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
