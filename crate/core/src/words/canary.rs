//! Faults planted on purpose, to prove that the tests would notice them. Never part of a product: the
//! feature can't be built for wasm.

#[cfg(target_arch = "wasm32")]
compile_error!("the feature `canaries` plants faults, for tests only");

/// A fault planted in the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Canary {
    /// The resolver ignores what transactions read.
    ReadsIgnored,
    /// A fold takes the changes of one version more than it says.
    FoldTooFar,
    /// A batch is appended after records that it was not decided against.
    TailUnchecked,
    /// A watch compares with the value at the time it is armed.
    WatchArmedLate,
    /// Commits are answered before the storage says that they are done.
    AnswerBeforeDurable,
    /// The root is switched before the pages that it needs are written.
    RootBeforePages,
}

impl Canary {
    /// Every canary.
    pub const ALL: [Canary; 6] = [
        Canary::ReadsIgnored,
        Canary::FoldTooFar,
        Canary::TailUnchecked,
        Canary::WatchArmedLate,
        Canary::AnswerBeforeDurable,
        Canary::RootBeforePages,
    ];
}
