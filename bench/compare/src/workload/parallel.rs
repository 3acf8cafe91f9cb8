//! Two threads against one: transactions a second of wall time.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::Task;
use crate::backend::{Backend, Transactional};
use crate::measure::{Metric, Plan, Reading};
use crate::rng::Rng;

/// Variables of both workloads.
const VARS: usize = 1_000;

/// Calls between two looks at the clock.
const CHUNK: u64 = 64;

/// Calls a second of `threads` threads together. Each makes its own loop body with `start`, told
/// its number.
fn rate<F: FnMut()>(threads: usize, slice: Duration, start: impl Fn(usize) -> F + Sync) -> f64 {
    let barrier = Barrier::new(threads + 1);
    let stop = AtomicBool::new(false);
    let work = |number| {
        let mut call = start(number);
        for _ in 0..CHUNK {
            call();
        }
        barrier.wait();
        let begun = Instant::now();
        let mut calls = 0;
        // Once at least, also where the system wakes this thread when the time is over.
        loop {
            for _ in 0..CHUNK {
                call();
            }
            calls += CHUNK;
            if stop.load(Ordering::Relaxed) {
                break;
            }
        }
        calls as f64 / begun.elapsed().as_secs_f64()
    };
    thread::scope(|scope| {
        let work = &work;
        let workers: Vec<_> =
            (0..threads).map(|number| scope.spawn(move || work(number))).collect();
        barrier.wait();
        thread::sleep(slice);
        stop.store(true, Ordering::Relaxed);
        workers.into_iter().map(|worker| worker.join().expect("a worker panicked")).sum()
    })
}

/// The rates of one and two threads, and the second over the first.
fn compare<F: FnMut()>(slice: Duration, start: impl Fn(usize) -> F + Sync) -> Vec<Reading> {
    let one = rate(1, slice, &start);
    let two = rate(2, slice, &start);
    vec![
        (Metric::RateOne, Some(one)),
        (Metric::RateTwo, Some(two)),
        (Metric::Ratio, Some(two / one)),
    ]
}

/// Each thread increments a variable of its own, far from the other's.
pub(crate) fn add_disjoint<B: Backend + Sync + 'static>(plan: &Plan) -> Task {
    let backend = B::new(&[1; VARS]);
    let slice = plan.thread_slice;
    Box::new(move || {
        compare(slice, |number| {
            let backend = &backend;
            let mut local = backend.local();
            let index = VARS / 4 + number * VARS / 2;
            move || backend.add(&mut local, index, 1)
        })
    })
}

/// Ten reads and two writes over variables that the threads share.
pub(crate) fn mixed_shared<B: Transactional + Sync + 'static>(plan: &Plan) -> Task {
    let backend = B::new(&[1; VARS]);
    let slice = plan.thread_slice;
    Box::new(move || {
        compare(slice, |number| {
            let backend = &backend;
            let mut local = backend.local();
            let mut rng = Rng::new(1 + number as u64);
            move || backend.mixed(&mut local, &rng.mixed(VARS))
        })
    })
}
