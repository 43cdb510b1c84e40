//! FoundationDB's Cycle: links of a ring are swapped; every snapshot is one ring.

use std::rc::Rc;

use plinth_core::Result;
use plinth_core::words::LocalFuture;

use super::{Client, Workload, number, parsed, set_number};
use crate::scenario::{Recorded, Stage};

const NAME: &str = "cycle";
const NODES: u64 = 8;

pub(super) struct Cycle;

fn node(index: u64) -> Vec<u8> {
    format!("cycle/{index:02}").into_bytes()
}

async fn swap(tn: &Recorded, start: u64) -> Result<()> {
    let second = number(tn, &node(start)).await?;
    let third = number(tn, &node(second)).await?;
    let fourth = number(tn, &node(third)).await?;
    tn.clear(&node(start))?;
    set_number(tn, &node(start), third)?;
    set_number(tn, &node(second), fourth)?;
    set_number(tn, &node(third), second)
}

async fn links(tn: &Recorded) -> Result<Vec<u64>> {
    let rows = tn.all_rows(b"cycle/", b"cycle0").await?;
    rows.iter().map(|(_, value)| parsed(value)).collect()
}

/// How many links lead from the first node back to it.
fn length(links: &[u64]) -> u64 {
    let (mut at, mut length) = (0, 0);
    loop {
        match links.get(at as usize) {
            Some(&next) => at = next,
            None => return 0,
        }
        length += 1;
        if at == 0 || length > NODES {
            return length;
        }
    }
}

impl Cycle {
    async fn look(stage: &Rc<Stage>) {
        let (links, _) = stage.insist(NAME, links).await;
        stage.expect(links.len() as u64 == NODES && length(&links) == NODES, || {
            format!("the ring is broken: {links:?}")
        });
    }
}

impl Workload for Cycle {
    fn clients(&self) -> u64 {
        3
    }

    fn set_up(self: Rc<Self>, stage: Rc<Stage>) -> LocalFuture<()> {
        Box::pin(async move {
            let fill = async |tn: &Recorded| {
                (0..NODES).try_for_each(|index| set_number(tn, &node(index), (index + 1) % NODES))
            };
            stage.establish(NAME, fill).await;
        })
    }

    fn client(self: Rc<Self>, stage: Rc<Stage>, client: Client) -> LocalFuture<()> {
        Box::pin(async move {
            for _ in 0..client.steps {
                client.pause(&stage).await;
                if stage.world().one_in(4) {
                    Cycle::look(&stage).await;
                } else {
                    let start = stage.world().random_in(0..NODES);
                    let body = async move |tn: &Recorded| swap(tn, start).await;
                    stage.insist(NAME, body).await;
                }
            }
        })
    }

    fn check(self: Rc<Self>, stage: Rc<Stage>) -> LocalFuture<()> {
        Box::pin(async move { Cycle::look(&stage).await })
    }
}
