//! The Rust toolchain that compiles to WebAssembly: rustup's standard library for wasm32-unknown-unknown, or, where
//! rustup's servers can't be reached, Debian's compiler, which builds that library from Debian's sources.
//!
//! Debian's compiler keeps a target folder of its own: the two would otherwise throw away each other's output. Native
//! code is always built with the ordinary toolchain.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::json;

use crate::apt::{Apt, on_path};
use crate::command;
use crate::paths;
use crate::step::{note, step};

/// The compilation target of the browser.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// Debian's compiler, its cargo, its library sources, its `rust-lld` and the linker that wraps.
const DEBIAN_PACKAGES: [&str; 5] = [
    "rustc-web",
    "cargo-web",
    "rust-web-src",
    "rust-web-llvm",
    "lld-22",
];
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_LINKER: &str = "/usr/bin/rust-lld";

/// A download that hangs must not hang a build for which there is another way.
const RUSTUP_LIMIT: Duration = Duration::from_secs(120);

/// Forces the choice: `rustup` or `debian`.
const CHOICE_VARIABLE: &str = "PLINTH_WASM_TOOLCHAIN";

/// How wasm is compiled on this machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum WasmToolchain {
    /// The ordinary toolchain with its target installed.
    Rustup,
    /// Debian's compiler with `-Zbuild-std`.
    Debian,
}

impl WasmToolchain {
    /// Chooses, installs what is missing, and says what was taken and why.
    pub(crate) fn prepare() -> Result<WasmToolchain> {
        let choice = env::var(CHOICE_VARIABLE).unwrap_or_default();
        let (toolchain, why) = match choice.as_str() {
            "rustup" => (WasmToolchain::Rustup, Self::by_rustup()?),
            "debian" => (WasmToolchain::Debian, Self::by_debian()?),
            "" => Self::choose()?,
            other => bail!("{CHOICE_VARIABLE} is {other:?}; it can be \"rustup\" or \"debian\""),
        };
        let forced = if choice.is_empty() {
            ""
        } else {
            ", as PLINTH_WASM_TOOLCHAIN demands"
        };
        note(&format!("wasm toolchain: {} ({why}{forced})", toolchain.name()));
        Ok(toolchain)
    }

    /// `cargo ACTION --target wasm32-unknown-unknown`, ready for more arguments.
    pub(crate) fn cargo(self, action: &str) -> Command {
        let mut cargo = match self {
            WasmToolchain::Rustup => command::cargo(),
            WasmToolchain::Debian => {
                let mut cargo = command::tool(DEBIAN_CARGO);
                for variable in [
                    "RUSTUP_TOOLCHAIN",
                    "RUSTDOC",
                    "LD_LIBRARY_PATH",
                    "RUSTC_WORKSPACE_WRAPPER",
                ] {
                    cargo.env_remove(variable);
                }
                cargo.env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1");
                cargo
            }
        };
        cargo
            .arg(action)
            .args(["--target", TARGET])
            .arg("--config")
            .arg(format!("target.{TARGET}.rustflags={}", json!(flags())))
            .arg("--target-dir")
            .arg(self.target_dir());
        if self == WasmToolchain::Debian {
            cargo.arg("-Zbuild-std=std,panic_abort");
        }
        cargo
    }

    /// Where its output goes.
    pub(crate) fn target_dir(self) -> PathBuf {
        match self {
            WasmToolchain::Rustup => paths::target(),
            WasmToolchain::Debian => paths::target().join("debian-wasm"),
        }
    }

