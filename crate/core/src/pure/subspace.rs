//! A subspace: the keys that begin with a prefix, each the prefix followed by a tuple.

use super::tuple::{Element, pack_after, pack_with_versionstamp, range, unpack};
use crate::words::{Error, ErrorCode, Key, KeyRange, Result, display_key};

/// The keys that begin with a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subspace {
    prefix: Key,
}

impl Subspace {
    /// The subspace of this prefix.
    pub fn new(prefix: impl Into<Key>) -> Subspace {
        Subspace {
            prefix: prefix.into(),
        }
    }

    /// Its prefix.
    pub fn key(&self) -> &Key {
        &self.prefix
    }

    /// The key of a tuple.
    ///
    /// # Errors
    /// Those of packing it.
    pub fn pack(&self, elements: &[Element]) -> Result<Key> {
        Ok(pack_after(&self.prefix, elements)?.into())
    }

    /// The template of a versionstamped key.
    ///
    /// # Errors
    /// Those of [`pack_with_versionstamp`].
    pub fn pack_with_versionstamp(&self, elements: &[Element]) -> Result<Key> {
        Ok(pack_with_versionstamp(&self.prefix, elements)?.into())
    }

    /// The tuple of a key.
    ///
    /// # Errors
    /// `key_not_in_subspace`; those of unpacking it.
    pub fn unpack(&self, key: &[u8]) -> Result<Vec<Element>> {
        match key.strip_prefix(&*self.prefix) {
            Some(packed) => unpack(packed),
            None => {
                let (prefix, key) = (display_key(&self.prefix), display_key(key));
                let detail = format!("a key that begins with {prefix} was expected, found {key}");
                Err(Error::new(ErrorCode::KeyNotInSubspace, detail))
            }
        }
    }

    /// The keys of the tuples that begin with these elements and have more: with no elements those of
    /// all tuples but the empty one, whose key is the prefix itself.
    ///
    /// # Errors
    /// Those of packing it.
    pub fn range(&self, elements: &[Element]) -> Result<KeyRange> {
        range(&self.prefix, elements)
    }

    /// Whether the key begins with the prefix.
    pub fn contains(&self, key: &[u8]) -> bool {
        key.starts_with(&self.prefix)
    }

    /// The subspace of the tuples that begin with these elements.
    ///
    /// # Errors
    /// Those of packing it.
    pub fn subspace(&self, elements: &[Element]) -> Result<Subspace> {
        Ok(Subspace::new(self.pack(elements)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pure::tuple::Versionstamp;

    #[test]
    fn a_key_is_the_prefix_and_a_tuple_and_comes_back_as_the_tuple() {
        let subspace = Subspace::new(b"\x01".as_slice());
        let tuple = [Element::from("a"), Element::from(1)];
        let key = subspace.pack(&tuple).unwrap();
        assert_eq!(&*key, b"\x01\x02a\0\x15\x01");
        assert_eq!(subspace.unpack(&key), Ok(tuple.to_vec()));
        let child = subspace.subspace(&tuple[..1]).unwrap();
        assert_eq!(child.pack(&tuple[1..]), Ok(key));
        let foreign = subspace.unpack(b"\x02\x14").unwrap_err();
        assert_eq!(
            foreign.to_string(),
            "key_not_in_subspace (2252): a key that begins with \\x01 was expected, found \\x02\\x14"
        );
    }

    #[test]
    fn a_range_is_without_the_prefix_itself_and_without_what_is_no_tuple() {
        let range = Subspace::new(b"p".as_slice()).range(&[]).unwrap();
        assert!(!range.contains(b"p"));
        assert!(range.contains(b"p\0"));
        assert!(range.contains(b"p\xfe\xff"));
        assert!(!range.contains(b"p\xff"));
        assert!(Subspace::new(b"p".as_slice()).contains(b"p\xff"));
        assert!(!Subspace::new(b"p".as_slice()).contains(b"q"));
    }

    #[test]
    fn the_position_of_a_versionstamp_counts_the_prefix() {
        let key = Subspace::new(b"\x01".as_slice())
            .pack_with_versionstamp(&[Versionstamp::incomplete(5).into()])
            .unwrap();
        assert_eq!(
            &*key,
            [b"\x01\x33".as_slice(), &[0xff; 10], &[0, 5, 2, 0, 0, 0]].concat()
        );
    }
}
