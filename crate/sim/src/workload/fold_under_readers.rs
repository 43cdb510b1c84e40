//! Rows that are always rewritten together are read slowly while the log is folded under the readers: every
//! reader sees one generation.

use std::rc::Rc;

use plinth_core::Result;
use plinth_core::words::{LocalFuture, RangeOptions};

use super::{Client, Workload, parsed};
use crate::executor::Simulation;
use crate::scenario::{Recorded, Stage, Told};

const NAME: &str = "fold-under-readers";
const ROWS: u64 = 24;

pub(super) struct FoldUnderReaders;

fn row(index: u64) -> Vec<u8> {
    format!("folded/{index:03}").into_bytes()
}

fn value(generation: u64) -> Vec<u8> {
    format!("{generation:040}").into_bytes()
}

fn rewrite(tn: &Recorded, generation: u64) -> Result<()> {
    (0..ROWS).try_for_each(|index| tn.set(&row(index), &value(generation)))
}

/// Row after row, for up to four seconds.
async fn read_slowly(tn: &Recorded, world: &Simulation) -> Result<Vec<u64>> {
    let mut generations = Vec::new();
    let pause_us = world.random_in(0..4_000_000 / ROWS);
    if world.one_in(2) {
        for index in 0..ROWS {
            let value = tn.get(&row(index), false).await?;
            generations.push(value.map_or(Ok(0), |value| parsed(&value))?);
            world.sleep_below(pause_us).await;
        }
        return Ok(generations);
    }
    let mut from = row(0);
    loop {
        let options = RangeOptions {
            limit: 3,
            ..RangeOptions::default()
        };
        let (rows, more) = tn.range(&from, b"folded0", options).await?;
        for (_, value) in &rows {
            generations.push(parsed(value)?);
        }
        match rows.last() {
            Some((key, _)) if more => from = [key.as_slice(), b"\0"].concat(),
            _ => return Ok(generations),
        }
        world.sleep_below(3 * pause_us).await;
    }
}

impl FoldUnderReaders {
    async fn look(stage: &Rc<Stage>) {
        let peer = stage.any_peer().await;
        let world = stage.world().clone();
        let body = async move |tn: &Recorded| read_slowly(tn, &world).await;
        match stage.attempt(NAME, &peer, stage.options(), body).await {
            Told::Committed(generations, _) => {
                let first = generations.first();
                let is_one = generations.iter().all(|generation| Some(generation) == first);
                stage.expect(is_one && generations.len() as u64 == ROWS, || {
                    format!("a reader saw several generations: {generations:?}")
                });
            }
            Told::Failed(error) => stage.check_failure(NAME, &error),
            Told::Unknown => {}
        }
    }
}

impl Workload for FoldUnderReaders {
    fn clients(&self) -> u64 {
        3
    }

    fn set_up(self: Rc<Self>, stage: Rc<Stage>) -> LocalFuture<()> {
        Box::pin(async move {
            stage.establish(NAME, async |tn: &Recorded| rewrite(tn, 0)).await;
        })
    }

    fn client(self: Rc<Self>, stage: Rc<Stage>, client: Client) -> LocalFuture<()> {
        Box::pin(async move {
            for step in 1..=client.steps {
                client.pause(&stage).await;
                if client.number > 0 {
                    FoldUnderReaders::look(&stage).await;
                    continue;
                }
                stage
                    .insist(NAME, async move |tn: &Recorded| rewrite(tn, step))
                    .await;
                let peer = stage.any_peer().await;
                let folding = peer.clone();
                let folded = async move {
                    let _told_by_the_check = folding.database.fold().await;
                };
                stage.cluster().run_in(&peer, folded).await;
            }
        })
    }

    fn check(self: Rc<Self>, stage: Rc<Stage>) -> LocalFuture<()> {
        Box::pin(async move { FoldUnderReaders::look(&stage).await })
    }
}
