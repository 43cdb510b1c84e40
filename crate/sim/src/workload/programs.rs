//! Random programs of interleaved transactions against the naive model, each in a small world of its own
//! beside the run's: FoundationDB's ApiCorrectness, WriteDuringRead and ReportConflictingKeys.

use std::rc::Rc;

use plinth_core::words::LocalFuture;

use super::{Client, Workload};
use crate::program::{Profile, Subject, check, generate, shrunk};
use crate::scenario::Stage;

pub(super) struct Programs {
    profile: Profile,
}

impl Programs {
    pub(super) fn api_correctness() -> Programs {
        Programs {
            profile: Profile {
                has_concurrent_commits: true,
                ..Profile::default()
            },
        }
    }

    pub(super) fn write_during_read() -> Programs {
        Programs {
            profile: Profile {
                peers_max: 2,
                transactions_max: 2,
                steps_max: 120,
                lock_odds: 20,
                await_odds: 20,
                has_concurrent_commits: true,
                old_odds: 0,
                ..Profile::default()
            },
        }
    }

    pub(super) fn conflict_range() -> Programs {
        Programs {
            profile: Profile {
                transactions_max: 3,
                subject: Subject::Conflicts,
                old_odds: 0,
                ..Profile::default()
            },
        }
    }
}

impl Workload for Programs {
    fn clients(&self) -> u64 {
        1
    }

    fn client(self: Rc<Self>, stage: Rc<Stage>, client: Client) -> LocalFuture<()> {
        Box::pin(async move {
            for _ in 0..client.steps {
                client.pause(&stage).await;
                let seed = stage.world().random_u64();
                let program = generate(seed, &self.profile);
                match check(&program, seed) {
                    Ok(transcript) => stage.count_transactions(transcript.attempts.len() as u64),
                    Err(failure) => {
                        let (program, failure) = shrunk(program, seed, failure);
                        stage.violate(format!("{failure}\nthe program (its seed is {seed}):\n{program}"));
                        return;
                    }
                }
            }
        })
    }
}
