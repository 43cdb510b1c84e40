//! How much has to fail before an acknowledged commit can be lost.

/// IndexedDB's durability of a transaction. The order is that of strength.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// Acknowledged when handed to the operating system: lost only if the machine stops.
    Relaxed,
    /// Acknowledged when flushed to the disk.
    #[default]
    Strict,
}
