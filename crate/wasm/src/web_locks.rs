//! The browser's Web Locks, three per database: two by which its peers know whether they are alone, and their turn.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_channel::oneshot;
use js_sys::{Function, Object, Promise, Reflect};
use plinth_core::engine::{Lock, Locks, Tenure};
use plinth_core::words::LocalFuture;
use serde::Deserialize;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::AbortController;

#[wasm_bindgen]
extern "C" {
    /// `navigator.locks`. web-sys has it behind a flag that its users would have to set.
    #[derive(Clone)]
    type LockManager;

    #[wasm_bindgen(method, catch)]
    fn request(
        this: &LockManager,
        name: &str,
        options: &Object,
        callback: &Function,
    ) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn query(this: &LockManager) -> Result<Promise, JsValue>;
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LockInfo {
    name: String,
    mode: String,
    client_id: String,
}

#[derive(Deserialize)]
struct LockSnapshot {
    held: Vec<LockInfo>,
    pending: Vec<LockInfo>,
}

thread_local! {
    /// The name that the browser gives to this page or worker.
    static CLIENT_ID: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The locks of one database.
#[derive(Clone)]
pub(crate) struct WebLocks {
    lock: NamedLock,
    /// Shared by all peers that are there; nobody asks for it in another way.
    presence: NamedLock,
    turn: NamedLock,
}

/// One of the locks.
#[derive(Clone)]
struct NamedLock {
    manager: LockManager,
    name: String,
    /// The promises of requests whose locks were let go of: settled when the browser has them back.
    releasing: Rc<RefCell<Vec<Promise>>>,
}

impl WebLocks {
    /// The locks for this name; `None` where the browser has no Web Locks.
    pub(crate) fn named(name: &str) -> Option<WebLocks> {
        let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).ok()?;
        let manager = Reflect::get(&navigator, &"locks".into()).ok()?;
        if !manager.is_object() {
            return None;
        }
        let manager: LockManager = manager.unchecked_into();
        let lock = NamedLock::new(&manager, name.to_owned());
        let presence = NamedLock::new(&manager, format!("present:{name}"));
        let turn = NamedLock::new(&manager, format!("turn:{name}"));
        Some(WebLocks { lock, presence, turn })
    }

    /// Finds the name of this page out before it can be put away: that may take a lock, and a page with a lock is not kept.
    fn learn_client_id(&self) {
        let lock = self.lock.clone();
        spawn_local(async move {
            let _kept_for_later = lock.client_id().await;
        });
    }
}

impl NamedLock {
    fn new(manager: &LockManager, name: String) -> NamedLock {
        NamedLock {
            manager: manager.clone(),
            name,
            releasing: Rc::default(),
        }
    }

    async fn snapshot(&self) -> Option<LockSnapshot> {
        let snapshot = JsFuture::from(self.manager.query().ok()?).await.ok()?;
        serde_wasm_bindgen::from_value(snapshot).ok()
    }

    /// The name of this page or worker.
    async fn client_id(&self) -> Option<String> {
        if let Some(known) = CLIENT_ID.with_borrow(Clone::clone) {
            return Some(known);
        }
        // Nobody else has a lock with such a name: its holder is this client.
        let name = format!("plinth:client:{}{}", js_sys::Math::random(), js_sys::Date::now());
        let probe = NamedLock::new(&self.manager, name.clone());
        let _held = probe.request(&[("ifAvailable", true.into())]).await?;
        let snapshot = self.snapshot().await?;
        let holder = snapshot.held.into_iter().find(|lock| lock.name == name)?;
        CLIENT_ID.set(Some(holder.client_id.clone()));
        Some(holder.client_id)
    }

    /// Asks for the lock; `None` if it is not available or there are no locks for this page.
    async fn request(&self, options: &[(&str, JsValue)]) -> Option<Rc<WebLock>> {
        let releasing = self.releasing.take();
        if options.iter().any(|(name, _)| *name == "ifAvailable") {
            // The browser takes a lock back a moment after its promise is resolved. A request made before finds
            // it held, by this very peer; who waits in line finds that out itself.
            for promise in releasing {
                let _stolen = JsFuture::from(promise).await;
            }
        }
        let aborting = AbortOnDrop(AbortController::new().ok()?);
        let bag = Object::new();
        for (name, value) in options {
            Reflect::set(&bag, &(*name).into(), value).ok()?;
        }
        // The browser refuses a signal together with these.
        if !options
            .iter()
            .any(|(name, _)| matches!(*name, "ifAvailable" | "steal"))
        {
            Reflect::set(&bag, &"signal".into(), &aborting.0.signal()).ok()?;
        }
        let (sender, granted) = oneshot::channel::<Option<Function>>();
        let sender = Rc::new(RefCell::new(Some(sender)));
        let is_lost = Rc::new(Cell::new(false));
        let on_granted = {
            let sender = Rc::clone(&sender);
            Closure::once_into_js(move |lock: JsValue| hold(&lock, sender.take()))
        };
        let promise = self
            .manager
            .request(&self.name, &bag, on_granted.unchecked_ref())
            .ok()?;
        // Rejected when the lock is stolen, when waiting was given up, or when there are no locks here.
        let on_end = {
            let is_lost = Rc::clone(&is_lost);
            Closure::once_into_js(move |_: JsValue| {
                is_lost.set(true);
                drop(sender.take());
            })
        };
        let on_end: &Function = on_end.unchecked_ref();
        let then: Function = Reflect::get(&promise, &"then".into()).ok()?.dyn_into().ok()?;
        then.call2(&promise, &JsValue::UNDEFINED, on_end).ok()?;
        let release = granted.await.ok().flatten()?;
        let is_shared = options
            .iter()
            .any(|(name, value)| *name == "mode" && value.as_string().is_some_and(|mode| mode == "shared"));
        Some(Rc::new(WebLock {
            lock: self.clone(),
            mode: if is_shared { "shared" } else { "exclusive" },
            release,
            promise,
            is_lost,
        }))
    }

    fn ask(&self, options: Vec<(&'static str, JsValue)>) -> LocalFuture<Option<Rc<dyn Lock>>> {
        let locks = self.clone();
        Box::pin(async move {
            let lock = locks.request(&options).await?;
            Some(lock as Rc<dyn Lock>)
        })
    }
}

/// Called by the browser with the lock, which is held until the promise returned here is resolved.
fn hold(lock: &JsValue, sender: Option<oneshot::Sender<Option<Function>>>) -> JsValue {
    let Some(sender) = sender else {
        return JsValue::UNDEFINED;
    };
    if lock.is_null() {
        let _gave_up = sender.send(None);
        return JsValue::UNDEFINED;
    }
    let mut release = None;
    let held = Promise::new(&mut |resolve, _| release = Some(resolve));
    match sender.send(release) {
        Ok(()) => held.into(),
        // Whoever asked gave up at the same moment.
        Err(_) => JsValue::UNDEFINED,
    }
}

/// Gives waiting up. Once the lock is granted it does nothing.
struct AbortOnDrop(AbortController);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct WebLock {
    lock: NamedLock,
    mode: &'static str,
    release: Function,
    /// Of the request: settles when the lock is no longer held.
    promise: Promise,
    /// The browser said so. It may say it late, so that `tenure` asks.
    is_lost: Rc<Cell<bool>>,
}

impl Lock for WebLock {
    fn tenure(&self) -> LocalFuture<Tenure> {
        let (lock, mode, is_lost) = (self.lock.clone(), self.mode, Rc::clone(&self.is_lost));
        Box::pin(async move {
            let (Some(client_id), Some(snapshot)) = (lock.client_id().await, lock.snapshot().await) else {
                return Tenure::Lost;
            };
            let is_ours =
                |held: &LockInfo| held.name == lock.name && held.mode == mode && held.client_id == client_id;
            if is_lost.get() || !snapshot.held.iter().any(is_ours) {
                return Tenure::Lost;
            }
            match snapshot.pending.iter().any(|waiting| waiting.name == lock.name) {
                true => Tenure::Wanted,
                false => Tenure::Held,
            }
        })
    }
}

impl Drop for WebLock {
    fn drop(&mut self) {
        let _a_promise_can_be_resolved = self.release.call0(&JsValue::UNDEFINED);
        self.lock.releasing.borrow_mut().push(self.promise.clone());
    }
}

impl Locks for WebLocks {
    fn try_exclusive(&self) -> LocalFuture<Option<Rc<dyn Lock>>> {
        self.lock
            .ask(vec![("mode", "exclusive".into()), ("ifAvailable", true.into())])
    }

    fn shared(&self) -> LocalFuture<Option<Rc<dyn Lock>>> {
        let locks = self.clone();
        Box::pin(async move {
            let lock = locks.lock.ask(vec![("mode", "shared".into())]).await;
            locks.learn_client_id();
            lock
        })
    }

    fn steal(&self) -> LocalFuture<Option<Rc<dyn Lock>>> {
        self.lock
            .ask(vec![("mode", "exclusive".into()), ("steal", true.into())])
    }

    fn has_others(&self) -> LocalFuture<bool> {
        let lock = self.lock.clone();
        Box::pin(async move {
            let Some(snapshot) = lock.snapshot().await else {
                return true;
            };
            let of_this = |locks: &[LockInfo]| locks.iter().filter(|other| other.name == lock.name).count();
            of_this(&snapshot.held) + of_this(&snapshot.pending) > 1
        })
    }

    fn turn(&self) -> LocalFuture<Option<Rc<dyn Lock>>> {
        self.turn.ask(Vec::new())
    }

    fn take_turn(&self) -> LocalFuture<Option<Rc<dyn Lock>>> {
        self.turn.ask(vec![("steal", true.into())])
    }

    fn present(&self) -> LocalFuture<Option<Rc<dyn Lock>>> {
        self.presence.ask(vec![("mode", "shared".into())])
    }

    fn has_company(&self) -> LocalFuture<bool> {
        let locks = self.clone();
        Box::pin(async move {
            let Some(mut snapshot) = locks.presence.snapshot().await else {
                return true;
            };
            snapshot.held.retain(|lock| lock.name == locks.presence.name);
            let holder = snapshot.held.pop();
            let has_company = !snapshot.held.is_empty();
            match holder {
                // The only one who says to be there is the one who asks.
                Some(LockInfo { client_id, .. }) if !has_company => CLIENT_ID.set(Some(client_id)),
                _ => locks.learn_client_id(),
            }
            has_company
        })
    }
}
