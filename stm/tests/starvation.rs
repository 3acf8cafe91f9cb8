//! Starvation: who keeps losing is given precedence, the others go on, and nobody waits for
//! somebody who waits for them.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use upgradable_stm::{AbortCause, Domain, Stm, Stop, TVar, Tx};

#[path = "common/watchdog.rs"]
mod watchdog;

use watchdog::watched;

/// So many conflicts are borne.
const PATIENCE: u32 = 12;
/// Once it has precedence, a transaction loses to commits only that were past the look at it.
const BOUND: u32 = PATIENCE + 20;

/// Changes a variable by another transaction, on another thread.
fn interfere(domain: &Domain, x: &TVar<u64>) {
    thread::scope(|scope| {
        scope.spawn(|| domain.atomically(|tx| Ok(tx.modify(x, |n| *n += 1))));
    });
}

/// Runs a transaction that reads `x` and loses as often as it takes to be given precedence; then
/// `then` decides. Returns how often it was executed with precedence.
fn privileged<R>(
    domain: &Domain,
    x: &TVar<u64>,
    mut then: impl FnMut(&Tx<'_>, u32) -> Stm<R>,
) -> (R, u32) {
    let mut runs = 0;
    let result = domain.atomically(|tx| {
        runs += 1;
        let seen = *tx.read(x);
        tx.write(x, seen + 1);
        if runs <= PATIENCE {
            interfere(domain, x);
            // Whatever: it will not commit.
        }
        then(tx, runs.saturating_sub(PATIENCE))
    });
    (result, runs - PATIENCE)
}

/// A closure waits for a transaction on another thread: with precedence it waited for somebody who
/// made way for it, for ever.
#[test]
fn who_waits_for_another_transaction_does_not_have_precedence_for_ever() {
    watched(|| {
        let domain = Domain::new();
        let x = domain.tvar(0);
        let ((), runs) = privileged(&domain, &x, |_, run| {
            if run == 1 {
                interfere(&domain, &x);
            }
            Ok(())
        });
        assert_eq!(runs, 2, "it has lost once more");
        assert_eq!(domain.stats().privileged, 2, "and got another turn");
        assert_eq!(domain.snapshot(|s| *s.read(&x)), u64::from(PATIENCE) + 2);
    });
}

/// The same, but the other transaction loses, too, and waits for its turn.
#[test]
fn who_waits_for_his_turn_does_not_wait_for_ever() {
    watched(|| {
        let domain = Domain::new();
        let (x, y) = (domain.tvar(0), domain.tvar(0));
        let ((), runs) = privileged(&domain, &x, |_, run| {
            if run == 1 {
                thread::scope(|scope| {
                    scope.spawn(|| privileged(&domain, &y, |_, _| Ok(())));
                });
            }
            Ok(())
        });
        assert_eq!(runs, 1);
        assert_eq!(domain.stats().privileged, 1, "the other one did without");
        assert_eq!(domain.snapshot(|s| *s.read(&y)), u64::from(PATIENCE) + 1);
    });
}

#[test]
fn precedence_is_given_after_a_dozen_conflicts() {
    watched(|| {
        let domain = Domain::new();
        let x = domain.tvar(0);
        let ((), runs) = privileged(&domain, &x, |_, _| Ok(()));
        assert_eq!(runs, 1);
        assert_eq!(domain.stats().privileged, 1);
        assert_eq!(domain.stats().conflicts(), u64::from(PATIENCE));
        assert_eq!(domain.snapshot(|s| *s.read(&x)), u64::from(PATIENCE) + 1);
    });
}

/// Transactions of `count` reads, one after the other, against two writers at full speed.
fn long_against_writers(transactions: u32, count: u64) {
    let domain = Domain::new();
    let vars: Vec<TVar<u64>> = (0..count).map(|_| domain.tvar(0)).collect();
    let (over, writes) = (AtomicBool::new(false), AtomicU32::new(0));
    thread::scope(|scope| {
        for writer in 0..2 {
            let (domain, vars, over, writes) = (&domain, &vars, &over, &writes);
            scope.spawn(move || {
                let mut at = writer;
                while !over.load(Ordering::Relaxed) {
                    at = (at + 7) % vars.len();
                    domain.atomically(|tx| Ok(tx.modify(&vars[at], |n| *n += 1)));
                    writes.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let sums = domain.tvar(0);
        for _ in 0..transactions {
            let made_way = domain.stats().made_way;
            let committed = domain.transaction().run(|tx| {
                let sum = vars.iter().map(|var| tx.read(var)).sum::<u64>();
                // However fast this is, and whoever runs: some writer comes between, or has made way
                // for this transaction and waits for its end.
                let before = writes.load(Ordering::Relaxed);
                while writes.load(Ordering::Relaxed) < before + 3
                    && domain.stats().made_way == made_way
                {
                    thread::yield_now();
                }
                Ok::<_, Stop<()>>(tx.write(&sums, sum))
            });
            let conflicts = committed.unwrap().conflicts;
            assert!(conflicts <= BOUND, "{conflicts} conflicts");
        }
        over.store(true, Ordering::Relaxed);
    });
    let stats = domain.stats();
    assert!(stats.privileged > 0, "nobody needed precedence: the test tests nothing");
    assert!(stats.made_way > 0);
}

#[test]
fn a_transaction_of_a_thousand_reads_wins() {
    watched(|| long_against_writers(10, 1_000));
}

#[test]
fn a_transaction_of_fifty_thousand_reads_wins() {
    watched(|| long_against_writers(2, 50_000));
}

/// Each reads everything and writes everything: of any two that overlap one loses.
#[test]
fn long_transactions_take_turns() {
    const EACH: u64 = 10;
    watched(|| {
        let domain = Domain::new();
        let vars: Vec<TVar<u64>> = (0..300).map(|_| domain.tvar(0)).collect();
        let begin = Barrier::new(4);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    begin.wait();
                    for _ in 0..EACH {
                        let committed = domain.transaction().run(|tx| {
                            for var in &vars {
                                tx.modify(var, |n| *n += 1);
                                if tx.read(var) % 64 == 0 {
                                    thread::yield_now();
                                }
                            }
                            Ok::<_, Stop<()>>(())
                        });
                        // Three others may have their turns before.
                        let conflicts = committed.unwrap().conflicts;
                        assert!(conflicts <= 4 * BOUND, "{conflicts} conflicts");
                    }
                });
            }
        });
        assert!(vars.iter().all(|var| domain.snapshot(|s| *s.read(var)) == 4 * EACH));
    });
}

