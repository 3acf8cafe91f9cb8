//! A late commit against a first touch whose transformer fails: whoever was told that the object
//! can't be transformed finds no value there later, in the same snapshot.

use loom::thread;

use super::{Cell, Seen, UNFIT, cell, expect_orderly, flip, model, old};
use crate::heap::Heap;
use crate::txn::Abort;

#[test]
fn failed_touch_against_late_writer() {
    model(|| {
        let heap = Heap::new();
        let object = cell(&heap, UNFIT);
        let flipped = thread::spawn({
            let heap = heap.clone();
            move || {
                flip(&heap);
                heap.snapshot(|s| {
                    let look = || s.read(object.cast::<Cell>()).is_ok();
                    let seen = look();
                    assert_eq!(look(), seen, "the snapshot has changed");
                });
            }
        });
        let committed = heap.transaction().run(|tx| {
            // In the new version it leaves it alone.
            let _ = tx.write(object, old::Cell(Seen::new(1)));
            Ok::<_, Abort<()>>(())
        });
        committed.unwrap();
        flipped.join().unwrap();
        expect_orderly(&heap);
    });
}
