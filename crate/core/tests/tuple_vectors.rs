//! The vectors that this codec and the package's JavaScript codec are both tested on: written by this one
//! from a fixed seed, by `cargo xtask codegen`; without that, they are compared.

mod support;

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use fastrand::Rng;
use plinth_core::pure::tuple::{Element, Versionstamp, pack, pack_with_versionstamp, unpack};
use support::{hex, tuple};

/// Set by `cargo xtask codegen`.
const WRITE_VARIABLE: &str = "PLINTH_CODEGEN_WRITE";
const VECTORS: &str = "../../pkg-tests/src/suite/tuple-vectors.json";

const TUPLES: usize = 1_400;
const TEMPLATES: usize = 200;
const DAMAGED: usize = 400;

#[test]
fn vectors_of_both_sides_agree() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(VECTORS);
    let expected = vectors();
    if env::var_os(WRITE_VARIABLE).is_some() {
        fs::write(&path, &expected).expect("the generated file can be written");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "{VECTORS} is not what this codec packs: run `cargo xtask codegen`"
    );
}

/// One vector a line, in a JSON array:
/// `packed` has the bytes of `tuple`; `template` has those with the position of a versionstamp at the end;
/// `read` are other bytes that mean `tuple`; `malformed` are bytes that mean `code` and `message`.
fn vectors() -> String {
    let mut random = Rng::with_seed(2_026);
    let mut lines = Vec::new();
    for _ in 0..TUPLES {
        let elements = tuple(&mut random);
        let packed = pack(&elements).expect("no versionstamp in it is incomplete");
        lines.push(format!(
            r#"{{"packed":"{}","tuple":{}}}"#,
            hex(&packed),
            json(&elements)
        ));
    }
    for _ in 0..TEMPLATES {
        let mut elements = tuple(&mut random);
        let stamp = Element::Versionstamp(Versionstamp::incomplete(random.u16(..)));
        let place = random.usize(0..=elements.len());
        match elements.get_mut(place) {
            Some(Element::Nested(inner)) => inner.push(stamp),
            _ => elements.insert(place, stamp),
        }
        let template = pack_with_versionstamp(&[], &elements).expect("one versionstamp is incomplete");
        lines.push(format!(
            r#"{{"template":"{}","tuple":{}}}"#,
            hex(&template),
            json(&elements)
        ));
    }
    for _ in 0..DAMAGED {
        let mut bytes = pack(&tuple(&mut random)).expect("no versionstamp in it is incomplete");
        let place = random.usize(0..=bytes.len());
        match bytes.get_mut(place) {
            Some(byte) if random.bool() => *byte ^= 1 << random.u32(0..8),
            _ => bytes.truncate(place),
        }
        lines.push(match unpack(&bytes) {
            Ok(elements) => format!(r#"{{"read":"{}","tuple":{}}}"#, hex(&bytes), json(&elements)),
            Err(error) => format!(
                r#"{{"malformed":"{}","code":{},"message":{}}}"#,
                hex(&bytes),
                error.code().number(),
                quoted(error.message())
            ),
        });
    }
    format!("[\n{}\n]\n", lines.join(",\n"))
}

fn json(elements: &[Element]) -> String {
    let elements: Vec<String> = elements.iter().map(element).collect();
    format!("[{}]", elements.join(","))
}

fn element(element: &Element) -> String {
    let object = |name: &str, text: String| format!(r#"{{"{name}":"{text}"}}"#);
    match element {
        Element::Null => "null".into(),
        Element::Bytes(bytes) => object("bytes", hex(bytes)),
        Element::Unicode(text) => quoted(text),
        Element::Nested(elements) => json(elements),
        Element::Integer(integer) => {
            let sign = if integer.is_negative() { "-" } else { "" };
            object("integer", format!("{sign}0x0{}", hex(integer.magnitude())))
        }
        Element::Float32(float) => object("float", hex(&float.bits().to_be_bytes())),
        Element::Float64(float) => object("double", hex(&float.bits().to_be_bytes())),
        Element::Boolean(is_true) => is_true.to_string(),
        Element::Uuid(bytes) => object("uuid", hex(bytes)),
        Element::Versionstamp80(bytes) => object("versionstamp80", hex(bytes)),
        Element::Versionstamp(stamp) if stamp.is_complete() => object("versionstamp", hex(&stamp.to_bytes())),
        Element::Versionstamp(stamp) => format!(r#"{{"unbound":{}}}"#, stamp.user_version()),
    }
}

/// A JSON string in ASCII.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for unit in text.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte @ (b' '..=b'!' | b'#'..=b'[' | b']'..=b'~')) => quoted.push(char::from(byte)),
            _ => write!(quoted, "\\u{unit:04x}").expect("memory is enough"),
        }
    }
    quoted.push('"');
    quoted
}
