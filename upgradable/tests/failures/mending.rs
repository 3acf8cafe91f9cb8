//! After a failure: to try again, to give the object a value by hand, to delete it.

use super::*;
use upgradable::{OnFailure, Pace};

fn value(number: u32) -> Job {
    Job { number, forward: Script::fine(number) }
}

#[test]
fn a_stalled_upgrade_goes_on_when_its_failures_are_tried_again_with_success() {
    let heap = Heap::new();
    let (no, fine) = (Script::fails(), Script::fine(1));
    let bad = create(&heap, job(Script::in_turn(vec![no.clone(), no.clone(), no, fine])));
    let running = heap.upgrade(plan()).unwrap();
    assert!(matches!(running.wait(), Err(WaitError::Failed(_))));
    assert_eq!(running.retry_failed(), 1);
    assert_eq!(running.state(), UpgradeState::Stalled);
    assert_eq!(running.retry_failed(), 0);
    running.wait().unwrap();
    assert_eq!(number(&heap, bad), Ok(1));
    running.promote().unwrap();
}

#[test]
fn an_object_is_repaired_as_of_the_flip() {
    let heap = Heap::new();
    let bad = create(&heap, job(Script::fails()));
    for policy in [OnFailure::Fail, OnFailure::Quarantine] {
        let running = heap.upgrade(plan().on_failure(policy)).unwrap();
        let at_once = heap.hold();
        failure(&heap, bad);
        running.repair(bad.cast(), value(42)).unwrap();
        assert_eq!(number(&heap, bad), Ok(42));
        let then = at_once.read(|s| s.read(bad.cast::<Job>()).map(|job| job.number));
        assert_eq!(then, Ok(42), "it is as if it had always been so");
        drop(at_once);
        running.wait().unwrap();
        running.roll_back().unwrap().wait().unwrap();
    }
}

#[test]
fn a_repair_is_of_the_right_type_and_of_an_object_that_is_there() {
    let heap = Heap::new();
    let bad = create(&heap, job(Script::fails()));
    let gone = create(&heap, job(Script::fails()));
    let good = create(&heap, job(Script::fine(1)));
    let running = heap.upgrade(plan()).unwrap();
    failure(&heap, bad);
    failure(&heap, gone);
    let refused = running.repair(bad, job(Script::fine(1)));
    assert!(matches!(refused, Err(AccessError::WrongType(_))), "{refused:?}");
    let plain = Ref::<Plain>::from_bits(bad.to_bits());
    let refused = running.repair(plain, Plain(1));
    assert!(matches!(refused, Err(AccessError::WrongType(_))), "{refused:?}");
    let foreign = Heap::new();
    let foreign = create(&foreign, value(1));
    assert_eq!(running.repair(foreign, value(2)), Err(AccessError::Foreign));
    heap.atomically(|tx| Ok(tx.delete(gone)?)).unwrap();
    assert_eq!(running.repair(gone.cast(), value(2)), Err(AccessError::Deleted));
    assert_eq!(running.repair(good.cast(), value(2)), Ok(()), "no need of it");
    assert_eq!(number(&heap, good), Ok(1), "and so it is not used");
    failure(&heap, bad);
    running.repair(bad.cast(), value(3)).unwrap();
    finish(&running);
}

#[test]
fn a_failed_object_can_be_deleted() {
    let heap = Heap::new();
    let bad = create(&heap, job(Script::fails()));
    let running = heap.upgrade(plan()).unwrap();
    assert!(matches!(running.wait(), Err(WaitError::Failed(_))));
    heap.atomically(|tx| Ok(tx.delete(bad.cast::<Job>())?)).unwrap();
    assert_eq!(number(&heap, bad), Err(AccessError::Deleted));
    assert_eq!(running.retry_failed(), 0);
    finish(&running);
}

