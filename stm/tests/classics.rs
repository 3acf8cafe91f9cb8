//! The classic exercises of concurrency, as transactions.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use upgradable_stm::{Domain, Retry, Stm, TVar, Tx};

#[path = "classics/channel.rs"]
mod channel;
#[path = "common/dice.rs"]
mod dice;
#[path = "classics/flipper.rs"]
mod flipper;
#[path = "classics/locks.rs"]
mod locks;
#[path = "classics/queue.rs"]
mod queue;
#[path = "classics/santa_claus.rs"]
mod santa_claus;
#[path = "common/watchdog.rs"]
mod watchdog;

use dice::Dice;
use watchdog::watched;

/// Dijkstra's philosophers take both forks at one instant: none holds one and waits for the other.
#[test]
fn dining_philosophers() {
    const SEATS: usize = 5;
    const MEALS: u32 = 300;
    watched(|| {
        let domain = Domain::new();
        let forks: Vec<TVar<bool>> = (0..SEATS).map(|_| domain.tvar(true)).collect();
        let meals: Vec<TVar<u32>> = (0..SEATS).map(|_| domain.tvar(0)).collect();
        let eating: Vec<AtomicU32> = (0..SEATS).map(|_| AtomicU32::new(0)).collect();
        let take = |tx: &Tx<'_>, fork: &TVar<bool>| {
            tx.check(*tx.read(fork))?;
            Ok::<_, Retry>(tx.write(fork, false))
        };
        thread::scope(|scope| {
            for seat in 0..SEATS {
                let (left, right) = (seat, (seat + 1) % SEATS);
                let (domain, forks, meals, eating, take) =
                    (&domain, &forks, &meals, &eating, &take);
                scope.spawn(move || {
                    for _ in 0..MEALS {
                        domain.atomically(|tx| {
                            take(tx, &forks[left])?;
                            take(tx, &forks[right])
                        });
                        eating[seat].store(1, Ordering::SeqCst);
                        let neighbours = [(seat + 1) % SEATS, (seat + SEATS - 1) % SEATS];
                        assert!(neighbours.iter().all(|&n| eating[n].load(Ordering::SeqCst) == 0));
                        eating[seat].store(0, Ordering::SeqCst);
                        domain.atomically(|tx| {
                            tx.write(&forks[left], true);
                            tx.write(&forks[right], true);
                            Ok(tx.modify(&meals[seat], |n| *n += 1))
                        });
                    }
                });
            }
        });
        domain.snapshot(|s| {
            assert!(meals.iter().all(|meals| *s.read(meals) == MEALS));
            assert!(forks.iter().all(|fork| *s.read(fork)), "all forks are back");
        });
    });
}

/// A token goes round a ring of threads, each of which sleeps until it comes (ScalaSTM).
#[test]
fn token_ring() {
    const HANDOFFS: usize = 1_000;
    watched(|| {
        for size in [2, 3, 8] {
            let domain = Domain::new();
            let ready: Vec<TVar<bool>> = (0..size).map(|n| domain.tvar(n == 0)).collect();
            thread::scope(|scope| {
                for me in 0..size {
                    let (domain, ready) = (&domain, &ready);
                    scope.spawn(move || {
                        for _ in 0..HANDOFFS / size {
                            domain.atomically(|tx| {
                                tx.check(*tx.read(&ready[me]))?;
                                tx.write(&ready[me], false);
                                Ok(tx.write(&ready[(me + 1) % size], true))
                            });
                        }
                    });
                }
            });
            let tokens: Vec<bool> = domain.snapshot(|s| ready.iter().map(|r| *s.read(r)).collect());
            assert_eq!(tokens.iter().filter(|has| **has).count(), 1);
            assert!(tokens[0], "it is back");
        }
    });
}

/// Two threads, each of which increments its own number if the other one's is even. Nobody ever
/// sees both odd (ScalaSTM's test of write skew).
#[test]
fn never_both_odd() {
    const TIMES: u32 = 5_000;
    watched(|| {
        let domain = Domain::new();
        let numbers = [(); 2].map(|()| domain.tvar(0_u32));
        thread::scope(|scope| {
            for me in 0..2 {
                let (domain, mine, other) = (&domain, &numbers[me], &numbers[1 - me]);
                scope.spawn(move || {
                    for _ in 0..TIMES {
                        domain.atomically(|tx| {
                            if tx.read(other) % 2 == 1 {
                                assert_eq!(tx.read(mine) % 2, 0, "both are odd");
                                return Err(tx.retry());
                            }
                            Ok(tx.modify(mine, |n| *n += 1))
                        });
                    }
                });
            }
        });
        assert_eq!(domain.snapshot(|s| numbers.each_ref().map(|n| *s.read(n))), [TIMES; 2]);
    });
}

/// Takes the money from the first account that has as much.
fn transfer(tx: &Tx<'_>, from: &[&TVar<u32>], to: &TVar<u32>, cents: u32) -> Stm<()> {
    let [first, others @ ..] = from else { return Err(tx.retry()) };
    tx.or_else(
        |tx| {
            tx.modify(to, |balance| *balance += cents);
            let left = tx.modify(first, |balance| {
                *balance = balance.wrapping_sub(cents);
                *balance
            });
            tx.check(left < u32::MAX / 2) // overdrawn: never mind what was written
        },
        |tx| transfer(tx, others, to, cents),
    )
}

/// A bank whose customers wait until there is enough: no money is lost, nobody waits for ever.
#[test]
fn patient_transfers() {
    watched(|| {
        let bank = Domain::new();
        let accounts: Vec<TVar<u32>> = (0..10).map(|_| bank.tvar(10)).collect();
        thread::scope(|scope| {
            for number in 0..4 {
                let (bank, accounts) = (&bank, &accounts);
                scope.spawn(move || {
                    let mut dice = Dice::new(number);
                    for _ in 0..1000 {
                        let [from, to] = [(); 2].map(|()| dice.throw(10));
                        let cents = dice.throw(10) as u32;
                        let (before, after) = accounts.split_at(from);
                        let rich: Vec<_> = after.iter().chain(before).collect();
                        bank.atomically(|tx| transfer(tx, &rich, &accounts[to], cents));
                    }
                });
            }
        });
        assert_eq!(
            bank.snapshot(|s| accounts.iter().map(|account| s.read(account)).sum::<u32>()),
            100
        );
    });
}
