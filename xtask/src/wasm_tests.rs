//! The Rust tests that run in a browser: `cargo test` for wasm, with this tool as the runner of the test binaries.
//!
//! wasm-bindgen's runner is a library of this tool: installing it as a program would compile the same crates again,
//! for minutes.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::json;

use crate::browser::{Browser, DRIVER_VARIABLE};
use crate::paths;
use crate::toolchain::{TARGET, WasmToolchain};

/// The hidden subcommand that cargo calls with a test binary.
pub(crate) const RUNNER: &str = "wasm-test-runner";

/// A browser that starts slowly on a loaded machine must not look like a failed test.
const TEST_SECONDS_MAX: &str = "300";

/// `cargo test` of the wasm crate in `browser`.
pub(crate) fn cargo_test(toolchain: WasmToolchain, browser: &Browser) -> Result<Command> {
    let driver = browser.driver()?;
    let capabilities = write_capabilities(browser)?;
    let runner = env::current_exe().context("this program does not know where it is")?;
    // As a list, because a path may contain spaces.
    let runner = json!([runner, RUNNER]);
    let mut cargo = toolchain.cargo("test");
    cargo
        .args(["--package", "plinth-wasm", "--tests", "--no-fail-fast"])
        .arg("--config")
        .arg(format!("target.{TARGET}.runner={runner}"))
        .env(DRIVER_VARIABLE, driver)
        .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", capabilities)
        .env("WASM_BINDGEN_TEST_TIMEOUT", TEST_SECONDS_MAX)
        .env("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", "30");
    Ok(cargo)
}

/// What cargo calls: runs one test binary.
pub(crate) fn run(arguments: Vec<OsString>) -> Result<()> {
    let arguments = [OsString::from("wasm-bindgen-test-runner")]
        .into_iter()
        .chain(arguments);
    wasm_bindgen_cli::wasm_bindgen_test_runner::run_cli_with_args(arguments)
}

/// Which browser chromedriver is to start, and how. The runner itself adds headless and no-sandbox.
fn write_capabilities(browser: &Browser) -> Result<PathBuf> {
    let file = paths::work().join("webdriver.json");
    let capabilities = json!({
        "goog:chromeOptions": {
            "binary": browser.path,
            "args": [
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        },
    });
    fs::create_dir_all(paths::work())?;
    fs::write(&file, format!("{capabilities:#}\n"))
        .with_context(|| format!("could not write {}", paths::shown(&file)))?;
    Ok(file)
}