#[test]
fn the_others_make_way_for_what_it_has_read_only() {
    watched(|| {
        let domain = Domain::new();
        let (x, other) = (domain.tvar(0), domain.tvar(0));
        let ((), runs) = privileged(&domain, &x, |_, with_precedence| {
            if with_precedence == 1 {
                interfere(&domain, &other); // or the test hangs
            }
            Ok(())
        });
        assert_eq!(runs, 1);
        assert_eq!(domain.stats().made_way, 0);
    });
}

#[test]
fn a_commit_waits_for_the_end_of_the_turn() {
    watched(|| {
        let domain = Domain::new();
        let x = domain.tvar(0);
        let committed = AtomicU32::new(0);
        thread::scope(|scope| {
            let ((), runs) = privileged(&domain, &x, |_, with_precedence| {
                if with_precedence == 1 {
                    let made_way = domain.stats().made_way;
                    scope.spawn(|| {
                        domain.atomically(|tx| Ok(tx.modify(&x, |n| *n += 1)));
                        committed.store(1, Ordering::SeqCst);
                    });
                    while domain.stats().made_way == made_way {
                        thread::yield_now();
                    }
                    assert_eq!(committed.load(Ordering::SeqCst), 0);
                }
                Ok(())
            });
            assert_eq!(runs, 1);
        });
        assert_eq!(domain.snapshot(|s| *s.read(&x)), u64::from(PATIENCE) + 2);
    });
}

