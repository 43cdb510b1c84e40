//! A page: one value of the page store, checked once and then searched where it lies.
//!
//! Leaves hold key-value pairs, branches the children of the tree's inner nodes, chunks the pieces of
//! values too long for a leaf, lists the ids of pages to be deleted. Numbers are little-endian; `n` is a
//! LEB128 number; `bytes` is `n` and that many bytes.
//!
//! | bytes | content |
//! |---|---|
//! | 0..4 | `PLPG` |
//! | 4 | format version, 1 |
//! | 5..8 | zero |
//! | 8..16 | xxHash64 of bytes 16.., seeded with bytes 0..8 |
//! | 16..24 | the page's id |
//! | 24 | kind: 0 leaf, 1 to 40 branch of that level, 254 list, 255 chunk |
//! | 25..28 | zero |
//!
//! | leaf, branch | content |
//! |---|---|
//! | 28..30 | number of entries, at least 1 |
//! | 30..32 | bytes of the prefix that all keys of the page begin with |
//! | 32.. | the prefix |
//! | then | per entry, ascending by key: where it begins in the page, 2 bytes |
//! | then | the entries, without gaps up to the end of the page |
//! | … leaf | rest of the key `bytes`; `n` 2 × value bytes; the value |
//! | … leaf, value in chunks | rest of the key `bytes`; `n` 2 × value bytes + 1; first chunk's page id `n`; chunks `n` |
//! | … branch | rest of the separator `bytes`; child's page id `n`; rows `n`, their key and value bytes `n`, and chunks `n` below the child |
//!
//! A child holds the keys from its separator up to the next one. The first child's separator is not
//! stored: it is empty and does not take part in the prefix. The chunks of a value have consecutive ids.
//!
//! | chunk, list | content |
//! |---|---|
//! | 28.. of a chunk | a piece of the value |
//! | 28.. of a list | page ids, ascending, each as its difference to the one before, `n` each |

use std::cmp::Ordering;
use std::fmt;

use super::record_bytes::{ByteReader, HEAD_BYTES, Malformed, checked_body, with_head};
use crate::words::{
    Error, ErrorCode, Key, PAGE_BYTES_MAX, PageId, Result, SYSTEM_KEY_BYTES_MAX, VALUE_BYTES_MAX,
};

pub(super) const MAGIC: [u8; 4] = *b"PLPG";
/// Where the fixed part of leaves and branches ends.
pub(super) const ENTRY_HEADER_BYTES: usize = 32;
/// Where the fixed part of chunks and lists ends.
pub(super) const PAGE_HEADER_BYTES: usize = 28;
/// Bytes that say where an entry begins.
pub(super) const SLOT_BYTES: usize = 2;
/// No tree is as high: a branch has at least two children on average, and ids are below 2^53.
pub const TREE_LEVEL_MAX: u8 = 40;
const KIND_LIST: u8 = 254;
const KIND_CHUNK: u8 = 255;

/// What a page holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageKind {
    /// Key-value pairs.
    Leaf,
    /// Children; those of level 1 are leaves.
    Branch(u8),
    /// Ids of pages to be deleted.
    List,
    /// A piece of a long value.
    Chunk,
}

impl PageKind {
    /// The kind of a tree's pages that are so many levels above the leaves.
    pub fn of_level(level: u8) -> PageKind {
        match level {
            0 => PageKind::Leaf,
            level => PageKind::Branch(level),
        }
    }

    pub(super) fn byte(self) -> u8 {
        match self {
            PageKind::Leaf => 0,
            PageKind::Branch(level) => level,
            PageKind::List => KIND_LIST,
            PageKind::Chunk => KIND_CHUNK,
        }
    }

    fn from_byte(byte: u8) -> Option<PageKind> {
        match byte {
            0..=TREE_LEVEL_MAX => Some(PageKind::of_level(byte)),
            KIND_LIST => Some(PageKind::List),
            KIND_CHUNK => Some(PageKind::Chunk),
            _ => None,
        }
    }
}

/// What is below a node of the tree, or in a whole tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Key-value pairs.
    pub rows: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
    /// Chunks of their long values: while there are none, the leaves need not be read to be deleted.
    pub chunks: u64,
}

impl Totals {
    pub(super) fn add(&mut self, other: &Totals) {
        self.rows = self.rows.saturating_add(other.rows);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.chunks = self.chunks.saturating_add(other.chunks);
    }
}

/// A node of the tree as its parent, or the root record, names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Child {
    /// Its page.
    pub page: PageId,
    /// How far above the leaves it is: 0 for a leaf.
    pub level: u8,
    /// What is below it.
    pub totals: Totals,
}

