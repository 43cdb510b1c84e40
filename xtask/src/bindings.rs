//! Wasm modules: compiled, bound to JavaScript, optimized. The engine as the package ships it, in `www/generated`, and
//! the simulator as the demo shows it, in `demo/generated`.
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

/// A module: a crate, and where what is made of it goes.
struct Module {
    /// What it is, for people.
    about: &'static str,
    package: &'static str,
    /// The base name of the generated files, which is the crate's.
    out_name: &'static str,
    profile: &'static str,
    features: &'static [&'static str],
    /// How much the optimizer does.
    level: &'static str,
    folder: fn() -> PathBuf,
}

const ENGINE: Module = Module {
    about: "the engine",
    package: "plinth-wasm",
    out_name: "plinth_wasm",
    profile: "web",
    features: &[],
    level: "-O3",
    folder: paths::generated,
};

/// In the profile of `cargo xtask sim`, with its assertions; and with the faults that one can plant in it.
const SIMULATOR: Module = Module {
    about: "the simulator",
    package: "plinth-sim-wasm",
    out_name: "plinth_sim_wasm",
    profile: "sim",
    features: &["canaries"],
    // Half the time, for a module that only the demo loads.
    level: "-O1",
    folder: paths::generated_simulator,
};

/// The version that Cargo.toml demands of the generator; another makes other bindings of the same wasm.
const GENERATOR_VERSION: &str = "0.2.130";

/// The features that rustc itself enables for the target by default: all of them are in every browser of the
/// last three years, and none beyond them may creep in.
const OPTIMIZER_FLAGS: [&str; 8] = [
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
    ENGINE.wasm_file()
}

/// Compiles the engine; answers the file, which has the names of its functions still.
pub(crate) fn compile_engine(toolchain: WasmToolchain) -> Result<PathBuf> {
    ENGINE.compile(toolchain)
}

/// Brings `www/generated` up to date.
pub(crate) fn build(toolchain: WasmToolchain) -> Result<()> {
    make(&ENGINE, "bindings", toolchain)
}

/// Brings `demo/generated` up to date.
pub(crate) fn build_simulator(toolchain: WasmToolchain) -> Result<()> {
    make(&SIMULATOR, "bindings-simulator", toolchain)
}

impl Module {
    fn wasm_file(&self) -> PathBuf {
        (self.folder)().join(format!("{}_bg.wasm", self.out_name))
    }

    fn compile(&self, toolchain: WasmToolchain) -> Result<PathBuf> {
        step(
            &format!("compile {} to wasm", self.about),
            "cargo rebuilds what changed",
            || {
                let mut cargo = toolchain.cargo("build");
                cargo.args(["--profile", self.profile, "--package", self.package]);
                for feature in self.features {
                    cargo.args(["--features", feature]);
                }
                command::run(&mut cargo)
            },
        )?;
        Ok(toolchain
            .target_dir()
            .join(TARGET)
            .join(self.profile)
            .join(format!("{}.wasm", self.out_name)))
    }
}

fn make(module: &Module, stamp: &str, toolchain: WasmToolchain) -> Result<()> {
    let compiled = module.compile(toolchain)?;
    let wasm = module.wasm_file();
    let glue = (module.folder)().join(format!("{}.js", module.out_name));
    let mut flags = vec![module.level];
    flags.extend(OPTIMIZER_FLAGS);
    if env::var_os(NAMES_VARIABLE).is_some() {
        flags.push("--debuginfo");
    }
    let settings = format!("{flags:?} wasm-bindgen {GENERATOR_VERSION}");
    let lock = paths::root().join("package-lock.json");
    Stamp::new(stamp, &settings, &[compiled.clone(), lock], &[wasm.clone(), glue])?.unless_current(|| {
        step("generate the bindings", "what was compiled is new", || {
            generate(module, &compiled)
        })?;
        step("optimize the wasm with wasm-opt", "smaller and faster", || {
            let mut optimizer = npm::bin("wasm-opt", Some("www"));
            command::run(optimizer.arg(&wasm).arg("--output").arg(&wasm).args(&flags))
        })
    })?;
    Ok(())
}

fn generate(module: &Module, compiled: &PathBuf) -> Result<()> {
    let folder = (module.folder)();
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("could not clear {}", paths::shown(&folder)))?;
    }
    let mut generator = Bindgen::new();
    generator.web(true).map_err(|error| anyhow!(error))?;
    generator
        .input_path(compiled)
        .out_name(module.out_name)
        .typescript(true)
        .generate(&folder)
        .map_err(|error| anyhow!(error))
}
