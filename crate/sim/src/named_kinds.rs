//! Kinds of something, each with a name and a text about it.

/// An enum whose variants have names for the command line and texts for people; `ALL` has every variant.
macro_rules! named_kinds {
    ($(#[$about:meta])* $kinds:ident; $($variant:ident = $name:literal, $text:literal;)*) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $kinds {
            $(#[doc = $text] $variant,)*
        }

        impl $kinds {
            /// Every one.
            pub const ALL: &'static [$kinds] = &[$($kinds::$variant,)*];

            /// Its name, without spaces.
            pub fn name(self) -> &'static str {
                match self { $($kinds::$variant => $name,)* }
            }

            /// What it is about.
            pub fn text(self) -> &'static str {
                match self { $($kinds::$variant => $text,)* }
            }
        }
    };
}

pub(crate) use named_kinds;
