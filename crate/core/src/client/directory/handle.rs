//! A directory that is open: a prefix for keys, and the operations on what is below it.

use std::future::ready;
use std::rc::Rc;

use super::layer::{DirectoryLayer, owned};
use super::metadata::PARTITION;
use crate::client::Transaction;
use crate::pure::Subspace;
use crate::storage::Storage;
use crate::words::{Bytes, Error, ErrorCode, Key, LocalFuture, Result};

/// An open directory. Paths of its operations begin at it, but for that of [`Directory::move_to`].
///
/// A partition is a directory with a directory layer of its own inside: everything of it begins with its
/// prefix, so nothing can be moved in or out. It can't be used as a subspace; as a directory it is
/// removed, moved and looked for by the layer around it.
pub struct Directory {
    /// The layer that has it as a directory.
    around: DirectoryLayer,
    /// The layer of the directories below: the same one but for a partition.
    inside: DirectoryLayer,
    path: Vec<String>,
    subspace: Subspace,
    layer: Bytes,
}

impl Directory {
    pub(super) fn new(around: DirectoryLayer, path: Vec<String>, prefix: Bytes, layer: Bytes) -> Directory {
        let inside = if &*layer == PARTITION {
            around.of_partition(&prefix, path.clone())
        } else {
            around.clone()
        };
        Directory {
            around,
            inside,
            path,
            subspace: Subspace::new(prefix),
            layer,
        }
    }

    /// Its path from the root, when it was opened.
    pub fn path(&self) -> &[String] {
        &self.path
    }

    /// Its layer: who it belongs to, as its creator said.
    pub fn layer(&self) -> &[u8] {
        &self.layer
    }

    /// Whether it has a directory layer of its own inside.
    pub fn is_partition(&self) -> bool {
        &*self.layer == PARTITION
    }

    /// What its keys begin with; those of all directories of a partition.
    pub fn prefix(&self) -> &Key {
        self.subspace.key()
    }

    /// The subspace of its keys.
    ///
    /// # Errors
    /// `cannot_use_partition_as_subspace`.
    pub fn subspace(&self) -> Result<&Subspace> {
        if self.is_partition() {
            return Err(ErrorCode::CannotUsePartitionAsSubspace.into());
        }
        Ok(&self.subspace)
    }

    /// As [`DirectoryLayer::create_or_open`].
    ///
    /// # Errors
    /// The same.
    pub fn create_or_open<S: Storage>(
        &self,
        transaction: &Rc<Transaction<S>>,
        path: &[impl AsRef<str>],
        layer: &[u8],
    ) -> LocalFuture<Result<Directory>> {
        let path = self.within(&self.inside, path);
        self.inside.create_or_open(transaction, &path, layer)
    }

    /// As [`DirectoryLayer::open`].
    ///
    /// # Errors
    /// The same.
    pub fn open<S: Storage>(
        &self,
        transaction: &Rc<Transaction<S>>,
        path: &[impl AsRef<str>],
        layer: &[u8],
    ) -> LocalFuture<Result<Directory>> {
        let path = self.within(&self.inside, path);
        self.inside.open(transaction, &path, layer)
    }

    /// As [`DirectoryLayer::create`].
    ///
    /// # Errors
    /// The same.
    pub fn create<S: Storage>(
        &self,
        transaction: &Rc<Transaction<S>>,
        path: &[impl AsRef<str>],
        layer: &[u8],
        prefix: Option<&[u8]>,
    ) -> LocalFuture<Result<Directory>> {
        let path = self.within(&self.inside, path);
        self.inside.create(transaction, &path, layer, prefix)
    }

    /// Gives a directory below this one another path below this one.
    ///
    /// # Errors
    /// As [`DirectoryLayer::move_to`].
    pub fn move_within<S: Storage>(
        &self,
        transaction: &Rc<Transaction<S>>,
        old_path: &[impl AsRef<str>],
        new_path: &[impl AsRef<str>],
    ) -> LocalFuture<Result<Directory>> {
        let old_path = self.within(&self.inside, old_path);
        let new_path = self.within(&self.inside, new_path);
        self.inside.move_to(transaction, &old_path, &new_path)
    }

    /// Gives this directory another path, from the root.
    ///
    /// # Errors
    /// As [`DirectoryLayer::move_to`].
    pub fn move_to<S: Storage>(
        &self,
        transaction: &Rc<Transaction<S>>,
        new_path: &[impl AsRef<str>],
    ) -> LocalFuture<Result<Directory>> {
        let new_path = owned(new_path);
        let Some(new_path) = new_path.strip_prefix(self.around.path()) else {
            let code = ErrorCode::CannotMoveDirectoryBetweenPartitions;
            let detail = format!("{}: {}", code.text(), self.path.join("/"));
            return Box::pin(ready(Err(Error::new(code, detail))));
        };
        let old_path = self.within(&self.around, &[] as &[&str]);
        self.around.move_to(transaction, &old_path, new_path)
    }

    /// As [`DirectoryLayer::remove`]; this directory itself for the empty path.
    ///
    /// # Errors
    /// The same.
    pub fn remove<S: Storage>(
        &self,
        transaction: &Rc<Transaction<S>>,
        path: &[impl AsRef<str>],
    ) -> LocalFuture<Result<()>> {
        let layer = self.layer_for(path);
        layer.remove(transaction, &self.within(layer, path))
    }

    /// As [`DirectoryLayer::remove_if_exists`]; this directory itself for the empty path.
    ///
    /// # Errors
    /// The same.
    pub fn remove_if_exists<S: Storage>(
        &self,
        transaction: &Rc<Transaction<S>>,
        path: &[impl AsRef<str>],
    ) -> LocalFuture<Result<bool>> {
        let layer = self.layer_for(path);
        layer.remove_if_exists(transaction, &self.within(layer, path))
    }

    /// As [`DirectoryLayer::list`]; the children of this directory for the empty path.
    ///
    /// # Errors
    /// The same.
    pub fn list<S: Storage>(
        &self,
        transaction: &Rc<Transaction<S>>,
        path: &[impl AsRef<str>],
    ) -> LocalFuture<Result<Vec<String>>> {
        let path = self.within(&self.inside, path);
        self.inside.list(transaction, &path)
    }

    /// As [`DirectoryLayer::exists`]; whether this directory is still there for the empty path.
    ///
    /// # Errors
    /// The same.
    pub fn exists<S: Storage>(
        &self,
        transaction: &Rc<Transaction<S>>,
        path: &[impl AsRef<str>],
    ) -> LocalFuture<Result<bool>> {
        let layer = self.layer_for(path);
        layer.exists(transaction, &self.within(layer, path))
    }

    /// Who looks after a path: a partition itself is a directory of the layer around it.
    fn layer_for(&self, path: &[impl AsRef<str>]) -> &DirectoryLayer {
        if path.is_empty() {
            &self.around
        } else {
            &self.inside
        }
    }

    /// A path that begins at this directory, as one that begins at the layer's root.
    fn within(&self, layer: &DirectoryLayer, path: &[impl AsRef<str>]) -> Vec<String> {
        let from_layer = self.path.get(layer.path().len()..).unwrap_or_default();
        [from_layer, &owned(path)].concat()
    }
}
