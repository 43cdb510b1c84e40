//! A directory layer: the directories of one tree, as its users see them.

use std::rc::Rc;

use super::handle::Directory;
use super::metadata::Metadata;
use super::operations::Wanted;
use super::store::Store;
use crate::client::Transaction;
use crate::pure::Subspace;
use crate::storage::Storage;
use crate::words::{Bytes, Error, ErrorCode, LocalFuture, Result};

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
    pub(super) metadata: Metadata,
    pub(super) content_prefix: Bytes,
    pub(super) allow_manual_prefixes: bool,
    /// The path of the partition that this is the layer of; empty for the root's.
    path: Vec<String>,
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
    pub fn create_or_open<S: Storage>(
        &self,
        transaction: &Rc<Transaction<S>>,
        path: &[impl AsRef<str>],
        layer: &[u8],
    ) -> LocalFuture<Result<Directory>> {
        let wanted = Wanted {
            layer: layer.into(),
            prefix: None,
            may_create: true,
            may_open: true,
        };
        self.open_wanted(transaction, owned(path), wanted)
    }

    /// Opens a directory. A layer that is not empty has to be the directory's.
    ///
    /// # Errors
    /// As [`DirectoryLayer::create_or_open`]; `directory_does_not_exist`.
    pub fn open<S: Storage>(
        &self,
        transaction: &Rc<Transaction<S>>,
        path: &[impl AsRef<str>],
        layer: &[u8],
    ) -> LocalFuture<Result<Directory>> {
        let wanted = Wanted {
            layer: layer.into(),
            prefix: None,
            may_create: false,
            may_open: true,
        };
        self.open_wanted(transaction, owned(path), wanted)
    }

    /// Creates a directory, and the directories on the way to it if need be; with this prefix, if one is
    /// given. The layer `partition` makes it a partition.
    ///
    /// # Errors
    /// As [`DirectoryLayer::create_or_open`]; `directory_already_exists`; `manual_prefixes_not_enabled` or,
    /// inside of a partition, `prefix_in_partition`; `directory_prefix_in_use` for a given prefix that
    /// begins with another directory's or is its beginning.
    pub fn create<S: Storage>(
        &self,
        transaction: &Rc<Transaction<S>>,
        path: &[impl AsRef<str>],
        layer: &[u8],
        prefix: Option<&[u8]>,
    ) -> LocalFuture<Result<Directory>> {
        let wanted = Wanted {
            layer: layer.into(),
            prefix: prefix.map(Bytes::from),
            may_create: true,
            may_open: false,
        };
        self.open_wanted(transaction, owned(path), wanted)
    }

    fn open_wanted<S: Storage>(
        &self,
        transaction: &Rc<Transaction<S>>,
        path: Vec<String>,
        wanted: Wanted,
    ) -> LocalFuture<Result<Directory>> {
        let own = self.clone();
        locked(transaction, async move |store| {
            own.open_node(store, &path, &wanted).await
        })
    }

    /// Gives a directory another path. Its prefix and its contents stay, and so do handles to it.
    ///
    /// # Errors
    /// `invalid_destination_directory` if the new path is the old one or below it;
    /// `directory_does_not_exist`, `directory_already_exists`, `parent_directory_does_not_exist`;
    /// `cannot_move_directory_between_partitions`; those of versions and of the transaction.
    pub fn move_to<S: Storage>(
        &self,
        transaction: &Rc<Transaction<S>>,
        old_path: &[impl AsRef<str>],
        new_path: &[impl AsRef<str>],
    ) -> LocalFuture<Result<Directory>> {
        let (own, old_path, new_path) = (self.clone(), owned(old_path), owned(new_path));
        locked(transaction, async move |store| {
            own.move_node(store, &old_path, &new_path).await
        })
    }

    /// Removes a directory with its contents and all directories below it. Handles to it can still write
    /// into its prefix, which is never given to another directory.
    ///
    /// # Errors
    /// `directory_does_not_exist`, `cannot_modify_root_directory`; those of versions and of the transaction.
    pub fn remove<S: Storage>(
        &self,
        transaction: &Rc<Transaction<S>>,
        path: &[impl AsRef<str>],
    ) -> LocalFuture<Result<()>> {
        let removed = self.remove_if_exists(transaction, path);
        let missing = self.error(ErrorCode::DirectoryDoesNotExist, &owned(path));
        Box::pin(async move { if removed.await? { Ok(()) } else { Err(missing) } })
    }

    /// As [`DirectoryLayer::remove`]; whether there was such a directory.
    ///
    /// # Errors
    /// As [`DirectoryLayer::remove`], but for `directory_does_not_exist`.
    pub fn remove_if_exists<S: Storage>(
        &self,
        transaction: &Rc<Transaction<S>>,
        path: &[impl AsRef<str>],
    ) -> LocalFuture<Result<bool>> {
        let (own, path) = (self.clone(), owned(path));
        locked(transaction, async move |store| {
            own.remove_node(store, &path).await
        })
    }

    /// The names of a directory's children, in the order of their bytes.
    ///
    /// # Errors
    /// `directory_does_not_exist`; those of versions and of the transaction.
    pub fn list<S: Storage>(
        &self,
        transaction: &Rc<Transaction<S>>,
        path: &[impl AsRef<str>],
    ) -> LocalFuture<Result<Vec<String>>> {
        let (own, path) = (self.clone(), owned(path));
        locked(transaction, async move |store| own.list_node(store, &path).await)
    }

    /// Whether there is a directory of this path. There always is one of the empty path.
    ///
    /// # Errors
    /// Those of versions and of the transaction.
    pub fn exists<S: Storage>(
        &self,
        transaction: &Rc<Transaction<S>>,
        path: &[impl AsRef<str>],
    ) -> LocalFuture<Result<bool>> {
        let (own, path) = (self.clone(), owned(path));
        locked(transaction, async move |store| {
            own.node_exists(store, &path).await
        })
    }

    pub(super) fn absolute(&self, path: &[String]) -> Vec<String> {
        [&self.path, path].concat()
    }

    pub(super) fn error(&self, code: ErrorCode, path: &[String]) -> Error {
        Error::new(
            code,
            format!("{}: {}", code.text(), self.absolute(path).join("/")),
        )
    }
}

/// The operation, when it is its turn in the transaction. Boxed: so it is compiled once, however many
/// calls lead to it.
fn locked<S: Storage, T: 'static>(
    transaction: &Rc<Transaction<S>>,
    operation: impl AsyncFnOnce(&Store<S>) -> Result<T> + 'static,
) -> LocalFuture<Result<T>> {
    let store = Store::of(transaction);
    Box::pin(async move {
        let _turn = store.turn().await;
        operation(&store).await
    })
}

pub(super) fn owned(path: &[impl AsRef<str>]) -> Vec<String> {
    path.iter().map(|name| name.as_ref().to_owned()).collect()
}
