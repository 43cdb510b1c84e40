//! The commit record: one commit batch as the log stores it, and the reader that checks it.
//!
//! A log entry is one *part* of a record. Records above [`LOG_PART_BYTES_MAX`] are cut into several
//! parts at consecutive sequence numbers, written in one storage transaction. All numbers are
//! little-endian; `n` is a LEB128 number; `bytes` is `n` and that many bytes.
//!
//! | bytes of a part | content |
//! |---|---|
//! | 0..4 | `PLLG` |
//! | 4 | format version, 1 |
//! | 5..8 | zero |
//! | 8..16 | xxHash64 of bytes 16.., seeded with bytes 0..8 |
//! | 16..24 | sequence number that this part was to have; if it has another one, it counts for nothing |
//! | 24..28 | index of this part in its record |
//! | 28..32 | parts of the record |
//! | 32.. | a piece of the payload |
//!
//! Payload, the pieces put together:
//!
//! | content | form |
//! |---|---|
//! | version | 8 bytes |
//! | wall clock at commit, microseconds since 1970 | 8 bytes |
//! | batch id, random | 16 bytes |
//! | transactions, in the order of their batch index | `n` times: |
//! | … idempotency id, empty for none | `bytes` |
//! | … writes, in order | `n` times: operation (1 byte), then its parameters |
//! | … write conflict ranges besides those of the writes | `n` times: begin `bytes`, end `bytes` |
//!
//! Operations: 0 set (key, value); 1 clear range (begin, end); 3 clear key (key); atomic operations by
//! FoundationDB's numbers (key, operand). Bit 7 says that the write's own range is not a write conflict
//! range.

use std::fmt::Display;
use std::rc::Rc;

use super::conflict_set::WrittenKeys;
use super::record_bytes::{ByteReader, Malformed, checked_body, with_head, write_bytes, write_number};
use crate::words::{
    AtomicOp, BATCH_BYTES_MAX, Bytes, Error, ErrorCode, KeyRange, LOG_PART_BYTES_MAX, Mutation, Result,
    SYSTEM_KEY_BYTES_MAX, SequenceNumber, VALUE_BYTES_MAX, Version, Write,
};

const MAGIC: [u8; 4] = *b"PLLG";
const PART_HEADER_BYTES: usize = 32;
const PIECE_BYTES_MAX: usize = LOG_PART_BYTES_MAX - PART_HEADER_BYTES;

/// Parts of the largest record: an encoded batch is smaller than its accounted size, since each of
/// its items takes less than the overhead it is accounted with.
pub const LOG_PARTS_MAX: usize = (2 * BATCH_BYTES_MAX) as usize / PIECE_BYTES_MAX + 1;

const OPERATION_SET: u8 = 0;
const OPERATION_CLEAR_RANGE: u8 = 1;
/// FoundationDB's numbers leave this one free.
const OPERATION_CLEAR_KEY: u8 = 3;
const WITHOUT_CONFLICT: u8 = 0x80;

/// The longest key that appears in a range: one past the longest stored key.
const RANGE_KEY_BYTES_MAX: usize = SYSTEM_KEY_BYTES_MAX + 1;

/// One transaction of a commit batch. Its place in the batch is its batch index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedTransaction {
    /// Finds the transaction again when its commit's answer was lost; empty for none.
    pub idempotency_id: Bytes,
    /// What it changes, in order.
    pub writes: Vec<Write>,
    /// Write conflict ranges besides those of the writes.
    pub further_conflicts: Vec<KeyRange>,
}

impl CommittedTransaction {
    /// All keys whose later readers of older snapshots conflict.
    pub fn write_conflicts(&self) -> impl Iterator<Item = WrittenKeys> + '_ {
        let own = self
            .writes
            .iter()
            .filter(|write| write.has_conflict)
            .map(|write| match &write.mutation {
                Mutation::Set(key, _) | Mutation::Atomic(_, key, _) => WrittenKeys::key(key.clone()),
                Mutation::ClearRange(range) => WrittenKeys::range(range.clone()),
            });
        own.chain(self.further_conflicts.iter().cloned().map(WrittenKeys::range))
    }
}

/// All transactions accepted in one group commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitRecord {
    /// The version at which all of them take effect.
    pub version: Version,
    /// The wall clock when the version was assigned.
    pub unix_us: u64,
    /// Tells this batch from any other that might stand at its place in the log.
    pub batch_id: [u8; 16],
    /// In the order of their serialization.
    pub transactions: Vec<CommittedTransaction>,
}

