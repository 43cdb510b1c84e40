//! The export format: a database, or a range of it, as a sequence of frames that can be written and read
//! in constant memory.
//!
//! | bytes of a frame | content |
//! |---|---|
//! | 0..4 | `PLEX` |
//! | 4 | format version, 1 |
//! | 5..8 | zero |
//! | 8..16 | xxHash64 of bytes 16.., seeded with bytes 0..8 |
//! | 16..20 | bytes of the frame, these included, at most 1,048,576 |
//! | 20 | kind: 0 begin, 1 changes, 2 end |
//! | 21..24 | zero |
//! | 24..32 | bytes 8..16 of the frame before it; zero in the first |
//! | 32.. | body |
//!
//! So a frame that is damaged, missing, moved or of another export is noticed. An export is one begin
//! frame, any number of changes frames, and one end frame, which no byte follows: an export that was cut
//! off has none. All numbers are little-endian; `n` is a LEB128 number; `bytes` is `n` and that many bytes.
//!
//! | body | content |
//! |---|---|
//! | begin | wall clock, microseconds since 1970, 8 bytes; the exported range: begin `bytes`, end `bytes` |
//! | changes | `n` changes: operation (1 byte), its parameters |
//! | end | version, 8 bytes; keys set `n`; bytes of these keys and their values `n`; clears `n` |
//!
//! Operations: 0 set (key, value); 1 clear range (begin, end); 3 clear key (key), as in a log record. Done in
//! their order on an empty range they make the range as it was at the version of the end frame. A key
//! appears more than once if it changed while the export was made.

use super::record_bytes::{ByteReader, FORMAT_VERSION, Malformed, checksum, write_bytes, write_number};
use crate::words::{
    Error, ErrorCode, KeyRange, Mutation, Result, SYSTEM_KEY_BYTES_MAX, VALUE_BYTES_MAX, Version,
};

const MAGIC: [u8; 4] = *b"PLEX";
const PREFIX: [u8; 8] = [b'P', b'L', b'E', b'X', FORMAT_VERSION, 0, 0, 0];
const HEADER_BYTES: usize = 32;
/// Largest frame.
const FRAME_BYTES_MAX: usize = 1 << 20;
/// A frame of changes is closed when its body has so many bytes. An importing transaction is as large.
pub const EXPORT_FRAME_BYTES: usize = 1 << 18;
/// The longest key that appears in a range: one past the longest stored key.
const RANGE_KEY_BYTES_MAX: usize = SYSTEM_KEY_BYTES_MAX + 1;

// The last change of a frame always fits.
const _: () = assert!(
    HEADER_BYTES + EXPORT_FRAME_BYTES + 2 * RANGE_KEY_BYTES_MAX + VALUE_BYTES_MAX + 64 < FRAME_BYTES_MAX
);

const KIND_BEGIN: u8 = 0;
const KIND_CHANGES: u8 = 1;
const KIND_END: u8 = 2;

const OPERATION_SET: u8 = 0;
const OPERATION_CLEAR_RANGE: u8 = 1;
const OPERATION_CLEAR_KEY: u8 = 3;

/// What an export has in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExportTotals {
    /// Keys that are set; one that changed while the export was made counts again.
    pub rows: u64,
    /// Bytes of these keys and their values.
    pub key_value_bytes: u64,
    /// Keys and ranges that are cleared, because they changed while the export was made.
    pub clears: u64,
}

impl ExportTotals {
    fn add(&mut self, change: &Mutation) {
        match change {
            Mutation::Set(key, value) => {
                self.rows += 1;
                self.key_value_bytes += (key.len() + value.len()) as u64;
            }
            Mutation::ClearRange(_) | Mutation::Atomic(..) => self.clears += 1,
        }
    }
}

/// One frame, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportFrame {
    /// What was exported, and the wall clock then.
    Begin {
        /// The keys that the export is about: those that it does not set are not there.
        range: KeyRange,
        /// Microseconds since 1970.
        unix_us: u64,
    },
    /// Sets and clears.
    Changes(Vec<Mutation>),
    /// Nothing follows.
    End {
        /// The version at which the range was like this.
        version: Version,
    },
}

/// Writes the frames of one export.
#[derive(Debug, Default)]
pub struct ExportWriter {
    previous: [u8; 8],
    bytes: u64,
    totals: ExportTotals,
    body: Vec<u8>,
    change_count: u64,
}

impl ExportWriter {
    /// A writer of a new export.
    pub fn new() -> ExportWriter {
        ExportWriter::default()
    }

