//! Firefox, the second browser that the package is tested in. Who has none can do without, and is told so; where a
//! machine tests for others (`CI` is set), it has to be there.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::apt::{Apt, on_path};
use crate::command;
use crate::step::note;

/// Names the Firefox to use, before any other is looked for.
pub(crate) const FIREFOX_VARIABLE: &str = "PLINTH_FIREFOX";

const NAMES: [&str; 2] = ["firefox-esr", "firefox"];
const MAC_PATH: &str = "/Applications/Firefox.app/Contents/MacOS/firefox";
const DEBIAN_PACKAGE: &str = "firefox-esr";

/// Finds a Firefox, or installs Debian's; `None` if it can't be had.
pub(crate) fn prepare() -> Result<Option<PathBuf>> {
    if let Some(path) = env::var_os(FIREFOX_VARIABLE).filter(|path| !path.is_empty()) {
        let path = PathBuf::from(path);
        let Some(version) = version_of(&path) else {
            bail!("{FIREFOX_VARIABLE} names {}, which does not run", path.display());
        };
        return Ok(Some(announced(path, &version)));
    }
    if let Some(found) = find() {
        return Ok(Some(found));
    }
    let is_installed = Apt::find().is_some_and(|apt| {
        apt.install(
            &[DEBIAN_PACKAGE],
            "no Firefox was found, and the package is tested in one",
        )
        .is_ok()
    });
    if is_installed && let Some(found) = find() {
        return Ok(Some(found));
    }
    let advice = format!(
        "no Firefox: install it (on Debian: apt-get install {DEBIAN_PACKAGE}), or name the program in \
         {FIREFOX_VARIABLE}"
    );
    if env::var_os("CI").is_some() {
        bail!(advice);
    }
    note(&advice);
    Ok(None)
}

fn find() -> Option<PathBuf> {
    NAMES
        .iter()
        .filter_map(|name| on_path(name))
        .chain([PathBuf::from(MAC_PATH)])
        .find_map(|path| {
            let version = version_of(&path)?;
            Some(announced(path, &version))
        })
}

/// What it says about itself, such as `Mozilla Firefox 153.7.0esr`; `None` if it does not run: Ubuntu's `firefox` may be
/// only a pointer to a snap.
fn version_of(path: &Path) -> Option<String> {
    if !path.is_file() {
        return None;
    }
    let said = command::output(command::tool(path).arg("--version")).ok()?;
    let version = said.lines().find(|line| line.contains("Firefox"))?;
    Some(version.trim().to_owned())
}

fn announced(path: PathBuf, version: &str) -> PathBuf {
    note(&format!("browser: {version} ({})", path.display()));
    path
}