#[test]
fn readers_do_not_notice() {
    watched(|| {
        let domain = Domain::new();
        let x = domain.tvar(0);
        privileged(&domain, &x, |_, with_precedence| {
            if with_precedence == 1 {
                thread::scope(|scope| {
                    let seen = scope.spawn(|| domain.snapshot(|s| *s.read(&x)));
                    assert_eq!(seen.join().unwrap(), u64::from(PATIENCE));
                    scope.spawn(|| domain.atomically(|tx| Ok(*tx.read(&x))));
                });
            }
            Ok(())
        });
    });
}

/// The turn ends with the sleep: or who should wake it would wait for it.
#[test]
fn a_privileged_transaction_may_block() {
    watched(|| {
        let domain = Domain::new();
        let (x, go) = (domain.tvar(0), domain.tvar(false));
        thread::scope(|scope| {
            let ((), runs) = privileged(&domain, &x, |tx, with_precedence| {
                let may_go = *tx.read(&go);
                if with_precedence == 1 {
                    scope.spawn(|| domain.atomically(|tx| Ok(tx.write(&go, true))));
                }
                tx.check(may_go)
            });
            assert!(runs >= 2);
        });
        interfere(&domain, &x);
    });
}

#[test]
fn a_turn_ends_however_the_transaction_ends() {
    watched(|| {
        let domain = Domain::new();
        let x = domain.tvar(0);
        for panics in [false, true] {
            let mut runs = 0;
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                domain.try_atomically(|tx| {
                    runs += 1;
                    tx.modify(&x, |n| *n += 1);
                    if runs <= PATIENCE {
                        interfere(&domain, &x);
                        return Ok(());
                    }
                    if panics { panic!("on purpose") } else { Err(Stop::Cancel("enough")) }
                })
            }));
            assert_eq!(outcome.is_err(), panics);
            interfere(&domain, &x); // or the test hangs
            privileged(&domain, &x, |_, _| Ok(()));
        }
        assert_eq!(domain.stats().aborts(AbortCause::Panicked), 1);
        assert_eq!(domain.stats().privileged, 4);
    });
}

/// A transaction of another domain inside of the privileged one is none of its domain's business.
#[test]
fn domains_nest_while_one_is_privileged() {
    watched(|| {
        let [outer, inner] = [(); 2].map(|()| Domain::new());
        let (x, y) = (outer.tvar(0), inner.tvar(0));
        privileged(&outer, &x, |_, _| {
            inner.atomically(|tx| Ok(tx.modify(&y, |n| *n += 1)));
            Ok(())
        });
        privileged(&outer, &x, |_, with_precedence| {
            if with_precedence == 1 {
                privileged(&inner, &y, |_, _| Ok(())); // both at once
            }
            Ok(())
        });
        assert_eq!((outer.stats().privileged, inner.stats().privileged), (2, 1));
    });
}

/// Long transactions over two domains, beside writers of both.
#[test]
fn long_transactions_over_two_domains_win() {
    watched(|| {
        let [outer, inner] = [(); 2].map(|()| Domain::new());
        let [xs, ys] =
            [&outer, &inner].map(|d| (0..200).map(|_| d.tvar(0_u64)).collect::<Vec<_>>());
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            for (domain, vars) in [(&outer, &xs), (&inner, &ys)] {
                let over = &over;
                scope.spawn(move || {
                    for at in (0..200).cycle().take_while(|_| !over.load(Ordering::Relaxed)) {
                        domain.atomically(|tx| Ok(tx.modify(&vars[at], |n| *n += 1)));
                    }
                });
            }
            for _ in 0..10 {
                outer.atomically(|tx| {
                    let sum = xs.iter().map(|x| tx.read(x)).sum::<u64>();
                    let committed = inner.transaction().run(|tx| {
                        let sum = ys.iter().map(|y| tx.read(y)).sum::<u64>();
                        Ok::<_, Stop<()>>(tx.write(&ys[0], sum))
                    });
                    assert!(committed.unwrap().conflicts <= BOUND);
                    Ok(tx.write(&xs[0], sum))
                });
            }
            over.store(true, Ordering::Relaxed);
        });
    });
}

