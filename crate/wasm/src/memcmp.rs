//! How bytes are compared in WebAssembly: eight at a time.
//!
//! The `memcmp` that Rust brings for this target compares one byte after the other, and the engine compares keys
//! wherever it searches. The linker takes these two instead.
//!
//! Nothing here may compare slices, which would call it. It is one function for all: put into every place that compares,
//! it makes the engine larger and no faster.
#![allow(
    unsafe_code,
    reason = "the C library's functions take pointers, and have its names"
)]

const WORD_BYTES: usize = size_of::<u64>();

/// The C library's: negative, zero or positive as the bytes of `left` are before, the same as or after those of
/// `right`.
///
/// # Safety
/// `len` bytes can be read at both.
#[inline(never)]
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, len: usize) -> i32 {
    // SAFETY: every place that is read is below `len`.
    unsafe {
        if len < WORD_BYTES {
            for at in 0..len {
                let difference = i32::from(left.add(at).read()) - i32::from(right.add(at).read());
                if difference != 0 {
                    return difference;
                }
            }
            return 0;
        }
        let mut at = 0;
        while at + WORD_BYTES < len {
            let order = compare_words(left.add(at), right.add(at));
            if order != 0 {
                return order;
            }
            at += WORD_BYTES;
        }
        // The last word, which the one before may overlap: what they share is the same.
        compare_words(left.add(len - WORD_BYTES), right.add(len - WORD_BYTES))
    }
}

/// The C library's: zero if the bytes are the same.
///
/// # Safety
/// As for [`memcmp`].
#[inline(never)]
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, len: usize) -> i32 {
    // SAFETY: the caller's promise is the same.
    unsafe { memcmp(left, right, len) }
}

/// # Safety
/// Eight bytes can be read at both.
#[inline]
unsafe fn compare_words(left: *const u8, right: *const u8) -> i32 {
    // SAFETY: the caller's promise; nothing is assumed of the alignment.
    let [left, right] = unsafe { [left, right].map(|place| place.cast::<u64>().read_unaligned()) };
    if left == right {
        return 0;
    }
    // The first byte is the most significant one of a big-endian number.
    if u64::from_be(left) < u64::from_be(right) {
        -1
    } else {
        1
    }
}