    /// Bytes of the frames so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What was written so far.
    pub fn totals(&self) -> ExportTotals {
        self.totals
    }

    /// The first frame.
    pub fn begin(&mut self, range: &KeyRange, unix_us: u64) -> Vec<u8> {
        let mut body = unix_us.to_le_bytes().to_vec();
        write_bytes(&mut body, &range.begin);
        write_bytes(&mut body, &range.end);
        self.frame(KIND_BEGIN, &body)
    }

    /// Adds a change: a set, or a clear; gives a frame when there is enough for one.
    pub fn push(&mut self, change: &Mutation) -> Option<Vec<u8>> {
        let body = &mut self.body;
        match change {
            Mutation::Set(key, value) => {
                body.push(OPERATION_SET);
                write_bytes(body, key);
                write_bytes(body, value);
            }
            Mutation::ClearRange(range) if range.end.strip_prefix(&*range.begin) == Some(&[0]) => {
                body.push(OPERATION_CLEAR_KEY);
                write_bytes(body, &range.begin);
            }
            Mutation::ClearRange(range) => {
                body.push(OPERATION_CLEAR_RANGE);
                write_bytes(body, &range.begin);
                write_bytes(body, &range.end);
            }
            Mutation::Atomic(..) => unreachable!("an export has values, not operations"),
        }
        self.change_count += 1;
        self.totals.add(change);
        if self.body.len() >= EXPORT_FRAME_BYTES {
            self.flush()
        } else {
            None
        }
    }

    /// The frame of the changes that wait for one.
    pub fn flush(&mut self) -> Option<Vec<u8>> {
        if self.change_count == 0 {
            return None;
        }
        let mut body = Vec::with_capacity(self.body.len() + 9);
        write_number(&mut body, std::mem::take(&mut self.change_count));
        body.append(&mut self.body);
        Some(self.frame(KIND_CHANGES, &body))
    }

    /// The last frame; all changes must have been flushed.
    pub fn end(&mut self, version: Version) -> Vec<u8> {
        assert!(
            self.change_count == 0,
            "what was pushed is written before the end"
        );
        let mut body = version.get().to_le_bytes().to_vec();
        write_number(&mut body, self.totals.rows);
        write_number(&mut body, self.totals.key_value_bytes);
        write_number(&mut body, self.totals.clears);
        self.frame(KIND_END, &body)
    }

    fn frame(&mut self, kind: u8, body: &[u8]) -> Vec<u8> {
        let length = HEADER_BYTES + body.len();
        assert!(length <= FRAME_BYTES_MAX, "frames are closed long before");
        let mut bytes = Vec::with_capacity(length);
        bytes.extend_from_slice(&PREFIX);
        bytes.extend_from_slice(&[0; 8]);
        bytes.extend_from_slice(&(length as u32).to_le_bytes());
        bytes.extend_from_slice(&[kind, 0, 0, 0]);
        bytes.extend_from_slice(&self.previous);
        bytes.extend_from_slice(body);
        let checked = bytes.get(16..).unwrap_or_default();
        self.previous = checksum(PREFIX, checked).to_le_bytes();
        if let Some(place) = bytes.get_mut(8..16) {
            place.copy_from_slice(&self.previous);
        }
        self.bytes += length as u64;
        bytes
    }
}

/// What has to come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Begin,
    ChangesOrEnd,
    Nothing,
}

/// Reads frames from bytes that come in pieces of any size, and checks everything about them.
#[derive(Debug)]
pub struct ExportReader {
    /// What was given and not read; at most a frame and the piece that was given last.
    buffer: Vec<u8>,
    /// How much of the buffer has been read.
    read: usize,
    /// Where in the export the buffer begins.
    offset: u64,
    previous: [u8; 8],
    expected: Expected,
    range: KeyRange,
    totals: ExportTotals,
}

impl Default for ExportReader {
    fn default() -> ExportReader {
        ExportReader {
            buffer: Vec::new(),
            read: 0,
            offset: 0,
            previous: [0; 8],
            expected: Expected::Begin,
            range: KeyRange::new([].as_slice(), [].as_slice()),
            totals: ExportTotals::default(),
        }
    }
}

impl ExportReader {
    /// A reader of an export from its first byte.
    pub fn new() -> ExportReader {
        ExportReader::default()
    }

    /// How many bytes have been read: where the next frame begins.
    pub fn offset(&self) -> u64 {
        self.offset + self.read as u64
    }

