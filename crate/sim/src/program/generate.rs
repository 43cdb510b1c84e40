//! Makes a program up from a seed.

use fastrand::Rng;
use plinth_core::ErrorCode;
use plinth_core::words::{TRANSACTION_BYTES_MAX, TransactionOption};

use super::{Actor, Program, Step, keys};
use crate::draw::index_in;
use crate::model::{Call, Conflicts};

/// What the calls of programs are mostly about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// All there is.
    Anything,
    /// Keys and values with versionstamps.
    Versionstamps,
    /// Conflicts and what is reported of them.
    Conflicts,
}

/// What programs are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// At most this many peers.
    pub peers_max: usize,
    /// At most this many transactions.
    pub transactions_max: usize,
    /// At most this many steps, besides what ends the transactions.
    pub steps_max: usize,
    /// One program in so many has peers that may know that they are alone.
    pub lock_odds: u64,
    /// One answer in so many is waited for before the next step.
    pub await_odds: u64,
    /// What the calls are mostly about.
    pub subject: Subject,
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
            lock_odds: 3,
            await_odds: 3,
            subject: Subject::Anything,
            has_concurrent_commits: false,
            old_odds: 12,
        }
    }
}

impl Profile {
    /// As FoundationDB's ApiCorrectness: anything, with several commits under way at once.
    pub fn api_correctness() -> Profile {
        Profile {
            has_concurrent_commits: true,
            ..Profile::default()
        }
    }

    /// As its WriteDuringRead: little is waited for, so that reads, writes, clears, conflict ranges, watches,
    /// operations and versionstamps of one transaction are all under way at once, while another one commits.
    pub fn write_during_read() -> Profile {
        Profile {
            peers_max: 2,
            transactions_max: 2,
            steps_max: 120,
            lock_odds: 20,
            await_odds: 20,
            has_concurrent_commits: true,
            old_odds: 0,
            ..Profile::default()
        }
    }

    /// As its ReportConflictingKeys: mostly conflict ranges.
    pub fn report_conflicting_keys() -> Profile {
        Profile {
            transactions_max: 3,
            subject: Subject::Conflicts,
            old_odds: 0,
            ..Profile::default()
        }
    }
}

/// How far a transaction of the program is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    Committed,
    /// Cancelled, or used after its commit: only a reset makes it usable.
    Ended,
}

/// What is known of a transaction while its program is made up.
#[derive(Clone, Copy)]
struct Progress {
    stage: Stage,
    /// Nothing was called yet.
    is_new: bool,
    /// Reads of what a versionstamp decides are not refused: where one may decide is not looked at then.
    bypasses_unreadable: bool,
    /// It has set a versionstamped key.
    has_stamped_key: bool,
    /// Own writes are not seen: whether watches and conflict ranges work is not looked at then.
    is_without_own_writes: bool,
}

impl Progress {
    const NEW: Progress = Progress {
        stage: Stage::Open,
        is_new: true,
        bypasses_unreadable: false,
        has_stamped_key: false,
        is_without_own_writes: false,
    };
}

