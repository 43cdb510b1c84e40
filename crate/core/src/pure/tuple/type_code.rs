//! The codes that packed elements begin with: one table for both sides of the boundary. The JavaScript
//! one is generated from it, and a test fails when they drift.

macro_rules! type_codes {
    ($($name:ident = $number:literal, $text:literal;)*) => {
        $(#[doc = $text] pub const $name: u8 = $number;)*

        /// Every code with its name and its text.
        pub const ALL: &[(&str, u8, &str)] = &[$((stringify!($name), $number, $text),)*];
    };
}

type_codes! {
    NULL = 0x00, "Null; inside a nested tuple followed by the escape.";
    BYTES = 0x01, "Bytes, each 00 followed by the escape, then 00.";
    UNICODE = 0x02, "UTF-8, each 00 followed by the escape, then 00.";
    NESTED = 0x05, "The elements of a tuple, then 00.";
    NEGATIVE_INTEGER = 0x0b, "A negative integer of any length: the complement of the length, the complement of the magnitude.";
    INTEGER_ZERO = 0x14, "Zero. The code less n: a negative integer of n bytes, complemented; plus n: a positive one.";
    POSITIVE_INTEGER = 0x1d, "A positive integer of any length: the length, the magnitude.";
    FLOAT32 = 0x20, "Four bytes of a float: the sign bit flipped, or all bits if it was set.";
    FLOAT64 = 0x21, "Eight bytes of a float, as the four.";
    FALSE = 0x26, "False.";
    TRUE = 0x27, "True.";
    UUID = 0x30, "16 bytes in network order.";
    VERSIONSTAMP80 = 0x32, "10 bytes: a transaction's versionstamp.";
    VERSIONSTAMP = 0x33, "12 bytes: a transaction's versionstamp, then the user's version.";
    ESCAPE = 0xff, "After 00: that byte is content, not an end.";
}
