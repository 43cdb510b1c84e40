//! Alone or not: whether memory is the newest state there is, so that read versions need no storage.
//!
//! A lock of the browser, one per database, held exclusively by a peer that is alone and shared by peers
//! that are not. Two rules:
//!
//! * **Who commits holds the lock**, in either mode, when the commit is handed to the storage, and has had
//!   the browser confirm within the last [`LEASE_US`] that it does: a robber takes it from those who share
//!   it, too.
//! * **Who trusts memory holds it exclusively**, has read the log since, and, unless it is the only peer, at
//!   least [`LEASE_US`] after it got it, is visible, and has had the browser confirm within the last
//!   [`LEASE_US`] that it still holds it and that nobody waits for it.
//!
//! So nothing is committed elsewhere that memory misses. A newcomer says hello and waits for the lock, and the
//! holder gives up exclusivity. A holder that does not answer, because it is frozen or stuck, is robbed of the
//! lock after [`PATIENCE_US`] and a lease, in which the robber was seen to wait by whoever asked: every trust
//! has ended before the robbery, whatever becomes of the robber. Messages only make this fast: lost or forged
//! ones cost a wait or a log read. Writes never depend on any of it (I1); reads depend on monotonic clocks
//! running at one rate.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::{Rc, Weak};
use std::task::{Poll, Waker};

use futures_channel::oneshot;

use super::peer::Engine;
use crate::storage::Storage;
use crate::words::{Env, LocalFuture, Probe, wait_at_most};

/// How long a confirmation that the lock is held is trusted.
pub const LEASE_US: u64 = 500_000;
/// How long a newcomer waits for a holder that does not answer.
pub const PATIENCE_US: u64 = PATIENCE_LEASES * LEASE_US;
const PATIENCE_LEASES: u64 = 2;
/// How many leases after the last word of another peer this one asks whether it is alone again.
const UPGRADE_LEASES: u64 = 2;
/// The longest time between two such questions, in leases, reached by doubling while silent peers are found.
const UPGRADE_LEASES_MAX: u64 = 16;

/// What has become of a lock that was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tenure {
    /// It is held, and nobody waits for it.
    Held,
    /// It is held, and somebody waits for it.
    Wanted,
    /// Another peer has stolen it, or it can't be found out.
    Lost,
}

/// A held lock. Dropping it releases it, before the same peer's next request is looked at.
pub trait Lock {
    /// Asks the browser.
    fn tenure(&self) -> LocalFuture<Tenure>;
}

/// The locks of one database, shared by all its peers. `None` where locks fail altogether.
pub trait Locks {
    /// Takes it exclusively if nobody has it in any mode.
    fn try_exclusive(&self) -> LocalFuture<Option<Rc<dyn Lock>>>;
    /// Waits for it in shared mode, from the first poll on. Dropping the future gives up waiting.
    fn shared(&self) -> LocalFuture<Option<Rc<dyn Lock>>>;
    /// Takes it exclusively from whoever has it.
    fn steal(&self) -> LocalFuture<Option<Rc<dyn Lock>>>;
    /// Whether another peer holds it or waits for it.
    fn has_others(&self) -> LocalFuture<bool>;
    /// Says that this peer is there, which nobody can take from it, until the result is dropped.
    fn present(&self) -> LocalFuture<Option<Rc<dyn Lock>>>;
    /// Whether another peer says that it is there, as the one that asks does; true if it can't be found out.
    fn has_company(&self) -> LocalFuture<bool>;
    /// Waits in line for the turn to append, which one peer at a time has. Dropping the future leaves the line.
    fn turn(&self) -> LocalFuture<Option<Rc<dyn Lock>>>;
    /// Takes the turn from whoever has it.
    fn take_turn(&self) -> LocalFuture<Option<Rc<dyn Lock>>>;
}

/// What the peer wants to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Alone,
    Shared,
    /// Without the lock, so that the page can be kept in the back-forward cache.
    Away,
}

/// What the peer is.
enum Standing {
    /// On the way to something else: commits wait.
    Changing,
    /// Others may commit. Without a lock where there are none.
    Shared(Option<Rc<dyn Lock>>),
    /// Nobody else may.
    Alone(Rc<dyn Lock>),
    Away,
}

