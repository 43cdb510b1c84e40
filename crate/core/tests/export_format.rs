//! What is exported can be read again however it is cut into pieces, and damage of any kind is a typed
//! error that names its place.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

use plinth_core::pure::{ExportFrame, ExportReader, ExportWriter};
use plinth_core::words::{KeyRange, Mutation, Version};
use plinth_core::{Error, ErrorCode, Result};
use proptest::collection::vec;
use proptest::prelude::*;
use xxhash_rust::xxh64::xxh64;

fn everything() -> KeyRange {
    KeyRange::new([].as_slice(), [0xff].as_slice())
}

fn version() -> Version {
    Version::new(123_456_789).unwrap()
}

fn frames_of(changes: &[Mutation]) -> Vec<Vec<u8>> {
    let mut writer = ExportWriter::new();
    let mut frames = vec![writer.begin(&everything(), 77)];
    for (change, number) in changes.iter().zip(1..) {
        frames.extend(writer.push(change));
        // Frames of a few changes each.
        if number % 3 == 0 {
            frames.extend(writer.flush());
        }
    }
    frames.extend(writer.flush());
    frames.push(writer.end(version()));
    let bytes: usize = frames.iter().map(Vec::len).sum();
    assert_eq!(writer.bytes(), bytes as u64);
    frames
}

/// Reads an export that comes in pieces of this size.
fn read(bytes: &[u8], piece: usize) -> Result<Vec<ExportFrame>> {
    let mut reader = ExportReader::new();
    let mut frames = Vec::new();
    for piece in bytes.chunks(piece.max(1)) {
        reader.push(piece);
        while let Some(frame) = reader.next_frame()? {
            frames.push(frame);
        }
    }
    reader.finish()?;
    Ok(frames)
}

fn failure(bytes: &[u8]) -> Error {
    read(bytes, 1_000).expect_err("damage is noticed")
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    vec(prop::sample::select(vec![0u8, 1, 97, 254]), 0..6)
}

fn change() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        4 => (key(), vec(any::<u8>(), 0..90))
            .prop_map(|(key, value)| Mutation::Set(key.into(), value.into())),
        1 => key().prop_map(|key| Mutation::ClearRange(KeyRange::of_key(key.into()))),
        1 => (key(), key()).prop_filter_map("an empty range", |(one, other)| {
            let range = KeyRange::new(one.clone().min(other.clone()), one.max(other));
            (!range.is_empty()).then_some(Mutation::ClearRange(range))
        }),
    ]
}

