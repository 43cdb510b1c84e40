//! Random programs of interleaved transactions: data that can be printed, run and made smaller.

mod generate;
mod keys;
mod run;
mod shrink;

use std::fmt;

use crate::model::Call;

pub use generate::{Profile, Subject, generate};
pub use run::run;
pub use shrink::{check, check_or_shrink, shrunk};

/// One step of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A call of a transaction. If it is not awaited, later steps run while it is under way.
    Call {
        /// The index of the transaction.
        transaction: usize,
        /// The call.
        call: Call,
        /// Whether the program waits for the answer.
        is_awaited: bool,
    },
    /// Waits for everything that a transaction has under way.
    AwaitAll(usize),
    /// Time passes.
    Sleep(u64),
}

/// A transaction of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The index of its peer.
    pub peer: usize,
    /// Its size limit.
    pub size_limit: u64,
}

/// A program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// How many peers there are.
    pub peer_count: usize,
    /// Whether a peer can know that it is alone, and then read without looking at the log.
    pub has_locks: bool,
    /// The transactions.
    pub actors: Vec<Actor>,
    /// In order.
    pub steps: Vec<Step>,
}

impl fmt::Display for Program {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.has_locks {
            writeln!(formatter, "  peers have locks")?;
        }
        for (index, actor) in self.actors.iter().enumerate() {
            write!(formatter, "  t{index} is on peer {}", actor.peer)?;
            writeln!(formatter, ", at most {} bytes", actor.size_limit)?;
        }
        for step in &self.steps {
            match step {
                Step::Call {
                    transaction,
                    call,
                    is_awaited,
                } => {
                    let note = if *is_awaited { "" } else { "   (not awaited)" };
                    writeln!(formatter, "  t{transaction}.{call}{note}")?;
                }
                Step::AwaitAll(transaction) => writeln!(formatter, "  t{transaction}: await all")?,
                Step::Sleep(duration_us) => writeln!(formatter, "  sleep {duration_us} us")?,
            }
        }
        Ok(())
    }
}
