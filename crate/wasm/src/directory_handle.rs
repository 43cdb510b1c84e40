//! `DirectoryHandle`: an open directory, for the npm package to wrap. Every call into the database answers
//! with a promise.

use std::rc::Rc;

use js_sys::{Promise, Uint8Array};
use plinth_core::client::Directory;
use wasm_bindgen::prelude::*;

use crate::directory_layer_handle::{done, names, opened, promise};
use crate::transaction_handle::TransactionHandle;

/// An open directory.
#[wasm_bindgen]
pub struct DirectoryHandle {
    directory: Rc<Directory>,
}

impl DirectoryHandle {
    pub(crate) fn new(directory: Directory) -> DirectoryHandle {
        DirectoryHandle {
            directory: Rc::new(directory),
        }
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
        layer: Vec<u8>,
    ) -> Promise {
        let (own, transaction) = (Rc::clone(&self.directory), transaction.share());
        promise(
            async move { own.create_or_open(&transaction, &path, &layer).await },
            opened,
        )
    }

    /// Opens a directory below.
    pub fn open(&self, transaction: &TransactionHandle, path: Vec<String>, layer: Vec<u8>) -> Promise {
        let (own, transaction) = (Rc::clone(&self.directory), transaction.share());
        promise(async move { own.open(&transaction, &path, &layer).await }, opened)
    }

    /// Creates a directory below.
    pub fn create(
        &self,
        transaction: &TransactionHandle,
        path: Vec<String>,
        layer: Vec<u8>,
        prefix: Option<Vec<u8>>,
    ) -> Promise {
        let (own, transaction) = (Rc::clone(&self.directory), transaction.share());
        promise(
            async move { own.create(&transaction, &path, &layer, prefix.as_deref()).await },
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
        let (own, transaction) = (Rc::clone(&self.directory), transaction.share());
        promise(
            async move { own.move_within(&transaction, &old_path, &new_path).await },
            opened,
        )
    }

    /// Gives this directory another path from the root.
    #[wasm_bindgen(js_name = moveTo)]
    pub fn move_to(&self, transaction: &TransactionHandle, new_path: Vec<String>) -> Promise {
        let (own, transaction) = (Rc::clone(&self.directory), transaction.share());
        promise(async move { own.move_to(&transaction, &new_path).await }, opened)
    }

    /// Removes a directory below, or this one.
    pub fn remove(&self, transaction: &TransactionHandle, path: Vec<String>) -> Promise {
        let (own, transaction) = (Rc::clone(&self.directory), transaction.share());
        promise(async move { own.remove(&transaction, &path).await }, done)
    }

    /// Removes a directory below, or this one, if it is there: whether it was.
    #[wasm_bindgen(js_name = removeIfExists)]
    pub fn remove_if_exists(&self, transaction: &TransactionHandle, path: Vec<String>) -> Promise {
        let (own, transaction) = (Rc::clone(&self.directory), transaction.share());
        promise(
            async move { own.remove_if_exists(&transaction, &path).await },
            JsValue::from_bool,
        )
    }

    /// The names of the children of a directory below, or of this one.
    pub fn list(&self, transaction: &TransactionHandle, path: Vec<String>) -> Promise {
        let (own, transaction) = (Rc::clone(&self.directory), transaction.share());
        promise(async move { own.list(&transaction, &path).await }, names)
    }

    /// Whether a directory below, or this one, is there.
    pub fn exists(&self, transaction: &TransactionHandle, path: Vec<String>) -> Promise {
        let (own, transaction) = (Rc::clone(&self.directory), transaction.share());
        promise(
            async move { own.exists(&transaction, &path).await },
            JsValue::from_bool,
        )
    }
}
