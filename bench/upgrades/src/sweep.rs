//! The background migration: how fast it can be, and what it takes from the program.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use upgradable::{Background, Heap, Pace};

use crate::timing::{median, time};
use crate::types::{Other, create, heap_of, plan};

pub(crate) fn run(objects: usize, rounds: usize) {
    println!("\nBackground migration of {objects} objects\n");
    let full: Vec<f64> = (0..3)
        .map(|_| {
            let (heap, _accounts) = heap_of(objects);
            let plan = plan().background(Background::Off);
            let Ok(running) = heap.upgrade(plan) else { return 0.0 };
            let took = time(|| {
                let _ = running.wait();
            });
            objects as f64 / took.as_secs_f64() / 1e6
        })
        .collect();
    println!("at full pace, one thread: {:.2} million objects a second", median(full));

    // Two threads work on other objects; windows with and without migration alternate.
    let (mut ratios, mut base) = (Vec::new(), Vec::new());
    for _ in 0..rounds.clamp(3, 5) {
        let (heap, _accounts) = heap_of(objects);
        let others = create(&heap, 1_000, |n| Other { n });
        let (stop, done) = (AtomicBool::new(false), AtomicU64::new(0));
        thread::scope(|scope| {
            for seed in 0..2_u64 {
                let (heap, others, stop, done) = (&heap, &others, &stop, &done);
                scope.spawn(move || work(heap, others, seed, stop, done));
            }
            let window = |time: Duration| {
                let (from, begun) = (done.load(Ordering::Relaxed), Instant::now());
                thread::sleep(time);
                (done.load(Ordering::Relaxed) - from) as f64 / begun.elapsed().as_secs_f64()
            };
            window(Duration::from_millis(100));
            let before = window(Duration::from_millis(300));
            if let Ok(running) = heap.upgrade(plan().background(Background::On(Pace::default()))) {
                let during = window(Duration::from_millis(300));
                if running.progress().complete {
                    println!("(complete within the window: use more objects)");
                }
                let _ = running.wait();
                let after = window(Duration::from_millis(300));
                base.push((before + after) / 2.0);
                ratios.push(during / ((before + after) / 2.0));
            }
            stop.store(true, Ordering::Relaxed);
        });
    }
    println!(
        "two threads at {:.2} million transactions a second keep {:.2} of that meanwhile, at the \
         default pace",
        median(base) / 1e6,
        median(ratios)
    );
}

fn work(
    heap: &Heap,
    others: &[upgradable::Ref<Other>],
    seed: u64,
    stop: &AtomicBool,
    done: &AtomicU64,
) {
    let mut n = seed;
    while !stop.load(Ordering::Relaxed) {
        for _ in 0..100 {
            n = n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let other = others[(n >> 33) as usize % others.len()];
            let _ = heap.atomically(|tx| Ok(tx.modify(other, |other| other.n += 1)?));
        }
        done.fetch_add(100, Ordering::Relaxed);
    }
}
