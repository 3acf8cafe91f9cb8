//! A long read-only transaction beside one writer at full speed.
//!
//! Every successful scan is checked to be of one moment, in one of two ways.
//!
//! - [`Writer::Update`]: the writer adds [`VARS`] to one variable at a time, always in the same
//!   order, and the variables begin with 1, 2, 3 and so on in that order. So after any number of
//!   updates the values are [`VARS`] successive numbers, and the largest one tells their sum. A
//!   scan that took some variables from an earlier moment has a smaller sum.
//! - [`Writer::Transfer`]: the writer moves 1 between two random variables; the sum never changes.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::Task;
use crate::backend::Transactional;
use crate::measure::{Metric, Plan, Reading, Samples};
use crate::rng::Rng;

/// Variables in a scan.
pub(crate) const VARS: usize = 100_000;

/// Writes between two publications of their number.
const CHUNK: u64 = 32;

/// The value each variable begins with under [`Writer::Transfer`].
const BALANCE: u64 = 1_000;

/// What the writer does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Writer {
    /// Adds to one variable at a time.
    Update,
    /// Moves between two variables at a time.
    Transfer,
}

/// What a scan keeps of the values it read.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    sum: u64,
    max: u64,
}

impl Seen {
    #[inline]
    fn with(self, value: u64) -> Self {
        Self { sum: self.sum.wrapping_add(value), max: self.max.max(value) }
    }
}

/// The variable of the writer's `step`: all of them in turn, scattered. Prime, so that it shares
/// no factor with the number of variables and visits each before any twice.
const fn scattered(step: usize) -> usize {
    const STRIDE: usize = 61_813;
    (step % VARS) * STRIDE % VARS
}

impl Writer {
    /// The values before the first write.
    fn values(self) -> Vec<u64> {
        let mut values = vec![BALANCE; VARS];
        if let Self::Update = self {
            for (step, value) in (0..VARS).zip(1..) {
                values[scattered(step)] = value;
            }
        }
        values
    }

    /// Whether the values seen can be of one moment.
    fn is_consistent(self, seen: Seen) -> bool {
        let vars = VARS as u64;
        match self {
            Self::Update => {
                seen.sum == vars.wrapping_mul(seen.max).wrapping_sub(vars * (vars - 1) / 2)
            }
            Self::Transfer => seen.sum == vars * BALANCE,
        }
    }
}

/// The state of a task: what is scanned, and where the writer stopped.
struct Arena<B> {
    backend: B,
    writer: Writer,
    steps: usize,
    rng: Rng,
}

/// Counts the attempts of one scan and refuses one when time is up, but not the first one of all.
struct Attempts {
    deadline: Instant,
    begun: Cell<Instant>,
    count: Cell<u64>,
    /// Those of the scans before it.
    before: u64,
}

impl Attempts {
    fn admit(&self) -> bool {
        let now = Instant::now();
        if now >= self.deadline && self.before + self.count.get() > 0 {
            return false;
        }
        self.begun.set(now);
        self.count.set(self.count.get() + 1);
        true
    }
}

/// The scans of one round.
#[derive(Default)]
struct Scans {
    /// Attempts up to the first success.
    first: Option<u64>,
    attempts: u64,
    successes: u64,
    torn: u64,
    milliseconds: Samples,
}

/// Scans again and again: for `slice`, or until the first success, or up to `bound` without one.
fn scan<B: Transactional>(backend: &B, writer: Writer, slice: Duration, bound: Duration) -> Scans {
    let begun = Instant::now();
    let mut local = backend.local();
    let mut scans = Scans::default();
    loop {
        let time = if scans.successes == 0 { bound } else { slice };
        let attempts = Attempts {
            deadline: begun + time,
            begun: Cell::new(begun),
            count: Cell::new(0),
            before: scans.attempts,
        };
        let seen = backend.fold(&mut local, || attempts.admit(), Seen::default(), Seen::with);
        let took = attempts.begun.get().elapsed();
        scans.attempts += attempts.count.get();
        let Some(seen) = seen else {
            return scans;
        };
        scans.first.get_or_insert(attempts.count.get());
        scans.successes += 1;
        scans.torn += u64::from(!writer.is_consistent(seen));
        scans.milliseconds.add(Some(took.as_secs_f64() * 1e3));
    }
}

