//! Versionstamps as elements: the ten bytes of a transaction, and two that its user chooses.

use std::fmt;

use crate::pure::VERSIONSTAMP_BYTES;
use crate::words::{Error, ErrorCode, Result};

/// Bytes of a versionstamp element.
pub const TUPLE_VERSIONSTAMP_BYTES: usize = VERSIONSTAMP_BYTES + 2;

/// What stands where the commit is to put its stamp: after all stamps that there are.
const INCOMPLETE: [u8; VERSIONSTAMP_BYTES] = [0xff; VERSIONSTAMP_BYTES];

/// A versionstamp with a user's version, which tells the stamps of one transaction apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Versionstamp {
    transaction: [u8; VERSIONSTAMP_BYTES],
    user_version: u16,
}

impl Versionstamp {
    /// The versionstamp of a transaction that was committed.
    pub fn new(transaction: [u8; VERSIONSTAMP_BYTES], user_version: u16) -> Versionstamp {
        Versionstamp {
            transaction,
            user_version,
        }
    }

    /// The versionstamp that the commit of this transaction is to fill in.
    pub fn incomplete(user_version: u16) -> Versionstamp {
        Versionstamp::new(INCOMPLETE, user_version)
    }

    /// The versionstamp with these bytes.
    ///
    /// # Errors
    /// `invalid_versionstamp_size` for other than 12 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Versionstamp> {
        let size = || {
            let detail = format!(
                "a versionstamp of {TUPLE_VERSIONSTAMP_BYTES} bytes was expected, found {} bytes",
                bytes.len()
            );
            Error::new(ErrorCode::InvalidVersionstampSize, detail)
        };
        let (transaction, user_version) = bytes.split_first_chunk().ok_or_else(size)?;
        let user_version = user_version.try_into().map_err(|_| size())?;
        Ok(Versionstamp::new(*transaction, u16::from_be_bytes(user_version)))
    }

    /// Its bytes.
    pub fn to_bytes(self) -> [u8; TUPLE_VERSIONSTAMP_BYTES] {
        let mut bytes = [0; TUPLE_VERSIONSTAMP_BYTES];
        let (transaction, user_version) = bytes.split_at_mut(VERSIONSTAMP_BYTES);
        transaction.copy_from_slice(&self.transaction);
        user_version.copy_from_slice(&self.user_version.to_be_bytes());
        bytes
    }

    /// Whether it has the stamp of a commit.
    pub fn is_complete(self) -> bool {
        self.transaction != INCOMPLETE
    }

    /// The transaction's versionstamp; all ff if it is incomplete.
    pub fn transaction(self) -> [u8; VERSIONSTAMP_BYTES] {
        self.transaction
    }

    /// What the user chose.
    pub fn user_version(self) -> u16 {
        self.user_version
    }
}

impl fmt::Debug for Versionstamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Versionstamp(")?;
        if self.is_complete() {
            for byte in self.transaction {
                write!(formatter, "{byte:02x}")?;
            }
        } else {
            formatter.write_str("incomplete")?;
        }
        write!(formatter, ", {})", self.user_version)
    }
}
