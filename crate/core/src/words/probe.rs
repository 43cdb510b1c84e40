//! What tests want to know of an engine, and may do to it: events worth having seen, and places where its
//! surroundings may make life harder.
//!
//! Both are questions to [`Env`](super::Env), asked where something rare happens. Outside a simulation the
//! answers are constants.

macro_rules! probes {
    ($($variant:ident = $text:literal;)*) => {
        /// Something rare that happened in an engine.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Probe {
            $(#[doc = $text] $variant,)*
        }

        impl Probe {
            /// Every probe.
            pub const ALL: &'static [Probe] = &[$(Probe::$variant,)*];

            /// What happened, for people.
            pub fn text(self) -> &'static str {
                match self { $(Probe::$variant => $text,)* }
            }
        }
    };
}

probes! {
    Committed = "a batch was committed";
    BatchOfSeveral = "a batch had several transactions";
    Conflicted = "a transaction was told of a conflict";
    BatchDecidedAgain = "a batch was decided again against records of other peers";
    CommitTookItsTurn = "a batch waited for its turn to be appended";
    TurnTaken = "a turn was taken from a peer that kept it";
    VoidRecord = "a record was too late, and is void";
    BatchWithdrawn = "a batch was withdrawn after records of other peers were seen";
    RootMovedDuringCommit = "a commit met another root";
    LostAnswerFound = "a commit whose answer was lost was found in the log";
    LostAnswerNotFound = "a commit whose answer was lost was not in the log, and was tried again";
    LostAnswerUnknown = "what became of a commit whose answer was lost stayed unknown";
    ExactAnswerInsistedOn = "a commit with an idempotency id went on asking for its answer";
    CommitWaitedForMemory = "a commit waited until a fold had made room";
    ConflictRetriedInTurn = "a loser of a conflict waited in line";
    BecameAlone = "a peer became alone";
    LeaseAwaited = "a peer in company had the lock for a lease before it was alone";
    SolitudeGivenUp = "a peer stopped being alone";
    Robbed = "a peer was robbed of its lock";
    Folded = "a fold switched the root";
    FoldForced = "memory forced a fold past what transactions may read";
    FoldInSlices = "a fold wrote pages ahead";
    FoldGaveWay = "a fold gave way to another peer's";
    ReservationTakenOver = "an abandoned fold's pages were condemned";
    Reclaimed = "condemned pages were deleted";
    RootFollowed = "a peer took a root that another one had switched";
    FoldDuringRead = "the root moved while a read was under way";
    PageVanished = "a page was gone, and the read went on under the next root";
    BegunAgain = "a peer that was behind a fold began again from the root";
    OpenedWhileFolded = "the root moved while a peer was opening";
    WatchReadPages = "a watched value was read from pages";
    PollFoundNews = "a poll found records of which no news had come";
    DatabaseGone = "an engine found its database deleted or replaced";
    DamageNoticed = "damage ended the use of an engine";
}

/// A place where the surroundings may do the engine an injustice that its callers must bear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Perturbation {
    /// A transaction is told that it conflicted, though it did not.
    FalseConflict,
    /// Everything in the page cache is forgotten.
    ForgetPages,
    /// A batch of rows ends after a few, where the caller left its size open.
    ShortBatch,
    /// What may be folded is folded, however little it is.
    FoldNow,
    /// A batch waits for its turn, as one does that came too late.
    TakeTurn,
}
