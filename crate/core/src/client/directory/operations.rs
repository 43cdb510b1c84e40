//! The operations of a directory layer, as reads and writes of a transaction. Each checks in the order in
//! which FoundationDB's bindings check, so that the same mistakes give the same errors.
//!
//! What lies in a partition is passed on to the layer inside of it.

use super::allocator::Allocator;
use super::handle::Directory;
use super::layer::DirectoryLayer;
use super::metadata::{VERSION, decode_version, encode_version};
use super::node::Node;
use super::store::Store;
use super::tree::{self, key_range_of};
use crate::storage::Storage;
use crate::words::{Bytes, Error, ErrorCode, Result, display_key};

/// What `create_or_open`, `create` or `open` was asked for.
pub(super) struct Wanted {
    pub(super) layer: Bytes,
    pub(super) prefix: Option<Bytes>,
    pub(super) may_create: bool,
    pub(super) may_open: bool,
}

impl DirectoryLayer {
    pub(super) async fn open_node<S: Storage>(
        &self,
        store: &Store<S>,
        path: &[String],
        wanted: &Wanted,
    ) -> Result<Directory> {
        self.check_version(store, false).await?;
        if wanted.prefix.is_some() && !self.allow_manual_prefixes {
            let is_root = self.path().is_empty();
            return Err(match is_root {
                true => ErrorCode::ManualPrefixesNotEnabled.into(),
                false => ErrorCode::PrefixInPartition.into(),
            });
        }
        if path.is_empty() {
            return Err(ErrorCode::CannotOpenRootDirectory.into());
        }
        let Some(node) = tree::find(&self.metadata, store, path).await? else {
            return self.create_node(store, path, wanted).await;
        };
        if let Some(subpath) = node.subpath(path) {
            let inner = self.partition_at(&node, path);
            return Box::pin(inner.open_node(store, subpath, wanted)).await;
        }
        if !wanted.may_open {
            return Err(self.error(ErrorCode::DirectoryAlreadyExists, path));
        }
        if !wanted.layer.is_empty() && wanted.layer != node.layer {
            let (path, expected, found) = (
                self.absolute(path).join("/"),
                display_key(&wanted.layer),
                display_key(&node.layer),
            );
            let detail = format!("layer {expected} was expected of the directory {path}, found {found}");
            return Err(Error::new(ErrorCode::MismatchedLayer, detail));
        }
        Ok(self.directory(path, node.prefix, node.layer))
    }

    async fn create_node<S: Storage>(
        &self,
        store: &Store<S>,
        path: &[String],
        wanted: &Wanted,
    ) -> Result<Directory> {
        if !wanted.may_create {
            return Err(self.error(ErrorCode::DirectoryDoesNotExist, path));
        }
        let (name, parent) = path.split_last().expect("the empty path was refused before");
        self.check_version(store, true).await?;
        let prefix: Bytes = match &wanted.prefix {
            Some(prefix) => prefix.clone(),
            None => self.allocate(store).await?,
        };
        let is_allocated = wanted.prefix.is_none();
        self.check_prefix_free(store, &prefix, is_allocated).await?;
        let parent_prefix = if parent.is_empty() {
            self.metadata.prefix().clone()
        } else {
            let wanted = Wanted {
                layer: Bytes::default(),
                prefix: None,
                may_create: true,
                may_open: true,
            };
            let parent = Box::pin(self.open_node(store, parent, &wanted)).await?;
            if !is_allocated {
                // What was allocated on the way to it may be in the way of a prefix that it does not know.
                self.check_prefix_free(store, &prefix, false).await?;
            }
            parent.prefix().clone()
        };
        store.set(&self.metadata.child(&parent_prefix, name)?, &prefix)?;
        store.set(&self.metadata.layer(&prefix)?, &wanted.layer)?;
        Ok(self.directory(path, prefix, wanted.layer.clone()))
    }

    /// A prefix that no directory has and no data begin with.
    async fn allocate<S: Storage>(&self, store: &Store<S>) -> Result<Bytes> {
        let allocator = Allocator::new(&self.metadata.allocator()?)?;
        let allocated = allocator.allocate(store).await?;
        let prefix: Bytes = [&*self.content_prefix, &allocated].concat().into();
        let data = store.one_of(&key_range_of(&prefix)?, false, false).await?;
        match data.rows.first() {
            None => Ok(prefix),
            Some((key, _)) => {
                let (prefix, key) = (display_key(&prefix), display_key(key));
                let detail = format!("no key that begins with {prefix} was expected, found {key}");
                Err(Error::new(ErrorCode::DirectoryPrefixNotEmpty, detail))
            }
        }
    }

    async fn check_prefix_free<S: Storage>(
        &self,
        store: &Store<S>,
        prefix: &[u8],
        snapshot: bool,
    ) -> Result<()> {
        if tree::is_prefix_free(&self.metadata, store, prefix, snapshot).await? {
            return Ok(());
        }
        let prefix = display_key(prefix);
        let detail =
            format!("a prefix that no directory's begins with or continues was expected, found {prefix}");
        Err(Error::new(ErrorCode::DirectoryPrefixInUse, detail))
    }

