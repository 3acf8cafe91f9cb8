//! Two that touch an object for the first time transform it once, and the value that each of them
//! transforms stays while it does, whatever the other one has installed, written and tidied.

use loom::thread;

use super::{add, cell, expect_orderly, flip, look, model};
use crate::heap::Heap;

#[test]
fn first_touch_against_first_touch() {
    model(|| {
        let heap = Heap::new();
        let object = cell(&heap, 1);
        let migration = flip(&heap);
        // Nothing is kept for a way back: only the touch itself keeps the old value.
        migration.forget_before();
        let other = thread::spawn({
            let heap = heap.clone();
            move || {
                add(&heap, object, 1);
                heap.reclaim();
            }
        });
        let seen = look(&heap, object);
        assert!([101, 102].contains(&seen), "{seen}");
        other.join().unwrap();
        assert_eq!(look(&heap, object), 102);
        assert_eq!(migration.tally.by_touch.get(), 1, "transformed not exactly once");
        expect_orderly(&heap);
    });
}
