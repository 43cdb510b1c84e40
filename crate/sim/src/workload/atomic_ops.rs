//! FoundationDB's AtomicOps: sums agree with the log of what was added, each exactly once; and every other
//! operation on a few keys, whose values the history checks.

use std::rc::Rc;

use plinth_core::Result;
use plinth_core::words::{AtomicOp, LocalFuture};

use super::{Client, Workload, parsed};
use crate::scenario::{Recorded, Stage};

const NAME: &str = "atomic-ops";
const SUMS: u64 = 3;

const OPERATIONS: [AtomicOp; 11] = [
    AtomicOp::Add,
    AtomicOp::BitAnd,
    AtomicOp::BitOr,
    AtomicOp::BitXor,
    AtomicOp::AppendIfFits,
    AtomicOp::Max,
    AtomicOp::Min,
    AtomicOp::ByteMin,
    AtomicOp::ByteMax,
    AtomicOp::CompareAndClear,
    AtomicOp::Add,
];

pub(super) struct AtomicOps;

async fn sums(tn: &Recorded) -> Result<(u64, u64)> {
    let mut logged = 0;
    for (_, value) in tn.all_rows(b"atomic/log/", b"atomic/log0").await? {
        logged += parsed(&value)?;
    }
    let mut added = 0_u64;
    for (_, value) in tn.all_rows(b"atomic/sum/", b"atomic/sum0").await? {
        let mut bytes = [0; 8];
        bytes.iter_mut().zip(&value).for_each(|(to, from)| *to = *from);
        added = added.wrapping_add(u64::from_le_bytes(bytes));
    }
    Ok((logged, added))
}

impl AtomicOps {
    async fn look(stage: &Rc<Stage>) {
        let ((logged, added), _) = stage.insist(NAME, sums).await;
        stage.expect(logged == added, || {
            format!("{logged} was logged as added, the sums are {added}")
        });
    }

    async fn add(stage: &Rc<Stage>, name: String) {
        let (sum, amount) = (
            stage.world().random_in(0..SUMS),
            stage.world().random_in(0..1_000_000),
        );
        let marker = format!("atomic/log/{name}").into_bytes();
        // The log's row is the marker: the amounts are added once each.
        let body = async move |tn: &Recorded| {
            if tn.get(&marker, false).await?.is_some() {
                return Ok(());
            }
            let key = format!("atomic/sum/{sum}").into_bytes();
            tn.atomic(AtomicOp::Add, &key, &amount.to_le_bytes())?;
            tn.set(&marker, amount.to_string().as_bytes())
        };
        stage.insist(NAME, body).await;
    }

    async fn operate(stage: &Rc<Stage>) {
        let world = stage.world().clone();
        let calls: Vec<(AtomicOp, Vec<u8>, Vec<u8>)> = (0..world.random_in(1..5))
            .map(|_| {
                let index = world.random_in(0..OPERATIONS.len() as u64) as usize;
                let op = OPERATIONS.get(index).copied().unwrap_or(AtomicOp::Add);
                let key = format!("atomic/key/{}", world.random_in(0..4)).into_bytes();
                let operand = (0..world.random_in(1..9))
                    .map(|_| world.random_u64() as u8)
                    .collect();
                (op, key, operand)
            })
            .collect();
        let body = async move |tn: &Recorded| {
            for (op, key, operand) in &calls {
                tn.atomic(*op, key, operand)?;
                if world.one_in(3) {
                    tn.get(key, world.one_in(2)).await?;
                }
            }
            Ok(())
        };
        stage.insist(NAME, body).await;
    }
}

impl Workload for AtomicOps {
    fn clients(&self) -> u64 {
        3
    }

    fn client(self: Rc<Self>, stage: Rc<Stage>, client: Client) -> LocalFuture<()> {
        Box::pin(async move {
            for step in 0..client.steps {
                client.pause(&stage).await;
                match stage.world().random_in(0..5) {
                    0 => AtomicOps::look(&stage).await,
                    1 | 2 => AtomicOps::operate(&stage).await,
                    _ => AtomicOps::add(&stage, format!("{}-{step}", client.number)).await,
                }
            }
        })
    }

    fn check(self: Rc<Self>, stage: Rc<Stage>) -> LocalFuture<()> {
        Box::pin(async move { AtomicOps::look(&stage).await })
    }
}
