//! Tuples: the bytes that FoundationDB's bindings pack, the order of elements, and bytes that are none.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod support;

use fastrand::Rng;
use plinth_core::ErrorCode;
use plinth_core::pure::tuple::{
    Element, Float32, Float64, Integer, NESTING_DEPTH_MAX, Versionstamp, pack, pack_with_versionstamp, range,
    unpack,
};
use support::{hex, integer, neighbour, seed, steps, tuple};

fn bytes(content: &[u8]) -> Element {
    Element::from(content)
}

fn unicode(text: &str) -> Element {
    Element::from(text)
}

fn int(number: i128) -> Element {
    let magnitude = number.unsigned_abs().to_be_bytes();
    Element::Integer(Integer::from_magnitude(number < 0, &magnitude).unwrap())
}

fn nested(elements: &[Element]) -> Element {
    Element::Nested(elements.to_vec())
}

fn incomplete(user_version: u16) -> Element {
    Element::Versionstamp(Versionstamp::incomplete(user_version))
}

const TEN_FF: &str = "ffffffffffffffffffff";

#[test]
fn tuples_pack_to_the_bytes_of_foundationdbs_bindings() {
    let ten_to_30 = 10i128.pow(30);
    let vectors: Vec<(Vec<Element>, &str)> = vec![
        (vec![], ""),
        (vec![Element::Null], "00"),
        (vec![bytes(b"")], "0100"),
        (vec![unicode("")], "0200"),
        (vec![bytes(b"\x00")], "0100ff00"),
        (vec![bytes(b"\xff")], "01ff00"),
        (vec![bytes(b"\x00\xff")], "0100ffff00"),
        (vec![bytes(b"foo\x00bar")], "01666f6f00ff62617200"),
        (vec![unicode("F\u{d4}O\0bar")], "0246c3944f00ff62617200"),
        (vec![unicode("hello")], "0268656c6c6f00"),
        (vec![unicode("\u{1f525}")], "02f09f94a500"),
        (vec![nested(&[])], "0500"),
        (vec![nested(&[Element::Null])], "0500ff00"),
        (vec![nested(&[Element::Null, Element::Null])], "0500ff00ff00"),
        (vec![nested(&[]), Element::Null], "050000"),
        (
            vec![nested(&[bytes(b"foo\x00bar"), Element::Null, nested(&[])])],
            "0501666f6f00ff6261720000ff050000",
        ),
        (
            vec![nested(&[unicode("a"), nested(&[unicode("b")])]), int(1)],
            "050261000502620000001501",
        ),
        (
            vec![nested(&[Element::Null, unicode("hell\0")])],
            "0500ff0268656c6c00ff0000",
        ),
        (vec![int(0)], "14"),
        (vec![int(1)], "1501"),
        (vec![int(-1)], "13fe"),
        (vec![int(255)], "15ff"),
        (vec![int(256)], "160100"),
        (vec![int(-255)], "1300"),
        (vec![int(-256)], "12feff"),
        (vec![int(65535)], "16ffff"),
        (vec![int(65536)], "17010000"),
        (vec![int(-65536)], "11feffff"),
        (vec![int(-5_551_212)], "11ab4b93"),
        (vec![int((1 << 32) - 1)], "18ffffffff"),
        (vec![int(-((1 << 32) - 1))], "1000000000"),
        (vec![int(1 << 53)], "1b20000000000000"),
        (vec![int((1 << 63) - 1)], "1c7fffffffffffffff"),
        (vec![int(-(1 << 63))], "0c7fffffffffffffff"),
        (vec![int(-((1 << 63) - 1))], "0c8000000000000000"),
        (vec![int(-(1 << 63) - 1)], "0c7ffffffffffffffe"),
        (vec![int(1 << 63)], "1c8000000000000000"),
        (vec![int((1 << 64) - 1)], "1cffffffffffffffff"),
        (vec![int(-((1 << 64) - 1))], "0c0000000000000000"),
        (vec![int(1 << 64)], "1d09010000000000000000"),
        (vec![int(-(1 << 64))], "0bf6feffffffffffffffff"),
        (vec![int((1 << 72) - 1)], "1d09ffffffffffffffffff"),
        (vec![int(-((1 << 72) - 1))], "0bf6000000000000000000"),
        (vec![int(ten_to_30)], "1d0d0c9f2c9cd04674edea40000000"),
        (vec![int(-ten_to_30)], "0bf2f360d3632fb98b1215bfffffff"),
        (vec![Element::from(-42f32)], "203dd7ffff"),
        (vec![Element::from(1.5f32)], "20bfc00000"),
        (vec![Element::from(0f32)], "2080000000"),
        (vec![Element::from(-0f32)], "207fffffff"),
        (vec![Element::from(314f32 / 100.0)], "20c048f5c3"),
        (vec![Element::from(f32::INFINITY)], "20ff800000"),
        (vec![Element::from(f32::NEG_INFINITY)], "20007fffff"),
        (vec![Element::from(0f64)], "218000000000000000"),
        (vec![Element::from(-0f64)], "217fffffffffffffff"),
        (vec![Element::from(1f64)], "21bff0000000000000"),
        (vec![Element::from(-1f64)], "21400fffffffffffff"),
        (vec![Element::from(314f64 / 100.0)], "21c0091eb851eb851f"),
        (vec![Element::from(-314f64 / 100.0)], "213ff6e147ae147ae0"),
        (vec![Element::from(f64::INFINITY)], "21fff0000000000000"),
        (vec![Element::from(f64::NEG_INFINITY)], "21000fffffffffffff"),
        (
            vec![Element::Float64(Float64::from_bits(0x7ff8 << 48))],
            "21fff8000000000000",
        ),
        (vec![Element::from(false)], "26"),
        (vec![Element::from(true)], "27"),
        (
            vec![Element::Uuid(
                0x0011_2233_4455_6677_8899_aabb_ccdd_eeffu128.to_be_bytes(),
            )],
            "3000112233445566778899aabbccddeeff",
        ),
        (
            vec![Versionstamp::new([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 258).into()],
            "33000102030405060708090102",
        ),
        (
            vec![Element::Versionstamp80([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])],
            "3200010203040506070809",
        ),
        (
            vec![unicode("users"), int(42), Element::from(true)],
            "02757365727300152a27",
        ),
    ];
    for (elements, packed) in vectors {
        let found = pack(&elements).unwrap();
        assert_eq!(hex(&found), packed, "{elements:?}");
        assert_eq!(unpack(&found), Ok(elements), "{packed}");
    }
}

#[test]
fn an_incomplete_versionstamp_packs_with_its_position_at_the_end() {
    let vectors: [(&[u8], Vec<Element>, String); 3] = [
        (
            b"",
            vec![unicode("foo"), incomplete(0)],
            format!("02666f6f0033{TEN_FF}000006000000"),
        ),
        (b"\x01", vec![incomplete(5)], format!("0133{TEN_FF}000502000000")),
        (
            b"",
            vec![nested(&[unicode("a"), incomplete(1)]), int(7)],
            format!("0502610033{TEN_FF}000100150705000000"),
        ),
    ];
    for (prefix, elements, packed) in vectors {
        let found = pack_with_versionstamp(prefix, &elements).unwrap();
        assert_eq!(hex(&found), packed);
        let tuple = &found[prefix.len()..found.len() - 4];
        assert_eq!(
            unpack(tuple),
            Ok(elements.clone()),
            "ten ff are an incomplete versionstamp"
        );
        let vanilla = pack(&elements).unwrap_err();
        assert_eq!(vanilla.code(), ErrorCode::ClientInvalidOperation);
    }
    for elements in [
        vec![],
        vec![int(1)],
        vec![incomplete(0), nested(&[incomplete(1)])],
    ] {
        let refused = pack_with_versionstamp(b"", &elements).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::ClientInvalidOperation, "{elements:?}");
    }
    let complete = Versionstamp::new([0xfe; 10], u16::MAX);
    assert!(
        complete < Versionstamp::incomplete(0),
        "it sorts after all others"
    );
}

