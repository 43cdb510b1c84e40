//! News between tabs: a BroadcastChannel on which peers say how far the log goes.
//!
//! A message is the log's last sequence number, or [`HELLO`]. It is a hint, and untrusted: whatever it
//! says, a peer only ever believes the log.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use plinth_core::engine::{Engine, News};
use plinth_core::words::SequenceNumber;
use wasm_bindgen::prelude::*;
use web_sys::{BroadcastChannel, MessageEvent};

use crate::storage::AnyStorage;

/// Asks a peer that is alone to share.
const HELLO: &str = "hello";

type Listener = Closure<dyn Fn(MessageEvent)>;

/// One peer's end of the channel of its database.
#[derive(Clone)]
pub(crate) struct TabNews(Rc<ChannelEnd>);

struct ChannelEnd {
    database_name: String,
    /// `None` while the peer does not listen, or where there is no BroadcastChannel: there other tabs learn by reading
    /// the log.
    open: RefCell<Option<BroadcastChannel>>,
    listener: RefCell<Option<Listener>>,
}

impl TabNews {
    /// A channel that is joined by [`follow`](TabNews::follow). Until then it can be told, but does not hear.
    pub(crate) fn of_database(name: &str) -> TabNews {
        TabNews(Rc::new(ChannelEnd {
            database_name: name.to_owned(),
            open: RefCell::default(),
            listener: RefCell::default(),
        }))
    }

    /// Passes what other tabs publish to the engine, for as long as the result is kept.
    pub(crate) fn follow(&self, engine: &Rc<Engine<AnyStorage>>) -> Following {
        let engine: Weak<Engine<AnyStorage>> = Rc::downgrade(engine);
        let listener = Listener::new(move |event: MessageEvent| {
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
        self.0.listener.replace(Some(listener));
        self.join();
        Following(self.clone())
    }

    /// Listens, from now on.
    pub(crate) fn join(&self) {
        let listener = self.0.listener.borrow();
        let Some(listener) = &*listener else { return };
        let channel = BroadcastChannel::new(&self.0.database_name).ok();
        if let Some(channel) = &channel {
            channel.set_onmessage(Some(listener.as_ref().unchecked_ref()));
        }
        if let Some(former) = self.0.open.replace(channel) {
            former.close();
        }
    }

    /// Listens no more. The browser throws a page out of the back-forward cache when there is a message for it.
    pub(crate) fn leave(&self) {
        if let Some(channel) = self.0.open.take() {
            channel.set_onmessage(None);
            channel.close();
        }
    }

    fn post(&self, message: &JsValue) {
        let open = self.0.open.borrow();
        match &*open {
            Some(channel) => {
                let _cannot_be_cloned = channel.post_message(message);
            }
            // Not joined yet, or put away while a commit was on its way.
            None => {
                if let Ok(channel) = BroadcastChannel::new(&self.0.database_name) {
                    let _cannot_be_cloned = channel.post_message(message);
                    channel.close();
                }
            }
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
pub(crate) struct Following(TabNews);

impl Drop for Following {
    fn drop(&mut self) {
        self.0.leave();
        self.0.0.listener.take();
    }
}
