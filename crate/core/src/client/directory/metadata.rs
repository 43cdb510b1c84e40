//! Where the directory layer keeps what it knows, and how.
//!
//! N is the subspace of nodes, R its node of the root, p a directory's prefix; all but the values are
//! tuples.
//!
//! | key | value |
//! |---|---|
//! | R (bytes `version`) | the format's version: three little-endian numbers of 4 bytes |
//! | R (bytes `hca`) … | the allocator's counters and candidates |
//! | N (bytes p) (bytes `layer`) | the directory's layer |
//! | N (bytes p) (0, unicode name) | the prefix of the child of that name |

use crate::pure::Subspace;
use crate::pure::tuple::Element;
use crate::words::{Error, ErrorCode, Key, KeyRange, Result, display_key};

/// The layer of directories that have a directory layer of their own inside.
pub(super) const PARTITION: &[u8] = b"partition";

const CHILDREN: i64 = 0;

/// The version that this code writes.
pub(super) const VERSION: [u32; 3] = [1, 0, 0];

/// The keys of one directory layer's nodes.
#[derive(Clone)]
pub(super) struct Metadata {
    nodes: Subspace,
}

impl Metadata {
    pub(super) fn new(nodes: Subspace) -> Metadata {
        Metadata { nodes }
    }

    /// What all keys of nodes begin with.
    pub(super) fn prefix(&self) -> &Key {
        self.nodes.key()
    }

    pub(super) fn version(&self) -> Result<Key> {
        self.root_node()?.pack(&[b"version".as_slice().into()])
    }

    pub(super) fn allocator(&self) -> Result<Subspace> {
        self.root_node()?.subspace(&[b"hca".as_slice().into()])
    }

    fn root_node(&self) -> Result<Subspace> {
        self.node(self.nodes.key())
    }

    /// The node of the directory with this prefix; that of the root has the prefix of the nodes.
    pub(super) fn node(&self, prefix: &[u8]) -> Result<Subspace> {
        self.nodes.subspace(&[prefix.into()])
    }

    pub(super) fn layer(&self, prefix: &[u8]) -> Result<Key> {
        self.node(prefix)?.pack(&[b"layer".as_slice().into()])
    }

    pub(super) fn child(&self, prefix: &[u8], name: &str) -> Result<Key> {
        self.node(prefix)?.pack(&[CHILDREN.into(), name.into()])
    }

    /// The keys of a directory's children.
    pub(super) fn children(&self, prefix: &[u8]) -> Result<Children> {
        let subspace = self.node(prefix)?.subspace(&[CHILDREN.into()])?;
        Ok(Children { subspace })
    }

    /// All nodes.
    pub(super) fn all(&self) -> Result<KeyRange> {
        self.nodes.range(&[])
    }

    /// The key at which the node of a directory with this prefix begins.
    pub(super) fn node_key(&self, prefix: &[u8]) -> Result<Key> {
        self.nodes.pack(&[prefix.into()])
    }

    /// The prefix of the directory to whose node this key belongs.
    pub(super) fn prefix_of(&self, key: &[u8]) -> Result<Vec<u8>> {
        let elements = self.nodes.unpack(key)?;
        match element_at(&elements, 0, key)? {
            Element::Bytes(prefix) => Ok(prefix.clone()),
            other => Err(unexpected("a prefix", other, key)),
        }
    }
}

/// The keys of the children of one directory.
pub(super) struct Children {
    subspace: Subspace,
}

impl Children {
    pub(super) fn range(&self) -> Result<KeyRange> {
        self.subspace.range(&[])
    }

    pub(super) fn name_of(&self, key: &[u8]) -> Result<String> {
        let elements = self.subspace.unpack(key)?;
        match element_at(&elements, 0, key)? {
            Element::Unicode(name) => Ok(name.clone()),
            other => Err(unexpected("a name", other, key)),
        }
    }
}

/// An element of a key's tuple.
///
/// # Errors
/// `invalid_tuple_index`.
pub(super) fn element_at<'a>(elements: &'a [Element], index: usize, key: &[u8]) -> Result<&'a Element> {
    elements.get(index).ok_or_else(|| {
        let (count, key) = (elements.len(), display_key(key));
        let detail =
            format!("element {index} was expected in the directory layer's key {key}, found {count}");
        Error::new(ErrorCode::InvalidTupleIndex, detail)
    })
}

