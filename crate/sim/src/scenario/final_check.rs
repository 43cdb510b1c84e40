//! The verdict on what is left at the end of a run: every peer, the pages, the history, and damaged copies.

use std::rc::Rc;

use plinth_core::engine::{CheckReport, FoldResult};
use plinth_core::words::{KeySelector, RangeOptions};
use plinth_core::{ErrorCode, Result, TransactionOptions};

use super::Scenario;
use super::stage::Stage;
use crate::cluster::{Cluster, ClusterOptions, Peer};
use crate::disk::Item;
use crate::history::Checked;
use crate::timeline::{Rows, Timeline};

/// How often a compaction that others are in the way of is tried again.
const COMPACTIONS_MAX: u32 = 40;
/// Damages done to copies of the disk.
const DAMAGES: u32 = 3;

/// Checks everything that is left; violations are told to the stage.
pub(super) async fn check(stage: &Rc<Stage>, scenario: &Scenario) -> Checked {
    let timeline = match Timeline::of_log(&stage.cluster().whole_log()) {
        Ok(timeline) => timeline,
        Err(violation) => {
            stage.violate(violation);
            return Checked::default();
        }
    };
    let rows = timeline.newest_rows();
    for peer in stage.open_peers() {
        check_peer(stage, &peer, &rows).await;
    }
    if let Some(peer) = stage.open_peers().first() {
        check_pages(stage, peer).await;
    }
    let checked = match stage.judge(&timeline) {
        Ok(checked) => checked,
        Err(violation) => {
            stage.violate(violation);
            Checked::default()
        }
    };
    if scenario.hazards.contains(&super::Hazard::Damage) {
        for _ in 0..DAMAGES {
            damage_copy(stage, scenario, &rows).await;
        }
    }
    checked
}

/// All rows that a peer reads in one transaction.
async fn all_rows(peer: &Peer) -> Result<Rows> {
    let body = async |transaction: &Rc<plinth_core::Transaction<_>>| {
        let mut rows = Rows::new();
        let mut begin = KeySelector::first_greater_or_equal(b"".as_slice());
        let end = KeySelector::first_greater_or_equal(b"\xff".as_slice());
        loop {
            let batch = transaction
                .get_range(&begin, &end, RangeOptions::default())
                .await?;
            let more = batch.more;
            rows.extend(
                batch
                    .rows
                    .iter()
                    .map(|(key, value)| (key.to_vec(), value.to_vec())),
            );
            match rows.last() {
                Some((key, _)) if more => begin = KeySelector::first_greater_than(key.as_slice()),
                _ => return Ok(rows),
            }
        }
    };
    peer.database.run(TransactionOptions::default(), body).await
}

async fn check_peer(stage: &Rc<Stage>, peer: &Peer, expected: &Rows) {
    let reader = peer.clone();
    let read = stage
        .cluster()
        .run_in(peer, async move { all_rows(&reader).await })
        .await;
    match read {
        Some(Ok(rows)) => stage.expect(rows == *expected, || {
            format!(
                "peer {} reads {} at the end",
                peer.lane(),
                difference(&rows, expected)
            )
        }),
        Some(Err(error)) => stage.violate(format!("peer {} can't be read at the end: {error}", peer.lane())),
        None => stage.violate("a peer is gone at the end".to_owned()),
    }
}

/// In which row two lists of rows first differ.
fn difference(found: &Rows, expected: &Rows) -> String {
    let show = |row: Option<&(Vec<u8>, Vec<u8>)>| match row {
        Some((key, value)) => format!("{}={}", key.escape_ascii(), value.escape_ascii()),
        None => "nothing".to_owned(),
    };
    let place = (0..).find(|&index| found.get(index) != expected.get(index) || index > found.len());
    let place = place.unwrap_or_default();
    let (found, expected) = (show(found.get(place)), show(expected.get(place)));
    format!("{found}, the log says {expected}")
}