/// The program that follows from a seed.
pub fn generate(seed: u64, profile: &Profile) -> Program {
    let mut random = Rng::with_seed(seed);
    let random = &mut random;
    let peer_count = index_in(random, 1..=profile.peers_max);
    let actors: Vec<Actor> = (0..index_in(random, 1..=profile.transactions_max))
        .map(|_| Actor {
            peer: index_in(random, ..peer_count),
            size_limit: match random.u8(..8) {
                0 => random.u64(32..600),
                _ => TRANSACTION_BYTES_MAX,
            },
        })
        .collect();
    let is_old = profile.old_odds > 0 && random.u64(..profile.old_odds) == 0;
    let mut progresses = vec![Progress::NEW; actors.len()];
    let mut steps = Vec::new();
    populate(random, &mut steps);
    for _ in 0..index_in(random, 4..=profile.steps_max) {
        let transaction = index_in(random, ..actors.len());
        let Some(progress) = progresses.get_mut(transaction) else {
            continue;
        };
        let step = match random.u8(..16) {
            0 => Step::AwaitAll(transaction),
            1 => Step::Sleep(random.u64(..1_500)),
            2 if is_old => Step::Sleep(2_800_000),
            _ => {
                let was = progress.stage;
                let call = call(random, profile.subject, progress);
                let is_use = !matches!(call, Call::Reset | Call::OnError(_) | Call::GetConflicts(_));
                if was == Stage::Committed && is_use {
                    // What becomes of a commit that is disturbed half-way is not for programs to say.
                    steps.push(Step::AwaitAll(transaction));
                }
                let is_awaited = match &call {
                    Call::Commit => !profile.has_concurrent_commits || random.u8(..3) == 0,
                    Call::OnError(_) => true,
                    _ => random.u64(..profile.await_odds.max(1)) == 0,
                };
                Step::Call {
                    transaction,
                    call,
                    is_awaited,
                }
            }
        };
        steps.push(step);
    }
    for (transaction, progress) in progresses.into_iter().enumerate() {
        if progress.stage == Stage::Open && random.u8(..8) != 0 {
            steps.push(Step::Call {
                transaction,
                call: Call::Commit,
                is_awaited: !profile.has_concurrent_commits,
            });
            if profile.subject == Subject::Conflicts {
                steps.push(Step::AwaitAll(transaction));
                steps.push(Step::Call {
                    transaction,
                    call: Call::GetConflicts(Conflicts::Conflicting),
                    is_awaited: true,
                });
            }
        }
    }
    Program {
        peer_count,
        has_locks: random.u64(..profile.lock_odds.max(1)) == 0,
        actors,
        steps,
    }
}

/// Has the first transaction put some keys into the database before everything else.
fn populate(random: &mut Rng, steps: &mut Vec<Step>) {
    let sets = (0..index_in(random, ..10)).map(|_| Call::Set(keys::key(random), keys::value(random)));
    let calls: Vec<Call> = sets.chain([Call::Commit, Call::Reset]).collect();
    steps.extend(calls.into_iter().map(|call| Step::Call {
        transaction: 0,
        call,
        is_awaited: true,
    }));
}

fn call(random: &mut Rng, subject: Subject, progress: &mut Progress) -> Call {
    if subject == Subject::Conflicts && progress.is_new && progress.stage == Stage::Open {
        progress.is_new = false;
        return Call::SetOption(TransactionOption::ReportConflictingKeys);
    }
    match (progress.stage, random.u8(..16)) {
        (Stage::Open, 0..=5) if subject == Subject::Versionstamps && !progress.bypasses_unreadable => {
            stamped_call(random, progress)
        }
        (Stage::Committed, 0..=9) if subject == Subject::Conflicts => {
            Call::GetConflicts(Conflicts::Conflicting)
        }
        (Stage::Open, _) => open_call(random, progress),
        (Stage::Committed, 0..=2) => {
            *progress = Progress::NEW;
            Call::OnError(ErrorCode::NotCommitted)
        }
        (Stage::Committed, 3..=5) => Call::GetConflicts(conflicts(random)),
        (Stage::Committed, 6) => Call::ReadVersion,
        (Stage::Committed, 7) => {
            progress.stage = Stage::Ended;
            late_use(random)
        }
        (Stage::Ended, 0..=7) => open_call(random, progress),
        (Stage::Committed | Stage::Ended, _) => {
            *progress = Progress::NEW;
            Call::Reset
        }
    }
}

fn stamped_call(random: &mut Rng, progress: &mut Progress) -> Call {
    if random.bool() {
        return Call::SetVersionstampedValue(keys::key(random), keys::value_template(random));
    }
    progress.has_stamped_key = true;
    Call::SetVersionstampedKey(keys::key_template(random), keys::value(random))
}

