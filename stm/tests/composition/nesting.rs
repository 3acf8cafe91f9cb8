//! Transactions inside of others, of the same and of another domain.

use std::sync::mpsc;
use std::thread;

use upgradable_stm::{AccessError, Domain, Retry, Stop, TxError};

use super::{panic_of, watched};

#[test]
fn an_update_inside_of_an_update_is_refused() {
    let domain = Domain::new();
    let (x, y) = (domain.tvar(0), domain.tvar(0));
    domain.atomically(|tx| {
        tx.write(&x, 1);
        let inner = domain.try_atomically(|tx| Ok::<_, Stop<()>>(tx.write(&y, 1)));
        assert_eq!(inner, Err(TxError::Nested));
        Ok(())
    });
    assert_eq!(domain.snapshot(|s| (*s.read(&x), *s.read(&y))), (1, 0), "the outer one commits");
}

#[test]
fn an_update_inside_of_an_update_panics_where_it_cannot_say_so() {
    let domain = Domain::new();
    let x = domain.tvar(0);
    let panic = panic_of(|| {
        domain.atomically(|tx| {
            tx.write(&x, 1);
            domain.atomically(|tx| Ok(tx.write(&x, 2)));
            Ok(())
        })
    });
    assert!(panic.contains("inside an update transaction"), "{panic}");
    assert_eq!(domain.snapshot(|s| *s.read(&x)), 0);
}

#[test]
fn an_update_is_refused_wherever_it_is_begun() {
    let domain = Domain::new();
    let x = domain.tvar(0);
    let refused = || {
        let inner = domain.try_atomically(|_| Ok::<_, Stop<()>>(()));
        assert_eq!(inner, Err(TxError::Nested));
    };
    domain.atomically(|tx| {
        tx.modify(&x, |_| refused());
        tx.nested(|_| Ok::<_, ()>(refused())).unwrap();
        tx.or_else(|_| Ok::<_, Retry>(refused()), |_| Ok(()))?;
        domain.snapshot(|_| refused());
        domain.hold().read(|_| refused());
        Domain::new().atomically(|_| Ok(refused()));
        Ok(())
    });
    domain.atomically(|_| Ok(())); // and not afterwards
}

#[test]
fn an_update_is_not_refused_because_of_another_thread() {
    let domain = Domain::new();
    let (x, y) = (domain.tvar(0), domain.tvar(0));
    domain.atomically(|tx| {
        thread::scope(|scope| {
            scope.spawn(|| domain.atomically(|tx| Ok(tx.modify(&y, |n| *n += 1))));
        });
        Ok(tx.write(&x, 1))
    });
    assert_eq!(domain.snapshot(|s| (*s.read(&x), *s.read(&y))), (1, 1));
}

#[test]
fn a_snapshot_inside_of_an_update_sees_what_is_committed() {
    let domain = Domain::new();
    let x = domain.tvar(0);
    domain.atomically(|tx| {
        tx.write(&x, 1);
        assert_eq!(domain.snapshot(|s| *s.read(&x)), 0);
        assert_eq!(domain.hold().read(|s| *s.read(&x)), 0);
        assert_eq!(*tx.read(&x), 1);
        Ok(())
    });
    assert_eq!(domain.snapshot(|s| *s.read(&x)), 1);
}

#[test]
fn a_snapshot_inside_of_an_update_is_newer_than_it() {
    let domain = Domain::new();
    let x = domain.tvar(0);
    domain.atomically(|tx| {
        thread::scope(|scope| {
            scope.spawn(|| domain.atomically(|tx| Ok(tx.write(&x, 1))));
        });
        assert_eq!(domain.snapshot(|s| *s.read(&x)), 1);
        assert_eq!(*tx.read(&x), 0, "its own instant is before");
        Ok(())
    });
}

/// For a look that may be out of date by the time of the commit.
#[test]
fn what_a_snapshot_inside_of_an_update_reads_does_not_count_as_read() {
    let domain = Domain::new();
    let (x, y) = (domain.tvar(0), domain.tvar(0));
    let mut runs = 0;
    domain.atomically(|tx| {
        runs += 1;
        let seen = domain.snapshot(|s| *s.read(&x));
        thread::scope(|scope| {
            scope.spawn(|| domain.atomically(|tx| Ok(tx.modify(&x, |n| *n += 1))));
        });
        Ok(tx.write(&y, seen + 10))
    });
    assert_eq!((runs, domain.snapshot(|s| (*s.read(&x), *s.read(&y)))), (1, (1, 10)));
    // And nothing can wake who has read nothing else.
    let waits = domain.try_atomically(|tx| {
        domain.snapshot(|s| *s.read(&x));
        Err::<(), Stop<()>>(tx.retry().into())
    });
    assert_eq!(waits, Err(TxError::NothingToWaitFor));
}

#[test]
fn an_update_inside_of_a_snapshot_commits() {
    let domain = Domain::new();
    let x = domain.tvar(0);
    domain.snapshot(|s| {
        domain.atomically(|tx| Ok(tx.write(&x, 1)));
        domain.snapshot(|inner| assert_eq!(*inner.read(&x), 1));
        assert_eq!(*s.read(&x), 0);
        // And again, while the first snapshot goes on.
        domain.atomically(|tx| Ok(tx.modify(&x, |n| *n += 1)));
        assert_eq!(*s.read(&x), 0);
    });
    assert_eq!(domain.snapshot(|s| *s.read(&x)), 2);
}

