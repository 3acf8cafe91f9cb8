//! The background migration: it transforms what nobody touches, at the pace it is told, beside
//! everything else, and leaves neither threads nor memory behind. And its opposite, the eager
//! upgrade.

mod common;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use common::*;
use upgradable::{
    Background, Cx, Heap, OnFailure, Pace, Profile, Ref, TransformError, Upgradable, Upgrade,
    UpgradeEvent, UpgradeFrom, UpgradeState, WaitError,
};

mod counted {
    use super::{Census, Counted};
    use upgradable::Upgradable;

    /// A value that is counted, and takes some memory.
    #[derive(Upgradable, Clone)]
    #[upgrade(name = "test.Sheep")]
    pub(crate) struct Sheep {
        pub(crate) old: Counted,
        pub(crate) next: Census,
    }
}

#[derive(Upgradable, Clone)]
#[upgrade(name = "test.Sheep", version = 2, from = counted::Sheep, manual)]
struct Sheep {
    new: Counted,
    next: Census,
}

impl UpgradeFrom<counted::Sheep> for Sheep {
    const PROFILE: Profile = Profile::both_ways();

    fn upgrade_from(old: &counted::Sheep, _: &mut Cx<'_>) -> Result<Self, TransformError> {
        Ok(Self { new: old.next.count(), next: old.next.clone() })
    }

    fn put(
        _: &Self,
        old: Option<&counted::Sheep>,
        _: &mut Cx<'_>,
    ) -> Result<counted::Sheep, TransformError> {
        old.cloned().ok_or_else(|| "it is new".into())
    }
}

fn flock(heap: &Heap, count: usize) -> (Vec<Ref<counted::Sheep>>, Census, Census) {
    let (old, new) = (Census::default(), Census::default());
    let sheep = || counted::Sheep { old: old.count(), next: new.clone() };
    let all = (0..count).map(|_| heap.atomically(|tx| Ok(tx.create(sheep())?)).unwrap());
    (all.collect(), old.clone(), new.clone())
}

fn shear() -> Upgrade {
    Upgrade::to("2").migrate::<counted::Sheep, Sheep>()
}

fn notes(heap: &Heap, count: usize) -> Vec<Ref<v1::Note>> {
    (0..count).map(|n| create(heap, note(&n.to_string()))).collect()
}

#[test]
fn every_pace_comes_to_the_end() {
    watched(|| {
        for pace in [
            Pace::Full,
            Pace::Share(0.5),
            Pace::Share(f64::NAN),
            Pace::SlotsPerSecond(1_000_000),
            Pace::default(),
        ] {
            let heap = Heap::new();
            notes(&heap, 2_000);
            let running = heap.upgrade(local_plan().background(Background::On(pace))).unwrap();
            running.wait().unwrap();
            let progress = running.progress();
            assert_eq!((progress.transformed(), progress.failed), (2_000, 0));
            assert!(progress.complete && progress.fraction() == 1.0);
            running.promote().unwrap();
        }
    });
}

#[test]
fn a_pause_lasts_until_its_end_and_holds_up_no_touch() {
    watched(|| {
        let heap = Heap::new();
        let notes = notes(&heap, 5_000);
        let running = heap.upgrade(local_plan()).unwrap();
        running.pause();
        running.set_pace(Pace::Full);
        assert_eq!(running.wait_timeout(Duration::from_millis(30)), Err(WaitError::TimedOut));
        let before = running.progress();
        assert!(before.by_sweep < 5_000 && !before.complete && before.fraction() < 1.0);
        assert_eq!(get(&heap, notes[4_999].cast::<Note>()).text, "4999");
        assert_eq!(running.progress().by_touch, 1);
        assert!(running.promote().is_err());
        running.resume();
        running.wait().unwrap();
        assert_eq!(running.progress().transformed(), 5_000);
    });
}

#[test]
fn without_a_sweeper_touches_do_the_work_and_who_waits_the_rest() {
    let heap = Heap::new();
    let notes = notes(&heap, 100);
    let running = heap.upgrade(local_plan()).unwrap();
    thread::sleep(Duration::from_millis(10));
    assert_eq!(running.progress().transformed(), 0);
    for note in &notes[..40] {
        get(&heap, note.cast::<Note>());
    }
    assert_eq!(running.progress().by_touch, 40);
    running.wait().unwrap();
    assert_eq!((running.progress().by_touch, running.progress().by_sweep), (40, 60));
}

