//! Transactions in flight while an upgrade is rolled back: those that read finish on the version
//! that they began with, those that write are executed again on the one that is back.

use super::*;
use std::time::Duration;

#[test]
fn readers_of_the_undone_version_finish_on_it() {
    let heap = Heap::new();
    let objects = accounts(&heap, 4);
    let running = heap.upgrade(step()).unwrap();
    get(&heap, objects[0].cast::<Account>());
    heap.snapshot(|s| {
        elsewhere(|| running.roll_back().unwrap());
        // Touched before, untouched, written since in the old version, deleted since.
        elsewhere(|| {
            heap.atomically(|tx| {
                tx.modify(objects[2], |account| account.cents = 0)?;
                tx.delete(objects[3])?;
                Ok(())
            })
            .unwrap();
        });
        for (n, object) in objects.iter().enumerate() {
            let seen = s.read(object.cast::<Account>()).unwrap();
            assert_eq!((&*seen.owner, seen.euros), (&*format!("OWNER {n}"), n as u64));
        }
        assert!(matches!(s.read(objects[0]), Err(AccessError::StaleType(_))));
    });
    assert_eq!(get(&heap, objects[0]), account(0));
    assert_eq!(get(&heap, objects[1]), account(1));
    assert_eq!(get(&heap, objects[2]).cents, 0);
}

/// The same under a time limit, where the transformer runs on a thread of its own.
#[test]
fn readers_of_the_undone_version_finish_on_it_by_threads_of_their_own() {
    let heap = Heap::new();
    let objects = accounts(&heap, 2);
    let running = heap.upgrade(step().time_limit(LIMIT)).unwrap();
    heap.snapshot(|s| {
        elsewhere(|| running.roll_back().unwrap());
        assert_eq!(s.read(objects[1].cast::<Account>()).map(|a| a.euros), Ok(1));
    });
    assert_eq!(get(&heap, objects[1]), account(1));
}

#[test]
fn readers_of_the_version_before_do_not_notice() {
    let heap = Heap::new();
    let objects = accounts(&heap, 2);
    heap.snapshot(|s| {
        let running = elsewhere(|| {
            let running = heap.upgrade(step()).unwrap();
            heap.atomically(|tx| Ok(tx.modify(objects[1].cast::<Account>(), |a| a.euros = 8)?))
                .unwrap();
            running
        });
        elsewhere(|| back(&running));
        assert_eq!(s.read(objects[0]).cloned(), Ok(account(0)));
        assert_eq!(s.read(objects[1]).cloned(), Ok(account(1)));
    });
    assert_eq!(get(&heap, objects[1]).cents, 800);
}

#[test]
fn writers_are_executed_again_on_the_version_that_is_back() {
    let heap = Heap::new();
    let objects = accounts(&heap, 2);
    let running = heap.upgrade(step()).unwrap();
    let mut executions = Vec::new();
    heap.atomically(|tx| {
        if tx.read(objects[0]).is_ok() {
            executions.push(1);
            tx.modify(objects[0], |a| a.cents = 1)?;
        } else {
            executions.push(2);
            tx.modify(objects[0].cast::<Account>(), |a| a.euros = 1)?;
            if executions.len() == 1 {
                elsewhere(|| running.roll_back().unwrap());
            }
        }
        Ok(())
    })
    .unwrap();
    assert_eq!(executions, [2, 1]);
    assert_eq!(get(&heap, objects[0]), before::Account { cents: 1, ..account(0) });
}

/// Writers that began before the upgrade and end after its roll back can't commit late: what they
/// write may have been seen, without a trace.
#[test]
fn writers_from_before_the_upgrade_are_executed_again() {
    let heap = Heap::new();
    let object = create(&heap, account(5));
    let mut executions = 0;
    heap.atomically(|tx| {
        executions += 1;
        tx.modify(object, |account| account.cents += 1)?;
        if executions == 1 {
            elsewhere(|| {
                let running = heap.upgrade(step()).unwrap();
                running.roll_back().unwrap();
                assert_eq!(get(&heap, object), account(5));
            });
        }
        Ok(())
    })
    .unwrap();
    assert_eq!(executions, 2);
    assert_eq!(get(&heap, object).cents, 508);
}

/// A reader of the undone era that stays delays the end of the roll back, and nothing else.
#[test]
fn a_long_reader_delays_the_end_and_nothing_else() {
    watched(|| {
        let heap = Heap::new();
        let objects = accounts(&heap, 3);
        let running = heap.upgrade(step()).unwrap();
        let long = heap.hold();
        let rolled = running.roll_back().unwrap();
        let early = rolled.wait_timeout(Duration::from_millis(30));
        assert_eq!(early, Err(WaitError::TimedOut));
        heap.atomically(|tx| Ok(tx.modify(objects[0], |a| a.cents += 1)?)).unwrap();
        assert_eq!(get(&heap, objects[0]), before::Account { cents: 8, ..account(0) });
        assert_eq!(long.read(|s| s.read(objects[1].cast::<Account>()).map(|a| a.euros)), Ok(1));
        assert_eq!(get(&heap, objects[1]), account(1));
        let next = heap.upgrade(step());
        assert!(matches!(next, Err(UpgradeError::RollingBack)), "{next:?}");
        assert_eq!(long.read(|s| s.read(objects[0].cast::<Account>()).map(|a| a.euros)), Ok(0));
        drop(long);
        rolled.wait().unwrap();
        finish(&heap.upgrade(step()).unwrap());
    });
}
