//! Bytes of stored records: the head that every format version has, and bounds-checked reading of the
//! rest.
//!
//! The head is magic (4 bytes), format version (1), zeros (3), and the xxHash64 of what follows, with the
//! first eight bytes as its seed: so a damaged version is told from a later one.

use std::fmt::Display;

use xxhash_rust::xxh64::xxh64;

use crate::words::{Bytes, Error, ErrorCode, Result};

/// Bytes of the head: prefix and checksum.
pub(super) const HEAD_BYTES: usize = 16;

/// Of everything that is stored.
pub(super) const FORMAT_VERSION: u8 = 1;

/// A record of this format: the head and `body`.
pub(super) fn with_head(magic: [u8; 4], body: &[u8]) -> Vec<u8> {
    let [a, b, c, d] = magic;
    let prefix = [a, b, c, d, FORMAT_VERSION, 0, 0, 0];
    let mut bytes = Vec::with_capacity(HEAD_BYTES + body.len());
    bytes.extend_from_slice(&prefix);
    bytes.extend_from_slice(&checksum(prefix, body).to_le_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// The body of a record of this format; `what` names the record in messages.
pub(super) fn checked_body<'a>(bytes: &'a [u8], magic: [u8; 4], what: &dyn Display) -> Result<&'a [u8]> {
    let corrupt = |detail: &dyn Display| Error::new(ErrorCode::FileCorrupt, format!("{what}: {detail}"));
    let short = || {
        corrupt(&format!(
            "at least {HEAD_BYTES} bytes were expected, found {}",
            bytes.len()
        ))
    };
    let (prefix, rest) = bytes.split_first_chunk::<8>().ok_or_else(short)?;
    let (stored, body) = rest.split_first_chunk::<8>().ok_or_else(short)?;
    let (found, version) = (
        prefix.first_chunk::<4>(),
        prefix.get(4).copied().unwrap_or_default(),
    );
    if found != Some(&magic) {
        return Err(corrupt(&format!(
            "it begins with {prefix:02x?}, not with {magic:02x?}"
        )));
    }
    if checksum(*prefix, body) != u64::from_le_bytes(*stored) {
        return Err(corrupt(&"checksum mismatch"));
    }
    if version > FORMAT_VERSION {
        return Err(Error::new(
            ErrorCode::IncompatibleProtocolVersion,
            format!("{what}: format version {version} was found, this build reads {FORMAT_VERSION}"),
        ));
    }
    if *prefix != [magic[0], magic[1], magic[2], magic[3], FORMAT_VERSION, 0, 0, 0] {
        return Err(corrupt(&format!("it begins with {prefix:02x?}")));
    }
    Ok(body)
}

/// The checksum of what follows it in a record.
pub(super) fn checksum(prefix: [u8; 8], body: &[u8]) -> u64 {
    xxh64(body, u64::from_le_bytes(prefix))
}

/// How many bytes a number takes as LEB128.
pub(super) fn number_bytes(number: u64) -> usize {
    (64 - (number | 1).leading_zeros() as usize).div_ceil(7)
}

/// Appends a number as LEB128: seven bits a byte, least significant first.
pub(super) fn write_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends a length and the bytes.
pub(super) fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Reads untrusted bytes front to back; every read is checked against what is left.
pub(super) struct ByteReader<'a> {
    rest: &'a [u8],
}

/// Why reading stopped: the bytes are not what their format says.
pub(super) struct Malformed;

impl<'a> ByteReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> ByteReader<'a> {
        ByteReader { rest: bytes }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many bytes are left: an upper bound for any count read from them.
    pub(super) fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(super) fn byte(&mut self) -> std::result::Result<u8, Malformed> {
        let (&byte, rest) = self.rest.split_first().ok_or(Malformed)?;
        self.rest = rest;
        Ok(byte)
    }

    pub(super) fn array<const N: usize>(&mut self) -> std::result::Result<[u8; N], Malformed> {
        let (array, rest) = self.rest.split_first_chunk::<N>().ok_or(Malformed)?;
        self.rest = rest;
        Ok(*array)
    }

    pub(super) fn number(&mut self) -> std::result::Result<u64, Malformed> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if (bits << shift) >> shift != bits {
                return Err(Malformed);
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Malformed)
    }

    pub(super) fn bytes(&mut self, length_max: usize) -> std::result::Result<Bytes, Malformed> {
        self.length_and_slice(length_max).map(Into::into)
    }

    /// A length and that many bytes, in place.
    pub(super) fn length_and_slice(&mut self, length_max: usize) -> std::result::Result<&'a [u8], Malformed> {
        let length = usize::try_from(self.number()?).map_err(|_| Malformed)?;
        if length > length_max {
            return Err(Malformed);
        }
        self.slice(length)
    }

    /// So many bytes, in place.
    pub(super) fn slice(&mut self, length: usize) -> std::result::Result<&'a [u8], Malformed> {
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(Malformed)?;
        self.rest = rest;
        Ok(bytes)
    }

    /// Everything that is left, in place.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_their_encoding() {
        for number in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = Vec::new();
            write_number(&mut bytes, number);
            assert_eq!(bytes.len(), number_bytes(number));
            let mut reader = ByteReader::new(&bytes);
            assert_eq!(reader.number().ok(), Some(number));
            assert!(reader.is_at_end());
        }
    }

    #[test]
    fn numbers_past_64_bits_and_lengths_past_the_end_are_malformed() {
        assert!(ByteReader::new(&[0xff; 10]).number().is_err());
        assert!(
            ByteReader::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02])
                .number()
                .is_err()
        );
        assert!(ByteReader::new(&[3, 1, 2]).bytes(10).is_err());
        assert!(ByteReader::new(&[3, 1, 2, 3]).bytes(2).is_err());
    }
}
