//! Room runs out: commits fail, nothing that was acknowledged is lost, and everything goes on as soon as
//! there is room again. What others do meanwhile fails and is tried again.

use std::rc::Rc;

use plinth_core::words::LocalFuture;

use super::{Client, Workload};
use crate::scenario::{Recorded, Stage, Told};

const NAME: &str = "quota";

pub(super) struct Quota;

impl Quota {
    /// Fills the room that there is; gives how many rows were acknowledged.
    async fn fill(stage: &Rc<Stage>, round: u64) -> u64 {
        let mut rows = 0;
        loop {
            // An engine that has trapped refuses without any time passing.
            stage.world().sleep(500).await;
            let peer = stage.any_peer().await;
            let errors = peer.connection().quota_errors();
            let key = format!("quota/{round:03}/{rows:03}").into_bytes();
            let body = async move |tn: &Recorded| tn.set(&key, &[b'q'; 900]);
            match stage.attempt(NAME, &peer, stage.options(), body).await {
                Told::Committed(..) => rows += 1,
                Told::Failed(error) => {
                    stage.check_failure(NAME, &error);
                    // The commit itself found no room, or the fold did that was to make room in memory for it.
                    if peer.connection().quota_errors() > errors {
                        stage.cluster().note("room ran out");
                        return rows;
                    }
                }
                Told::Unknown => {}
            }
            if rows > 40 || stage.violation().is_some() {
                return rows;
            }
        }
    }
}

impl Workload for Quota {
    fn clients(&self) -> u64 {
        1
    }

    fn client(self: Rc<Self>, stage: Rc<Stage>, client: Client) -> LocalFuture<()> {
        Box::pin(async move {
            for round in 0..client.steps.div_ceil(4) {
                client.pause(&stage).await;
                let crashes = stage.crashes();
                let disk = stage.cluster().disk().clone();
                disk.limit_growth(Some(stage.world().random_in(0..8_000)));
                let acknowledged = Quota::fill(&stage, round).await;
                let prefix = format!("quota/{round:03}/").into_bytes();
                let end = format!("quota/{round:03}0").into_bytes();
                let body = async move |tn: &Recorded| tn.all_rows(&prefix, &end).await;
                let (rows, _) = stage.insist(NAME, body).await;
                disk.limit_growth(None);
                let is_lost = (rows.len() as u64) < acknowledged && stage.crashes() == crashes;
                stage.expect(!is_lost, || {
                    format!("{acknowledged} rows were acknowledged, {} are there", rows.len())
                });
                let clear = async |tn: &Recorded| tn.clear_range(b"quota/", b"quota0");
                stage.insist(NAME, clear).await;
            }
        })
    }
}
