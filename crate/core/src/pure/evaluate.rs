//! What atomic operations do to a value, byte for byte as FoundationDB does it.
//!
//! For the operations on numbers and bits the result has the operand's length: a longer value is cut,
//! a shorter one padded with zeros. "Little-endian" means that the last byte is the most significant.
//! FoundationDB evaluates in its storage servers and in the client with the same functions
//! (`Atomic.h`); the vectors in the tests come from them.

use std::cmp::Ordering;

use crate::words::{AtomicOp, Key, VALUE_BYTES_MAX, Value, Version};

/// The value after an operation on `existing`; `None` for "no such key", before and after.
pub fn evaluate(op: AtomicOp, existing: Option<&Value>, operand: &Value) -> Option<Value> {
    match op {
        AtomicOp::CompareAndClear => existing.filter(|existing| *existing != operand).cloned(),
        AtomicOp::AppendIfFits => Some(append(existing, operand)),
        AtomicOp::ByteMin => Some(existing.map_or(operand, |existing| existing.min(operand)).clone()),
        AtomicOp::ByteMax => Some(existing.map_or(operand, |existing| existing.max(operand)).clone()),
        AtomicOp::BitAnd | AtomicOp::Min => Some(match existing {
            None => operand.clone(),
            Some(existing) => by_length(op, existing, operand),
        }),
        AtomicOp::Add | AtomicOp::BitOr | AtomicOp::BitXor | AtomicOp::Max => Some(match existing {
            None => operand.clone(),
            Some(existing) if existing.is_empty() => operand.clone(),
            Some(existing) => by_length(op, existing, operand),
        }),
    }
}

/// An operation followed by another of its kind on the same key, as one, whatever the value is; `None`
/// where that depends on the value.
pub fn merge_operands(op: AtomicOp, first: &Value, second: &Value) -> Option<Value> {
    let is_any_length = matches!(
        op,
        AtomicOp::BitAnd | AtomicOp::AppendIfFits | AtomicOp::ByteMin | AtomicOp::ByteMax
    );
    let is_mergeable = match op {
        AtomicOp::CompareAndClear => false,
        _ => is_any_length || first.len() == second.len(),
    };
    if is_mergeable {
        evaluate(op, Some(first), second)
    } else {
        None
    }
}

fn append(existing: Option<&Value>, operand: &Value) -> Value {
    let Some(existing) = existing.filter(|existing| !existing.is_empty()) else {
        return operand.clone();
    };
    if operand.is_empty() || existing.len() + operand.len() > VALUE_BYTES_MAX {
        return existing.clone();
    }
    [&**existing, &**operand].concat().into()
}

fn by_length(op: AtomicOp, existing: &Value, operand: &Value) -> Value {
    let padded = existing.iter().copied().chain(std::iter::repeat(0));
    let pairs = padded.zip(operand.iter().copied());
    match op {
        AtomicOp::BitAnd => pairs.map(|(a, b)| a & b).collect(),
        AtomicOp::BitOr => pairs.map(|(a, b)| a | b).collect(),
        AtomicOp::BitXor => pairs.map(|(a, b)| a ^ b).collect(),
        AtomicOp::Add => {
            let mut carry = 0u16;
            let sums = pairs.map(|(a, b)| {
                carry += u16::from(a) + u16::from(b);
                let byte = carry as u8;
                carry >>= 8;
                byte
            });
            sums.collect()
        }
        _ => {
            let cut: Value = pairs.map(|(a, _)| a).collect();
            let order = cut.iter().rev().cmp(operand.iter().rev());
            let wanted = if op == AtomicOp::Max {
                Ordering::Greater
            } else {
                Ordering::Less
            };
            if order == wanted { cut } else { operand.clone() }
        }
    }
}

/// A key or operand with the place of its versionstamp: the last four bytes, little-endian, are the
/// offset of ten bytes to be replaced.
///
/// `666f6f` and ten bytes and `03000000`, stamped with version 258 and batch index 5, is
/// `666f6f 0000000000000102 0005`.
pub fn stamped(template: &[u8], stamp: &[u8; VERSIONSTAMP_BYTES]) -> Option<Key> {
    let (bytes, offset) = template.split_last_chunk::<4>()?;
    let offset = usize::try_from(i32::from_le_bytes(*offset)).ok()?;
    let mut bytes = bytes.to_vec();
    bytes
        .get_mut(offset..offset.checked_add(VERSIONSTAMP_BYTES)?)?
        .copy_from_slice(stamp);
    Some(bytes.into())
}

/// The versionstamp of a transaction: its place in the history of commits.
pub fn versionstamp(version: Version, batch_index: u16) -> [u8; VERSIONSTAMP_BYTES] {
    let mut stamp = [0; VERSIONSTAMP_BYTES];
    let bytes = version
        .get()
        .to_be_bytes()
        .into_iter()
        .chain(batch_index.to_be_bytes());
    for (place, byte) in stamp.iter_mut().zip(bytes) {
        *place = byte;
    }
    stamp
}