/// A peer's side of the lock.
pub(super) struct Exclusivity {
    locks: Box<dyn Locks>,
    env: Rc<dyn Env>,
    lease_us: u64,
    /// Held from before the first right to commit until after the last: who was robbed is known to be there.
    presence: RefCell<Option<Rc<dyn Lock>>>,
    /// The exclusive lock that was got before the log was read for the first time, and when it was asked for.
    reserved: RefCell<Option<(Rc<dyn Lock>, u64)>>,
    standing: RefCell<Standing>,
    wish: Cell<Wish>,
    is_visible: Cell<bool>,
    is_changing: Cell<bool>,
    /// When the browser was last asked with the answer that the lock is held.
    confirmed_us: Cell<u64>,
    is_confirming: Cell<bool>,
    /// Commits handed to the storage and not yet answered.
    permits: Cell<usize>,
    /// Told when the standing changes or a permit is given back.
    waiting: RefCell<Vec<oneshot::Sender<()>>>,
    /// Of whoever waits for the shared lock, to be told that the page goes away.
    joiner: RefCell<Option<Waker>>,
    next_upgrade_us: Cell<u64>,
    upgrade_delay_us: Cell<u64>,
}

/// The right to hand one commit batch to the storage.
pub(super) struct Permit(Option<Rc<Exclusivity>>);

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(exclusivity) = &self.0 {
            exclusivity.permits.set(exclusivity.permits.get() - 1);
            exclusivity.wake();
        }
    }
}

impl Exclusivity {
    pub(super) fn new(locks: Box<dyn Locks>, env: Rc<dyn Env>, lease_us: u64) -> Rc<Exclusivity> {
        Rc::new(Exclusivity {
            locks,
            env,
            lease_us,
            presence: RefCell::default(),
            reserved: RefCell::default(),
            standing: RefCell::new(Standing::Changing),
            wish: Cell::new(Wish::Alone),
            is_visible: Cell::new(true),
            is_changing: Cell::new(false),
            confirmed_us: Cell::new(0),
            is_confirming: Cell::new(false),
            permits: Cell::new(0),
            waiting: RefCell::default(),
            joiner: RefCell::default(),
            next_upgrade_us: Cell::new(0),
            upgrade_delay_us: Cell::new(UPGRADE_LEASES * lease_us),
        })
    }

    pub(super) fn locks(&self) -> &dyn Locks {
        &*self.locks
    }

    /// The exclusive lock, if this peer has it.
    fn exclusive_lock(&self) -> Option<Rc<dyn Lock>> {
        match &*self.standing.borrow() {
            Standing::Alone(lock) => Some(Rc::clone(lock)),
            Standing::Changing | Standing::Shared(_) | Standing::Away => None,
        }
    }

    /// The lock in either mode.
    fn held_lock(&self) -> Option<Rc<dyn Lock>> {
        match &*self.standing.borrow() {
            Standing::Alone(lock) | Standing::Shared(Some(lock)) => Some(Rc::clone(lock)),
            Standing::Changing | Standing::Shared(None) | Standing::Away => None,
        }
    }

    /// How long ago the lock was known to be held.
    fn lease_age_us(&self) -> u64 {
        self.env.monotonic_us().saturating_sub(self.confirmed_us.get())
    }

    fn note_confirmed(&self, asked_us: u64) {
        self.confirmed_us.set(self.confirmed_us.get().max(asked_us));
    }

    /// The right to commit, if the peer has the lock. `None` says that it must be confirmed first.
    fn permit(self: &Rc<Self>) -> Option<Permit> {
        let may_commit = match &*self.standing.borrow() {
            Standing::Shared(None) => true,
            Standing::Shared(Some(_)) | Standing::Alone(_) => self.lease_age_us() <= self.lease_us,
            Standing::Changing | Standing::Away => false,
        };
        may_commit.then(|| {
            self.permits.set(self.permits.get() + 1);
            Permit(Some(Rc::clone(self)))
        })
    }

