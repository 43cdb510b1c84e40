//! What a person reads at the end of a test run: each part with its outcome and time, then one line that counts them.

use std::fmt::Write as _;
use std::time::Duration;

use crate::step::seconds;

/// One part that ran.
pub(crate) struct Outcome {
    pub(crate) part: &'static str,
    pub(crate) took: Duration,
    /// What was run, such as `42 tests`, or why it failed.
    pub(crate) result: Result<String, String>,
}

/// The parts that ran, in order.
#[derive(Default)]
pub(crate) struct Summary {
    outcomes: Vec<Outcome>,
}

impl Summary {
    /// Adds a part.
    pub(crate) fn add(&mut self, outcome: Outcome) {
        self.outcomes.push(outcome);
    }

    /// Whether something ran and nothing failed.
    pub(crate) fn is_success(&self) -> bool {
        !self.outcomes.is_empty() && self.failed() == 0
    }

    /// The table and the line that counts.
    pub(crate) fn text(&self) -> String {
        let width = self
            .outcomes
            .iter()
            .map(|outcome| outcome.part.len())
            .max()
            .unwrap_or(0);
        let mut text = String::from("\n");
        for Outcome { part, took, result } in &self.outcomes {
            let took = seconds(*took);
            let (mark, detail) = match result {
                Ok(detail) => ("passed", detail.as_str()),
                Err(reason) => ("FAILED", reason.lines().next().unwrap_or("")),
            };
            writeln!(text, "{part:width$}  {mark}  {took:>13}  {detail}")
                .expect("writing to a string can't fail");
        }
        let failed = self.failed();
        write!(text, "\n{} passed, {failed} failed", self.outcomes.len() - failed)
            .expect("writing to a string can't fail");
        text
    }

    fn failed(&self) -> usize {
        self.outcomes
            .iter()
            .filter(|outcome| outcome.result.is_err())
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(result: Result<String, String>) -> Outcome {
        Outcome {
            part: "rust",
            took: Duration::from_secs(1),
            result,
        }
    }

    #[test]
    fn an_empty_run_is_no_success() {
        assert!(!Summary::default().is_success());
    }

    #[test]
    fn the_last_line_counts_the_parts() {
        let mut summary = Summary::default();
        summary.add(outcome(Ok("3 tests".to_owned())));
        assert!(summary.is_success());
        summary.add(outcome(Err("1 of 3 tests failed\ndetails".to_owned())));
        assert!(!summary.is_success());
        assert_eq!(summary.text().lines().last(), Some("1 passed, 1 failed"));
        assert!(!summary.text().contains("details"));
    }
}
