//! How well the machine did while something was measured.
//!
//! On a virtual machine a processor may be taken away, or exchanged for one that is further from the
//! others. The first shows in the processor time that threads get; the second in the time that a
//! cache line takes from one core to another, which may quadruple from one second to the next, and
//! with it the time of everything that two threads share.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use upgradable_report::median;

/// Hops in one batch, and batches.
const HOPS: u32 = 4_000;
const BATCHES: usize = 5;
/// Two threads that share a core would hop for ever.
const LIMIT: Duration = Duration::from_millis(100);

/// A word in a cache line of its own.
#[derive(Default)]
#[repr(align(128))]
struct Line(AtomicU32);

impl Line {
    /// Every other hop, from this one on, and how long that took from the second turn on: before
    /// that the other thread may not have begun.
    fn hop(&self, first: u32, deadline: Instant) -> Option<Duration> {
        let mut started = None;
        for n in (first..HOPS).step_by(2) {
            let mut looks = 0_u32;
            while self.0.load(Ordering::Acquire) != n {
                looks += 1;
                if looks.is_multiple_of(1024) && Instant::now() > deadline {
                    return None;
                }
                spin_loop();
            }
            if n >= 2 {
                started.get_or_insert_with(Instant::now);
            }
            self.0.store(n + 1, Ordering::Release);
        }
        started.map(|started: Instant| started.elapsed())
    }
}

/// Nanoseconds that a cache line takes from one core to another now, in the median of a few
/// batches; `None` with one processor, or if it takes too long.
pub(crate) fn line_transfer() -> Option<f64> {
    let deadline = Instant::now() + LIMIT;
    let batches: Option<Vec<_>> = (0..BATCHES).map(|_| batch(deadline)).collect();
    median(batches?)
}

fn batch(deadline: Instant) -> Option<f64> {
    let line = Line::default();
    thread::scope(|scope| {
        let other = scope.spawn(|| line.hop(1, deadline));
        let took = line.hop(0, deadline)?;
        other.join().ok()??;
        Some(took.as_nanos() as f64 / f64::from(HOPS))
    })
}

/// How the machine did during a run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Calm {
    /// Nanoseconds that a cache line took from core to core before and after it.
    pub(crate) lines: [Option<f64>; 2],
    /// Of the processors that it could use: 1 on an idle machine.
    pub(crate) share: f64,
}

/// A share of the processors from which on nobody else had a part of them.
const WHOLE: f64 = 0.95;
/// A cache line that takes so many times as long as at best comes from further away.
const FURTHER: f64 = 1.7;

impl Calm {
    /// The slower one of both looks at a cache line.
    pub(crate) fn line(&self) -> Option<f64> {
        self.lines.iter().flatten().copied().reduce(f64::max)
    }

    /// Whether nothing disturbed the run, as far as can be told, on a machine where a cache line
    /// takes `best` when all is well.
    pub(crate) fn is_calm(&self, best: Option<f64>) -> bool {
        let near = match (self.line(), best) {
            (Some(line), Some(best)) => line <= FURTHER * best,
            _ => true,
        };
        near && self.share >= WHOLE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_line_takes_some_time() {
        if let Some(nanos) = line_transfer() {
            assert!(nanos > 1.0, "{nanos} ns");
        }
    }

    #[test]
    fn a_run_is_calm_if_threads_had_their_processors_and_these_were_near() {
        let calm = |before, after, share| Calm { lines: [Some(before), Some(after)], share };
        assert!(calm(60.0, 90.0, 0.97).is_calm(Some(55.0)));
        assert!(!calm(60.0, 250.0, 0.97).is_calm(Some(55.0)));
        assert!(!calm(250.0, 60.0, 0.97).is_calm(Some(55.0)));
        assert!(!calm(60.0, 60.0, 0.7).is_calm(Some(55.0)));
        assert!(Calm { lines: [None; 2], share: 1.0 }.is_calm(None));
    }
}
