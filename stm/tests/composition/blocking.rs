//! `retry`: a transaction sleeps until something that it has read changes.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use upgradable_stm::{AbortCause, Domain, Retry, Stm, Stop, TVar, Tx, TxError};

use super::{panic_of, watched};

/// Waits until some transaction of the domain has blocked this often.
fn wait_for_blocked(domain: &Domain, times: u64) {
    while domain.stats().blocked < times {
        thread::yield_now();
    }
}

/// Runs a transaction that blocks, and `wake` when it has; returns the number of executions.
fn executions_of<R: Send>(
    domain: &Domain,
    block: impl Fn(&Tx<'_>) -> Stm<R> + Sync,
    wake: impl FnOnce(),
) -> (R, u32) {
    let runs = AtomicU32::new(0);
    let result = thread::scope(|scope| {
        let blocked = scope.spawn(|| {
            domain.atomically(|tx| {
                runs.fetch_add(1, Ordering::Relaxed);
                block(tx)
            })
        });
        wait_for_blocked(domain, 1);
        wake();
        blocked.join().unwrap()
    });
    (result, runs.into_inner())
}

#[test]
fn nothing_changes_and_it_sleeps_for_ever() {
    let domain = Domain::new();
    let x = domain.tvar(0);
    let mut runs = 0;
    let outcome = domain.transaction().timeout(Duration::from_millis(100)).run(|tx| {
        runs += 1;
        tx.check(*tx.read(&x) > 0)?;
        Ok::<_, Stop<()>>(())
    });
    assert_eq!(outcome.unwrap_err(), TxError::TimedOut);
    assert_eq!(runs, 1);
}

#[test]
fn it_wakes_when_a_variable_is_written() {
    watched(|| {
        let domain = Domain::new();
        let x = domain.tvar(0);
        let woken = executions_of(
            &domain,
            |tx| {
                tx.check(*tx.read(&x) > 0)?;
                Ok(*tx.read(&x))
            },
            || domain.atomically(|tx| Ok(tx.write(&x, 5))),
        );
        assert_eq!(woken, (5, 2));
    });
}

#[test]
fn it_wakes_when_an_object_is_written() {
    watched(|| {
        let domain = Domain::new();
        let name = domain.atomically(|tx| Ok(tx.create(0)));
        let woken = executions_of(
            &domain,
            |tx| {
                let value = *tx.get::<i32>(name).unwrap();
                tx.check(value > 0)?;
                Ok(value)
            },
            || domain.atomically(|tx| Ok(tx.put(name, 5).unwrap())),
        );
        assert_eq!(woken, (5, 2));
    });
}

#[test]
fn it_wakes_when_an_object_is_deleted() {
    watched(|| {
        let domain = Domain::new();
        let name = domain.atomically(|tx| Ok(tx.create(0)));
        let woken = executions_of(
            &domain,
            |tx| tx.check(tx.get::<i32>(name).is_err()),
            || domain.atomically(|tx| Ok(tx.delete(name).unwrap())),
        );
        assert_eq!(woken, ((), 2));
    });
}

#[test]
fn it_wakes_for_each_of_the_many_it_has_read() {
    watched(|| {
        for which in [0, 1, 50, 99] {
            let domain = Domain::new();
            let vars: Vec<TVar<u32>> = (0..100).map(|_| domain.tvar(0)).collect();
            let (sum, runs) = executions_of(
                &domain,
                |tx| {
                    let sum = vars.iter().map(|var| tx.read(var)).sum::<u32>();
                    tx.check(sum > 0)?;
                    Ok(sum)
                },
                || domain.atomically(|tx| Ok(tx.write(&vars[which], 3))),
            );
            assert_eq!((sum, runs), (3, 2));
        }
    });
}

#[test]
fn it_sleeps_on_while_others_change_what_it_has_not_read() {
    watched(|| {
        let domain = Domain::new();
        let (x, others) = (domain.tvar(false), [(); 50].map(|()| domain.tvar(0)));
        let woken = executions_of(
            &domain,
            |tx| {
                tx.write(&others[0], 1); // written, not read
                tx.check(*tx.read(&x))
            },
            || {
                for var in &others {
                    domain.atomically(|tx| Ok(tx.modify(var, |n| *n += 1)));
                }
                thread::sleep(Duration::from_millis(20));
                domain.atomically(|tx| Ok(tx.write(&x, true)));
            },
        );
        assert_eq!(woken, ((), 2));
    });
}

#[test]
fn it_wakes_for_both_alternatives() {
    watched(|| {
        for which in 0..2 {
            let domain = Domain::new();
            let vars = [(); 2].map(|()| domain.tvar(false));
            let wait = |n: usize| {
                let vars = &vars;
                move |tx: &Tx<'_>| tx.check(*tx.read(&vars[n])).map(|()| n)
            };
            let woken = executions_of(
                &domain,
                |tx| tx.or_else(wait(0), wait(1)),
                || domain.atomically(|tx| Ok(tx.write(&vars[which], true))),
            );
            assert_eq!(woken, (which, 2));
        }
    });
}

#[test]
fn it_wakes_as_often_as_it_takes() {
    watched(|| {
        let domain = Domain::new();
        let x = domain.tvar(0);
        let (seen, runs) = executions_of(
            &domain,
            |tx| {
                tx.check(*tx.read(&x) >= 10)?;
                Ok(*tx.read(&x))
            },
            || {
                for times in 1..=10 {
                    wait_for_blocked(&domain, times);
                    domain.atomically(|tx| Ok(tx.modify(&x, |n| *n += 1)));
                }
            },
        );
        assert_eq!((seen, runs), (10, 11));
    });
}

#[test]
fn all_who_wait_wake() {
    watched(|| {
        let domain = Domain::new();
        let x = domain.tvar(false);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| domain.atomically(|tx| tx.check(*tx.read(&x))));
            }
            wait_for_blocked(&domain, 8);
            domain.atomically(|tx| Ok(tx.write(&x, true)));
        });
    });
}

