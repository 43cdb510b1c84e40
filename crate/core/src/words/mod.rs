//! The nouns that everything else is written in. Pure data; refers to nothing else in the crate.

mod atomic_op;
mod canary;
mod durability;
mod env;
mod error;
mod key;
mod limits;
mod mutation;
mod page_id;
mod probe;
mod range_options;
mod selector;
mod transaction_option;
mod version;

pub use atomic_op::AtomicOp;
#[cfg(feature = "canaries")]
pub use canary::Canary;
pub use canary::HAS_CANARIES;
pub use durability::Durability;
pub use env::{Env, LocalFuture, wait_at_most};
pub use error::{Error, ErrorCode, Result};
pub use key::{Bytes, Key, KeyRange, Value, display_key, key_after};
pub use limits::*;
pub use mutation::{Mutation, Write};
pub use page_id::PageId;
pub use probe::{Perturbation, Probe};
pub use range_options::{RangeOptions, RangeRow, RangeRows, StreamingMode};
pub use selector::KeySelector;
pub use transaction_option::{DatabaseOption, OptionArgument, OptionEffect, OptionEntry, TransactionOption};
pub use version::{SequenceNumber, Version};
