//! Memory before, during and after an upgrade, against a heap that was born in the new version.

use std::thread;
use std::time::Duration;

use upgradable::{Background, Heap, Upgradable, Upgrade, UpgradeFrom};

use crate::counting::in_use;
use crate::types::{Account, Grown, create, heap_of, v1};

pub(crate) fn run(objects: usize) {
    println!("\nMemory, bytes for each of {objects} objects that keep their size\n");
    measure(objects, |n| Account { id: n, mills: n });
    println!("\nMemory, bytes for each of {objects} objects that become three times as large\n");
    measure(objects, |n| Grown { id: n, cents: n, limits: [0; 4] });
}

fn measure<T: Upgradable + UpgradeFrom<v1::Account>>(objects: usize, value: impl Fn(u64) -> T) {
    let per = |bytes: usize| bytes as f64 / objects as f64;
    let start = settled();
    let born = {
        let heap = Heap::new();
        let refs = create(&heap, objects, value);
        let born = in_use() - start - refs.capacity() * 8;
        drop(heap);
        born
    };
    let start = settled();
    let (heap, refs) = heap_of(objects);
    let now = || in_use() - start - refs.capacity() * 8;
    println!("| | bytes | of a heap born new |\n| --- | ---: | ---: |");
    let line = |name: &str, bytes: usize| {
        println!("| {name} | {:.1} | {:.3} |", per(bytes), bytes as f64 / born as f64);
    };
    line("born in the new version", born);
    line("before the upgrade", now());
    let plan = Upgrade::to("2").migrate::<v1::Account, T>().background(Background::Off);
    let Ok(running) = heap.upgrade(plan) else { return };
    line("after the flip", now());
    let _ = running.wait();
    line("complete, can be rolled back", now());
    if running.promote().is_ok() {
        line("promoted", now());
        // The background begins to do the same, and what one has in hand the other can't free.
        while !heap.compact() {}
        heap.compact();
        line("tidied, as the background does after a promotion", now());
    }
}

/// What is in use when the background has let go of the heaps before.
fn settled() -> usize {
    loop {
        let before = in_use();
        thread::sleep(Duration::from_millis(200));
        if in_use() == before {
            return before;
        }
    }
}
