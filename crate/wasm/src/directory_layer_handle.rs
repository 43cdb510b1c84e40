//! `DirectoryLayerHandle`: a directory layer, for the npm package to wrap. Every call answers with a
//! promise.

#![allow(clippy::needless_pass_by_value, reason = "lists of strings cross by value")]

use js_sys::{Array, Promise};
use plinth_core::Result;
use plinth_core::client::{Directory, DirectoryLayer, DirectoryOptions};
use plinth_core::words::LocalFuture;
use wasm_bindgen::prelude::*;

use crate::directory_handle::DirectoryHandle;
use crate::failure::promise_of;
use crate::transaction_handle::TransactionHandle;

/// A directory layer.
#[wasm_bindgen]
pub struct DirectoryLayerHandle {
    layer: DirectoryLayer,
}

#[wasm_bindgen]
impl DirectoryLayerHandle {
    /// The layer that keeps its metadata and its contents at these prefixes.
    #[wasm_bindgen(constructor)]
    pub fn new(
        node_prefix: &[u8],
        content_prefix: &[u8],
        allow_manual_prefixes: bool,
    ) -> DirectoryLayerHandle {
        DirectoryLayerHandle {
            layer: DirectoryLayer::new(DirectoryOptions {
                node_prefix: node_prefix.into(),
                content_prefix: content_prefix.into(),
                allow_manual_prefixes,
            }),
        }
    }

    /// Opens or creates a directory.
    #[wasm_bindgen(js_name = createOrOpen)]
    pub fn create_or_open(
        &self,
        transaction: &TransactionHandle,
        path: Vec<String>,
        layer: &[u8],
    ) -> Promise {
        promise(
            self.layer.create_or_open(&transaction.share(), &path, layer),
            opened,
        )
    }

    /// Opens a directory.
    pub fn open(&self, transaction: &TransactionHandle, path: Vec<String>, layer: &[u8]) -> Promise {
        promise(self.layer.open(&transaction.share(), &path, layer), opened)
    }

    /// Creates a directory.
    pub fn create(
        &self,
        transaction: &TransactionHandle,
        path: Vec<String>,
        layer: &[u8],
        prefix: Option<Vec<u8>>,
    ) -> Promise {
        promise(
            self.layer
                .create(&transaction.share(), &path, layer, prefix.as_deref()),
            opened,
        )
    }

    /// Gives a directory another path.
    #[wasm_bindgen(js_name = moveTo)]
    pub fn move_to(
        &self,
        transaction: &TransactionHandle,
        old_path: Vec<String>,
        new_path: Vec<String>,
    ) -> Promise {
        promise(
            self.layer.move_to(&transaction.share(), &old_path, &new_path),
            opened,
        )
    }

    /// Removes a directory.
    pub fn remove(&self, transaction: &TransactionHandle, path: Vec<String>) -> Promise {
        promise(self.layer.remove(&transaction.share(), &path), done)
    }

    /// Removes a directory if it is there: whether it was.
    #[wasm_bindgen(js_name = removeIfExists)]
    pub fn remove_if_exists(&self, transaction: &TransactionHandle, path: Vec<String>) -> Promise {
        promise(
            self.layer.remove_if_exists(&transaction.share(), &path),
            JsValue::from_bool,
        )
    }

    /// The names of a directory's children.
    pub fn list(&self, transaction: &TransactionHandle, path: Vec<String>) -> Promise {
        promise(self.layer.list(&transaction.share(), &path), names)
    }

    /// Whether a directory is there.
    pub fn exists(&self, transaction: &TransactionHandle, path: Vec<String>) -> Promise {
        promise(self.layer.exists(&transaction.share(), &path), JsValue::from_bool)
    }
}

/// The promise of an operation, rejected with `[code, message]`.
pub(crate) fn promise<T: 'static>(operation: LocalFuture<Result<T>>, convert: fn(T) -> JsValue) -> Promise {
    promise_of(operation, convert)
}

pub(crate) fn opened(directory: Directory) -> JsValue {
    DirectoryHandle::new(directory).into()
}

pub(crate) fn names(names: Vec<String>) -> JsValue {
    names.into_iter().map(JsValue::from).collect::<Array>().into()
}

pub(crate) fn done((): ()) -> JsValue {
    JsValue::UNDEFINED
}
