//! Threads that end: what they leave behind, and transactions in their last moments.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use upgradable_stm::{Domain, TVar};

use super::{Census, watched};

/// Adds to a counter, by a transaction, when it is dropped.
struct Farewell {
    domain: Domain,
    counter: TVar<u32>,
    /// How many have come to their end.
    ended: Arc<AtomicU32>,
}

impl Drop for Farewell {
    fn drop(&mut self) {
        self.domain.atomically(|tx| Ok(tx.modify(&self.counter, |n| *n += 1)));
        assert!(self.domain.snapshot(|s| *s.read(&self.counter)) > 0);
        let held = self.domain.hold();
        assert!(held.read(|s| *s.read(&self.counter)) > 0);
        drop(self.domain.tvar(5));
        let name = self.domain.atomically(|tx| Ok(tx.create(5)));
        self.domain.atomically(|tx| Ok(tx.delete(name))).unwrap();
        self.domain.reclaim();
        self.ended.fetch_add(1, Ordering::Release);
    }
}

thread_local! {
    static FAREWELL: RefCell<Option<Farewell>> = const { RefCell::new(None) };
    static SECOND: RefCell<Option<Farewell>> = const { RefCell::new(None) };
}

#[test]
fn a_thread_runs_transactions_when_it_ends() {
    watched(|| {
        let domain = Domain::new();
        let counter = domain.tvar(0);
        let ended = Arc::<AtomicU32>::default();
        let farewell = || Farewell {
            domain: domain.clone(),
            counter: counter.clone(),
            ended: Arc::clone(&ended),
        };
        thread::scope(|scope| {
            for round in 0..20 {
                scope.spawn({
                    let (domain, counter, farewell) = (&domain, &counter, &farewell);
                    move || {
                        // The order of first uses decides the order of the ends: both come.
                        if round % 2 == 0 {
                            domain.snapshot(|s| *s.read(counter));
                        }
                        FAREWELL.with(|place| *place.borrow_mut() = Some(farewell()));
                        domain.snapshot(|s| *s.read(counter));
                        SECOND.with(|place| *place.borrow_mut() = Some(farewell()));
                    }
                });
            }
        });
        // A scope ends with the closures, not with the threads' last moments.
        while ended.load(Ordering::Acquire) < 40 {
            thread::yield_now();
        }
        assert_eq!(domain.snapshot(|s| *s.read(&counter)), 40);
        assert_eq!(domain.snapshot(|s| s.handles().count()), 0);
    });
}

#[test]
fn a_thread_drops_the_last_name_of_a_domain_when_it_ends() {
    watched(|| {
        thread_local! {
            static LAST: Cell<Option<(Domain, TVar<super::census::Counted<u32>>)>> =
                const { Cell::new(None) };
        }
        let census = Census::default();
        for used_before in [false, true] {
            let counted = census.clone();
            let thread = thread::spawn(move || {
                let domain = Domain::new();
                if !used_before {
                    LAST.with(|_| ());
                }
                let x = domain.tvar(counted.count(0));
                domain.atomically(|tx| {
                    tx.create(counted.count(1));
                    Ok(tx.write(&x, counted.count(2)))
                });
                LAST.set(Some((domain, x)));
            });
            thread.join().unwrap();
            assert_eq!(census.alive(), 0);
        }
    });
}

#[test]
fn what_a_thread_left_behind_is_found() {
    watched(|| {
        let (domain, census) = (Domain::new(), Census::default());
        let vars: Vec<_> = (0..10).map(|n| domain.tvar(census.count(n))).collect();
        for _ in 0..20 {
            thread::scope(|scope| {
                scope.spawn(|| {
                    for var in &vars {
                        domain.atomically(|tx| Ok(tx.modify(var, |it| it.value += 1)));
                    }
                });
            });
        }
        domain.reclaim();
        assert_eq!(census.alive(), vars.len());
        assert!(vars.iter().all(|var| domain.versions(var) == 1));
    });
}

/// Threads come and go by the hundred; their places are used again.
#[test]
fn threads_come_and_go() {
    watched(|| {
        let domain = Domain::new();
        let x = domain.tvar(0);
        for _ in 0..50 {
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| domain.atomically(|tx| Ok(tx.modify(&x, |n| *n += 1))));
                }
            });
        }
        assert_eq!(domain.snapshot(|s| *s.read(&x)), 200);
    });
}

/// `reclaim` by several threads at once, beside writers.
#[test]
fn everybody_reclaims() {
    watched(|| {
        let (domain, census) = (Domain::new(), Census::default());
        let x = domain.tvar(census.count(0));
        let begin = Arc::new(Barrier::new(4));
        thread::scope(|scope| {
            for which in 0..4 {
                let (domain, census, x, begin) = (&domain, &census, &x, begin.clone());
                scope.spawn(move || {
                    begin.wait();
                    for n in 0..1000 {
                        if which % 2 == 0 {
                            domain.atomically(|tx| Ok(tx.write(x, census.count(n))));
                        } else {
                            domain.reclaim();
                        }
                    }
                });
            }
        });
        domain.reclaim();
        assert_eq!(census.alive(), 1);
    });
}
