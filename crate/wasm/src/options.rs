//! Options as JavaScript objects, under FoundationDB's names, checked against its limits.

use plinth_core::words::{Durability, TRANSACTION_BYTES_MAX};
use plinth_core::{Error, ErrorCode, Result, TransactionOptions};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;

/// Longest timeout and delay, in milliseconds, and the largest retry limit.
const INTEGER_MAX: f64 = 2_147_483_647.0;
/// Smallest size limit, in bytes.
const SIZE_LIMIT_MIN: f64 = 32.0;

/// IndexedDB's word for the durability of a commit.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum DurabilityOption {
    /// Acknowledged when flushed to the disk.
    Strict,
    /// Acknowledged when handed to the operating system.
    Relaxed,
}

/// Options of a transaction.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct TransactionChoices {
    durability: Option<DurabilityOption>,
    timeout: Option<f64>,
    retry_limit: Option<f64>,
    max_retry_delay: Option<f64>,
    size_limit: Option<f64>,
}

/// Options of a database: the defaults of its transactions.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct DatabaseChoices {
    durability: Option<DurabilityOption>,
    transaction_timeout: Option<f64>,
    transaction_retry_limit: Option<f64>,
    transaction_max_retry_delay: Option<f64>,
    transaction_size_limit: Option<f64>,
}

/// Reads the options of a database.
pub(crate) fn database_options(value: JsValue) -> Result<TransactionOptions> {
    let chosen: DatabaseChoices = from_js(value)?;
    let chosen = TransactionChoices {
        durability: chosen.durability,
        timeout: chosen.transaction_timeout,
        retry_limit: chosen.transaction_retry_limit,
        max_retry_delay: chosen.transaction_max_retry_delay,
        size_limit: chosen.transaction_size_limit,
    };
    chosen.apply_to(TransactionOptions::default())
}

/// Reads the options of a transaction, on top of those of its database.
pub(crate) fn transaction_options(
    value: JsValue,
    defaults: TransactionOptions,
) -> Result<TransactionOptions> {
    from_js::<TransactionChoices>(value)?.apply_to(defaults)
}

impl TransactionChoices {
    fn apply_to(self, mut options: TransactionOptions) -> Result<TransactionOptions> {
        if let Some(durability) = self.durability {
            options.durability = match durability {
                DurabilityOption::Strict => Durability::Strict,
                DurabilityOption::Relaxed => Durability::Relaxed,
            };
        }
        if let Some(timeout) = checked("timeout", self.timeout, 0.0, INTEGER_MAX)? {
            options.timeout_us = (timeout > 0).then_some(timeout * 1_000);
        }
        if let Some(limit) = self.retry_limit {
            options.retry.retry_limit = match limit {
                -1.0 => None,
                _ => checked("retry_limit", self.retry_limit, -1.0, INTEGER_MAX)?,
            };
        }
        if let Some(delay) = checked("max_retry_delay", self.max_retry_delay, 0.0, INTEGER_MAX)? {
            options.retry.retry_delay_max_us = delay * 1_000;
        }
        if let Some(limit) = checked(
            "size_limit",
            self.size_limit,
            SIZE_LIMIT_MIN,
            TRANSACTION_BYTES_MAX as f64,
        )? {
            options.size_limit = Some(limit);
        }
        Ok(options)
    }
}

fn from_js<T: DeserializeOwned + Default>(value: JsValue) -> Result<T> {
    if value.is_undefined() || value.is_null() {
        return Ok(T::default());
    }
    serde_wasm_bindgen::from_value(value)
        .map_err(|error| Error::new(ErrorCode::InvalidOptionValue, format!("options: {error}")))
}

/// An integer within bounds.
fn checked(name: &str, found: Option<f64>, min: f64, max: f64) -> Result<Option<u64>> {
    match found {
        None => Ok(None),
        Some(number) if number.fract() == 0.0 && (min..=max).contains(&number) => Ok(Some(number as u64)),
        Some(number) => Err(Error::new(
            ErrorCode::InvalidOptionValue,
            format!("{name}: an integer from {min} to {max} was expected, found {number}"),
        )),
    }
}
