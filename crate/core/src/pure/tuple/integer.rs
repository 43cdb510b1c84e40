//! Integers of up to 255 bytes: a sign and a magnitude. They are carried, compared and packed, never
//! calculated with.

use std::cmp::Ordering;
use std::fmt;

use crate::words::{Error, ErrorCode, Result};

/// The longest magnitude: its length is one byte of the packed form.
pub const INTEGER_BYTES_MAX: usize = 255;

/// An integer.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Integer {
    /// False for zero.
    is_negative: bool,
    /// Big-endian, without leading zeros; empty for zero.
    magnitude: Vec<u8>,
}

impl Integer {
    /// The integer of this sign and big-endian magnitude. Leading zeros don't count.
    ///
    /// # Errors
    /// `invalid_tuple_data_type` for more than 255 bytes.
    pub fn from_magnitude(is_negative: bool, magnitude: &[u8]) -> Result<Integer> {
        let zeros = magnitude.iter().take_while(|byte| **byte == 0).count();
        let magnitude = magnitude.get(zeros..).unwrap_or_default();
        if magnitude.len() > INTEGER_BYTES_MAX {
            let detail = format!(
                "an integer of at most {INTEGER_BYTES_MAX} bytes was expected, found {} bytes",
                magnitude.len()
            );
            return Err(Error::new(ErrorCode::InvalidTupleDataType, detail));
        }
        Ok(Integer {
            is_negative: is_negative && !magnitude.is_empty(),
            magnitude: magnitude.to_vec(),
        })
    }

    /// Whether it is below zero.
    pub fn is_negative(&self) -> bool {
        self.is_negative
    }

    /// The bytes of its absolute value, big-endian, without leading zeros.
    pub fn magnitude(&self) -> &[u8] {
        &self.magnitude
    }

    /// The integer as an `i64`, if it fits.
    pub fn to_i64(&self) -> Option<i64> {
        let mut bytes = [0; 8];
        let start = bytes.len().checked_sub(self.magnitude.len())?;
        bytes.get_mut(start..)?.copy_from_slice(&self.magnitude);
        let absolute = i128::from(u64::from_be_bytes(bytes));
        i64::try_from(if self.is_negative { -absolute } else { absolute }).ok()
    }
}

impl From<i64> for Integer {
    fn from(number: i64) -> Integer {
        Integer {
            is_negative: number < 0,
            ..Integer::from(number.unsigned_abs())
        }
    }
}

impl From<u64> for Integer {
    fn from(number: u64) -> Integer {
        let zeros = number.leading_zeros() as usize / 8;
        Integer {
            is_negative: false,
            magnitude: number.to_be_bytes().into_iter().skip(zeros).collect(),
        }
    }
}

impl Ord for Integer {
    fn cmp(&self, other: &Integer) -> Ordering {
        fn absolute(integer: &Integer) -> (usize, &[u8]) {
            (integer.magnitude.len(), &integer.magnitude)
        }
        match (self.is_negative, other.is_negative) {
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => absolute(self).cmp(&absolute(other)),
            (true, true) => absolute(other).cmp(&absolute(self)),
        }
    }
}

impl PartialOrd for Integer {
    fn partial_cmp(&self, other: &Integer) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for Integer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(number) = self.to_i64() {
            return write!(formatter, "{number}");
        }
        formatter.write_str(if self.is_negative { "-0x" } else { "0x" })?;
        self.magnitude
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_convert_at_the_ends_of_i64_and_not_beyond() {
        for number in [0, 1, -1, 255, -256, i64::MAX, i64::MIN, i64::MIN + 1] {
            assert_eq!(Integer::from(number).to_i64(), Some(number));
        }
        let beyond = Integer::from(1u64 << 63);
        assert_eq!(beyond.to_i64(), None);
        let least = Integer::from_magnitude(true, beyond.magnitude()).unwrap();
        assert_eq!(least.to_i64(), Some(i64::MIN));
        assert_eq!(Integer::from_magnitude(false, &[1; 9]).unwrap().to_i64(), None);
    }

    #[test]
    fn leading_zeros_and_the_sign_of_zero_do_not_count() {
        assert_eq!(
            Integer::from_magnitude(true, &[0, 0]).unwrap(),
            Integer::from(0i64)
        );
        assert_eq!(
            Integer::from_magnitude(true, &[0, 5]).unwrap(),
            Integer::from(-5i64)
        );
        let padded = [&[0; 10][..], &[1; 255]].concat();
        assert!(Integer::from_magnitude(false, &padded).is_ok());
        let long = Integer::from_magnitude(false, &[1; 256]).unwrap_err();
        assert_eq!(long.code(), ErrorCode::InvalidTupleDataType);
    }
}