/// The record as log entries for the places `first`, `first + 1`, ….
pub fn encode_record(record: &CommitRecord, first: SequenceNumber) -> Vec<Vec<u8>> {
    let payload = encode_payload(record);
    let pieces: Vec<&[u8]> = payload.chunks(PIECE_BYTES_MAX).collect();
    let parts: Vec<Vec<u8>> = pieces
        .iter()
        .zip(0u32..)
        .map(|(piece, index)| {
            let mut body = Vec::with_capacity(PART_HEADER_BYTES + piece.len());
            body.extend_from_slice(&first.plus(u64::from(index)).get().to_le_bytes());
            body.extend_from_slice(&index.to_le_bytes());
            body.extend_from_slice(&(pieces.len() as u32).to_le_bytes());
            body.extend_from_slice(piece);
            with_head(MAGIC, &body)
        })
        .collect();
    assert!(
        parts.len() <= LOG_PARTS_MAX,
        "a batch is bounded by BATCH_BYTES_MAX"
    );
    parts
}

fn encode_payload(record: &CommitRecord) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(&record.version.get().to_le_bytes());
    out.extend_from_slice(&record.unix_us.to_le_bytes());
    out.extend_from_slice(&record.batch_id);
    write_number(&mut out, record.transactions.len() as u64);
    for transaction in &record.transactions {
        encode_transaction(&mut out, transaction);
    }
    out
}

fn encode_transaction(out: &mut Vec<u8>, transaction: &CommittedTransaction) {
    write_bytes(out, &transaction.idempotency_id);
    write_number(out, transaction.writes.len() as u64);
    for Write {
        mutation,
        has_conflict,
    } in &transaction.writes
    {
        let flag = if *has_conflict { 0 } else { WITHOUT_CONFLICT };
        match mutation {
            Mutation::Set(key, value) => {
                out.push(OPERATION_SET | flag);
                write_bytes(out, key);
                write_bytes(out, value);
            }
            Mutation::Atomic(op, key, operand) => {
                out.push(op.number() | flag);
                write_bytes(out, key);
                write_bytes(out, operand);
            }
            Mutation::ClearRange(range) if is_single_key(range) => {
                out.push(OPERATION_CLEAR_KEY | flag);
                write_bytes(out, &range.begin);
            }
            Mutation::ClearRange(range) => {
                out.push(OPERATION_CLEAR_RANGE | flag);
                write_bytes(out, &range.begin);
                write_bytes(out, &range.end);
            }
        }
    }
    write_number(out, transaction.further_conflicts.len() as u64);
    for range in &transaction.further_conflicts {
        write_bytes(out, &range.begin);
        write_bytes(out, &range.end);
    }
}

/// Whether the range holds its first key and no other.
fn is_single_key(range: &KeyRange) -> bool {
    range.end.strip_prefix(&*range.begin) == Some(&[0])
}

/// Puts records together from log entries, given in order, and checks everything about them.
///
/// An entry that says that it has another number than it has is *void*: whoever appended it did not know of all
/// entries before it (I14). It takes its place and counts for nothing.
#[derive(Debug)]
pub struct RecordReader {
    next: SequenceNumber,
    pieces: Vec<u8>,
    piece_count: u32,
    part_count: u32,
}

impl RecordReader {
    /// A reader of the entries after the one at `tail`, which ends a record.
    pub fn after(tail: SequenceNumber) -> RecordReader {
        RecordReader {
            next: tail.plus(1),
            pieces: Vec::new(),
            piece_count: 0,
            part_count: 0,
        }
    }

    /// Whether the entries read so far end in the middle of a record.
    pub fn is_inside_record(&self) -> bool {
        self.piece_count > 0
    }

    /// Takes the next entry of the log; gives the record that it completes. A void entry completes none, and
    /// is no part of one.
    ///
    /// # Errors
    /// `file_corrupt` or `incompatible_protocol_version`, naming the log record.
    pub fn push(&mut self, sequence: SequenceNumber, bytes: &[u8]) -> Result<Option<CommitRecord>> {
        let what = format!("log record {sequence}");
        if sequence != self.next {
            return Err(corrupt(
                &what,
                &format!("log record {} was expected, it is missing", self.next),
            ));
        }
        let Some(piece) = self.checked_piece(&what, bytes)? else {
            self.next = sequence.plus(1);
            return Ok(None);
        };
        self.pieces.extend_from_slice(piece);
        self.piece_count += 1;
        self.next = sequence.plus(1);
        if self.piece_count < self.part_count {
            return Ok(None);
        }
        self.piece_count = 0;
        let payload = std::mem::take(&mut self.pieces);
        let record = decode_payload(&payload)
            .map_err(|Malformed| corrupt(&what, &"its checksum holds but its content is malformed"))?;
        Ok(Some(record))
    }