/// The upgrade has not stalled yet when the object is deleted: nothing need be tried again.
#[test]
fn an_object_deleted_before_the_upgrade_stalls_does_not_stall_it() {
    let heap = Heap::new();
    let bad = create(&heap, job(Script::fails()));
    let running = heap.upgrade(plan()).unwrap();
    failure(&heap, bad);
    heap.atomically(|tx| Ok(tx.delete(bad.cast::<Job>())?)).unwrap();
    finish(&running);
}

/// Failures are tried again by one thread while another makes the last look that would end the
/// upgrade. It used to find no failure noted, and an upgrade was complete with an object left.
#[test]
fn an_upgrade_is_not_complete_while_a_failure_is_tried_again() {
    watched(|| {
        let heap = Heap::new();
        let (again, retrying) = Script::hangs(0);
        let again = Script::new(move |cx| again.run(cx).and(Err("still".into())));
        let bad = create(&heap, job(Script::in_turn(vec![Script::fails(), again])));
        let (slow, sweeping) = Script::hangs(1);
        create(&heap, job(slow));
        let running = heap.upgrade(plan().on_failure(OnFailure::Quarantine)).unwrap();
        failure(&heap, bad);
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| running.wait());
            sweeping.wait();
            let retries = scope.spawn(|| running.retry_failed());
            retrying.wait();
            sweeping.release();
            let outcome = waits.join().unwrap();
            assert!(matches!(outcome, Err(WaitError::Failed(_))), "{outcome:?}");
            retrying.release();
            assert_eq!(retries.join().unwrap(), 1);
        });
        assert_eq!(running.state(), UpgradeState::Stalled);
    });
}

/// While the background migration rests in the middle of the heap, too.
#[test]
fn failures_can_be_tried_again_during_a_pause() {
    watched(|| {
        let heap = Heap::new();
        let bad = create(&heap, job(Script::in_turn(vec![Script::fails(), Script::fine(1)])));
        for _ in 0..2_000 {
            create(&heap, note("a"));
        }
        let running = heap.upgrade(plan()).unwrap();
        failure(&heap, bad);
        running.pause();
        running.set_pace(Pace::Full);
        std::thread::sleep(std::time::Duration::from_millis(10));
        assert_eq!(running.retry_failed(), 0);
        running.resume();
        finish(&running);
    });
}

/// It could not be transformed, and was deleted; then its transformer could do it after all. Nothing
/// can be put before a deletion any more: who sees the time between them is told so, at once.
#[test]
fn an_object_that_was_deleted_as_it_failed_stays_untransformed_for_who_still_sees_it() {
    for limit in [None, Some(LIMIT)] {
        let heap = Heap::new();
        // How often the transformer has run since it can.
        let runs = Arc::new(AtomicU32::new(u32::MAX));
        let bad = create(&heap, {
            let runs = Arc::clone(&runs);
            job(Script::new(move |_| match runs.load(Ordering::Relaxed) {
                u32::MAX => Err("not yet".into()),
                _ => Ok(runs.fetch_add(1, Ordering::Relaxed)),
            }))
        });
        let plan = limit.into_iter().fold(plan(), |plan, limit| plan.time_limit(limit));
        let running = heap.upgrade(plan).unwrap();
        let between = heap.hold();
        failure(&heap, bad);
        heap.atomically(|tx| Ok(tx.delete(bad.cast::<Job>())?)).unwrap();
        runs.store(0, Ordering::Relaxed);
        for _ in 0..2 {
            let seen = between.read(|s| s.read(bad.cast::<Job>()).map(|job| job.number));
            assert!(matches!(&seen, Err(AccessError::Untransformed(_))), "{seen:?}");
        }
        assert!(runs.load(Ordering::Relaxed) <= 2, "once for each look");
        assert_eq!(number(&heap, bad), Err(AccessError::Deleted));
        running.wait().unwrap();
        assert_eq!(running.failures(), []);
        drop(between);
        running.promote().unwrap();
    }
}
