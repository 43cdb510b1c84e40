//! Exports are made while others write, and imported into another database. Each export is the range exactly as
//! it was at the version that it names, which is no older than what was acknowledged before it began; the other
//! database gets that and keeps what is outside of the range, also if an import is broken off and done again. A
//! damaged export is refused.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use plinth_core::pure::{ExportFrame, ExportReader};
use plinth_core::words::{KeyRange, KeySelector, LocalFuture, Mutation, RangeOptions, Version};
use plinth_core::{ErrorCode, ImportMode, Result, Transaction, TransactionOptions};

use super::{Client, Workload};
use crate::cluster::{Cluster, Peer};
use crate::executor::Simulation;
use crate::scenario::{Recorded, Stage};
use crate::simulated_storage::SimulatedStorage;
use crate::timeline::{Place, Rows, Timeline};

const NAME: &str = "export-import";
const BEGIN: &[u8] = b"export/";
const END: &[u8] = b"export0";
/// What the other database has before, in the range and behind it.
const STALE: &[u8] = b"export/stale";
const OUTSIDE: &[u8] = b"export1";
const ROWS: u64 = 40;
/// Longest pauses of one who reads an export: after the last one, no transaction is alive that read before.
const PAUSES_US: [u64; 4] = [0, 2_000, 100_000, 9_000_000];
/// How often something is tried before it is said to be impossible.
const ATTEMPTS_MAX: u32 = 300;

#[derive(Default)]
pub(super) struct ExportImport {
    /// Rows so large that an export has several frames.
    is_large: Cell<bool>,
}

/// A finished export.
struct Exported {
    bytes: Vec<u8>,
    rows: Rows,
}

fn row(index: u64) -> Vec<u8> {
    format!("export/{index:03}").into_bytes()
}

/// What an export says of an empty range, at which version, and whether it tells anything twice.
fn rows_in(bytes: &[u8]) -> Result<(Rows, Version, bool)> {
    let mut rows = BTreeMap::new();
    let (mut reader, mut at) = (ExportReader::new(), Version::ZERO);
    reader.push(bytes);
    while let Some(frame) = reader.next_frame()? {
        match frame {
            ExportFrame::Begin { .. } => {}
            ExportFrame::Changes(changes) => {
                for change in changes {
                    match change {
                        Mutation::Set(key, value) => drop(rows.insert(key.to_vec(), value.to_vec())),
                        Mutation::ClearRange(range) => rows.retain(|key: &Vec<u8>, _| !range.contains(key)),
                        Mutation::Atomic(..) => {}
                    }
                }
            }
            ExportFrame::End { version } => at = version,
        }
    }
    reader.finish()?;
    let is_revised = reader.totals().rows > rows.len() as u64 || reader.totals().clears > 0;
    Ok((rows.into_iter().collect(), at, is_revised))
}

/// Holds a finished export against the log as it is now.
fn judge(stage: &Stage, bytes: Vec<u8>, acknowledged: Version) -> Option<Exported> {
    let (rows, version, is_revised) = match rows_in(&bytes) {
        Ok(read) => read,
        Err(error) => {
            stage.violate(format!("a finished export can't be read: {error}"));
            return None;
        }
    };
    let timeline = match Timeline::of_log(&stage.cluster().whole_log()) {
        Ok(timeline) => timeline,
        Err(violation) => {
            stage.violate(violation);
            return None;
        }
    };
    stage.expect(timeline.has_version(version), || {
        format!("an export is of version {version}, which no commit has")
    });
    stage.expect(version >= acknowledged, || {
        format!("an export is of version {version}, though {acknowledged} was acknowledged before it began")
    });
    let expected = timeline.range(BEGIN, END, Place::after(version));
    stage.expect(rows == expected, || {
        let (found, expected) = (rows.len(), expected.len());
        format!("an export of {found} rows is not the database at {version}, which has {expected}")
    });
    if is_revised {
        stage
            .cluster()
            .note("an export told of changes that came meanwhile");
    }
    Some(Exported { bytes, rows })
}

