//! The life of the page around a database: hidden and shown, put away into the back-forward cache and
//! brought back. A worker has none of it.

use std::rc::{Rc, Weak};

use js_sys::Reflect;
use plinth_core::engine::Engine;
use wasm_bindgen::prelude::*;
use web_sys::{Document, Event, EventTarget};

use crate::news::TabNews;
use crate::storage::AnyStorage;

type Listener = Closure<dyn Fn(Event)>;

/// Tells an engine and its news what happens to their page, for as long as it is kept.
pub(crate) struct PageLife {
    listeners: Vec<(EventTarget, &'static str, Listener)>,
}

impl PageLife {
    /// Follows the page of this global scope, if it is one.
    pub(crate) fn follow(engine: &Rc<Engine<AnyStorage>>, news: &TabNews) -> PageLife {
        let mut life = PageLife {
            listeners: Vec::new(),
        };
        let window = js_sys::global();
        let document = Reflect::get(&window, &"document".into())
            .ok()
            .filter(JsValue::is_object);
        let (Some(document), Ok(window)) = (document, window.dyn_into::<EventTarget>()) else {
            return life;
        };
        let document: Document = document.unchecked_into();
        if document.hidden() {
            engine.set_visible(false);
        }
        let target: EventTarget = document.clone().into();
        life.listen(&target, "visibilitychange", engine, move |engine, _| {
            engine.set_visible(!document.hidden());
        });
        life.listen(&target, "freeze", engine, |engine, _| engine.set_visible(false));
        let left = news.clone();
        life.listen(&window, "pagehide", engine, move |engine, event| {
            // At once: the page is frozen in the task of this event, no timer runs any more.
            if is_persisted(event) {
                engine.suspend();
                left.leave();
            }
        });
        let joined = news.clone();
        life.listen(&window, "pageshow", engine, move |engine, event| {
            if is_persisted(event) {
                joined.join();
                engine.resume();
            }
        });
        life
    }

    fn listen(
        &mut self,
        target: &EventTarget,
        event: &'static str,
        engine: &Rc<Engine<AnyStorage>>,
        tell: impl Fn(&Rc<Engine<AnyStorage>>, &Event) + 'static,
    ) {
        let engine: Weak<Engine<AnyStorage>> = Rc::downgrade(engine);
        let listener = Listener::new(move |event: Event| {
            if let Some(engine) = engine.upgrade() {
                tell(&engine, &event);
            }
        });
        if target
            .add_event_listener_with_callback(event, listener.as_ref().unchecked_ref())
            .is_ok()
        {
            self.listeners.push((target.clone(), event, listener));
        }
    }
}

impl Drop for PageLife {
    fn drop(&mut self) {
        for (target, event, listener) in &self.listeners {
            let _was_listening =
                target.remove_event_listener_with_callback(event, listener.as_ref().unchecked_ref());
        }
    }
}

/// Whether the page goes to, or comes from, the back-forward cache.
fn is_persisted(event: &Event) -> bool {
    Reflect::get(event, &"persisted".into()).is_ok_and(|persisted| persisted.is_truthy())
}
