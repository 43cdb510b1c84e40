//! Followers keep copies of a live range: each copy equals the range at the version that it was told, versions
//! never go back, and no change is lost.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use plinth_core::words::{KeyRange, LocalFuture, Version};
use plinth_core::{Changes, Result, Subscription};

use super::{Client, Workload};
use crate::cluster::Peer;
use crate::scenario::{Recorded, Stage};
use crate::simulated_storage::SimulatedStorage;
use crate::timeline::{Place, Rows, Timeline};

const NAME: &str = "subscriptions";
const FOLLOWERS: usize = 2;
const BEGIN: &[u8] = b"live/b";
const END: &[u8] = b"live/g";
/// A row that is written last.
const LAST: &[u8] = b"live/c";
const LAST_VALUE: &[u8] = b"the end";
const PATIENCE_US: u64 = 20_000_000;

type Copy = BTreeMap<Vec<u8>, Vec<u8>>;

/// What one follower holds.
#[derive(Default)]
struct Follower {
    copy: Copy,
    /// Copies at their versions, since the machine last died.
    told: Vec<(Version, Copy)>,
    crashes: u64,
}

#[derive(Default)]
pub(super) struct Subscriptions {
    followers: RefCell<Vec<Rc<RefCell<Follower>>>>,
}

fn apply(copy: &mut Copy, changes: &Changes) {
    copy.retain(|key, _| !changes.replaced.iter().any(|range| range.contains(key)));
    for (key, value) in &changes.changes {
        match value {
            Some(value) => copy.insert(key.to_vec(), value.to_vec()),
            None => copy.remove(&key.to_vec()),
        };
    }
}

fn subscribe(peer: &Peer) -> Result<Subscription<SimulatedStorage>> {
    peer.database.subscribe(&KeyRange::new(BEGIN, END))
}

async fn follow(stage: Rc<Stage>, follower: Rc<RefCell<Follower>>) {
    while stage.violation().is_none() {
        let peer = stage.any_peer().await;
        follower.borrow_mut().copy.clear();
        let following = {
            let (stage, follower, peer) = (Rc::clone(&stage), Rc::clone(&follower), peer.clone());
            async move {
                let live = subscribe(&peer)?;
                let mut last = Version::ZERO;
                loop {
                    let changes = live.next().await?;
                    stage.expect(last <= changes.version, || {
                        format!("a subscription was told {last} and then {}", changes.version)
                    });
                    last = changes.version;
                    take(&stage, &follower, &changes);
                    // A slow subscriber.
                    stage.world().sleep_below(8_000).await;
                }
            }
        };
        let ended: Option<Result<()>> = stage.cluster().run_in(&peer, following).await;
        if let Some(Err(error)) = ended {
            stage.check_failure(NAME, &error);
        }
        stage.world().sleep_below(20_000).await;
    }
}

fn take(stage: &Stage, follower: &RefCell<Follower>, changes: &Changes) {
    let mut follower = follower.borrow_mut();
    if follower.crashes != stage.crashes() {
        follower.crashes = stage.crashes();
        follower.told.clear();
    }
    let mut copy = std::mem::take(&mut follower.copy);
    apply(&mut copy, changes);
    follower.told.push((changes.version, copy.clone()));
    follower.copy = copy;
    stage.cluster().note("a subscription was told of changes");
}

/// A few writes inside the range and around it.
async fn write(stage: &Rc<Stage>) {
    let world = stage.world().clone();
    let key = || format!("live/{}", char::from(b'a' + world.random_in(0..8) as u8)).into_bytes();
    let writes: Vec<(Vec<u8>, Option<Vec<u8>>, u8)> = (0..world.random_in(1..4))
        .map(|_| {
            let value = world.random_in(0..200) as u8;
            (key(), world.one_in(4).then(&key), value)
        })
        .collect();
    let body = async move |tn: &Recorded| {
        for (key, cleared_to, value) in &writes {
            match cleared_to {
                Some(to) => tn.clear_range(key.min(to), key.max(to))?,
                None => tn.set(key, &[*value])?,
            }
        }
        Ok(())
    };
    stage.insist(NAME, body).await;
}

impl Workload for Subscriptions {
    fn clients(&self) -> u64 {
        2
    }

    fn set_up(self: Rc<Self>, stage: Rc<Stage>) -> LocalFuture<()> {
        for _ in 0..FOLLOWERS {
            let follower = Rc::<RefCell<Follower>>::default();
            self.followers.borrow_mut().push(Rc::clone(&follower));
            drop(stage.world().spawn(follow(Rc::clone(&stage), follower)));
        }
        Box::pin(std::future::ready(()))
    }

    fn client(self: Rc<Self>, stage: Rc<Stage>, client: Client) -> LocalFuture<()> {
        Box::pin(async move {
            for _ in 0..client.steps {
                client.pause(&stage).await;
                write(&stage).await;
            }
        })
    }

    fn check(self: Rc<Self>, stage: Rc<Stage>) -> LocalFuture<()> {
        Box::pin(async move {
            let last = async |tn: &Recorded| tn.set(LAST, LAST_VALUE);
            stage.insist(NAME, last).await;
            let is_behind = |follower: &Rc<RefCell<Follower>>| {
                follower
                    .borrow()
                    .copy
                    .get(LAST)
                    .is_none_or(|value| value != LAST_VALUE)
            };
            let since_us = stage.world().now_us();
            while self.followers.borrow().iter().any(is_behind)
                && stage.world().now_us() - since_us < PATIENCE_US
            {
                stage.world().sleep(100_000).await;
            }
            let timeline = match Timeline::of_log(&stage.cluster().whole_log()) {
                Ok(timeline) => timeline,
                Err(error) => return stage.violate(error),
            };
            for follower in self.followers.borrow().iter() {
                stage.expect(!is_behind(follower), || {
                    "a change of a live range was lost".to_owned()
                });
                let follower = follower.borrow();
                if follower.crashes != stage.crashes() {
                    continue;
                }
                for (version, copy) in &follower.told {
                    let expected = timeline.range(BEGIN, END, Place::after(*version));
                    let copy: Rows = copy.clone().into_iter().collect();
                    stage.expect(copy == expected, || {
                        format!("a live range was told as {copy:?} at {version}, and was {expected:?}")
                    });
                }
            }
        })
    }
}