/// A transaction inside of a snapshot of its domain makes way like any other.
#[test]
fn who_reads_around_its_update_makes_way_too() {
    watched(|| {
        let domain = Domain::new();
        let x = domain.tvar(0);
        thread::scope(|scope| {
            privileged(&domain, &x, |_, with_precedence| {
                if with_precedence == 1 {
                    let made_way = domain.stats().made_way;
                    scope.spawn(|| {
                        domain.snapshot(|s| {
                            domain.atomically(|tx| Ok(tx.modify(&x, |n| *n += 1)));
                            assert_eq!(*s.read(&x), u64::from(PATIENCE));
                        });
                    });
                    while domain.stats().made_way == made_way {
                        thread::yield_now();
                    }
                }
                Ok(())
            });
        });
        assert_eq!(domain.snapshot(|s| *s.read(&x)), u64::from(PATIENCE) + 2);
    });
}

/// A handler of a privileged transaction wrote what that one had read, and waited for its own turn.
#[test]
fn a_handler_may_write_what_its_privileged_transaction_has_read() {
    watched(|| {
        let domain = Domain::new();
        let x = domain.tvar(0);
        privileged(&domain, &x, |tx, with_precedence| {
            let (domain, x) = (domain.clone(), x.clone());
            if with_precedence == 1 {
                tx.after_commit(move || {
                    let mut seen = Vec::new();
                    // With precedence of its own, too.
                    privileged(&domain, &x, |tx, _| Ok(seen.push(*tx.read(&x))));
                });
            }
            Ok(())
        });
        assert_eq!(domain.snapshot(|s| *s.read(&x)), 2 * u64::from(PATIENCE) + 2);
        assert_eq!(domain.stats().privileged, 2);
    });
}

/// So did a handler that ran because it had panicked.
#[test]
fn a_handler_may_write_what_a_privileged_transaction_has_read_that_panicked() {
    watched(|| {
        let domain = Domain::new();
        let x = domain.tvar(0);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            privileged(&domain, &x, |tx, with_precedence| {
                if with_precedence == 1 {
                    let (domain, x) = (domain.clone(), x.clone());
                    tx.after_abort(move || {
                        privileged(&domain, &x, |_, _| Ok(()));
                    });
                    panic!("on purpose");
                }
                Ok(())
            })
        }));
        assert!(outcome.is_err());
        assert_eq!(domain.snapshot(|s| *s.read(&x)), 2 * u64::from(PATIENCE) + 1);
        interfere(&domain, &x); // or the test hangs
    });
}

/// Counts its own end.
struct Counting(Domain, TVar<u64>);

impl Drop for Counting {
    fn drop(&mut self) {
        self.0.atomically(|tx| Ok(tx.modify(&self.1, |n| *n += 1)));
    }
}

/// So did a value that was dropped after the commit.
#[test]
fn a_value_may_write_what_the_privileged_transaction_has_read_that_ends_it() {
    watched(|| {
        let domain = Domain::new();
        let x = domain.tvar(0);
        let counted = domain.tvar(Some(Counting(domain.clone(), x.clone())));
        privileged(&domain, &x, |tx, with_precedence| {
            if with_precedence == 1 {
                tx.write(&counted, None);
            }
            Ok(())
        });
        // If nobody has dropped it yet.
        domain.reclaim();
        assert_eq!(domain.snapshot(|s| *s.read(&x)), u64::from(PATIENCE) + 2);
    });
}