    fn name(self) -> &'static str {
        match self {
            WasmToolchain::Rustup => "the ordinary Rust toolchain",
            WasmToolchain::Debian => "Debian's Rust, building its standard library from source",
        }
    }

    fn choose() -> Result<(WasmToolchain, String)> {
        if has_wasm_library() {
            return Ok((WasmToolchain::Rustup, Self::by_rustup()?));
        }
        // Before rustup is asked again: on such a machine it did not answer the last time.
        if is_debian_complete() {
            return Ok((WasmToolchain::Debian, Self::by_debian()?));
        }
        let mut failures = Vec::new();
        match Self::by_rustup() {
            Ok(why) => return Ok((WasmToolchain::Rustup, why)),
            Err(error) => failures.push(format!("- rustup: {error:#}")),
        }
        match Self::by_debian() {
            Ok(why) => return Ok((WasmToolchain::Debian, format!("{why}; rustup could not"))),
            Err(error) => failures.push(format!("- Debian: {error:#}")),
        }
        bail!(
            "no way to compile Rust to WebAssembly:\n{}\nInstall one of\n  rustup target add {TARGET}\n  \
             apt-get install --no-install-recommends {}",
            failures.join("\n"),
            DEBIAN_PACKAGES.join(" ")
        )
    }

    fn by_rustup() -> Result<String> {
        if has_wasm_library() {
            return Ok(format!("its library for {TARGET} is installed"));
        }
        if on_path("rustup").is_none() {
            bail!("the toolchain has no library for {TARGET}, and there is no rustup to fetch it");
        }
        step(
            &format!("add rustup's target {TARGET}"),
            "the toolchain can't compile to wasm without",
            || {
                let mut rustup = command::tool("rustup");
                rustup.args(["target", "add", TARGET]).stdin(Stdio::null());
                command::run_within(&mut rustup, RUSTUP_LIMIT)
            },
        )?;
        if !has_wasm_library() {
            bail!("rustup added {TARGET}, but to another toolchain than the one in use");
        }
        Ok("rustup fetched its target".to_owned())
    }

    fn by_debian() -> Result<String> {
        if !is_debian_complete() {
            let Some(apt) = Apt::find() else {
                bail!("no apt-get, or neither root nor sudo without a password");
            };
            apt.install(
                &DEBIAN_PACKAGES,
                "a Rust compiler with the sources of its library for wasm",
            )?;
            if !is_debian_complete() {
                bail!("the packages are installed, but the compiler or its linker is missing");
            }
        }
        Ok("Debian's packages are installed".to_owned())
    }
}

/// Whether the ordinary compiler has a standard library for wasm: from rustup, or from anywhere else.
fn has_wasm_library() -> bool {
    let mut rustc = command::tool("rustc");
    rustc.args(["--print", "target-libdir", "--target", TARGET]);
    let Ok(folder) = command::output(&mut rustc) else {
        return false;
    };
    let Ok(mut files) = fs::read_dir(folder) else {
        return false;
    };
    files.any(|file| file.is_ok_and(|file| file.file_name().to_string_lossy().starts_with("libstd-")))
}

fn is_debian_complete() -> bool {
    if ![DEBIAN_RUSTC, DEBIAN_CARGO, DEBIAN_LINKER]
        .iter()
        .all(|path| Path::new(path).exists())
    {
        return false;
    }
    let mut rustc = command::tool(DEBIAN_RUSTC);
    rustc.env_remove("LD_LIBRARY_PATH").args(["--print", "sysroot"]);
    command::output(&mut rustc).is_ok_and(|sysroot| {
        Path::new(&sysroot)
            .join("lib/rustlib/src/rust/library/std/Cargo.toml")
            .exists()
    })
}

/// Compiler flags for wasm: a function is copied into its callers up to this size only (LLVM's own limit is
/// 225, which makes the wasm larger and nothing faster), and this machine's folders stay out of the messages in what is
/// published.
fn flags() -> Vec<String> {
    let cargo_home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    let root = Some(paths::root());
    let remapped = [(cargo_home, "cargo"), (root, "plinth")]
        .into_iter()
        .filter_map(|(folder, name)| Some(format!("--remap-path-prefix={}={name}", folder?.display())));
    remapped
        .chain(["-Cllvm-args=-inline-threshold=100".to_owned()])
        .collect()
}