    fn checked_piece<'a>(&mut self, what: &str, bytes: &'a [u8]) -> Result<Option<&'a [u8]>> {
        let body = checked_body(bytes, MAGIC, &what)?;
        let short = || {
            corrupt(
                what,
                &format!("it ends in its header, after {} bytes", bytes.len()),
            )
        };
        let (place, rest) = body.split_first_chunk::<8>().ok_or_else(short)?;
        let (index, rest) = rest.split_first_chunk::<4>().ok_or_else(short)?;
        let (count, piece) = rest.split_first_chunk::<4>().ok_or_else(short)?;
        let (place, index, count) = (
            u64::from_le_bytes(*place),
            u32::from_le_bytes(*index),
            u32::from_le_bytes(*count),
        );
        if place != self.next.get() {
            // The parts of a record are appended together, so they are all void or none is.
            return if self.is_inside_record() {
                Err(corrupt(what, &format!("it says that it is log record {place}")))
            } else {
                Ok(None)
            };
        }
        let count_is_consistent = self.piece_count == 0 || count == self.part_count;
        if index != self.piece_count
            || index >= count
            || !count_is_consistent
            || count as usize > LOG_PARTS_MAX
        {
            let expected = self.piece_count;
            return Err(corrupt(
                what,
                &format!("part {index} of {count} was found, part {expected} expected"),
            ));
        }
        self.part_count = count;
        Ok(Some(piece))
    }
}

fn corrupt(what: &str, detail: &dyn Display) -> Error {
    Error::new(ErrorCode::FileCorrupt, format!("{what}: {detail}"))
}

fn decode_payload(payload: &[u8]) -> std::result::Result<CommitRecord, Malformed> {
    let mut reader = ByteReader::new(payload);
    let version = Version::new(u64::from_le_bytes(reader.array()?)).ok_or(Malformed)?;
    let unix_us = u64::from_le_bytes(reader.array()?);
    let batch_id = reader.array()?;
    let transactions = decode_list(&mut reader, decode_transaction)?;
    if !reader.is_at_end() {
        return Err(Malformed);
    }
    Ok(CommitRecord {
        version,
        unix_us,
        batch_id,
        transactions,
    })
}

fn decode_list<T>(
    reader: &mut ByteReader<'_>,
    mut item: impl FnMut(&mut ByteReader<'_>) -> std::result::Result<T, Malformed>,
) -> std::result::Result<Vec<T>, Malformed> {
    let count = usize::try_from(reader.number()?).map_err(|_| Malformed)?;
    // Each item takes a byte at least: a count beyond that can't be true and must not be allocated.
    if count > reader.remaining() {
        return Err(Malformed);
    }
    let mut items = Vec::with_capacity(count);
    for _ in 0..count {
        items.push(item(reader)?);
    }
    Ok(items)
}

fn decode_transaction(reader: &mut ByteReader<'_>) -> std::result::Result<CommittedTransaction, Malformed> {
    let idempotency_id = reader.bytes(255)?;
    let writes = decode_list(reader, |reader| {
        let operation = reader.byte()?;
        let mutation = match operation & !WITHOUT_CONFLICT {
            OPERATION_SET => Mutation::Set(
                reader.bytes(SYSTEM_KEY_BYTES_MAX)?,
                reader.bytes(VALUE_BYTES_MAX)?,
            ),
            OPERATION_CLEAR_RANGE => Mutation::ClearRange(decode_range(reader)?),
            OPERATION_CLEAR_KEY => {
                Mutation::ClearRange(KeyRange::of_key(reader.bytes(SYSTEM_KEY_BYTES_MAX)?))
            }
            number => {
                let op = AtomicOp::from_number(number).ok_or(Malformed)?;
                Mutation::Atomic(
                    op,
                    reader.bytes(SYSTEM_KEY_BYTES_MAX)?,
                    reader.bytes(VALUE_BYTES_MAX)?,
                )
            }
        };
        Ok(Write {
            mutation,
            has_conflict: operation & WITHOUT_CONFLICT == 0,
        })
    })?;
    let further_conflicts = decode_list(reader, decode_range)?;
    Ok(CommittedTransaction {
        idempotency_id,
        writes,
        further_conflicts,
    })
}

fn decode_range(reader: &mut ByteReader<'_>) -> std::result::Result<KeyRange, Malformed> {
    let range = KeyRange {
        begin: reader.bytes(RANGE_KEY_BYTES_MAX)?,
        end: reader.bytes(RANGE_KEY_BYTES_MAX)?,
    };
    if range.is_empty() {
        Err(Malformed)
    } else {
        Ok(range)
    }
}

/// A transaction without an idempotency id.
impl Default for CommittedTransaction {
    fn default() -> Self {
        CommittedTransaction {
            idempotency_id: Rc::from([].as_slice()),
            writes: Vec::new(),
            further_conflicts: Vec::new(),
        }
    }
}
