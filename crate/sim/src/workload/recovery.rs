//! Counters that only grow: an acknowledged strict commit survives anything, an acknowledged relaxed one
//! anything but the death of the machine.

use std::rc::Rc;

use plinth_core::TransactionOptions;
use plinth_core::words::{Durability, LocalFuture};

use super::{Client, Workload, number, set_number};
use crate::scenario::{Recorded, Stage, Told};

const NAME: &str = "recovery";

pub(super) struct Recovery;

/// What a client was promised.
#[derive(Clone, Copy, Default)]
struct Promise {
    strict: u64,
    relaxed: u64,
    /// How often the machine had died when the relaxed one was begun.
    crashes: u64,
}

impl Promise {
    fn floor(&self, crashes: u64) -> u64 {
        if self.crashes == crashes {
            self.strict.max(self.relaxed)
        } else {
            self.strict
        }
    }
}

impl Workload for Recovery {
    fn clients(&self) -> u64 {
        2
    }

    fn client(self: Rc<Self>, stage: Rc<Stage>, client: Client) -> LocalFuture<()> {
        Box::pin(async move {
            let key = format!("recovery/{}", client.number).into_bytes();
            let mut promise = Promise::default();
            for step in 1..=2 * client.steps {
                let peer = client.next_peer(&stage).await;
                let is_strict = stage.world().one_in(2);
                let options = TransactionOptions {
                    durability: if is_strict {
                        Durability::Strict
                    } else {
                        Durability::Relaxed
                    },
                    ..stage.options()
                };
                let crashes = stage.crashes();
                let written = key.clone();
                let body = async move |tn: &Recorded| set_number(tn, &written, step);
                if let Told::Committed(..) = stage.attempt(NAME, &peer, options, body).await {
                    if is_strict {
                        promise.strict = step;
                    } else {
                        promise = Promise {
                            relaxed: step,
                            crashes,
                            ..promise
                        };
                    }
                }
                let read = key.clone();
                let body = async move |tn: &Recorded| number(tn, &read).await;
                let (found, _) = stage.insist(NAME, body).await;
                let floor = promise.floor(stage.crashes());
                stage.expect(found >= floor, || {
                    format!(
                        "counter {} was acknowledged at {floor} and is {found}",
                        client.number
                    )
                });
            }
        })
    }
}