/// Exports the range from some peer, with pauses between the frames.
async fn export(stage: &Rc<Stage>, longest_pause_us: u64) -> Option<Exported> {
    let peer = stage.any_peer().await;
    let exporting = {
        let (stage, peer) = (Rc::clone(stage), peer.clone());
        let acknowledged = stage.acknowledged();
        async move {
            let mut export = peer.database.export(&KeyRange::new(BEGIN, END))?;
            let mut bytes = Vec::new();
            while let Some(frame) = export.next().await? {
                bytes.extend(frame);
                stage.world().sleep_below(longest_pause_us).await;
            }
            stage.expect(export.totals().1 == bytes.len() as u64, || {
                "an export counts other bytes than it gives".to_owned()
            });
            // Here, in the peer: it dies with the machine, before anything that it has seen is lost.
            Ok(judge(&stage, bytes, acknowledged))
        }
    };
    let exported: Option<Result<_>> = stage.cluster().run_in(&peer, exporting).await;
    match exported {
        Some(Ok(exported)) => exported,
        Some(Err(error)) => {
            stage.check_failure(NAME, &error);
            None
        }
        None => {
            stage.cluster().note("an export was broken off");
            None
        }
    }
}

/// Writes an export into another database, piece by piece.
async fn import(peer: &Peer, world: &Simulation, mode: ImportMode, bytes: &[u8]) -> Result<()> {
    let mut import = peer.database.import(mode, TransactionOptions::default())?;
    let piece = 1 + world.random_in(0..2 * bytes.len() as u64) as usize;
    for some in bytes.chunks(piece) {
        import.write(some).await?;
    }
    import.finish()?;
    Ok(())
}

/// All rows of a database.
async fn all_rows(tn: &Rc<Transaction<SimulatedStorage>>) -> Result<Rows> {
    let mut rows = Rows::new();
    let mut begin = KeySelector::first_greater_or_equal(b"".as_slice());
    let end = KeySelector::first_greater_or_equal(b"\xff".as_slice());
    loop {
        let batch = tn.get_range(&begin, &end, RangeOptions::default()).await?;
        let found = batch.rows.iter();
        rows.extend(found.map(|(key, value)| (key.to_vec(), value.to_vec())));
        match rows.last() {
            Some((key, _)) if batch.more => begin = KeySelector::first_greater_than(key.as_slice()),
            _ => return Ok(rows),
        }
    }
}

/// The other database, as bad as the first one.
struct Target {
    stage: Rc<Stage>,
    cluster: Cluster,
}

impl Target {
    /// Does something on a peer until it succeeds.
    async fn insist<T: 'static>(
        &self,
        body: impl AsyncFn(&Rc<Transaction<SimulatedStorage>>) -> Result<T> + Clone + 'static,
    ) -> Option<T> {
        for _ in 0..ATTEMPTS_MAX {
            let peer = self.cluster.open().await;
            let (own, body) = (peer.clone(), body.clone());
            let running = async move { own.database.run(TransactionOptions::default(), body).await };
            let told = self.cluster.run_in(&peer, running).await;
            self.cluster.kill(&peer);
            match told {
                Some(Ok(value)) => return Some(value),
                Some(Err(error)) => self.stage.check_failure(NAME, &error),
                None => {}
            }
        }
        self.stage.violate("the other database can't be used");
        None
    }

    /// Imports, with one peer, which is killed on the way now and then.
    async fn try_import(&self, mode: ImportMode, bytes: &Rc<Vec<u8>>) -> Option<Result<()>> {
        let peer = self.cluster.open().await;
        let world = self.stage.world().clone();
        let importing = {
            let (peer, world, bytes) = (peer.clone(), world.clone(), Rc::clone(bytes));
            async move { import(&peer, &world, mode, &bytes).await }
        };
        let importing = self.cluster.run_in(&peer, importing);
        if !self.stage.is_quiet() && world.one_in(3) {
            let (cluster, doomed, time) = (self.cluster.clone(), peer.clone(), world.sleep_below(10_000));
            let killing = async move {
                time.await;
                cluster.kill(&doomed);
            };
            drop(world.spawn(killing));
        }
        let told = importing.await;
        self.cluster.kill(&peer);
        told
    }

    async fn check(&self, exported: &Exported) {
        let Some(rows) = self.insist(async |tn| all_rows(tn).await).await else {
            return;
        };
        let mut expected = exported.rows.clone();
        expected.push((OUTSIDE.to_vec(), b"stays".to_vec()));
        self.stage.expect(rows == expected, || {
            let (found, expected) = (rows.len(), expected.len());
            format!("an import left other rows, {found}, than were exported, {expected}")
        });
        self.stage.cluster().note("an export was imported");
    }
}

