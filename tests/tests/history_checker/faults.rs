//! Simulated runs: a correct memory is always accepted, and each of its faults is found.

use std::collections::BTreeMap;

use upgradable_tests::history::check::{Summary, check};
use upgradable_tests::history::model_run::{Config, Fault, run};

use super::Kind;

#[test]
fn a_correct_memory_is_accepted_for_ten_thousand_seeds() {
    let mut total = Summary::default();
    for seed in 0..10_000 {
        let config = Config { objects: 2 + (seed % 4) as u32, ..Config::default() };
        let history = run(&config, seed);
        match check(&history) {
            Err(violation) => panic!("seed {seed}: {violation}\nin\n{history}"),
            Ok(summary) => {
                total.aborted += summary.aborted;
                total.updates += summary.updates;
                total.old_snapshots += summary.old_snapshots;
            }
        }
    }
    // The runs must have been worth checking.
    assert!(total.updates > 100_000, "{total:?}");
    assert!(total.aborted > 50_000, "{total:?}");
    assert!(total.old_snapshots > 10_000, "{total:?}");
}

/// Counts by kind what is found in runs with `fault`, and how many runs there were.
fn found(fault: Fault, seeds: std::ops::Range<u64>) -> (BTreeMap<Kind, u32>, u32) {
    let fault = Some(fault);
    let few = Config { fault, ..Config::default() };
    let crowded = Config { threads: 16, attempts: 120, objects: 3, ops_max: 3, fault };
    let mut found = BTreeMap::new();
    let mut runs = 0;
    for (config, seed) in seeds.flat_map(|seed| [(few, seed), (crowded, seed)]) {
        runs += 1;
        if let Err(violation) = check(&run(&config, seed)) {
            *found.entry(violation.kind()).or_default() += 1;
        }
    }
    (found, runs)
}

#[test]
fn every_fault_is_found_by_the_anomalies_it_is_known_for() {
    for fault in Fault::ALL {
        let (found, runs) = found(fault, 0..300);
        for kind in fault.shows_as() {
            assert!(found.contains_key(kind), "{fault:?} never showed as {kind:?}: {found:?}");
        }
        assert!(found.values().sum::<u32>() > runs / 4, "{fault:?} is seldom found: {found:?}");
        assert!(!found.contains_key(&Kind::Malformed), "{fault:?}: {found:?}");
    }
}

/// Snapshot isolation keeps every snapshot whole; all that it lacks is the validation of reads.
#[test]
fn snapshot_isolation_shows_as_nothing_that_it_forbids() {
    let (found, _) = found(Fault::ValidateWritesOnly, 0..500);
    let forbidden = [
        Kind::DirtyRead,
        Kind::IntermediateRead,
        Kind::NonRepeatableRead,
        Kind::LostUpdate,
        Kind::ReadSkew,
        Kind::TornSnapshot,
        Kind::LongFork,
        Kind::StaleRead,
    ];
    assert!(forbidden.iter().all(|kind| !found.contains_key(kind)), "{found:?}");
}

/// Faults that concern one kind of read alone must not be blamed on anything else.
#[test]
fn single_minded_faults_show_as_one_thing() {
    for fault in
        [Fault::ForgetOwnWrites, Fault::KeepAbortedWrites, Fault::Garbage, Fault::ReuseTimestamp]
    {
        let (found, _) = found(fault, 0..100);
        let kinds: Vec<_> = found.keys().copied().collect();
        assert_eq!(kinds, fault.shows_as(), "{fault:?}: {found:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_history() {
    let config = Config::default();
    assert_eq!(run(&config, 7).to_string(), run(&config, 7).to_string());
    assert_ne!(run(&config, 7).to_string(), run(&config, 8).to_string());
}

/// Quadratic work anywhere would make this run for hours.
#[test]
fn a_long_history_is_checked_in_seconds() {
    let attempts = if cfg!(debug_assertions) { 100_000 } else { 1_000_000 };
    let config = Config { threads: 8, attempts, objects: 8, ops_max: 5, fault: None };
    let mut history = run(&config, 1);
    check(&history).unwrap_or_else(|violation| panic!("{violation}"));

    // One reader at the end that saw the very first state entangles everything before it.
    let last = history.attempts().iter().map(|attempt| attempt.end).max().unwrap_or(0);
    let late = [0, 1, 2].map(|object| upgradable_tests::history::Op::read(object, 0));
    history.push(99, last + 1, last + 2, &late, super::read_only(0));
    let violation = check(&history).expect_err("a snapshot from the beginning is stale");
    assert_eq!(violation.kind(), Kind::StaleRead, "{violation}");
    assert_eq!(violation.cycle().map(|cycle| cycle.steps().len()), Some(2), "{violation}");
}
