//! Reclamation: of each object the versions that live snapshots see, the newest, and what is on
//! its way. Exactly so beside one writer, and most of the time beside several.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use upgradable_stm::{Domain, Handle, HeldSnapshot, TVar};

#[path = "common/census.rs"]
mod census;
#[path = "common/dice.rs"]
mod dice;
#[path = "common/watchdog.rs"]
mod watchdog;

use census::Census;
use dice::Dice;
use watchdog::watched;

/// A thread looks at what it has superseded when it is so much. As many may be trimmed and wait
/// for company, and two batches are on their way through the collector.
const BATCH: usize = 128;
const ON_THE_WAY: usize = 4 * BATCH;

/// Nothing is waited for any longer than this.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many values are alive, and how many have been at once.
#[derive(Default)]
struct Crowd {
    alive: AtomicUsize,
    most: AtomicUsize,
    born: AtomicUsize,
}

struct Member(Arc<Crowd>);

impl Member {
    fn of(crowd: &Arc<Crowd>) -> Self {
        let alive = crowd.alive.fetch_add(1, Ordering::Relaxed) + 1;
        crowd.most.fetch_max(alive, Ordering::Relaxed);
        crowd.born.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(crowd))
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.0.alive.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One hot variable, written by one thread; who else there is only reads.
struct Hot {
    domain: Domain,
    x: TVar<Member>,
    crowd: Arc<Crowd>,
}

impl Hot {
    fn new() -> Self {
        let (domain, crowd) = (Domain::new(), Arc::default());
        let x = domain.tvar(Member::of(&crowd));
        Self { domain, x, crowd }
    }

    fn write(&self, times: usize) {
        for _ in 0..times {
            self.domain.atomically(|tx| Ok(tx.write(&self.x, Member::of(&self.crowd))));
        }
    }

    /// Writes often, beside so many live snapshots, and looks how many versions there were.
    #[track_caller]
    fn stays_small(&self, snapshots: usize) {
        self.crowd.most.store(0, Ordering::Relaxed);
        self.write(20_000);
        let most = self.crowd.most.load(Ordering::Relaxed);
        assert!(most <= snapshots + 1 + ON_THE_WAY, "{most} versions lived at once");
        self.domain.reclaim();
        assert_eq!(self.crowd.alive.load(Ordering::Relaxed), snapshots + 1);
        assert_eq!(self.domain.versions(&self.x), snapshots + 1);
    }
}

#[test]
fn nobody_looks_and_one_version_is_left() {
    Hot::new().stays_small(0);
}

#[test]
fn a_held_snapshot_keeps_one_version() {
    let hot = Hot::new();
    let held = hot.domain.hold();
    hot.stays_small(1);
    drop(held);
    hot.stays_small(0);
}

#[test]
fn several_held_snapshots_keep_one_version_each_and_none_between() {
    let hot = Hot::new();
    let mut held = Vec::new();
    for _ in 0..10 {
        hot.write(500);
        held.push(hot.domain.hold());
    }
    hot.write(1);
    hot.stays_small(10);
    for left in [4, 7, 0, 6, 3, 0, 0, 2, 1, 0] {
        held.remove(left);
        hot.domain.reclaim();
        assert_eq!(hot.domain.versions(&hot.x), held.len() + 1);
    }
}

#[test]
fn snapshots_of_the_same_version_keep_it_once() {
    let hot = Hot::new();
    let held: Vec<HeldSnapshot> = (0..10).map(|_| hot.domain.hold()).collect();
    let other = hot.domain.tvar(0);
    let apart: Vec<HeldSnapshot> = (0..10)
        .map(|n| {
            hot.domain.atomically(|tx| Ok(tx.write(&other, n)));
            hot.domain.hold()
        })
        .collect();
    hot.stays_small(1);
    drop(held);
    hot.stays_small(1);
    drop(apart);
    hot.stays_small(0);
}

/// Runs `sleeper` on another thread, which sleeps where it calls its argument, and writes
/// meanwhile: the sleeper is the only one who looks.
fn beside_a_sleeper(hot: &Hot, snapshots: usize, sleeper: impl FnOnce(&dyn Fn()) + Send) {
    let meet = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            sleeper(&|| {
                meet.wait();
                meet.wait();
            });
        });
        meet.wait();
        hot.stays_small(snapshots);
        meet.wait();
    });
}