/// A value in chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkedValue {
    /// Its length.
    pub bytes: usize,
    first: PageId,
    count: u64,
}

impl ChunkedValue {
    pub(super) fn new(bytes: usize, first: PageId, count: u64) -> ChunkedValue {
        ChunkedValue { bytes, first, count }
    }

    /// The pages of the chunks, in order.
    pub fn pages(&self) -> impl Iterator<Item = PageId> + use<> {
        let first = self.first.get();
        (first..first + self.count).map(PageId::new)
    }

    pub(super) fn first(&self) -> PageId {
        self.first
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }
}

/// A value as a leaf stores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredValue<'a> {
    /// Its bytes.
    Inline(&'a [u8]),
    /// Where they are.
    Chunked(ChunkedValue),
}

impl<'a> StoredValue<'a> {
    /// Reads the part of a leaf's entry that follows the key.
    pub(super) fn parse(payload: &'a [u8]) -> std::result::Result<StoredValue<'a>, Malformed> {
        let mut reader = ByteReader::new(payload);
        let form = reader.number()?;
        let bytes = usize::try_from(form / 2).map_err(|_| Malformed)?;
        if bytes > VALUE_BYTES_MAX {
            return Err(Malformed);
        }
        let value = if form % 2 == 0 {
            StoredValue::Inline(reader.slice(bytes)?)
        } else {
            let (first, count) = (reader.number()?, reader.number()?);
            let is_possible = (1..=VALUE_BYTES_MAX as u64).contains(&count) && (1..1 << 53).contains(&first);
            if !is_possible {
                return Err(Malformed);
            }
            StoredValue::Chunked(ChunkedValue::new(bytes, PageId::new(first), count))
        };
        if reader.is_at_end() {
            Ok(value)
        } else {
            Err(Malformed)
        }
    }

    /// Its length.
    pub fn bytes(&self) -> usize {
        match self {
            StoredValue::Inline(bytes) => bytes.len(),
            StoredValue::Chunked(chunked) => chunked.bytes,
        }
    }

    /// How many chunks it has.
    pub fn chunks(&self) -> u64 {
        match self {
            StoredValue::Inline(_) => 0,
            StoredValue::Chunked(chunked) => chunked.count,
        }
    }
}

impl Child {
    /// Reads the part of a branch's entry that follows the separator.
    pub(super) fn parse(payload: &[u8], level: u8) -> std::result::Result<Child, Malformed> {
        let mut reader = ByteReader::new(payload);
        let page = reader.number()?;
        if !(1..1 << 53).contains(&page) {
            return Err(Malformed);
        }
        let totals = Totals {
            rows: reader.number()?,
            bytes: reader.number()?,
            chunks: reader.number()?,
        };
        let page = PageId::new(page);
        if reader.is_at_end() {
            Ok(Child { page, level, totals })
        } else {
            Err(Malformed)
        }
    }
}

/// A page whose every byte has been checked.
#[derive(Clone, PartialEq, Eq)]
pub struct Page {
    id: PageId,
    kind: PageKind,
    bytes: Box<[u8]>,
    count: usize,
    prefix_bytes: usize,
}

const CHECKED: &str = "the page was checked when it was decoded, and the index is below its count";

impl Page {
    /// Checks a page that was read under this id.
    ///
    /// # Errors
    /// `file_corrupt` naming the page when the bytes are anything else; `incompatible_protocol_version`
    /// when a newer version of Plinth wrote it.
    pub fn decode(id: PageId, bytes: Vec<u8>) -> Result<Page> {
        let body = checked_body(&bytes, MAGIC, &format_args!("page {id}"))?;
        let corrupt = |detail: &dyn fmt::Display| damaged(id, detail);
        let mut reader = ByteReader::new(body);
        let short = |_: Malformed| corrupt(&format_args!("it ends after {} bytes", bytes.len()));
        let found = PageId::new(u64::from_le_bytes(reader.array().map_err(short)?));
        if found != id {
            return Err(corrupt(&format_args!("it says that it is page {found}")));
        }
        if bytes.len() > PAGE_BYTES_MAX {
            let found = bytes.len();
            return Err(corrupt(&format_args!(
                "at most {PAGE_BYTES_MAX} bytes were expected, found {found}"
            )));
        }
        let [kind, zeros @ ..] = reader.array::<4>().map_err(short)?;
        let kind = match PageKind::from_byte(kind) {
            Some(kind) if zeros == [0; 3] => kind,
            _ => return Err(corrupt(&format_args!("its kind is {kind}, {zeros:?}"))),
        };
        let mut page = Page {
            id,
            kind,
            count: 0,
            prefix_bytes: 0,
            bytes: Box::default(),
        };
        if matches!(kind, PageKind::Leaf | PageKind::Branch(_)) {
            page.count = usize::from(u16::from_le_bytes(reader.array().map_err(short)?));
            page.prefix_bytes = usize::from(u16::from_le_bytes(reader.array().map_err(short)?));
        }
        page.bytes = bytes.into();
        page.check().map_err(|detail| damaged(id, &detail))?;
        Ok(page)
    }

