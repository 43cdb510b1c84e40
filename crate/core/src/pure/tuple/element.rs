//! An element of a tuple.

use super::{Float32, Float64, Integer, Versionstamp};
use crate::pure::VERSIONSTAMP_BYTES;

/// Bytes of a UUID.
pub const UUID_BYTES: usize = 16;

/// One element. The variants stand in the order in which their packed forms sort, and elements compare
/// as their packed forms do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Element {
    /// Nothing.
    Null,
    /// Bytes.
    Bytes(Vec<u8>),
    /// Text; its order is that of its UTF-8 bytes.
    Unicode(String),
    /// A tuple inside the tuple.
    Nested(Vec<Element>),
    /// An integer.
    Integer(Integer),
    /// A float of 32 bits.
    Float32(Float32),
    /// A float of 64 bits.
    Float64(Float64),
    /// False or true.
    Boolean(bool),
    /// A UUID, in network order.
    Uuid([u8; UUID_BYTES]),
    /// The versionstamp of a transaction, without a user's version.
    Versionstamp80([u8; VERSIONSTAMP_BYTES]),
    /// A versionstamp with a user's version; possibly one that the commit is to fill in.
    Versionstamp(Versionstamp),
}

impl From<&[u8]> for Element {
    fn from(bytes: &[u8]) -> Element {
        Element::Bytes(bytes.to_vec())
    }
}

impl From<&str> for Element {
    fn from(text: &str) -> Element {
        Element::Unicode(text.to_owned())
    }
}

impl From<i64> for Element {
    fn from(number: i64) -> Element {
        Element::Integer(Integer::from(number))
    }
}

impl From<f32> for Element {
    fn from(number: f32) -> Element {
        Element::Float32(Float32::from(number))
    }
}

impl From<f64> for Element {
    fn from(number: f64) -> Element {
        Element::Float64(Float64::from(number))
    }
}

impl From<bool> for Element {
    fn from(is_true: bool) -> Element {
        Element::Boolean(is_true)
    }
}

impl From<Versionstamp> for Element {
    fn from(stamp: Versionstamp) -> Element {
        Element::Versionstamp(stamp)
    }
}

impl From<Vec<Element>> for Element {
    fn from(elements: Vec<Element>) -> Element {
        Element::Nested(elements)
    }
}
