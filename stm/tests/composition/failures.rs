//! Panics in closures, and objects used while a closure changes them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use upgradable_stm::{AbortCause, Domain, Handle, Retry, Stop, TVar, Tx, TxError};

use super::census::Counted;
use super::{Census, panic_of};

#[test]
fn a_panic_undoes_the_transaction_and_goes_on() {
    let (domain, census) = (Domain::new(), Census::default());
    let x = domain.tvar(census.count(0));
    let name = domain.atomically(|tx| Ok(tx.create(census.count(0))));
    let panic = panic_of(|| {
        domain.atomically(|tx| {
            tx.write(&x, census.count(1));
            tx.read(&x);
            tx.modify(&x, |it| it.value = 2);
            tx.delete(name).unwrap();
            tx.create(census.count(3));
            if true {
                panic!("on purpose")
            }
            Ok(())
        })
    });
    assert_eq!(panic, "on purpose");
    assert_eq!(census.alive(), 2, "what it had made is dropped");
    domain.snapshot(|s| {
        assert_eq!(s.read(&x).value, 0);
        assert_eq!(s.handles().collect::<Vec<_>>(), [name]);
    });
    assert_eq!(domain.stats().aborts(AbortCause::Panicked), 1);
    domain.atomically(|tx| Ok(tx.modify(&x, |it| it.value = 4)));
    assert_eq!(domain.snapshot(|s| s.read(&x).value), 4);
}

#[test]
fn a_panic_in_a_snapshot_ends_it() {
    let domain = Domain::new();
    assert_eq!(panic_of(|| domain.snapshot(|_| panic!("on purpose"))), "on purpose");
    assert_eq!(domain.stats().live_snapshots, 0);
    let held = domain.hold();
    assert_eq!(panic_of(|| held.read(|_| panic!("on purpose"))), "on purpose");
    assert_eq!(domain.stats().live_snapshots, 1, "the held one");
}

#[test]
fn a_panic_caught_inside_of_the_closure_is_its_own_business() {
    let domain = Domain::new();
    let x = domain.tvar(0);
    domain.atomically(|tx| {
        tx.write(&x, 1);
        panic_of(|| -> () {
            tx.write(&x, 2);
            panic!("on purpose")
        });
        Ok(())
    });
    assert_eq!(domain.snapshot(|s| *s.read(&x)), 2);
}

