//! One day, played portion by portion or at once.

use plinth_sim::{Played, Portion, Run};
use wasm_bindgen::prelude::*;

use super::fault;
use super::view::{DayView, ScenarioView, VerdictView, to_js};

/// A day that is being played.
#[wasm_bindgen]
pub struct Day {
    run: Run,
    /// Of so many happenings [`look`](Day::look) has told.
    told: u64,
}

#[wasm_bindgen]
impl Day {
    /// Sets the stage for the day of a seed, with a fault in its engines if one is named.
    ///
    /// # Errors
    /// A fault that does not exist.
    #[wasm_bindgen(constructor)]
    pub fn new(seed: u64, fault: Option<String>) -> Result<Day, JsError> {
        Ok(Day {
            run: Run::new(&fault::scenario(seed, fault)?),
            told: 0,
        })
    }

    /// What the seed has decided.
    #[wasm_bindgen(unchecked_return_type = "Scenario")]
    pub fn scenario(&self) -> JsValue {
        to_js(&ScenarioView::of(self.run.scenario()))
    }

    /// Goes on as long as the next thing happens no later than `until_us`, for at most so many polls, and until so many
    /// things have happened that are told.
    #[wasm_bindgen(unchecked_return_type = "\"over\" | \"until-then\" | \"enough\"")]
    pub fn play(&mut self, until_us: f64, polls_max: u32, happenings_max: u32) -> String {
        let played = self.run.play(Portion {
            until_us: until_us as u64,
            polls_max: u64::from(polls_max),
            happenings_max: u64::from(happenings_max),
        });
        let name = match played {
            Played::Over => "over",
            Played::UntilThen => "until-then",
            Played::Enough => "enough",
        };
        name.to_owned()
    }

    /// What is to be seen now, with what has happened since the last look.
    #[wasm_bindgen(unchecked_return_type = "DayView")]
    pub fn look(&mut self) -> JsValue {
        let view = DayView::of(&self.run, self.told);
        self.told = self.run.happenings().total();
        to_js(&view)
    }

    /// What is to be told of it now.
    #[wasm_bindgen(unchecked_return_type = "Verdict")]
    pub fn verdict(&self) -> JsValue {
        to_js(&VerdictView::of(&self.run.report()))
    }
}

/// Plays the day of a seed to its end.
///
/// # Errors
/// A fault that does not exist.
#[wasm_bindgen(js_name = runSeed, unchecked_return_type = "Verdict")]
pub fn run_seed(seed: u64, fault: Option<String>) -> Result<JsValue, JsError> {
    let report = fault::scenario(seed, fault)?.run();
    Ok(to_js(&VerdictView::of(&report)))
}
