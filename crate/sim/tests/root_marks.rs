//! Roots that different peers wrote are never taken for each other.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support;

use plinth_core::engine::{FoldExtent, FoldResult};
use plinth_core::pure::Root;
use plinth_sim::{Cluster, ClusterOptions, Simulation};
use support::set;

/// Two peers that begin the same fold say the same of it. If the answer to one of them is lost, the root itself must
/// tell whose it is, or both would give away the same pages.
#[test]
fn the_same_fold_by_two_peers_is_told_apart_by_its_root() {
    let roots = [1, 2].map(|seed| {
        let filled = Simulation::new(7);
        let options = ClusterOptions::default;
        let cluster = Cluster::new(&filled, options());
        let disk = cluster.disk().clone();
        filled.run(async move {
            let peer = cluster.open().await;
            for number in 0..50u8 {
                set(&peer, &[number], b"value").await;
            }
        });
        let folding = Simulation::new(seed);
        let cluster = Cluster::over(&folding, &disk, options());
        folding.run(async move {
            let folded = cluster.open().await.database.engine().fold(FoldExtent::All).await;
            assert_eq!(folded, Ok(FoldResult::Folded));
        });
        Root::decode(&disk.root().unwrap()).unwrap()
    });
    let [one, other] = roots;
    assert_ne!(one.mark, other.mark);
    let unmarked = |root: Root| Root { mark: [0; 8], ..root };
    assert_eq!(unmarked(one), unmarked(other), "they say the same otherwise");
}