/// Imports an export into another database and compares.
async fn import_elsewhere(stage: &Rc<Stage>, exported: &Exported) {
    let (world, stage) = (stage.world(), Rc::clone(stage));
    let cluster = stage.cluster().another();
    let target = Target { stage, cluster };
    let has_stale = world.one_in(2);
    let prepare = async move |tn: &Rc<Transaction<SimulatedStorage>>| {
        if has_stale {
            tn.set(STALE, b"goes")?;
        }
        tn.set(OUTSIDE, b"stays")
    };
    if target.insist(prepare).await.is_none() {
        return;
    }
    let mut mode = ImportMode::Empty;
    if world.one_in(4) {
        let mut damaged = exported.bytes.clone();
        let place = world.random_in(0..damaged.len() as u64) as usize;
        if let Some(byte) = damaged.get_mut(place) {
            *byte ^= 1 << world.random_in(0..8);
        }
        let told = target.try_import(ImportMode::Replace, &Rc::new(damaged)).await;
        target.stage.expect(!matches!(told, Some(Ok(()))), || {
            format!("an export with a wrong bit in byte {place} was imported")
        });
        mode = ImportMode::Replace;
    }
    let bytes = Rc::new(exported.bytes.clone());
    for _ in 0..ATTEMPTS_MAX {
        match target.try_import(mode, &bytes).await {
            Some(Ok(())) => {
                target
                    .stage
                    .expect(mode == ImportMode::Replace || !has_stale, || {
                        "an import into a range that was not empty was not refused".to_owned()
                    });
                return target.check(exported).await;
            }
            Some(Err(error)) if error.code() == ErrorCode::RestoreDestinationNotEmpty => {
                target.stage.expect(mode == ImportMode::Empty && has_stale, || {
                    format!("an import is refused: {error}")
                });
            }
            Some(Err(error)) => target.stage.check_failure(NAME, &error),
            None => target.stage.cluster().note("an import was broken off"),
        }
        mode = ImportMode::Replace;
    }
    target.stage.violate("an export can't be imported");
}

impl ExportImport {
    fn random_value(&self, world: &Simulation) -> Vec<u8> {
        let bytes = if self.is_large.get() { 12_000 } else { 80 };
        vec![b'0' + world.random_in(0..10) as u8; world.random_in(0..bytes) as usize]
    }

    /// A few writes here and there.
    async fn write(&self, stage: &Rc<Stage>) {
        let world = stage.world();
        let writes: Vec<(u64, Option<Vec<u8>>)> = (0..world.random_in(1..5))
            .map(|_| {
                let value = (!world.one_in(4)).then(|| self.random_value(world));
                (world.random_in(0..ROWS), value)
            })
            .collect();
        let body = async move |tn: &Recorded| {
            for (index, value) in &writes {
                match value {
                    Some(value) => tn.set(&row(*index), value)?,
                    None => tn.clear_range(&row(*index), &row(index + 3))?,
                }
            }
            Ok(())
        };
        stage.insist(NAME, body).await;
    }
}

impl Workload for ExportImport {
    fn clients(&self) -> u64 {
        3
    }

    fn set_up(self: Rc<Self>, stage: Rc<Stage>) -> LocalFuture<()> {
        Box::pin(async move {
            let world = stage.world();
            self.is_large.set(world.one_in(4));
            let values: Vec<Vec<u8>> = (0..ROWS).map(|_| self.random_value(world)).collect();
            let body = async move |tn: &Recorded| {
                let mut rows = values.iter().zip(0..);
                rows.try_for_each(|(value, index)| tn.set(&row(index), value))
            };
            stage.establish(NAME, body).await;
        })
    }

    fn client(self: Rc<Self>, stage: Rc<Stage>, client: Client) -> LocalFuture<()> {
        Box::pin(async move {
            if client.number > 0 {
                for _ in 0..2 * client.steps {
                    client.pause(&stage).await;
                    self.write(&stage).await;
                }
                return;
            }
            for _ in 0..client.steps.div_ceil(4) {
                client.pause(&stage).await;
                let index = stage.world().random_in(0..PAUSES_US.len() as u64) as usize;
                let longest_pause_us = PAUSES_US.get(index).copied().unwrap_or_default();
                if let Some(exported) = export(&stage, longest_pause_us).await {
                    import_elsewhere(&stage, &exported).await;
                }
            }
        })
    }

    fn check(self: Rc<Self>, stage: Rc<Stage>) -> LocalFuture<()> {
        Box::pin(async move {
            for _ in 0..ATTEMPTS_MAX {
                if let Some(exported) = export(&stage, 0).await {
                    return import_elsewhere(&stage, &exported).await;
                }
            }
            stage.violate("nothing can be exported when all is quiet");
        })
    }
}