#[test]
fn a_range_holds_the_extensions_of_a_tuple_and_not_the_tuple() {
    let extended = range(b"", &[unicode("a")]).unwrap();
    assert_eq!(
        (hex(&extended.begin), hex(&extended.end)),
        ("02610000".into(), "026100ff".into())
    );
    let all = range(b"", &[]).unwrap();
    assert_eq!((&*all.begin, &*all.end), ([0].as_slice(), [0xff].as_slice()));
    let mut random = Rng::with_seed(seed());
    for _ in 0..steps(10_000) {
        let prefix = tuple(&mut random);
        let mut extension = prefix.clone();
        extension.push(Element::Null);
        extension.extend(tuple(&mut random));
        let found = range(b"", &prefix).unwrap();
        assert!(!found.contains(&pack(&prefix).unwrap()), "{prefix:?}");
        assert!(
            found.contains(&pack(&extension).unwrap()),
            "{prefix:?} {extension:?}"
        );
    }
}

#[test]
fn random_tuples_come_back_and_sort_as_their_elements_do() {
    let mut random = Rng::with_seed(seed());
    for _ in 0..steps(100_000) {
        let one = tuple(&mut random);
        let other = neighbour(&mut random, &one);
        let [packed, other_packed] = [&one, &other].map(|elements| pack(elements).unwrap());
        assert_eq!(unpack(&packed).as_ref(), Ok(&one));
        assert_eq!(unpack(&other_packed).as_ref(), Ok(&other));
        assert_eq!(
            packed.cmp(&other_packed),
            one.cmp(&other),
            "{one:?} and {other:?}"
        );
    }
}

