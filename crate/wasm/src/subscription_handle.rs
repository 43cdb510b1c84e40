//! `SubscriptionHandle`: a live range, for the npm package to wrap.

use std::cell::RefCell;
use std::rc::Rc;

use futures_channel::oneshot;
use futures_util::future::{Either, select};
use js_sys::{Array, Promise};
use plinth_core::{Error, ErrorCode, Subscription};
use wasm_bindgen::prelude::*;

use crate::failure::{promise, rejection};
use crate::range_chunk::pack_changes;
use crate::storage::AnyStorage;

/// A live range.
#[wasm_bindgen]
pub struct SubscriptionHandle {
    subscription: Rc<Subscription<AnyStorage>>,
    /// Ends the wait for the next changes.
    waiting: RefCell<Option<oneshot::Sender<()>>>,
}

impl SubscriptionHandle {
    pub(crate) fn new(subscription: Subscription<AnyStorage>) -> SubscriptionHandle {
        SubscriptionHandle {
            subscription: Rc::new(subscription),
            waiting: RefCell::default(),
        }
    }
}

#[wasm_bindgen]
impl SubscriptionHandle {
    /// The next changes: a promise of the version and a chunk. One call at a time.
    pub fn next(&self) -> Promise {
        let subscription = Rc::clone(&self.subscription);
        let (sender, ended) = oneshot::channel();
        self.waiting.replace(Some(sender));
        promise(async move {
            let next = Box::pin(subscription.next());
            let changes = match select(next, ended).await {
                Either::Left((changes, _)) => changes,
                Either::Right(_) => Err(Error::from(ErrorCode::OperationCancelled)),
            };
            let changes = changes.map_err(|error| rejection(&error))?;
            let version = JsValue::from_f64(changes.version.get() as f64);
            Ok(Array::of2(&version, &pack_changes(&changes)).into())
        })
    }

    /// Ends the wait for the next changes, if there is one, with `operation_cancelled`.
    pub fn cancel(&self) {
        self.waiting.take();
    }
}