/// The element is not of the expected type.
pub(super) fn unexpected(what: &str, found: &Element, key: &[u8]) -> Error {
    let key = display_key(key);
    let detail = format!("{what} was expected in the directory layer's key {key}, found {found:?}");
    Error::new(ErrorCode::InvalidTupleDataType, detail)
}

/// The value of the version key.
pub(super) fn encode_version() -> Vec<u8> {
    VERSION.iter().flat_map(|part| part.to_le_bytes()).collect()
}

/// The version in the value of the version key.
///
/// # Errors
/// `invalid_directory_layer_metadata`.
pub(super) fn decode_version(value: &[u8]) -> Result<[u32; 3]> {
    let (parts, rest) = value.as_chunks::<4>();
    match parts {
        [major, minor, patch] if rest.is_empty() => {
            Ok([major, minor, patch].map(|part| u32::from_le_bytes(*part)))
        }
        _ => {
            let found = value.len();
            let detail = format!("a version of 12 bytes was expected, found {found} bytes");
            Err(Error::new(ErrorCode::InvalidDirectoryLayerMetadata, detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn keys_are_those_of_foundationdbs_bindings() {
        let metadata = Metadata::new(Subspace::new(b"\xfe".as_slice()));
        let root = metadata.prefix().clone();
        assert_eq!(hex(&metadata.version().unwrap()), "fe01fe000176657273696f6e00");
        assert_eq!(hex(&encode_version()), "010000000000000000000000");
        assert_eq!(hex(metadata.node(b"\x15\x2a").unwrap().key()), "fe01152a00");
        assert_eq!(hex(metadata.node(b"\x15\x00").unwrap().key()), "fe011500ff00");
        assert_eq!(
            hex(&metadata.layer(b"\x15\x2a").unwrap()),
            "fe01152a00016c6179657200"
        );
        assert_eq!(
            hex(&metadata.child(&root, "users").unwrap()),
            "fe01fe001402757365727300"
        );
        assert_eq!(hex(metadata.allocator().unwrap().key()), "fe01fe000168636100");
        let partition = Metadata::new(Subspace::new(b"\x15\x07\xfe".as_slice()));
        assert_eq!(
            hex(&partition.version().unwrap()),
            "1507fe011507fe000176657273696f6e00"
        );
    }

    #[test]
    fn keys_that_are_no_metadata_are_errors_that_say_so() {
        let metadata = Metadata::new(Subspace::new(b"\xfe".as_slice()));
        assert_eq!(
            metadata.prefix_of(b"\xfe\x01\x15\x2a\x00\x14"),
            Ok(vec![0x15, 0x2a])
        );
        let code = |key: &[u8]| metadata.prefix_of(key).unwrap_err().code();
        assert_eq!(code(b"\xfe\x14"), ErrorCode::InvalidTupleDataType);
        assert_eq!(code(b"\xfe"), ErrorCode::InvalidTupleIndex);
        assert_eq!(code(b"\xfd"), ErrorCode::KeyNotInSubspace);
        let children = metadata.children(b"\xfe").unwrap();
        let child = |rest: &[u8]| [b"\xfe\x01\xfe\x00\x14".as_slice(), rest].concat();
        assert_eq!(children.name_of(&child(b"\x02a\x00")), Ok("a".into()));
        let error = children.name_of(&child(b"\x01a\x00")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "invalid_tuple_data_type (2250): a name was expected in the directory layer's key \
             \\xfe\\x01\\xfe\\x00\\x14\\x01a\\x00, found Bytes([97])"
        );
        assert_eq!(
            children.name_of(&child(b"")).unwrap_err().code(),
            ErrorCode::InvalidTupleIndex
        );
    }

    #[test]
    fn a_version_has_three_numbers() {
        assert_eq!(decode_version(&encode_version()), Ok(VERSION));
        for length in [0, 11, 13, 16] {
            let error = decode_version(&vec![0; length]).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidDirectoryLayerMetadata);
        }
    }
}