    /// Waits for another standing, or for a permit to be given back.
    async fn changed(&self) {
        let (sender, receiver) = oneshot::channel();
        self.waiting.borrow_mut().push(sender);
        let _sender_gone = receiver.await;
    }

    fn wake(&self) {
        for sender in self.waiting.take() {
            let _receiver_gone = sender.send(());
        }
    }

    fn stand(&self, standing: Standing) {
        self.standing.replace(standing);
        self.wake();
    }

    /// Notes that another peer was heard. However much it says, its leaving is soon found out: only
    /// questions that were asked in vain make the time between them longer.
    fn note_heard(&self) {
        let delay_us = UPGRADE_LEASES * self.lease_us;
        self.upgrade_delay_us.set(delay_us);
        self.next_upgrade_us.set(self.env.monotonic_us() + delay_us);
    }

    /// Notes that the question is being asked, and when it may be asked again.
    fn note_question(&self) {
        let delay_us = self.upgrade_delay_us.get();
        self.next_upgrade_us.set(self.env.monotonic_us() + delay_us);
        self.upgrade_delay_us
            .set((delay_us * 2).min(UPGRADE_LEASES_MAX * self.lease_us));
    }

    /// Gets the lock before the log is read for the first time, if nobody else is there: this peer is alone then as soon
    /// as it is there itself. A browser that does not answer keeps nobody from opening a database.
    pub(super) async fn reserve(&self) {
        let reserving = pin!(async {
            self.appear().await;
            let asked_us = self.env.monotonic_us();
            if let Some(lock) = self.locks.try_exclusive().await
                && !self.has_company().await
            {
                self.reserved.replace(Some((lock, asked_us)));
            }
        });
        wait_at_most(&*self.env, self.lease_us, reserving).await;
    }

    /// Whether somebody else may be there.
    async fn has_company(&self) -> bool {
        let is_present = self.presence.borrow().is_some();
        !is_present || self.locks.has_company().await
    }

    /// Is alone from now on.
    fn begin_solitude(&self, lock: Rc<dyn Lock>, asked_us: u64) {
        self.note_confirmed(asked_us);
        self.upgrade_delay_us.set(UPGRADE_LEASES * self.lease_us);
        self.stand(Standing::Alone(lock));
        self.env.note(Probe::BecameAlone);
    }

    /// Says that the peer is there, unless the page goes away or there are no locks.
    async fn appear(&self) {
        if self.presence.borrow().is_some() {
            return;
        }
        let mut request = self.locks.present();
        let presence = loop {
            if let Some(presence) = self.granted(&mut request, self.lease_us).await {
                break presence;
            }
        };
        self.presence.replace(presence);
    }

    /// Without the lock, and without a right to commit.
    fn disappear(&self) {
        self.stand(Standing::Away);
        self.presence.take();
    }

    /// Waits for the shared lock, robbing a holder that does not answer. `hello` asks the holder to share.
    /// Gives up, with `None`, when the page goes away: it may be stopped in this very task, and must not be
    /// granted a lock then.
    async fn join(&self, hello: impl Fn()) -> Option<Rc<dyn Lock>> {
        let mut shared = self.locks.shared();
        loop {
            for _ in 0..2 {
                hello();
                if let Some(lock) = self
                    .granted(&mut shared, PATIENCE_LEASES * self.lease_us / 2)
                    .await
                {
                    return lock;
                }
            }
            // The answer comes after the browser has put this peer in line, so that whoever asks from now on is told;
            // what was said before ends within a lease.
            let _in_line = self.locks.has_others().await;
            if let Some(lock) = self.granted(&mut shared, self.lease_us).await {
                return lock;
            }
            // Given back at once: this peer is in line.
            drop(self.locks.steal().await?);
        }
    }

