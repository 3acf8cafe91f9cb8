//! A transaction that begins while the flip happens sees one version of all objects, and what the
//! flip's tables say is in place for it.

use loom::thread;
use upgradable_stm::CommitTs;

use super::{Cell, cell, expect_orderly, flip, model};
use crate::heap::Heap;

#[test]
fn flip_against_begin() {
    model(|| {
        let heap = Heap::new();
        let (a, b) = (cell(&heap, 1), cell(&heap, 2));
        let reader = thread::spawn({
            let heap = heap.clone();
            move || {
                heap.snapshot(|s| {
                    if s.at().era() == CommitTs::ZERO.era() {
                        assert_eq!(
                            (s.read(a).unwrap().0.get(), s.read(b).unwrap().0.get()),
                            (1, 2)
                        );
                    } else {
                        let a = s.read(a.cast::<Cell>()).unwrap();
                        let b = s.read(b.cast::<Cell>()).unwrap();
                        assert_eq!((a.0.get(), b.0.get()), (101, 102));
                    }
                });
            }
        });
        let migration = flip(&heap);
        let created = heap.atomically(|tx| Ok(tx.create(Cell(super::Seen::new(9))).is_ok()));
        assert_eq!(created, Ok(true));
        reader.join().unwrap();
        assert!(heap.now() >= migration.flip());
        expect_orderly(&heap);
    });
}
