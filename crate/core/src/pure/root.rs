//! The root record: where a database begins. It says which database this is, which part of the log is in
//! the pages, where their tree begins, and which pages are no part of it any more.
//!
//! | bytes | content |
//! |---|---|
//! | 0..4 | `PLRT` |
//! | 4 | format version, 1 |
//! | 5..8 | zero |
//! | 8..16 | xxHash64 of bytes 16.., seeded with bytes 0..8, little-endian |
//! | 16..32 | database id, random, chosen when the database is created |
//! | 32.. | numbers, `n` each as LEB128; missing in a database that was never folded |
//! | … | how often the root was replaced |
//! | … | folded version: everything up to it is in the pages |
//! | … | folded place: the last log entry of that version |
//! | … | the page id after the last one that was given away |
//! | … | the first page id that a fold under way may use, or 0 |
//! | … | the tree: 0 if it is empty; else its root's page id, level, rows, their bytes, chunks |
//! | … | number of condemned items, then per item its kind and: |
//! | … 0 | page ids from … up to … (a fold that was given up) |
//! | … 1 | a list of pages to be deleted: its page id |
//! | … 2 | a subtree: page id, level, chunks |
//! | … | 8 random bytes, missing in older records: two peers may have the same to say, and one of them has said it |

use super::page::{Child, TREE_LEVEL_MAX, Totals};
use super::record_bytes::{ByteReader, Malformed, checked_body, with_head, write_number};
use crate::words::{Error, ErrorCode, PAGE_BYTES_MAX, PageId, Result, SequenceNumber, VERSION_MAX, Version};

const MAGIC: [u8; 4] = *b"PLRT";

const CONDEMNED_RANGE: u64 = 0;
const CONDEMNED_LIST: u64 = 1;
const CONDEMNED_SUBTREE: u64 = 2;

/// Condemned items that a root may name. Each takes at most 30 bytes, and the root must stay small.
pub const CONDEMNED_MAX: usize = 1_000;
const _: () = assert!(CONDEMNED_MAX * 30 + 200 < PAGE_BYTES_MAX);

/// Pages that no tree reaches any more and that are still to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condemned {
    /// Whatever pages there are from the first id up to, not including, the second.
    Range(PageId, PageId),
    /// The page with this id, a list, and the pages in it.
    List(PageId),
    /// A node and everything below it.
    Subtree(Child),
}

/// The decoded root record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// Tells a database from one that was deleted and created again under the same name.
    pub database_id: [u8; 16],
    /// How often the root was replaced.
    pub generation: u64,
    /// Everything up to this version is in the pages.
    pub folded_version: Version,
    /// The last log entry of that version.
    pub folded_sequence: SequenceNumber,
    /// The root of the tree.
    pub tree: Option<Child>,
    /// The first page id that was not given away.
    pub next_page: PageId,
    /// The first page id that the fold under way was given.
    pub reserved_from: Option<PageId>,
    /// What is to be deleted.
    pub condemned: Vec<Condemned>,
    /// Random: tells the root that one peer wrote from another one's that says the same.
    pub mark: [u8; 8],
}

impl Root {
    /// The root of a new database.
    pub fn new(database_id: [u8; 16]) -> Root {
        Root {
            database_id,
            generation: 0,
            folded_version: Version::FIRST,
            folded_sequence: SequenceNumber::ZERO,
            tree: None,
            next_page: PageId::new(1),
            reserved_from: None,
            condemned: Vec::new(),
            mark: [0; 8],
        }
    }

    /// The root that replaces this one, before anything else is changed in it.
    pub fn next(&self) -> Root {
        Root {
            generation: self.generation + 1,
            ..self.clone()
        }
    }

    /// The record's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut body = self.database_id.to_vec();
        let page_number = |page: Option<PageId>| page.map_or(0, PageId::get);
        for number in [
            self.generation,
            self.folded_version.get(),
            self.folded_sequence.get(),
            self.next_page.get(),
            page_number(self.reserved_from),
            page_number(self.tree.map(|tree| tree.page)),
        ] {
            write_number(&mut body, number);
        }
        if let Some(Child { level, totals, .. }) = self.tree {
            for number in [u64::from(level), totals.rows, totals.bytes, totals.chunks] {
                write_number(&mut body, number);
            }
        }
        write_number(&mut body, self.condemned.len() as u64);
        for condemned in &self.condemned {
            let numbers = match condemned {
                Condemned::Range(from, to) => vec![CONDEMNED_RANGE, from.get(), to.get()],
                Condemned::List(page) => vec![CONDEMNED_LIST, page.get()],
                Condemned::Subtree(node) => {
                    let level = u64::from(node.level);
                    vec![CONDEMNED_SUBTREE, node.page.get(), level, node.totals.chunks]
                }
            };
            for number in numbers {
                write_number(&mut body, number);
            }
        }
        body.extend_from_slice(&self.mark);
        with_head(MAGIC, &body)
    }

    /// Reads a record.
    ///
    /// # Errors
    /// `file_corrupt` when the bytes are not a root record; `incompatible_protocol_version` when a
    /// newer version of Plinth wrote it.
    pub fn decode(bytes: &[u8]) -> Result<Root> {
        let body = checked_body(bytes, MAGIC, &"root record")?;
        let malformed = |_| {
            let detail = format!("root record: its {} bytes are malformed", bytes.len());
            Error::new(ErrorCode::FileCorrupt, detail)
        };
        let mut reader = ByteReader::new(body);
        let mut root = Root::new(reader.array().map_err(malformed)?);
        if !reader.is_at_end() {
            read_numbers(&mut reader, &mut root).map_err(malformed)?;
        }
        Ok(root)
    }
}

