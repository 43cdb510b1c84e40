//! What commands need before they can begin, each prepared once, on first use, with its failure remembered: nine parts
//! of a test run that need a browser look for it once, and all fail with the same reason if there is none.

use std::cell::OnceCell;
use std::path::PathBuf;

use anyhow::{Result, anyhow};

use crate::bindings;
use crate::browser::Browser;
use crate::firefox;
use crate::npm;
use crate::package;
use crate::toolchain::WasmToolchain;

/// The prepared things.
#[derive(Default)]
pub(crate) struct Kit {
    toolchain: OnceCell<Remembered<WasmToolchain>>,
    npm: OnceCell<Remembered<()>>,
    browser: OnceCell<Remembered<Browser>>,
    firefox: OnceCell<Remembered<Option<PathBuf>>>,
    built: OnceCell<Remembered<()>>,
    simulator: OnceCell<Remembered<()>>,
    packed: OnceCell<Remembered<PathBuf>>,
    unpacked: OnceCell<Remembered<()>>,
}

type Remembered<T> = std::result::Result<T, String>;

impl Kit {
    /// A compiler to wasm.
    pub(crate) fn toolchain(&self) -> Result<WasmToolchain> {
        once(&self.toolchain, WasmToolchain::prepare)
    }

    /// The npm packages.
    pub(crate) fn npm(&self) -> Result<()> {
        once(&self.npm, npm::install)
    }

    /// A browser.
    pub(crate) fn browser(&self) -> Result<Browser> {
        once(&self.browser, Browser::prepare)
    }

    /// Firefox, if it can be had.
    pub(crate) fn firefox(&self) -> Result<Option<PathBuf>> {
        once(&self.firefox, firefox::prepare)
    }

    /// The npm package, built.
    pub(crate) fn built(&self) -> Result<()> {
        once(&self.built, || {
            let toolchain = self.toolchain()?;
            self.npm()?;
            bindings::build(toolchain)?;
            package::build()
        })
    }

    /// The simulator as the demo loads it.
    pub(crate) fn simulator(&self) -> Result<()> {
        once(&self.simulator, || {
            let toolchain = self.toolchain()?;
            self.npm()?;
            bindings::build_simulator(toolchain)
        })
    }

    /// The npm package, built and packed.
    pub(crate) fn packed(&self) -> Result<PathBuf> {
        once(&self.packed, || {
            self.built()?;
            package::pack()
        })
    }

    /// The npm package where its tests import it, as a user installs it.
    pub(crate) fn unpacked(&self) -> Result<()> {
        once(&self.unpacked, || package::unpack(&self.packed()?))
    }
}

fn once<T: Clone>(cell: &OnceCell<Remembered<T>>, prepare: impl FnOnce() -> Result<T>) -> Result<T> {
    cell.get_or_init(|| prepare().map_err(|error| format!("{error:#}")))
        .clone()
        .map_err(|error| anyhow!(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_remembered_not_repeated() {
        let cell = OnceCell::new();
        let first: Result<()> = once(&cell, || Err(anyhow!("no network")));
        let second = once(&cell, || Ok(()));
        assert_eq!(first.unwrap_err().to_string(), "no network");
        assert_eq!(second.unwrap_err().to_string(), "no network");
    }
}
