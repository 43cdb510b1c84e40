//! Makes a program up from a seed.

use fastrand::Rng;
use plinth_core::ErrorCode;
use plinth_core::words::TRANSACTION_BYTES_MAX;

use super::{Actor, Program, Step, keys};
use crate::model::Call;

/// What programs are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// At most this many peers.
    pub peers_max: usize,
    /// At most this many transactions.
    pub transactions_max: usize,
    /// At most this many steps, besides what ends the transactions.
    pub steps_max: usize,
    /// Whether several commits may be under way at once. Without, each verdict follows exactly.
    pub has_concurrent_commits: bool,
    /// One program in so many waits until snapshots are too old; 0 is never.
    pub old_odds: u64,
}

impl Default for Profile {
    fn default() -> Profile {
        Profile {
            peers_max: 3,
            transactions_max: 4,
            steps_max: 32,
            has_concurrent_commits: false,
            old_odds: 12,
        }
    }
}

/// How far a transaction of the program is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    Committed,
    Ended,
}

/// The program that follows from a seed.
pub fn generate(seed: u64, profile: &Profile) -> Program {
    let mut random = Rng::with_seed(seed);
    let random = &mut random;
    let peer_count = random.usize(1..=profile.peers_max);
    let actors: Vec<Actor> = (0..random.usize(1..=profile.transactions_max))
        .map(|_| Actor {
            peer: random.usize(..peer_count),
            size_limit: match random.u8(..8) {
                0 => random.u64(32..600),
                _ => TRANSACTION_BYTES_MAX,
            },
        })
        .collect();
    let is_old = profile.old_odds > 0 && random.u64(..profile.old_odds) == 0;
    let mut stages = vec![Stage::Open; actors.len()];
    let mut steps = Vec::new();
    populate(random, &mut steps);
    for _ in 0..random.usize(4..=profile.steps_max) {
        let transaction = random.usize(..actors.len());
        let Some(stage) = stages.get_mut(transaction) else {
            continue;
        };
        steps.push(match random.u8(..16) {
            0 => Step::AwaitAll(transaction),
            1 => Step::Sleep(random.u64(..1_500)),
            2 if is_old => Step::Sleep(2_800_000),
            _ => {
                let call = call(random, stage);
                // Without concurrent commits everything under way is over before the next step.
                let is_awaited = match &call {
                    Call::Commit => !profile.has_concurrent_commits || random.u8(..3) == 0,
                    Call::OnError(_) => true,
                    _ => random.u8(..3) == 0,
                };
                Step::Call {
                    transaction,
                    call,
                    is_awaited,
                }
            }
        });
    }
    for (transaction, stage) in stages.into_iter().enumerate() {
        if stage == Stage::Open && random.u8(..8) != 0 {
            steps.push(Step::Call {
                transaction,
                call: Call::Commit,
                is_awaited: !profile.has_concurrent_commits,
            });
        }
    }
    Program {
        peer_count,
        actors,
        steps,
    }
}

/// Has the first transaction put some keys into the database before everything else.
fn populate(random: &mut Rng, steps: &mut Vec<Step>) {
    let sets = (0..random.usize(..10)).map(|_| Call::Set(keys::key(random), keys::value(random)));
    let calls: Vec<Call> = sets.chain([Call::Commit, Call::Reset]).collect();
    steps.extend(calls.into_iter().map(|call| Step::Call {
        transaction: 0,
        call,
        is_awaited: true,
    }));
}

fn call(random: &mut Rng, stage: &mut Stage) -> Call {
    match *stage {
        Stage::Open => open_call(random, stage),
        Stage::Committed => match random.u8(..4) {
            0 => {
                *stage = Stage::Open;
                Call::OnError(ErrorCode::NotCommitted)
            }
            _ => {
                *stage = Stage::Open;
                Call::Reset
            }
        },
        Stage::Ended if random.bool() => open_call(random, stage),
        Stage::Ended => {
            *stage = Stage::Open;
            Call::Reset
        }
    }
}

fn open_call(random: &mut Rng, stage: &mut Stage) -> Call {
    let snapshot = random.u8(..4) == 0;
    match random.u8(..64) {
        0..=9 => Call::Get(keys::sought_key(random), snapshot),
        10..=14 => Call::GetKey(keys::selector(random), snapshot),
        15..=24 => {
            let (begin, end) = (keys::selector(random), keys::selector(random));
            Call::GetRange(begin, end, keys::range_options(random))
        }
        25 => Call::ReadVersion,
        26 | 27 => Call::Watch(keys::key(random)),
        28 => Call::Versionstamp,
        29..=36 => Call::Set(keys::key(random), keys::value(random)),
        37 | 38 => Call::Clear(keys::cleared_key(random)),
        39..=41 => {
            let (begin, end) = keys::bounds(random);
            Call::ClearRange(begin, end)
        }
        42..=48 => Call::Atomic(keys::op(random), keys::key(random), keys::value(random)),
        49 | 50 => Call::SetVersionstampedKey(keys::key_template(random), keys::value(random)),
        51 => Call::SetVersionstampedValue(keys::key(random), keys::value_template(random)),
        52 | 53 => {
            let (begin, end) = keys::bounds(random);
            Call::AddReadConflictRange(begin, end)
        }
        54 => {
            let (begin, end) = keys::bounds(random);
            Call::AddWriteConflictRange(begin, end)
        }
        55 => Call::NextWriteNoWriteConflictRange,
        56 => {
            *stage = Stage::Ended;
            Call::Cancel
        }
        57 => {
            *stage = Stage::Ended;
            Call::OnError(ErrorCode::KeyTooLarge)
        }
        58 => Call::OnError(ErrorCode::TransactionTooOld),
        59 => {
            *stage = Stage::Open;
            Call::Reset
        }
        _ => {
            if *stage == Stage::Open {
                *stage = Stage::Committed;
            }
            Call::Commit
        }
    }
}
