//! The root record: where a database begins. Today it says which database this is; the log holds
//! the rest.
//!
//! | bytes | content |
//! |---|---|
//! | 0..4 | `PLRT` |
//! | 4 | format version, 1 |
//! | 5..8 | zero |
//! | 8..16 | xxHash64 of bytes 16.., little-endian |
//! | 16..32 | database id, random, chosen when the database is created |

use xxhash_rust::xxh64::xxh64;

use super::record_bytes::{FORMAT_PREFIX_BYTES, check_prefix, format_prefix};
use crate::words::{Error, ErrorCode, Result};

const MAGIC: [u8; 4] = *b"PLRT";
const ROOT_BYTES: usize = 32;

/// The decoded root record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Root {
    /// Tells a database from one that was deleted and created again under the same name.
    pub database_id: [u8; 16],
}

impl Root {
    /// The record's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(ROOT_BYTES);
        bytes.extend_from_slice(&format_prefix(MAGIC));
        bytes.extend_from_slice(&xxh64(&self.database_id, 0).to_le_bytes());
        bytes.extend_from_slice(&self.database_id);
        bytes
    }

    /// Reads a record.
    ///
    /// # Errors
    /// `file_corrupt` when the bytes are not a root record; `incompatible_protocol_version` when a
    /// newer version of Plinth wrote it.
    pub fn decode(bytes: &[u8]) -> Result<Root> {
        const WHAT: &str = "root record";
        let (prefix, rest) = bytes
            .split_at_checked(FORMAT_PREFIX_BYTES)
            .ok_or_else(|| short(bytes))?;
        check_prefix(prefix, MAGIC, &WHAT)?;
        let (checksum, body) = rest.split_first_chunk::<8>().ok_or_else(|| short(bytes))?;
        let database_id: [u8; 16] = body.try_into().map_err(|_| short(bytes))?;
        if xxh64(body, 0) != u64::from_le_bytes(*checksum) {
            return Err(Error::new(
                ErrorCode::FileCorrupt,
                format!("{WHAT}: checksum mismatch"),
            ));
        }
        Ok(Root { database_id })
    }
}

fn short(bytes: &[u8]) -> Error {
    Error::new(
        ErrorCode::FileCorrupt,
        format!(
            "root record: {ROOT_BYTES} bytes were expected, found {}",
            bytes.len()
        ),
    )
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
            assert!(Root::decode(&damaged).is_err(), "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert_eq!(
                Root::decode(&bytes[..length]).unwrap_err().code(),
                ErrorCode::FileCorrupt
            );
        }
    }
}
