//! Faults that can be planted in the simulated engines, where this is built with them.

use plinth_sim::Scenario;
use wasm_bindgen::prelude::*;

use super::view::{Choice, to_js};

/// Every fault that can be planted.
#[wasm_bindgen(unchecked_return_type = "Choice[]")]
pub fn faults() -> JsValue {
    to_js(&all())
}

#[cfg(feature = "canaries")]
fn all() -> Vec<Choice> {
    use plinth_core::words::Canary;
    let choice = |canary: &Canary| Choice::new(canary.name(), canary.text());
    Canary::ALL.iter().map(choice).collect()
}

#[cfg(not(feature = "canaries"))]
fn all() -> Vec<Choice> {
    Vec::new()
}

/// The day of a seed, with the fault of this name.
///
/// # Errors
/// A name that is none.
#[cfg(feature = "canaries")]
pub(super) fn scenario(seed: u64, fault: Option<String>) -> Result<Scenario, JsError> {
    use plinth_core::words::Canary;
    let scenario = Scenario::of_seed(seed);
    let Some(name) = fault else {
        return Ok(scenario);
    };
    let canary = Canary::ALL.iter().find(|canary| canary.name() == name);
    match canary {
        Some(canary) => Ok(scenario.with_canary(*canary)),
        None => Err(JsError::new(&format!("there is no fault {name}"))),
    }
}

#[cfg(not(feature = "canaries"))]
pub(super) fn scenario(seed: u64, fault: Option<String>) -> Result<Scenario, JsError> {
    match fault {
        None => Ok(Scenario::of_seed(seed)),
        Some(name) => Err(JsError::new(&format!(
            "there is no fault {name}: this is built without"
        ))),
    }
}
