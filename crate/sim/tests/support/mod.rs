//! What the tests of single rules share: one or two peers of a storage that takes a while and has no
//! faults.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test uses a part; one that panics has failed"
)]

pub(crate) mod directories;

use std::rc::Rc;

use plinth_core::engine::{EngineOptions, FoldOptions};
use plinth_core::pure::PageOptions;
use plinth_core::storage::LogEntry;
use plinth_core::words::{KeySelector, RangeOptions, RangeRows, TransactionOption};
use plinth_core::{Error, ErrorCode, Read, Result, Transaction, TransactionOptions};
use plinth_sim::{Cluster, ClusterOptions, Faults, Peer, SimulatedStorage, Simulation};

pub(crate) type Tn = Rc<Transaction<SimulatedStorage>>;

/// Runs a test on a new database whose storage takes a while, and nothing else.
pub(crate) fn with_cluster<F: Future<Output = ()> + 'static>(body: impl FnOnce(Cluster) -> F) {
    with_engine(EngineOptions::default(), body);
}

/// The same, with peers of other options.
pub(crate) fn with_engine<F: Future<Output = ()> + 'static>(
    engine: EngineOptions,
    body: impl FnOnce(Cluster) -> F,
) {
    let world = Simulation::new(7);
    let cluster = cluster_of(&world, engine);
    world.run(body(cluster));
}

/// A new database in a world, as `with_engine` has it.
pub(crate) fn cluster_of(world: &Simulation, engine: EngineOptions) -> Cluster {
    let options = ClusterOptions {
        news_delay_us: 1_000,
        engine,
        ..slow_storage(500)
    };
    Cluster::new(world, options)
}

/// Peers whose pages are small; nothing is folded unless a test asks for it.
pub(crate) fn pages_of(page_bytes: usize) -> EngineOptions {
    EngineOptions {
        fold: FoldOptions {
            pages: PageOptions::of_page_bytes(page_bytes),
            ..FoldOptions::default()
        },
        ..EngineOptions::default()
    }
}

/// A world whose storage takes up to `delay_us`, and which is otherwise perfect.
pub(crate) fn slow_storage(delay_us: u64) -> ClusterOptions {
    let faults = Faults {
        delay_us,
        ..Faults::default()
    };
    ClusterOptions {
        faults,
        ..Default::default()
    }
}

pub(crate) fn begin(peer: &Peer) -> Tn {
    peer.database.create_transaction(TransactionOptions::default())
}

pub(crate) async fn set(peer: &Peer, key: &[u8], value: &[u8]) {
    let transaction = begin(peer);
    transaction.set(key, value).unwrap();
    transaction.commit().await.unwrap();
}

pub(crate) async fn get(transaction: &Tn, key: &[u8]) -> Result<Option<Vec<u8>>> {
    Ok(transaction.get(key, false).await?.map(|value| value.to_vec()))
}

pub(crate) async fn keys(
    transaction: &Tn,
    begin: &[u8],
    end: &[u8],
    options: RangeOptions,
) -> (Vec<String>, bool) {
    let rows = range(transaction, begin, end, options).await.unwrap();
    (
        rows.rows
            .iter()
            .map(|(key, _)| String::from_utf8(key.to_vec()).unwrap())
            .collect(),
        rows.more,
    )
}

/// The rows between two plain keys.
pub(crate) fn range(transaction: &Tn, begin: &[u8], end: &[u8], options: RangeOptions) -> Read<RangeRows> {
    let [begin, end] = [begin, end].map(KeySelector::first_greater_or_equal);
    transaction.get_range(&begin, &end, options)
}

pub(crate) fn code<T>(result: Result<T>) -> Option<ErrorCode> {
    result.err().as_ref().map(Error::code)
}

pub(crate) async fn peer_clear(peer: &Peer, from: &[u8], to: &[u8]) {
    let transaction = begin(peer);
    transaction.clear_range(from, to).unwrap();
    transaction.commit().await.unwrap();
}

pub(crate) fn set_flag(transaction: &Tn, option: TransactionOption) {
    transaction.set_option(option.number(), &[]).unwrap();
}

pub(crate) fn set_integer(transaction: &Tn, option: TransactionOption, value: i64) {
    transaction
        .set_option(option.number(), &value.to_le_bytes())
        .unwrap();
}

/// Whether an entry of the log says that it has another number than it has.
pub(crate) fn is_void(entry: &LogEntry) -> bool {
    entry.bytes.get(16..24) != Some(&entry.sequence.get().to_le_bytes())
}
