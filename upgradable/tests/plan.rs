//! Plans are checked as a whole before anything changes: every fault is told at once, and a heap
//! that has refused a plan goes on as it was and takes the right one.

mod common;

use common::*;
use upgradable::{
    AccessError, Background, Cx, Heap, OnFailure, PlanError, Profile, Ref, RegistryError,
    RollBackError, TransformError, Upgradable, Upgrade, UpgradeError, UpgradeFrom, UpgradeState,
};

mod other {
    use upgradable::Upgradable;

    /// Another type that says it is the first note.
    #[derive(Upgradable, Clone, Debug, PartialEq)]
    #[upgrade(name = "test.Note")]
    pub(crate) struct Note {
        pub(crate) page: u64,
    }

    /// A second version of the first note, with another layout than the right one.
    #[derive(Upgradable, Clone, Debug, PartialEq)]
    #[upgrade(name = "test.Note", version = 2, from = super::v1::Note, removed(text))]
    pub(crate) struct Shorter {
        #[upgrade(default)]
        pub(crate) length: u8,
    }
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.Note", version = 3, from = Note)]
struct Third {
    text: String,
    stars: u8,
}

/// There is a way from the first version to the third, but it is not the lineage's.
impl UpgradeFrom<v1::Note> for Third {
    const PROFILE: Profile = Profile::one_way("for a test");

