//! Memory before, during and after an upgrade, against a heap that was born in the new version.

use upgradable::{Background, Heap};

use crate::counting::in_use;
use crate::types::{Account, create, heap_of, plan};

pub(crate) fn run(objects: usize) {
    println!("\nMemory, bytes for each of {objects} objects\n");
    let per = |bytes: usize| bytes as f64 / objects as f64;
    let start = in_use();
    let born = {
        let heap = Heap::new();
        let refs = create(&heap, objects, |n| Account { id: n, mills: n });
        let born = in_use() - start - refs.capacity() * 8;
        drop(heap);
        born
    };
    let start = in_use();
    let (heap, refs) = heap_of(objects);
    let now = || in_use() - start - refs.capacity() * 8;
    println!("| | bytes | of a heap born new |\n| --- | ---: | ---: |");
    let line = |name: &str, bytes: usize| {
        println!("| {name} | {:.1} | {:.3} |", per(bytes), bytes as f64 / born as f64);
    };
    line("born in the new version", born);
    line("before the upgrade", now());
    let Ok(running) = heap.upgrade(plan().background(Background::Off)) else { return };
    line("after the flip", now());
    let _ = running.wait();
    line("complete, can be rolled back", now());
    if running.promote().is_ok() {
        line("promoted", now());
        heap.compact();
        line("tidied, as the background does after a promotion", now());
    }
}
