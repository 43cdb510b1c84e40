//! The names and numbers of atomic operations. What they do is in `pure`.

/// An operation on a key's value that the database carries out at the commit version, without the
/// transaction reading the key. Numbers are FoundationDB's `MutationType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum AtomicOp {
    /// Little-endian addition, modulo the operand's length.
    Add = 2,
    /// Bitwise and.
    BitAnd = 6,
    /// Bitwise or.
    BitOr = 7,
    /// Bitwise exclusive or.
    BitXor = 8,
    /// Append, if the result is not longer than a value may be.
    AppendIfFits = 9,
    /// The larger of two little-endian numbers.
    Max = 12,
    /// The smaller of two little-endian numbers.
    Min = 13,
    /// The lexicographically smaller of two byte strings.
    ByteMin = 16,
    /// The lexicographically larger of two byte strings.
    ByteMax = 17,
    /// Clear the key if its value equals the operand.
    CompareAndClear = 20,
}

impl AtomicOp {
    /// Every operation.
    pub const ALL: [AtomicOp; 10] = [
        AtomicOp::Add,
        AtomicOp::BitAnd,
        AtomicOp::BitOr,
        AtomicOp::BitXor,
        AtomicOp::AppendIfFits,
        AtomicOp::Max,
        AtomicOp::Min,
        AtomicOp::ByteMin,
        AtomicOp::ByteMax,
        AtomicOp::CompareAndClear,
    ];

    /// FoundationDB's number of the operation.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The operation with this number. 18 and 19 are FoundationDB's internal numbers of `Min` and
    /// `BitAnd`, and accepted.
    pub fn from_number(number: u8) -> Option<AtomicOp> {
        match number {
            18 => Some(AtomicOp::Min),
            19 => Some(AtomicOp::BitAnd),
            _ => AtomicOp::ALL.into_iter().find(|op| op.number() == number),
        }
    }
}
