//! Medians of interleaved rounds.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long it takes.
pub(crate) fn time(f: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    f();
    begun.elapsed()
}

/// How fast the machine is now: nanoseconds of an uncontended `fetch_add`.
pub(crate) fn yardstick() -> f64 {
    const ADDS: u32 = 1_000_000;
    let word = AtomicU64::new(0);
    let add = || (0..ADDS).for_each(|_| _ = black_box(&word).fetch_add(1, Ordering::SeqCst));
    median((0..9).map(|_| time(add).as_nanos() as f64 / f64::from(ADDS)).collect())
}

/// The median.
pub(crate) fn median<T: PartialOrd + Copy>(mut of: Vec<T>) -> T {
    of.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    of[of.len() / 2]
}

/// Nanoseconds of both per operation, and the median of the ratios of neighbouring rounds.
pub(crate) fn paired(
    rounds: usize,
    operations: usize,
    mut ours: impl FnMut(),
    mut base: impl FnMut(),
) -> (f64, f64, f64) {
    let (mut of_ours, mut of_base, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds.max(3) + 1 {
        // Who goes first alternates; the first round warms up.
        let (a, b) = if round % 2 == 0 {
            let a = time(&mut ours);
            (a, time(&mut base))
        } else {
            let b = time(&mut base);
            (time(&mut ours), b)
        };
        if round > 0 {
            let per = |of: Duration| of.as_nanos() as f64 / operations as f64;
            of_ours.push(per(a));
            of_base.push(per(b));
            ratios.push(per(a) / per(b));
        }
    }
    (median(of_ours), median(of_base), median(ratios))
}