/// Two threads tell each other their turn; one lost wake-up, and both sleep for ever.
#[test]
fn no_wake_up_is_lost() {
    const TURNS: u32 = 3_000;
    watched(|| {
        let domain = Domain::new();
        let turn = domain.tvar(0);
        thread::scope(|scope| {
            for me in 0..2 {
                let (domain, turn) = (&domain, &turn);
                scope.spawn(move || {
                    for round in 0..TURNS {
                        domain.atomically(|tx| {
                            tx.check(*tx.read(turn) == 2 * round + me)?;
                            Ok(tx.modify(turn, |n| *n += 1))
                        });
                    }
                });
            }
        });
        assert_eq!(domain.snapshot(|s| *s.read(&turn)), 2 * TURNS);
    });
}

/// What changes between the reading and the falling asleep counts: here, always.
#[test]
fn a_change_before_it_sleeps_is_not_missed() {
    watched(|| {
        let domain = Domain::new();
        let x = domain.tvar(0);
        let mut runs = 0;
        domain.atomically(|tx| {
            runs += 1;
            let seen = *tx.read(&x);
            if seen < 5 {
                thread::scope(|scope| {
                    scope.spawn(|| domain.atomically(|tx| Ok(tx.modify(&x, |n| *n += 1))));
                });
                return Err(tx.retry());
            }
            Ok(())
        });
        assert_eq!(runs, 6);
    });
}

#[test]
fn what_it_wrote_is_undone_when_it_blocks() {
    watched(|| {
        let domain = Domain::new();
        let (x, y) = (domain.tvar(0), domain.tvar(false));
        executions_of(
            &domain,
            |tx| {
                tx.modify(&x, |n| *n += 1);
                assert_eq!(*tx.read(&x), 1);
                tx.check(*tx.read(&y))
            },
            || {
                assert_eq!(domain.snapshot(|s| *s.read(&x)), 0);
                domain.atomically(|tx| Ok(tx.write(&y, true)));
            },
        );
        assert_eq!(domain.snapshot(|s| *s.read(&x)), 1);
    });
}

#[test]
fn to_wait_for_nothing_is_an_error() {
    let domain = Domain::new();
    let x = domain.tvar(0);
    let outcome = domain.try_atomically(|tx| Err::<(), Stop<()>>(tx.retry().into()));
    assert_eq!(outcome, Err(TxError::NothingToWaitFor));
    let outcome = domain.try_atomically(|tx| {
        tx.write(&x, 1);
        assert_eq!(*tx.read(&x), 1, "its own write: nobody can change that");
        Err::<(), Stop<()>>(tx.retry().into())
    });
    assert_eq!(outcome, Err(TxError::NothingToWaitFor));
    assert_eq!(domain.stats().aborts(AbortCause::Refused), 2);
    let panic = panic_of(|| domain.atomically(|tx| Err::<(), Retry>(tx.retry())));
    assert!(panic.contains("has read nothing"), "{panic}");
}

