//! FoundationDB's Serializability: random transactions over few keys, reads left under way while later calls
//! write. What they saw is for the history to judge.

use std::rc::Rc;

use plinth_core::Result;
use plinth_core::words::{AtomicOp, LocalFuture, RangeOptions, StreamingMode};

use super::{Client, Workload};
use crate::executor::Simulation;
use crate::scenario::{Recorded, Stage, Told};

const NAME: &str = "serializability";
const KEYS: u64 = 8;

pub(super) struct Serializability;

fn random_key(world: &Simulation) -> Vec<u8> {
    format!("random/{}", world.random_in(0..KEYS)).into_bytes()
}

fn random_bounds(world: &Simulation) -> (Vec<u8>, Vec<u8>) {
    let (one, other) = (random_key(world), random_key(world));
    if one < other { (one, other) } else { (other, one) }
}

fn random_value(world: &Simulation) -> Vec<u8> {
    let filler = match world.random_in(0..12) {
        0 => 400,
        1 => 60,
        _ => 0,
    };
    let mut value = world.random_in(0..100).to_string().into_bytes();
    value.resize(value.len() + filler, b'.');
    value
}

async fn random_calls(tn: &Recorded, world: &Simulation) -> Result<()> {
    let mut pending = Vec::new();
    let mut pending_ranges = Vec::new();
    for _ in 0..world.random_in(1..8) {
        match world.random_in(0..9) {
            0..=2 => pending.push(tn.get(&random_key(world), world.one_in(5))),
            3 | 4 => {
                let (begin, end) = random_bounds(world);
                let options = RangeOptions {
                    limit: world.random_in(0..4) as usize,
                    reverse: world.one_in(2),
                    snapshot: world.one_in(5),
                    mode: match world.random_in(0..3) {
                        0 => StreamingMode::Small,
                        1 => StreamingMode::Iterator(1),
                        _ => StreamingMode::WantAll,
                    },
                    ..RangeOptions::default()
                };
                pending_ranges.push(tn.range(&begin, &end, options));
            }
            5 | 6 => tn.set(&random_key(world), &random_value(world))?,
            7 => {
                let (begin, end) = random_bounds(world);
                tn.clear_range(&begin, &end)?;
            }
            _ => tn.atomic(AtomicOp::Add, &random_key(world), &[1, 0])?,
        }
        match world.random_in(0..9) {
            0..=2 => world.sleep_below(1_500).await,
            3 => {
                for read in pending.drain(..) {
                    read.await?;
                }
            }
            _ => {}
        }
    }
    for read in pending {
        read.await?;
    }
    for read in pending_ranges {
        read.await?;
    }
    Ok(())
}

impl Workload for Serializability {
    fn clients(&self) -> u64 {
        4
    }

    fn client(self: Rc<Self>, stage: Rc<Stage>, client: Client) -> LocalFuture<()> {
        Box::pin(async move {
            for _ in 0..client.steps {
                let peer = client.next_peer(&stage).await;
                let world = stage.world().clone();
                let body = async move |tn: &Recorded| random_calls(tn, &world).await;
                if let Told::Failed(error) = stage.attempt(NAME, &peer, stage.options(), body).await {
                    stage.check_failure(NAME, &error);
                }
            }
        })
    }
}
