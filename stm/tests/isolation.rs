//! Isolation: what concurrent transactions see of each other, which is nothing but whole ones, in
//! one order, that respects real time.

use std::collections::HashSet;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use upgradable_stm::{Domain, Handle, Stop, TVar};

#[path = "isolation/conflicts.rs"]
mod conflicts;
#[path = "common/dice.rs"]
mod dice;
#[path = "isolation/hermitage.rs"]
mod hermitage;
#[path = "isolation/opacity.rs"]
mod opacity;
#[path = "isolation/replay.rs"]
mod replay;
#[path = "common/script.rs"]
mod script;
#[path = "common/watchdog.rs"]
mod watchdog;
#[path = "isolation/write_skew.rs"]
mod write_skew;

use dice::Dice;
use script::Script;
use watchdog::watched;

/// Counts down when it goes, also by a panic.
struct Leaves<'a>(&'a AtomicU64);

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Runs `writers` threads of `write` to their end, and `read` again and again meanwhile, once at
/// least: writers may come to their end before a busy machine has begun the reader.
fn beside_writers(writers: u64, write: impl Fn(u64) + Sync, read: impl Fn() + Sync) {
    let writing = AtomicU64::new(writers);
    thread::scope(|scope| {
        for number in 0..writers {
            let (writing, write) = (&writing, &write);
            scope.spawn(move || {
                let _writing = Leaves(writing);
                write(number);
            });
        }
        scope.spawn(|| {
            loop {
                read();
                if writing.load(Ordering::Relaxed) == 0 {
                    break;
                }
            }
        });
    });
}

#[test]
fn transfers_keep_the_total_that_long_sums_see() {
    const EACH: i64 = 100;
    watched(|| {
        let bank = Domain::new();
        let accounts: Vec<TVar<i64>> = (0..500).map(|_| bank.tvar(EACH)).collect();
        let total = EACH * accounts.len() as i64;
        let transfer = |number| {
            let mut dice = Dice::new(number);
            for _ in 0..10_000 {
                let [from, to] = [(); 2].map(|()| &accounts[dice.throw(accounts.len())]);
                let cents = dice.throw(50) as i64;
                bank.atomically(|tx| {
                    tx.modify(from, |balance| *balance -= cents);
                    tx.modify(to, |balance| *balance += cents);
                    Ok(())
                });
            }
        };
        beside_writers(2, transfer, || {
            let sum =
                bank.snapshot(|s| accounts.iter().map(|account| s.read(account)).sum::<i64>());
            assert_eq!(sum, total);
        });
        assert_eq!(bank.snapshot(|s| accounts.iter().map(|a| s.read(a)).sum::<i64>()), total);
    });
}

/// Every transaction reorders four neighbours of a ring. Whoever loses an update, or sees half of
/// one, finds two rings, or a tail.
#[test]
fn a_ring_that_all_permute_stays_one_ring() {
    const LEN: usize = 48;
    watched(|| {
        let domain = Domain::new();
        let ring: Vec<TVar<usize>> = (0..LEN).map(|n| domain.tvar((n + 1) % LEN)).collect();
        let permute = |number| {
            let mut dice = Dice::new(number + 10);
            for _ in 0..10_000 {
                let a = dice.throw(LEN);
                domain.atomically(|tx| {
                    let b = *tx.read(&ring[a]);
                    let c = *tx.read(&ring[b]);
                    let d = *tx.read(&ring[c]);
                    tx.write(&ring[a], c);
                    tx.write(&ring[c], b);
                    tx.write(&ring[b], d);
                    Ok(())
                });
            }
        };
        let walk = || {
            domain.snapshot(|s| {
                let next = |n: &usize| Some(*s.read(&ring[*n])).filter(|next| *next != 0);
                let walk = std::iter::successors(Some(0), next).take(LEN + 1);
                let seen: HashSet<usize> = walk.collect();
                assert_eq!(seen.len(), LEN, "one ring");
            });
        };
        beside_writers(2, permute, walk);
        walk();
    });
}

#[test]
fn what_is_written_together_is_read_together() {
    watched(|| {
        let domain = Domain::new();
        let pair = [domain.tvar(0), domain.tvar(0)];
        let write = |number| {
            for n in 0..20_000 {
                let value = n * 2 + number;
                domain.atomically(|tx| {
                    // In different orders, and blindly.
                    tx.write(&pair[number as usize], value);
                    tx.write(&pair[1 - number as usize], value);
                    Ok(())
                });
            }
        };
        beside_writers(2, write, || {
            let (x, y) = domain.snapshot(|s| (*s.read(&pair[0]), *s.read(&pair[1])));
            assert_eq!(x, y);
        });
    });
}

