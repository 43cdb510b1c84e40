//! Runs programs against the model, and makes a failing one as small as it gets by leaving out steps.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Program, Step, run};
use crate::model::{Call, Transcript};

/// Runs a program and checks it; gives what happened.
///
/// # Errors
/// Where the engine and the model disagree, or how the engine panicked.
pub fn check(program: &Program, seed: u64) -> Result<Transcript, String> {
    match catch_unwind(AssertUnwindSafe(|| run(program, seed))) {
        Ok(transcript) => transcript.check().map(|()| transcript),
        Err(panic) => {
            let message = panic.downcast_ref::<String>().cloned();
            let message = message.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Err(format!("panic: {}", message.unwrap_or_default()))
        }
    }
}

/// Runs a program and checks it; gives what happened.
///
/// # Panics
/// When it fails: with the smallest program found that still does.
pub fn check_or_shrink(program: &Program, seed: u64) -> Transcript {
    let failure = match check(program, seed) {
        Ok(transcript) => return transcript,
        Err(failure) => failure,
    };
    let (program, failure) = shrunk(program.clone(), seed, failure);
    panic!("seed {seed} (PLINTH_SEED={seed} runs it alone): {failure}\nthe program:\n{program}");
}

/// Makes a failing program smaller: leaves out steps, many at once first, as long as what is left still fails.
pub fn shrunk(mut program: Program, seed: u64, mut failure: String) -> (Program, String) {
    let mut count = program.steps.len().max(1);
    loop {
        let mut at = 0;
        let mut is_smaller = false;
        while at < program.steps.len() {
            let mut candidate = program.clone();
            let end = (at + count).min(candidate.steps.len());
            candidate.steps.drain(at..end);
            match check(&candidate, seed) {
                Err(found) if is_proper(&candidate) => {
                    (program, failure, is_smaller) = (candidate, found, true);
                }
                _ => at += count,
            }
        }
        if count == 1 && !is_smaller {
            return (program, failure);
        }
        count = (count / 2).max(1);
    }
}

/// Whether no transaction is used while its commit is under way: made-up programs never do that, since
/// what becomes of the commit is open, so a smaller one that does fails for another reason.
fn is_proper(program: &Program) -> bool {
    (0..program.actors.len()).all(|index| {
        let mut is_committing = false;
        program.steps.iter().all(|step| match step {
            Step::AwaitAll(transaction) if *transaction == index => {
                is_committing = false;
                true
            }
            Step::Call {
                transaction,
                call,
                is_awaited,
            } if *transaction == index => match call {
                Call::Reset | Call::OnError(_) | Call::Cancel => {
                    is_committing = false;
                    true
                }
                Call::GetConflicts(_) | Call::ReadVersion | Call::SetOption(_) => true,
                _ if is_committing => false,
                _ => {
                    is_committing = *call == Call::Commit && !is_awaited;
                    true
                }
            },
            _ => true,
        })
    })
}