    /// Its id.
    pub fn id(&self) -> PageId {
        self.id
    }

    /// What it holds.
    pub fn kind(&self) -> PageKind {
        self.kind
    }

    /// Its length.
    pub fn byte_count(&self) -> usize {
        self.bytes.len()
    }

    /// Fails unless it is of this kind.
    ///
    /// # Errors
    /// `file_corrupt` naming the page.
    pub fn expect_kind(&self, kind: PageKind) -> Result<()> {
        if self.kind == kind {
            return Ok(());
        }
        let found = self.kind;
        Err(damaged(
            self.id,
            &format_args!("{kind:?} was expected, found {found:?}"),
        ))
    }

    /// How many entries a leaf or branch has.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The key of a leaf's entry, the separator of a branch's.
    pub fn key(&self, index: usize) -> Key {
        if self.is_lowest(index) {
            return [].as_slice().into();
        }
        let (prefix, suffix) = (self.prefix(), self.suffix(index));
        prefix.iter().chain(suffix).copied().collect()
    }

    /// The length of that key.
    pub(super) fn key_bytes(&self, index: usize) -> usize {
        self.prefix_bytes + self.suffix(index).len()
    }

    /// The value of a leaf's entry.
    pub fn value(&self, index: usize) -> StoredValue<'_> {
        StoredValue::parse(self.payload(index)).ok().expect(CHECKED)
    }

    /// A branch's child.
    pub fn child(&self, index: usize) -> Child {
        let level = self.kind.byte().saturating_sub(1);
        Child::parse(self.payload(index), level).ok().expect(CHECKED)
    }

    /// Where a leaf has a key, or where it would have it.
    pub fn search(&self, key: &[u8]) -> std::result::Result<usize, usize> {
        self.search_from(0, key)
    }

    /// The child of a branch that holds a key.
    pub fn child_index(&self, key: &[u8]) -> usize {
        match self.search_from(1, key) {
            Ok(index) => index,
            Err(index) => index - 1,
        }
    }

    /// The last child of a branch that holds keys below this one.
    pub fn child_index_below(&self, key: &[u8]) -> usize {
        match self.search_from(1, key) {
            Ok(index) | Err(index) => index - 1,
        }
    }

    /// The piece of a value in a chunk.
    pub fn chunk(&self) -> &[u8] {
        self.bytes.get(PAGE_HEADER_BYTES..).unwrap_or_default()
    }

