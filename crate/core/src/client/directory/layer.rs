//! A directory layer: the operations on the directories of one tree.

use std::rc::Rc;

use super::allocator::Allocator;
use super::handle::Directory;
use super::metadata::{Metadata, VERSION, decode_version, encode_version};
use super::node::Node;
use super::store::Store;
use super::tree::{self, key_range_of};
use crate::client::Transaction;
use crate::pure::Subspace;
use crate::storage::Storage;
use crate::words::{Bytes, Error, ErrorCode, Result, display_key};

/// Where a directory layer keeps things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryOptions {
    /// What the keys of the metadata begin with. FoundationDB's usual: `fe`.
    pub node_prefix: Bytes,
    /// What the prefixes that are allocated begin with; usually nothing.
    pub content_prefix: Bytes,
    /// Whether directories may be created with a prefix of the caller's choice.
    pub allow_manual_prefixes: bool,
}

impl Default for DirectoryOptions {
    fn default() -> Self {
        DirectoryOptions {
            node_prefix: Bytes::from(b"\xfe".as_slice()),
            content_prefix: Bytes::default(),
            allow_manual_prefixes: false,
        }
    }
}

/// A directory layer. Within one transaction operations run one after the other, in the order in which
/// they were first polled: don't leave one that has begun without polling it while you wait for another of
/// the same transaction.
#[derive(Clone)]
pub struct DirectoryLayer {
    metadata: Metadata,
    content_prefix: Bytes,
    allow_manual_prefixes: bool,
    /// The path of the partition that this is the layer of; empty for the root's.
    path: Vec<String>,
}

/// What a creation is asked for.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    layer: &'a [u8],
    prefix: Option<&'a [u8]>,
    may_create: bool,
    may_open: bool,
}

impl DirectoryLayer {
    /// The directory layer of a root.
    pub fn new(options: DirectoryOptions) -> DirectoryLayer {
        DirectoryLayer {
            metadata: Metadata::new(Subspace::new(options.node_prefix)),
            content_prefix: options.content_prefix,
            allow_manual_prefixes: options.allow_manual_prefixes,
            path: Vec::new(),
        }
    }

    /// The layer inside of a partition.
    pub(super) fn of_partition(&self, prefix: &Bytes, path: Vec<String>) -> DirectoryLayer {
        let nodes = [&**prefix, b"\xfe"].concat();
        DirectoryLayer {
            metadata: Metadata::new(Subspace::new(nodes)),
            content_prefix: prefix.clone(),
            allow_manual_prefixes: false,
            path,
        }
    }

    /// The path of the partition that this is the layer of; empty for the root's.
    pub fn path(&self) -> &[String] {
        &self.path
    }

    /// Opens a directory, creating it and the directories on the way to it if need be. A layer that is not
    /// empty has to be the directory's.
    ///
    /// # Errors
    /// `cannot_open_root_directory` for the empty path, `mismatched_layer`; `directory_prefix_not_empty`
    /// and `directory_prefix_in_use` if the prefix that was allocated is somebody else's already;
    /// `incompatible_directory_version` and `invalid_directory_layer_metadata`; those of the transaction.
    pub async fn create_or_open<S: Storage>(
        &self,
        transaction: &Rc<Transaction<S>>,
        path: &[impl AsRef<str>],
        layer: &[u8],
    ) -> Result<Directory> {
        let wanted = Wanted {
            layer,
            prefix: None,
            may_create: true,
            may_open: true,
        };
        self.open_locked(transaction, path, wanted).await
    }

    /// Opens a directory. A layer that is not empty has to be the directory's.
    ///
    /// # Errors
    /// As [`DirectoryLayer::create_or_open`]; `directory_does_not_exist`.
    pub async fn open<S: Storage>(
        &self,
        transaction: &Rc<Transaction<S>>,
        path: &[impl AsRef<str>],
        layer: &[u8],
    ) -> Result<Directory> {
        let wanted = Wanted {
            layer,
            prefix: None,
            may_create: false,
            may_open: true,
        };
        self.open_locked(transaction, path, wanted).await
    }

