//! From bytes that nobody checked to elements.

use super::{
    Element, Float32, Float64, Integer, NESTING_DEPTH_MAX, TUPLE_VERSIONSTAMP_BYTES, Versionstamp, type_code,
};
use crate::words::{Error, ErrorCode, Result};

/// The elements of a packed tuple. Integers may be longer than they need be, as some bindings write
/// them; anything else that no binding packs is an error.
///
/// # Errors
/// `invalid_tuple_data_type` for a code that is none, for text that is not UTF-8, for bytes that end
/// early and for tuples nested too deep; `invalid_uuid_size` and `invalid_versionstamp_size` where the
/// bytes end inside such an element.
pub fn unpack(bytes: &[u8]) -> Result<Vec<Element>> {
    let mut reader = Reader {
        bytes,
        position: 0,
        element_position: 0,
    };
    let mut elements = Vec::new();
    // The tuples around the one that is being read, outermost first: not the call stack, because it is
    // the bytes that say how many there are.
    let mut outer: Vec<Vec<Element>> = Vec::new();
    while let Some(code) = reader.next() {
        let element = match code {
            type_code::NESTED if outer.len() == NESTING_DEPTH_MAX => {
                let detail =
                    format!("tuples nested at most {NESTING_DEPTH_MAX} deep were expected, found one more");
                return Err(reader.malformed(ErrorCode::InvalidTupleDataType, &detail));
            }
            type_code::NESTED => {
                outer.push(std::mem::take(&mut elements));
                continue;
            }
            type_code::NULL if outer.is_empty() || reader.skip_escape() => Element::Null,
            type_code::NULL => {
                let around = outer.pop().expect("this arm is not reached outside of a tuple");
                Element::Nested(std::mem::replace(&mut elements, around))
            }
            code => reader.element(code)?,
        };
        elements.push(element);
    }
    if outer.is_empty() {
        Ok(elements)
    } else {
        let detail = "the 00 that ends a nested tuple was expected, found the end of the bytes";
        Err(reader.malformed(ErrorCode::InvalidTupleDataType, detail))
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
    /// Where the element that is being read begins.
    element_position: usize,
}

impl<'a> Reader<'a> {
    /// The code of the next element.
    fn next(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.position).copied()?;
        self.element_position = self.position;
        self.position += 1;
        Some(byte)
    }

    /// Whether an escape is next, which is then skipped.
    fn skip_escape(&mut self) -> bool {
        let is_escape = self.bytes.get(self.position) == Some(&type_code::ESCAPE);
        self.position += usize::from(is_escape);
        is_escape
    }

    fn element(&mut self, code: u8) -> Result<Element> {
        const ANY: ErrorCode = ErrorCode::InvalidTupleDataType;
        Ok(match code {
            type_code::BYTES => Element::Bytes(self.escaped("byte string")?),
            type_code::UNICODE => {
                let text = String::from_utf8(self.escaped("string")?);
                Element::Unicode(
                    text.map_err(|_| self.malformed(ANY, "UTF-8 was expected, found other bytes"))?,
                )
            }
            type_code::FLOAT32 => Element::Float32(Float32::from_ordered_bytes(self.array("float", ANY)?)),
            type_code::FLOAT64 => Element::Float64(Float64::from_ordered_bytes(self.array("double", ANY)?)),
            type_code::FALSE => Element::Boolean(false),
            type_code::TRUE => Element::Boolean(true),
            type_code::UUID => Element::Uuid(self.array("UUID", ErrorCode::InvalidUuidSize)?),
            type_code::VERSIONSTAMP80 => {
                Element::Versionstamp80(self.array("versionstamp", ErrorCode::InvalidVersionstampSize)?)
            }
            type_code::VERSIONSTAMP => {
                let bytes: [u8; TUPLE_VERSIONSTAMP_BYTES] =
                    self.array("versionstamp", ErrorCode::InvalidVersionstampSize)?;
                Element::Versionstamp(Versionstamp::from_bytes(&bytes)?)
            }
            type_code::NEGATIVE_INTEGER..=type_code::POSITIVE_INTEGER => {
                Element::Integer(self.integer(code)?)
            }
            code => {
                return Err(self.malformed(ANY, &format!("a type code was expected, found {code:02x}")));
            }
        })
    }

    fn integer(&mut self, code: u8) -> Result<Integer> {
        let any = ErrorCode::InvalidTupleDataType;
        let count = match code {
            type_code::NEGATIVE_INTEGER => !self.byte()?,
            type_code::POSITIVE_INTEGER => self.byte()?,
            _ => code.abs_diff(type_code::INTEGER_ZERO),
        };
        let bytes = self.take(usize::from(count), "integer", any)?;
        if code < type_code::INTEGER_ZERO {
            let magnitude: Vec<u8> = bytes.iter().map(|byte| !byte).collect();
            Integer::from_magnitude(true, &magnitude)
        } else {
            Integer::from_magnitude(false, bytes)
        }
    }

    /// Bytes up to a 00 that no escape follows.
    fn escaped(&mut self, what: &str) -> Result<Vec<u8>> {
        let mut content = Vec::new();
        loop {
            let rest = self.bytes.get(self.position..).unwrap_or_default();
            let Some(length) = rest.iter().position(|byte| *byte == 0) else {
                let detail = format!("the 00 that ends a {what} was expected, found the end of the bytes");
                return Err(self.malformed(ErrorCode::InvalidTupleDataType, &detail));
            };
            content.extend(rest.iter().take(length));
            self.position += length + 1;
            if !self.skip_escape() {
                return Ok(content);
            }
            content.push(0);
        }
    }

    fn byte(&mut self) -> Result<u8> {
        let [byte] = self.array("integer's length", ErrorCode::InvalidTupleDataType)?;
        Ok(byte)
    }

    fn array<const N: usize>(&mut self, what: &str, code: ErrorCode) -> Result<[u8; N]> {
        let bytes = self.take(N, what, code)?;
        Ok(bytes.try_into().expect("`take` gives as many bytes as asked for"))
    }

    fn take(&mut self, count: usize, what: &str, code: ErrorCode) -> Result<&'a [u8]> {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let Some(taken) = rest.get(..count) else {
            let detail = format!("{what} of {count} bytes was expected, found {}", rest.len());
            return Err(self.malformed(code, &detail));
        };
        self.position += count;
        Ok(taken)
    }

    fn malformed(&self, code: ErrorCode, detail: &str) -> Error {
        let position = self.element_position;
        Error::new(code, format!("tuple element at byte {position}: {detail}"))
    }
}
