//! From elements to bytes.

use super::{Element, Integer, NESTING_DEPTH_MAX, type_code};
use crate::words::{Error, ErrorCode, KeyRange, Result};

/// The bytes of a tuple.
///
/// # Errors
/// `client_invalid_operation` if a versionstamp in it is incomplete; `invalid_tuple_data_type` if it is
/// nested too deep.
pub fn pack(elements: &[Element]) -> Result<Vec<u8>> {
    pack_after(&[], elements)
}

/// The bytes of a tuple, after those of `prefix`.
///
/// # Errors
/// As [`pack`].
pub fn pack_after(prefix: &[u8], elements: &[Element]) -> Result<Vec<u8>> {
    let packer = Packer::run(prefix, elements)?;
    match packer.stamp_position {
        None => Ok(packer.bytes),
        Some(_) => Err(Error::new(
            ErrorCode::ClientInvalidOperation,
            "Incomplete versionstamp included in vanilla tuple pack",
        )),
    }
}

/// The template of a tuple one of whose versionstamps the commit is to fill in, after the bytes of
/// `prefix`: for versionstamped keys and values. Its last four bytes say where the stamp goes.
///
/// # Errors
/// `client_invalid_operation` if no versionstamp in it is incomplete, or more than one is;
/// `invalid_tuple_data_type` if it is nested too deep.
pub fn pack_with_versionstamp(prefix: &[u8], elements: &[Element]) -> Result<Vec<u8>> {
    let Packer {
        mut bytes,
        stamp_position,
    } = Packer::run(prefix, elements)?;
    let position = stamp_position.ok_or_else(|| {
        Error::new(
            ErrorCode::ClientInvalidOperation,
            "No incomplete versionstamp included in tuple pack with versionstamp",
        )
    })?;
    let position = u32::try_from(position).map_err(|_| {
        Error::new(
            ErrorCode::ClientInvalidOperation,
            format!("a position below 2^32 was expected for the versionstamp, found {position}"),
        )
    })?;
    bytes.extend_from_slice(&position.to_le_bytes());
    Ok(bytes)
}

/// All tuples that begin with these elements and have more of them, after the bytes of `prefix`.
///
/// # Errors
/// As [`pack`].
pub fn range(prefix: &[u8], elements: &[Element]) -> Result<KeyRange> {
    let packed = pack_after(prefix, elements)?;
    let with = |last: u8| [packed.as_slice(), &[last]].concat();
    Ok(KeyRange::new(with(type_code::NULL), with(type_code::ESCAPE)))
}

struct Packer {
    bytes: Vec<u8>,
    /// Where the incomplete versionstamp is.
    stamp_position: Option<usize>,
}

impl Packer {
    fn run(prefix: &[u8], elements: &[Element]) -> Result<Packer> {
        let mut packer = Packer {
            bytes: prefix.to_vec(),
            stamp_position: None,
        };
        for element in elements {
            packer.element(element, 0)?;
        }
        Ok(packer)
    }

    fn element(&mut self, element: &Element, depth: usize) -> Result<()> {
        match element {
            Element::Null => {
                self.bytes.push(type_code::NULL);
                if depth > 0 {
                    self.bytes.push(type_code::ESCAPE);
                }
            }
            Element::Bytes(bytes) => self.escaped(type_code::BYTES, bytes),
            Element::Unicode(text) => self.escaped(type_code::UNICODE, text.as_bytes()),
            Element::Nested(elements) => self.nested(elements, depth + 1)?,
            Element::Integer(integer) => self.integer(integer),
            Element::Float32(float) => self.plain(type_code::FLOAT32, &float.ordered_bytes()),
            Element::Float64(float) => self.plain(type_code::FLOAT64, &float.ordered_bytes()),
            Element::Boolean(false) => self.bytes.push(type_code::FALSE),
            Element::Boolean(true) => self.bytes.push(type_code::TRUE),
            Element::Uuid(bytes) => self.plain(type_code::UUID, bytes),
            Element::Versionstamp80(bytes) => self.plain(type_code::VERSIONSTAMP80, bytes),
            Element::Versionstamp(stamp) => {
                let position = self.bytes.len() + 1;
                if !stamp.is_complete() && self.stamp_position.replace(position).is_some() {
                    return Err(Error::new(
                        ErrorCode::ClientInvalidOperation,
                        "Tuples may only contain 1 unset versionstamp",
                    ));
                }
                self.plain(type_code::VERSIONSTAMP, &stamp.to_bytes());
            }
        }
        Ok(())
    }

    fn plain(&mut self, code: u8, bytes: &[u8]) {
        self.bytes.push(code);
        self.bytes.extend_from_slice(bytes);
    }

    fn escaped(&mut self, code: u8, bytes: &[u8]) {
        self.bytes.push(code);
        let mut pieces = bytes.split(|byte| *byte == 0);
        self.bytes.extend_from_slice(pieces.next().unwrap_or_default());
        for piece in pieces {
            self.bytes.extend_from_slice(&[0, type_code::ESCAPE]);
            self.bytes.extend_from_slice(piece);
        }
        self.bytes.push(0);
    }

    fn nested(&mut self, elements: &[Element], depth: usize) -> Result<()> {
        if depth > NESTING_DEPTH_MAX {
            let detail = format!("tuples nested at most {NESTING_DEPTH_MAX} deep were expected");
            return Err(Error::new(ErrorCode::InvalidTupleDataType, detail));
        }
        self.bytes.push(type_code::NESTED);
        for element in elements {
            self.element(element, depth)?;
        }
        self.bytes.push(0);
        Ok(())
    }

    fn integer(&mut self, integer: &Integer) {
        let magnitude = integer.magnitude();
        let count = u8::try_from(magnitude.len()).expect("an Integer has at most 255 bytes");
        match (count > 8, integer.is_negative()) {
            (false, false) => self.bytes.push(type_code::INTEGER_ZERO + count),
            (false, true) => self.bytes.push(type_code::INTEGER_ZERO - count),
            (true, false) => self.bytes.extend([type_code::POSITIVE_INTEGER, count]),
            (true, true) => self.bytes.extend([type_code::NEGATIVE_INTEGER, !count]),
        }
        let flip = if integer.is_negative() { 0xff } else { 0 };
        self.bytes.extend(magnitude.iter().map(|byte| byte ^ flip));
    }
}
