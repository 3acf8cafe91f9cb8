//! Zombies: executions that will not commit, and don't know it. They see one snapshot, too.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use upgradable_stm::{Domain, Retry, TVar};

use super::{Script, beside_writers, watched};

#[test]
fn a_doomed_transaction_sees_one_snapshot() {
    watched(|| {
        let domain = Domain::new();
        let (x, y, z) = (domain.tvar(1), domain.tvar(1), domain.tvar(0));
        let script = Script::default();
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut run = 0;
                domain.atomically(|tx| {
                    run += 1;
                    let seen = script.first(run, 0, || *tx.read(&x));
                    assert_eq!(script.first(run, 2, || *tx.read(&y)), seen, "execution {run}");
                    assert_eq!(tx.or_else(|tx| Ok::<_, Retry>(*tx.read(&y)), |_| Ok(0))?, seen);
                    Ok(tx.write(&z, seen))
                });
                assert_eq!(run, 2, "the first execution was doomed");
            });
            script.at(1, || {
                domain.atomically(|tx| {
                    tx.write(&x, 2);
                    Ok(tx.write(&y, 2))
                });
            });
        });
        assert_eq!(domain.snapshot(|s| *s.read(&z)), 2);
    });
}

#[test]
fn a_doomed_transaction_follows_no_dangling_link() {
    watched(|| {
        let domain = Domain::new();
        let name = domain.atomically(|tx| Ok(tx.create(7_u64)));
        let (place, copy) = (domain.tvar(name), domain.tvar(0));
        let script = Script::default();
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut run = 0;
                domain.atomically(|tx| {
                    run += 1;
                    let name = script.first(run, 0, || *tx.read(&place));
                    let found = script.first(run, 2, || tx.get::<u64>(name).copied());
                    Ok(tx.write(&copy, found.expect("the snapshot has place and object")))
                });
                assert_eq!(run, 2);
            });
            script.at(1, || {
                domain.atomically(|tx| {
                    tx.delete(*tx.read(&place)).map_err(|_| tx.retry())?;
                    Ok(tx.write(&place, tx.create(8_u64)))
                });
                domain.reclaim();
            });
        });
        assert_eq!(domain.snapshot(|s| *s.read(&copy)), 8);
    });
}

#[test]
fn no_execution_sees_a_broken_invariant() {
    watched(|| {
        let domain = Domain::new();
        let vars: Vec<TVar<i64>> = (0..20).map(|_| domain.tvar(0)).collect();
        let executed = AtomicU64::new(0);
        // The sum of all is zero, always; all conflict with all.
        let shift = |number: u64| {
            for n in 0..10_000 {
                let (from, to) = ((n + number as usize) % 20, (n * 7 + 3) % 20);
                domain.atomically(|tx| {
                    executed.fetch_add(1, Ordering::Relaxed);
                    let sum: i64 = vars.iter().map(|var| tx.read(var)).sum();
                    assert_eq!(sum, 0);
                    tx.modify(&vars[from], |n| *n -= 1);
                    tx.modify(&vars[to], |n| *n += 1);
                    let sum: i64 = vars.iter().map(|var| tx.read(var)).sum();
                    assert_eq!(sum, 0);
                    Ok(())
                });
            }
        };
        beside_writers(2, shift, thread::yield_now);
        assert!(executed.into_inner() >= 20_000);
    });
}
