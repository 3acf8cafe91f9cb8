//! Bounded memory: the number of live versions is bounded by live snapshots and a constant,
//! however long a reader takes and however hot an object is.
//!
//! The constant: each thread notes up to a batch of superseded versions (128) before it looks at
//! the announcements, and up to a few batches are on their way through the collector. A thread
//! that is preempted at the wrong moment can hold a few more back, for that moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use upgradable_stm::{Domain, TVar};

/// Far more than is normal (a few hundred), far less than what is written meanwhile.
const CONSTANT: i64 = 20_000;

/// A value that is counted while it lives.
struct Counted {
    number: u64,
    living: Arc<AtomicI64>,
}

impl Counted {
    fn new(number: u64, living: &Arc<AtomicI64>) -> Self {
        living.fetch_add(1, Ordering::Relaxed);
        Self { number, living: Arc::clone(living) }
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        Self::new(self.number, &self.living)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.living.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What two threads that update one hot variable leave behind while `beside` runs.
struct Outcome {
    written: u64,
    most: i64,
}

fn hammer(
    domain: &Domain,
    hot: &TVar<Counted>,
    living: &AtomicI64,
    beside: impl FnOnce(),
) -> Outcome {
    let over = AtomicBool::new(false);
    let most = AtomicI64::new(0);
    let before = domain.snapshot(|s| s.read(hot).number);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    domain.atomically(|tx| Ok(tx.modify(hot, |value| value.number += 1)));
                    most.fetch_max(living.load(Ordering::Relaxed), Ordering::Relaxed);
                }
            });
        }
        beside();
        over.store(true, Ordering::Relaxed);
    });
    let written = domain.snapshot(|s| s.read(hot).number) - before;
    Outcome { written, most: most.load(Ordering::Relaxed) }
}

fn wait_until_written(domain: &Domain, hot: &TVar<Counted>, number: u64) {
    let begun = Instant::now();
    while domain.snapshot(|s| s.read(hot).number) < number {
        assert!(begun.elapsed() < Duration::from_secs(60), "the writers do not get on");
        thread::yield_now();
    }
}

fn hot(domain: &Domain) -> (TVar<Counted>, Arc<AtomicI64>) {
    let living = Arc::new(AtomicI64::new(0));
    (domain.tvar(Counted::new(0, &living)), living)
}

const WRITES: u64 = 200_000;

#[test]
fn one_snapshot_held_for_the_whole_run_keeps_one_version() {
    let domain = Domain::new();
    let (hot, living) = hot(&domain);
    let held = domain.hold();
    let outcome = hammer(&domain, &hot, &living, || wait_until_written(&domain, &hot, WRITES));
    assert!(outcome.written >= WRITES);
    assert!(outcome.most < CONSTANT, "{} versions lived at once", outcome.most);
    assert_eq!(held.read(|s| s.read(&hot).number), 0);
    domain.reclaim();
    assert_eq!(living.load(Ordering::Relaxed), 2, "the newest, and what the snapshot sees");
    drop(held);
    domain.reclaim();
    assert_eq!(living.load(Ordering::Relaxed), 1);
}

#[test]
fn a_reader_that_sleeps_inside_of_its_transaction_keeps_one_version() {
    let domain = Domain::new();
    let (hot, living) = hot(&domain);
    let outcome = domain.snapshot(|s| {
        let outcome = hammer(&domain, &hot, &living, || wait_until_written(&domain, &hot, WRITES));
        assert_eq!(s.read(&hot).number, 0);
        outcome
    });
    assert!(outcome.most < CONSTANT, "{} versions lived at once", outcome.most);
}

#[test]
fn versions_between_two_live_snapshots_go() {
    let domain = Domain::new();
    let (hot, living) = hot(&domain);
    let mut held = vec![domain.hold()];
    let outcome = hammer(&domain, &hot, &living, || {
        for round in 1..=10 {
            wait_until_written(&domain, &hot, round * WRITES / 10);
            held.push(domain.hold());
        }
    });
    assert!(outcome.most < CONSTANT, "{} versions lived at once", outcome.most);
    domain.reclaim();
    assert!(living.load(Ordering::Relaxed) <= 12, "eleven snapshots and the newest");
    let seen: Vec<u64> = held.iter().map(|held| held.read(|s| s.read(&hot).number)).collect();
    assert!(seen.is_sorted(), "{seen:?}");
    // Whichever goes takes its own version along, and no other.
    held.remove(5);
    domain.reclaim();
    assert!(living.load(Ordering::Relaxed) <= 11);
    for (held, seen) in held.iter().zip(seen[..5].iter().chain(&seen[6..])) {
        assert_eq!(held.read(|s| s.read(&hot).number), *seen);
    }
}

#[test]
fn many_objects_each_keep_what_the_snapshot_sees() {
    let domain = Domain::new();
    let living = Arc::new(AtomicI64::new(0));
    let vars: Vec<_> = (0..1_000).map(|n| domain.tvar(Counted::new(n, &living))).collect();
    let held = domain.hold();
    for _ in 0..20 {
        for var in &vars {
            domain.atomically(|tx| Ok(tx.modify(var, |value| value.number += 1)));
        }
    }
    domain.reclaim();
    assert_eq!(living.load(Ordering::Relaxed), 2_000);
    drop(held);
    domain.reclaim();
    assert_eq!(living.load(Ordering::Relaxed), 1_000);
    drop(vars);
    domain.reclaim();
    assert_eq!(living.load(Ordering::Relaxed), 0);
}

#[test]
fn what_idle_threads_left_behind_is_reclaimed_too() {
    let domain = Domain::new();
    let (hot, living) = hot(&domain);
    let (done, is_done) = std::sync::mpsc::channel();
    let (go, may_go) = std::sync::mpsc::channel::<()>();
    thread::scope(|scope| {
        let (domain, hot) = (&domain, &hot);
        scope.spawn(move || {
            for _ in 0..10 {
                domain.atomically(|tx| Ok(tx.modify(hot, |value| value.number += 1)));
            }
            done.send(()).expect("the test waits");
            // Alive, and out of transactions.
            may_go.recv().expect("the test goes on");
        });
        is_done.recv().expect("the thread works");
        domain.reclaim();
        assert_eq!(living.load(Ordering::Relaxed), 1);
        go.send(()).expect("the thread waits");
    });
}