#[test]
fn numbers_sort_by_value() {
    let mut random = Rng::with_seed(seed());
    for _ in 0..steps(100_000) {
        let [one, other] = [(); 2].map(|()| integer(&mut random));
        if let (Some(one), Some(other)) = (one.to_i64(), other.to_i64()) {
            let [packed, other_packed] = [one, other].map(|number| pack(&[number.into()]).unwrap());
            assert_eq!(packed.cmp(&other_packed), one.cmp(&other), "{one} and {other}");
        }
        let [one, other] = [(); 2].map(|()| f64::from_bits(random.u64(..)));
        if let Some(order) = one.partial_cmp(&other).filter(|order| order.is_ne()) {
            let [packed, other_packed] = [one, other].map(|number| pack(&[number.into()]).unwrap());
            assert_eq!(packed.cmp(&other_packed), order, "{one} and {other}");
        }
    }
    let floats = [
        f32::from_bits(0xffc0_0001),
        f32::NEG_INFINITY,
        -1.0,
        -0.0,
        0.0,
        1.0,
        f32::INFINITY,
        f32::from_bits(0x7fc0_0000),
        f32::from_bits(0x7fc0_0001),
    ];
    let packed = floats.map(|number| pack(&[Element::Float32(Float32::from(number))]).unwrap());
    assert!(packed.is_sorted());
}

#[test]
fn integers_that_are_longer_than_they_need_be_are_read() {
    let longer: [(&[u8], i128); 9] = [
        (b"\x15\x00", 0),
        (b"\x16\x00\x01", 1),
        (b"\x13\xff", 0),
        (b"\x12\xff\xfe", -1),
        (b"\x1d\x08\xff\xff\xff\xff\xff\xff\xff\xff", u64::MAX as i128),
        (b"\x0b\xf7\x00\x00\x00\x00\x00\x00\x00\x00", -(u64::MAX as i128)),
        (b"\x1d\x00", 0),
        (b"\x0b\xff", 0),
        (b"\x1d\x02\x00\x07", 7),
    ];
    for (packed, number) in longer {
        assert_eq!(unpack(packed), Ok(vec![int(number)]), "{}", hex(packed));
    }
}

