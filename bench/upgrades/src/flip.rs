//! The flip, by size of the heap, and an eager conversion beside it.

use upgradable::Background;

use crate::timing::{median, time};
use crate::types::{heap_of, plan};

pub(crate) fn run(largest: usize) {
    println!("\nThe flip, by size of the heap (the whole call, checks of the plan included)\n");
    println!("| objects | lazy flip, us | eager, one thread, ms | eager, two threads, ms |");
    println!("| ---: | ---: | ---: | ---: |");
    let mut objects = 1_000;
    while objects <= largest {
        let (heap, _accounts) = heap_of(objects);
        let mut flips = Vec::new();
        // A flip and its way back, several times over: the heap is as it was.
        for _ in 0..9 {
            let plan = plan().background(Background::Off);
            let mut running = None;
            flips.push(time(|| running = heap.upgrade(plan).ok()).as_nanos() as f64 / 1e3);
            let back = running.and_then(|running| running.roll_back().ok());
            if let Some(back) = back {
                let _ = back.wait();
            }
        }
        drop(heap);
        let eager = |threads| {
            let (heap, _accounts) = heap_of(objects);
            time(|| drop(heap.upgrade(plan().eager(threads)))).as_secs_f64() * 1e3
        };
        println!("| {objects} | {:.1} | {:.2} | {:.2} |", median(flips), eager(1), eager(2));
        objects *= 10;
    }
}
