//! Options as JavaScript objects.

use plinth_core::words::Durability;
use plinth_core::{Error, ErrorCode, Result};
use serde::Deserialize;
use wasm_bindgen::prelude::*;

/// IndexedDB's word for the durability of a commit.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DurabilityOption {
    /// Acknowledged when flushed to the disk.
    Strict,
    /// Acknowledged when handed to the operating system.
    Relaxed,
}

impl From<DurabilityOption> for Durability {
    fn from(option: DurabilityOption) -> Durability {
        match option {
            DurabilityOption::Strict => Durability::Strict,
            DurabilityOption::Relaxed => Durability::Relaxed,
        }
    }
}

/// Options of a database, and of a transaction, which override the database's.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Options {
    /// When a commit counts as done.
    pub(crate) durability: Option<DurabilityOption>,
}

impl Options {
    /// Reads an options object; `undefined` and `null` are no options.
    pub(crate) fn from_js(value: JsValue) -> Result<Options> {
        if value.is_undefined() || value.is_null() {
            return Ok(Options::default());
        }
        serde_wasm_bindgen::from_value(value)
            .map_err(|error| Error::new(ErrorCode::InvalidOptionValue, format!("options: {error}")))
    }
}