#[test]
fn what_no_binding_packs_is_an_error_that_says_where() {
    let invalid = ErrorCode::InvalidTupleDataType;
    let cases: [(&[u8], ErrorCode, &str); 15] = [
        (
            b"\x14\xff",
            invalid,
            "tuple element at byte 1: a type code was expected, found ff",
        ),
        (
            b"\x03",
            invalid,
            "tuple element at byte 0: a type code was expected, found 03",
        ),
        (
            b"\x0a",
            invalid,
            "tuple element at byte 0: a type code was expected, found 0a",
        ),
        (
            b"\x1e",
            invalid,
            "tuple element at byte 0: a type code was expected, found 1e",
        ),
        (
            b"\x40",
            invalid,
            "tuple element at byte 0: a type code was expected, found 40",
        ),
        (
            b"\x01ab",
            invalid,
            "tuple element at byte 0: the 00 that ends a byte string was expected, found the end of the bytes",
        ),
        (
            b"\x02a\x00\xff",
            invalid,
            "tuple element at byte 0: the 00 that ends a string was expected, found the end of the bytes",
        ),
        (
            b"\x02ab\xc3\x00",
            invalid,
            "tuple element at byte 0: UTF-8 was expected, found other bytes",
        ),
        (
            b"\x05\x14",
            invalid,
            "tuple element at byte 1: the 00 that ends a nested tuple was expected, found the end of the bytes",
        ),
        (
            b"\x16\x01",
            invalid,
            "tuple element at byte 0: integer of 2 bytes was expected, found 1",
        ),
        (
            b"\x1d",
            invalid,
            "tuple element at byte 0: integer's length of 1 bytes was expected, found 0",
        ),
        (
            b"\x0b\xf6\x00",
            invalid,
            "tuple element at byte 0: integer of 9 bytes was expected, found 1",
        ),
        (
            b"\x21\x00",
            invalid,
            "tuple element at byte 0: double of 8 bytes was expected, found 1",
        ),
        (
            b"\x30\x00",
            ErrorCode::InvalidUuidSize,
            "tuple element at byte 0: UUID of 16 bytes was expected, found 1",
        ),
        (
            b"\x33\x00",
            ErrorCode::InvalidVersionstampSize,
            "tuple element at byte 0: versionstamp of 12 bytes was expected, found 1",
        ),
    ];
    for (packed, code, message) in cases {
        let error = unpack(packed).unwrap_err();
        assert_eq!((error.code(), error.message()), (code, message));
    }
    // A surrogate, as UTF-16 turned into bytes one unit at a time would have it.
    assert!(unpack(b"\x02\xed\xa0\x80\x00").is_err());
}

#[test]
fn arbitrary_bytes_never_panic_and_pack_again_to_what_means_the_same() {
    let mut random = Rng::with_seed(seed());
    let mut tuple_count = 0u64;
    for _ in 0..steps(100_000) {
        let mut noise = pack(&tuple(&mut random)).unwrap();
        for _ in 0..random.usize(0..3) {
            let byte = random.u8(..);
            match random.usize(0..=noise.len()) {
                place if place == noise.len() => noise.push(byte),
                place if random.bool() => noise[place] = byte,
                place => noise.truncate(place),
            }
        }
        let Ok(elements) = unpack(&noise) else { continue };
        let canonical = match pack(&elements) {
            Ok(canonical) => canonical,
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::ClientInvalidOperation, "{elements:?}");
                continue;
            }
        };
        tuple_count += 1;
        assert_eq!(unpack(&canonical), Ok(elements), "{}", hex(&noise));
        assert!(canonical.len() <= noise.len(), "{}", hex(&noise));
    }
    println!("{tuple_count} were tuples");
    assert!(tuple_count > 0);
}

#[test]
fn tuples_nest_as_deep_as_the_limit_and_no_deeper_whatever_the_bytes_say() {
    let deepest = [vec![5; NESTING_DEPTH_MAX], vec![0; NESTING_DEPTH_MAX]].concat();
    let elements = unpack(&deepest).unwrap();
    assert_eq!(pack(&elements), Ok(deepest));
    let deeper = vec![Element::Nested(elements)];
    assert_eq!(pack(&deeper).unwrap_err().code(), ErrorCode::InvalidTupleDataType);
    let refused = unpack(&[5; 100_000]).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::InvalidTupleDataType);
    assert!(refused.message().contains("at byte 1000"), "{refused}");
}
