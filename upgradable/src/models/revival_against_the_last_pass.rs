//! A roll back's last pass, against somebody who takes an object forward and back: when the roll
//! back is over the object is of the old version, and stays so.

use std::sync::Arc;

use loom::thread;

use super::{cell, expect_orderly, flip, model, old};
use crate::heap::{Heap, HeapInner};
use crate::migration::record::Migration;
use crate::migration::revival::Revivals;
use crate::object::Ref;
use crate::sync::{AtomicBool, Ordering};

/// The passes of a roll back for which nobody is left who sees the undone version.
fn pass(heap: &HeapInner, undone: &Arc<Migration>, back: &Arc<Migration>) {
    undone.revivals.end();
    loop {
        let revived = undone.revivals.ended();
        heap.domain.sweep(0..heap.domain.slots());
        if undone.revivals.end_after(revived) {
            break;
        }
        thread::yield_now();
    }
    heap.migrations.remove(&[undone, back]);
    heap.migrations.set_floors(&heap.domain, undone);
    heap.migrations.set_floors(&heap.domain, back);
}

fn number(heap: &Heap, object: Ref<old::Cell>) -> u32 {
    heap.snapshot(|s| s.read(object).expect("it is of the old version again").0.get())
}

#[test]
fn revival_against_the_last_pass() {
    model(|| {
        let heap = Heap::new();
        let object = cell(&heap, 1);
        let undone = flip(&heap);
        let back = heap.inner.roll_back(&undone).unwrap();
        let sweeper = thread::spawn({
            let heap = heap.clone();
            move || pass(&heap.inner, &undone, &back)
        });
        assert_eq!(number(&heap, object), 1);
        sweeper.join().unwrap();
        assert_eq!(number(&heap, object), 1);
        expect_orderly(&heap);
    });
}

/// The same for a pass that lets revivals be until its end, as those do whose transformers read
/// other objects: the one that is the last has seen whatever was revived.
#[test]
fn revival_against_the_last_look() {
    model(|| {
        let revivals = Arc::new(Revivals::default());
        let object = Arc::new(AtomicBool::new(false));
        let reader = thread::spawn({
            let (revivals, object) = (Arc::clone(&revivals), Arc::clone(&object));
            move || {
                if let Some(_revival) = revivals.begin() {
                    // As an installation is.
                    object.store(true, Ordering::Release);
                }
            }
        });
        let ended = revivals.ended();
        let seen = object.load(Ordering::Acquire);
        if revivals.end_after(ended) {
            reader.join().unwrap();
            assert_eq!(object.load(Ordering::Acquire), seen, "revived behind the pass");
        }
    });
}