    /// Waits for a lock that was asked for, at most so long; `Some(None)` if the page goes away.
    async fn granted(
        &self,
        request: &mut LocalFuture<Option<Rc<dyn Lock>>>,
        patience_us: u64,
    ) -> Option<Option<Rc<dyn Lock>>> {
        let mut patience = self.env.sleep(patience_us);
        poll_fn(|context| {
            self.joiner.replace(Some(context.waker().clone()));
            match request.as_mut().poll(context) {
                Poll::Ready(lock) => Poll::Ready(Some(lock)),
                Poll::Pending if self.wish.get() == Wish::Away => Poll::Ready(Some(None)),
                Poll::Pending => patience.as_mut().poll(context).map(|()| None),
            }
        })
        .await
    }

    /// Lets a lease pass, for as long as the peer wishes to be alone.
    async fn let_a_lease_pass(&self) {
        let mut lease = self.env.sleep(self.lease_us);
        poll_fn(|context| {
            self.joiner.replace(Some(context.waker().clone()));
            match self.wish.get() {
                Wish::Alone => lease.as_mut().poll(context),
                Wish::Shared | Wish::Away => Poll::Ready(()),
            }
        })
        .await;
    }

    /// Gives up what the peer holds, once no commit relies on it.
    async fn let_go(&self) {
        let held = self.standing.replace(Standing::Changing);
        while self.permits.get() > 0 {
            self.changed().await;
        }
        drop(held);
    }
}

impl<S: Storage> Engine<S> {
    /// Another peer says hello, or published something: it is not alone, so this one isn't either.
    pub fn hear_hello(self: &Rc<Self>) {
        if let Some(exclusivity) = &self.exclusivity {
            exclusivity.note_heard();
            if exclusivity.wish.get() == Wish::Alone {
                self.wish_to_be(Wish::Shared);
                // What was committed since the newcomer read the log was told to nobody.
                self.news.publish(self.state.borrow().tail());
            }
        }
    }

    /// The page is shown or hidden. A hidden page may be frozen at any time, so it does not stay alone; one
    /// that is shown again looks at what it missed.
    pub fn set_visible(self: &Rc<Self>, is_visible: bool) {
        let Some(exclusivity) = &self.exclusivity else {
            return;
        };
        let was_visible = exclusivity.is_visible.replace(is_visible);
        if !is_visible && exclusivity.wish.get() == Wish::Alone {
            self.wish_to_be(Wish::Shared);
        }
        if is_visible && !was_visible {
            exclusivity.next_upgrade_us.set(0);
            self.look_at_log();
        }
    }

    /// The page is put away, perhaps to come back: lets go of the locks, so that it can be kept.
    pub fn suspend(self: &Rc<Self>) {
        self.end_turn();
        self.wish_to_be(Wish::Away);
    }

    /// The page has come back.
    pub fn resume(self: &Rc<Self>) {
        self.wish_to_be(Wish::Shared);
        self.look_at_log();
    }

    /// Takes its place among the peers.
    pub(super) fn take_part(self: &Rc<Self>) {
        let Some(exclusivity) = &self.exclusivity else {
            return;
        };
        let Some((lock, asked_us)) = exclusivity.reserved.take() else {
            self.wish_to_be(exclusivity.wish.get());
            return;
        };
        exclusivity.begin_solitude(Rc::clone(&lock), asked_us);
        // Whoever came meanwhile was not heard.
        let engine = Rc::clone(self);
        self.env
            .spawn(Box::pin(async move { engine.confirm_lock(&lock).await }));
    }

    /// Gives the lock back, for good.
    pub(super) async fn leave_peers(&self) {
        if let Some(exclusivity) = &self.exclusivity {
            exclusivity.wish.set(Wish::Away);
            exclusivity.let_go().await;
            exclusivity.disappear();
        }
    }

    /// Whether memory is the newest state there is: no other peer can have committed.
    pub(super) fn is_alone(self: &Rc<Self>) -> bool {
        let Some(exclusivity) = &self.exclusivity else {
            return false;
        };
        let Some(lock) = exclusivity.exclusive_lock() else {
            return false;
        };
        let age_us = exclusivity.lease_age_us();
        if age_us > exclusivity.lease_us / 2 && !exclusivity.is_confirming.replace(true) {
            let engine = Rc::clone(self);
            self.env.spawn(Box::pin(async move {
                engine.confirm_lock(&lock).await;
                if let Some(exclusivity) = &engine.exclusivity {
                    exclusivity.is_confirming.set(false);
                }
            }));
        }
        age_us <= exclusivity.lease_us
    }

