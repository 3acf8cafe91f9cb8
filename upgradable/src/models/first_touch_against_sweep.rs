//! The sweep and a transaction meet at an object: it is transformed once, and what the transaction
//! writes stays.

use loom::thread;

use super::{add, cell, expect_orderly, flip, look, model};
use crate::heap::Heap;

#[test]
fn first_touch_against_sweep() {
    model(|| {
        let heap = Heap::new();
        let object = cell(&heap, 1);
        let migration = flip(&heap);
        migration.forget_before();
        let sweeper = thread::spawn({
            let heap = heap.clone();
            move || heap.domain.sweep(0..heap.domain.slots())
        });
        add(&heap, object, 1);
        heap.reclaim();
        sweeper.join().unwrap();
        assert_eq!(look(&heap, object), 102);
        let tally = &migration.tally;
        assert_eq!(tally.by_touch.get() + tally.by_sweep.get(), 1, "not exactly once");
        expect_orderly(&heap);
    });
}