#[test]
fn snapshots_nest_as_deep_as_one_likes() {
    fn descend(domain: &Domain, x: &upgradable_stm::TVar<u32>, depth: u32) {
        domain.snapshot(|s| {
            assert_eq!(*s.read(x), depth);
            if depth < 30 {
                domain.atomically(|tx| Ok(tx.modify(x, |n| *n += 1)));
                descend(domain, x, depth + 1);
            }
            assert_eq!(*s.read(x), depth);
        });
    }
    let domain = Domain::new();
    descend(&domain, &domain.tvar(0), 0);
    assert_eq!(domain.stats().live_snapshots, 0);
}

#[test]
fn a_transaction_of_another_domain_is_one_of_its_own() {
    let (outer, inner) = (Domain::new(), Domain::new());
    let (x, y) = (outer.tvar(0), inner.tvar(0));
    let cancelled = outer.try_atomically(|tx| {
        tx.write(&x, 1);
        inner.atomically(|tx| Ok(tx.write(&y, 1)));
        assert_eq!(inner.snapshot(|s| *s.read(&y)), 1);
        Err::<(), _>(Stop::Cancel(()))
    });
    assert!(cancelled.is_err());
    assert_eq!(outer.snapshot(|s| *s.read(&x)), 0);
    assert_eq!(inner.snapshot(|s| *s.read(&y)), 1);
}

#[test]
fn domains_nest_alternately_but_for_updates_of_the_same() {
    let [a, b, c] = [(); 3].map(|()| Domain::new());
    let vars = [&a, &b, &c].map(|domain| domain.tvar(0));
    a.atomically(|ta| {
        ta.modify(&vars[0], |n| *n += 1);
        b.atomically(|tb| {
            tb.modify(&vars[1], |n| *n += 1);
            c.atomically(|tc| {
                tc.modify(&vars[2], |n| *n += 1);
                for domain in [&a, &b, &c] {
                    let again = domain.try_atomically(|_| Ok::<_, Stop<()>>(()));
                    assert_eq!(again, Err(TxError::Nested));
                    domain.snapshot(|_| ());
                }
                Ok(())
            });
            // With `c` over, it can be begun again; `b` goes on undisturbed.
            c.atomically(|tc| Ok(tc.modify(&vars[2], |n| *n += 1)));
            Ok(tb.modify(&vars[1], |n| *n += 1))
        });
        Ok(ta.modify(&vars[0], |n| *n += 1))
    });
    for (domain, var) in [&a, &b, &c].into_iter().zip(&vars) {
        assert_eq!(domain.snapshot(|s| *s.read(var)), 2);
    }
}

#[test]
fn a_variable_of_another_domain_is_a_panic() {
    let (domain, other) = (Domain::new(), Domain::new());
    let x = other.tvar(0);
    let panics = [
        panic_of(|| domain.snapshot(|s| *s.read(&x))),
        panic_of(|| domain.hold().read(|s| *s.read(&x))),
        panic_of(|| domain.atomically(|tx| Ok(*tx.read(&x)))),
        panic_of(|| domain.atomically(|tx| Ok(tx.write(&x, 1)))),
        panic_of(|| domain.atomically(|tx| Ok(tx.modify(&x, |n| *n += 1)))),
        panic_of(|| domain.atomically(|tx| Ok(*tx.replace(&x, 1)))),
        panic_of(|| domain.versions(&x)),
        panic_of(|| other.atomically(|_| domain.atomically(|tx| Ok(Ok(tx.write(&x, 1)))))),
    ];
    assert!(panics.iter().all(|panic| panic.contains("another domain")), "{panics:?}");
    assert_eq!(other.snapshot(|s| *s.read(&x)), 0);
}

#[test]
fn a_handle_of_another_domain_is_an_error() {
    let (domain, other) = (Domain::new(), Domain::new());
    let mine = domain.atomically(|tx| Ok(tx.create(1_u8)));
    let foreign = other.atomically(|tx| Ok(tx.create(2_u8)));
    assert_ne!(mine, foreign);
    assert_eq!(domain.snapshot(|s| s.get::<u8>(foreign).copied()), Err(AccessError::Foreign));
    domain.atomically(|tx| {
        assert_eq!(tx.get::<u8>(foreign), Err(AccessError::Foreign));
        assert_eq!(tx.put(foreign, 3_u8), Err(AccessError::Foreign));
        assert_eq!(tx.update(foreign, |n: &mut u8| *n = 3), Err(AccessError::Foreign));
        assert_eq!(tx.delete(foreign), Err(AccessError::Foreign));
        Ok(())
    });
    assert_eq!(other.snapshot(|s| s.get::<u8>(foreign).copied()), Ok(2));
    assert_eq!(domain.snapshot(|s| s.get::<u8>(mine).copied()), Ok(1));
}

/// Inside an update of one domain, a transaction of another one may block, and be woken.
#[test]
fn a_transaction_of_another_domain_may_block() {
    watched(|| {
        let (outer, inner) = (Domain::new(), Domain::new());
        let (x, y) = (outer.tvar(0), inner.tvar(0));
        let (begun, at) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(|| {
                outer.atomically(|tx| {
                    begun.send(()).unwrap();
                    let seen = inner.atomically(|tx| {
                        tx.check(*tx.read(&y) > 0)?;
                        Ok(*tx.read(&y))
                    });
                    Ok(tx.write(&x, seen))
                });
            });
            at.recv().unwrap();
            inner.atomically(|tx| Ok(tx.write(&y, 7)));
        });
        assert_eq!(outer.snapshot(|s| *s.read(&x)), 7);
    });
}
