//! The thread loop: operations one after the other, timed, on as many threads as asked for.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;
use hdrhistogram::Histogram;

use crate::backend::Backend;
use crate::check::{Entry, Log};
use crate::execute::execute;
use crate::mix::{Mix, OpClass};
use crate::ops::{Op, Worker};
use crate::params::Params;
use crate::schema::Schema;

/// When a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    Time(Duration),
    /// Operations, divided among the threads.
    Ops(u64),
}

/// How to run.
#[derive(Clone, Debug)]
pub(crate) struct RunPlan {
    pub(crate) params: Params,
    pub(crate) mix: Mix,
    pub(crate) threads: usize,
    pub(crate) limit: Limit,
    /// Of each thread.
    pub(crate) seeds: Vec<u64>,
    /// Keep what a replay needs.
    pub(crate) log: bool,
}

/// Times of completed operations, and how many failed.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    /// Nanoseconds.
    pub(crate) done: Histogram<u64>,
    pub(crate) failed: u64,
}

impl Default for Times {
    fn default() -> Self {
        // Three digits; up to a minute and more, as it grows by itself.
        let done = Histogram::new(3).expect("three digits are a legal precision");
        Self { done, failed: 0 }
    }
}

impl Times {
    fn add(&mut self, other: &Self) {
        self.done.add(&other.done).expect("histograms that grow can be added");
        self.failed += other.failed;
    }

    pub(crate) fn succeeded(&self) -> u64 {
        self.done.len()
    }
}

/// What was measured.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    /// By the operation's number.
    pub(crate) times: Vec<Times>,
    /// From before the first thread started until the last one ended.
    pub(crate) elapsed: Duration,
    /// Processor time of all threads together.
    pub(crate) cpu: Duration,
    /// Executions in vain, because of conflicts.
    pub(crate) conflicts: u64,
    pub(crate) logs: Vec<Log>,
}

impl Measured {
    pub(crate) fn succeeded(&self) -> u64 {
        self.times.iter().map(Times::succeeded).sum()
    }

    pub(crate) fn failed(&self) -> u64 {
        self.times.iter().map(|times| times.failed).sum()
    }

    /// All operations of a class together.
    pub(crate) fn of_class(&self, class: OpClass) -> Times {
        let mut sum = Times::default();
        for op in Op::ALL.into_iter().filter(|&op| OpClass::of(op) == class) {
            sum.add(&self.times[op.number()]);
        }
        sum
    }
}

/// Runs a plan; `progress` is told now and then how far it has come, from 0 to 1.
pub(crate) fn measure<S: Schema, B: Backend<S>>(
    backend: &B,
    plan: &RunPlan,
    progress: impl Fn(f64),
) -> Result<Measured, B::Error> {
    let shared = Shared {
        plan,
        stop: AtomicBool::new(false),
        done: AtomicU64::new(0),
        ready: Barrier::new(plan.threads + 1),
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..plan.threads)
            .map(|number| {
                let shared = &shared;
                scope.spawn(move || {
                    let outcome = work::<S, B>(backend, shared, number);
                    if outcome.is_err() {
                        shared.stop.store(true, Ordering::Relaxed);
                    }
                    outcome
                })
            })
            .collect();
        let started = Instant::now();
        shared.ready.wait();
        while !threads.iter().all(thread::ScopedJoinHandle::is_finished) {
            let part = match plan.limit {
                Limit::Time(limit) => started.elapsed().as_secs_f64() / limit.as_secs_f64(),
                Limit::Ops(ops) => shared.done.load(Ordering::Relaxed) as f64 / ops as f64,
            };
            progress(part.min(1.0));
            if matches!(plan.limit, Limit::Time(limit) if started.elapsed() >= limit) {
                shared.stop.store(true, Ordering::Relaxed);
            }
            thread::sleep(Duration::from_millis(2));
        }
        let mut sum = Measured {
            times: vec![Times::default(); Op::COUNT],
            elapsed: Duration::ZERO,
            cpu: Duration::ZERO,
            conflicts: 0,
            logs: Vec::new(),
        };
        for thread in threads {
            let part = match thread.join() {
                Ok(part) => part?,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            sum.elapsed = sum.elapsed.max(part.ended.duration_since(started));
            sum.cpu += part.cpu;
            sum.conflicts += part.conflicts;
            sum.logs.push(part.log);
            for (all, own) in sum.times.iter_mut().zip(&part.times) {
                all.add(own);
            }
        }
        Ok(sum)
    })
}

struct Shared<'p> {
    plan: &'p RunPlan,
    stop: AtomicBool,
    done: AtomicU64,
    ready: Barrier,
}

/// What one thread has measured.
struct Part {
    times: Vec<Times>,
    cpu: Duration,
    conflicts: u64,
    log: Log,
    ended: Instant,
}

/// How many operations a thread runs between two reports of its progress.
const REPORT: u64 = 64;

fn work<S: Schema, B: Backend<S>>(
    backend: &B,
    shared: &Shared<'_>,
    number: usize,
) -> Result<Part, B::Error> {
    let plan = shared.plan;
    let seed = plan.seeds[number];
    let mut worker = Worker::new(plan.params, seed);
    let mut times = vec![Times::default(); Op::COUNT];
    let mut log = Log { seed, entries: Vec::new() };
    let mut conflicts = 0;
    let share = match plan.limit {
        Limit::Time(_) => u64::MAX,
        Limit::Ops(ops) => {
            let threads = plan.threads as u64;
            ops / threads + u64::from((number as u64) < ops % threads)
        }
    };
    shared.ready.wait();
    let cpu = ThreadTime::now();
    let mut done = 0;
    while done < share && !shared.stop.load(Ordering::Relaxed) {
        let op = plan.mix.choose(&mut worker.random);
        let started = Instant::now();
        let outcome = execute(backend, op, &mut worker)?;
        let took = started.elapsed();
        let own = &mut times[op.number()];
        if outcome.value.is_some() {
            own.done.record(took.as_nanos() as u64).expect("the histogram grows");
        } else {
            own.failed += 1;
        }
        conflicts += u64::from(outcome.conflicts);
        if plan.log {
            log.entries.push(Entry { op, result: outcome.value, moment: outcome.moment });
        }
        done += 1;
        if done % REPORT == 0 {
            shared.done.fetch_add(REPORT, Ordering::Relaxed);
        }
    }
    Ok(Part { times, cpu: cpu.elapsed(), conflicts, log, ended: Instant::now() })
}
