//! `Drop` and `Clone` of values are user code: they may use the memory themselves, and fail.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use upgradable_stm::{Domain, TVar, TxError};

use super::census::Counted;
use super::{Census, panics, undone, watched};

/// Runs a closure when it is dropped.
struct OnDrop<F: Fn() + Send + Sync + 'static>(F);

impl<F: Fn() + Send + Sync + 'static> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[test]
fn a_drop_may_run_transactions_of_another_domain() {
    watched(|| {
        let (domain, other) = (Domain::new(), Domain::new());
        let counter = other.tvar(0);
        let count = || {
            let (other, counter) = (other.clone(), counter.clone());
            OnDrop(move || other.atomically(|tx| Ok(tx.modify(&counter, |n| *n += 1))))
        };
        let x = domain.tvar(count());
        for _ in 0..500 {
            domain.atomically(|tx| Ok(tx.write(&x, count())));
        }
        undone(&domain, |tx| tx.write(&x, count()));
        domain.reclaim();
        assert_eq!(other.snapshot(|s| *s.read(&counter)), 501);
        assert_eq!(domain.stats().drop_panics, 0);
    });
}

#[test]
fn a_drop_may_read() {
    watched(|| {
        let domain = Domain::new();
        let source = domain.tvar(7);
        let read = || {
            let (domain, source) = (domain.clone(), source.clone());
            OnDrop(move || assert_eq!(domain.snapshot(|s| *s.read(&source)), 7))
        };
        let x = domain.tvar(read());
        for _ in 0..500 {
            domain.atomically(|tx| {
                tx.write(&x, read());
                tx.read(&x);
                Ok(tx.write(&x, read()))
            });
        }
        undone(&domain, |tx| tx.write(&x, read()));
        domain.reclaim();
        assert_eq!(domain.stats().drop_panics, 0);
        drop(x);
        domain.reclaim();
    });
}

#[test]
fn a_drop_may_make_variables_and_drop_them() {
    watched(|| {
        let (domain, census) = (Domain::new(), Census::default());
        let make = || {
            let (domain, census) = (domain.clone(), census.clone());
            OnDrop(move || {
                let var = domain.tvar(census.count(0));
                drop(var.clone());
            })
        };
        let x = domain.tvar(make());
        for _ in 0..500 {
            domain.atomically(|tx| Ok(tx.write(&x, make())));
        }
        domain.reclaim();
        assert_eq!(census.alive(), 0);
        assert_eq!(domain.stats().drop_panics, 0);
    });
}

/// What is dropped by `reclaim` is dropped outside of any transaction.
#[test]
fn a_drop_may_run_a_transaction_when_memory_is_tidied_up() {
    watched(|| {
        let domain = Domain::new();
        let counter = domain.tvar(0);
        let count = || {
            let (domain, counter) = (domain.clone(), counter.clone());
            OnDrop(move || domain.atomically(|tx| Ok(tx.modify(&counter, |n| *n += 1))))
        };
        let x = domain.tvar(count());
        let name = domain.atomically(|tx| Ok(tx.create(count())));
        for _ in 0..10 {
            domain.atomically(|tx| Ok(tx.write(&x, count())));
        }
        domain.atomically(|tx| Ok(tx.delete(name))).unwrap();
        drop(x);
        domain.reclaim();
        assert_eq!(domain.snapshot(|s| *s.read(&counter)), 12);
        assert_eq!(domain.stats().drop_panics, 0);
    });
}

/// A value whose drop panics, and is counted all the same.
fn explosive(census: &Census) -> (OnDrop<fn()>, Counted<u8>) {
    (OnDrop(|| panic!("a drop that panics, on purpose")), census.count(0))
}

#[test]
fn a_panic_in_a_drop_is_swallowed_and_counted() {
    let (domain, census) = (Domain::new(), Census::default());
    let x = domain.tvar(explosive(&census));
    let name = domain.atomically(|tx| Ok(tx.create(explosive(&census))));
    domain.atomically(|tx| Ok(tx.write(&x, explosive(&census)))); // superseded
    domain.atomically(|tx| Ok(tx.delete(name))).unwrap(); // deleted
    domain.reclaim();
    assert_eq!((domain.stats().drop_panics, census.alive()), (2, 1));
    undone(&domain, |tx| tx.write(&x, explosive(&census))); // undone
    assert_eq!((domain.stats().drop_panics, census.alive()), (3, 1));
    drop(x); // without handle
    domain.reclaim();
    assert_eq!((domain.stats().drop_panics, census.alive()), (4, 0));
    assert_eq!(domain.atomically(|_| Ok(1)), 1);
}

