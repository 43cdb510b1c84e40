//! How many tests a runner says it ran, read from its closing lines: a run of no tests must not pass for a success.
//!
//! Knows cargo test and wasm-bindgen-test (`test result: ok. 3 passed; …`), nextest (`Summary […] 3 tests run: …`),
//! node:test (`# pass 3`), Playwright (`3 passed (1.2s)`), Vitest (`Tests  3 passed (3)`), and a line that only counts
//! (`3 passed, 1 failed`).

/// The tests of one or several runs.
#[derive(Default, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

impl Tally {
    /// Adds what `line` says, if it is a closing line.
    pub(crate) fn see(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["test", "result:", ..] | ["Tests", ..] => self.add_pairs(&words),
            // It shows what failed tests printed before, among that the closing line of each alone.
            ["Summary", ..] => {
                *self = Tally::default();
                self.add_pairs(&words);
            }
            ["#" | "ℹ", what, number] => self.add(number, what),
            _ if is_only_counts(&words) => self.add_pairs(&words),
            _ => {}
        }
    }

    fn add_pairs(&mut self, words: &[&str]) {
        for pair in words.windows(2) {
            if let [number, what] = pair {
                self.add(number, what);
            }
        }
    }

    fn add(&mut self, number: &str, what: &str) {
        let Ok(number) = number.parse::<usize>() else {
            return;
        };
        match what.trim_end_matches([';', ',']) {
            "passed" | "pass" | "flaky" => self.passed += number,
            "failed" | "fail" => self.failed += number,
            "ignored" | "skipped" => self.skipped += number,
            _ => {}
        }
    }
}

/// Whether the line says nothing but how many, such as `3 passed, 1 failed` or `3 passed (1.2s)`.
fn is_only_counts(words: &[&str]) -> bool {
    let words = match words {
        [counts @ .., took] if took.starts_with('(') => counts,
        all => all,
    };
    let (pairs, rest) = words.as_chunks::<2>();
    rest.is_empty() && !pairs.is_empty() && pairs.iter().all(|[number, _]| number.parse::<usize>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(lines: &[&str]) -> (usize, usize, usize) {
        let mut tally = Tally::default();
        lines.iter().for_each(|line| tally.see(line));
        (tally.passed, tally.failed, tally.skipped)
    }

    #[test]
    fn cargo_test_is_understood_and_added_up() {
        let line = "test result: FAILED. 3 passed; 1 failed; 2 ignored; 0 measured; 7 filtered out; finished in 0.00s";
        assert_eq!(tally(&["running 6 tests", line, line]), (6, 2, 4));
    }

    #[test]
    fn nextest_is_understood() {
        let of_one = "    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 12 filtered out";
        let summary = "     Summary [   0.105s] 13 tests run: 11 passed (1 slow), 2 failed, 3 skipped";
        assert_eq!(
            tally(&[
                "        PASS [   0.005s] plinth-core key::tests::x",
                of_one,
                summary
            ]),
            (11, 2, 3)
        );
    }

    #[test]
    fn node_test_is_understood_in_both_its_reports() {
        assert_eq!(
            tally(&[
                "# tests 5",
                "# pass 4",
                "# fail 1",
                "# cancelled 0",
                "# skipped 0"
            ]),
            (4, 1, 0)
        );
        assert_eq!(
            tally(&["ℹ tests 5", "ℹ pass 4", "ℹ fail 1", "ℹ duration_ms 12.3"]),
            (4, 1, 0)
        );
    }

    #[test]
    fn playwright_is_understood() {
        assert_eq!(
            tally(&["  1 failed", "  2 skipped", "  9 passed (12.4s)"]),
            (9, 1, 2)
        );
    }

    #[test]
    fn vitest_is_understood() {
        let lines = [
            " Test Files  1 failed | 1 passed (2)",
            "      Tests  1 failed | 8 passed (9)",
        ];
        assert_eq!(tally(&lines), (8, 1, 0));
    }

    #[test]
    fn a_line_that_only_counts_is_understood() {
        assert_eq!(tally(&["669 passed, 9 failed"]), (669, 9, 0));
    }

    #[test]
    fn other_lines_count_nothing() {
        assert_eq!(
            tally(&[
                "Running 3 tests using 1 worker",
                "checked 12 files",
                "3 passed through here"
            ]),
            (0, 0, 0)
        );
    }
}