proptest! {
    #[test]
    fn what_was_written_is_read_in_pieces_of_any_size(
        changes in vec(change(), 0..40),
        piece in 1..300usize,
    ) {
        let frames = read(&frames_of(&changes).concat(), piece).unwrap();
        let begin = ExportFrame::Begin { range: everything(), unix_us: 77 };
        prop_assert_eq!(frames.first(), Some(&begin));
        prop_assert_eq!(frames.last(), Some(&ExportFrame::End { version: version() }));
        let found: Vec<Mutation> = frames
            .iter()
            .flat_map(|frame| match frame {
                ExportFrame::Changes(changes) => changes.clone(),
                _ => Vec::new(),
            })
            .collect();
        prop_assert_eq!(found, changes);
    }

    #[test]
    fn any_flipped_bit_is_noticed(changes in vec(change(), 1..20), bit in any::<prop::sample::Index>()) {
        let mut bytes = frames_of(&changes).concat();
        let bit = bit.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        let code = failure(&bytes).code();
        // A length that grew may ask for bytes past the end.
        let expected = [
            ErrorCode::RestoreCorruptedData,
            ErrorCode::RestoreUnknownFileType,
            ErrorCode::RestoreMissingData,
        ];
        prop_assert!(expected.contains(&code), "{:?}", code);
    }

    #[test]
    fn an_export_that_is_cut_off_anywhere_is_noticed(
        changes in vec(change(), 0..20),
        at in any::<prop::sample::Index>(),
    ) {
        let bytes = frames_of(&changes).concat();
        let at = at.index(bytes.len());
        prop_assert_eq!(failure(&bytes[..at]).code(), ErrorCode::RestoreMissingData);
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(
        head in any::<bool>(),
        rest in vec(any::<u8>(), 0..200),
        kind in 0..4u8,
        length in 0..300u32,
    ) {
        let mut bytes = Vec::new();
        if head {
            // A right checksum over whatever is in the frame.
            let mut checked = length.to_le_bytes().to_vec();
            checked.extend_from_slice(&[kind, 0, 0, 0]);
            checked.extend_from_slice(&[0; 8]);
            checked.extend_from_slice(&rest);
            let total = (checked.len() + 16) as u32;
            checked[..4].copy_from_slice(&total.to_le_bytes());
            bytes.extend_from_slice(b"PLEX\x01\0\0\0");
            let seed = u64::from_le_bytes(*b"PLEX\x01\0\0\0");
            bytes.extend_from_slice(&xxh64(&checked, seed).to_le_bytes());
            bytes.extend_from_slice(&checked);
        } else {
            bytes.extend_from_slice(&rest);
        }
        prop_assert!(read(&bytes, 7).is_err());
    }
}

fn some_frames() -> Vec<Vec<u8>> {
    let set = |number: u8| Mutation::Set([number].as_slice().into(), [number; 50].as_slice().into());
    frames_of(&(0..30).map(set).collect::<Vec<_>>())
}

#[test]
fn a_frame_that_is_missing_repeated_moved_or_of_another_export_is_noticed_with_its_place() {
    let frames = some_frames();
    let offset: usize = frames[..4].iter().map(Vec::len).sum();
    let place = format!("export, byte {offset}: ");
    let mut missing = frames.clone();
    missing.remove(4);
    let mut repeated = frames.clone();
    repeated.insert(4, frames[3].clone());
    let mut moved = frames.clone();
    moved.swap(4, 5);
    let mut foreign = frames;
    let other = Mutation::Set(b"x".as_slice().into(), b"y".as_slice().into());
    foreign[4] = frames_of(&vec![other; 30])[4].clone();
    for damaged in [missing, repeated, moved, foreign] {
        let error = failure(&damaged.concat());
        assert_eq!(error.code(), ErrorCode::RestoreCorruptedData);
        assert!(error.message().starts_with(&place), "{}", error.message());
        assert!(
            error.message().contains("was expected, found"),
            "{}",
            error.message()
        );
    }
}

#[test]
fn what_follows_the_end_is_noticed_also_when_it_is_another_export() {
    let bytes = some_frames().concat();
    for rest in [vec![0], bytes.clone()] {
        let error = failure(&[bytes.clone(), rest.clone()].concat());
        assert_eq!(error.code(), ErrorCode::RestoreCorruptedData);
        let expected = format!("export, byte {}: the end was expected, found", bytes.len());
        assert!(error.message().starts_with(&expected), "{}", error.message());
    }
}

#[test]
fn an_end_that_counts_otherwise_is_noticed() {
    let mut writer = ExportWriter::new();
    let begin = writer.begin(&everything(), 0);
    writer.push(&Mutation::Set(b"a".as_slice().into(), b"b".as_slice().into()));
    let _lost = writer.flush();
    // The chain of checksums is mended by hand; the counts tell.
    let mut end = writer.end(version());
    let chained: [u8; 8] = begin[8..16].try_into().unwrap();
    end[24..32].copy_from_slice(&chained);
    let seed = u64::from_le_bytes(end[..8].try_into().unwrap());
    let checksum = xxh64(&end[16..], seed).to_le_bytes();
    end[8..16].copy_from_slice(&checksum);
    let error = failure(&[begin, end].concat());
    assert_eq!(error.code(), ErrorCode::RestoreCorruptedData);
    assert!(error.message().contains("rows: 1"), "{}", error.message());
}

#[test]
fn something_else_and_a_later_version_are_told_from_damage() {
    let foreign = failure(b"%PDF-1.7 and so on, for more than a header's length");
    assert_eq!(foreign.code(), ErrorCode::RestoreUnknownFileType);
    assert!(
        foreign.message().starts_with("export, byte 0: "),
        "{}",
        foreign.message()
    );
    assert_eq!(failure(b"").code(), ErrorCode::RestoreMissingData);
    let mut later = some_frames().remove(0);
    later[4] = 2;
    assert_eq!(
        failure(&later).code(),
        ErrorCode::RestoreCorruptedData,
        "a flipped bit"
    );
    let seed = u64::from_le_bytes(later[..8].try_into().unwrap());
    let checksum = xxh64(&later[16..], seed).to_le_bytes();
    later[8..16].copy_from_slice(&checksum);
    let error = failure(&later);
    assert_eq!(error.code(), ErrorCode::RestoreUnsupportedFileVersion);
    assert!(
        error.message().contains("1 or earlier was expected, found 2"),
        "{}",
        error.message()
    );
}

#[test]
fn frames_are_bounded_and_hold_the_largest_rows() {
    let mut writer = ExportWriter::new();
    let mut frames = vec![writer.begin(&everything(), 0)];
    let key = |number: u8| -> Vec<u8> { [vec![number], vec![7; 9_999]].concat() };
    for number in 0..40 {
        let change = Mutation::Set(key(number).into(), vec![number; 100_000].into());
        frames.extend(writer.push(&change));
    }
    frames.extend(writer.flush());
    frames.push(writer.end(version()));
    assert!(frames.iter().all(|frame| frame.len() < 400_000));
    let found = read(&frames.concat(), 65_536).unwrap();
    let rows = found.iter().map(|frame| match frame {
        ExportFrame::Changes(changes) => changes.len(),
        _ => 0,
    });
    assert_eq!(rows.sum::<usize>(), 40);
}
