//! Transformers that read other objects and can't have them, or have not said that they read.

use super::*;

/// What the heap said to a transformer.
#[track_caller]
fn refused(failure: &TransformFailure) -> AccessError {
    let TransformErrorKind::Host { source, .. } = failure.error().kind() else {
        panic!("{failure:?}")
    };
    source.downcast_ref::<AccessError>().unwrap().clone()
}

#[track_caller]
fn study_failure(heap: &Heap, study: Ref<v1::Study>) -> Arc<TransformFailure> {
    match heap.snapshot(|s| s.read(study.cast::<Study>()).map(|study| study.number)) {
        Err(AccessError::Untransformed(failure)) => failure,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_transformer_that_has_not_said_that_it_reads_can_not() {
    let heap = Heap::new();
    let other = create(&heap, Plain(1));
    let bad = create(&heap, job(Script::new(move |cx| Ok(cx.read(other)?.0))));
    // Others of the same plan may.
    let good = create(&heap, v1::Study { forward: Script::new(move |cx| Ok(cx.read(other)?.0)) });
    heap.upgrade(plan()).unwrap();
    assert!(matches!(failure(&heap, bad).error().kind(), TransformErrorKind::NotDeclared));
    assert_eq!(get(&heap, good.cast::<Study>()).number, 1);
}

#[test]
fn a_transformer_that_reads_what_is_not_there_is_told_so() {
    let heap = Heap::new();
    let gone = create(&heap, Plain(1));
    heap.atomically(|tx| Ok(tx.delete(gone)?)).unwrap();
    let foreign = create(&Heap::new(), Plain(1));
    let there = create(&heap, Plain(1));
    let wrong = Ref::<v1::Note>::from_bits(there.to_bits());
    let too_new = create(&heap, note("a")).cast::<Note>();
    let unborn = Arc::new(OnceLock::<Ref<Plain>>::new());
    let study = |read: Box<dyn Fn(&mut upgradable::Cx<'_>) -> _ + Send + Sync>| {
        create(&heap, v1::Study { forward: Script::new(read) })
    };
    let of_gone = study(Box::new(move |cx| Ok(cx.read(gone)?.0)));
    let of_foreign = study(Box::new(move |cx| Ok(cx.read(foreign)?.0)));
    let of_wrong = study(Box::new(move |cx| Ok(cx.read(wrong)?.text.len() as u32)));
    let of_too_new = study(Box::new(move |cx| Ok(cx.read(too_new)?.text.len() as u32)));
    let of_unborn = study({
        let unborn = Arc::clone(&unborn);
        Box::new(move |cx| Ok(cx.read(*unborn.get().unwrap())?.0))
    });
    heap.upgrade(plan()).unwrap();
    unborn.set(create(&heap, Plain(2))).unwrap();
    assert_eq!(refused(&study_failure(&heap, of_gone)), AccessError::Deleted);
    assert_eq!(refused(&study_failure(&heap, of_foreign)), AccessError::Foreign);
    assert_eq!(refused(&study_failure(&heap, of_unborn)), AccessError::Unborn);
    let wrong = refused(&study_failure(&heap, of_wrong));
    assert!(matches!(wrong, AccessError::WrongType(_)), "{wrong:?}");
    let too_new = refused(&study_failure(&heap, of_too_new));
    assert!(
        matches!(too_new, AccessError::NotYet(_)),
        "it was a `Note 1` at the flip: {too_new:?}"
    );
}

/// The second upgrade's transformer reads an object that the first one could not transform.
#[test]
fn a_transformer_that_reads_an_object_that_failed_before_is_told_so() {
    let heap = Heap::new();
    let bad = create(&heap, job(Script::in_turn(vec![Script::fails(), Script::fine(4)])));
    let reads = Script::new(move |cx| Ok(cx.read(bad.cast::<Job>())?.number));
    let study = create(&heap, v1::Study { forward: reads });
    let first = heap.upgrade(local_plan()).unwrap();
    let second = Upgrade::to("3").migrate::<v1::Study, Study>();
    let second = heap.upgrade(second.background(upgradable::Background::Off)).unwrap();
    let said = refused(&study_failure(&heap, study));
    assert!(matches!(&said, AccessError::Untransformed(f) if f.upgrade() == "2"), "{said:?}");
    assert_eq!(get(&heap, study.cast::<Study>()).number, 4, "and when that is mended, so is this");
    finish(&first);
    finish(&second);
}
