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
