//! Walking the nodes: finding a path, who has a prefix, what is below.

use super::metadata::Metadata;
use super::node::Node;
use super::store::Store;
use crate::storage::Storage;
use crate::words::{Bytes, Error, ErrorCode, Key, KeyRange, Result, display_key};

/// A child of a directory.
pub(super) struct Child {
    pub(super) name: String,
    pub(super) prefix: Bytes,
}

/// The node that a path leads to, or the partition on the way there; `None` if there is neither.
pub(super) async fn find<S: Storage>(
    metadata: &Metadata,
    store: &Store<S>,
    path: &[String],
) -> Result<Option<Node>> {
    let mut node = Node {
        prefix: metadata.prefix().clone(),
        layer: Bytes::default(),
        depth: 0,
    };
    for name in path {
        let Some(prefix) = store.get(&metadata.child(&node.prefix, name)?).await? else {
            return Ok(None);
        };
        let layer = store.get(&metadata.layer(&prefix)?).await?.unwrap_or_default();
        node = Node {
            prefix,
            layer,
            depth: node.depth + 1,
        };
        if node.is_partition() {
            break;
        }
    }
    Ok(Some(node))
}

/// The children of a directory, by name.
pub(super) async fn children<S: Storage>(
    metadata: &Metadata,
    store: &Store<S>,
    prefix: &[u8],
) -> Result<Vec<Child>> {
    let children = metadata.children(prefix)?;
    let rows = store.all_of(&children.range()?).await?;
    rows.into_iter()
        .map(|(key, prefix)| {
            let name = children.name_of(&key)?;
            Ok(Child { name, prefix })
        })
        .collect()
}

/// Whether no directory's prefix begins with this one or is its beginning.
pub(super) async fn is_prefix_free<S: Storage>(
    metadata: &Metadata,
    store: &Store<S>,
    prefix: &[u8],
    snapshot: bool,
) -> Result<bool> {
    if prefix.is_empty() || prefix.starts_with(metadata.prefix()) {
        return Ok(false);
    }
    let (before, within) = (metadata.all()?, key_range_of(prefix)?);
    let key = metadata.node_key(prefix)?;
    let before = KeyRange::new(before.begin, KeyRange::of_key(key.clone()).end);
    let last = store.one_of(&before, true, snapshot).await?;
    if let Some((key, _)) = last.rows.first()
        && prefix.starts_with(&metadata.prefix_of(key)?)
    {
        return Ok(false);
    }
    let within = KeyRange::new(key, metadata.node_key(&within.end)?);
    Ok(store.one_of(&within, false, snapshot).await?.rows.is_empty())
}

/// Clears a directory with its contents and all below it. Its parent still has it as a child.
pub(super) async fn remove<S: Storage>(metadata: &Metadata, store: &Store<S>, prefix: Bytes) -> Result<()> {
    let mut left = vec![prefix];
    while let Some(prefix) = left.pop() {
        let children = children(metadata, store, &prefix).await?;
        left.extend(children.into_iter().map(|child| child.prefix));
        store.clear_range(&key_range_of(&prefix)?)?;
        store.clear_range(&key_range_of(metadata.node(&prefix)?.key())?)?;
    }
    Ok(())
}

/// The keys that begin with a prefix.
///
/// # Errors
/// `key_outside_legal_range` for a prefix that none but keys of the system begin with.
pub(super) fn key_range_of(prefix: &[u8]) -> Result<KeyRange> {
    let mut end = prefix.to_vec();
    while end.pop_if(|byte| *byte == u8::MAX).is_some() {}
    match end.last_mut() {
        Some(last) => *last += 1,
        None => {
            let prefix = display_key(prefix);
            let detail = format!("a prefix with a byte below \\xff was expected, found {prefix}");
            return Err(Error::new(ErrorCode::KeyOutsideLegalRange, detail));
        }
    }
    Ok(KeyRange::new(Key::from(prefix), end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_a_prefix_end_before_the_next_prefix() {
        let range = key_range_of(b"a\xff\xff").unwrap();
        assert_eq!(
            (&*range.begin, &*range.end),
            (b"a\xff\xff".as_slice(), b"b".as_slice())
        );
        for prefix in [b"".as_slice(), b"\xff\xff"] {
            assert_eq!(
                key_range_of(prefix).unwrap_err().code(),
                ErrorCode::KeyOutsideLegalRange
            );
        }
    }
}
