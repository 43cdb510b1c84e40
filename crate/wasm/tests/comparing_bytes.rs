//! Bytes are compared as their definition says, whatever their length, their place in memory and where they differ.

#![cfg(target_arch = "wasm32")]
#![allow(
    clippy::indexing_slicing,
    reason = "a test that fails by panicking has failed"
)]

use std::cmp::Ordering;
use std::hint::black_box;

use plinth_wasm as _;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const LENGTH_MAX: usize = 41;
const PLACES: usize = 8;

/// Byte by byte.
fn by_definition(left: &[u8], right: &[u8]) -> Ordering {
    let pairs = left.iter().zip(right);
    let first = pairs
        .map(|(left, right)| left.cmp(right))
        .find(|order| order.is_ne());
    first.unwrap_or(left.len().cmp(&right.len()))
}

fn check(left: &[u8], right: &[u8]) {
    let (left, right) = (black_box(left), black_box(right));
    assert_eq!(left.cmp(right), by_definition(left, right), "{left:?} {right:?}");
    assert_eq!(
        left == right,
        by_definition(left, right).is_eq(),
        "{left:?} {right:?}"
    );
}

#[wasm_bindgen_test]
fn bytes_are_compared_as_their_definition_says() {
    for length in 0..LENGTH_MAX {
        for place in 0..PLACES {
            let mut one = vec![0x55; place + length];
            let other = vec![0x55; length];
            check(&one[place..], &other);
            check(&one[place..], &other[..length / 2]);
            for differs in place..place + length {
                for byte in [0, 0x54, 0x56, 0x80, 0xff] {
                    one[differs] = byte;
                    // What comes after the first difference does not count.
                    if let Some(later) = one.get_mut(differs + 1) {
                        *later = !byte;
                    }
                    check(&one[place..], &other);
                    check(&other, &one[place..]);
                    one[differs..].fill(0x55);
                }
            }
        }
    }
}
