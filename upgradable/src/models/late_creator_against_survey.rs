//! A late writer that creates, against somebody of the new version who lists all objects twice: both
//! lists are the same, whichever of the two came first; and if the list has the object, the writer
//! committed before the flip.

use loom::thread;

use super::{Cell, Seen, flip, model, old};
use crate::heap::Heap;
use crate::txn::Abort;

#[test]
fn late_creator_against_survey() {
    model(|| {
        let heap = Heap::new();
        let seen = thread::spawn({
            let heap = heap.clone();
            move || {
                flip(&heap);
                heap.snapshot(|s| {
                    let list = || s.objects::<Cell>().count();
                    let seen = list();
                    assert_eq!(list(), seen, "the list has changed");
                    (seen, s.at())
                })
            }
        });
        let committed = heap.transaction().run(|tx| {
            // In whichever version this runs.
            let cell = || Seen::new(1);
            if tx.create(old::Cell(cell())).is_err() {
                tx.create(Cell(cell()))?;
            }
            Ok::<_, Abort<()>>(())
        });
        let ts = committed.unwrap().ts;
        let (seen, at) = seen.join().unwrap();
        assert_eq!(seen, usize::from(ts <= at), "committed at {ts:?}, seen at {at:?}");
    });
}
