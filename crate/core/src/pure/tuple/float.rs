//! Floats as their bits: what a float register may change in a NaN does not happen to these.
//!
//! Order: negative NaNs, negative infinity, ..., -0.0, 0.0, ..., infinity, NaNs. Bits complemented when
//! the sign is set, and with the sign flipped otherwise, compare as unsigned numbers in just that order.

macro_rules! float {
    ($name:ident, $value:ty, $bits:ty, $width:literal, $text:literal) => {
        #[doc = $text]
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $name {
            bits: $bits,
        }

        impl $name {
            const SIGN: $bits = 1 << (<$bits>::BITS - 1);

            /// The float with these IEEE 754 bits.
            pub fn from_bits(bits: $bits) -> $name {
                $name { bits }
            }

            /// Its IEEE 754 bits.
            pub fn bits(self) -> $bits {
                self.bits
            }

            /// Its value. A NaN's payload may get lost on the way through a register.
            pub fn value(self) -> $value {
                <$value>::from_bits(self.bits)
            }

            /// The bytes that sort as floats do.
            pub(super) fn ordered_bytes(self) -> [u8; $width] {
                self.ordered().to_be_bytes()
            }

            /// The float with these ordered bytes.
            pub(super) fn from_ordered_bytes(bytes: [u8; $width]) -> $name {
                let ordered = <$bits>::from_be_bytes(bytes);
                let is_negative = ordered & Self::SIGN == 0;
                $name {
                    bits: if is_negative {
                        !ordered
                    } else {
                        ordered ^ Self::SIGN
                    },
                }
            }

            fn ordered(self) -> $bits {
                let is_negative = self.bits & Self::SIGN != 0;
                if is_negative {
                    !self.bits
                } else {
                    self.bits ^ Self::SIGN
                }
            }
        }

        impl From<$value> for $name {
            fn from(value: $value) -> $name {
                $name {
                    bits: value.to_bits(),
                }
            }
        }

        impl Ord for $name {
            fn cmp(&self, other: &$name) -> std::cmp::Ordering {
                self.ordered().cmp(&other.ordered())
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &$name) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "{:?} ({:#x})", self.value(), self.bits)
            }
        }
    };
}

float!(
    Float32,
    f32,
    u32,
    4,
    "A float of 32 bits, equal only to the same bits."
);
float!(
    Float64,
    f64,
    u64,
    8,
    "A float of 64 bits, equal only to the same bits."
);
