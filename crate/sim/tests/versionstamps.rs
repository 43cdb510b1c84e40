//! FoundationDB's VersionStamp and AutomaticIdempotency: stamps on hostile peers.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod support;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use plinth_core::words::{RangeOptions, TransactionOption};
use plinth_core::{ErrorCode, Result};
use plinth_sim::{Cluster, ClusterOptions, Faults, Peer, Simulation, seeds};
use support::{Tn, begin, get, range, set_flag};

const METADATA_VERSION: &[u8] = b"\xff/metadataVersion";

/// What one logical transaction was told about its commit.
#[derive(Clone, Debug)]
struct Told {
    stamp: [u8; 10],
    /// The stamps that commits acknowledged before it began were told.
    after: Option<[u8; 10]>,
}

/// What the clients of a run were told, by the name of the logical transaction.
type Log = Rc<RefCell<BTreeMap<String, Told>>>;

fn template(prefix: &[u8]) -> Vec<u8> {
    let place = prefix.len() as u32;
    [prefix, &[0; 10], &place.to_le_bytes()].concat()
}

/// Writes an entry whose key and value get the stamp, and the metadata version; gives the stamp.
async fn append(tn: &Tn, name: &str) -> Result<[u8; 10]> {
    tn.set_versionstamped_key(&template(b"log/"), name.as_bytes())?;
    tn.set_versionstamped_value(&[b"entry/", name.as_bytes()].concat(), &template(b""))?;
    tn.set_versionstamped_value(METADATA_VERSION, &[0; 14])?;
    let stamp = tn.versionstamp();
    tn.commit().await?;
    stamp.await
}

/// Tries until it is told of a commit. `is_idempotent` leaves to the option what is to be done if the
/// answer is lost.
async fn append_once(peer: &Peer, name: &str, is_idempotent: bool) -> Option<[u8; 10]> {
    let tn = begin(peer);
    loop {
        if is_idempotent {
            set_flag(&tn, TransactionOption::AutomaticIdempotency);
        }
        match append(&tn, name).await {
            Ok(stamp) => return Some(stamp),
            Err(error) => {
                assert_ne!(error.code(), ErrorCode::CommitUnknownResult);
                if tn.on_error(&error).await.is_err() {
                    // A failure that the simulation made up, before anything was done.
                    assert_eq!(error.code(), ErrorCode::IoError);
                    tn.reset();
                }
            }
        }
    }
}

fn run(seed: u64, faults: Faults, is_idempotent: bool) {
    const PEERS: usize = 3;
    const ENTRIES: usize = 8;
    let world = Simulation::new(seed);
    let options = ClusterOptions {
        faults,
        ..ClusterOptions::hostile()
    };
    let cluster = Cluster::new(&world, options);
    let main = world.clone();
    world.run(async move {
        let log = Log::default();
        let clients: Vec<_> = (0..PEERS)
            .map(|client| {
                let (cluster, world, log) = (cluster.clone(), main.clone(), Rc::clone(&log));
                main.spawn(async move {
                    let peer = cluster.open().await;
                    for number in 0..ENTRIES {
                        world.sleep_below(3_000).await;
                        let name = format!("{client}-{number}");
                        let after = log.borrow().values().map(|told: &Told| told.stamp).max();
                        let stamp = append_once(&peer, &name, is_idempotent).await.unwrap();
                        log.borrow_mut().insert(name, Told { stamp, after });
                    }
                })
            })
            .collect();
        for client in clients {
            client.await;
        }
        let reader = loop {
            let reader = begin(&cluster.open().await);
            if reader.read_version().await.is_ok() {
                break reader;
            }
        };
        let told = log.take();
        check(&reader, &told, seed).await;
    });
}

async fn check(reader: &Tn, log: &BTreeMap<String, Told>, seed: u64) {
    let read_version = reader.read_version().await.unwrap().get();
    let rows = range(reader, b"log/", b"log0", RangeOptions::default())
        .await
        .unwrap()
        .rows;
    let stored: Vec<(Vec<u8>, String)> = rows
        .iter()
        .map(|(key, name)| (key[4..].to_vec(), String::from_utf8(name.to_vec()).unwrap()))
        .collect();
    assert_eq!(
        stored.len(),
        log.len(),
        "seed {seed}: each entry once: {stored:?}"
    );
    for (stamp, name) in &stored {
        let told = &log[name];
        assert_eq!(*stamp, told.stamp, "seed {seed}: the stamp that was told");
        let entry = get(reader, &[b"entry/", name.as_bytes()].concat()).await;
        assert_eq!(entry.as_ref(), Ok(&Some(stamp.clone())), "seed {seed}");
        let version = u64::from_be_bytes(*stamp.first_chunk().unwrap());
        assert!(
            version <= read_version,
            "seed {seed}: {version} is readable at {read_version}"
        );
        assert!(
            told.after < Some(told.stamp),
            "seed {seed}: stamps increase in the order of commits: {told:?}"
        );
    }
    let newest = stored.last().map(|(stamp, _)| stamp.clone());
    assert_eq!(
        get(reader, METADATA_VERSION).await,
        Ok(newest),
        "seed {seed}: the metadata version"
    );
}

#[test]
fn stored_stamps_are_those_that_were_told_and_increase_in_the_order_of_commits() {
    let faults = Faults {
        lost_answer_odds: 0,
        ..ClusterOptions::hostile().faults
    };
    for seed in seeds(150) {
        run(seed, faults, false);
    }
}

#[test]
fn with_automatic_idempotency_each_transaction_commits_once_and_is_told_its_stamp() {
    let faults = Faults {
        lost_answer_odds: 3,
        ..ClusterOptions::hostile().faults
    };
    for seed in seeds(150) {
        run(seed, faults, true);
    }
}
