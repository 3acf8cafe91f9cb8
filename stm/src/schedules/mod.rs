//! Whole transactions under thousands of random schedules (`--cfg shuttle`, `ci/shuttle.sh`).
//!
//! shuttle switches threads at every atomic access and lock, but shows no weak memory: that is
//! loom's part, on smaller models. Batches hold two versions here, so that trimming, retiring and
//! recycling happen in every run.

use shuttle::thread;

use crate::domain::Domain;
use crate::error::Stm;
use crate::tvar::TVar;
use crate::txn::Tx;

const SCHEDULES: usize = 2_000;
const DEPTH: usize = 3;

/// Half of the schedules at random, half by priorities with a few changes.
fn explore(f: impl Fn() + Clone + Send + Sync + 'static) {
    shuttle::check_random(f.clone(), SCHEDULES);
    shuttle::check_pct(f, SCHEDULES, DEPTH);
}

#[test]
fn a_bank_keeps_its_sum() {
    explore(|| {
        let bank = Domain::new();
        let accounts: Vec<TVar<i64>> = (0..3).map(|_| bank.tvar(10)).collect();
        let clerks: Vec<_> = (0..2)
            .map(|clerk: usize| {
                let (bank, accounts) = (bank.clone(), accounts.clone());
                thread::spawn(move || {
                    for step in 0..2 {
                        let (from, to) = ((clerk + step) % 3, (clerk + 2 * step + 1) % 3);
                        bank.atomically(|tx| {
                            tx.modify(&accounts[from], |cents| *cents -= 3);
                            tx.modify(&accounts[to], |cents| *cents += 3);
                            Ok(())
                        });
                    }
                })
            })
            .collect();
        let held = bank.hold();
        for _ in 0..2 {
            let sum: i64 = bank.snapshot(|s| accounts.iter().map(|account| *s.read(account)).sum());
            assert_eq!(sum, 30);
        }
        for clerk in clerks {
            clerk.join().unwrap();
        }
        let sum: i64 = held.read(|s| accounts.iter().map(|account| *s.read(account)).sum());
        assert_eq!(sum, 30);
    });
}

#[test]
fn write_skew_does_not_happen() {
    explore(|| {
        let ward = Domain::new();
        let on_call: [TVar<bool>; 2] = [ward.tvar(true), ward.tvar(true)];
        let doctors: Vec<_> = (0..2)
            .map(|me: usize| {
                let (ward, on_call) = (ward.clone(), on_call.clone());
                thread::spawn(move || {
                    ward.atomically(|tx| {
                        if on_call.iter().all(|doctor| *tx.read(doctor)) {
                            tx.write(&on_call[me], false);
                        }
                        Ok(())
                    });
                })
            })
            .collect();
        for doctor in doctors {
            doctor.join().unwrap();
        }
        assert!(ward.snapshot(|s| on_call.iter().any(|doctor| *s.read(doctor))));
    });
}

#[test]
fn a_ring_that_everybody_permutes_stays_one_ring() {
    const SIZE: usize = 4;
    fn walk(next: impl Fn(usize) -> usize) {
        let (mut at, mut seen) = (0, [false; SIZE]);
        for _ in 0..SIZE {
            assert!(!std::mem::replace(&mut seen[at], true), "the ring has fallen apart");
            at = next(at);
        }
        assert_eq!(at, 0);
    }
    explore(|| {
        let domain = Domain::new();
        let ring: Vec<TVar<usize>> = (0..SIZE).map(|at| domain.tvar((at + 1) % SIZE)).collect();
        let movers: Vec<_> = (0..2)
            .map(|start: usize| {
                let (domain, ring) = (domain.clone(), ring.clone());
                thread::spawn(move || {
                    // Takes the second element after `start` out and puts it in one further on.
                    domain.atomically(|tx| {
                        let first = *tx.read(&ring[start]);
                        let second = *tx.read(&ring[first]);
                        let third = *tx.read(&ring[second]);
                        tx.write(&ring[start], second);
                        tx.write(&ring[second], first);
                        tx.write(&ring[first], third);
                        Ok(())
                    });
                })
            })
            .collect();
        domain.snapshot(|s| walk(|at| *s.read(&ring[at])));
        for mover in movers {
            mover.join().unwrap();
        }
        domain.snapshot(|s| walk(|at| *s.read(&ring[at])));
    });
}

#[test]
fn a_bounded_queue_neither_loses_nor_forgets_to_wake() {
    fn put(tx: &Tx<'_>, queue: &TVar<Vec<u32>>, item: u32) -> Stm<()> {
        tx.check(tx.read(queue).is_empty())?;
        tx.modify(queue, |items| items.push(item));
        Ok(())
    }
    fn take(tx: &Tx<'_>, queue: &TVar<Vec<u32>>) -> Stm<u32> {
        match tx.modify(queue, Vec::pop) {
            Some(item) => Ok(item),
            None => Err(tx.retry()),
        }
    }
    explore(|| {
        let domain = Domain::new();
        let (left, right) = (domain.tvar(Vec::new()), domain.tvar(Vec::new()));
        let producers: Vec<_> = [(&left, 1), (&right, 10)]
            .map(|(queue, first)| {
                let (domain, queue) = (domain.clone(), queue.clone());
                thread::spawn(move || {
                    for item in first..first + 2 {
                        domain.atomically(|tx| put(tx, &queue, item));
                    }
                })
            })
            .into();
        let mut sum = 0;
        for _ in 0..4 {
            sum += domain.atomically(|tx| tx.or_else(|tx| take(tx, &left), |tx| take(tx, &right)));
        }
        assert_eq!(sum, 1 + 2 + 10 + 11);
        for producer in producers {
            producer.join().unwrap();
        }
    });
}

#[test]
fn variables_that_come_and_go_beside_readers() {
    explore(|| {
        let domain = Domain::new();
        let place = domain.tvar(domain.tvar(0_u32));
        let writer = {
            let (domain, place) = (domain.clone(), place.clone());
            thread::spawn(move || {
                for n in 1..4 {
                    let fresh = domain.tvar(n);
                    domain.atomically(|tx| Ok(tx.write(&place, fresh.clone())));
                }
                domain.reclaim();
            })
        };
        let mut last = 0;
        for _ in 0..3 {
            let seen = domain.snapshot(|s| *s.read(s.read(&place)));
            assert!(seen >= last, "time went backwards");
            last = seen;
        }
        writer.join().unwrap();
    });
}

#[test]
fn an_era_that_advances_beside_writers_loses_no_write() {
    explore(|| {
        let domain = Domain::new();
        let count = domain.tvar(0_u32);
        let writers: Vec<_> = (0..2)
            .map(|_| {
                let (domain, count) = (domain.clone(), count.clone());
                thread::spawn(move || {
                    domain.atomically(|tx| Ok(tx.modify(&count, |count| *count += 1)));
                })
            })
            .collect();
        let advance = domain.advance_era(|_| {}).unwrap();
        let before = advance.before.read(|s| *s.read(&count));
        for writer in writers {
            writer.join().unwrap();
        }
        assert_eq!(domain.snapshot(|s| *s.read(&count)), 2);
        assert_eq!(advance.before.read(|s| *s.read(&count)), before, "the past has changed");
    });
}