#[test]
fn counters_lose_nothing() {
    const EACH: u64 = 20_000;
    watched(|| {
        let domain = Domain::new();
        let (x, name) = (domain.tvar(0), domain.atomically(|tx| Ok(tx.create(0_u64))));
        beside_writers(
            3,
            |_| {
                for _ in 0..EACH {
                    domain.atomically(|tx| {
                        tx.modify(&x, |n| *n += 1);
                        tx.update(name, |n: &mut u64| *n += 1).map_err(|_| tx.retry())
                    });
                }
            },
            || {
                let (x, y) = domain.snapshot(|s| (*s.read(&x), *s.get::<u64>(name).unwrap()));
                assert_eq!(x, y);
            },
        );
        assert_eq!(domain.snapshot(|s| *s.read(&x)), 3 * EACH);
    });
}

#[test]
fn snapshots_are_executed_once_beside_writers_at_full_speed() {
    watched(|| {
        let domain = Domain::new();
        let vars: Vec<TVar<u64>> = (0..100).map(|_| domain.tvar(0)).collect();
        let write = |number| {
            let mut dice = Dice::new(number);
            for _ in 0..30_000 {
                domain.atomically(|tx| Ok(tx.modify(&vars[dice.throw(100)], |n| *n += 1)));
            }
        };
        let (begun, executed) = (AtomicU64::new(0), AtomicU64::new(0));
        beside_writers(2, write, || {
            begun.fetch_add(1, Ordering::Relaxed);
            domain.snapshot(|s| {
                executed.fetch_add(1, Ordering::Relaxed);
                vars.iter().map(|var| s.read(var)).sum::<u64>()
            });
        });
        assert!(begun.load(Ordering::Relaxed) > 0);
        assert_eq!(begun.into_inner(), executed.into_inner());
    });
}

#[test]
fn update_transactions_that_write_nothing_commit_at_once() {
    watched(|| {
        let domain = Domain::new();
        let vars: Vec<TVar<u64>> = (0..100).map(|_| domain.tvar(0)).collect();
        let write = |number| {
            let mut dice = Dice::new(number);
            for _ in 0..30_000 {
                domain.atomically(|tx| Ok(tx.modify(&vars[dice.throw(100)], |n| *n += 1)));
            }
        };
        beside_writers(2, write, || {
            let read = domain
                .transaction()
                .run(|tx| Ok::<_, Stop<()>>(vars.iter().map(|var| tx.read(var)).sum::<u64>()));
            let committed = read.unwrap();
            assert_eq!((committed.conflicts, committed.wrote), (0, false));
        });
    });
}

#[test]
fn a_snapshot_shows_one_instant_however_late_it_reads() {
    let domain = Domain::new();
    let vars: Vec<TVar<u32>> = (0..100).map(|_| domain.tvar(0)).collect();
    domain.snapshot(|s| {
        for round in 1..=20 {
            thread::scope(|scope| {
                scope.spawn(|| {
                    for var in &vars {
                        domain.atomically(|tx| Ok(tx.write(var, round)));
                    }
                });
            });
            assert!(vars.iter().all(|var| *s.read(var) == 0));
        }
    });
    assert!(domain.snapshot(|s| vars.iter().all(|var| *s.read(var) == 20)));
}

/// Strictness: when `atomically` has returned, every snapshot that begins later shows it.
#[test]
fn who_hears_of_a_commit_sees_it() {
    watched(|| {
        let domain = Domain::new();
        let x = domain.tvar(0);
        let heard = AtomicU64::new(0);
        let write = |_| {
            for _ in 0..30_000 {
                let n = domain.atomically(|tx| {
                    Ok(tx.modify(&x, |n| {
                        *n += 1;
                        *n
                    }))
                });
                heard.fetch_max(n, Ordering::Release);
            }
        };
        beside_writers(2, write, || {
            let least = heard.load(Ordering::Acquire);
            let seen = domain.snapshot(|s| *s.read(&x));
            assert!(seen >= least, "{least} had been committed, {seen} was seen");
            let least = heard.load(Ordering::Acquire);
            let seen = domain.atomically(|tx| Ok(*tx.read(&x)));
            assert!(seen >= least, "{least} had been committed, {seen} was seen");
        });
    });
}

#[test]
fn timestamps_respect_real_time() {
    watched(|| {
        let domain = Domain::new();
        let vars: Vec<TVar<u64>> = (0..3).map(|_| domain.tvar(0)).collect();
        let newest = AtomicU64::new(0);
        let write = |number: u64| {
            for n in 0..20_000 {
                let before = newest.load(Ordering::Acquire);
                let committed = domain
                    .transaction()
                    .run(|tx| Ok::<_, Stop<()>>(tx.write(&vars[number as usize], n)))
                    .unwrap();
                assert!(committed.ts.to_bits() > before, "it began after the other had returned");
                newest.fetch_max(committed.ts.to_bits(), Ordering::Release);
            }
        };
        beside_writers(2, write, || {
            let before = newest.load(Ordering::Acquire);
            assert!(domain.snapshot(|s| s.at()).to_bits() >= before);
            assert!(domain.now().to_bits() >= before);
        });
    });
}

