//! The tuple layer: sequences of typed elements as bytes whose order is the order of the elements.
//!
//! Byte for byte the format of FoundationDB's bindings: what any of them packs is read here and the
//! other way round. Bytes to be unpacked are not trusted: whatever they are gives elements or an error.
//! The package's JavaScript side has its own codec, of which this one is the reference: its table of
//! type codes is generated from [`type_code`], and both are tested on the same vectors.

mod element;
mod float;
mod integer;
mod pack;
pub mod type_code;
mod unpack;
mod versionstamp;

pub use element::{Element, UUID_BYTES};
pub use float::{Float32, Float64};
pub use integer::{INTEGER_BYTES_MAX, Integer};
pub use pack::{pack, pack_after, pack_with_versionstamp, range};
pub use unpack::unpack;
pub use versionstamp::{TUPLE_VERSIONSTAMP_BYTES, Versionstamp};

/// How deep tuples may be nested in each other. FoundationDB sets no limit; this one keeps bytes that
/// nobody checked from using up the stack, and is about what its Python binding can do.
pub const NESTING_DEPTH_MAX: usize = 1_000;
