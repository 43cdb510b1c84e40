//! The browser throws the database away, or another tab deletes it, while peers use it: each is told
//! `file_not_found`, or reads what was true before; none ever mixes the old database with the new one.

use std::rc::Rc;

use plinth_core::words::LocalFuture;
use plinth_core::{ErrorCode, Result};

use super::{Client, Workload, number, set_number};
use crate::cluster::Peer;
use crate::scenario::{Recorded, Stage, Told};

const NAME: &str = "eviction";
const ROWS: u64 = 6;

pub(super) struct Eviction;

fn row(index: u64) -> Vec<u8> {
    format!("life/{index}").into_bytes()
}

/// Every row says in which life of the database it was written.
fn write(tn: &Recorded, life: u64) -> Result<()> {
    (0..ROWS).try_for_each(|index| set_number(tn, &row(index), life))
}

async fn lives(tn: &Recorded) -> Result<Vec<u64>> {
    let mut lives = Vec::new();
    for index in 0..ROWS {
        lives.push(number(tn, &row(index)).await?);
    }
    Ok(lives)
}

/// A peer of the last life: it may still read that, until it is told that it is over, and commits nothing.
async fn outlive(stage: &Rc<Stage>, peer: &Peer, life: u64) {
    for _ in 0..4 {
        stage.world().sleep_below(400_000).await;
        match stage.attempt(NAME, peer, stage.options(), lives).await {
            Told::Committed(lives, _) => {
                let is_old = lives.iter().all(|found| *found == life);
                stage.expect(is_old, || {
                    format!("a peer of life {life} read rows of lives {lives:?}")
                });
            }
            Told::Failed(error) if error.code() == ErrorCode::FileNotFound => {}
            Told::Failed(error) => stage.check_failure(NAME, &error),
            Told::Unknown => {}
        }
        let body = async move |tn: &Recorded| write(tn, life);
        match stage.attempt(NAME, peer, stage.options(), body).await {
            Told::Committed(..) => {
                stage.violate(format!(
                    "a peer of life {life} committed after the end of that life"
                ));
            }
            Told::Failed(error) if error.code() == ErrorCode::FileNotFound => {
                stage.cluster().note("a peer was told that its database is gone");
                return;
            }
            Told::Failed(error) => stage.check_failure(NAME, &error),
            Told::Unknown => {}
        }
    }
}

impl Workload for Eviction {
    fn clients(&self) -> u64 {
        1
    }

    fn client(self: Rc<Self>, stage: Rc<Stage>, client: Client) -> LocalFuture<()> {
        Box::pin(async move {
            for life in 1..=client.steps.min(4) {
                // Some records, so that numbers of the next life meet those of this one.
                for _ in 0..stage.world().random_in(1..12) {
                    stage
                        .insist(NAME, async move |tn: &Recorded| write(tn, life))
                        .await;
                }
                let old = stage.open_peers();
                stage.end_of_life();
                if stage.world().one_in(2) {
                    stage.cluster().note("another tab deleted the database");
                    stage.cluster().delete_database(&old);
                } else {
                    stage.cluster().note("the browser threw the database away");
                    stage.cluster().evict_database(&old);
                }
                // Those of the next life write at once, while the old ones go on.
                let newcomer = stage.cluster().open().await;
                let next = async move |tn: &Recorded| write(tn, life + 1);
                for _ in 0..stage.world().random_in(0..14) {
                    let _any_end = stage.attempt(NAME, &newcomer, stage.options(), next).await;
                }
                for peer in &old {
                    outlive(&stage, peer, life).await;
                    stage.cluster().kill(peer);
                }
                stage.replace_peers(vec![newcomer]);
                stage
                    .insist(NAME, async move |tn: &Recorded| write(tn, life + 1))
                    .await;
            }
        })
    }
}
