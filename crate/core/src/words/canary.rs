//! Faults planted on purpose, to prove that the tests would notice them, and to show it. Never part of a product: the
//! crate that is one can't be compiled for wasm with the feature.

/// Whether the engine is one in which faults can be planted.
pub const HAS_CANARIES: bool = cfg!(feature = "canaries");

#[cfg(feature = "canaries")]
macro_rules! canaries {
    ($($variant:ident = $name:literal, $text:literal;)*) => {
        /// A fault planted in the engine.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Canary {
            $(#[doc = $text] $variant,)*
        }

        impl Canary {
            /// Every canary.
            pub const ALL: &'static [Canary] = &[$(Canary::$variant,)*];

            /// Its name, without spaces.
            pub fn name(self) -> &'static str {
                match self { $(Canary::$variant => $name,)* }
            }

            /// What is wrong.
            pub fn text(self) -> &'static str {
                match self { $(Canary::$variant => $text,)* }
            }
        }
    };
}

#[cfg(feature = "canaries")]
canaries! {
    ReadsIgnored = "reads-ignored", "The resolver ignores what transactions read";
    FoldTooFar = "fold-too-far", "A fold takes the changes of one version more than it says";
    TailUnchecked = "tail-unchecked", "A batch is appended after records that it was not decided against";
    WatchArmedLate = "watch-armed-late", "A watch compares with the value at the time it is armed";
    AnswerBeforeDurable = "answer-before-durable", "Commits are answered before the storage says that they are done";
    PanicOnLostRace = "panic-on-lost-race", "The engine panics when another peer takes a place in the log before it";
    RootBeforePages = "root-before-pages", "The root is switched before the pages that it needs are written";
}
