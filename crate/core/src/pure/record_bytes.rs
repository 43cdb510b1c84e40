//! Bytes of stored records: the prefix that names a format, and bounds-checked reading of the rest.

use std::fmt::Display;

use crate::words::{Bytes, Error, ErrorCode, Result};

/// Magic, format version, three zero bytes.
pub(super) const FORMAT_PREFIX_BYTES: usize = 8;

const FORMAT_VERSION: u8 = 1;

/// The first eight bytes of a record of this format.
pub(super) fn format_prefix(magic: [u8; 4]) -> [u8; FORMAT_PREFIX_BYTES] {
    let [a, b, c, d] = magic;
    [a, b, c, d, FORMAT_VERSION, 0, 0, 0]
}

/// Fails unless `found` is the prefix of this format; `what` names the record in the message.
pub(super) fn check_prefix(found: &[u8], magic: [u8; 4], what: &dyn Display) -> Result<()> {
    let expected = format_prefix(magic);
    if found == expected {
        return Ok(());
    }
    if let [a, b, c, d, version, 0, 0, 0] = *found
        && [a, b, c, d] == magic
        && version > FORMAT_VERSION
    {
        return Err(Error::new(
            ErrorCode::IncompatibleProtocolVersion,
            format!("{what}: format version {version} was found, this build reads {FORMAT_VERSION}"),
        ));
    }
    Err(Error::new(
        ErrorCode::FileCorrupt,
        format!("{what}: it begins with {found:02x?}, not with {expected:02x?}"),
    ))
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
        let length = usize::try_from(self.number()?).map_err(|_| Malformed)?;
        if length > length_max {
            return Err(Malformed);
        }
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(Malformed)?;
        self.rest = rest;
        Ok(bytes.into())
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
