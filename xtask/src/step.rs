//! A step of work as a person sees it: what is done and why, before; how long it took, after.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// Runs `work`, announced by `what` and `why`.
pub(crate) fn step<T>(what: &str, why: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("\n=> {what} ({why})");
    let begin = Instant::now();
    let result = work().with_context(|| format!("could not {what}"));
    let outcome = if result.is_ok() { "done" } else { "FAILED" };
    eprintln!("   {outcome}: {what}, {}", seconds(begin.elapsed()));
    result
}

/// A remark that is no step: a choice made, a file left.
pub(crate) fn note(text: &str) {
    eprintln!("   {text}");
}

/// `0.4 s`, `75 s`, `3 min 05 s`.
pub(crate) fn seconds(duration: Duration) -> String {
    let whole = duration.as_secs();
    match whole {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        10..120 => format!("{whole} s"),
        _ => format!("{} min {:02} s", whole / 60, whole % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_like_speech() {
        assert_eq!(seconds(Duration::from_millis(430)), "0.4 s");
        assert_eq!(seconds(Duration::from_secs(75)), "75 s");
        assert_eq!(seconds(Duration::from_secs(185)), "3 min 05 s");
    }
}