#[test]
fn nobody_goes_back_in_time() {
    watched(|| {
        let domain = Domain::new();
        let x = domain.tvar(0_u64);
        let write = |_| {
            for _ in 0..30_000 {
                domain.atomically(|tx| Ok(tx.modify(&x, |n| *n += 1)));
            }
        };
        let last = AtomicU64::new(0);
        beside_writers(2, write, || {
            let (seen, at) = domain.snapshot(|s| (*s.read(&x), s.at()));
            assert!(seen >= last.swap(seen, Ordering::Relaxed));
            let held = domain.hold();
            assert!(held.at() >= at);
            assert!(held.read(|s| *s.read(&x)) >= seen);
        });
    });
}

/// Objects come and go while snapshots list them: what a snapshot lists is there, and is as many
/// as there are at any instant.
#[test]
fn a_snapshot_lists_the_objects_of_one_instant() {
    const OBJECTS: usize = 50;
    watched(|| {
        let domain = Domain::new();
        let names: Vec<Handle> =
            domain.atomically(|tx| Ok((0..OBJECTS as u64).map(|n| tx.create(n)).collect()));
        let names: Vec<TVar<Handle>> = names.into_iter().map(|name| domain.tvar(name)).collect();
        let replace = |number| {
            let mut dice = Dice::new(number);
            for n in 0..5_000_u64 {
                let place = &names[dice.throw(OBJECTS)];
                domain.atomically(|tx| {
                    tx.delete(*tx.read(place)).map_err(|_| tx.retry())?;
                    Ok(tx.write(place, tx.create(n)))
                });
            }
        };
        beside_writers(2, replace, || {
            domain.snapshot(|s| {
                let listed: HashSet<Handle> = s.handles().collect();
                assert!(listed.iter().all(|&name| s.get::<u64>(name).is_ok()));
                let named: HashSet<Handle> = names.iter().map(|place| *s.read(place)).collect();
                assert_eq!(listed, named);
            });
        });
    });
}

/// The commit of a transaction is one instant also for a snapshot that is held, and read later
/// from another thread.
#[test]
fn held_snapshots_show_whole_transactions() {
    watched(|| {
        let domain = Domain::new();
        let pair = [domain.tvar(0_u64), domain.tvar(0)];
        let write = |_| {
            for _ in 0..10_000 {
                domain.atomically(|tx| {
                    pair.iter().for_each(|var| tx.modify(var, |n| *n += 1));
                    Ok(())
                });
            }
        };
        beside_writers(2, write, || {
            let held = domain.hold();
            thread::scope(|scope| {
                let read = || held.read(|s| (*s.read(&pair[0]), *s.read(&pair[1])));
                let (here, there) = (read(), scope.spawn(read).join().unwrap());
                assert_eq!(here.0, here.1);
                assert_eq!(here, there);
            });
        });
    });
}

/// A transaction that begins when another one has ended sees it, also if a third one, which has
/// begun before both, commits in between.
#[test]
fn an_old_transaction_does_not_hold_time_back() {
    watched(|| {
        let domain = Domain::new();
        let (x, y) = (domain.tvar(0), domain.tvar(0));
        let script = Script::default();
        thread::scope(|scope| {
            scope.spawn(|| {
                domain.atomically(|tx| {
                    script.at(0, || *tx.read(&y));
                    script.at(2, || ());
                    Ok(tx.write(&y, 1))
                });
                script.at(3, || ());
            });
            script.at(1, || domain.atomically(|tx| Ok(tx.write(&x, 1))));
            let seen = script.at(4, || domain.snapshot(|s| (*s.read(&x), *s.read(&y))));
            assert_eq!(seen, (1, 1));
        });
    });
}

/// Two threads that meet in every transaction: no wait for each other inside the core.
#[test]
fn transactions_run_side_by_side() {
    watched(|| {
        let domain = Domain::new();
        let vars = [domain.tvar(0), domain.tvar(0)];
        let (barrier, late) = (Barrier::new(2), AtomicBool::new(false));
        thread::scope(|scope| {
            for var in &vars {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let mut run = 0;
                        domain.atomically(|tx| {
                            run += 1;
                            tx.modify(var, |n| *n += 1);
                            if run == 1 {
                                barrier.wait();
                            } else {
                                late.store(true, Ordering::Relaxed);
                            }
                            Ok(())
                        });
                    }
                });
            }
        });
        assert!(!late.into_inner(), "they have nothing in common");
        assert_eq!(domain.snapshot(|s| [*s.read(&vars[0]), *s.read(&vars[1])]), [200, 200]);
    });
}
