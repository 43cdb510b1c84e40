//! What is done to peers while they work, and how closed ones are opened again.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use plinth_core::engine::FoldExtent;
use plinth_core::words::LocalFuture;
use plinth_core::{Error, ErrorCode};

use super::cast::Absence;
use super::final_check::expect_no_page_is_forgotten;
use super::hazard::Hazard;
use super::stage::Stage;
use crate::cluster::Peer;
use crate::happenings::HappeningKind;

/// Longest time that a page stands still, is hidden or put away.
const ABSENCE_US: u64 = 3_000_000;

/// How many checks and compactions go on at once. More, each begun before the last one is done, would leave nobody
/// else a turn, and the day would never end.
const KEEPING_MAX: u32 = 3;

/// Keeps the places of the stage filled, and does bad things.
pub(super) struct Disturber {
    stage: Rc<Stage>,
    hazards: Vec<Hazard>,
    /// Longest time between two bad things.
    period_us: u64,
    /// Places that are being filled.
    opening: RefCell<BTreeSet<usize>>,
    /// Peers whose page is away, or has just come back.
    absent: RefCell<BTreeSet<usize>>,
    /// Checks and compactions that go on.
    keeping: Cell<u32>,
}

impl Disturber {
    pub(super) fn new(stage: &Rc<Stage>, hazards: Vec<Hazard>, period_us: u64) -> Rc<Disturber> {
        Rc::new(Disturber {
            stage: Rc::clone(stage),
            hazards,
            period_us,
            opening: RefCell::default(),
            absent: RefCell::default(),
            keeping: Cell::default(),
        })
    }

    /// Opens a peer in a place, unless somebody is at it.
    pub(super) fn fill(self: &Rc<Self>, slot: usize, delay_us: u64) {
        if !self.opening.borrow_mut().insert(slot) {
            return;
        }
        let this = Rc::clone(self);
        drop(self.stage.world().spawn(async move {
            let world = this.stage.world().clone();
            world.sleep_below(delay_us).await;
            let peer = loop {
                let lane = this.stage.cluster().next_lane();
                this.stage.cast().begin(slot, lane, world.now_us());
                let lives = this.stage.lives();
                match this.stage.cluster().try_open().await {
                    Ok(peer) if this.stage.lives() == lives => break peer,
                    // It may have opened the database that was deleted meanwhile.
                    Ok(peer) => this.stage.cluster().kill(&peer),
                    Err(error) => this.stage.check_failure("opening", &error),
                }
                this.stage.cast().end(slot, world.now_us());
                world.sleep_below(20_000).await;
            };
            this.opening.borrow_mut().remove(&slot);
            this.stage.put_peer(slot, Some(peer));
        }));
    }

    pub(super) fn fill_all(self: &Rc<Self>, delay_us: u64) {
        for slot in 0..self.stage.slots() {
            if self.stage.peer_at(slot).is_none() {
                self.fill(slot, delay_us);
            }
        }
    }

    /// Does one bad thing after the other, until the stage is quiet; then waits for all to pass.
    pub(super) async fn run(self: Rc<Self>) {
        let world = self.stage.world().clone();
        let mut passing: Vec<LocalFuture<()>> = Vec::new();
        while !self.hazards.is_empty() && !self.stage.is_quiet() {
            world.sleep_below(self.period_us).await;
            if self.stage.is_quiet() {
                break;
            }
            let index = world.random_in(0..self.hazards.len() as u64) as usize;
            let Some(&hazard) = self.hazards.get(index) else {
                continue;
            };
            passing.push(Box::pin(world.spawn(Rc::clone(&self).disturb(hazard))));
        }
        for disturbance in passing {
            disturbance.await;
        }
    }

