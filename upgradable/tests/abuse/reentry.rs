//! User code that comes back to its heap from where it is called by it: transformers that begin
//! transactions, upgrades and their ends inside transactions, and the like.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use upgradable::{
    AccessError, Heap, PromoteError, Ref, RollBackError, RunningUpgrade, TransformErrorKind,
    UpgradeError, UpgradeState, WaitError,
};

use crate::common::*;

/// The kind of the failure in an object's transformer.
fn is_circular(error: &AccessError) -> bool {
    let AccessError::Untransformed(failure) = error else { return false };
    matches!(failure.error().kind(), TransformErrorKind::Circular)
}

/// A job whose transformer looks, by a transaction, at a job that is told later, in the version
/// that it makes.
fn looks_at(heap: &Heap, at: &Arc<OnceLock<Ref<v1::Job>>>) -> Script {
    let (heap, at) = (heap.clone(), Arc::clone(at));
    Script::new(move |_| match number(&heap, *at.get().unwrap()) {
        Ok(number) => Ok(number + 1),
        Err(error) if is_circular(&error) => Ok(100),
        Err(error) => panic!("{error:?}"),
    })
}

/// It would be transformed to be seen, for ever.
#[test]
fn a_transformer_that_looks_at_its_own_object_is_refused_it() {
    for limit in [None, Some(LIMIT)] {
        watched(move || {
            let heap = Heap::new();
            let at = Arc::default();
            let own = create(&heap, job(looks_at(&heap, &at)));
            at.set(own).unwrap();
            let mut plan = local_plan();
            if let Some(limit) = limit {
                plan = plan.time_limit(limit);
            }
            let running = heap.upgrade(plan).unwrap();
            assert_eq!(number(&heap, own), Ok(100));
            finish(&running);
        });
    }
}

#[test]
fn transformers_that_look_at_each_others_objects_are_refused_them() {
    watched(|| {
        let heap = Heap::new();
        let slots: Vec<_> = (0..3).map(|_| Arc::new(OnceLock::new())).collect();
        let jobs: Vec<_> =
            (0..3).map(|n| create(&heap, job(looks_at(&heap, &slots[(n + 1) % 3])))).collect();
        for (slot, &job) in slots.iter().zip(&jobs) {
            slot.set(job).unwrap();
        }
        let running = heap.upgrade(local_plan()).unwrap();
        assert_eq!(number(&heap, jobs[0]), Ok(102));
        finish(&running);
        assert_eq!(running.failures().len(), 0);
    });
}

/// Each looks at the next one: one after the other they would fill the stack.
#[test]
fn transformers_that_look_at_each_other_in_a_long_row_are_refused_the_rest() {
    watched(|| {
        let heap = Heap::new();
        let slots: Vec<_> = (0..10_000).map(|_| Arc::new(OnceLock::new())).collect();
        let jobs: Vec<_> =
            slots.iter().map(|next| create(&heap, job(looks_at(&heap, next)))).collect();
        for (n, slot) in slots.iter().enumerate() {
            slot.set(jobs[(n + 1).min(jobs.len() - 1)]).unwrap();
        }
        let running = heap.upgrade(local_plan()).unwrap();
        let first = number(&heap, jobs[0]).unwrap();
        assert!((101..200).contains(&first), "{first}");
        finish(&running);
    });
}

type Shared = Arc<OnceLock<RunningUpgrade>>;

/// A job whose transformer does something with its own upgrade.
fn meddles(
    heap: &Heap,
    running: &Shared,
    meddle: impl Fn(&Heap, &RunningUpgrade) + Send + Sync + 'static,
) -> Ref<v1::Job> {
    let (heap_too, running) = (heap.clone(), Arc::clone(running));
    let script = Script::new(move |_| {
        meddle(&heap_too, running.get().unwrap());
        Ok(1)
    });
    create(heap, job(script))
}

#[test]
fn an_upgrade_is_not_waited_for_inside_its_own_transformer() {
    watched(|| {
        let (heap, shared) = (Heap::new(), Shared::default());
        let object = meddles(&heap, &shared, |_, running| {
            assert_eq!(running.wait(), Err(WaitError::InTransaction));
            assert_eq!(running.wait_timeout(LIMIT), Err(WaitError::InTransaction));
        });
        let running = shared.get_or_init(|| heap.upgrade(local_plan()).unwrap());
        assert_eq!(number(&heap, object), Ok(1));
        finish(running);
    });
}