    /// Creates a directory, and the directories on the way to it if need be; with this prefix, if one is
    /// given. The layer `partition` makes it a partition.
    ///
    /// # Errors
    /// As [`DirectoryLayer::create_or_open`]; `directory_already_exists`; `manual_prefixes_not_enabled` or,
    /// inside of a partition, `prefix_in_partition`; `directory_prefix_in_use` for a given prefix that
    /// begins with another directory's or is its beginning.
    pub async fn create<S: Storage>(
        &self,
        transaction: &Rc<Transaction<S>>,
        path: &[impl AsRef<str>],
        layer: &[u8],
        prefix: Option<&[u8]>,
    ) -> Result<Directory> {
        let wanted = Wanted {
            layer,
            prefix,
            may_create: true,
            may_open: false,
        };
        self.open_locked(transaction, path, wanted).await
    }

    /// Gives a directory another path. Its prefix and its contents stay, and so do handles to it.
    ///
    /// # Errors
    /// `invalid_destination_directory` if the new path is the old one or below it;
    /// `directory_does_not_exist`, `directory_already_exists`, `parent_directory_does_not_exist`;
    /// `cannot_move_directory_between_partitions`; those of versions and of the transaction.
    pub async fn move_to<S: Storage>(
        &self,
        transaction: &Rc<Transaction<S>>,
        old_path: &[impl AsRef<str>],
        new_path: &[impl AsRef<str>],
    ) -> Result<Directory> {
        let (old_path, new_path) = (owned(old_path), owned(new_path));
        let _turn = transaction.directory_lock.acquire().await;
        self.move_node(&Store::of(transaction), &old_path, &new_path)
            .await
    }

    /// Removes a directory with its contents and all directories below it. Handles to it can still write
    /// into its prefix, which is never given to another directory.
    ///
    /// # Errors
    /// `directory_does_not_exist`, `cannot_modify_root_directory`; those of versions and of the transaction.
    pub async fn remove<S: Storage>(
        &self,
        transaction: &Rc<Transaction<S>>,
        path: &[impl AsRef<str>],
    ) -> Result<()> {
        let path = owned(path);
        if self.remove_locked(transaction, &path).await? {
            return Ok(());
        }
        Err(self.error(ErrorCode::DirectoryDoesNotExist, &path))
    }

    /// As [`DirectoryLayer::remove`]; whether there was such a directory.
    ///
    /// # Errors
    /// As [`DirectoryLayer::remove`], but for `directory_does_not_exist`.
    pub async fn remove_if_exists<S: Storage>(
        &self,
        transaction: &Rc<Transaction<S>>,
        path: &[impl AsRef<str>],
    ) -> Result<bool> {
        self.remove_locked(transaction, &owned(path)).await
    }

    /// The names of a directory's children, in the order of their bytes.
    ///
    /// # Errors
    /// `directory_does_not_exist`; those of versions and of the transaction.
    pub async fn list<S: Storage>(
        &self,
        transaction: &Rc<Transaction<S>>,
        path: &[impl AsRef<str>],
    ) -> Result<Vec<String>> {
        let path = owned(path);
        let _turn = transaction.directory_lock.acquire().await;
        self.list_node(&Store::of(transaction), &path).await
    }

    /// Whether there is a directory of this path. There always is one of the empty path.
    ///
    /// # Errors
    /// Those of versions and of the transaction.
    pub async fn exists<S: Storage>(
        &self,
        transaction: &Rc<Transaction<S>>,
        path: &[impl AsRef<str>],
    ) -> Result<bool> {
        let path = owned(path);
        let _turn = transaction.directory_lock.acquire().await;
        self.node_exists(&Store::of(transaction), &path).await
    }

    async fn open_locked<S: Storage>(
        &self,
        transaction: &Rc<Transaction<S>>,
        path: &[impl AsRef<str>],
        wanted: Wanted<'_>,
    ) -> Result<Directory> {
        let path = owned(path);
        let _turn = transaction.directory_lock.acquire().await;
        self.open_node(&Store::of(transaction), &path, wanted).await
    }