    async fn disturb(self: Rc<Self>, hazard: Hazard) {
        let stage = Rc::clone(&self.stage);
        let (world, cluster) = (stage.world().clone(), stage.cluster().clone());
        let slot = world.random_in(0..stage.slots() as u64) as usize;
        let Some(peer) = stage.peer_at(slot) else {
            return;
        };
        let engine = Rc::clone(peer.database.engine());
        let note = |kind, what| cluster.note_of(Some(peer.lane()), kind, what);
        match hazard {
            Hazard::Kills => {
                note(HappeningKind::Death, "a peer was killed");
                stage.put_peer(slot, None);
                cluster.kill(&peer);
                self.fill(slot, 50_000);
            }
            Hazard::Crashes => self.crash(),
            Hazard::Freezes => {
                self.absence(&peer, Absence::Frozen, |is_away| match is_away {
                    true => cluster.freeze(&peer),
                    false => cluster.thaw(&peer),
                })
                .await;
            }
            Hazard::Hiding => {
                self.absence(&peer, Absence::Hidden, |is_away| engine.set_visible(!is_away))
                    .await;
            }
            Hazard::PutAway => {
                self.absence(&peer, Absence::PutAway, |is_away| match is_away {
                    true => engine.suspend(),
                    false => engine.resume(),
                })
                .await;
            }
            Hazard::ClockJumps => {
                note(HappeningKind::Clock, "a wall clock jumped");
                peer.set_wall_clock_offset(world.random_in(0..7_200_000_000) as i64 - 3_600_000_000);
            }
            Hazard::ClockStops => {
                note(HappeningKind::Clock, "a wall clock stopped");
                peer.stop_wall_clock(true);
                world.sleep_below(ABSENCE_US).await;
                peer.stop_wall_clock(false);
            }
            Hazard::LostConnections => {
                note(HappeningKind::Storage, "a connection was lost");
                peer.connection().lose();
            }
            Hazard::Traps => {
                note(HappeningKind::Death, "an engine trapped, and was opened anew");
                let detail = "simulated trap";
                engine.fail(&Error::new(ErrorCode::InternalError, detail));
                world.sleep_below(20_000).await;
                stage.put_peer(slot, None);
                cluster.kill(&peer);
                self.fill(slot, 50_000);
            }
            Hazard::Closing => {
                note(HappeningKind::Death, "a database was closed");
                stage.put_peer(slot, None);
                let closing = peer.clone();
                cluster
                    .run_in(&peer, async move { closing.database.close().await })
                    .await;
                cluster.kill(&peer);
                self.fill(slot, 50_000);
            }
            Hazard::Housekeeping => self.keep_house(&peer).await,
            Hazard::ForcedFolds => {
                note(HappeningKind::Other, "everything was folded");
                let folding = async move {
                    let _told_by_the_check = engine.fold(FoldExtent::All).await;
                };
                cluster.run_in(&peer, folding).await;
            }
            _ => {}
        }
    }

    /// Takes a page away and brings it back, one absence at a time, with some presence after each: somebody
    /// must get on.
    async fn absence(&self, peer: &Peer, absence: Absence, mut change: impl FnMut(bool)) {
        let lane = peer.lane();
        if !self.absent.borrow_mut().insert(lane) {
            return;
        }
        let world = self.stage.world().clone();
        let absence_us = world.random_in(0..ABSENCE_US) >> world.random_in(0..8);
        let cluster = self.stage.cluster();
        cluster.note_of(Some(lane), HappeningKind::Absence, absence.text());
        self.stage.cast().leave(lane, absence, world.now_us());
        change(true);
        world.sleep(absence_us).await;
        change(false);
        self.stage.cast().come_back(lane, world.now_us());
        world.sleep(absence_us + 100_000).await;
        self.absent.borrow_mut().remove(&lane);
    }

    fn crash(self: &Rc<Self>) {
        let (stage, cluster) = (&self.stage, self.stage.cluster());
        let soft = cluster.disk().soft_transactions() as u64;
        let lost = stage.world().random_in(0..soft + 1) as usize;
        let what = match lost {
            0 => "the machine died",
            _ => "the machine died, and lost what was not durable",
        };
        cluster.note_of(None, HappeningKind::Death, what);
        for slot in 0..stage.slots() {
            stage.put_peer(slot, None);
        }
        cluster.crash_browser(lost);
        stage.survive();
        self.fill_all(50_000);
    }

    async fn keep_house(&self, peer: &Peer) {
        if self.keeping.get() == KEEPING_MAX {
            return;
        }
        self.keeping.set(self.keeping.get() + 1);
        let (stage, cluster) = (Rc::clone(&self.stage), self.stage.cluster());
        let is_check = stage.world().one_in(2);
        let what = match is_check {
            true => "a database was checked",
            false => "a database was compacted",
        };
        cluster.note_of(Some(peer.lane()), HappeningKind::Other, what);
        let kept = peer.clone();
        let keeping = async move {
            if !is_check {
                let _told_by_the_check = kept.database.compact().await;
                return;
            }
            if let Ok(report) = kept.database.check().await {
                stage.expect(report.damage.is_empty(), || {
                    format!("a check found damage: {:?}", report.damage)
                });
                expect_no_page_is_forgotten(&stage, &report);
            }
        };
        cluster.run_in(peer, keeping).await;
        self.keeping.set(self.keeping.get() - 1);
    }
}
