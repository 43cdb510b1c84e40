//! Commit records survive their codec, and damage of any kind is a typed error that names the record.

use plinth_core::ErrorCode;
use plinth_core::pure::{CommitRecord, CommittedTransaction, RecordReader, encode_record};
use plinth_core::words::{
    AtomicOp, Bytes, KeyRange, LOG_PART_BYTES_MAX, Mutation, SequenceNumber, Version, Write,
};
use proptest::collection::vec;
use proptest::prelude::*;

fn bytes(max: usize) -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..max).prop_map(|bytes| bytes.into())
}

fn range() -> impl Strategy<Value = KeyRange> {
    (bytes(6), bytes(6)).prop_filter_map("empty", |(begin, end)| {
        let range = KeyRange { begin, end };
        (!range.is_empty()).then_some(range)
    })
}

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        (bytes(6), bytes(40)).prop_map(|(key, value)| Mutation::Set(key, value)),
        range().prop_map(Mutation::ClearRange),
        bytes(6).prop_map(|key| Mutation::ClearRange(KeyRange::of_key(key))),
        (prop::sample::select(AtomicOp::ALL.to_vec()), bytes(6), bytes(9))
            .prop_map(|(op, key, operand)| Mutation::Atomic(op, key, operand)),
    ]
}

fn transaction() -> impl Strategy<Value = CommittedTransaction> {
    let write = (mutation(), any::<bool>()).prop_map(|(mutation, has_conflict)| Write {
        mutation,
        has_conflict,
    });
    (bytes(20), vec(write, 0..6), vec(range(), 0..4)).prop_map(
        |(idempotency_id, writes, further_conflicts)| CommittedTransaction {
            idempotency_id,
            writes,
            further_conflicts,
        },
    )
}

fn record() -> impl Strategy<Value = CommitRecord> {
    (
        1u64..1 << 53,
        any::<u64>(),
        any::<[u8; 16]>(),
        vec(transaction(), 0..4),
    )
        .prop_map(|(version, unix_us, batch_id, transactions)| CommitRecord {
            version: Version::new(version).expect("within 53 bits"),
            unix_us,
            batch_id,
            transactions,
        })
}

fn read(tail: u64, parts: &[Vec<u8>]) -> plinth_core::Result<Option<CommitRecord>> {
    let mut reader = RecordReader::after(SequenceNumber::new(tail));
    let mut record = None;
    for (place, part) in (tail + 1..).zip(parts) {
        record = reader.push(SequenceNumber::new(place), part)?;
    }
    Ok(record)
}

proptest! {
    #[test]
    fn a_record_survives_its_codec(record in record(), tail in 0u64..1000) {
        let parts = encode_record(&record, SequenceNumber::new(tail + 1));
        prop_assert_eq!(read(tail, &parts), Ok(Some(record)));
    }

    #[test]
    fn any_flipped_bit_is_damage_that_names_the_record(record in record(), place in any::<prop::sample::Index>(), bit in 0u8..8) {
        let mut parts = encode_record(&record, SequenceNumber::new(8));
        let index = place.index(parts[0].len());
        parts[0][index] ^= 1 << bit;
        let error = read(7, &parts).unwrap_err();
        prop_assert!(error.message().starts_with("log record 8: "), "{error}");
        prop_assert_eq!(error.code(), ErrorCode::FileCorrupt);
    }

    #[test]
    fn arbitrary_bytes_are_an_error_and_never_a_panic(noise in vec(any::<u8>(), 0..200)) {
        prop_assert!(read(0, &[noise]).is_err());
    }

    #[test]
    fn arbitrary_payloads_with_a_right_checksum_never_panic(payload in vec(any::<u8>(), 0..200)) {
        let mut part = b"PLLG\x01\0\0\0".to_vec();
        let seed = u64::from_le_bytes(*b"PLLG\x01\0\0\0");
        let mut checked = 1u64.to_le_bytes().to_vec();
        checked.extend_from_slice(&0u32.to_le_bytes());
        checked.extend_from_slice(&1u32.to_le_bytes());
        checked.extend_from_slice(&payload);
        part.extend_from_slice(&xxhash_rust::xxh64::xxh64(&checked, seed).to_le_bytes());
        part.extend_from_slice(&checked);
        let _error_or_record = read(0, &[part]);
    }
}