/// Runs a transaction that catches a panic in the middle of a change.
fn half_modified(domain: &Domain, change: impl Fn(&Tx<'_>)) -> Result<(), TxError<()>> {
    domain.try_atomically(|tx| {
        assert!(catch_unwind(AssertUnwindSafe(|| change(tx))).is_err());
        Ok(())
    })
}

#[test]
fn a_half_modified_object_is_never_committed() {
    let domain = Domain::new();
    let (x, y) = (domain.tvar((0, 0)), domain.tvar(0));
    let name = domain.atomically(|tx| Ok(tx.create((0, 0))));
    let halve = |pair: &mut (i32, i32)| {
        pair.0 = 1;
        panic!("between the halves")
    };
    let changes: [&dyn Fn(&Tx<'_>); 5] = [
        &|tx| tx.modify(&x, halve),
        &|tx| {
            tx.write(&x, (5, 5));
            tx.modify(&x, halve);
        },
        &|tx| {
            tx.write(&x, (5, 5));
            tx.read(&x);
            tx.modify(&x, halve);
        },
        &|tx| tx.update(name, halve).unwrap(),
        &|tx| {
            let new = tx.create((0, 0));
            tx.update(new, halve).unwrap();
        },
    ];
    for change in changes {
        let outcome = half_modified(&domain, |tx| {
            tx.write(&y, 1);
            change(tx);
        });
        assert_eq!(outcome, Err(TxError::HalfModified));
    }
    domain.snapshot(|s| {
        assert_eq!((*s.read(&x), *s.read(&y), *s.get(name).unwrap()), ((0, 0), 0, (0, 0)));
        assert_eq!(s.handles().count(), 1);
    });
    assert_eq!(domain.stats().aborts(AbortCause::Refused), 5);
}

#[test]
fn a_half_modified_object_is_a_panic_where_there_is_no_error() {
    let domain = Domain::new();
    let x = domain.tvar(0);
    let panic = panic_of(|| {
        domain.atomically(|tx| {
            panic_of(|| tx.modify(&x, |_| panic!("on purpose")));
            Ok(())
        })
    });
    assert!(panic.contains("let it propagate"), "{panic}");
}

#[test]
fn undoing_the_part_does_not_heal_it() {
    let domain = Domain::new();
    let x = domain.tvar(0);
    let outcome = domain.try_atomically(|tx| {
        let _ = tx.nested(|tx| {
            panic_of(|| tx.modify(&x, |_| panic!("on purpose")));
            Err::<(), _>(())
        });
        assert_eq!(*tx.read(&x), 0);
        Ok::<_, Stop<()>>(())
    });
    assert_eq!(outcome, Err(TxError::HalfModified));
}

#[test]
fn a_half_modified_transaction_may_still_be_cancelled() {
    let domain = Domain::new();
    let x = domain.tvar(0);
    let outcome = domain.try_atomically(|tx| {
        panic_of(|| tx.modify(&x, |_| panic!("on purpose")));
        Err::<(), _>(Stop::Cancel("because of it"))
    });
    assert_eq!(outcome, Err(TxError::Cancelled("because of it")));
    domain.atomically(|tx| Ok(tx.write(&x, 1)));
}

#[test]
fn a_change_that_panics_drops_its_copy_once() {
    let (domain, census) = (Domain::new(), Census::default());
    let x = domain.tvar(census.count(0));
    let outcome = half_modified(&domain, |tx| tx.modify(&x, |_| panic!("on purpose")));
    assert_eq!(outcome, Err(TxError::HalfModified));
    assert_eq!(census.alive(), 1);
}

/// A variable, an object, and a transaction that has them written, or not.
struct Reentrance {
    domain: Domain,
    x: TVar<Counted<i32>>,
    name: Handle,
    census: Census,
}

impl Reentrance {
    fn new() -> Self {
        let (domain, census) = (Domain::new(), Census::default());
        let x = domain.tvar(census.count(0));
        let name = domain.atomically(|tx| Ok(tx.create(census.count(0))));
        Self { domain, x, name, census }
    }

    /// Uses both while they are changed, in every way there is.
    fn all_refused(&self, written_before: bool) {
        type Use<'u> = &'u dyn Fn(&Tx<'_>, &Reentrance);
        let of_var: [Use<'_>; 4] = [
            &|tx, me| assert!(tx.read(&me.x).is_alive()),
            &|tx, me| tx.write(&me.x, me.census.count(1)),
            &|tx, me| tx.modify(&me.x, |it| it.value = 2),
            &|tx, me| assert!(tx.replace(&me.x, me.census.count(3)).is_alive()),
        ];
        let of_object: [Use<'_>; 4] = [
            &|tx, me| assert!(tx.get::<Counted<i32>>(me.name).is_ok()),
            &|tx, me| tx.put(me.name, me.census.count(1)).unwrap(),
            &|tx, me| tx.update(me.name, |it: &mut Counted<i32>| it.value = 2).unwrap(),
            &|tx, me| tx.delete(me.name).unwrap(),
        ];
        for which in 0..4 {
            let panic = panic_of(|| {
                self.domain.atomically(|tx| {
                    if written_before {
                        tx.write(&self.x, self.census.count(9));
                    }
                    tx.modify(&self.x, |_| of_var[which](tx, self));
                    Ok(())
                })
            });
            assert!(panic.contains("while a closure of `modify` changes it"), "{panic}");
            let panic = panic_of(|| {
                self.domain.atomically(|tx| {
                    if written_before {
                        tx.put(self.name, self.census.count(9)).unwrap();
                    }
                    tx.update(self.name, |_: &mut Counted<i32>| of_object[which](tx, self))
                        .unwrap();
                    Ok(())
                })
            });
            assert!(panic.contains("while a closure of `modify` changes it"), "{panic}");
        }
        assert_eq!(self.census.alive(), 2);
    }
}

#[test]
fn an_object_cannot_be_used_while_it_is_changed() {
    let reentrance = Reentrance::new();
    reentrance.all_refused(false);
    reentrance.all_refused(true);
}

#[test]
fn other_objects_can_be_used_while_one_is_changed() {
    let domain = Domain::new();
    let vars: Vec<_> = (0..20).map(|n| domain.tvar(n)).collect();
    domain.atomically(|tx| {
        tx.modify(&vars[0], |first| {
            for var in &vars[1..] {
                *first += *tx.read(var);
                tx.modify(var, |n| *n = 0);
            }
            let part = tx.nested(|tx| {
                tx.write(&vars[1], 100);
                Err::<(), _>(7)
            });
            *first += part.unwrap_err();
            let done = tx.or_else(
                |tx| {
                    tx.write(&vars[2], 100);
                    Err(tx.retry())
                },
                |tx| Ok::<_, Retry>(tx.write(&vars[3], 1)),
            );
            done.unwrap();
        });
        Ok(())
    });
    let now = domain.snapshot(|s| [0, 1, 2, 3].map(|n| *s.read(&vars[n])));
    assert_eq!(now, [190 + 7, 0, 0, 1]);
}

#[test]
fn the_caller_of_atomically_is_blamed() {
    use std::sync::{Arc, Mutex};
    let domain = Domain::new();
    let blamed = Arc::new(Mutex::new(None));
    let sink = Arc::clone(&blamed);
    let before = std::panic::take_hook();
    let me = std::thread::current().id();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() == me {
            *sink.lock().unwrap() = info.location().map(|at| (at.file().to_owned(), at.line()));
        } else {
            before(info);
        }
    }));
    let line = line!() + 1;
    let _ = catch_unwind(AssertUnwindSafe(|| domain.atomically(|tx| Err::<(), _>(tx.retry()))));
    let _ = std::panic::take_hook();
    let (file, at) = blamed.lock().unwrap().take().unwrap();
    assert!(file.ends_with("failures.rs"), "{file}");
    assert_eq!(at, line);
}
