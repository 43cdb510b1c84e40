//! Days on an engine with a fault planted in it, which must be found.

use plinth_core::words::Canary;

use super::Scenario;
use crate::workload::WorkloadKind;

/// The workloads that a fault ought to hurt.
fn hurt_by(canary: Canary) -> &'static [WorkloadKind] {
    match canary {
        Canary::ReadsIgnored => &[WorkloadKind::Bank, WorkloadKind::Serializability],
        Canary::FoldTooFar => &[WorkloadKind::AtomicOps, WorkloadKind::FoldUnderReaders],
        Canary::TailUnchecked => &[WorkloadKind::Cycle, WorkloadKind::Bank],
        Canary::WatchArmedLate => &[WorkloadKind::Watches],
        Canary::AnswerBeforeDurable => &[WorkloadKind::Recovery],
        Canary::PanicOnLostRace => &[WorkloadKind::Cycle, WorkloadKind::Bank],
        Canary::RootBeforePages => &[WorkloadKind::FoldUnderReaders],
    }
}

impl Scenario {
    /// The same day for at least two peers whose engines have this fault, with the workloads that it ought to hurt.
    #[must_use]
    pub fn with_canary(mut self, canary: Canary) -> Scenario {
        self.workloads = hurt_by(canary).to_vec();
        self.peers = self.peers.max(2);
        self.canary = Some(canary);
        self
    }
}