#[test]
fn a_timeout_is_not_early() {
    let domain = Domain::new();
    let x = domain.tvar(0);
    for millis in [0, 1, 30] {
        let timeout = Duration::from_millis(millis);
        let begun = Instant::now();
        let outcome = domain.transaction().timeout(timeout).run(|tx| {
            tx.check(*tx.read(&x) > 0)?;
            Ok::<_, Stop<()>>(())
        });
        assert_eq!(outcome.unwrap_err(), TxError::TimedOut);
        assert!(begun.elapsed() >= timeout);
    }
}

#[test]
fn a_timeout_does_not_matter_to_who_need_not_wait() {
    let domain = Domain::new();
    let x = domain.tvar(0);
    for timeout in [Duration::ZERO, Duration::MAX] {
        let outcome = domain
            .transaction()
            .timeout(timeout)
            .run(|tx| Ok::<_, Stop<()>>(tx.modify(&x, |n| *n += 1)));
        assert!(outcome.is_ok());
    }
    assert_eq!(domain.snapshot(|s| *s.read(&x)), 2);
}

#[test]
fn it_may_wake_before_the_timeout() {
    watched(|| {
        let domain = Domain::new();
        let x = domain.tvar(false);
        thread::scope(|scope| {
            let waits = scope.spawn(|| {
                domain.transaction().timeout(Duration::from_secs(50)).run(|tx| {
                    tx.check(*tx.read(&x))?;
                    Ok::<_, Stop<()>>(())
                })
            });
            wait_for_blocked(&domain, 1);
            domain.atomically(|tx| Ok(tx.write(&x, true)));
            assert!(waits.join().unwrap().is_ok());
        });
    });
}

#[test]
fn a_timeout_ends_a_series_of_conflicts() {
    watched(|| {
        let domain = Domain::new();
        let x = domain.tvar(0);
        let mut runs = 0;
        let outcome = domain.transaction().timeout(Duration::from_millis(5)).run(|tx| {
            runs += 1;
            let seen = *tx.read(&x);
            thread::scope(|scope| {
                scope.spawn(|| domain.atomically(|tx| Ok(tx.modify(&x, |n| *n += 1))));
            });
            thread::sleep(Duration::from_millis(10));
            Ok::<_, Stop<()>>(tx.write(&x, seen + 1))
        });
        assert_eq!(outcome.unwrap_err(), TxError::TimedOut);
        assert_eq!(runs, 1);
    });
}

/// While it sleeps it is no transaction: it keeps nothing alive.
#[test]
fn a_sleeper_holds_no_snapshot() {
    watched(|| {
        let domain = Domain::new();
        let (x, wake) = (domain.tvar(0), domain.tvar(false));
        executions_of(
            &domain,
            |tx| {
                tx.read(&x);
                // Only this decides; but it is the other that will change.
                tx.check(*tx.read(&wake))
            },
            || {
                // It has noted that it blocks just before its attempt ends.
                while domain.stats().live_snapshots > 0 {
                    thread::yield_now();
                }
                for n in 0..10 {
                    wait_for_blocked(&domain, n + 1);
                    while domain.stats().live_snapshots > 0 {
                        thread::yield_now();
                    }
                    domain.atomically(|tx| Ok(tx.modify(&x, |n| *n += 1)));
                }
                wait_for_blocked(&domain, 11);
                while domain.stats().live_snapshots > 0 {
                    thread::yield_now();
                }
                domain.reclaim();
                assert_eq!(domain.versions(&x), 1);
                domain.atomically(|tx| Ok(tx.write(&wake, true)));
            },
        );
    });
}

/// A transaction that commits to something and then says `retry` on a condition that its own
/// commit would make true: others make it true.
#[test]
fn control_goes_back_and_forth() {
    watched(|| {
        let domain = Domain::new();
        let (request, answer) = (domain.tvar(None), domain.tvar(None));
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                loop {
                    let more = domain.atomically(|tx| {
                        let Some(n) = *tx.read(&request) else { return Err(tx.retry()) };
                        tx.write(&request, None);
                        tx.write(&answer, Some(n * n));
                        Ok(n != 0)
                    });
                    if !more {
                        stop.store(true, Ordering::Relaxed);
                        break;
                    }
                }
            });
            for n in (0..100_u64).rev() {
                domain.atomically(|tx| Ok(tx.write(&request, Some(n))));
                let squared = domain.atomically(|tx| {
                    let Some(n) = *tx.read(&answer) else { return Err(tx.retry()) };
                    Ok(tx.replace(&answer, None).map_or(n, |n| n))
                });
                assert_eq!(squared, n * n);
            }
        });
        assert!(stop.into_inner());
    });
}