fn read_numbers(reader: &mut ByteReader<'_>, root: &mut Root) -> std::result::Result<(), Malformed> {
    root.generation = reader.number()?;
    root.folded_version = Version::new(reader.number()?).ok_or(Malformed)?;
    root.folded_sequence = SequenceNumber::new(small(reader.number()?)?);
    root.next_page = page_id(reader.number()?)?;
    root.reserved_from = match reader.number()? {
        0 => None,
        number => Some(page_id(number)?),
    };
    root.tree = match reader.number()? {
        0 => None,
        number => {
            let (page, level) = (page_id(number)?, level(reader.number()?)?);
            let [rows, bytes, chunks] = [reader.number()?, reader.number()?, reader.number()?];
            let totals = Totals { rows, bytes, chunks };
            Some(Child { page, level, totals })
        }
    };
    let count = reader.number()?;
    for _ in 0..count {
        let condemned = match reader.number()? {
            CONDEMNED_RANGE => Condemned::Range(page_id(reader.number()?)?, page_id(reader.number()?)?),
            CONDEMNED_LIST => Condemned::List(page_id(reader.number()?)?),
            CONDEMNED_SUBTREE => {
                let (page, level) = (page_id(reader.number()?)?, level(reader.number()?)?);
                let totals = Totals {
                    chunks: reader.number()?,
                    ..Totals::default()
                };
                Condemned::Subtree(Child { page, level, totals })
            }
            _ => return Err(Malformed),
        };
        root.condemned.push(condemned);
    }
    if !reader.is_at_end() {
        root.mark = reader.array()?;
    }
    if reader.is_at_end() {
        Ok(())
    } else {
        Err(Malformed)
    }
}

fn small(number: u64) -> std::result::Result<u64, Malformed> {
    if number <= VERSION_MAX {
        Ok(number)
    } else {
        Err(Malformed)
    }
}

fn page_id(number: u64) -> std::result::Result<PageId, Malformed> {
    match small(number)? {
        0 => Err(Malformed),
        number => Ok(PageId::new(number)),
    }
}

fn level(number: u64) -> std::result::Result<u8, Malformed> {
    let level = u8::try_from(number).map_err(|_| Malformed)?;
    if level <= TREE_LEVEL_MAX {
        Ok(level)
    } else {
        Err(Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Root {
        let child = |page, level, totals| Child {
            page: PageId::new(page),
            level,
            totals,
        };
        let totals = Totals {
            rows: 1_000_000,
            bytes: 116_000_000,
            chunks: 7,
        };
        let chunks_only = Totals {
            chunks: 3,
            ..Totals::default()
        };
        Root {
            generation: 300,
            folded_version: Version::new(1 << 50).unwrap(),
            folded_sequence: SequenceNumber::new(12_345),
            tree: Some(child(700, 2, totals)),
            next_page: PageId::new(1_049_276),
            reserved_from: Some(PageId::new(701)),
            condemned: vec![
                Condemned::Range(PageId::new(5), PageId::new(9)),
                Condemned::List(PageId::new(600)),
                Condemned::Subtree(child(44, 1, chunks_only)),
            ],
            mark: *b"ABCDEFGH",
            ..Root::new(*b"0123456789abcdef")
        }
    }

    #[test]
    fn a_root_record_survives_its_codec_and_every_flipped_bit_is_noticed() {
        for root in [Root::new(*b"0123456789abcdef"), full()] {
            let bytes = root.encode();
            assert_eq!(Root::decode(&bytes), Ok(root));
            for bit in 0..bytes.len() * 8 {
                let mut damaged = bytes.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(
                    Root::decode(&damaged).unwrap_err().code(),
                    ErrorCode::FileCorrupt,
                    "bit {bit}"
                );
            }
            for length in 0..bytes.len() {
                assert_eq!(
                    Root::decode(&bytes[..length]).unwrap_err().code(),
                    ErrorCode::FileCorrupt
                );
            }
        }
    }

    #[test]
    fn a_root_from_before_the_first_fold_has_no_numbers() {
        let bytes = with_head(MAGIC, b"0123456789abcdef");
        assert_eq!(Root::decode(&bytes), Ok(Root::new(*b"0123456789abcdef")));
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_numbers_with_a_right_checksum_never_panic(body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80)) {
            if let Ok(root) = Root::decode(&with_head(MAGIC, &body)) {
                assert_eq!(Root::decode(&root.encode()), Ok(root));
            }
        }
    }
}
