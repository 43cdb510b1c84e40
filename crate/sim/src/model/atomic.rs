//! Atomic operations by their reference rules, byte by byte.
//!
//! Written again from FoundationDB's table of operations, so that it shares no mistake with the engine.

use plinth_core::words::{AtomicOp, VALUE_BYTES_MAX};

/// What an operation makes of an existing value and its operand; `None` is "no such key".
pub fn atomic(op: AtomicOp, existing: Option<&[u8]>, operand: &[u8]) -> Option<Vec<u8>> {
    let absent_or_empty = existing.is_none_or(<[u8]>::is_empty);
    let old = existing.unwrap_or_default();
    let result = match op {
        AtomicOp::Add if absent_or_empty => operand.to_vec(),
        AtomicOp::Add => add(&resized(old, operand.len()), operand),
        AtomicOp::BitAnd if existing.is_none() => operand.to_vec(),
        AtomicOp::BitAnd => zip(&resized(old, operand.len()), operand, |e, p| e & p),
        AtomicOp::BitOr if absent_or_empty => operand.to_vec(),
        AtomicOp::BitOr => zip(&resized(old, operand.len()), operand, |e, p| e | p),
        AtomicOp::BitXor if absent_or_empty => operand.to_vec(),
        AtomicOp::BitXor => zip(&resized(old, operand.len()), operand, |e, p| e ^ p),
        AtomicOp::AppendIfFits if old.len() + operand.len() > VALUE_BYTES_MAX => old.to_vec(),
        AtomicOp::AppendIfFits => [old, operand].concat(),
        AtomicOp::Max if absent_or_empty => operand.to_vec(),
        AtomicOp::Max => {
            let old = resized(old, operand.len());
            if is_less(&old, operand) {
                operand.to_vec()
            } else {
                old
            }
        }
        AtomicOp::Min if existing.is_none() => operand.to_vec(),
        AtomicOp::Min => {
            let old = resized(old, operand.len());
            if is_less(&old, operand) {
                old
            } else {
                operand.to_vec()
            }
        }
        AtomicOp::ByteMin if existing.is_none() => operand.to_vec(),
        AtomicOp::ByteMin => old.min(operand).to_vec(),
        AtomicOp::ByteMax if existing.is_none() => operand.to_vec(),
        AtomicOp::ByteMax => old.max(operand).to_vec(),
        AtomicOp::CompareAndClear if existing == Some(operand) => return None,
        AtomicOp::CompareAndClear => return existing.map(<[u8]>::to_vec),
    };
    Some(result)
}

/// Cut, or padded with zeros, to `length` bytes.
fn resized(value: &[u8], length: usize) -> Vec<u8> {
    let mut value = value.to_vec();
    value.resize(length, 0);
    value
}

fn zip(existing: &[u8], operand: &[u8], combine: impl Fn(u8, u8) -> u8) -> Vec<u8> {
    existing
        .iter()
        .zip(operand)
        .map(|(&e, &p)| combine(e, p))
        .collect()
}

/// Little-endian addition; what does not fit is lost.
fn add(existing: &[u8], operand: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    let mut sum = Vec::new();
    for (&e, &p) in existing.iter().zip(operand) {
        let digit = u16::from(e) + u16::from(p) + carry;
        sum.push((digit % 256) as u8);
        carry = digit / 256;
    }
    sum
}

/// Little-endian comparison of numbers of one length: the last byte counts most.
fn is_less(one: &[u8], other: &[u8]) -> bool {
    one.iter().rev().lt(other.iter().rev())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Option<Vec<u8>> {
        match hex {
            "absent" => None,
            "empty" => Some(Vec::new()),
            _ => Some(
                (0..hex.len())
                    .step_by(2)
                    .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
                    .collect(),
            ),
        }
    }

    #[test]
    fn the_published_vectors_hold() {
        use AtomicOp::*;
        let ops = [
            Add,
            BitAnd,
            BitOr,
            BitXor,
            AppendIfFits,
            Max,
            Min,
            ByteMin,
            ByteMax,
            CompareAndClear,
        ];
        let vectors = [
            "absent 0102 0102 0102 0102 0102 0102 0102 0102 0102 0102 absent",
            "empty 0102 0102 0000 0102 0102 0102 0102 0000 empty 0102 empty",
            "05 empty empty empty empty empty 05 empty empty empty 05 05",
            "ff 01 00 01 ff fe ff01 ff 01 01 ff ff",
            "ff 0100 0001 0100 ff00 fe00 ff0100 ff00 0100 0100 ff ff",
            "ffff 01 00 01 ff fe ffff01 ff 01 01 ffff ffff",
            "0a0b0c 0102 0b0d 0002 0b0b 0b09 0a0b0c0102 0a0b 0102 0102 0a0b0c 0a0b0c",
            "03 0302 0602 0300 0302 0002 030302 0302 0300 03 0302 03",
            "6161 6162 c2c3 6160 6163 0003 61616162 6162 6161 6161 6162 6161",
        ];
        for vector in vectors {
            let mut columns = vector.split(' ').map(bytes);
            let (existing, operand) = (columns.next().unwrap(), columns.next().unwrap().unwrap());
            for (op, expected) in ops.into_iter().zip(columns) {
                assert_eq!(
                    atomic(op, existing.as_deref(), &operand),
                    expected,
                    "{op:?} of {vector}"
                );
            }
        }
    }
}
