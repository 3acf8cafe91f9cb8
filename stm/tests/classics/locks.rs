//! Semaphores, barriers and locks, made of variables.

use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::thread;

use upgradable_stm::{Domain, Stm, TVar, Tx};

use super::watched;

#[test]
fn a_semaphore_lets_so_many_in() {
    const PERMITS: i32 = 3;
    watched(|| {
        let domain = Domain::new();
        let permits = domain.tvar(PERMITS);
        let (inside, most) = (AtomicI32::new(0), AtomicI32::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..300 {
                        domain.atomically(|tx| {
                            tx.check(*tx.read(&permits) > 0)?;
                            Ok(tx.modify(&permits, |n| *n -= 1))
                        });
                        let now = inside.fetch_add(1, Ordering::SeqCst) + 1;
                        most.fetch_max(now, Ordering::SeqCst);
                        thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        domain.atomically(|tx| Ok(tx.modify(&permits, |n| *n += 1)));
                    }
                });
            }
        });
        assert!((1..=PERMITS).contains(&most.into_inner()));
        assert_eq!(domain.snapshot(|s| *s.read(&permits)), PERMITS);
    });
}

#[test]
fn a_barrier_lets_all_go_when_all_have_come() {
    const ROUNDS: u32 = 200;
    watched(|| {
        for parties in [2, 5] {
            let domain = Domain::new();
            // Who waits, and in which round.
            let (waiting, round) = (domain.tvar(0), domain.tvar(0));
            let arrived = AtomicU32::new(0);
            let wait = || {
                let mine = domain.atomically(|tx| {
                    let mine = *tx.read(&round);
                    if tx.modify(&waiting, |n| {
                        *n += 1;
                        *n == parties
                    }) {
                        tx.write(&waiting, 0);
                        tx.write(&round, mine + 1);
                    }
                    Ok(mine)
                });
                domain.atomically(|tx| tx.check(*tx.read(&round) > mine));
            };
            thread::scope(|scope| {
                for _ in 0..parties {
                    scope.spawn(|| {
                        for round in 1..=ROUNDS {
                            arrived.fetch_add(1, Ordering::SeqCst);
                            wait();
                            assert!(arrived.load(Ordering::SeqCst) >= round * parties);
                        }
                    });
                }
            });
        }
    });
}

/// Many readers or one writer; a waiting writer keeps further readers out.
struct ReadWriteLock {
    readers: TVar<u32>,
    writing: TVar<bool>,
    writers_waiting: TVar<u32>,
}

impl ReadWriteLock {
    fn new(domain: &Domain) -> Self {
        Self {
            readers: domain.tvar(0),
            writing: domain.tvar(false),
            writers_waiting: domain.tvar(0),
        }
    }

    fn read(&self, tx: &Tx<'_>) -> Stm<()> {
        tx.check(!*tx.read(&self.writing) && *tx.read(&self.writers_waiting) == 0)?;
        Ok(tx.modify(&self.readers, |n| *n += 1))
    }

    fn write(&self, tx: &Tx<'_>) -> Stm<()> {
        tx.check(!*tx.read(&self.writing) && *tx.read(&self.readers) == 0)?;
        tx.modify(&self.writers_waiting, |n| *n -= 1);
        Ok(tx.write(&self.writing, true))
    }
}

#[test]
fn readers_and_writers() {
    watched(|| {
        let domain = Domain::new();
        let lock = ReadWriteLock::new(&domain);
        // Not transactional: the lock alone protects it. Negative: somebody writes.
        let users = AtomicI32::new(0);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..300 {
                        domain.atomically(|tx| lock.read(tx));
                        assert!(users.fetch_add(1, Ordering::SeqCst) >= 0, "beside a writer");
                        users.fetch_sub(1, Ordering::SeqCst);
                        domain.atomically(|tx| Ok(tx.modify(&lock.readers, |n| *n -= 1)));
                    }
                });
            }
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..300 {
                        domain.atomically(|tx| Ok(tx.modify(&lock.writers_waiting, |n| *n += 1)));
                        domain.atomically(|tx| lock.write(tx));
                        assert_eq!(users.swap(-1_000, Ordering::SeqCst), 0, "alone");
                        users.store(0, Ordering::SeqCst);
                        domain.atomically(|tx| Ok(tx.write(&lock.writing, false)));
                    }
                });
            }
        });
    });
}