fn large_record() -> CommitRecord {
    let set = |key: u8| Mutation::Set([key].as_slice().into(), vec![key; 50_000].into());
    let writes = (0..5)
        .map(|key| Write {
            mutation: set(key),
            has_conflict: true,
        })
        .collect();
    CommitRecord {
        version: Version::new(5).expect("within 53 bits"),
        unix_us: 1,
        batch_id: [3; 16],
        transactions: vec![CommittedTransaction {
            writes,
            ..CommittedTransaction::default()
        }],
    }
}

#[test]
fn a_large_record_is_cut_into_parts_below_the_size_that_browsers_store_apart() {
    let parts = encode_record(&large_record(), SequenceNumber::new(1));
    assert_eq!(parts.len(), 5);
    assert!(parts.iter().all(|part| part.len() <= LOG_PART_BYTES_MAX));
    assert_eq!(read(0, &parts), Ok(Some(large_record())));
}

#[test]
fn a_missing_a_swapped_and_a_foreign_part_are_damage() {
    let parts = encode_record(&large_record(), SequenceNumber::new(1));
    let mut reader = RecordReader::after(SequenceNumber::ZERO);
    let missing = reader.push(SequenceNumber::new(2), &parts[1]).unwrap_err();
    assert_eq!(
        missing.message(),
        "log record 2: log record 1 was expected, it is missing"
    );
    let mut swapped = parts.clone();
    swapped.swap(1, 2);
    let swapped = read(0, &swapped).unwrap_err();
    assert_eq!(swapped.message(), "log record 2: it says that it is log record 3");
    let small = CommitRecord {
        transactions: Vec::new(),
        ..large_record()
    };
    let mut foreign = parts.clone();
    foreign[1] = encode_record(&small, SequenceNumber::new(2)).remove(0);
    let foreign = read(0, &foreign).unwrap_err();
    assert_eq!(
        foreign.message(),
        "log record 2: part 0 of 1 was found, part 1 expected"
    );
}

#[test]
fn an_entry_that_says_another_number_is_void_takes_its_place_and_completes_nothing() {
    let small = CommitRecord {
        transactions: Vec::new(),
        ..large_record()
    };
    let late = encode_record(&large_record(), SequenceNumber::new(7));
    let mut reader = RecordReader::after(SequenceNumber::new(7));
    for (place, part) in (8..).zip(&late) {
        assert_eq!(reader.push(SequenceNumber::new(place), part), Ok(None));
        assert!(!reader.is_inside_record(), "part {place}");
    }
    // One that says a later number than it has is void as well.
    let early = encode_record(&small, SequenceNumber::new(14));
    assert_eq!(reader.push(SequenceNumber::new(13), &early[0]), Ok(None));
    assert_eq!(
        reader.push(SequenceNumber::new(14), &early[0]),
        Ok(Some(small)),
        "the same bytes at their own number count"
    );
    let next = reader.push(SequenceNumber::new(16), &late[0]).unwrap_err();
    assert_eq!(
        next.message(),
        "log record 16: log record 15 was expected, it is missing"
    );
}

#[test]
fn a_damaged_void_entry_is_damage() {
    let mut late = encode_record(&large_record(), SequenceNumber::new(7)).remove(0);
    late[40] ^= 1;
    let damaged = read(7, &[late]).unwrap_err();
    assert_eq!(damaged.message(), "log record 8: checksum mismatch");
}

#[test]
fn a_record_of_a_later_format_asks_for_a_later_build() {
    let mut part = encode_record(&large_record(), SequenceNumber::new(1)).remove(0);
    part[4] = 2;
    let damaged = read(0, &[part.clone()]).unwrap_err();
    assert_eq!(
        damaged.code(),
        ErrorCode::FileCorrupt,
        "a flipped version is damage"
    );
    let seed = u64::from_le_bytes(*b"PLLG\x02\0\0\0");
    let checksum = xxhash_rust::xxh64::xxh64(&part[16..], seed).to_le_bytes();
    part[8..16].copy_from_slice(&checksum);
    let error = read(0, &[part]).unwrap_err();
    assert_eq!(error.code(), ErrorCode::IncompatibleProtocolVersion);
    assert_eq!(
        error.message(),
        "log record 1: format version 2 was found, this build reads 1"
    );
}
