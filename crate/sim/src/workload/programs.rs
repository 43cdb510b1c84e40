//! Random programs of interleaved transactions against the naive model, each in a small world of its own
//! beside the run's: FoundationDB's ApiCorrectness, WriteDuringRead and ReportConflictingKeys.

use std::rc::Rc;

use plinth_core::words::LocalFuture;

use super::{Client, Workload};
use crate::program::{Profile, check, generate, shrunk};
use crate::scenario::Stage;

pub(super) struct Programs {
    profile: Profile,
}

impl Programs {
    pub(super) fn of(profile: Profile) -> Programs {
        Programs { profile }
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
