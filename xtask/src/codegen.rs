//! `cargo xtask codegen`: writes the sources that are generated from the engine, or checks that they are up to date.
//!
//! The generator is the test of `tests/tidy/generated.rs`, not a module of this tool: the tool must compile while the
//! engine does not.

use anyhow::Result;

use crate::command;

/// Set for the test to write instead of compare.
const WRITE_VARIABLE: &str = "PLINTH_CODEGEN_WRITE";

/// Writes the generated sources; with `check`, only compares.
pub(crate) fn run(check: bool) -> Result<()> {
    let mut cargo = command::cargo();
    cargo.args([
        "test",
        "--quiet",
        "--package",
        "xtask",
        "--test",
        "tidy",
        "--",
        "generated::",
    ]);
    if !check {
        cargo.env(WRITE_VARIABLE, "1");
    }
    command::run(&mut cargo)
}
