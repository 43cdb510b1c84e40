//! Where workloads play: the cluster and its open peers, transactions whose every answer is remembered, and
//! the first violation that anybody found.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use plinth_core::words::{Durability, Version};
use plinth_core::{Error, ErrorCode, Result, TransactionOptions};

use super::cast::Cast;
use super::phase::Phase;
use super::recorded::{Recorded, Seen};
use crate::cluster::{Cluster, Peer};
use crate::executor::Simulation;
use crate::happenings::HappeningKind;
use crate::history::{Checked, History, Observation, Outcome};
use crate::timeline::{Place, Timeline};

/// How a transaction ended, as far as its client knows.
#[derive(Debug)]
pub enum Told<T> {
    /// It committed, at this place unless it wrote nothing.
    Committed(T, Option<Place>),
    /// It certainly did not.
    Failed(Error),
    /// Nobody knows: the answer was lost, or the peer was killed.
    Unknown,
}

/// What all workloads of a run share.
pub struct Stage {
    cluster: Cluster,
    peers: RefCell<Vec<Option<Peer>>>,
    history: RefCell<History>,
    violation: RefCell<Option<String>>,
    next_number: Cell<u64>,
    transactions: Cell<u64>,
    /// One transaction in so many is relaxed; 0 is never.
    relaxed_odds: u64,
    /// How often the machine died.
    crashes: Cell<u64>,
    is_quiet: Cell<bool>,
    /// Whether the history is kept.
    is_judged: Cell<bool>,
    /// How many databases of this name have been deleted.
    lives: Cell<u32>,
    cast: Cast,
    phase: Cell<Phase>,
    /// How often something had to hold.
    expectations: Cell<u64>,
}

/// A transaction that a peer has under way, until this is dropped.
struct Working {
    stage: Rc<Stage>,
    lane: usize,
    workload: &'static str,
}

impl Working {
    fn begin(stage: &Rc<Stage>, lane: usize, workload: &'static str) -> Working {
        stage.cast.begin_work(lane, workload);
        Working {
            stage: Rc::clone(stage),
            lane,
            workload,
        }
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.stage.cast.end_work(self.lane, self.workload);
    }
}

impl Stage {
    pub(super) fn new(cluster: Cluster, peers: usize, relaxed_odds: u64, has_false_conflicts: bool) -> Stage {
        Stage {
            cluster,
            peers: RefCell::new(vec![None; peers]),
            history: RefCell::new(History::new(has_false_conflicts)),
            violation: RefCell::default(),
            next_number: Cell::new(1),
            transactions: Cell::default(),
            relaxed_odds,
            crashes: Cell::default(),
            is_quiet: Cell::default(),
            is_judged: Cell::new(true),
            lives: Cell::new(0),
            cast: Cast::default(),
            phase: Cell::default(),
            expectations: Cell::default(),
        }
    }

    /// Who plays.
    pub fn cast(&self) -> &Cast {
        &self.cast
    }

    /// How far the run is.
    pub fn phase(&self) -> Phase {
        self.phase.get()
    }

    pub(super) fn enter(&self, phase: Phase) {
        self.phase.set(phase);
        self.cluster.note_of(None, HappeningKind::Phase, phase.text());
    }

    /// How often something had to hold so far.
    pub fn expectations(&self) -> u64 {
        self.expectations.get()
    }

    /// The peers and what is done to them.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The world.
    pub fn world(&self) -> &Simulation {
        self.cluster.world()
    }

    /// Notes that a promise was broken; the first one is told.
    pub fn violate(&self, what: impl Into<String>) {
        self.violation.borrow_mut().get_or_insert_with(|| what.into());
    }

    /// Notes a violation unless something holds.
    pub fn expect(&self, holds: bool, what: impl FnOnce() -> String) {
        self.expectations.set(self.expectations.get() + 1);
        if !holds {
            self.violate(what());
        }
    }

    /// The first violation.
    pub fn violation(&self) -> Option<String> {
        self.violation.borrow().clone()
    }