async fn check_pages(stage: &Rc<Stage>, peer: &Peer) {
    let checked = peer.clone();
    let world = stage.world().clone();
    let looking = peer.clone();
    let look = async move { looking.database.check().await };
    match stage.cluster().run_in(peer, look).await {
        Some(Ok(report)) => expect_no_page_is_forgotten(stage, &report),
        // Others fold all the time.
        Some(Err(error)) if error.code() == ErrorCode::IoError => {}
        Some(Err(error)) => stage.violate(format!("the check at the end failed: {error}")),
        None => stage.violate("a peer is gone at the end".to_owned()),
    }
    let check = async move {
        for _ in 0..COMPACTIONS_MAX {
            match checked.database.compact().await {
                Ok(FoldResult::Busy) => world.sleep(2_000_000).await,
                Ok(_) => break,
                Err(error) if error.code() == ErrorCode::IoError => world.sleep(2_000_000).await,
                Err(error) => return Err(error),
            }
        }
        checked.database.check().await
    };
    match stage.cluster().run_in(peer, check).await {
        Some(Ok(report)) => {
            stage.expect(report.damage.is_empty(), || {
                format!("damage at the end: {:?}", report.damage)
            });
            stage.expect(report.unreachable_page_count == 0, || {
                let count = report.unreachable_page_count;
                format!("{count} pages that nothing refers to are left after a compaction")
            });
        }
        Some(Err(error)) => stage.violate(format!("the check at the end failed: {error}")),
        None => stage.violate("a peer is gone at the end".to_owned()),
    }
}

/// Whoever died and whatever was given up: a page that is not in use is known to the root (I10). A compaction would
/// delete the others, and hide that there were any.
pub(super) fn expect_no_page_is_forgotten(stage: &Stage, report: &CheckReport) {
    stage.expect(report.unreachable_page_count == 0, || {
        let count = report.unreachable_page_count;
        format!("{count} pages are neither in the tree, nor condemned, nor reserved")
    });
}

/// Damages something stored in a copy of the disk: whoever reads it must be told, or see the right data.
async fn damage_copy(stage: &Rc<Stage>, scenario: &Scenario, expected: &Rows) {
    let world = stage.world().clone();
    let disk = stage.cluster().disk().copy();
    let items = disk.items();
    // Nobody can know that there was a newer record.
    let newest = items
        .iter()
        .rev()
        .find(|item| matches!(item, Item::Log(_)))
        .copied();
    if items.is_empty() {
        return;
    }
    let Some(&item) = items.get(world.random_in(0..items.len() as u64) as usize) else {
        return;
    };
    let is_loss = world.one_in(4) && Some(item) != newest;
    if is_loss {
        disk.lose(item);
    } else {
        let random = world.random_u64();
        disk.damage(item, |bytes| {
            let bit = (random % (8 * bytes.len().max(1) as u64)) as usize;
            if let Some(byte) = bytes.get_mut(bit / 8) {
                *byte ^= 1 << (bit % 8);
            }
        });
    }
    let options = ClusterOptions {
        engine: scenario.engine(),
        ..ClusterOptions::default()
    };
    let cluster = Cluster::over(&world, &disk, options);
    let read = match cluster.try_open().await {
        Ok(peer) => all_rows(&peer).await,
        Err(error) => Err(error),
    };
    match read {
        Ok(rows) => stage.expect(rows == *expected, || {
            format!(
                "{item:?} was {}, and {} is read without an error",
                if is_loss { "taken away" } else { "damaged" },
                difference(&rows, expected)
            )
        }),
        Err(error)
            if matches!(
                error.code(),
                ErrorCode::FileCorrupt | ErrorCode::IncompatibleProtocolVersion
            ) =>
        {
            stage.cluster().note("damage was told");
        }
        Err(error) => stage.violate(format!("{item:?} was damaged, which is told as {error}")),
    }
}
