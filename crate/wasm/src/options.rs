//! What `open` is given besides a name. FoundationDB's own options come one by one, by their numbers.

use plinth_core::engine::EngineOptions;
use plinth_core::words::Durability;
use plinth_core::{DatabaseOptions, Error, ErrorCode, Result};
use serde::Deserialize;
use wasm_bindgen::prelude::*;

/// IndexedDB's word for the durability of a commit.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum DurabilityOption {
    /// Acknowledged when flushed to the disk.
    Strict,
    /// Acknowledged when handed to the operating system.
    Relaxed,
}

/// The options as the package passes them.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct OpenChoices {
    durability: Option<DurabilityOption>,
    defers_errors: bool,
    cache_bytes: Option<f64>,
    salvage: bool,
}

/// Reads the options of `open`.
pub(crate) fn open_options(value: JsValue) -> Result<(DatabaseOptions, EngineOptions)> {
    let chosen: OpenChoices = serde_wasm_bindgen::from_value(value)
        .map_err(|error| Error::new(ErrorCode::InvalidOptionValue, format!("options: {error}")))?;
    let mut options = DatabaseOptions::default();
    options.transactions.durability = match chosen.durability {
        None | Some(DurabilityOption::Strict) => Durability::Strict,
        Some(DurabilityOption::Relaxed) => Durability::Relaxed,
    };
    options.transactions.defers_errors = chosen.defers_errors;
    let mut engine = EngineOptions {
        salvage: chosen.salvage,
        ..EngineOptions::default()
    };
    if let Some(bytes) = chosen.cache_bytes {
        engine.cache_bytes = checked_bytes("cacheBytes", bytes)?;
    }
    Ok((options, engine))
}

/// A number of bytes.
fn checked_bytes(name: &str, found: f64) -> Result<usize> {
    const BYTES_MAX: f64 = 2_147_483_647.0;
    if found.fract() == 0.0 && (0.0..=BYTES_MAX).contains(&found) {
        return Ok(found as usize);
    }
    Err(Error::new(
        ErrorCode::InvalidOptionValue,
        format!("{name}: an integer from 0 to {BYTES_MAX} was expected, found {found}"),
    ))
}
