//! Observers of upgrades are user code in the middle of things: they may panic, look at the heap,
//! and ask for the very things that they are told of.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use upgradable::{
    Background, Heap, Pace, PromoteError, RollBackError, RunningUpgrade, UpgradeError,
    UpgradeEvent, UpgradeState, WaitError,
};

use crate::common::*;

type Shared = Arc<OnceLock<RunningUpgrade>>;

/// At every event, of both directions, by whoever causes it.
#[test]
fn an_observer_that_always_panics_changes_nothing() {
    for background in [Background::Off, Background::On(Pace::Full)] {
        watched(move || {
            let heap = Heap::new();
            let text = create(&heap, note("a"));
            let bad = create(&heap, job(Script::in_turn(vec![Script::fails(), Script::fine(1)])));
            let told = Arc::new(AtomicU32::new(0));
            let plan = |panics: bool| {
                let told = Arc::clone(&told);
                local_plan().background(background).on_event(move |_| {
                    told.fetch_add(1, Ordering::Relaxed);
                    if panics {
                        panic_quietly();
                    }
                })
            };
            let running = heap.upgrade(plan(true)).unwrap();
            let _ = number(&heap, bad);
            let _ = running.wait();
            running.retry_failed();
            running.wait().unwrap();
            assert_eq!(running.state(), UpgradeState::Complete);
            let back = running.roll_back().unwrap();
            back.wait().unwrap();
            assert_eq!((running.state(), back.state()), (UpgradeState::RolledBack, back.state()));
            assert_eq!(get(&heap, text), note("a"));
            let again = heap.upgrade(plan(true)).unwrap();
            again.wait().unwrap();
            again.promote().unwrap();
            assert_eq!(again.state(), UpgradeState::Promoted);
            assert!(told.load(Ordering::Relaxed) >= 8);
        });
    }
}

/// To promote when it is complete, or to roll back when something fails, is what an observer is
/// for, one would think: it is told that it can't be done from there. Only the last event, the
/// promotion, comes when all is over.
#[test]
fn an_observer_that_ends_the_upgrade_is_told_that_it_can_not() {
    watched(|| {
        let heap = Heap::new();
        create(&heap, note("a"));
        let script = Script::in_turn(vec![Script::fails(), Script::fails(), Script::fine(1)]);
        create(&heap, job(script));
        let shared = Shared::default();
        let answers = Arc::new(Mutex::new(Vec::new()));
        let plan = {
            let (heap, shared, answers) = (heap.clone(), shared.clone(), answers.clone());
            local_plan().on_event(move |event| {
                if matches!(event, UpgradeEvent::Now(UpgradeState::Promoted)) {
                    return;
                }
                let begun = heap.upgrade(plan()).map(drop);
                let ended = shared.get().map(|running: &RunningUpgrade| {
                    assert_eq!(running.wait(), Err(WaitError::InTransaction));
                    (running.promote(), running.roll_back().map(drop))
                });
                answers.lock().unwrap().push((begun, ended));
            })
        };
        let running = heap.upgrade(plan).unwrap();
        let running = shared.get_or_init(|| running);
        assert!(running.wait().is_err());
        assert_eq!(running.retry_failed(), 0);
        finish(running);
        let answers = std::mem::take(&mut *answers.lock().unwrap());
        // Flipped, failed twice, stalled, complete.
        assert_eq!(answers.len(), 5, "{answers:?}");
        for (begun, ended) in answers {
            assert_eq!(begun, Err(UpgradeError::InTransaction));
            if let Some((promoted, rolled_back)) = ended {
                assert_eq!(promoted, Err(PromoteError::InTransaction));
                assert_eq!(rolled_back, Err(RollBackError::InTransaction));
            }
        }
    });
}

/// Also while an eager upgrade keeps everybody else waiting.
#[test]
fn an_observer_may_look_at_the_heap() {
    for eager in [false, true] {
        watched(move || {
            let heap = Heap::new();
            let text = create(&heap, note("a")).cast::<Note>();
            let seen = Arc::new(AtomicBool::new(false));
            let plan = if eager { local_plan().eager(2) } else { local_plan() };
            let plan = {
                let (heap, seen) = (heap.clone(), seen.clone());
                plan.on_event(move |_| {
                    assert_eq!(get(&heap, text).stars, 2);
                    seen.store(true, Ordering::Relaxed);
                })
            };
            let running = heap.upgrade(plan).unwrap();
            finish(&running);
            assert!(seen.load(Ordering::Relaxed));
        });
    }
}
