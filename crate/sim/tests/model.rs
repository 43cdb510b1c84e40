//! Random programs of many interleaved transactions answer exactly as a naive model of the database
//! does: values, rows, `more`, errors, verdicts of commits, watches, the final state.
//!
//! Reads are left under way while later calls write; transactions of several peers are interleaved call
//! by call. `PLINTH_SEED` runs one program, `PLINTH_STEPS` says how many are run.

use std::collections::BTreeMap;

use plinth_core::ErrorCode;
use plinth_sim::model::{Answer, Call};
use plinth_sim::program::{Profile, check_or_shrink, generate};
use plinth_sim::program_seeds;

/// How often each thing happened that a test of all this must have seen happen.
type Tally = BTreeMap<&'static str, u64>;

fn check_programs(count: u64, profile: &Profile) -> Tally {
    let mut tally = Tally::new();
    for seed in program_seeds(count) {
        let transcript = check_or_shrink(&generate(seed, profile), seed);
        *tally.entry("programs").or_default() += 1;
        for attempt in &transcript.attempts {
            for event in &attempt.events {
                let what = match (&event.call, &event.answer) {
                    (Call::Commit, Answer::Done) if attempt.committed.is_none() => "read-only commits",
                    (Call::Commit, Answer::Done) => "commits",
                    (Call::Commit, Answer::Failed(ErrorCode::NotCommitted)) => "conflicts",
                    (Call::Commit, Answer::Failed(ErrorCode::TransactionTooOld)) => "commits too late",
                    (Call::Commit, Answer::Failed(ErrorCode::TransactionTooLarge)) => "commits too large",
                    (_, Answer::Failed(ErrorCode::AccessedUnreadable)) => "unreadable",
                    (_, Answer::Failed(ErrorCode::TransactionTooOld)) => "reads too late",
                    (_, Answer::Failed(ErrorCode::TransactionCancelled)) => "cancelled",
                    (Call::Watch(_), Answer::Done) => "watches that fired",
                    (Call::Watch(_), Answer::Silent) => "watches that did not",
                    (_, Answer::Value(Some(_))) => "values",
                    (_, Answer::Rows(rows)) if rows.more => "batches with more",
                    (_, Answer::Rows(rows)) if !rows.rows.is_empty() => "last batches",
                    (_, Answer::Stamp(_)) => "versionstamps",
                    _ => continue,
                };
                *tally.entry(what).or_default() += 1;
            }
        }
    }
    println!("{tally:?}");
    tally
}

/// A run of one seed or of a few need not see everything.
fn assert_that_everything_happened(tally: &Tally) {
    let few = tally.get("programs").is_none_or(|&count| count < 5_000);
    assert!(few || tally.len() == 15, "something never happened: {tally:?}");
}

#[test]
fn programs_that_commit_one_at_a_time_answer_exactly_as_the_model() {
    assert_that_everything_happened(&check_programs(10_000, &Profile::default()));
}

#[test]
fn programs_with_commits_under_way_at_once_answer_as_the_model_in_the_order_that_came_about() {
    let profile = Profile {
        has_concurrent_commits: true,
        ..Profile::default()
    };
    assert_that_everything_happened(&check_programs(10_000, &profile));
}