    /// Attempts of transactions so far.
    pub fn transactions(&self) -> u64 {
        self.transactions.get()
    }

    /// Counts attempts that were made elsewhere.
    pub fn count_transactions(&self, count: u64) {
        self.transactions.set(self.transactions.get() + count);
    }

    /// How often the machine has died.
    pub fn crashes(&self) -> u64 {
        self.crashes.get()
    }

    /// Whether nothing bad is done any more.
    pub fn is_quiet(&self) -> bool {
        self.is_quiet.get()
    }

    pub(super) fn quieten(&self) {
        self.is_quiet.set(true);
    }

    /// What clients saw.
    pub fn history(&self) -> &RefCell<History> {
        &self.history
    }

    /// How many places for peers there are.
    pub fn slots(&self) -> usize {
        self.peers.borrow().len()
    }

    /// The peer in a place, if it is open.
    pub fn peer_at(&self, slot: usize) -> Option<Peer> {
        self.peers.borrow().get(slot).cloned().flatten()
    }

    /// Every open peer.
    pub fn open_peers(&self) -> Vec<Peer> {
        self.peers.borrow().iter().flatten().cloned().collect()
    }

    pub(super) fn put_peer(&self, slot: usize, peer: Option<Peer>) {
        let now_us = self.world().now_us();
        match &peer {
            Some(peer) => self.cast.open(slot, peer.lane(), now_us),
            None => self.cast.end(slot, now_us),
        }
        if let Some(place) = self.peers.borrow_mut().get_mut(slot) {
            *place = peer;
        }
    }

    /// An open peer, as chance will have it; waits for one.
    pub async fn any_peer(&self) -> Peer {
        loop {
            let open = self.open_peers();
            if !open.is_empty() {
                let index = self.world().random_in(0..open.len() as u64) as usize;
                if let Some(peer) = open.get(index) {
                    return peer.clone();
                }
            }
            self.world().sleep(2_000).await;
        }
    }

    pub(super) fn number(&self) -> u64 {
        let number = self.next_number.get();
        self.next_number.set(number + 1);
        number
    }

    /// The options of the next transaction.
    pub fn options(&self) -> TransactionOptions {
        let durability = if self.world().one_in(self.relaxed_odds) {
            Durability::Relaxed
        } else {
            Durability::Strict
        };
        TransactionOptions {
            durability,
            automatic_idempotency: self.world().one_in(4),
            ..TransactionOptions::default()
        }
    }