/// Bytes of a versionstamp: the commit version and the batch index, big-endian.
pub const VERSIONSTAMP_BYTES: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Value {
        if hex == "empty" {
            return [].as_slice().into();
        }
        (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect()
    }

    #[test]
    fn atomic_operations_give_foundationdbs_bytes() {
        // Existing, operand, then the result of each operation in the order of `AtomicOp::ALL`.
        let vectors = [
            "absent 0102 | 0102 0102 0102 0102 0102 0102 0102 0102 0102 absent",
            "empty 0102 | 0102 0000 0102 0102 0102 0102 0000 empty 0102 empty",
            "05 empty | empty empty empty empty 05 empty empty empty 05 05",
            "ff 01 | 00 01 ff fe ff01 ff 01 01 ff ff",
            "ff 0100 | 0001 0100 ff00 fe00 ff0100 ff00 0100 0100 ff ff",
            "ffff 01 | 00 01 ff fe ffff01 ff 01 01 ffff ffff",
            "0a0b0c 0102 | 0b0d 0002 0b0b 0b09 0a0b0c0102 0a0b 0102 0102 0a0b0c 0a0b0c",
            "03 0302 | 0602 0300 0302 0002 030302 0302 0300 03 0302 03",
            "6161 6162 | c2c3 6160 6163 0003 61616162 6162 6161 6161 6162 6161",
        ];
        for vector in vectors {
            let (inputs, results) = vector.split_once(" | ").unwrap();
            let (existing, operand) = inputs.split_once(' ').unwrap();
            let existing = (existing != "absent").then(|| bytes(existing));
            for (op, expected) in AtomicOp::ALL.into_iter().zip(results.split(' ')) {
                let expected = (expected != "absent").then(|| bytes(expected));
                assert_eq!(
                    evaluate(op, existing.as_ref(), &bytes(operand)),
                    expected,
                    "{op:?} of {inputs}"
                );
            }
        }
    }

    #[test]
    fn compare_and_clear_of_an_equal_value_removes_the_key() {
        assert_eq!(
            evaluate(AtomicOp::CompareAndClear, Some(&bytes("05")), &bytes("05")),
            None
        );
        assert_eq!(evaluate(AtomicOp::CompareAndClear, None, &bytes("05")), None);
    }

    #[test]
    fn an_append_past_the_longest_value_changes_nothing() {
        let long: Value = vec![1; VALUE_BYTES_MAX - 1].into();
        let fits = evaluate(AtomicOp::AppendIfFits, Some(&long), &bytes("02")).unwrap();
        assert_eq!(fits.len(), VALUE_BYTES_MAX);
        assert_eq!(
            evaluate(AtomicOp::AppendIfFits, Some(&fits), &bytes("02")),
            Some(fits)
        );
    }

    #[test]
    fn operations_have_foundationdbs_numbers_and_two_aliases() {
        for op in AtomicOp::ALL {
            assert_eq!(AtomicOp::from_number(op.number()), Some(op));
        }
        assert_eq!(AtomicOp::from_number(18), Some(AtomicOp::Min));
        assert_eq!(AtomicOp::from_number(19), Some(AtomicOp::BitAnd));
        for number in [0, 1, 3, 10, 11, 14, 15, 21, 255] {
            assert_eq!(AtomicOp::from_number(number), None);
        }
    }

    #[test]
    fn a_versionstamp_replaces_ten_bytes_at_the_offset_that_the_last_four_bytes_name() {
        let template = bytes("666f6f0000000000000000000003000000");
        let stamp: [u8; 10] = bytes("00000000000001020005").to_vec().try_into().unwrap();
        assert_eq!(versionstamp(Version::new(0x102).unwrap(), 5), stamp);
        assert_eq!(
            stamped(&template, &stamp),
            Some(bytes("666f6f00000000000001020005"))
        );
        assert_eq!(
            stamped(&bytes("666f6f0000000000000000000004000000"), &stamp),
            None
        );
        assert_eq!(
            stamped(&bytes("666f6f00000000000000000000ffffffff"), &stamp),
            None
        );
        assert_eq!(stamped(&bytes("0000"), &stamp), None);
    }

    proptest::proptest! {
        #[test]
        fn merged_operands_have_the_effect_of_both(
            existing in proptest::option::of(proptest::collection::vec(0u8..4, 0..4)),
            first in proptest::collection::vec(0u8..4, 0..4),
            second in proptest::collection::vec(0u8..4, 0..4),
        ) {
            let existing: Option<Value> = existing.map(Into::into);
            let (first, second): (Value, Value) = (first.into(), second.into());
            for op in AtomicOp::ALL {
                let Some(merged) = merge_operands(op, &first, &second) else { continue };
                let one_by_one = evaluate(op, evaluate(op, existing.as_ref(), &first).as_ref(), &second);
                assert_eq!(evaluate(op, existing.as_ref(), &merged), one_by_one, "{op:?}");
            }
        }
    }
}
