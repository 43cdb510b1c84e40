//! The root record: where a database begins. Today it says which database this is; the log holds
//! the rest.
//!
//! | bytes | content |
//! |---|---|
//! | 0..4 | `PLRT` |
//! | 4 | format version, 1 |
//! | 5..8 | zero |
//! | 8..16 | xxHash64 of bytes 16.., seeded with bytes 0..8, little-endian |
//! | 16..32 | database id, random, chosen when the database is created |

use super::record_bytes::{checked_body, with_head};
use crate::words::{Error, ErrorCode, Result};

const MAGIC: [u8; 4] = *b"PLRT";

/// The decoded root record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Root {
    /// Tells a database from one that was deleted and created again under the same name.
    pub database_id: [u8; 16],
}

impl Root {
    /// The record's bytes.
    pub fn encode(&self) -> Vec<u8> {
        with_head(MAGIC, &self.database_id)
    }

    /// Reads a record.
    ///
    /// # Errors
    /// `file_corrupt` when the bytes are not a root record; `incompatible_protocol_version` when a
    /// newer version of Plinth wrote it.
    pub fn decode(bytes: &[u8]) -> Result<Root> {
        let body = checked_body(bytes, MAGIC, &"root record")?;
        let database_id: [u8; 16] = body.try_into().map_err(|_| {
            let detail = format!("root record: {} bytes were expected, found {}", 32, bytes.len());
            Error::new(ErrorCode::FileCorrupt, detail)
        })?;
        Ok(Root { database_id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_record_survives_its_codec_and_every_flipped_bit_is_noticed() {
        let root = Root {
            database_id: *b"0123456789abcdef",
        };
        let bytes = root.encode();
        assert_eq!(Root::decode(&bytes), Ok(root));
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                Root::decode(&damaged).unwrap_err().code(),
                ErrorCode::FileCorrupt,
                "bit {bit}"
            );
        }
        for length in 0..bytes.len() {
            assert_eq!(
                Root::decode(&bytes[..length]).unwrap_err().code(),
                ErrorCode::FileCorrupt
            );
        }
    }
}