    async fn open_node<S: Storage>(
        &self,
        store: &Store<'_, S>,
        path: &[String],
        wanted: Wanted<'_>,
    ) -> Result<Directory> {
        self.check_version(store, false).await?;
        if wanted.prefix.is_some() && !self.allow_manual_prefixes {
            let is_root = self.path.is_empty();
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
        if !wanted.layer.is_empty() && wanted.layer != &*node.layer {
            let (path, expected, found) = (
                self.absolute(path).join("/"),
                display_key(wanted.layer),
                display_key(&node.layer),
            );
            let detail = format!("layer {expected} was expected of the directory {path}, found {found}");
            return Err(Error::new(ErrorCode::MismatchedLayer, detail));
        }
        Ok(self.directory(path, node.prefix, node.layer))
    }

    async fn create_node<S: Storage>(
        &self,
        store: &Store<'_, S>,
        path: &[String],
        wanted: Wanted<'_>,
    ) -> Result<Directory> {
        if !wanted.may_create {
            return Err(self.error(ErrorCode::DirectoryDoesNotExist, path));
        }
        let (name, parent) = path.split_last().expect("the empty path was refused before");
        self.check_version(store, true).await?;
        let prefix: Bytes = match wanted.prefix {
            Some(prefix) => prefix.into(),
            None => self.allocate(store).await?,
        };
        let is_allocated = wanted.prefix.is_none();
        self.check_prefix_free(store, &prefix, is_allocated).await?;
        let parent_prefix = if parent.is_empty() {
            self.metadata.prefix().clone()
        } else {
            let wanted = Wanted {
                layer: b"",
                prefix: None,
                may_create: true,
                may_open: true,
            };
            let parent = Box::pin(self.open_node(store, parent, wanted)).await?;
            if !is_allocated {
                // What was allocated on the way to it may be in the way of a prefix that it does not know.
                self.check_prefix_free(store, &prefix, false).await?;
            }
            parent.prefix().clone()
        };
        store.set(&self.metadata.child(&parent_prefix, name)?, &prefix)?;
        store.set(&self.metadata.layer(&prefix)?, wanted.layer)?;
        Ok(self.directory(path, prefix, wanted.layer.into()))
    }

    /// A prefix that no directory has and no data begin with.
    async fn allocate<S: Storage>(&self, store: &Store<'_, S>) -> Result<Bytes> {
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
        store: &Store<'_, S>,
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

    async fn move_node<S: Storage>(
        &self,
        store: &Store<'_, S>,
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

    async fn remove_locked<S: Storage>(
        &self,
        transaction: &Rc<Transaction<S>>,
        path: &[String],
    ) -> Result<bool> {
        let _turn = transaction.directory_lock.acquire().await;
        self.remove_node(&Store::of(transaction), path).await
    }

    async fn remove_node<S: Storage>(&self, store: &Store<'_, S>, path: &[String]) -> Result<bool> {
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

    async fn remove_from_parent<S: Storage>(&self, store: &Store<'_, S>, path: &[String]) -> Result<()> {
        let (name, parent) = path.split_last().expect("the root was refused before");
        match tree::find(&self.metadata, store, parent).await? {
            Some(parent) => store.clear(&self.metadata.child(&parent.prefix, name)?),
            None => Ok(()),
        }
    }

    async fn list_node<S: Storage>(&self, store: &Store<'_, S>, path: &[String]) -> Result<Vec<String>> {
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

    async fn node_exists<S: Storage>(&self, store: &Store<'_, S>, path: &[String]) -> Result<bool> {
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
    async fn check_version<S: Storage>(&self, store: &Store<'_, S>, for_writing: bool) -> Result<()> {
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

    fn absolute(&self, path: &[String]) -> Vec<String> {
        [&self.path, path].concat()
    }

    fn error(&self, code: ErrorCode, path: &[String]) -> Error {
        Error::new(
            code,
            format!("{}: {}", code.text(), self.absolute(path).join("/")),
        )
    }
}

pub(super) fn owned(path: &[impl AsRef<str>]) -> Vec<String> {
    path.iter().map(|name| name.as_ref().to_owned()).collect()
}