#[test]
fn beside_writers_every_object_is_transformed_once_and_no_write_is_lost() {
    watched(|| {
        let heap = Heap::new();
        let notes = notes(&heap, 1_000);
        let running = heap.upgrade(local_plan().background(Background::On(Pace::Full))).unwrap();
        thread::scope(|scope| {
            for half in [0, 1] {
                let (heap, notes) = (&heap, &notes);
                scope.spawn(move || {
                    for note in notes.iter().skip(half).step_by(2) {
                        let star = |note: &mut Note| note.stars += 1;
                        heap.atomically(|tx| Ok(tx.modify(note.cast(), star)?)).unwrap();
                    }
                });
            }
        });
        running.wait().unwrap();
        assert_eq!(running.progress().transformed(), 1_000);
        for (n, &note) in notes.iter().enumerate() {
            let expected = Note { text: n.to_string(), stars: 3 };
            assert_eq!(get(&heap, note.cast::<Note>()), expected);
        }
    });
}

// --- what is left behind -------------------------------------------------------------------------

#[test]
fn a_heap_that_goes_in_the_midst_of_an_upgrade_leaves_nothing() {
    watched(|| {
        for paused in [false, true] {
            let heap = Heap::new();
            let (_, old, new) = flock(&heap, 3_000);
            let running = heap.upgrade(shear()).unwrap();
            if paused {
                running.pause();
            }
            until(|| new.alive() > 0 || paused);
            drop(heap);
            assert!(old.alive() > 0, "who holds the upgrade holds the heap");
            drop(running);
            until(|| old.alive() == 0 && new.alive() == 0);
        }
    });
}

#[test]
fn a_heap_that_goes_after_a_failure_or_under_a_limit_leaves_nothing() {
    watched(|| {
        let heap = Heap::new();
        let (_, old, new) = flock(&heap, 30);
        create(&heap, job(Script::fails()));
        let plan = shear().migrate::<v1::Job, Job>().time_limit(LIMIT);
        let running = heap.upgrade(plan.on_failure(OnFailure::Quarantine)).unwrap();
        assert!(matches!(running.wait(), Err(WaitError::Failed(_))));
        drop((heap, running));
        until(|| old.alive() == 0 && new.alive() == 0);
    });
}

#[test]
fn after_promotion_every_old_value_is_gone_and_after_a_roll_back_every_new_one() {
    let heap = Heap::new();
    let (sheep, old, new) = flock(&heap, 500);
    let running = heap.upgrade(shear().background(Background::Off)).unwrap();
    running.wait().unwrap();
    assert_eq!((old.alive(), new.alive()), (500, 500), "there may be a way back");
    running.roll_back().unwrap().wait().unwrap();
    // The background tidies, and has some objects twice meanwhile.
    let expect = |of_old, of_new| {
        until(|| {
            heap.reclaim();
            (old.alive(), new.alive()) == (of_old, of_new)
        });
    };
    expect(500, 0);
    let running = heap.upgrade(shear().background(Background::Off)).unwrap();
    finish(&running);
    expect(0, 500);
    heap.atomically(|tx| Ok(tx.delete(sheep[0].cast::<Sheep>())?)).unwrap();
    expect(0, 499);
}

/// While an upgrade goes on, a hot object has a bounded number of versions.
#[test]
fn memory_is_bounded_during_a_migration() {
    let heap = Heap::new();
    let (sheep, old, new) = flock(&heap, 10);
    let running = heap.upgrade(shear().background(Background::Off)).unwrap();
    for _ in 0..5_000 {
        heap.atomically(|tx| {
            let next = tx.read(sheep[3].cast::<Sheep>())?.next.clone();
            Ok(tx.write(sheep[3].cast(), Sheep { new: next.count(), next })?)
        })
        .unwrap();
    }
    assert!(new.alive() < 1_000, "{}", new.alive());
    assert_eq!(old.alive(), 10);
    finish(&running);
    heap.reclaim();
    assert_eq!((old.alive(), new.alive()), (0, 10));
}

// --- events --------------------------------------------------------------------------------------

