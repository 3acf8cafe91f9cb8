//! The flip against a commit, and a late commit against the first touch: a writer of the old
//! version commits before the flip, and everybody in the new version sees it; or it is executed
//! again on the new one.

use loom::thread;

use super::{Cell, Seen, cell, expect_orderly, flip, look, model};
use crate::heap::Heap;
use crate::txn::Abort;

#[test]
fn first_touch_against_late_writer() {
    model(|| {
        let heap = Heap::new();
        let object = cell(&heap, 1);
        let flipped = thread::spawn({
            let heap = heap.clone();
            move || {
                let migration = flip(&heap);
                let seen = heap.snapshot(|s| {
                    let number = || s.read(object.cast::<Cell>()).unwrap().0.get();
                    let seen = number();
                    assert_eq!(number(), seen, "the snapshot has changed");
                    (seen, s.at())
                });
                (migration, seen)
            }
        });
        let committed = heap.transaction().run(|tx| {
            // In whichever version this runs.
            if let Ok(old) = tx.read(object) {
                let next = old.0.get() + 1;
                tx.modify(object, |cell| cell.0 = Seen::new(next))?;
            } else {
                let next = tx.read(object.cast::<Cell>())?.0.get() + 1;
                tx.modify(object.cast(), |cell: &mut Cell| cell.0 = Seen::new(next))?;
            }
            Ok::<_, Abort<()>>(())
        });
        let ts = committed.unwrap().ts;
        let (migration, (seen, at)) = flipped.join().unwrap();
        assert_ne!(ts, migration.flip(), "nothing commits at the flip");
        assert_eq!(seen, if ts <= at { 102 } else { 101 }, "committed at {ts:?}, seen at {at:?}");
        assert_eq!(look(&heap, object), 102);
        expect_orderly(&heap);
    });
}
