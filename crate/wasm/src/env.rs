//! The engine's surroundings in a browser or in Node: `performance.now`, `Date.now`, `Math.random`,
//! `setTimeout` and promise jobs.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_channel::oneshot;
use js_sys::Math;
use plinth_core::words::{Env, LocalFuture};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::MessageChannel;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;

    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &js_sys::Function, delay_ms: f64) -> JsValue;

    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(id: &JsValue);
}

/// Clocks, chance and tasks of the JavaScript engine.
#[derive(Debug, Default)]
pub(crate) struct JsEnv;

impl Env for JsEnv {
    fn monotonic_us(&self) -> u64 {
        (performance_now() * 1_000.0) as u64
    }

    fn unix_us(&self) -> u64 {
        (js_sys::Date::now() * 1_000.0) as u64
    }

    fn random_u64(&self) -> u64 {
        let half = || (Math::random() * 4_294_967_296.0) as u64;
        half() << 32 | half()
    }

    fn sleep(&self, duration_us: u64) -> LocalFuture<()> {
        Box::pin(Timer::start(duration_us as f64 / 1_000.0))
    }

    fn yield_now(&self) -> LocalFuture<()> {
        Box::pin(next_task())
    }

    fn spawn(&self, task: LocalFuture<()>) {
        spawn_local(task);
    }
}

/// Completes in a task of its own, after the events that wait: `setImmediate` in Node, a message to itself
/// elsewhere. A timer of zero milliseconds takes four.
async fn next_task() {
    let (sender, task) = oneshot::channel();
    let callback = Closure::once_into_js(move || {
        let _receiver_gone = sender.send(());
    });
    let callback: &js_sys::Function = callback.unchecked_ref();
    let set_immediate = js_sys::Reflect::get(&js_sys::global(), &"setImmediate".into())
        .ok()
        .and_then(|found| found.dyn_into::<js_sys::Function>().ok());
    if let Some(set_immediate) = set_immediate {
        let _called = set_immediate.call1(&JsValue::UNDEFINED, callback);
        let _ran = task.await;
        return;
    }
    let Ok(channel) = MessageChannel::new() else {
        set_timeout(callback, 0.0);
        let _elapsed = task.await;
        return;
    };
    channel.port1().set_onmessage(Some(callback));
    let _posted = channel.port2().post_message(&JsValue::NULL);
    let _arrived = task.await;
    channel.port1().close();
}

/// A timer of JavaScript. Dropping it clears it: in Node a running timer keeps the process alive.
struct Timer {
    id: JsValue,
    elapsed: oneshot::Receiver<()>,
    _callback: Closure<dyn FnMut()>,
}

impl Timer {
    fn start(delay_ms: f64) -> Timer {
        let (sender, elapsed) = oneshot::channel();
        let mut sender = Some(sender);
        let callback = Closure::<dyn FnMut()>::new(move || {
            if let Some(sender) = sender.take() {
                let _receiver_gone = sender.send(());
            }
        });
        let id = set_timeout(callback.as_ref().unchecked_ref(), delay_ms);
        Timer {
            id,
            elapsed,
            _callback: callback,
        }
    }
}

impl Future for Timer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.elapsed).poll(context).map(|_| ())
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        clear_timeout(&self.id);
    }
}
