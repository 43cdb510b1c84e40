//! `DirectoryLayerHandle`: a directory layer, for the npm package to wrap. Every call answers with a
//! promise.

use std::future::Future;

use js_sys::{Array, Promise};
use plinth_core::Result;
use plinth_core::client::{Directory, DirectoryLayer, DirectoryOptions};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use crate::directory_handle::DirectoryHandle;
use crate::failure::rejection;
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
        layer: Vec<u8>,
    ) -> Promise {
        let (own, transaction) = (self.layer.clone(), transaction.share());
        promise(
            async move { own.create_or_open(&transaction, &path, &layer).await },
            opened,
        )
    }

    /// Opens a directory.
    pub fn open(&self, transaction: &TransactionHandle, path: Vec<String>, layer: Vec<u8>) -> Promise {
        let (own, transaction) = (self.layer.clone(), transaction.share());
        promise(async move { own.open(&transaction, &path, &layer).await }, opened)
    }

    /// Creates a directory.
    pub fn create(
        &self,
        transaction: &TransactionHandle,
        path: Vec<String>,
        layer: Vec<u8>,
        prefix: Option<Vec<u8>>,
    ) -> Promise {
        let (own, transaction) = (self.layer.clone(), transaction.share());
        promise(
            async move { own.create(&transaction, &path, &layer, prefix.as_deref()).await },
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
        let (own, transaction) = (self.layer.clone(), transaction.share());
        promise(
            async move { own.move_to(&transaction, &old_path, &new_path).await },
            opened,
        )
    }

    /// Removes a directory.
    pub fn remove(&self, transaction: &TransactionHandle, path: Vec<String>) -> Promise {
        let (own, transaction) = (self.layer.clone(), transaction.share());
        promise(async move { own.remove(&transaction, &path).await }, done)
    }

    /// Removes a directory if it is there: whether it was.
    #[wasm_bindgen(js_name = removeIfExists)]
    pub fn remove_if_exists(&self, transaction: &TransactionHandle, path: Vec<String>) -> Promise {
        let (own, transaction) = (self.layer.clone(), transaction.share());
        promise(
            async move { own.remove_if_exists(&transaction, &path).await },
            JsValue::from_bool,
        )
    }

    /// The names of a directory's children.
    pub fn list(&self, transaction: &TransactionHandle, path: Vec<String>) -> Promise {
        let (own, transaction) = (self.layer.clone(), transaction.share());
        promise(async move { own.list(&transaction, &path).await }, names)
    }

    /// Whether a directory is there.
    pub fn exists(&self, transaction: &TransactionHandle, path: Vec<String>) -> Promise {
        let (own, transaction) = (self.layer.clone(), transaction.share());
        promise(
            async move { own.exists(&transaction, &path).await },
            JsValue::from_bool,
        )
    }
}

/// The promise of an operation, rejected with `[code, message]`.
pub(crate) fn promise<T>(
    operation: impl Future<Output = Result<T>> + 'static,
    convert: fn(T) -> JsValue,
) -> Promise
where
    T: 'static,
{
    future_to_promise(async move { operation.await.map(convert).map_err(|error| rejection(&error)) })
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
