//! Faults that the model has found, each as the smallest story that shows it.

use upgradable::{Background, Heap, Ref, RunningUpgrade, Upgrade};

use super::types::{Item1, Item2, Item3, Item4, Note};

fn items(heap: &Heap, upgrade: Upgrade) -> RunningUpgrade {
    heap.upgrade(upgrade.background(Background::Off)).unwrap()
}

fn heap_with(item: Item1) -> (Heap, Ref<Item1>) {
    let heap = Heap::new();
    let item = heap.atomically(|tx| Ok(tx.create(item.clone())?)).unwrap();
    (heap, item)
}

/// An upgrade came and went after another one, and nobody wrote. The roll back of the earlier one
/// took the object for a changed one, because its version was of the later one's roll back, and
/// brought it back through a lens that had lost a digit.
#[test]
fn an_upgrade_that_came_and_went_has_changed_nothing() {
    let (heap, item) = heap_with(Item1 { n: 57, tag: 3 });
    let earlier = items(&heap, Upgrade::to("2").migrate::<Item1, Item2>());
    for _ in 0..2 {
        let later = items(&heap, Upgrade::to("3").migrate::<Item2, Item3>());
        later.wait().unwrap();
        later.roll_back().unwrap().wait().unwrap();
    }
    earlier.roll_back().unwrap();
    assert_eq!(heap.snapshot(|s| s.read(item).cloned()), Ok(Item1 { n: 57, tag: 3 }));
}

/// The same, but somebody wrote what it was before: that is a change.
#[test]
fn what_was_written_before_an_upgrade_that_came_and_went_is_not_lost() {
    let (heap, item) = heap_with(Item1 { n: 57, tag: 3 });
    let earlier = items(&heap, Upgrade::to("2").migrate::<Item1, Item2>());
    heap.atomically(|tx| Ok(tx.write(item.cast::<Item2>(), Item2 { n: 8 })?)).unwrap();
    let later = items(&heap, Upgrade::to("3").migrate::<Item2, Item3>());
    later.wait().unwrap();
    later.roll_back().unwrap().wait().unwrap();
    earlier.roll_back().unwrap();
    assert_eq!(heap.snapshot(|s| s.read(item).cloned()), Ok(Item1 { n: 80, tag: 3 }));
}

/// Objects that lay outside of their places were written again there, and then were changed ones
/// for the roll back.
#[test]
fn compaction_has_changed_nothing() {
    let (heap, item) = heap_with(Item1 { n: 0, tag: 0 });
    let hold = heap.hold();
    // Outside, since somebody sees what lies in the object's place.
    heap.atomically(|tx| Ok(tx.write(item, Item1 { n: 57, tag: 3 })?)).unwrap();
    drop(hold);
    heap.reclaim();
    let upgrade = items(&heap, Upgrade::to("2").migrate::<Item1, Item2>());
    upgrade.wait().unwrap();
    heap.compact();
    upgrade.roll_back().unwrap();
    assert_eq!(heap.snapshot(|s| s.read(item).cloned()), Ok(Item1 { n: 57, tag: 3 }));
}

/// Where transformers look around, objects that the undone upgrade had not converted go forward
/// and back. What they created on the way forward, of a kind that nothing had been created of when
/// the roll back began, stayed for ever.
#[test]
fn what_is_created_during_a_roll_back_goes_with_it() {
    use super::types::{Pair1, Pair2};
    let (heap, item) = heap_with(Item1 { n: 57, tag: 3 });
    heap.atomically(|tx| Ok(tx.create(Pair1 { item, k: 1 })?)).unwrap();
    for upgrade in
        [Upgrade::to("2").migrate::<Item1, Item2>(), Upgrade::to("3").migrate::<Item2, Item3>()]
    {
        let upgrade = items(&heap, upgrade);
        upgrade.wait().unwrap();
        upgrade.promote().unwrap();
    }
    let both = Upgrade::to("4").migrate::<Item3, Item4>().migrate::<Pair1, Pair2>();
    let back = items(&heap, both).roll_back().unwrap();
    back.wait().unwrap();
    assert_eq!(heap.snapshot(|s| s.objects::<Note>().count()), 0);
    assert_eq!(back.progress().by_sweep, 2);
}
