//! Random programs of many interleaved transactions answer exactly as a naive model of the database
//! does: values, rows, `more`, errors, verdicts of commits, watches, the final state.
//!
//! Reads are left under way while later calls write; transactions of several peers are interleaved call
//! by call. `PLINTH_SEED` runs one program, `PLINTH_STEPS` says how many are run.

use std::collections::BTreeMap;

use plinth_core::ErrorCode;
use plinth_sim::model::{Answer, Call, Conflicts};
use plinth_sim::program::{Profile, Subject, check_or_shrink, generate};
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
                    (Call::GetConflicts(Conflicts::Conflicting), Answer::Rows(rows))
                        if !rows.rows.is_empty() =>
                    {
                        "reported conflicts"
                    }
                    (Call::GetConflicts(_), _) => continue,
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
fn assert_that_it_happened(tally: &Tally, whats: &[&str]) {
    let is_enough = tally.get("programs").is_some_and(|&count| count >= 1_000);
    let missing: Vec<_> = whats.iter().filter(|what| !tally.contains_key(**what)).collect();
    assert!(!is_enough || missing.is_empty(), "never seen: {missing:?}");
}

const EVERYTHING: [&str; 14] = [
    "batches with more",
    "cancelled",
    "commits",
    "commits too large",
    "commits too late",
    "conflicts",
    "last batches",
    "read-only commits",
    "reads too late",
    "unreadable",
    "values",
    "versionstamps",
    "watches that did not",
    "watches that fired",
];

#[test]
fn programs_that_commit_one_at_a_time_answer_exactly_as_the_model() {
    let tally = check_programs(10_000, &Profile::default());
    assert_that_it_happened(&tally, &EVERYTHING);
}

#[test]
fn programs_with_commits_under_way_at_once_answer_as_the_model_in_the_order_that_came_about() {
    let tally = check_programs(10_000, &Profile::api_correctness());
    assert_that_it_happened(&tally, &EVERYTHING);
}

/// FoundationDB's RyowCorrectness: reads and writes of one transaction take turns.
#[test]
fn one_transaction_reads_the_database_with_its_own_writes_on_top() {
    let profile = Profile {
        peers_max: 1,
        transactions_max: 1,
        steps_max: 80,
        await_odds: 1,
        ..Profile::default()
    };
    let tally = check_programs(2_000, &profile);
    assert_that_it_happened(&tally, &["values", "last batches", "batches with more"]);
}

/// FoundationDB's WriteDuringRead: nothing is waited for, so that reads, writes, clears, conflict
/// ranges, watches, operations and versionstamps of one transaction are all under way at once, while
/// another one commits.
#[test]
fn every_read_sees_the_writes_as_of_its_call_however_much_is_under_way() {
    let tally = check_programs(2_000, &Profile::write_during_read());
    assert_that_it_happened(
        &tally,
        &["values", "last batches", "conflicts", "watches that fired"],
    );
}

/// FoundationDB's Unreadable: what a versionstamp decides is an error to look at, exactly that, and
/// until it is cleared.
#[test]
fn what_a_versionstamp_decides_is_unreadable_until_it_is_cleared_and_nothing_else_is() {
    let profile = Profile {
        peers_max: 1,
        transactions_max: 2,
        steps_max: 48,
        subject: Subject::Versionstamps,
        ..Profile::default()
    };
    let tally = check_programs(2_000, &profile);
    assert_that_it_happened(&tally, &["unreadable", "values", "last batches"]);
}

/// FoundationDB's ReportConflictingKeys.
#[test]
fn a_conflict_reports_exactly_the_own_read_ranges_that_others_wrote_to() {
    let tally = check_programs(2_000, &Profile::report_conflicting_keys());
    assert_that_it_happened(&tally, &["reported conflicts", "conflicts", "commits"]);
}
