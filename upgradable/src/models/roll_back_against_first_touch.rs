//! An upgrade is rolled back while somebody touches an object for the first time: whoever is in
//! the new version sees it transformed, whoever is in the old one sees it as it was, and what was
//! written in the new version comes back.

use loom::thread;

use super::{Cell, Seen, cell, expect_orderly, flip, model_within};
use crate::heap::Heap;

fn number(heap: &Heap, object: crate::Ref<super::old::Cell>) -> u32 {
    heap.snapshot(|s| match s.read(object) {
        Ok(old) => old.0.get(),
        Err(_) => s.read(object.cast::<Cell>()).unwrap().0.get(),
    })
}

#[test]
fn roll_back_against_reader() {
    // Two take minutes.
    model_within(1, || {
        let heap = Heap::new();
        let object = cell(&heap, 1);
        let migration = flip(&heap);
        let reader = thread::spawn({
            let heap = heap.clone();
            move || {
                let seen = number(&heap, object);
                // In the new version; in the old one that is back, before the write or after it.
                assert!([101, 1, 2].contains(&seen), "{seen}");
            }
        });
        heap.inner.roll_back(&migration).unwrap();
        // Over what the reader may be about to transform.
        let write = |tx: &crate::Tx<'_>| {
            let next = tx.read(object)?.0.get() + 1;
            Ok(tx.write(object, super::old::Cell(Seen::new(next)))?)
        };
        heap.atomically(write).unwrap();
        reader.join().unwrap();
        assert_eq!(number(&heap, object), 2);
        expect_orderly(&heap);
    });
}

#[test]
fn roll_back_against_writer() {
    // Two take minutes.
    model_within(1, || {
        let heap = Heap::new();
        let object = cell(&heap, 1);
        let migration = flip(&heap);
        let roller = thread::spawn({
            let heap = heap.clone();
            move || {
                heap.inner.roll_back(&migration).unwrap();
                let seen = number(&heap, object);
                assert!([1, 2].contains(&seen), "{seen}");
            }
        });
        let write = |tx: &crate::Tx<'_>| {
            if let Ok(old) = tx.read(object) {
                let next = old.0.get() + 1;
                return Ok(tx.write(object, super::old::Cell(Seen::new(next)))?);
            }
            let next = tx.read(object.cast::<Cell>())?.0.get() + 1;
            Ok(tx.write(object.cast(), Cell(Seen::new(next)))?)
        };
        heap.atomically(write).unwrap();
        roller.join().unwrap();
        assert_eq!(number(&heap, object), 2, "a write is lost");
        expect_orderly(&heap);
    });
}
