//! The engine as the package ships it: compiled to wasm, bound to JavaScript, optimized, in `www/generated`.
//!
//! The generator is a library of this tool, pinned by Cargo.lock; nothing has to be installed for it.

use std::env;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use wasm_bindgen_cli_support::Bindgen;

use crate::command;
use crate::npm;
use crate::paths;
use crate::stamp::Stamp;
use crate::step::step;
use crate::toolchain::{TARGET, WasmToolchain};

/// Cargo's profile for the wasm.
const PROFILE: &str = "web";

/// The base name of the generated files.
const OUT_NAME: &str = "plinth_wasm";

/// The version that Cargo.toml demands of the generator; another makes other bindings of the same wasm.
const GENERATOR_VERSION: &str = "0.2.130";

/// `-O3`, and the features that rustc itself enables for the target by default: all of them are in every browser of the
/// last three years, and none beyond them may creep in.
const OPTIMIZER_FLAGS: [&str; 9] = [
    "-O3",
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-call-indirect-overlong",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// Set for profiles: the functions of the module keep their names, which makes it a half larger.
const NAMES_VARIABLE: &str = "PLINTH_WASM_NAMES";

/// The module that browsers load.
pub(crate) fn wasm_file() -> PathBuf {
    paths::generated().join(format!("{OUT_NAME}_bg.wasm"))
}

/// Compiles the engine; answers the file, which has the names of its functions still.
pub(crate) fn compile(toolchain: WasmToolchain) -> Result<PathBuf> {
    step(
        "compile the engine to wasm",
        "cargo rebuilds what changed",
        || {
            command::run(
                toolchain
                    .cargo("build")
                    .args(["--profile", PROFILE, "--package", "plinth-wasm"]),
            )
        },
    )?;
    Ok(toolchain
        .target_dir()
        .join(TARGET)
        .join(PROFILE)
        .join(format!("{OUT_NAME}.wasm")))
}

/// Brings `www/generated` up to date.
pub(crate) fn build(toolchain: WasmToolchain) -> Result<()> {
    let compiled = compile(toolchain)?;
    let glue = paths::generated().join(format!("{OUT_NAME}.js"));
    let mut flags = OPTIMIZER_FLAGS.to_vec();
    if env::var_os(NAMES_VARIABLE).is_some() {
        flags.push("--debuginfo");
    }
    let settings = format!("{flags:?} wasm-bindgen {GENERATOR_VERSION}");
    let lock = paths::root().join("package-lock.json");
    Stamp::new(
        "bindings",
        &settings,
        &[compiled.clone(), lock],
        &[wasm_file(), glue],
    )?
    .unless_current(|| {
        step("generate the bindings", "the compiled engine is new", || {
            generate(&compiled)
        })?;
        step("optimize the wasm with wasm-opt", "smaller and faster", || {
            let mut optimizer = npm::bin("wasm-opt", Some("www"));
            command::run(
                optimizer
                    .arg(wasm_file())
                    .arg("--output")
                    .arg(wasm_file())
                    .args(&flags),
            )
        })
    })?;
    Ok(())
}

fn generate(compiled: &PathBuf) -> Result<()> {
    let folder = paths::generated();
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("could not clear {}", paths::shown(&folder)))?;
    }
    let mut generator = Bindgen::new();
    generator.web(true).map_err(|error| anyhow!(error))?;
    generator
        .input_path(compiled)
        .out_name(OUT_NAME)
        .typescript(true)
        .generate(&folder)
        .map_err(|error| anyhow!(error))
}
