//! The browser that tests run in: an installed Chromium or Chrome, and the chromedriver that goes with it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::apt::{Apt, on_path};
use crate::command;
use crate::step::note;

/// Names the browser to use, before any other is looked for.
pub(crate) const BROWSER_VARIABLE: &str = "PLINTH_CHROMIUM";
/// Names the driver to use; the variable of wasm-bindgen's test runner.
pub(crate) const DRIVER_VARIABLE: &str = "CHROMEDRIVER";

const BROWSER_NAMES: [&str; 6] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "chrome-browser",
];
const DEBIAN_PACKAGES: [&str; 2] = ["chromium", "chromium-driver"];

/// An installed browser.
#[derive(Clone, Debug)]
pub(crate) struct Browser {
    /// The program.
    pub(crate) path: PathBuf,
    /// What it says about itself, such as `Chromium 156.0.8078.79`.
    pub(crate) version: String,
}

impl Browser {
    /// Finds a browser, or installs Debian's.
    pub(crate) fn prepare() -> Result<Browser> {
        if let Some(path) = env::var_os(BROWSER_VARIABLE).filter(|path| !path.is_empty()) {
            let path = PathBuf::from(path);
            let Some(browser) = Browser::at(&path) else {
                bail!("{BROWSER_VARIABLE} names {}, which does not run", path.display());
            };
            return Ok(browser.announced());
        }
        if let Some(browser) = Browser::find() {
            return Ok(browser.announced());
        }
        if let Some(apt) = Apt::find() {
            apt.install(
                &DEBIAN_PACKAGES,
                "no Chromium or Chrome was found, and the tests run in one",
            )?;
            if let Some(browser) = Browser::find() {
                return Ok(browser.announced());
            }
        }
        bail!(
            "no browser: install Chromium or Google Chrome (on Debian: apt-get install {}), or name the program in \
             {BROWSER_VARIABLE}",
            DEBIAN_PACKAGES.join(" ")
        )
    }

    /// The chromedriver of this browser; installs Debian's where the browser is Debian's.
    pub(crate) fn driver(&self) -> Result<PathBuf> {
        if let Some(path) = env::var_os(DRIVER_VARIABLE).filter(|path| !path.is_empty()) {
            return Ok(path.into());
        }
        if on_path("chromedriver").is_none()
            && let Some(apt) = Apt::find()
            && self.path.ends_with("bin/chromium")
        {
            apt.install(
                &DEBIAN_PACKAGES,
                "the Rust tests in the browser need a chromedriver",
            )?;
        }
        let Some(path) = on_path("chromedriver") else {
            bail!(
                "no chromedriver for {}: install the one of its version, or name it in {DRIVER_VARIABLE}",
                self.version
            );
        };
        let version = command::output(command::tool(&path).arg("--version"))?;
        if major(&version) != major(&self.version) {
            bail!(
                "{} does not go with {}: {DRIVER_VARIABLE} can name another",
                version,
                self.version
            );
        }
        Ok(path)
    }

    fn find() -> Option<Browser> {
        BROWSER_NAMES
            .iter()
            .filter_map(|name| on_path(name))
            .chain(application_folders())
            .chain(playwright_browsers())
            .find_map(|path| Browser::at(&path))
    }

    /// The browser at `path`, if it runs: Ubuntu's `chromium-browser` is only a pointer to a snap.
    fn at(path: &Path) -> Option<Browser> {
        if !path.is_file() {
            return None;
        }
        // Windows' Chrome opens a window instead of answering.
        if cfg!(windows) {
            return Some(Browser {
                path: path.to_path_buf(),
                version: "Chrome".to_owned(),
            });
        }
        let version = command::output(command::tool(path).arg("--version")).ok()?;
        Some(Browser {
            path: path.to_path_buf(),
            version: version.lines().last()?.trim().to_owned(),
        })
    }

    fn announced(self) -> Browser {
        note(&format!("browser: {} ({})", self.version, self.path.display()));
        self
    }
}

/// Where Chrome is installed on systems that don't use `PATH` for it.
fn application_folders() -> Vec<PathBuf> {
    let mut paths = vec![
        PathBuf::from("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
        PathBuf::from("/Applications/Chromium.app/Contents/MacOS/Chromium"),
    ];
    for variable in ["PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"] {
        paths.extend(
            env::var_os(variable)
                .map(|folder| Path::new(&folder).join("Google/Chrome/Application/chrome.exe")),
        );
    }
    paths
}

/// Browsers that Playwright downloaded for another project, newest first.
fn playwright_browsers() -> Vec<PathBuf> {
    let Some(home) = env::home_dir() else {
        return Vec::new();
    };
    let caches = [
        home.join(".cache/ms-playwright"),
        home.join("Library/Caches/ms-playwright"),
    ];
    let mut folders: Vec<PathBuf> = caches
        .iter()
        .filter_map(|cache| fs::read_dir(cache).ok())
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("chromium-"))
        })
        .collect();
    folders.sort();
    let programs = [
        "chrome-linux/chrome",
        "chrome-linux64/chrome",
        "chrome-mac/Chromium.app/Contents/MacOS/Chromium",
        "chrome-mac-arm64/Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing",
    ];
    folders
        .iter()
        .rev()
        .flat_map(|folder| programs.iter().map(|program| folder.join(program)))
        .collect()
}

/// The first number in a version text.
fn major(version: &str) -> Option<u32> {
    let digits: String = version
        .chars()
        .skip_while(|char| !char.is_ascii_digit())
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browser_and_driver_are_compared_by_their_major_version() {
        assert_eq!(major("Chromium 156.0.8078.79 built on Debian"), Some(156));
        assert_eq!(
            major("ChromeDriver 156.0.8078.79 (abc-refs/branch-heads/8078@{#1})"),
            Some(156)
        );
        assert_eq!(major("Chrome"), None);
    }
}