#[test]
fn a_snapshot_that_sleeps_on_another_thread_keeps_one_version() {
    alone(|| {
        let hot = Hot::new();
        beside_a_sleeper(&hot, 1, |sleep| {
            hot.domain.snapshot(|s| {
                s.read(&hot.x);
                sleep();
                s.read(&hot.x);
            });
        });
        hot.stays_small(0);
    });
}

/// The same, when it stands deep in the chain: it had to walk there.
#[test]
fn a_snapshot_that_sleeps_deep_in_a_chain_keeps_one_version() {
    alone(|| {
        let hot = Hot::new();
        let held = hot.domain.hold();
        hot.write(10);
        beside_a_sleeper(&hot, 1, |sleep| {
            held.read(|s| {
                s.read(&hot.x);
                sleep();
                s.read(&hot.x);
            });
        });
        drop(held);
        hot.stays_small(0);
    });
}

#[test]
fn a_long_update_transaction_keeps_one_version() {
    alone(|| {
        let hot = Hot::new();
        let other = hot.domain.tvar(0);
        beside_a_sleeper(&hot, 1, |sleep| {
            let mut run = 0;
            hot.domain.atomically(|tx| {
                run += 1;
                tx.read(&hot.x);
                tx.write(&other, 1);
                if run == 1 {
                    sleep();
                }
                tx.read(&hot.x);
                Ok(())
            });
            assert_eq!(run, 2);
        });
        hot.stays_small(0);
    });
}

#[test]
fn an_era_that_is_kept_keeps_one_version() {
    let hot = Hot::new();
    let advance = hot.domain.advance_era(|_| {}).unwrap();
    hot.stays_small(1);
    drop(advance);
    hot.stays_small(0);
}

/// Random updates and snapshots that come and go: after each tidying the chains are as long as
/// the snapshots demand, and every snapshot sees what it always saw.
#[test]
fn chains_are_as_long_as_the_snapshots_demand() {
    const VARS: usize = 10;
    for seed in 0..20 {
        let (domain, census) = (Domain::new(), Census::default());
        let mut dice = Dice::new(seed);
        let vars: Vec<_> = (0..VARS).map(|_| domain.tvar(census.count(0))).collect();
        let mut now = [0_u64; VARS];
        let mut held: Vec<(HeldSnapshot, [u64; VARS])> = Vec::new();
        for round in 1..200 {
            match dice.throw(10) {
                0 => held.push((domain.hold(), now)),
                1 if !held.is_empty() => drop(held.swap_remove(dice.throw(held.len()))),
                _ => {
                    let var = dice.throw(VARS);
                    domain.atomically(|tx| Ok(tx.write(&vars[var], census.count(round))));
                    now[var] = round;
                }
            }
            if dice.throw(5) > 0 {
                continue;
            }
            domain.reclaim();
            let mut versions = 0;
            for var in 0..VARS {
                let mut seen: Vec<u64> = held.iter().map(|(_, then)| then[var]).collect();
                seen.push(now[var]);
                seen.sort_unstable();
                seen.dedup();
                assert_eq!(domain.versions(&vars[var]), seen.len());
                versions += seen.len();
            }
            assert_eq!(census.alive(), versions);
            for (snapshot, then) in &held {
                let seen =
                    snapshot.read(|s| vars.iter().map(|v| s.read(v).value).collect::<Vec<_>>());
                assert_eq!(seen, then);
            }
        }
    }
}

#[test]
fn objects_keep_no_more_than_variables() {
    let (domain, census) = (Domain::new(), Census::default());
    let names: Vec<Handle> =
        domain.atomically(|tx| Ok((0..100).map(|n| tx.create(census.count(n))).collect()));
    let held = domain.hold();
    for round in 0..10 {
        for &name in &names {
            domain.atomically(|tx| tx.put(name, census.count(round)).map_err(|_| tx.retry()));
        }
    }
    domain.reclaim();
    assert_eq!(census.alive(), 200);
    for &name in &names[..50] {
        domain.atomically(|tx| tx.delete(name).map_err(|_| tx.retry()));
    }
    domain.reclaim();
    assert_eq!(census.alive(), 150, "the deleted ones are kept for the snapshot only");
    drop(held);
    domain.reclaim();
    assert_eq!(census.alive(), 50);
}

