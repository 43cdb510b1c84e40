//! npm: the packages of package-lock.json, and the scripts of the workspaces.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command;
use crate::paths;
use crate::stamp::Stamp;
use crate::step::{note, step};

/// The `engines` of package.json.
const NODE_MAJOR_MIN: u32 = 20;

/// npm in the repository's root. No package may download a browser: an installed one is used.
pub(crate) fn npm() -> Command {
    let mut npm = command::tool(if cfg!(windows) { "npm.cmd" } else { "npm" });
    npm.env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    npm
}

/// The npm script `script` of the workspace `workspace`.
pub(crate) fn script(workspace: &str, script: &str) -> Command {
    let mut npm = npm();
    npm.args(["run", "--silent", script, "--workspace", workspace]);
    npm
}

/// A program that a package of the root brings, or one of `workspace`.
pub(crate) fn bin(name: &str, workspace: Option<&str>) -> Command {
    let mut npm = npm();
    npm.args(["exec", "--no"]);
    if let Some(workspace) = workspace {
        npm.args(["--workspace", workspace]);
    }
    npm.args(["--", name]);
    npm
}

/// Installs what package-lock.json lists, if that has not been done.
pub(crate) fn install() -> Result<()> {
    let root = paths::root();
    let lock = root.join("package-lock.json");
    let modules = root.join("node_modules");
    let node = node_version()?;
    let stamp = Stamp::new("npm", &node, &[lock], &[modules.join(".package-lock.json")])?.kept_in(&modules);
    if stamp.is_current() {
        return Ok(());
    }
    let why = if modules.exists() {
        "package-lock.json or Node is new"
    } else {
        "node_modules is missing"
    };
    step("install the npm packages of package-lock.json", why, || {
        command::run(npm().arg("ci"))
    })?;
    stamp.write()
}

/// Node's version, such as `v20.20.2`; an error if it is older than the package's own tests need.
fn node_version() -> Result<String> {
    let version = command::output(command::tool("node").arg("--version"))
        .context("Node 20 or newer with npm is needed: https://nodejs.org")?;
    let major = version
        .trim_start_matches('v')
        .split('.')
        .next()
        .and_then(|number| number.parse::<u32>().ok());
    if major.is_some_and(|major| major < NODE_MAJOR_MIN) {
        bail!("Node is {version}, and {NODE_MAJOR_MIN} or newer is needed: https://nodejs.org");
    }
    Ok(version)
}

/// Whether the workspace in `folder` has the script `script`; says so when not.
pub(crate) fn has_script(folder: &Path, script: &str) -> Result<bool> {
    let file = folder.join("package.json");
    if !file.exists() {
        note(&format!("{} is not there yet", paths::shown(&file)));
        return Ok(false);
    }
    let text = fs::read_to_string(&file)?;
    let package: serde_json::Value =
        serde_json::from_str(&text).with_context(|| format!("{} is no JSON", paths::shown(&file)))?;
    Ok(package
        .pointer("/scripts")
        .and_then(|scripts| scripts.get(script))
        .is_some())
}
