//! FoundationDB's Watches: followers of growing numbers wait on watches only. No wake-up is lost, also when
//! peers die, messages don't come and pages are frozen; and what woke somebody can be read.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use plinth_core::words::LocalFuture;

use super::{Client, Workload, number, set_number};
use crate::scenario::{Recorded, Stage, Told};

const NAME: &str = "watches";
const KEYS: u64 = 2;
/// What is written when nothing bad happens any more: bursts of numbers from here on, so that some come between
/// the read of a watch and its arming.
const FINALE: u64 = 1_000_000;
const BURSTS: u64 = 5;
const BURST: u64 = 4;
const LAST: u64 = FINALE + BURSTS * BURST - 1;
/// How long followers may take to see it: a few polls.
const PATIENCE_US: u64 = 20_000_000;

/// A follower: the number that it has seen.
#[derive(Default)]
pub(super) struct Watches {
    seen: RefCell<Vec<Rc<Cell<u64>>>>,
}

fn key(index: u64) -> Vec<u8> {
    format!("watched/{index}").into_bytes()
}

/// Waits on one watch after the other until the last number is there.
async fn follow(stage: Rc<Stage>, index: u64, seen: Rc<Cell<u64>>) {
    while seen.get() < LAST {
        let peer = stage.any_peer().await;
        let world = stage.world().clone();
        let read = async move |tn: &Recorded| {
            // Before the value: the watch is about what was there when it was made.
            let watch = tn.watch(&key(index));
            let number = number(tn, &key(index)).await?;
            world.sleep_below(3_000).await;
            Ok((number, watch))
        };
        let crashes = stage.crashes();
        let Told::Committed((value, watch), _) = stage.attempt(NAME, &peer, stage.options(), read).await
        else {
            stage.world().sleep_below(20_000).await;
            continue;
        };
        seen.set(value);
        if value == LAST {
            return;
        }
        let Some(Ok(())) = stage.cluster().run_in(&peer, watch).await else {
            continue;
        };
        stage.cluster().note("a watch fired");
        let again = async move |tn: &Recorded| number(tn, &key(index)).await;
        if let Told::Committed(newer, _) = stage.attempt(NAME, &peer, stage.options(), again).await {
            // The numbers only grow, unless the machine lost some.
            stage.expect(newer > value || stage.crashes() != crashes, || {
                format!("a watch on {value} fired, and then {newer} was read")
            });
        }
    }
}

impl Watches {
    /// Nothing but a watch brings a follower on.
    async fn await_followers(&self, stage: &Stage, value: u64) {
        let since_us = stage.world().now_us();
        let is_behind = || self.seen.borrow().iter().any(|seen| seen.get() < value);
        while is_behind() && stage.world().now_us() - since_us < PATIENCE_US {
            stage.world().sleep(100_000).await;
        }
        stage.expect(!is_behind(), || {
            let seen: Vec<u64> = self.seen.borrow().iter().map(|seen| seen.get()).collect();
            format!("a wake-up was lost: {value} was written, the followers have seen {seen:?}")
        });
    }
}

impl Workload for Watches {
    fn clients(&self) -> u64 {
        KEYS
    }

    fn set_up(self: Rc<Self>, stage: Rc<Stage>) -> LocalFuture<()> {
        for index in (0..KEYS).flat_map(|index| [index, index]) {
            let seen = Rc::<Cell<u64>>::default();
            self.seen.borrow_mut().push(Rc::clone(&seen));
            drop(stage.world().spawn(follow(Rc::clone(&stage), index, seen)));
        }
        Box::pin(std::future::ready(()))
    }

    fn client(self: Rc<Self>, stage: Rc<Stage>, client: Client) -> LocalFuture<()> {
        Box::pin(async move {
            for step in 1..=client.steps {
                client.pause(&stage).await;
                let write = async move |tn: &Recorded| set_number(tn, &key(client.number), step);
                stage.insist(NAME, write).await;
            }
        })
    }

    fn check(self: Rc<Self>, stage: Rc<Stage>) -> LocalFuture<()> {
        Box::pin(async move {
            for value in FINALE..=LAST {
                for index in 0..KEYS {
                    let write = async move |tn: &Recorded| set_number(tn, &key(index), value);
                    stage.insist(NAME, write).await;
                }
                stage.world().sleep_below(6_000).await;
                if (value + 1 - FINALE).is_multiple_of(BURST) {
                    self.await_followers(&stage, value).await;
                }
            }
        })
    }
}
