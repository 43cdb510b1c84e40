//! How far a run is.

/// A part of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Peers open, and workloads store what they begin with.
    #[default]
    SetUp,
    /// Clients work while bad things happen.
    Work,
    /// Nothing bad happens any more, and every place gets its peer.
    Calm,
    /// What is left is judged.
    Verdict,
}

impl Phase {
    /// What begins with it, for people.
    pub(super) fn text(self) -> &'static str {
        match self {
            Phase::SetUp => "the run began",
            Phase::Work => "the clients began to work",
            Phase::Calm => "the clients are done, and nothing bad happens any more",
            Phase::Verdict => "every place has its peer, and all is judged",
        }
    }

    /// Its name, in one or two words.
    pub fn name(self) -> &'static str {
        match self {
            Phase::SetUp => "set up",
            Phase::Work => "work",
            Phase::Calm => "calm",
            Phase::Verdict => "verdict",
        }
    }
}