#[test]
fn an_upgrade_is_not_ended_inside_its_own_transformer() {
    watched(|| {
        let (heap, shared) = (Heap::new(), Shared::default());
        let object = meddles(&heap, &shared, |heap, running| {
            assert_eq!(running.promote(), Err(PromoteError::InTransaction));
            assert_eq!(running.roll_back().map(drop), Err(RollBackError::InTransaction));
            let another = heap.upgrade(local_plan()).map(drop);
            assert_eq!(another, Err(UpgradeError::InTransaction));
        });
        let running = shared.get_or_init(|| heap.upgrade(local_plan()).unwrap());
        assert_eq!(number(&heap, object), Ok(1));
        finish(running);
    });
}

/// The object fails a first time; the second time its transformer asks for itself to be tried
/// again.
#[test]
fn a_failed_object_is_not_tried_again_inside_its_own_transformer() {
    watched(|| {
        let (heap, shared) = (Heap::new(), Shared::default());
        let meddled = Arc::new(OnceLock::new());
        let script = {
            let (shared, meddled) = (shared.clone(), meddled.clone());
            Script::new(move |cx| {
                let Some(running) = shared.get() else { return Err("not yet".into()) };
                if meddled.set(()).is_ok() {
                    assert_eq!(running.retry_failed(), 1);
                    let object = cx.object::<Job>()?;
                    let value = Job { number: 7, forward: Script::fine(7) };
                    // By hand it can be mended also from there; the transformer is too late then.
                    assert_eq!(running.repair(object, value), Ok(()));
                }
                Ok(5)
            })
        };
        let object = create(&heap, job(script));
        let running = heap.upgrade(local_plan()).unwrap();
        assert!(number(&heap, object).is_err());
        let running = shared.get_or_init(|| running);
        assert_eq!(number(&heap, object), Ok(7));
        finish(running);
    });
}

#[test]
fn the_ends_of_an_upgrade_do_not_come_inside_a_transaction() {
    watched(|| {
        let heap = Heap::new();
        let object = create(&heap, note("a")).cast::<Note>();
        let running = heap.upgrade(local_plan()).unwrap();
        heap.atomically(|tx| {
            tx.modify(object, |note| note.stars += 1)?;
            assert_eq!(running.wait(), Err(WaitError::InTransaction));
            Ok(())
        })
        .unwrap();
        running.wait().unwrap();
        heap.atomically(|tx| {
            tx.modify(object, |note| note.stars += 1)?;
            assert_eq!(running.promote(), Err(PromoteError::InTransaction));
            assert_eq!(running.roll_back().map(drop), Err(RollBackError::InTransaction));
            // What it is in anyway can be asked for.
            assert_eq!(running.state(), UpgradeState::Complete);
            Ok(())
        })
        .unwrap();
        finish(&running);
        assert_eq!(get(&heap, object).stars, 4);
    });
}

/// A snapshot of the undone version keeps the roll back from its end, also one on the same thread.
#[test]
fn a_roll_back_is_not_complete_inside_a_snapshot_of_what_it_undoes() {
    watched(|| {
        let heap = Heap::new();
        let object = create(&heap, note("a"));
        let running = heap.upgrade(local_plan()).unwrap();
        let back = heap.snapshot(|s| {
            assert_eq!(s.read(object.cast::<Note>()).map(|note| note.stars), Ok(2));
            let back = running.roll_back().unwrap();
            let waited = back.wait_timeout(Duration::from_millis(10));
            assert_eq!(waited, Err(WaitError::TimedOut));
            assert_eq!(s.read(object.cast::<Note>()).map(|note| note.stars), Ok(2));
            back
        });
        back.wait().unwrap();
        assert_eq!(get(&heap, object), note("a"));
    });
}

/// Whole lives of upgrades, inside of one snapshot that does not notice.
#[test]
fn upgrades_come_and_go_inside_a_snapshot() {
    watched(|| {
        let heap = Heap::new();
        let object = create(&heap, note("a"));
        heap.snapshot(|s| {
            for eager in [false, true] {
                let plan = if eager { local_plan().eager(2) } else { local_plan() };
                let running = heap.upgrade(plan).unwrap();
                running.wait().unwrap();
                heap.atomically(|tx| Ok(tx.modify(object.cast::<Note>(), |n| n.stars += 1)?))
                    .unwrap();
                running.roll_back().unwrap().wait().unwrap();
                assert_eq!(s.read(object), Ok(&note("a")));
            }
            finish(&heap.upgrade(local_plan()).unwrap());
            assert_eq!(s.read(object), Ok(&note("a")));
        });
        assert_eq!(get(&heap, object.cast::<Note>()).stars, 2);
    });
}