#[test]
fn events_come_in_order() {
    let heap = Heap::new();
    let bad = create(
        &heap,
        job(Script::in_turn(vec![
            Script::fails(),
            Script::fails(),
            Script::fails(),
            Script::fine(1),
        ])),
    );
    let story = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&story);
    let plan = local_plan().on_event(move |event| {
        told.lock().unwrap().push(match event {
            UpgradeEvent::Flipped(at) => format!("flipped {}", at.era()),
            UpgradeEvent::Now(state) => format!("{state:?}"),
            UpgradeEvent::Failed(_) => "failed".to_owned(),
            other => format!("{other:?}"),
        });
    });
    let running = heap.upgrade(plan).unwrap();
    assert!(number(&heap, bad).is_err());
    assert!(running.wait().is_err());
    assert_eq!(running.retry_failed(), 0);
    running.wait().unwrap();
    running.roll_back().unwrap().wait().unwrap();
    let expected = [
        "flipped 1",
        "failed",
        "failed",
        "failed",
        "Stalled",
        "Complete",
        "flipped 2",
        "RollingBack",
        "RolledBack",
    ];
    assert_eq!(*story.lock().unwrap(), expected);
}

// --- eager ---------------------------------------------------------------------------------------

#[test]
fn an_eager_upgrade_is_complete_when_it_comes_back() {
    for threads in [0, 1, 2] {
        let heap = Heap::new();
        let notes = notes(&heap, 10_000);
        let running = heap.upgrade(local_plan().eager(threads)).unwrap();
        assert_eq!(running.state(), UpgradeState::Complete);
        assert_eq!(running.progress().by_sweep, 10_000);
        assert_eq!(get(&heap, notes[77].cast::<Note>()).text, "77");
        running.promote().unwrap();
    }
}

#[test]
fn transactions_wait_for_an_eager_upgrade_and_none_sees_a_mixture() {
    watched(|| {
        for threads in [1, 2] {
            let heap = Heap::new();
            let (slow, hanging) = Script::hangs(1);
            let slow = create(&heap, job(slow));
            let notes = notes(&heap, 50);
            let before = heap.hold();
            let begun = AtomicBool::new(false);
            let ended = AtomicU32::new(0);
            thread::scope(|scope| {
                let upgrades = scope.spawn(|| heap.upgrade(local_plan().eager(threads)).unwrap());
                hanging.wait();
                let reads = scope.spawn(|| {
                    begun.store(true, Ordering::SeqCst);
                    let seen = heap.snapshot(|s| s.read(notes[3].cast::<Note>()).cloned());
                    ended.fetch_add(1, Ordering::SeqCst);
                    seen.unwrap()
                });
                let writes = scope.spawn(|| {
                    let star = |note: &mut Note| note.stars += 1;
                    heap.atomically(|tx| Ok(tx.modify(notes[3].cast(), star)?)).unwrap();
                    ended.fetch_add(1, Ordering::SeqCst);
                });
                until(|| begun.load(Ordering::SeqCst));
                thread::sleep(Duration::from_millis(20));
                assert_eq!(ended.load(Ordering::SeqCst), 0, "they wait");
                // One that has begun before goes on in its own time.
                assert_eq!(before.read(|s| s.read(notes[3]).cloned()).unwrap().text, "3");
                hanging.release();
                let running = upgrades.join().unwrap();
                assert_eq!(running.state(), UpgradeState::Complete);
                let seen = reads.join().unwrap();
                writes.join().unwrap();
                assert!(seen.text == "3" && (2..=3).contains(&seen.stars));
                assert_eq!(running.progress().by_touch, 0);
            });
            assert_eq!(number(&heap, slow), Ok(1));
        }
    });
}

/// The end of one eager upgrade does not let transactions into another.
#[test]
fn transactions_wait_for_all_eager_upgrades() {
    watched(|| {
        let heap = Heap::new();
        let (slow, hanging) = Script::hangs(1);
        create(&heap, job(slow));
        let plain = create(&heap, Plain(1));
        let ended = AtomicBool::new(false);
        thread::scope(|scope| {
            let first = scope.spawn(|| heap.upgrade(local_plan().eager(1)).unwrap());
            hanging.wait();
            let second =
                scope.spawn(|| heap.upgrade(Upgrade::to("3").refresh::<Plain>().eager(1)).unwrap());
            thread::sleep(Duration::from_millis(10));
            let reads = scope.spawn(|| {
                get(&heap, plain);
                ended.store(true, Ordering::SeqCst);
            });
            thread::sleep(Duration::from_millis(10));
            assert!(!ended.load(Ordering::SeqCst));
            for _ in 0..3 {
                let _ = hanging.try_release();
            }
            finish(&first.join().unwrap());
            finish(&second.join().unwrap());
            reads.join().unwrap();
        });
    });
}
