//! What the tests of directories share.

#![allow(dead_code, reason = "each test uses a part")]

use plinth_core::client::{Directory, DirectoryLayer, DirectoryOptions};
use plinth_core::words::RangeOptions;
use plinth_core::{Result, TransactionOptions};
use plinth_sim::Peer;

use super::{Tn, begin, range};

pub(crate) type Layer = DirectoryLayer;
pub(crate) type Dir = Directory;

pub(crate) const NONE: &[&str] = &[];

pub(crate) fn root_layer() -> Layer {
    DirectoryLayer::new(DirectoryOptions::default())
}

pub(crate) fn manual_layer() -> Layer {
    let options = DirectoryOptions {
        allow_manual_prefixes: true,
        ..DirectoryOptions::default()
    };
    DirectoryLayer::new(options)
}

/// Runs one operation in a transaction of its own, with retries.
pub(crate) async fn run<T>(peer: &Peer, body: impl AsyncFnMut(&Tn) -> Result<T>) -> Result<T> {
    peer.database.run(TransactionOptions::default(), body).await
}

pub(crate) async fn create(peer: &Peer, layer: &Layer, path: &[&str]) -> Dir {
    run(peer, async |tn| layer.create(tn, path, b"", None).await)
        .await
        .unwrap()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// All that is stored, as digits.
pub(crate) async fn dump(peer: &Peer) -> Vec<(String, String)> {
    let rows = range(&begin(peer), b"", b"\xff", RangeOptions::default())
        .await
        .unwrap();
    assert!(!rows.more);
    rows.rows
        .iter()
        .map(|(key, value)| (hex(key), hex(value)))
        .collect()
}
