//! What becomes of an upgrade some of whose transformers fail: each policy, and each way in which
//! the failure is met.

use super::*;
use upgradable::{Background, OnFailure, Pace, PromoteError};

/// A script that fails, and how often it has run.
fn counted() -> (Script, Arc<AtomicU32>) {
    let runs = Arc::new(AtomicU32::new(0));
    let script = Script::new({
        let runs = Arc::clone(&runs);
        move |_| {
            runs.fetch_add(1, Ordering::Relaxed);
            Err("no".into())
        }
    });
    (script, runs)
}

#[test]
fn under_fail_each_touch_tries_again() {
    let heap = Heap::new();
    let no = Script::fails();
    let bad = create(&heap, job(Script::in_turn(vec![no.clone(), no, Script::fine(3)])));
    let running = heap.upgrade(plan()).unwrap();
    failure(&heap, bad);
    assert_eq!(running.progress().failed, 1);
    failure(&heap, bad);
    assert_eq!(number(&heap, bad), Ok(3));
    assert_eq!(running.progress().failed, 0);
    running.wait().unwrap();
}

#[test]
fn under_quarantine_the_object_waits_for_a_word() {
    let heap = Heap::new();
    let (script, runs) = counted();
    let bad = create(&heap, job(Script::in_turn(vec![script.clone(), script, Script::fine(3)])));
    let running = heap.upgrade(plan().on_failure(OnFailure::Quarantine)).unwrap();
    for _ in 0..3 {
        failure(&heap, bad);
    }
    assert!(matches!(running.wait(), Err(WaitError::Failed(all)) if all.len() == 1));
    assert_eq!(runs.load(Ordering::Relaxed), 1);
    assert_eq!(running.retry_failed(), 1, "it fails again, and is in quarantine again");
    failure(&heap, bad);
    assert_eq!(runs.load(Ordering::Relaxed), 2);
    assert_eq!(running.retry_failed(), 0);
    assert_eq!(number(&heap, bad), Ok(3));
    finish(&running);
}

#[test]
fn under_roll_back_a_failed_touch_undoes_the_upgrade() {
    let heap = Heap::new();
    let bad = create(&heap, job(Script::fails()));
    let text = create(&heap, note("a"));
    let running = heap.upgrade(plan().on_failure(OnFailure::RollBack)).unwrap();
    heap.atomically(|tx| Ok(tx.modify(text.cast::<Note>(), |note| note.text = "b".into())?))
        .unwrap();
    let outcome = heap.atomically(|tx| Ok(tx.read(bad.cast::<Job>())?.number));
    assert!(matches!(outcome, Err(TxError::Access(AccessError::Untransformed(_)))), "{outcome:?}");
    assert_ne!(running.state(), UpgradeState::Migrating);
    assert!(heap.snapshot(|s| s.read(bad).is_ok()), "the old version is back");
    assert_eq!(get(&heap, text), note("b"), "with what was written meanwhile");
    assert_eq!(running.wait(), Err(WaitError::RolledBack));
}

#[test]
fn under_roll_back_a_failure_in_the_background_undoes_the_upgrade() {
    watched(|| {
        for background in [Background::Off, Background::On(Pace::Full)] {
            let heap = Heap::new();
            let bad = create(&heap, job(Script::fails()));
            let plan = plan().on_failure(OnFailure::RollBack).background(background);
            let running = heap.upgrade(plan).unwrap();
            assert_eq!(running.wait(), Err(WaitError::RolledBack));
            assert!(heap.snapshot(|s| s.read(bad).is_ok()));
        }
    });
}

#[test]
fn a_failure_in_the_background_stalls_the_upgrade_and_holds_up_nothing_else() {
    watched(|| {
        for background in [Background::Off, Background::On(Pace::Full)] {
            let heap = Heap::new();
            let bad = create(&heap, job(Script::fails()));
            for n in 0..1_000 {
                create(&heap, job(Script::fine(n)));
            }
            let running = heap.upgrade(plan().background(background)).unwrap();
            let Err(WaitError::Failed(failures)) = running.wait() else { panic!("it is complete") };
            assert_eq!(failures.len(), 1);
            assert_eq!(failures[0].object(), bad.to_bits());
            assert_eq!(running.state(), UpgradeState::Stalled);
            assert_eq!(running.progress().by_sweep, 1_000);
            let refused = running.promote();
            assert!(
                matches!(refused, Err(PromoteError::Incomplete { failed: 1, .. })),
                "{refused:?}"
            );
            let again = running.wait();
            assert!(matches!(again, Err(WaitError::Failed(_))), "{again:?}");
        }
    });
}

#[test]
fn an_eager_upgrade_comes_back_whatever_fails() {
    watched(|| {
        for policy in [OnFailure::Fail, OnFailure::Quarantine, OnFailure::RollBack] {
            let heap = Heap::new();
            let bad = create(&heap, job(Script::new(|_| panic_quietly())));
            let good = create(&heap, job(Script::fine(1)));
            let running = heap.upgrade(plan().eager(2).on_failure(policy)).unwrap();
            if policy == OnFailure::RollBack {
                assert_eq!(running.wait(), Err(WaitError::RolledBack));
                assert!(heap.snapshot(|s| s.read(bad).is_ok() && s.read(good).is_ok()));
            } else {
                assert_eq!(running.state(), UpgradeState::Stalled);
                assert_eq!(running.failures().len(), 1);
                failure(&heap, bad);
                assert_eq!(number(&heap, good), Ok(1));
            }
        }
    });
}

/// A policy that can't be carried out because of a later upgrade leaves the upgrade stalled.
#[test]
fn an_upgrade_with_another_on_top_stalls_instead_of_rolling_back() {
    watched(|| {
        let heap = Heap::new();
        let bad = create(&heap, job(Script::fails()));
        let first = heap.upgrade(plan().on_failure(OnFailure::RollBack)).unwrap();
        let second = heap.upgrade(Upgrade::to("3").refresh::<Note>()).unwrap();
        assert!(matches!(first.wait(), Err(WaitError::Failed(_))));
        assert_eq!(first.state(), UpgradeState::Stalled);
        failure(&heap, bad);
        second.roll_back().unwrap();
        first.roll_back().unwrap_err();
    });
}
