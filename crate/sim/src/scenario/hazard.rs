//! What makes a day hostile. A run has some of these; each can be left out alone, to find out which of them a
//! violation needs.

use std::fmt;

use crate::named_kinds::named_kinds;

named_kinds! {
    /// Something bad that may happen in a run.
    Hazard;
    Delays = "delays", "Storage operations take milliseconds";
    SlowOperations = "slow-operations", "Some storage operations take up to seconds";
    IoErrors = "io-errors", "Storage operations are aborted";
    LostAnswers = "lost-answers", "Commits and folds end without an answer";
    LateNews = "late-news", "News are late, and overtake each other";
    LostNews = "lost-news", "News are lost";
    RepeatedNews = "repeated-news", "News come twice";
    ForgedNews = "forged-news", "News tell of a log that does not exist";
    WallClocks = "wall-clocks", "Wall clocks are apart and drift";
    NoLocks = "no-locks", "There are no Web Locks";
    RelaxedCommits = "relaxed-commits", "Some commits are relaxed";
    TinyPages = "tiny-pages", "Pages hold a few rows";
    TinyCache = "tiny-cache", "Hardly any page fits into the cache";
    TinyFolds = "tiny-folds", "Folds begin early and are done in the smallest steps";
    TinyMemory = "tiny-memory", "Changes that are not in pages may take hardly any memory";
    FalseConflicts = "false-conflicts", "Transactions are told of conflicts that are none";
    ForgottenPages = "forgotten-pages", "The page cache is emptied now and then";
    ShortBatches = "short-batches", "Batches of rows are short";
    EagerFolds = "eager-folds", "Folds begin whenever there is anything to fold";
    CommitsInTurn = "commits-in-turn", "Commits wait for their turn, as after many lost races";
    Kills = "kills", "Peers are killed";
    Crashes = "crashes", "The machine dies, with what was not durable";
    Freezes = "freezes", "Pages are frozen for a while";
    Hiding = "hiding", "Pages are hidden and shown";
    PutAway = "put-away", "Pages go into the back-forward cache and come back";
    ClockJumps = "clock-jumps", "Wall clocks jump";
    ClockStops = "clock-stops", "Wall clocks stand still";
    LostConnections = "lost-connections", "Connections are lost with all that is under way";
    Traps = "traps", "Engines trap, and are opened anew";
    Closing = "closing", "Databases are closed and opened again";
    Housekeeping = "housekeeping", "Databases are checked and compacted";
    ForcedFolds = "forced-folds", "Everything is folded, whoever still reads it";
    Damage = "damage", "At the end, bits of what is stored are flipped, and records taken away";
}

impl Hazard {
    /// Whether something is done now and then, to peers that the run itself opens.
    pub(super) fn is_disturbance(self) -> bool {
        matches!(
            self,
            Hazard::Kills
                | Hazard::Crashes
                | Hazard::Freezes
                | Hazard::Hiding
                | Hazard::PutAway
                | Hazard::ClockJumps
                | Hazard::ClockStops
                | Hazard::LostConnections
                | Hazard::Traps
                | Hazard::Closing
                | Hazard::Housekeeping
                | Hazard::ForcedFolds
        )
    }
}

impl fmt::Display for Hazard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