#[test]
fn a_panic_in_a_drop_does_not_hide_the_closures() {
    let (domain, census) = (Domain::new(), Census::default());
    let x = domain.tvar(explosive(&census));
    let panic = std::panic::catch_unwind(AssertUnwindSafe(|| {
        domain.atomically(|tx| {
            tx.write(&x, explosive(&census));
            if true {
                panic!("the closure's")
            }
            Ok(())
        });
    }));
    assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"the closure's"));
    assert_eq!((domain.stats().drop_panics, census.alive()), (1, 1));
}

#[test]
fn a_panic_in_a_drop_does_not_stop_the_end_of_a_domain() {
    let census = Census::default();
    let domain = Domain::new();
    let x = domain.tvar(explosive(&census));
    for _ in 0..10 {
        domain.atomically(|tx| Ok(tx.create(explosive(&census))));
    }
    drop(domain);
    assert_eq!(census.alive(), 1);
    drop(x);
    assert_eq!(census.alive(), 0);
}

/// Nobody has looked at what is overwritten: it is dropped on the spot, in the closure.
#[test]
fn a_panic_in_a_drop_inside_of_the_closure_is_the_closures() {
    let (domain, census) = (Domain::new(), Census::default());
    let x = domain.tvar(explosive(&census));
    panics(|| {
        domain.atomically(|tx| {
            tx.write(&x, explosive(&census));
            Ok(tx.write(&x, explosive(&census)))
        })
    });
    domain.reclaim();
    assert_eq!(census.alive(), 1);
}

/// A value whose clone panics when it is told to.
struct Uncopied {
    fails: Arc<AtomicBool>,
    counted: Counted<u8>,
}

impl Clone for Uncopied {
    fn clone(&self) -> Self {
        let counted = self.counted.clone();
        assert!(!self.fails.load(Ordering::Relaxed), "a clone that panics, on purpose");
        Self { fails: Arc::clone(&self.fails), counted }
    }
}

struct Fixture {
    domain: Domain,
    census: Census,
    fails: Arc<AtomicBool>,
    x: TVar<Uncopied>,
}

impl Fixture {
    fn new() -> Self {
        let (domain, census, fails) =
            (Domain::new(), Census::default(), Arc::new(AtomicBool::new(true)));
        let x = domain.tvar(Uncopied { fails: fails.clone(), counted: census.count(1) });
        Self { domain, census, fails, x }
    }

    fn value(&self, n: u8) -> Uncopied {
        Uncopied { fails: Arc::clone(&self.fails), counted: self.census.count(n) }
    }
}

#[test]
fn a_panic_in_a_clone_undoes_the_transaction() {
    let it = Fixture::new();
    panics(|| it.domain.atomically(|tx| Ok(tx.modify(&it.x, |v| v.counted.value = 2))));
    panics(|| {
        it.domain.atomically(|tx| {
            tx.write(&it.x, it.value(3));
            tx.read(&it.x);
            Ok(tx.modify(&it.x, |v| v.counted.value = 4))
        })
    });
    assert_eq!(it.census.alive(), 1);
    it.fails.store(false, Ordering::Relaxed);
    it.domain.atomically(|tx| Ok(tx.modify(&it.x, |v| v.counted.value = 5)));
    assert_eq!(it.domain.snapshot(|s| s.read(&it.x).counted.value), 5);
    it.domain.reclaim();
    assert_eq!(it.census.alive(), 1);
}

/// A clone that failed and was caught has changed nothing: what commits is whole.
#[test]
fn a_panic_in_a_clone_that_is_caught_leaves_the_object_whole() {
    for written_before in [false, true] {
        let it = Fixture::new();
        let outcome = it.domain.try_atomically(|tx| {
            if written_before {
                tx.write(&it.x, it.value(3));
                tx.read(&it.x);
            }
            panics(|| tx.modify(&it.x, |v| v.counted.value = 2));
            Ok::<_, upgradable_stm::Stop<()>>(())
        });
        let now = it.domain.snapshot(|s| s.read(&it.x).counted.value);
        match outcome {
            Ok(()) => assert_eq!(now, if written_before { 3 } else { 1 }),
            Err(error) => assert_eq!((error, now), (TxError::HalfModified, 1)),
        }
        it.domain.reclaim();
        assert_eq!(it.census.alive(), 1);
    }
}