impl<B: Transactional + Sync> Arena<B> {
    fn new(writer: Writer) -> Self {
        Self { backend: B::new(&writer.values()), writer, steps: 0, rng: Rng::new(1) }
    }

    /// Writes until told to stop.
    fn write(
        backend: &B,
        writer: Writer,
        (steps, rng): (&mut usize, &mut Rng),
        (written, stop): (&AtomicU64, &AtomicBool),
    ) {
        let mut local = backend.local();
        while !stop.load(Ordering::Relaxed) {
            for _ in 0..CHUNK {
                match writer {
                    Writer::Update => backend.add(&mut local, scattered(*steps), VARS as u64),
                    Writer::Transfer => {
                        let (from, to) = rng.pair(VARS);
                        backend.transfer(&mut local, from, to);
                    }
                }
                *steps += 1;
            }
            written.fetch_add(CHUNK, Ordering::Relaxed);
        }
    }

    /// One round: the writer alone, then beside scans.
    fn round(&mut self, slice: Duration, bound: Duration) -> Vec<Reading> {
        let (backend, writer) = (&self.backend, self.writer);
        let (written, stop) = (AtomicU64::new(0), AtomicBool::new(false));
        let progress = (&mut self.steps, &mut self.rng);
        let signals = (&written, &stop);
        thread::scope(|scope| {
            scope.spawn(move || Self::write(backend, writer, progress, signals));
            while written.load(Ordering::Relaxed) == 0 {
                thread::yield_now();
            }
            let writes_in = |during: &mut dyn FnMut()| {
                let (begun, before) = (Instant::now(), written.load(Ordering::Relaxed));
                during();
                let made = written.load(Ordering::Relaxed) - before;
                made as f64 / begun.elapsed().as_secs_f64()
            };
            let alone = writes_in(&mut || thread::sleep(slice / 4));
            let mut scans = Scans::default();
            let beside = writes_in(&mut || scans = scan(backend, writer, slice, bound));
            stop.store(true, Ordering::Relaxed);
            vec![
                (Metric::Attempts, scans.first.map(|count| count as f64)),
                (Metric::Tries, Some(scans.attempts as f64)),
                (Metric::Success, Some(scans.successes as f64 / scans.attempts as f64)),
                (Metric::Torn, Some(scans.torn as f64)),
                (Metric::ScanTime, scans.milliseconds.median()),
                (Metric::Writes, Some(beside)),
                (Metric::WritesAlone, Some(alone)),
            ]
        })
    }
}

/// The scan workload. A back end that never finished a scan in a round is not asked again.
pub(crate) fn beside<B: Transactional + Sync + 'static>(writer: Writer, plan: &Plan) -> Task {
    let mut arena = Arena::<B>::new(writer);
    let (slice, bound) = (plan.scan_slice, plan.scan_bound);
    let mut hopeless = false;
    Box::new(move || {
        if hopeless {
            return Vec::new();
        }
        let readings = arena.round(slice, bound);
        hopeless = readings.contains(&(Metric::Attempts, None));
        readings
    })
}

#[cfg(test)]
mod tests {
    use super::{Seen, VARS, Writer, scattered};

    fn seen(values: &[u64]) -> Seen {
        values.iter().fold(Seen::default(), |seen, &value| seen.with(value))
    }

    #[test]
    fn scattered_visits_every_variable() {
        let mut visited = vec![false; VARS];
        (0..VARS).for_each(|step| visited[scattered(step)] = true);
        assert!(visited.iter().all(|&visited| visited));
        assert_eq!(scattered(VARS + 5), scattered(5));
    }

    #[test]
    fn updates_keep_the_check_and_a_torn_scan_fails_it() {
        let mut values = Writer::Update.values();
        assert!(Writer::Update.is_consistent(seen(&values)));
        for step in 0..VARS + 10 {
            values[scattered(step)] += VARS as u64;
            if !(10..=VARS).contains(&step) {
                assert!(Writer::Update.is_consistent(seen(&values)));
            }
        }
        // The newest write is seen, the one before it is not.
        values[scattered(VARS + 11)] += VARS as u64;
        assert!(!Writer::Update.is_consistent(seen(&values)));
    }

    #[test]
    fn half_a_transfer_fails_the_check() {
        let mut values = Writer::Transfer.values();
        assert!(Writer::Transfer.is_consistent(seen(&values)));
        values[7] -= 1;
        assert!(!Writer::Transfer.is_consistent(seen(&values)));
    }
}