    /// What was read so far.
    pub fn totals(&self) -> ExportTotals {
        self.totals
    }

    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.read);
        self.offset += self.read as u64;
        self.read = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next frame; `None` if more bytes are needed.
    ///
    /// # Errors
    /// `restore_unknown_file_type` if this is no export; `restore_unsupported_file_version` if it is of a
    /// later version; `restore_corrupted_data`. Each names the offset, what was expected and what was
    /// found.
    pub fn next_frame(&mut self) -> Result<Option<ExportFrame>> {
        let bytes = self.buffer.get(self.read..).unwrap_or_default();
        if bytes.is_empty() {
            return Ok(None);
        }
        if self.expected == Expected::Nothing {
            let detail = format!("the end was expected, found {} more bytes", bytes.len());
            return Err(self.corrupted(&detail));
        }
        let Some(length) = self.frame_bytes(bytes)? else {
            return Ok(None);
        };
        let Some(bytes) = bytes.get(..length) else {
            return Ok(None);
        };
        let (frame, checksum) = self.decode(bytes)?;
        self.read += length;
        self.previous = checksum;
        match &frame {
            ExportFrame::Begin { range, .. } => {
                self.range = range.clone();
                self.expected = Expected::ChangesOrEnd;
            }
            ExportFrame::Changes(changes) => changes.iter().for_each(|change| self.totals.add(change)),
            ExportFrame::End { .. } => self.expected = Expected::Nothing,
        }
        Ok(Some(frame))
    }

    /// The end of the bytes.
    ///
    /// # Errors
    /// `restore_missing_data` unless the export is complete.
    pub fn finish(&self) -> Result<()> {
        let rest = self.buffer.len() - self.read;
        let expected = match self.expected {
            Expected::Nothing => return Ok(()),
            Expected::Begin => "an export",
            Expected::ChangesOrEnd => "a frame",
        };
        let detail = format!("{expected} was expected, found the end after {rest} bytes of it");
        Err(self.error(ErrorCode::RestoreMissingData, &detail))
    }

    /// The length of the frame that begins here, as far as it can be told.
    fn frame_bytes(&self, bytes: &[u8]) -> Result<Option<usize>> {
        let magic = bytes.get(..4.min(bytes.len())).unwrap_or_default();
        if !MAGIC.starts_with(magic) {
            let detail = format!("a frame that begins with {MAGIC:02x?} was expected, found {magic:02x?}");
            return Err(match self.expected {
                Expected::Begin => self.error(ErrorCode::RestoreUnknownFileType, &detail),
                _ => self.corrupted(&detail),
            });
        }
        let Some(length) = bytes.get(16..).and_then(|rest| rest.first_chunk::<4>()) else {
            return Ok(None);
        };
        let length = u32::from_le_bytes(*length) as usize;
        if !(HEADER_BYTES..=FRAME_BYTES_MAX).contains(&length) {
            let detail = format!(
                "a frame of {HEADER_BYTES} to {FRAME_BYTES_MAX} bytes was expected, found one of {length}"
            );
            return Err(self.corrupted(&detail));
        }
        Ok(Some(length))
    }

    /// A frame, which must be the next one, and its checksum.
    fn decode(&self, bytes: &[u8]) -> Result<(ExportFrame, [u8; 8])> {
        let malformed = |detail: &str| -> Error { self.corrupted(detail) };
        let mut reader = ByteReader::new(bytes);
        let header = |reader: &mut ByteReader<'_>| {
            let (prefix, stored) = (reader.array::<8>()?, reader.array::<8>()?);
            let (_length, kind) = (reader.array::<4>()?, reader.array::<4>()?);
            Ok((prefix, stored, kind, reader.array::<8>()?))
        };
        let (prefix, stored, kind, previous) =
            header(&mut reader).map_err(|Malformed| malformed("a whole header was expected"))?;
        let found = checksum(prefix, bytes.get(16..).unwrap_or_default()).to_le_bytes();
        if found != stored {
            let detail = format!("a frame with the checksum {stored:02x?} was expected, found {found:02x?}");
            return Err(malformed(&detail));
        }
        let [_, _, _, _, version, ..] = prefix;
        if version > FORMAT_VERSION {
            let detail = format!("format version {FORMAT_VERSION} or earlier was expected, found {version}");
            return Err(self.error(ErrorCode::RestoreUnsupportedFileVersion, &detail));
        }
        if prefix != PREFIX {
            return Err(malformed(&format!(
                "{PREFIX:02x?} was expected, found {prefix:02x?}"
            )));
        }
        if previous != self.previous {
            let detail = format!(
                "the frame after the one with the checksum {:02x?} was expected, found the one after \
                 {previous:02x?}",
                self.previous
            );
            return Err(malformed(&detail));
        }
        let [kind, zeros @ ..] = kind;
        let is_expected = match self.expected {
            Expected::Begin => kind == KIND_BEGIN,
            _ => kind == KIND_CHANGES || kind == KIND_END,
        };
        if !is_expected || zeros != [0; 3] {
            let detail = format!("{:?} was expected, found a frame of kind {kind}", self.expected);
            return Err(malformed(&detail));
        }
        let frame = self
            .decode_body(kind, &mut reader)
            .map_err(|Malformed| malformed("its checksum holds but its content is malformed"))?;
        self.check_totals(&frame, bytes)?;
        Ok((frame, stored))
    }

    fn decode_body(
        &self,
        kind: u8,
        reader: &mut ByteReader<'_>,
    ) -> std::result::Result<ExportFrame, Malformed> {
        let frame = match kind {
            KIND_BEGIN => {
                let unix_us = u64::from_le_bytes(reader.array()?);
                let range = KeyRange {
                    begin: reader.bytes(RANGE_KEY_BYTES_MAX)?,
                    end: reader.bytes(RANGE_KEY_BYTES_MAX)?,
                };
                ExportFrame::Begin { range, unix_us }
            }
            KIND_CHANGES => {
                let count = reader.number()?;
                // Each change takes a byte at least: a count beyond that can't be true.
                if count > reader.remaining() as u64 {
                    return Err(Malformed);
                }
                let mut changes = Vec::new();
                for _ in 0..count {
                    changes.push(self.decode_change(reader)?);
                }
                ExportFrame::Changes(changes)
            }
            _ => {
                let version = Version::new(u64::from_le_bytes(reader.array()?)).ok_or(Malformed)?;
                // Compared by `check_totals`.
                for _ in 0..3 {
                    reader.number()?;
                }
                ExportFrame::End { version }
            }
        };
        if reader.is_at_end() {
            Ok(frame)
        } else {
            Err(Malformed)
        }
    }

    fn decode_change(&self, reader: &mut ByteReader<'_>) -> std::result::Result<Mutation, Malformed> {
        let change = match reader.byte()? {
            OPERATION_SET => {
                let key = reader.bytes(SYSTEM_KEY_BYTES_MAX)?;
                Mutation::Set(key, reader.bytes(VALUE_BYTES_MAX)?)
            }
            OPERATION_CLEAR_RANGE => Mutation::ClearRange(KeyRange {
                begin: reader.bytes(RANGE_KEY_BYTES_MAX)?,
                end: reader.bytes(RANGE_KEY_BYTES_MAX)?,
            }),
            OPERATION_CLEAR_KEY => {
                Mutation::ClearRange(KeyRange::of_key(reader.bytes(SYSTEM_KEY_BYTES_MAX)?))
            }
            _ => return Err(Malformed),
        };
        let is_inside = match &change {
            Mutation::ClearRange(range) => {
                !range.is_empty() && range.begin >= self.range.begin && range.end <= self.range.end
            }
            Mutation::Set(key, _) | Mutation::Atomic(_, key, _) => self.range.contains(key),
        };
        if is_inside { Ok(change) } else { Err(Malformed) }
    }

    /// Compares the counts in the end frame with what was read.
    fn check_totals(&self, frame: &ExportFrame, bytes: &[u8]) -> Result<()> {
        if !matches!(frame, ExportFrame::End { .. }) {
            return Ok(());
        }
        let mut reader = ByteReader::new(bytes.get(HEADER_BYTES + 8..).unwrap_or_default());
        let mut next = || reader.number().unwrap_or_default();
        let stored = ExportTotals {
            rows: next(),
            key_value_bytes: next(),
            clears: next(),
        };
        if stored != self.totals {
            let detail = format!("{stored:?} was expected, found {:?}", self.totals);
            return Err(self.corrupted(&detail));
        }
        Ok(())
    }

    fn corrupted(&self, detail: &str) -> Error {
        self.error(ErrorCode::RestoreCorruptedData, detail)
    }

    fn error(&self, code: ErrorCode, detail: &str) -> Error {
        Error::new(code, format!("export, byte {}: {detail}", self.offset()))
    }
}
