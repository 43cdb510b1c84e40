//! FoundationDB's VersionStamp: stamps that were told are those that are stored, and increase in the order in
//! which commits were acknowledged.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use plinth_core::words::{Durability, LocalFuture};
use plinth_core::{Result, TransactionOptions};

use super::{Client, Workload};
use crate::scenario::{Recorded, Stage, Told};

const NAME: &str = "versionstamp";

type Stamp = Vec<u8>;

/// What clients were told, by the name of the entry: the stamp, and the newest one acknowledged before.
#[derive(Default)]
pub(super) struct VersionStamp {
    told: RefCell<BTreeMap<String, (Stamp, Option<Stamp>)>>,
}

fn template(prefix: &[u8]) -> Vec<u8> {
    let place = prefix.len() as u32;
    [prefix, &[0; 10], &place.to_le_bytes()].concat()
}

impl VersionStamp {
    async fn append(&self, stage: &Rc<Stage>, name: String) {
        let peer = stage.any_peer().await;
        let after = self.told.borrow().values().map(|(stamp, _)| stamp.clone()).max();
        let options = TransactionOptions {
            durability: Durability::Strict,
            ..stage.options()
        };
        let entry = name.clone();
        let body = async move |tn: &Recorded| {
            let tn = tn.raw();
            tn.set_versionstamped_key(&template(b"stamped/log/"), entry.as_bytes())?;
            let key = [b"stamped/entry/", entry.as_bytes()].concat();
            tn.set_versionstamped_value(&key, &template(b""))?;
            Ok(tn.versionstamp())
        };
        match stage.attempt(NAME, &peer, options, body).await {
            Told::Committed(stamp, _) => {
                if let Some(Ok(stamp)) = stage.cluster().run_in(&peer, stamp).await {
                    self.told.borrow_mut().insert(name, (stamp.to_vec(), after));
                }
            }
            Told::Failed(error) => stage.check_failure(NAME, &error),
            Told::Unknown => {}
        }
    }
}

async fn stored(tn: &Recorded) -> Result<BTreeMap<String, Vec<Stamp>>> {
    let mut stored: BTreeMap<String, Vec<Stamp>> = BTreeMap::new();
    for (key, name) in tn.all_rows(b"stamped/log/", b"stamped/log0").await? {
        let name = String::from_utf8_lossy(&name).into_owned();
        let stamp = key.get(b"stamped/log/".len()..).unwrap_or_default().to_vec();
        stored.entry(name).or_default().push(stamp);
    }
    Ok(stored)
}

impl Workload for VersionStamp {
    fn clients(&self) -> u64 {
        3
    }

    fn client(self: Rc<Self>, stage: Rc<Stage>, client: Client) -> LocalFuture<()> {
        Box::pin(async move {
            for step in 0..client.steps {
                client.pause(&stage).await;
                self.append(&stage, format!("{}-{step}", client.number)).await;
            }
        })
    }

    fn check(self: Rc<Self>, stage: Rc<Stage>) -> LocalFuture<()> {
        Box::pin(async move {
            let (stored, _) = stage.insist(NAME, stored).await;
            for (name, (stamp, after)) in self.told.borrow().iter() {
                let found = stored.get(name);
                stage.expect(found.is_some_and(|found| *found == [stamp.clone()]), || {
                    format!("entry {name} was told stamp {stamp:?}, stored are {found:?}")
                });
                stage.expect(after.as_ref().is_none_or(|after| after < stamp), || {
                    format!("entry {name} has stamp {stamp:?} after {after:?} was acknowledged")
                });
            }
        })
    }
}