    /// The ids in a list.
    pub fn listed(&self) -> impl Iterator<Item = PageId> + '_ {
        let mut reader = ByteReader::new(self.bytes.get(PAGE_HEADER_BYTES..).unwrap_or_default());
        let mut last = 0u64;
        std::iter::from_fn(move || {
            last = last.checked_add(reader.number().ok()?)?;
            Some(PageId::new(last))
        })
    }

    /// The part of an entry that follows its key.
    pub(super) fn payload(&self, index: usize) -> &[u8] {
        let mut reader = ByteReader::new(self.entry(index));
        let _suffix = reader
            .length_and_slice(SYSTEM_KEY_BYTES_MAX + 1)
            .ok()
            .expect(CHECKED);
        reader.rest()
    }

    /// Whether this is the entry of a branch whose separator is not stored.
    fn is_lowest(&self, index: usize) -> bool {
        index == 0 && self.kind != PageKind::Leaf
    }

    fn search_from(&self, first: usize, key: &[u8]) -> std::result::Result<usize, usize> {
        let prefix = self.prefix();
        let Some(rest) = key.strip_prefix(prefix) else {
            return Err(if key < prefix { first } else { self.count });
        };
        let (mut low, mut high) = (first, self.count);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.suffix(middle).cmp(rest) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return Ok(middle),
            }
        }
        Err(low)
    }

    fn prefix(&self) -> &[u8] {
        let end = ENTRY_HEADER_BYTES + self.prefix_bytes;
        self.bytes.get(ENTRY_HEADER_BYTES..end).expect(CHECKED)
    }

    fn suffix(&self, index: usize) -> &[u8] {
        let begin = self.slot(index).expect(CHECKED);
        // Nearly all are short enough for a length of one byte, and a search looks at several.
        if let Some((&length, rest)) = self.bytes.get(begin..).and_then(<[u8]>::split_first)
            && length < 0x80
        {
            return rest.get(..usize::from(length)).expect(CHECKED);
        }
        let mut reader = ByteReader::new(self.entry(index));
        reader
            .length_and_slice(SYSTEM_KEY_BYTES_MAX + 1)
            .ok()
            .expect(CHECKED)
    }

    fn entry(&self, index: usize) -> &[u8] {
        let begin = self.slot(index).expect(CHECKED);
        let end = self.slot(index + 1).unwrap_or(self.bytes.len());
        self.bytes.get(begin..end).expect(CHECKED)
    }

    /// Where an entry begins.
    fn slot(&self, index: usize) -> Option<usize> {
        if index >= self.count {
            return None;
        }
        let place = ENTRY_HEADER_BYTES + self.prefix_bytes + SLOT_BYTES * index;
        let bytes = self.bytes.get(place..)?.first_chunk::<SLOT_BYTES>()?;
        Some(usize::from(u16::from_le_bytes(*bytes)))
    }

    fn check(&self) -> std::result::Result<(), String> {
        match self.kind {
            PageKind::Chunk => Ok(()),
            PageKind::List => self.check_list(),
            PageKind::Leaf | PageKind::Branch(_) => self.check_entries(),
        }
    }

    fn check_list(&self) -> std::result::Result<(), String> {
        let mut reader = ByteReader::new(self.bytes.get(PAGE_HEADER_BYTES..).unwrap_or_default());
        let mut last = 0u64;
        while !reader.is_at_end() {
            let step = reader.number().unwrap_or_default();
            last = last.saturating_add(step);
            if step == 0 || last >= 1 << 53 {
                return Err(format!("its list goes on from page {last} in an impossible way"));
            }
        }
        Ok(())
    }

    fn check_entries(&self) -> std::result::Result<(), String> {
        let slots_end = ENTRY_HEADER_BYTES + self.prefix_bytes + SLOT_BYTES * self.count;
        if self.count == 0 || slots_end > self.bytes.len() {
            let (count, bytes) = (self.count, self.bytes.len());
            return Err(format!("{count} entries do not fit {bytes} bytes"));
        }
        let mut expected_begin = slots_end;
        let mut last: Option<&[u8]> = None;
        for index in 0..self.count {
            let malformed = || format!("its entry {index} is malformed");
            let begin = self.slot(index).ok_or_else(malformed)?;
            let end = self.slot(index + 1).unwrap_or(self.bytes.len());
            if begin != expected_begin {
                return Err(format!(
                    "its entry {index} begins at byte {begin}, {expected_begin} was expected"
                ));
            }
            let mut reader = ByteReader::new(self.bytes.get(begin..end).ok_or_else(malformed)?);
            let suffix = reader
                .length_and_slice(SYSTEM_KEY_BYTES_MAX + 1)
                .map_err(|_| malformed())?;
            let is_payload = match self.kind {
                PageKind::Leaf => StoredValue::parse(reader.rest()).is_ok(),
                _ => Child::parse(reader.rest(), 0).is_ok(),
            };
            let key_bytes_max = SYSTEM_KEY_BYTES_MAX + usize::from(self.kind != PageKind::Leaf);
            let is_first_separator = self.is_lowest(index);
            if !is_payload
                || self.prefix_bytes + suffix.len() > key_bytes_max
                || (is_first_separator && !suffix.is_empty())
            {
                return Err(malformed());
            }
            if !is_first_separator {
                if last.is_some_and(|last| last >= suffix) {
                    return Err(format!("its keys do not ascend at entry {index}"));
                }
                last = Some(suffix);
            }
            expected_begin = end;
        }
        Ok(())
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "page {}: {:?} of {} entries",
            self.id, self.kind, self.count
        )
    }
}

/// A page with this content, and the head that makes it one. `rest` follows the first 28 bytes.
pub(super) fn with_page_head(id: PageId, kind: PageKind, rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(PAGE_HEADER_BYTES - HEAD_BYTES + rest.len());
    body.extend_from_slice(&id.get().to_le_bytes());
    body.extend_from_slice(&[kind.byte(), 0, 0, 0]);
    body.extend_from_slice(rest);
    let bytes = with_head(MAGIC, &body);
    assert!(
        bytes.len() <= PAGE_BYTES_MAX,
        "page {id} has {} bytes",
        bytes.len()
    );
    bytes
}

/// The error that says what is wrong with a page.
pub(super) fn damaged(id: PageId, detail: &dyn fmt::Display) -> Error {
    Error::new(ErrorCode::FileCorrupt, format!("page {id}: {detail}"))
}