    /// Asks the browser for the lock's tenure. Who was robbed joins the others; who is alone and is waited for shares.
    async fn confirm_lock(self: &Rc<Self>, lock: &Rc<dyn Lock>) {
        let Some(exclusivity) = &self.exclusivity else {
            return;
        };
        // The answer is true of some moment after now.
        let asked_us = self.env.monotonic_us();
        let tenure = lock.tenure().await;
        let is_current = exclusivity
            .held_lock()
            .is_some_and(|current| Rc::ptr_eq(&current, lock));
        if !is_current {
            return;
        }
        match tenure {
            Tenure::Lost => {
                self.env.note(Probe::Robbed);
                exclusivity.stand(Standing::Changing);
                // A page that is put away stays away.
                let is_away = exclusivity.wish.get() == Wish::Away;
                self.wish_to_be(if is_away { Wish::Away } else { Wish::Shared });
            }
            Tenure::Wanted if exclusivity.exclusive_lock().is_some() => self.hear_hello(),
            Tenure::Held | Tenure::Wanted => exclusivity.note_confirmed(asked_us),
        }
    }

    /// Whether nobody else is there to be told of a commit.
    pub(super) fn has_nobody_to_tell(&self) -> bool {
        self.exclusivity.as_ref().is_some_and(|exclusivity| {
            exclusivity.exclusive_lock().is_some() && exclusivity.lease_age_us() <= exclusivity.lease_us
        })
    }

    /// Whether others may have committed while this page is looked at. A peer that believes to be alone
    /// asks: it may have been robbed without a word.
    pub(super) async fn may_miss_news(self: &Rc<Self>) -> bool {
        let Some(exclusivity) = &self.exclusivity else {
            return true;
        };
        if let Some(lock) = exclusivity.exclusive_lock() {
            self.confirm_lock(&lock).await;
        }
        exclusivity.is_visible.get() && !self.is_alone()
    }

    /// Whether the page is looked at, as far as is known: a hidden one may be frozen at any time.
    pub(super) fn is_visible(&self) -> bool {
        let exclusivity = self.exclusivity.as_ref();
        exclusivity.is_none_or(|exclusivity| exclusivity.is_visible.get())
    }

    /// Waits until this peer may hand a batch to the storage.
    pub(super) async fn commit_permit(self: &Rc<Self>) -> Permit {
        let Some(exclusivity) = &self.exclusivity else {
            return Permit(None);
        };
        loop {
            if let Some(permit) = exclusivity.permit() {
                return permit;
            }
            match exclusivity.held_lock() {
                Some(lock) => self.confirm_lock(&lock).await,
                None => exclusivity.changed().await,
            }
        }
    }

    /// After a look at the log that found nothing new: perhaps the others are gone.
    pub(super) fn consider_being_alone(self: &Rc<Self>) {
        let Some(exclusivity) = &self.exclusivity else {
            return;
        };
        let is_due = self.env.monotonic_us() >= exclusivity.next_upgrade_us.get()
            && exclusivity.is_visible.get()
            && matches!(*exclusivity.standing.borrow(), Standing::Shared(Some(_)))
            && !exclusivity.is_changing.get();
        if !is_due {
            return;
        }
        exclusivity.note_question();
        let (engine, exclusivity) = (Rc::clone(self), Rc::clone(exclusivity));
        self.env.spawn(Box::pin(async move {
            if !exclusivity.locks.has_others().await
                && exclusivity.wish.get() == Wish::Shared
                && exclusivity.is_visible.get()
            {
                engine.wish_to_be(Wish::Alone);
            }
        }));
    }