/// A use of a transaction whose commit is over.
fn late_use(random: &mut Rng) -> Call {
    match random.u8(..6) {
        0 => Call::Get(keys::key(random), false),
        1 => Call::Set(keys::key(random), keys::value(random)),
        2 => Call::Watch(keys::key(random)),
        3 => Call::Versionstamp,
        4 => Call::GetKey(keys::selector(random), true),
        _ => Call::Commit,
    }
}

fn conflicts(random: &mut Rng) -> Conflicts {
    match random.u8(..3) {
        0 => Conflicts::Read,
        1 => Conflicts::Write,
        _ => Conflicts::Conflicting,
    }
}

fn option(random: &mut Rng, progress: &mut Progress) -> TransactionOption {
    match random.u8(..12) {
        0 if !progress.has_stamped_key => {
            progress.bypasses_unreadable = true;
            TransactionOption::BypassUnreadable
        }
        1 => {
            progress.is_without_own_writes = true;
            TransactionOption::ReadYourWritesDisable
        }
        2 | 3 => TransactionOption::SnapshotRywDisable,
        4 => TransactionOption::SnapshotRywEnable,
        5 => TransactionOption::ReadSystemKeys,
        6 => TransactionOption::AccessSystemKeys,
        7 => TransactionOption::CausalWriteRisky,
        8 => TransactionOption::UsedDuringCommitProtectionDisable,
        9 => TransactionOption::ReportConflictingKeys,
        _ => TransactionOption::NextWriteNoWriteConflictRange,
    }
}

fn open_call(random: &mut Rng, progress: &mut Progress) -> Call {
    let snapshot = random.u8(..4) == 0;
    match random.u8(..68) {
        64..=66 => Call::SetOption(option(random, progress)),
        67 if !progress.is_without_own_writes => Call::GetConflicts(conflicts(random)),
        0..=9 => Call::Get(keys::sought_key(random), snapshot),
        10..=14 => Call::GetKey(keys::end_selector(random), snapshot),
        15..=24 => {
            let (begin, end) = (keys::selector(random), keys::end_selector(random));
            Call::GetRange(begin, end, keys::range_options(random))
        }
        25 => Call::ReadVersion,
        26 | 27 if !progress.bypasses_unreadable => Call::Watch(keys::key(random)),
        28 => Call::Versionstamp,
        29..=36 => Call::Set(keys::key(random), keys::value(random)),
        37 | 38 => Call::Clear(keys::cleared_key(random)),
        39..=41 => {
            let (begin, end) = keys::bounds(random);
            Call::ClearRange(begin, end)
        }
        42..=48 => Call::Atomic(keys::op(random), keys::key(random), keys::value(random)),
        49 | 50 if !progress.bypasses_unreadable => {
            progress.has_stamped_key = true;
            Call::SetVersionstampedKey(keys::key_template(random), keys::value(random))
        }
        51 => Call::SetVersionstampedValue(keys::key(random), keys::value_template(random)),
        52 | 53 => {
            let (begin, end) = keys::bounds(random);
            Call::AddReadConflictRange(begin, end)
        }
        54 => {
            let (begin, end) = keys::bounds(random);
            Call::AddWriteConflictRange(begin, end)
        }
        55 => Call::SetOption(TransactionOption::NextWriteNoWriteConflictRange),
        56 => {
            progress.stage = Stage::Ended;
            Call::Cancel
        }
        57 => {
            progress.stage = Stage::Ended;
            Call::OnError(ErrorCode::KeyTooLarge)
        }
        58 if progress.stage == Stage::Open => {
            *progress = Progress::NEW;
            Call::OnError(ErrorCode::TransactionTooOld)
        }
        59 => {
            *progress = Progress::NEW;
            Call::Reset
        }
        _ => {
            if progress.stage == Stage::Open {
                progress.stage = Stage::Committed;
            }
            Call::Commit
        }
    }
}
