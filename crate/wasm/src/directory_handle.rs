//! `DirectoryHandle`: an open directory, for the npm package to wrap. Every call into the database answers
//! with a promise.

#![allow(clippy::needless_pass_by_value, reason = "lists of strings cross by value")]

use js_sys::{Promise, Uint8Array};
use plinth_core::client::Directory;
use wasm_bindgen::prelude::*;

use crate::directory_layer_handle::{done, names, opened, promise};
use crate::transaction_handle::TransactionHandle;

/// An open directory.
#[wasm_bindgen]
pub struct DirectoryHandle {
    directory: Directory,
}

impl DirectoryHandle {
    pub(crate) fn new(directory: Directory) -> DirectoryHandle {
        DirectoryHandle { directory }
    }
}

#[wasm_bindgen]
impl DirectoryHandle {
    /// Its path from the root.
    pub fn path(&self) -> Vec<String> {
        self.directory.path().to_vec()
    }

    /// What its keys begin with.
    pub fn prefix(&self) -> Uint8Array {
        Uint8Array::from(&**self.directory.prefix())
    }

    /// Its layer.
    pub fn layer(&self) -> Uint8Array {
        Uint8Array::from(self.directory.layer())
    }

    /// Whether it has a directory layer of its own inside.
    #[wasm_bindgen(js_name = isPartition)]
    pub fn is_partition(&self) -> bool {
        self.directory.is_partition()
    }

    /// Opens or creates a directory below.
    #[wasm_bindgen(js_name = createOrOpen)]
    pub fn create_or_open(
        &self,
        transaction: &TransactionHandle,
        path: Vec<String>,
        layer: &[u8],
    ) -> Promise {
        promise(
            self.directory.create_or_open(&transaction.share(), &path, layer),
            opened,
        )
    }

    /// Opens a directory below.
    pub fn open(&self, transaction: &TransactionHandle, path: Vec<String>, layer: &[u8]) -> Promise {
        promise(self.directory.open(&transaction.share(), &path, layer), opened)
    }

    /// Creates a directory below.
    pub fn create(
        &self,
        transaction: &TransactionHandle,
        path: Vec<String>,
        layer: &[u8],
        prefix: Option<Vec<u8>>,
    ) -> Promise {
        promise(
            self.directory
                .create(&transaction.share(), &path, layer, prefix.as_deref()),
            opened,
        )
    }

    /// Gives a directory below another path below.
    #[wasm_bindgen(js_name = moveWithin)]
    pub fn move_within(
        &self,
        transaction: &TransactionHandle,
        old_path: Vec<String>,
        new_path: Vec<String>,
    ) -> Promise {
        promise(
            self.directory
                .move_within(&transaction.share(), &old_path, &new_path),
            opened,
        )
    }

    /// Gives this directory another path from the root.
    #[wasm_bindgen(js_name = moveTo)]
    pub fn move_to(&self, transaction: &TransactionHandle, new_path: Vec<String>) -> Promise {
        promise(self.directory.move_to(&transaction.share(), &new_path), opened)
    }

    /// Removes a directory below, or this one.
    pub fn remove(&self, transaction: &TransactionHandle, path: Vec<String>) -> Promise {
        promise(self.directory.remove(&transaction.share(), &path), done)
    }

    /// Removes a directory below, or this one, if it is there: whether it was.
    #[wasm_bindgen(js_name = removeIfExists)]
    pub fn remove_if_exists(&self, transaction: &TransactionHandle, path: Vec<String>) -> Promise {
        promise(
            self.directory.remove_if_exists(&transaction.share(), &path),
            JsValue::from_bool,
        )
    }

    /// The names of the children of a directory below, or of this one.
    pub fn list(&self, transaction: &TransactionHandle, path: Vec<String>) -> Promise {
        promise(self.directory.list(&transaction.share(), &path), names)
    }

    /// Whether a directory below, or this one, is there.
    pub fn exists(&self, transaction: &TransactionHandle, path: Vec<String>) -> Promise {
        promise(
            self.directory.exists(&transaction.share(), &path),
            JsValue::from_bool,
        )
    }
}
