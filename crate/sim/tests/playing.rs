//! A run played portion by portion, as whoever looks on does it, is the run that is played at once, and what it shows
//! meanwhile is what happens. `PLINTH_SEED` plays one seed, `PLINTH_STEPS` says how many.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that can't go on has failed"
)]

use std::collections::BTreeMap;

use fastrand::Rng;
use plinth_sim::scenario::{Appearance, Phase};
use plinth_sim::{Counts, Happening, HappeningKind, Played, Portion, Run, Scenario, program_seeds};

/// Anything from the next happening to a second.
fn some_portion(random: &mut Rng, run: &Run) -> Portion {
    let now_us = run.stage().world().now_us();
    Portion {
        until_us: match random.u8(..3) {
            0 => u64::MAX,
            _ => now_us + random.u64(..1_000_000),
        },
        polls_max: 1 << random.u8(..12),
        happenings_max: match random.u8(..3) {
            0 => 1,
            _ => u64::MAX,
        },
    }
}

/// Plays a run to its end in portions; everything that happened, in its order.
fn play(run: &mut Run, random: &mut Rng) -> Vec<Happening> {
    let mut seen = Vec::new();
    let mut waited_us = 0;
    loop {
        let mut portion = some_portion(random, run);
        portion.until_us = portion.until_us.max(waited_us);
        let before = run.happenings().total();
        let played = run.play(portion);
        let happened = run.happenings().after(before);
        assert_eq!(before + happened.len() as u64, run.happenings().total());
        seen.extend(happened);
        assert!(run.stage().world().now_us() <= portion.until_us);
        match played {
            Played::Over => return seen,
            // Time passes for whoever looks on.
            Played::UntilThen => waited_us = portion.until_us + random.u64(..5_000_000),
            Played::Enough => {}
        }
    }
}

#[test]
fn a_day_played_in_portions_is_the_day_played_at_once() {
    for seed in program_seeds(150) {
        let scenario = Scenario::of_seed(seed + 7_000_000);
        let expected = scenario.run();
        let mut run = Run::new(&scenario);
        play(&mut run, &mut Rng::with_seed(seed));
        let found = run.report();
        assert_eq!(found.violation, None, "seed {seed}");
        assert_eq!(
            (found.trace, found.transactions, found.virtual_us, found.counts),
            (
                expected.trace,
                expected.transactions,
                expected.virtual_us,
                expected.counts
            ),
            "seed {seed}"
        );
        assert_eq!(found.latest, expected.latest, "seed {seed}");
    }
}

#[test]
fn everything_that_happens_is_told_once_in_its_order() {
    for seed in program_seeds(100) {
        let mut run = Run::new(&Scenario::of_seed(seed + 7_100_000));
        let seen = play(&mut run, &mut Rng::with_seed(seed));
        assert!(
            seen.is_sorted_by_key(|happening| happening.time_us),
            "seed {seed}"
        );
        let mut counts = Counts::new();
        for happening in &seen {
            *counts.entry(happening.what).or_default() += 1;
        }
        assert_eq!(counts, run.happenings().counts(), "seed {seed}");
        let phases = seen.iter().filter(|one| one.kind == HappeningKind::Phase);
        assert_eq!(phases.count(), 3, "seed {seed}");
        assert_eq!(run.stage().phase(), Phase::Verdict, "seed {seed}");
    }
}

#[test]
fn a_place_has_one_peer_at_a_time_and_what_happens_to_it_happens_in_its_life() {
    for seed in program_seeds(150) {
        let scenario = Scenario::of_seed(seed + 7_200_000);
        let mut run = Run::new(&scenario);
        let seen = play(&mut run, &mut Rng::with_seed(seed));
        let cast = run.stage().cast();
        let mut places = BTreeMap::<usize, Vec<Appearance>>::new();
        let mut lives = BTreeMap::new();
        for appearance in cast.appearances().iter() {
            places.entry(appearance.slot).or_default().push(*appearance);
            lives.insert(appearance.lane, *appearance);
        }
        assert_eq!(places.len(), scenario.peers, "seed {seed}");
        for appearances in places.values() {
            for pair in appearances.windows(2) {
                assert!(
                    pair[0].end_us.unwrap() <= pair[1].begin_us,
                    "seed {seed}: {pair:?}"
                );
            }
        }
        let newest = places
            .values()
            .map(|appearances| appearances[appearances.len() - 1]);
        let open: Vec<usize> = newest
            .filter(|appearance| appearance.open_us.is_some() && appearance.end_us.is_none())
            .map(|appearance| appearance.lane)
            .collect();
        let mut found: Vec<usize> = run
            .stage()
            .open_peers()
            .iter()
            .map(plinth_sim::Peer::lane)
            .collect();
        // Places are in their order in both.
        found.truncate(open.len());
        assert_eq!(open, found, "seed {seed}");
        for away in cast.aways().iter() {
            let life = lives[&away.lane];
            let end_us = away.end_us.unwrap();
            assert!(
                life.begin_us <= away.begin_us && away.begin_us <= end_us,
                "seed {seed}: {away:?}"
            );
            assert!(
                life.end_us.is_none_or(|gone_us| end_us <= gone_us),
                "seed {seed}: {away:?}"
            );
        }
        let faults = seen.iter().filter(|one| {
            matches!(
                one.kind,
                HappeningKind::Death | HappeningKind::Absence | HappeningKind::Clock
            )
        });
        for happening in faults {
            let Some(lane) = happening.lane else { continue };
            let life = lives[&lane];
            assert!(life.begin_us <= happening.time_us, "seed {seed}: {happening}");
        }
    }
}

#[test]
fn a_day_may_be_left_in_the_middle() {
    for seed in program_seeds(100) {
        let mut run = Run::new(&Scenario::of_seed(seed + 7_300_000));
        let polls_max = Rng::with_seed(seed).u64(..5_000);
        let portion = Portion {
            until_us: u64::MAX,
            polls_max,
            happenings_max: u64::MAX,
        };
        if run.play(portion) == Played::Enough {
            assert!(!run.is_over(), "seed {seed}");
        }
    }
}
