//! FoundationDB's Sideband: a commit is told to somebody else by a way that has nothing to do with the
//! database, who then sees it, on whatever peer.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use plinth_core::TransactionOptions;
use plinth_core::words::{Durability, LocalFuture};

use super::{Client, Workload};
use crate::scenario::{Recorded, Stage, Told};

const NAME: &str = "sideband";

/// Keys that were committed, for the others.
#[derive(Default)]
pub(super) struct Sideband {
    told: RefCell<VecDeque<Vec<u8>>>,
}

impl Sideband {
    async fn tell(&self, stage: &Rc<Stage>, key: Vec<u8>) {
        let peer = stage.any_peer().await;
        let options = TransactionOptions {
            durability: Durability::Strict,
            ..stage.options()
        };
        let written = key.clone();
        let body = async move |tn: &Recorded| tn.set(&written, b"here");
        match stage.attempt(NAME, &peer, options, body).await {
            Told::Committed(..) => self.told.borrow_mut().push_back(key),
            Told::Failed(error) => stage.check_failure(NAME, &error),
            Told::Unknown => {}
        }
    }

    async fn look(&self, stage: &Rc<Stage>) {
        let Some(key) = self.told.borrow_mut().pop_front() else {
            return;
        };
        // By a way that needs no transaction, where there is one.
        let at_once = stage.any_peer().await.database.get_now(&key);
        let is_missed = at_once.is_some_and(|value| value.is_none());
        stage.expect(!is_missed, || {
            format!(
                "{} was committed before, and is not seen at once",
                key.escape_ascii()
            )
        });
        let read = key.clone();
        let body = async move |tn: &Recorded| tn.get(&read, false).await;
        let (found, _) = stage.insist(NAME, body).await;
        stage.expect(found.is_some(), || {
            format!("{} was committed before, and is not seen", key.escape_ascii())
        });
    }
}

impl Workload for Sideband {
    fn clients(&self) -> u64 {
        4
    }

    fn client(self: Rc<Self>, stage: Rc<Stage>, client: Client) -> LocalFuture<()> {
        Box::pin(async move {
            for step in 0..client.steps {
                client.pause(&stage).await;
                if client.number.is_multiple_of(2) {
                    let key = format!("sideband/{}-{step}", client.number).into_bytes();
                    self.tell(&stage, key).await;
                } else {
                    self.look(&stage).await;
                }
            }
        })
    }

    fn check(self: Rc<Self>, stage: Rc<Stage>) -> LocalFuture<()> {
        Box::pin(async move {
            while !self.told.borrow().is_empty() {
                self.look(&stage).await;
            }
        })
    }
}
