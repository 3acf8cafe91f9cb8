//! Two that write an untransformed object both transform it first; neither write is lost.

use loom::thread;

use super::{add, cell, expect_orderly, flip, look, model};
use crate::heap::Heap;

#[test]
fn first_touch_against_writer() {
    model(|| {
        let heap = Heap::new();
        let object = cell(&heap, 1);
        let migration = flip(&heap);
        let other = thread::spawn({
            let heap = heap.clone();
            move || add(&heap, object, 10)
        });
        add(&heap, object, 5);
        other.join().unwrap();
        assert_eq!(look(&heap, object), 116);
        assert_eq!(migration.tally.by_touch.get(), 1, "transformed not exactly once");
        expect_orderly(&heap);
    });
}
