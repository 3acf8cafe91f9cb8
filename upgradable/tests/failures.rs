//! Contained failure: a transformer that errs, panics or does not come back harms nobody. The
//! transaction that touches the object gets a typed error, the object stays as it was, everything
//! else goes on, and the upgrade's policy decides what becomes of the upgrade.

mod common;
#[path = "failures/drops.rs"]
mod drops;
#[path = "failures/limits.rs"]
mod limits;
#[path = "failures/mending.rs"]
mod mending;
#[path = "failures/policies.rs"]
mod policies;
#[path = "failures/reading.rs"]
mod reading;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use common::*;
use upgradable::{
    AccessError, Cx, Heap, Ref, TransformError, TransformErrorKind, TransformFailure, TxError,
    Upgrade, UpgradeState, WaitError,
};

/// The failure that keeps the object from being seen.
#[track_caller]
fn failure(heap: &Heap, object: Ref<v1::Job>) -> Arc<TransformFailure> {
    match number(heap, object) {
        Err(AccessError::Untransformed(failure)) => failure,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_transformer_that_errs_fails_who_touches_its_object_and_nobody_else() {
    let heap = Heap::new();
    let bad = create(&heap, job(Script::new(|cx| cx.field("day", |_| Err("no such day".into())))));
    let good = create(&heap, job(Script::fine(5)));
    let before = heap.hold();
    let running = heap.upgrade(plan()).unwrap();
    let failure = failure(&heap, bad);
    assert_eq!((failure.object(), failure.upgrade()), (bad.to_bits(), "2"));
    assert_eq!((failure.versions().0.number(), failure.versions().1.number()), (1, 2));
    assert_eq!(failure.error().path().to_string(), "day");
    assert!(matches!(failure.error().kind(), TransformErrorKind::Conversion { .. }));
    let source = std::error::Error::source(failure.error()).unwrap();
    assert_eq!(source.to_string(), "no such day");
    let outcome = heap.atomically(|tx| Ok(tx.read(bad.cast::<Job>())?.number));
    assert!(matches!(outcome, Err(TxError::Access(AccessError::Untransformed(_)))), "{outcome:?}");
    assert_eq!(number(&heap, good), Ok(5));
    assert!(before.read(|s| s.read(bad).is_ok()), "the object is intact in its old form");
    assert_eq!(running.failures(), [failure]);
    let progress = running.progress();
    assert_eq!((progress.by_touch, progress.failed, progress.complete), (1, 1, false));
}

#[test]
fn a_transformer_that_panics_is_one_that_errs() {
    let heap = Heap::new();
    let bad = create(&heap, job(Script::new(|cx| cx.field("day", |_| panic_quietly()))));
    let running = heap.upgrade(plan()).unwrap();
    let failure = failure(&heap, bad);
    assert!(
        matches!(failure.error().kind(), TransformErrorKind::Panicked { message, .. } if message == "odd")
    );
    assert_eq!(failure.error().path().to_string(), "day");
    assert!(matches!(running.wait(), Err(WaitError::Failed(all)) if all == [failure]));
}

#[test]
fn what_a_transformer_has_created_before_it_errs_or_panics_never_was() {
    let heap = Heap::new();
    let ends: [fn() -> Result<u32, TransformError>; 2] = [|| Err("no".into()), || panic_quietly()];
    let bad = ends.map(|end| {
        let creates = move |cx: &mut Cx<'_>| {
            cx.create(Plain(1))?;
            end()
        };
        create(&heap, job(Script::new(creates)))
    });
    heap.upgrade(plan()).unwrap();
    for object in bad {
        failure(&heap, object);
    }
    assert_eq!(heap.snapshot(|s| s.objects::<Plain>().count()), 0);
}

/// A transaction may go on without the object that it could not have.
#[test]
fn who_catches_the_error_commits() {
    let heap = Heap::new();
    let bad = create(&heap, job(Script::fails()));
    let count = create(&heap, Plain(0));
    heap.upgrade(plan()).unwrap();
    heap.atomically(|tx| {
        let seen = tx.modify(bad.cast::<Job>(), |job| job.number = 1);
        assert!(matches!(seen, Err(AccessError::Untransformed(_))), "{seen:?}");
        assert!(tx.write(bad.cast(), Job { number: 1, forward: Script::fine(1) }).is_err());
        Ok(tx.write(count, Plain(1))?)
    })
    .unwrap();
    assert_eq!(get(&heap, count), Plain(1));
}

#[test]
fn an_object_that_could_not_be_transformed_is_still_listed() {
    let heap = Heap::new();
    let bad = create(&heap, job(Script::fails()));
    let good = create(&heap, job(Script::fine(1)));
    heap.upgrade(plan()).unwrap();
    let mut listed = heap.snapshot(|s| s.objects::<Job>().collect::<Vec<_>>());
    listed.sort();
    assert_eq!(listed, [bad.cast(), good.cast()]);
}

/// What a transformer may not do is begin a transaction that writes.
#[test]
fn a_transformer_that_tries_to_write_gets_an_error_and_nothing_is_written() {
    static HEAP: OnceLock<Heap> = OnceLock::new();
    let heap = HEAP.get_or_init(Heap::new);
    let count = create(heap, Plain(0));
    let bad = create(
        heap,
        job(Script::new(move |_| {
            let heap = HEAP.get().unwrap();
            let outcome = heap.atomically(|tx| Ok(tx.write(count, Plain(1))?));
            assert_eq!(outcome, Err(TxError::Nested));
            outcome.map_err(|error| error.to_string())?;
            Ok(1)
        })),
    );
    let before = heap.hold();
    let running = heap.upgrade(plan()).unwrap();
    let by_touch = failure(heap, bad);
    let source = std::error::Error::source(by_touch.error()).unwrap().to_string();
    assert!(source.contains("a transformer changes nothing"), "{source}");
    // Also for the sweeper, which is in no transaction of a user.
    assert!(matches!(running.wait(), Err(WaitError::Failed(all)) if all.len() == 1));
    assert_eq!(get(heap, count), Plain(0));
    assert!(before.read(|s| s.read(bad).is_ok()));
}

/// The transformer fails for one transaction, and succeeds for another in the same moment: then both
/// have the object.
#[test]
fn who_fails_where_somebody_else_succeeds_has_the_object() {
    let heap = Heap::new();
    let runs = Arc::new(AtomicU32::new(0));
    let bad = create(&heap, {
        let (heap, runs) = (heap.clone(), Arc::clone(&runs));
        job(Script::new(move |cx| {
            if runs.fetch_add(1, Ordering::Relaxed) > 0 {
                return Ok(7);
            }
            // Another one transforms it meanwhile, with success.
            let object = cx.object::<v1::Job>()?;
            assert_eq!(elsewhere(|| number(&heap, object)), Ok(7));
            Err("once".into())
        }))
    });
    let running = heap.upgrade(plan()).unwrap();
    assert_eq!(number(&heap, bad), Ok(7));
    running.wait().unwrap();
    assert_eq!(running.failures(), [], "it has been transformed");
}

/// A failure in the first of two upgrades keeps both from being complete, and whoever waits for
/// the second is told so.
#[test]
fn a_failure_in_a_chain_is_told_to_who_waits_for_its_end() {
    watched(|| {
        let heap = Heap::new();
        let bad = create(&heap, job(Script::fails()));
        let first = heap.upgrade(plan()).unwrap();
        let second = heap.upgrade(Upgrade::to("3").refresh::<Job>()).unwrap();
        let Err(WaitError::Failed(failures)) = second.wait() else { panic!("it is complete") };
        assert_eq!(failures[0].object(), bad.to_bits());
        assert_eq!(first.state(), UpgradeState::Stalled);
        assert_eq!(second.state(), UpgradeState::Migrating);
        assert!(first.promote().is_err() && second.promote().is_err());
        heap.atomically(|tx| Ok(tx.delete(bad.cast::<Job>())?)).unwrap();
        assert_eq!(first.retry_failed(), 0);
        finish(&first);
        finish(&second);
    });
}

/// An eager upgrade that can't be complete before an earlier one is lets transactions go on.
#[test]
fn an_eager_upgrade_after_a_stalled_one_comes_back() {
    watched(|| {
        let heap = Heap::new();
        let bad = create(&heap, job(Script::fails()));
        let first = heap.upgrade(plan()).unwrap();
        assert!(matches!(first.wait(), Err(WaitError::Failed(_))));
        let eager = Upgrade::to("3").refresh::<Job>().eager(1);
        let second = heap.upgrade(eager).unwrap();
        assert!(matches!(second.wait(), Err(WaitError::Failed(_))));
        assert!(number(&heap, bad).is_err(), "and the gate is open");
    });
}
