//! The fake of IndexedDB keeps the storage contract, as memory and IndexedDB itself do.

use plinth_core::storage::conformance;
use plinth_sim::{Cluster, ClusterOptions, Faults, Simulation, seeds};

#[test]
fn the_fake_of_indexed_db_keeps_the_storage_contract() {
    for seed in seeds(20) {
        let world = Simulation::new(seed);
        let faults = Faults {
            delay_us: 1_000,
            slow_odds: 10,
            slow_us: 100_000,
            ..Faults::default()
        };
        let options = ClusterOptions {
            faults,
            ..ClusterOptions::default()
        };
        let home = world.clone();
        world.run(async move {
            conformance::run_all(async || {
                let cluster = Cluster::new(&home, options);
                (cluster.storage(), cluster.storage())
            })
            .await;
        });
    }
}
