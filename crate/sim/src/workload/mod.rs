//! Workloads: clients that do something whose outcome can be judged. Several play at once in a run, each on
//! keys of its own.

mod atomic_ops;
mod bank;
mod cycle;
mod directory_allocator;
mod eviction;
mod export_import;
mod fold_under_readers;
mod fuzz_api;
mod programs;
mod quota;
mod recovery;
mod serializability;
mod sideband;
mod subscriptions;
mod versionstamps;
mod watches;

use std::fmt;
use std::rc::Rc;

use plinth_core::words::LocalFuture;
use plinth_core::{Error, ErrorCode, Result};

use self::programs::Programs;
use crate::cluster::Peer;
use crate::named_kinds::named_kinds;
use crate::program::Profile;
use crate::scenario::{Recorded, Stage};

/// A client of a workload.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    /// Its number among the workload's clients.
    pub number: u64,
    /// How much it is to do.
    pub steps: u64,
    /// Longest time between two steps.
    pub pause_us: u64,
}

impl Client {
    /// Waits before the next step.
    async fn pause(&self, stage: &Stage) {
        let world = stage.world().clone();
        world.sleep_below(self.pause_us.max(1)).await;
    }

    /// Waits before the next step; the peer to do it on.
    async fn next_peer(&self, stage: &Stage) -> Peer {
        self.pause(stage).await;
        stage.any_peer().await
    }
}

/// Something that clients do, and what must be true of it. A broken promise is told to the stage.
pub trait Workload {
    /// How many clients it has.
    fn clients(&self) -> u64;

    /// Before the clients begin.
    fn set_up(self: Rc<Self>, _stage: Rc<Stage>) -> LocalFuture<()> {
        Box::pin(std::future::ready(()))
    }

    /// One client's work.
    fn client(self: Rc<Self>, stage: Rc<Stage>, client: Client) -> LocalFuture<()>;

    /// When all clients are done and nothing bad happens any more.
    fn check(self: Rc<Self>, _stage: Rc<Stage>) -> LocalFuture<()> {
        Box::pin(std::future::ready(()))
    }
}

named_kinds! {
    /// The workloads, by FoundationDB's names where it has them: what each does, and what must be true.
    WorkloadKind;
    Cycle = "cycle", "Links of a ring are swapped: it stays one ring";
    Bank = "bank", "Money is transferred: the sum stays the same";
    AtomicOps = "atomic-ops", "Every atomic operation; sums agree with their log";
    Serializability = "serializability", "Random transactions, reads left under way while others write";
    WriteDuringRead = "write-during-read", "Programs of one transaction with everything under way at once, against the model";
    ConflictRange = "conflict-range", "Programs about conflicts and what is reported of them, against the model";
    ApiCorrectness = "api-correctness", "Programs of all calls, against the model";
    FuzzApi = "fuzz-api", "Wild arguments raise exactly the errors that the rules demand";
    Watches = "watches", "No wake-up is lost, and what woke can be read";
    Subscriptions = "subscriptions", "Copies of live ranges equal the range, and versions never go back";
    VersionStamp = "versionstamp", "Stamps that were told are those that are stored, and increase in the order of commits";
    Sideband = "sideband", "Whoever is told of a commit, by whatever way, sees it";
    DirectoryAllocator = "directory-allocator", "Prefixes of directories are never prefixes of each other";
    FoldUnderReaders = "fold-under-readers", "Slow readers see one snapshot while pages are folded under them";
    Recovery = "recovery", "Acknowledged strict commits survive anything, relaxed ones anything but the death of the machine";
    Quota = "quota", "Without room commits fail with nothing lost, and go on when there is room again";
    Eviction = "eviction", "A database that the browser threw away is told, never mixed up with a new one";
    ExportImport = "export-import", "An export is the database at its version; imported elsewhere it is the same";
}

impl WorkloadKind {
    /// Whether it can't share a run with others: it ends what they rest on.
    pub fn is_exclusive(self) -> bool {
        self == WorkloadKind::Eviction
    }

    /// A new one.
    pub fn make(self) -> Rc<dyn Workload> {
        match self {
            WorkloadKind::Cycle => Rc::new(cycle::Cycle),
            WorkloadKind::Bank => Rc::new(bank::Bank),
            WorkloadKind::AtomicOps => Rc::new(atomic_ops::AtomicOps),
            WorkloadKind::Serializability => Rc::new(serializability::Serializability),
            WorkloadKind::WriteDuringRead => Rc::new(Programs::of(Profile::write_during_read())),
            WorkloadKind::ConflictRange => Rc::new(Programs::of(Profile::report_conflicting_keys())),
            WorkloadKind::ApiCorrectness => Rc::new(Programs::of(Profile::api_correctness())),
            WorkloadKind::FuzzApi => Rc::new(fuzz_api::FuzzApi),
            WorkloadKind::Watches => Rc::<watches::Watches>::default(),
            WorkloadKind::Subscriptions => Rc::<subscriptions::Subscriptions>::default(),
            WorkloadKind::VersionStamp => Rc::<versionstamps::VersionStamp>::default(),
            WorkloadKind::Sideband => Rc::<sideband::Sideband>::default(),
            WorkloadKind::DirectoryAllocator => Rc::<directory_allocator::DirectoryAllocator>::default(),
            WorkloadKind::FoldUnderReaders => Rc::new(fold_under_readers::FoldUnderReaders),
            WorkloadKind::Recovery => Rc::new(recovery::Recovery),
            WorkloadKind::Quota => Rc::new(quota::Quota),
            WorkloadKind::Eviction => Rc::new(eviction::Eviction),
            WorkloadKind::ExportImport => Rc::<export_import::ExportImport>::default(),
        }
    }
}

impl fmt::Display for WorkloadKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// The number stored under a key; 0 if there is none.
async fn number(tn: &Recorded, key: &[u8]) -> Result<u64> {
    let value = tn.get(key, false).await?;
    value.map_or(Ok(0), |value| parsed(&value))
}

/// A stored number.
fn parsed(value: &[u8]) -> Result<u64> {
    let number = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
    number.ok_or_else(|| {
        let detail = format!("a number was expected, found {}", value.escape_ascii());
        Error::new(ErrorCode::FileCorrupt, detail)
    })
}

fn set_number(tn: &Recorded, key: &[u8], number: u64) -> Result<()> {
    tn.set(key, number.to_string().as_bytes())
}
