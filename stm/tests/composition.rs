//! Composition: parts of transactions, alternatives, blocking, and what happens when something in
//! between goes wrong.

use std::panic::{AssertUnwindSafe, catch_unwind};

use upgradable_stm::{Domain, Stop, TxError};

#[path = "composition/alternatives.rs"]
mod alternatives;
#[path = "composition/blocking.rs"]
mod blocking;
#[path = "common/census.rs"]
mod census;
#[path = "common/dice.rs"]
mod dice;
#[path = "composition/failures.rs"]
mod failures;
#[path = "composition/handlers.rs"]
mod handlers;
#[path = "composition/model.rs"]
mod model;
#[path = "composition/nesting.rs"]
mod nesting;
#[path = "composition/references.rs"]
mod references;
#[path = "common/script.rs"]
mod script;
#[path = "composition/time.rs"]
mod time;
#[path = "common/watchdog.rs"]
mod watchdog;

use census::Census;
use dice::Dice;
use script::Script;
use watchdog::watched;

/// What a panic said.
#[track_caller]
fn panic_of<R>(f: impl FnOnce() -> R) -> String {
    let Err(panic) = catch_unwind(AssertUnwindSafe(f)) else { panic!("it did not panic") };
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => (*panic.downcast::<&str>().expect("a text")).to_owned(),
    }
}

#[test]
fn functions_of_a_transaction_compose() {
    let domain = Domain::new();
    let (x, y) = (domain.tvar(1), domain.tvar(2));
    let swapped = domain.atomically(|tx| {
        let (a, b) = (*tx.read(&x), *tx.read(&y));
        tx.write(&x, b);
        tx.write(&y, a);
        Ok((*tx.read(&x), *tx.read(&y)))
    });
    assert_eq!(swapped, (2, 1));
    assert_eq!(domain.snapshot(|s| (*s.read(&x), *s.read(&y))), (2, 1));
}

#[test]
fn a_transaction_returns_what_its_last_execution_did() {
    let domain = Domain::new();
    let x = domain.tvar(0);
    let mut run = 0;
    let result = domain.atomically(|tx| {
        run += 1;
        let seen = *tx.read(&x);
        if run == 1 {
            // Somebody else is faster.
            std::thread::scope(|scope| {
                scope.spawn(|| domain.atomically(|tx| Ok(tx.write(&x, 10))));
            });
        }
        tx.write(&x, seen + 1);
        Ok(format!("execution {run} saw {seen}"))
    });
    assert_eq!(result, "execution 2 saw 10");
    assert_eq!(domain.snapshot(|s| *s.read(&x)), 11);
}

#[test]
fn a_cancelled_transaction_has_no_effect() {
    let domain = Domain::new();
    let (x, name) = (domain.tvar(1), domain.atomically(|tx| Ok(tx.create(1_u8))));
    let now = domain.now();
    let outcome = domain.try_atomically(|tx| {
        tx.write(&x, 2);
        tx.put(name, 2_u8).unwrap();
        tx.create(3_u8);
        Err::<(), _>(Stop::Cancel("enough"))
    });
    assert_eq!(outcome, Err(TxError::Cancelled("enough")));
    domain.snapshot(|s| {
        assert_eq!((*s.read(&x), *s.get::<u8>(name).unwrap()), (1, 1));
        assert_eq!(s.handles().count(), 1);
    });
    assert_eq!(domain.now(), now, "no timestamp was used up");
}

#[test]
fn what_a_transaction_reads_is_what_it_has_written() {
    let domain = Domain::new();
    let x = domain.tvar(1);
    domain.atomically(|tx| {
        assert_eq!(*tx.read(&x), 1);
        tx.write(&x, 2);
        assert_eq!(*tx.read(&x), 2);
        assert_eq!(tx.modify(&x, |n| std::mem::replace(n, 3)), 2);
        assert_eq!(*tx.read(&x), 3);
        assert_eq!(*tx.replace(&x, 4), 3);
        assert_eq!(*tx.read(&x), 4);
        Ok(())
    });
    assert_eq!(domain.snapshot(|s| *s.read(&x)), 4);
}

#[test]
fn a_read_keeps_what_a_blind_write_before_it_said() {
    let domain = Domain::new();
    let vars: Vec<_> = (0..100).map(|n| domain.tvar(n)).collect();
    domain.atomically(|tx| {
        for (n, var) in vars.iter().enumerate() {
            tx.write(var, n + 1000);
        }
        for (n, var) in vars.iter().enumerate().rev() {
            assert_eq!(*tx.read(var), n + 1000);
            tx.write(var, n + 2000);
        }
        Ok(())
    });
    let sum: usize = domain.snapshot(|s| vars.iter().map(|var| s.read(var)).sum());
    assert_eq!(sum, 99 * 50 + 100 * 2000);
}

#[test]
fn the_free_functions_work_in_the_global_domain() {
    let x = upgradable_stm::TVar::new(1);
    upgradable_stm::atomically(|tx| Ok(tx.write(&x, 2)));
    let refused = upgradable_stm::try_atomically(|tx| {
        tx.write(&x, 3);
        Err::<(), _>(Stop::Cancel(()))
    });
    assert_eq!(refused, Err(TxError::Cancelled(())));
    assert_eq!(upgradable_stm::snapshot(|s| *s.read(&x)), 2);
    assert_eq!(Domain::global().snapshot(|s| *s.read(&x)), 2);
}