#[test]
fn reclaim_leaves_one_version_of_everything_whoever_wrote_it() {
    alone(|| {
        let (domain, census) = (Domain::new(), Census::default());
        let vars: Vec<_> = (0..50).map(|n| domain.tvar(census.count(n))).collect();
        thread::scope(|scope| {
            for thread in 0..3 {
                let (domain, vars, census) = (&domain, &vars, &census);
                scope.spawn(move || {
                    let mut dice = Dice::new(thread);
                    for n in 0..2_000 {
                        let var = &vars[dice.throw(50)];
                        match dice.throw(10) {
                            0 => drop(domain.hold()),
                            1 => domain.snapshot(|s| assert!(s.read(var).is_alive())),
                            _ => domain.atomically(|tx| Ok(tx.write(var, census.count(n)))),
                        }
                    }
                });
            }
        });
        domain.reclaim();
        assert!(vars.iter().all(|var| domain.versions(var) == 1));
        assert_eq!(census.alive(), vars.len());
    });
}

/// One test at a time: who is stopped by the system in the middle of a transaction keeps what it
/// sees, and with as many threads as processors hardly anybody is.
fn alone(test: impl FnOnce() + Send + 'static) {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    watched(test);
}

/// Two threads update one variable as fast as they can while `beside` runs, which takes snapshots
/// and waits: at most so many are live at a time.
///
/// With two writers one may be stopped by the system at any point, also where it has just
/// announced itself and keeps whatever comes after. That passes: however slow the machine is, there
/// come spans of thousands of updates, one after the other, in which there are few at all times.
fn under_fire(snapshots: usize, beside: impl FnOnce(&Hot, &dyn Fn())) {
    const SPAN: usize = 5_000;
    const CALM: usize = 20;
    let hot = Hot::new();
    let over = AtomicBool::new(false);
    let most_at_once = RefCell::new(Vec::new());
    let calm = |most: &usize| *most <= snapshots + 1 + 2 * ON_THE_WAY;
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    hot.write(1);
                }
            });
        }
        beside(&hot, &|| {
            let begun = Instant::now();
            let mut spans = most_at_once.borrow_mut();
            while spans.iter().filter(|most| calm(most)).count() < CALM
                && begun.elapsed() < PATIENCE
            {
                let before = hot.crowd.born.load(Ordering::Relaxed);
                hot.crowd.most.store(0, Ordering::Relaxed);
                while hot.crowd.born.load(Ordering::Relaxed) < before + SPAN {
                    thread::sleep(Duration::from_millis(1));
                }
                spans.push(hot.crowd.most.load(Ordering::Relaxed));
            }
            over.store(true, Ordering::Relaxed);
        });
    });
    let most = most_at_once.into_inner();
    assert!(most.iter().filter(|most| calm(most)).count() == CALM, "{most:?} were kept at once");
    // What the two threads left on their way would count as this one's.
    hot.domain.reclaim();
    hot.stays_small(0);
}

#[test]
fn under_fire_a_held_snapshot_keeps_little() {
    alone(|| {
        under_fire(1, |hot, wait| {
            let held = hot.domain.hold();
            wait();
            drop(held);
        });
    });
}

#[test]
fn under_fire_several_held_snapshots_keep_little() {
    alone(|| {
        under_fire(20, |hot, wait| {
            let mut held = Vec::new();
            for _ in 0..20 {
                thread::sleep(Duration::from_millis(20));
                held.push(hot.domain.hold());
            }
            wait();
            let versions =
                || held.iter().map(|held| held.read(|s| std::ptr::from_ref(s.read(&hot.x))));
            assert!(versions().eq(versions()), "they see what they saw");
        });
    });
}

#[test]
fn under_fire_a_snapshot_that_sleeps_keeps_little() {
    alone(|| {
        under_fire(1, |hot, wait| {
            hot.domain.snapshot(|s| {
                let before = std::ptr::from_ref(s.read(&hot.x));
                wait();
                assert!(std::ptr::eq(before, s.read(&hot.x)));
            });
        });
    });
}

#[test]
fn under_fire_a_long_update_transaction_keeps_little() {
    alone(|| {
        under_fire(1, |hot, wait| {
            let mut run = 0;
            hot.domain.atomically(|tx| {
                run += 1;
                tx.read(&hot.x);
                if run == 1 {
                    wait();
                }
                tx.read(&hot.x);
                Ok(())
            });
        });
    });
}
