//! Whichever way the types are changed, the results and the end are the same: those of the same
//! operations without any upgrade.

use std::time::Duration;

use upgradable::{Pace, Service};

use super::program::{Bench, Request};
use super::{Change, Setting, Strategy, plan, run};
use crate::backend::heap::{HeapSnapshot, Place};
use crate::backend::{Backend, OnHeap, Unsynchronised, Work};
use crate::build::build;
use crate::check::{Digest, Moment, check, digest};
use crate::execute::execute;
use crate::mix::{Mix, Workload};
use crate::ops::Worker;
use crate::params::{Params, Size};
use crate::schema::{Schema, V1, V2};

const SEED: u64 = 3;
const OPS: usize = 1200;

fn tiny() -> Params {
    Params::new(Size::Tiny, 1)
}

fn mix() -> Mix {
    Mix::new(Workload::Rw, true, true)
}

fn look<S: Schema>(service: &Service<Request, Option<i32>>, place: &Place<S>) -> Digest {
    service.heap().snapshot(|snapshot| {
        let tx = HeapSnapshot::new(snapshot, place);
        let found = check(&tx, &tiny(), Moment::Later).expect("it can be read");
        assert!(found.is_empty(), "invariants do not hold:\n{found}");
        digest(&tx).expect("it can be read")
    })
}

/// Results, the structure in the middle of the work, and in the end.
fn upgraded(strategy: Strategy, change: Change) -> (Vec<Option<i32>>, Digest) {
    let mut backend = OnHeap::<V1>::default();
    build(&mut backend, tiny(), SEED).expect("it can be built");
    let OnHeap { heap, place } = backend;
    let (second, again) = (place.cast::<V2>(), place.cast::<V1>());
    let (end, same) = (place.cast::<V2>(), place.cast::<V1>());
    let service = Service::new(heap, Bench { place, version: 1 });
    let request = Request::new(Worker::new(tiny(), SEED));
    let mut results = Vec::new();
    let mut running = None;
    let mut code = (Some(second), Some(again));
    for at in 0..OPS {
        if at == OPS / 3 {
            let plan = plan(change, strategy, Pace::default());
            running = Some(match change {
                Change::Types => {
                    let place = code.0.take().expect("once");
                    service.upgrade(plan, Bench { place, version: 2 }).expect("it begins")
                }
                Change::Null => {
                    let place = code.1.take().expect("once");
                    service.upgrade(plan, Bench { place, version: 2 }).expect("it begins")
                }
            });
        }
        request.renew(|random| mix().choose(random));
        results.push(service.call(&request).expect("it is answered"));
    }
    let running = running.expect("it has begun");
    let digest = match change {
        Change::Types => look(&service, &end),
        Change::Null => look(&service, &same),
    };
    running.wait().expect("it completes");
    assert!(running.progress().transformed() > 0);
    running.promote().expect("it is complete");
    let promoted = match change {
        Change::Types => look(&service, &end),
        Change::Null => look(&service, &same),
    };
    assert_eq!(digest, promoted, "promotion changes nothing");
    (results, digest)
}

/// The same operations without an upgrade.
fn plain<S: Schema>() -> (Vec<Option<i32>>, Digest) {
    let mut backend = Unsynchronised::<S>::default();
    build(&mut backend, tiny(), SEED).expect("it can be built");
    let mut worker = Worker::new(tiny(), SEED);
    let mut results = Vec::new();
    for _ in 0..OPS {
        let op = mix().choose(&mut worker.random);
        results.push(execute::<S, _>(&backend, op, &mut worker).expect("it runs").value);
    }
    let end = Backend::<S>::read(&backend, Work::Whole, |tx| digest(tx));
    (results, end.expect("it can be read").value)
}

#[test]
fn upgrades_change_no_result() {
    let (results, end) = plain::<V1>();
    let mut ends = Vec::new();
    for strategy in Strategy::ALL.into_iter().skip(1) {
        let (upgraded, digest) = upgraded(strategy, Change::Types);
        assert_eq!(upgraded, results, "{}", strategy.name());
        assert_eq!(digest.structure, end.structure, "{}", strategy.name());
        ends.push(digest);
    }
    // Also what the transformers have read of other objects.
    assert!(ends.iter().all(|end| *end == ends[0]), "lazy is eager: {ends:?}");
    let (_, second) = plain::<V2>();
    assert_ne!(ends[0], second, "a survey shows when it was made");
}

#[test]
fn null_upgrades_change_nothing_at_all() {
    let plain = plain::<V1>();
    for strategy in Strategy::ALL.into_iter().skip(1) {
        assert_eq!(upgraded(strategy, Change::Null), plain, "{}", strategy.name());
    }
}

fn setting(length: Duration) -> Setting {
    Setting {
        size: Size::Tiny,
        scale: 2,
        seed: SEED,
        workload: Workload::W,
        long_traversals: true,
        structure: true,
        threads: 2,
        length,
        change: Change::Types,
        check: true,
        replay: true,
        promote: false,
        pace: Pace::default(),
        calm: false,
        fresh_memory: true,
    }
}

#[test]
fn a_plan_has_the_pace_of_its_setting() {
    for (strategy, has_one) in [(Strategy::Background, true), (Strategy::Lazy, false)] {
        let plan = format!("{:?}", plan(Change::Types, strategy, Pace::Share(0.03)));
        assert_eq!(plan.contains("Share(0.03)"), has_one, "{plan}");
    }
}

/// The workload goes on, and what is replayed does not know the difference.
#[test]
fn a_run_promotes_what_is_complete_if_it_is_told_to() {
    for (promote, strategy) in
        [(true, Strategy::Eager), (true, Strategy::Background), (false, Strategy::Eager)]
    {
        let series = |halves: u32| {
            let setting = Setting { promote, ..setting(halves * Duration::from_millis(500)) };
            run(&setting, strategy).expect("it runs")
        };
        // On a busy machine the short one may be over before all is transformed.
        let flip = [1, 8, 64].into_iter().map(series).filter_map(|series| series.flip);
        let flip = flip.into_iter().find(|flip| flip.completed.is_some()).expect("it completes");
        assert_eq!(flip.promoted.is_some(), promote, "{}", strategy.name());
        assert!(flip.promoted >= flip.completed.filter(|_| promote), "{flip:?}");
    }
}

#[test]
fn a_run_counts_what_happens() {
    // On a busy machine the short one may be over before anybody has done anything.
    let lengths = [1, 8, 64].map(|halves| halves * Duration::from_millis(500));
    let transformed =
        |series: &super::run::Series| series.flip.as_ref().map(|flip| flip.end.transformed());
    for strategy in Strategy::ALL {
        let mut runs = lengths
            .into_iter()
            .map(|length| (length, run(&setting(length), strategy).expect("it runs")));
        let (length, series) = runs
            .find(|(_, series)| transformed(series) != Some(0))
            .expect("some objects are transformed");
        let binned: u64 = series.bins.iter().map(|bin| bin.ops).sum();
        let classed: u64 = series.classes.iter().flatten().map(hdrhistogram::Histogram::len).sum();
        assert_eq!((binned, classed), (series.ops, series.ops));
        assert_eq!(series.flip.is_some(), strategy != Strategy::None);
        if let Some(flip) = series.flip {
            assert!(flip.at >= setting(length).flip_at());
            // The background may take longer where others work, too.
            let whole = matches!(strategy, Strategy::Eager | Strategy::ParallelEager);
            assert!(!whole || flip.completed.is_some(), "{}", strategy.name());
        }
    }
}
