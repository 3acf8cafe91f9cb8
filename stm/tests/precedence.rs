//! Nobody starves: a transaction that keeps losing is given precedence, and wins.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use upgradable_stm::{Domain, Stop, TVar};

/// More conflicts than this would mean that precedence does not work: a dozen before it is given,
/// and afterwards one for each commit that was under way, at each object.
const BOUND: u32 = 200;

/// A transaction that reads everything and writes one of them, against writers at full speed.
fn long_against_short(count: usize) {
    let domain = Domain::new();
    let vars: Vec<TVar<u64>> = (0..count as u64).map(|n| domain.tvar(n)).collect();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for writer in 0..2 {
            let (domain, vars, over) = (&domain, &vars, &over);
            scope.spawn(move || {
                let mut at = writer;
                while !over.load(Ordering::Relaxed) {
                    at = (at + 7) % vars.len();
                    domain.atomically(|tx| Ok(tx.modify(&vars[at], |value| *value += 1)));
                }
            });
        }
        for _ in 0..3 {
            let committed = domain.transaction().run(|tx| {
                let sum = vars.iter().map(|var| *tx.read(var)).fold(0, u64::wrapping_add);
                // Until some writer has come between; whoever is privileged waits for none.
                let begun = Instant::now();
                while domain.now() == tx.at() && begun.elapsed() < Duration::from_millis(50) {
                    thread::yield_now();
                }
                tx.write(&vars[0], sum);
                Ok::<_, Stop<()>>(())
            });
            let conflicts = committed.expect("it is not cancelled").conflicts;
            assert!(conflicts < BOUND, "{conflicts} conflicts");
        }
        over.store(true, Ordering::Relaxed);
    });
    let stats = domain.stats();
    assert!(stats.privileged > 0, "nobody needed precedence, {stats:?}");
}

#[test]
fn a_transaction_that_reads_a_thousand_objects_wins() {
    long_against_short(1_000);
}

#[test]
fn a_transaction_that_reads_ten_thousand_objects_wins() {
    long_against_short(10_000);
}

#[test]
fn long_transactions_against_each_other_all_get_through() {
    let domain = Domain::new();
    let vars: Vec<TVar<u64>> = (0..100).map(|_| domain.tvar(0)).collect();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..20 {
                    domain.atomically(|tx| {
                        for var in &vars {
                            tx.modify(var, |value| *value += 1);
                        }
                        thread::yield_now();
                        Ok(())
                    });
                }
            });
        }
    });
    assert!(vars.iter().all(|var| domain.snapshot(|s| *s.read(var)) == 60));
}

#[test]
fn a_privileged_transaction_that_blocks_lets_the_others_go_on() {
    let domain = Domain::new();
    let (door, noise) = (domain.tvar(false), domain.tvar(0_u64));
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                domain.atomically(|tx| Ok(tx.modify(&noise, |value| *value += 1)));
            }
        });
        let guest = scope.spawn(|| {
            domain.atomically(|tx| {
                let heard = *tx.read(&noise);
                thread::yield_now();
                tx.write(&noise, heard + 1);
                tx.check(*tx.read(&door))
            });
        });
        thread::sleep(Duration::from_millis(50));
        domain.atomically(|tx| Ok(tx.write(&door, true)));
        guest.join().expect("the guest comes in");
        over.store(true, Ordering::Relaxed);
    });
}