    /// One transaction on a peer, with up to three retries of its own.
    pub async fn attempt<T: 'static>(
        self: &Rc<Self>,
        workload: &'static str,
        peer: &Peer,
        options: TransactionOptions,
        body: impl AsyncFn(&Recorded) -> Result<T> + 'static,
    ) -> Told<T> {
        let stage = Rc::clone(self);
        let transaction = peer.database.create_transaction(options);
        let lane = peer.lane();
        let running = async move {
            let _working = Working::begin(&stage, lane, workload);
            let mut retries = stage.world().random_in(0..4);
            loop {
                let seen = Seen::new(&stage, workload, lane, options.durability);
                let recorded = Recorded::new(Rc::clone(&transaction), &seen);
                let result = body(&recorded).await;
                let result = recorded.commit(&stage, result).await;
                stage.count_transactions(1);
                match result {
                    Ok((value, place)) => return Told::Committed(value, place),
                    Err(error) if error.code() == ErrorCode::CommitUnknownResult => return Told::Unknown,
                    Err(error) if retries == 0 => return Told::Failed(error),
                    Err(error) => {
                        retries -= 1;
                        if transaction.on_error(&error).await.is_err() {
                            return Told::Failed(error);
                        }
                    }
                }
            }
        };
        self.cluster.run_in(peer, running).await.unwrap_or(Told::Unknown)
    }

    /// Runs a body that may happen more than once, on one peer after the other, until one is known to have
    /// committed.
    pub async fn insist<T: 'static>(
        self: &Rc<Self>,
        workload: &'static str,
        body: impl AsyncFn(&Recorded) -> Result<T> + Clone + 'static,
    ) -> (T, Option<Place>) {
        loop {
            let peer = self.any_peer().await;
            let told = self.attempt(workload, &peer, self.options(), body.clone()).await;
            match told {
                Told::Committed(value, place) => return (value, place),
                Told::Failed(error) => self.check_failure(workload, &error),
                Told::Unknown => {}
            }
            self.world().sleep_below(20_000).await;
        }
    }

    /// As `insist`, and durable: what a workload begins with.
    pub async fn establish(
        self: &Rc<Self>,
        workload: &'static str,
        body: impl AsyncFn(&Recorded) -> Result<()> + Clone + 'static,
    ) {
        loop {
            let peer = self.any_peer().await;
            let options = TransactionOptions {
                durability: Durability::Strict,
                ..self.options()
            };
            match self.attempt(workload, &peer, options, body.clone()).await {
                Told::Committed(..) => return,
                Told::Failed(error) => self.check_failure(workload, &error),
                Told::Unknown => {}
            }
            self.world().sleep_below(20_000).await;
        }
    }

    /// Notes a violation if a transaction failed with what nothing in this world explains.
    pub fn check_failure(&self, workload: &'static str, error: &Error) {
        let is_explained = error.code().is_retryable()
            || matches!(
                error.code(),
                ErrorCode::IoError
                    | ErrorCode::OperationCancelled
                    | ErrorCode::ClientInvalidOperation
                    | ErrorCode::InternalError
            );
        self.expect(is_explained, || format!("{workload} failed with {error}"));
    }

    /// The machine died: what is left of the history.
    pub(super) fn survive(&self) {
        self.crashes.set(self.crashes.get() + 1);
        let survived = Timeline::of_log(&self.cluster.whole_log())
            .and_then(|timeline| self.history.borrow_mut().survive(&timeline));
        if let Err(violation) = survived {
            self.violate(violation);
        }
    }

    /// The database is about to be deleted: what was seen so far is judged, and nothing later.
    pub fn end_of_life(&self) {
        self.lives.set(self.lives.get() + 1);
        if self.is_judged.replace(false) {
            let judged = Timeline::of_log(&self.cluster.whole_log())
                .and_then(|timeline| self.history.borrow().check(&timeline));
            if let Err(violation) = judged {
                self.violate(violation);
            }
            self.history.replace(History::new(true));
        }
    }

    /// How often the database was deleted.
    pub(super) fn lives(&self) -> u32 {
        self.lives.get()
    }

    /// What the whole history is worth, if it is kept.
    pub(super) fn judge(&self, timeline: &Timeline) -> std::result::Result<Checked, String> {
        if self.is_judged.get() {
            self.history.borrow().check(timeline)
        } else {
            Ok(Checked::default())
        }
    }

    /// Puts other peers in the places of those that are there.
    pub fn replace_peers(&self, peers: Vec<Peer>) {
        let now_us = self.world().now_us();
        (0..self.slots()).for_each(|slot| self.cast.end(slot, now_us));
        for (slot, peer) in peers.iter().enumerate() {
            self.cast.open(slot, peer.lane(), now_us);
        }
        *self.peers.borrow_mut() = peers.into_iter().map(Some).collect();
    }

    pub(super) fn push(&self, observation: Observation) {
        if self.is_judged.get() {
            self.history.borrow_mut().push(observation);
        }
    }

    pub(super) fn acknowledge(&self, place: Place) {
        if self.is_judged.get() {
            self.history.borrow_mut().acknowledge(place);
        }
    }

    /// The newest version that was acknowledged to anybody.
    pub fn acknowledged(&self) -> Version {
        self.history.borrow().acknowledged()
    }
}

impl Outcome {
    pub(super) fn of_failure(error: &Error) -> Outcome {
        match error.code() {
            ErrorCode::CommitUnknownResult => Outcome::Unknown,
            code => Outcome::Failed(code),
        }
    }
}