    pub(super) async fn move_node<S: Storage>(
        &self,
        store: &Store<S>,
        old_path: &[String],
        new_path: &[String],
    ) -> Result<Directory> {
        self.check_version(store, true).await?;
        if new_path.starts_with(old_path) {
            return Err(self.error(ErrorCode::InvalidDestinationDirectory, new_path));
        }
        let old = tree::find(&self.metadata, store, old_path).await?;
        let new = tree::find(&self.metadata, store, new_path).await?;
        let Some(old) = old else {
            return Err(self.error(ErrorCode::DirectoryDoesNotExist, old_path));
        };
        let old_subpath = old.subpath(old_path);
        let new_subpath = new.as_ref().and_then(|new| new.subpath(new_path));
        match (&new, old_subpath, new_subpath) {
            (_, None, None) => {}
            (Some(new), Some(old_subpath), Some(new_subpath)) if new.prefix == old.prefix => {
                let inner = self.partition_at(&old, old_path);
                return Box::pin(inner.move_node(store, old_subpath, new_subpath)).await;
            }
            _ => return Err(self.error(ErrorCode::CannotMoveDirectoryBetweenPartitions, old_path)),
        }
        let Some((name, parent)) = new_path.split_last().filter(|_| new.is_none()) else {
            return Err(self.error(ErrorCode::DirectoryAlreadyExists, new_path));
        };
        let Some(parent) = tree::find(&self.metadata, store, parent).await? else {
            return Err(self.error(ErrorCode::ParentDirectoryDoesNotExist, new_path));
        };
        store.set(&self.metadata.child(&parent.prefix, name)?, &old.prefix)?;
        self.remove_from_parent(store, old_path).await?;
        Ok(self.directory(new_path, old.prefix, old.layer))
    }

    pub(super) async fn remove_node<S: Storage>(&self, store: &Store<S>, path: &[String]) -> Result<bool> {
        self.check_version(store, true).await?;
        if path.is_empty() {
            return Err(ErrorCode::CannotModifyRootDirectory.into());
        }
        let Some(node) = tree::find(&self.metadata, store, path).await? else {
            return Ok(false);
        };
        if let Some(subpath) = node.subpath(path) {
            let inner = self.partition_at(&node, path);
            return Box::pin(inner.remove_node(store, subpath)).await;
        }
        tree::remove(&self.metadata, store, node.prefix).await?;
        self.remove_from_parent(store, path).await?;
        Ok(true)
    }

    async fn remove_from_parent<S: Storage>(&self, store: &Store<S>, path: &[String]) -> Result<()> {
        let (name, parent) = path.split_last().expect("the root was refused before");
        match tree::find(&self.metadata, store, parent).await? {
            Some(parent) => store.clear(&self.metadata.child(&parent.prefix, name)?),
            None => Ok(()),
        }
    }

    pub(super) async fn list_node<S: Storage>(
        &self,
        store: &Store<S>,
        path: &[String],
    ) -> Result<Vec<String>> {
        self.check_version(store, false).await?;
        let Some(node) = tree::find(&self.metadata, store, path).await? else {
            return Err(self.error(ErrorCode::DirectoryDoesNotExist, path));
        };
        if node.is_partition() {
            let inner = self.partition_at(&node, path);
            return Box::pin(inner.list_node(store, node.subpath(path).unwrap_or_default())).await;
        }
        let children = tree::children(&self.metadata, store, &node.prefix).await?;
        Ok(children.into_iter().map(|child| child.name).collect())
    }

    pub(super) async fn node_exists<S: Storage>(&self, store: &Store<S>, path: &[String]) -> Result<bool> {
        self.check_version(store, false).await?;
        let Some(node) = tree::find(&self.metadata, store, path).await? else {
            return Ok(false);
        };
        let Some(subpath) = node.subpath(path) else {
            return Ok(true);
        };
        let inner = self.partition_at(&node, path);
        Box::pin(inner.node_exists(store, subpath)).await
    }

    /// Whether this code may read what is stored, or write it. What is stored first says its version.
    async fn check_version<S: Storage>(&self, store: &Store<S>, for_writing: bool) -> Result<()> {
        let key = self.metadata.version()?;
        let Some(value) = store.get(&key).await? else {
            return if for_writing {
                store.set(&key, &encode_version())
            } else {
                Ok(())
            };
        };
        let ([major, minor, patch], [own_major, own_minor, own_patch]) = (decode_version(&value)?, VERSION);
        if major <= own_major && (minor <= own_minor || !for_writing) {
            return Ok(());
        }
        let what = if major > own_major { "opened" } else { "written to" };
        let detail = format!(
            "directories of version {major}.{minor}.{patch} can't be {what} by version \
             {own_major}.{own_minor}.{own_patch}"
        );
        Err(Error::new(ErrorCode::IncompatibleDirectoryVersion, detail))
    }

    /// The layer inside of the partition where the search for a path stopped.
    fn partition_at(&self, node: &Node, path: &[String]) -> DirectoryLayer {
        let inside = path.get(..node.depth).unwrap_or(path);
        self.of_partition(&node.prefix, self.absolute(inside))
    }

    fn directory(&self, path: &[String], prefix: Bytes, layer: Bytes) -> Directory {
        Directory::new(self.clone(), self.absolute(path), prefix, layer)
    }
}
