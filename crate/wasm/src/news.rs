//! News between tabs: a BroadcastChannel on which peers say how far the log goes.
//!
//! A message is the log's last sequence number, or [`HELLO`]. It is a hint, and untrusted: whatever it
//! says, a peer only ever believes the log.

use std::rc::{Rc, Weak};

use plinth_core::engine::{Engine, News};
use plinth_core::words::SequenceNumber;
use wasm_bindgen::prelude::*;
use web_sys::{BroadcastChannel, MessageEvent};

use crate::storage::AnyStorage;

/// Asks a peer that is alone to share.
const HELLO: &str = "hello";

/// One peer's end of the channel of its database.
#[derive(Clone)]
pub(crate) struct TabNews {
    channel: Option<BroadcastChannel>,
}

impl TabNews {
    /// Joins the channel; where there is no BroadcastChannel, other tabs learn by reading the log.
    pub(crate) fn join(database_name: &str) -> TabNews {
        TabNews {
            channel: BroadcastChannel::new(database_name).ok(),
        }
    }

    /// Passes what other tabs publish to the engine, for as long as the result is kept.
    pub(crate) fn follow(&self, engine: &Rc<Engine<AnyStorage>>) -> Following {
        let engine: Weak<Engine<AnyStorage>> = Rc::downgrade(engine);
        let listener = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            let Some(engine) = engine.upgrade() else { return };
            let message = event.data();
            let tail = message
                .as_f64()
                .filter(|tail| *tail >= 0.0 && tail.fract() == 0.0);
            match tail {
                Some(tail) => engine.hear(SequenceNumber::new(tail as u64)),
                None if message == HELLO => engine.hear_hello(),
                None => {}
            }
        });
        if let Some(channel) = &self.channel {
            channel.set_onmessage(Some(listener.as_ref().unchecked_ref()));
        }
        Following {
            channel: self.channel.clone(),
            _listener: listener,
        }
    }
}

impl TabNews {
    fn post(&self, message: &JsValue) {
        if let Some(channel) = &self.channel {
            // Closed while the commit was on its way: then nobody here needs to tell.
            let _closed = channel.post_message(message);
        }
    }
}

impl News for TabNews {
    fn publish(&self, tail: SequenceNumber) {
        self.post(&JsValue::from_f64(tail.get() as f64));
    }

    fn hello(&self) {
        self.post(&HELLO.into());
    }
}

/// Keeps a peer listening; leaves the channel when dropped.
pub(crate) struct Following {
    channel: Option<BroadcastChannel>,
    _listener: Closure<dyn Fn(MessageEvent)>,
}

impl Drop for Following {
    fn drop(&mut self) {
        if let Some(channel) = &self.channel {
            channel.set_onmessage(None);
            channel.close();
        }
    }
}
