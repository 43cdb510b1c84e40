//! `cargo xtask codegen`: writes the sources that are generated from the engine, or checks that they are up to date.
//!
//! The generators are tests, `tests/tidy/generated.rs` here and `tests/tuple_vectors.rs` of the engine, not modules of
//! this tool: the tool must compile while the engine does not.

use anyhow::Result;

use crate::command;

/// Set for the test to write instead of compare.
const WRITE_VARIABLE: &str = "PLINTH_CODEGEN_WRITE";

/// The packages with a generator: the test file and which of its tests.
const GENERATORS: [(&str, &str, &str); 2] = [
    ("xtask", "tidy", "generated::"),
    ("plinth-core", "tuple_vectors", "vectors_of_both_sides_agree"),
];

/// Writes the generated sources; with `check`, only compares.
pub(crate) fn run(check: bool) -> Result<()> {
    for (package, test, filter) in GENERATORS {
        let mut cargo = command::cargo();
        cargo.args([
            "test",
            "--quiet",
            "--package",
            package,
            "--test",
            test,
            "--",
            filter,
        ]);
        if !check {
            cargo.env(WRITE_VARIABLE, "1");
        }
        command::run(&mut cargo)?;
    }
    Ok(())
}