    fn wish_to_be(self: &Rc<Self>, wish: Wish) {
        let Some(exclusivity) = &self.exclusivity else {
            return;
        };
        exclusivity.wish.set(wish);
        if let Some(joiner) = exclusivity.joiner.take() {
            joiner.wake();
        }
        // At once, not when the change gets its turn: memory is not trusted any more. Until then the lock
        // stays exclusive, which is more than a commit needs.
        if wish != Wish::Alone
            && let Some(lock) = exclusivity.exclusive_lock()
        {
            self.env.note(Probe::SolitudeGivenUp);
            exclusivity.standing.replace(Standing::Shared(Some(lock)));
        }
        if exclusivity.is_changing.replace(true) {
            return;
        }
        let engine = Rc::downgrade(self);
        let exclusivity = Rc::clone(exclusivity);
        self.env.spawn(Box::pin(async move {
            change(&engine, &exclusivity).await;
            exclusivity.is_changing.set(false);
        }));
    }
}

/// Brings the standing in line with the wish, which may change on the way.
async fn change<S: Storage>(engine: &Weak<Engine<S>>, exclusivity: &Rc<Exclusivity>) {
    let mut done = None;
    while done != Some(exclusivity.wish.get()) {
        let wish = exclusivity.wish.get();
        if wish == Wish::Away
            && let Some(engine) = engine.upgrade()
        {
            end_commits(&engine, exclusivity).await;
        }
        exclusivity.let_go().await;
        if wish != Wish::Away {
            exclusivity.appear().await;
            if exclusivity.wish.get() == Wish::Away {
                continue;
            }
        }
        match wish {
            Wish::Away => exclusivity.disappear(),
            Wish::Shared => {
                let lock = exclusivity
                    .join(|| {
                        if let Some(engine) = engine.upgrade() {
                            engine.news.hello();
                        }
                    })
                    .await;
                if exclusivity.wish.get() == Wish::Away {
                    continue;
                }
                exclusivity.stand(Standing::Shared(lock));
            }
            Wish::Alone => {
                if !become_alone(engine, exclusivity).await {
                    if engine.strong_count() == 0 {
                        return;
                    }
                    if exclusivity.wish.get() == Wish::Alone {
                        exclusivity.wish.set(Wish::Shared);
                    }
                    continue;
                }
            }
        }
        done = Some(wish);
    }
}

/// Waits for what the page wrote on its way out. While nothing is held, or after a robbery, it waits for the return.
async fn end_commits<S: Storage>(engine: &Rc<Engine<S>>, exclusivity: &Exclusivity) {
    let mut idle = pin!(engine.commits_idle());
    let mut is_idle = false;
    while !is_idle && !matches!(*exclusivity.standing.borrow(), Standing::Changing) {
        let mut changed = pin!(exclusivity.changed());
        is_idle = poll_fn(|context| match idle.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(true),
            Poll::Pending => changed.as_mut().poll(context).map(|()| false),
        })
        .await;
    }
}

/// Takes the lock exclusively, and trusts memory, a lease later if it is not the only peer; false if it can't be had.
async fn become_alone<S: Storage>(engine: &Weak<Engine<S>>, exclusivity: &Rc<Exclusivity>) -> bool {
    let mut asked_us = exclusivity.env.monotonic_us();
    let Some(lock) = exclusivity.locks.try_exclusive().await else {
        return false;
    };
    if exclusivity.has_company().await {
        // Whoever is there may have been robbed of the lock, and may commit until its lease is over. Until then this
        // peer is as one of several.
        exclusivity.note_confirmed(asked_us);
        exclusivity.stand(Standing::Shared(Some(Rc::clone(&lock))));
        exclusivity.let_a_lease_pass().await;
        asked_us = exclusivity.env.monotonic_us();
        if lock.tenure().await != Tenure::Held {
            return false;
        }
        exclusivity.env.note(Probe::LeaseAwaited);
    }
    if exclusivity.wish.get() != Wish::Alone {
        return false;
    }
    let Some(engine) = engine.upgrade() else {
        return false;
    };
    // What was committed before is in memory then.
    let is_caught_up = engine.catch_up().await.is_ok();
    let is_robbed = exclusivity
        .held_lock()
        .is_some_and(|held| !Rc::ptr_eq(&held, &lock));
    if !is_caught_up || is_robbed || exclusivity.wish.get() != Wish::Alone {
        return false;
    }
    exclusivity.begin_solitude(lock, asked_us);
    true
}