    fn upgrade_from(old: &v1::Note, _: &mut Cx<'_>) -> Result<Self, TransformError> {
        Ok(Self { text: old.text.clone(), stars: 0 })
    }
}

fn heap() -> (Heap, Ref<v1::Note>) {
    let heap = Heap::new();
    let object = create(&heap, note("a"));
    (heap, object)
}

#[track_caller]
fn faults(heap: &Heap, plan: Upgrade) -> Vec<PlanError> {
    match heap.upgrade(plan) {
        Err(UpgradeError::Plan(faults)) => faults,
        other => panic!("{other:?}"),
    }
}

/// The heap is as it was, and the right plan succeeds.
#[track_caller]
fn still_right(heap: &Heap, object: Ref<v1::Note>) {
    let era = heap.now().era();
    heap.atomically(|tx| {
        tx.modify(object, |note| note.text.push('!'))?;
        tx.delete(tx.create(note("b"))?)?;
        Ok(())
    })
    .unwrap();
    assert_eq!(heap.now().era(), era);
    let running = heap.upgrade(local_plan()).unwrap();
    assert_eq!(get(heap, object.cast::<Note>()), Note { text: "a!".into(), stars: 2 });
    finish(&running);
}

#[test]
fn an_empty_plan() {
    let (heap, object) = heap();
    assert_eq!(faults(&heap, Upgrade::to("2")), [PlanError::Empty]);
    still_right(&heap, object);
}

#[test]
fn two_steps_of_one_lineage() {
    let (heap, object) = heap();
    let plan = Upgrade::to("2").migrate::<v1::Note, Note>().migrate::<Note, Third>();
    let faults = faults(&heap, plan);
    assert!(
        matches!(faults[..], [PlanError::Duplicate { lineage: "test.Note", .. }]),
        "{faults:?}"
    );
    still_right(&heap, object);
}

#[test]
fn a_step_that_leaves_one_out() {
    let (heap, object) = heap();
    let faults = faults(&heap, Upgrade::to("3").migrate::<v1::Note, Third>());
    let [PlanError::WrongPredecessor { from, to, expected: Some(expected), .. }] = &faults[..]
    else {
        panic!("{faults:?}")
    };
    assert_eq!([from, to, expected].map(|version| version.number()), [1, 3, 2]);
    still_right(&heap, object);
}

#[test]
fn a_step_that_begins_too_late() {
    let (heap, object) = heap();
    let faults = faults(&heap, Upgrade::to("3").migrate::<Note, Third>());
    let [PlanError::MissingStep { current, from, .. }] = &faults[..] else { panic!("{faults:?}") };
    assert_eq!((current.number(), from.number()), (1, 2));
    still_right(&heap, object);
}

#[test]
fn a_step_that_begins_too_early() {
    let (heap, object) = heap();
    still_right(&heap, object);
    let faults = faults(&heap, local_plan());
    assert!(
        faults.iter().any(|fault| matches!(fault, PlanError::Unreachable { current, from, .. }
            if (current.number(), from.number()) == (2, 1))),
        "{faults:?}"
    );
    finish(&heap.upgrade(Upgrade::to("3").migrate::<Note, Third>()).unwrap());
    assert_eq!(get(&heap, object.cast::<Third>()).stars, 2);
}

#[test]
fn a_step_without_return() {
    let (heap, object) = heap();
    for plan in [
        Upgrade::to("2").migrate::<v1::Note, other::Shorter>().reversible(),
        Upgrade::to("2").migrate::<v1::Note, other::Shorter>().on_failure(OnFailure::RollBack),
    ] {
        assert!(matches!(plan.can_go_back(), Err(PlanError::Irreversible { .. })));
        let faults = faults(&heap, plan);
        assert!(matches!(faults[..], [PlanError::Irreversible { .. }]), "{faults:?}");
    }
    // The types of the plan that was refused are not known: others may have their place.
    still_right(&heap, object);
}

#[test]
fn a_type_that_contradicts_a_known_one() {
    let (heap, object) = heap();
    let conflict = heap.atomically(|tx| Ok(tx.create(other::Note { page: 1 })?)).unwrap_err();
    assert!(conflict.access().is_some(), "{conflict}");
    let faults = faults(&heap, Upgrade::to("again").refresh::<other::Note>());
    let conflict = |fault: &PlanError| {
        matches!(fault, PlanError::Registry(RegistryError::Conflict { lineage: "test.Note", .. }))
    };
    assert!(faults.iter().any(conflict), "{faults:?}");
    still_right(&heap, object);
}

#[test]
fn all_faults_are_told_at_once() {
    let (heap, object) = heap();
    create(&heap, job(Script::fine(1)));
    let plan = Upgrade::to("3")
        .migrate::<Note, Third>()
        .migrate::<v1::Job, Job>()
        .migrate::<v1::Job, Job>()
        .migrate::<v1::Study, Study>();
    let error = heap.upgrade(plan).unwrap_err();
    let UpgradeError::Plan(faults) = &error else { panic!("{error:?}") };
    assert_eq!(faults.len(), 2, "{faults:?}");
    let told = error.to_string();
    assert!(faults.iter().all(|fault| told.contains(&fault.to_string())), "{told}");
    still_right(&heap, object);
}

/// A plan may speak of types that the heap has no objects of.
#[test]
fn steps_of_unknown_lineages_are_taken() {
    let heap = Heap::new();
    let running = heap.upgrade(plan()).unwrap();
    let stale = heap.atomically(|tx| Ok(tx.create(note("a"))?)).unwrap_err();
    assert!(matches!(stale.access(), Some(AccessError::StaleType(_))), "{stale}");
    create(&heap, Note { text: "a".into(), stars: 1 });
    finish(&running);
}

// --- when an upgrade can't begin -----------------------------------------------------------------

#[test]
fn not_inside_a_transaction() {
    let (heap, object) = heap();
    heap.atomically(|tx| {
        tx.modify(object, |_| ())?;
        let refused = heap.upgrade(local_plan());
        assert!(matches!(refused, Err(UpgradeError::InTransaction)), "{refused:?}");
        Ok(())
    })
    .unwrap();
    heap.atomically(|tx| Ok(tx.modify(object, |note| note.text = "a".into())?)).unwrap();
    still_right(&heap, object);
}

#[test]
fn not_inside_a_transformer() {
    let heap = Heap::new();
    let inner = heap.clone();
    let script = Script::new(move |_| {
        let refused = inner.upgrade(Upgrade::to("3").refresh::<Plain>());
        assert!(matches!(refused, Err(UpgradeError::InTransaction)), "{refused:?}");
        Ok(3)
    });
    let object = create(&heap, job(script));
    let running = heap.upgrade(local_plan()).unwrap();
    assert_eq!(number(&heap, object), Ok(3));
    running.roll_back().unwrap();
}

#[test]
fn not_while_one_is_rolled_back() {
    let (heap, object) = heap();
    let running = heap.upgrade(local_plan()).unwrap();
    let reader = heap.hold();
    let rolled = running.roll_back().unwrap();
    let refused = heap.upgrade(local_plan());
    assert!(matches!(refused, Err(UpgradeError::RollingBack)), "{refused:?}");
    drop(reader);
    rolled.wait().unwrap();
    still_right(&heap, object);
}

#[test]
fn of_two_at_once_one_is_told_that_the_other_was_first() {
    for _ in 0..50 {
        let (heap, object) = heap();
        let got = std::thread::scope(|scope| {
            let both = [(), ()].map(|()| scope.spawn(|| heap.upgrade(local_plan())));
            both.map(|one| one.join().unwrap())
        });
        let begun: Vec<_> = got.iter().filter_map(|got| got.as_ref().ok()).collect();
        assert_eq!(begun.len(), 1);
        let refused = got.iter().find_map(|got| got.as_ref().err()).unwrap();
        assert!(
            matches!(refused, UpgradeError::Plan(faults)
            if faults.iter().any(|f| matches!(f, PlanError::Unreachable { .. }))),
            "{refused}"
        );
        assert_eq!(get(&heap, object.cast::<Note>()).stars, 2);
        finish(begun[0]);
    }
}

/// And what the last era is used for can't be rolled back: there is none left to go back to.
#[test]
fn a_heap_that_has_used_up_its_eras_says_so_and_goes_on() {
    watched(|| {
        let (heap, object) = heap();
        let plan = || Upgrade::to("again").refresh::<v1::Note>().background(Background::Off);
        // Ended some at a time: each end has the heap tidied.
        for _ in 0..89 {
            let some: Vec<_> = (0..46).map(|_| heap.upgrade(plan()).unwrap()).collect();
            some.iter().rev().for_each(|running| running.wait().unwrap());
            some.iter().for_each(finish);
        }
        let last = heap.upgrade(plan()).unwrap();
        assert_eq!(last.roll_back().unwrap_err(), RollBackError::ErasExhausted);
        assert_eq!(last.state(), UpgradeState::Migrating);
        assert_eq!(heap.upgrade(plan()).unwrap_err(), UpgradeError::ErasExhausted);
        heap.atomically(|tx| Ok(tx.modify(object, |note| note.text.push('b'))?)).unwrap();
        assert_eq!(get(&heap, object), note("ab"));
        finish(&last);
    });
}
