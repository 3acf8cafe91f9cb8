//! Every value that goes in is dropped once: not twice, not never, and not while it can be seen.

use std::thread;

use upgradable_stm::{Domain, Stop};

use super::census::Counted;
use super::{Census, panics, undone, watched};

#[test]
fn what_is_overwritten_in_its_own_transaction() {
    let (domain, census) = (Domain::new(), Census::default());
    let x = domain.tvar(census.count(0));
    domain.atomically(|tx| {
        tx.write(&x, census.count(1));
        tx.write(&x, census.count(2));
        assert_eq!(census.alive(), 2, "nobody had looked at it");
        tx.read(&x);
        tx.write(&x, census.count(3));
        assert_eq!(census.alive(), 3, "somebody may still look at it");
        Ok(())
    });
    assert_eq!(domain.snapshot(|s| s.read(&x).value), 3);
    domain.reclaim();
    assert_eq!(census.alive(), 1);
}

#[test]
fn what_is_superseded() {
    let (domain, census) = (Domain::new(), Census::default());
    let x = domain.tvar(census.count(0));
    let name = domain.atomically(|tx| Ok(tx.create(census.count(0))));
    for n in 1..=1000 {
        domain.atomically(|tx| {
            tx.write(&x, census.count(n));
            tx.put(name, census.count(n)).map_err(|_| tx.retry())
        });
    }
    assert!(census.alive() < 1500, "some go on the way: {} are left", census.alive());
    domain.reclaim();
    assert_eq!(census.alive(), 2);
}

#[test]
fn what_is_deleted() {
    let (domain, census) = (Domain::new(), Census::default());
    for _ in 0..10 {
        let names: Vec<_> =
            domain.atomically(|tx| Ok((0..100).map(|n| tx.create(census.count(n))).collect()));
        domain.atomically(|tx| {
            names.iter().try_for_each(|&name| tx.delete(name).map_err(|_| tx.retry()))
        });
        domain.reclaim();
        assert_eq!(census.alive(), 0);
    }
}

#[test]
fn what_is_created_and_deleted_at_once() {
    let (domain, census) = (Domain::new(), Census::default());
    domain.atomically(|tx| {
        let [unseen, seen, changed] = [1, 2, 3].map(|n| tx.create(census.count(n)));
        assert!(tx.get::<Counted<i32>>(seen).is_ok());
        tx.put(changed, census.count(4)).unwrap();
        [unseen, seen, changed].iter().for_each(|&name| tx.delete(name).unwrap());
        Ok(())
    });
    assert_eq!(census.alive(), 0);
}

/// Writes, overwrites, creates and deletes.
fn busy(tx: &upgradable_stm::Tx<'_>, x: &upgradable_stm::TVar<Counted<i32>>, census: &Census) {
    tx.write(x, census.count(1));
    tx.read(x);
    tx.modify(x, |it| it.value = 2);
    let _ = tx.nested(|tx| {
        tx.modify(x, |it| it.value = 3);
        tx.create(census.count(4));
        Err::<(), _>(())
    });
    let [a, b] = [5, 6].map(|n| tx.create(census.count(n)));
    tx.delete(a).unwrap();
    tx.update(b, |it: &mut Counted<i32>| it.value = 7).unwrap();
}

#[test]
fn what_is_cancelled() {
    let (domain, census) = (Domain::new(), Census::default());
    let x = domain.tvar(census.count(0));
    undone(&domain, |tx| busy(tx, &x, &census));
    assert_eq!(census.alive(), 1);
}

#[test]
fn what_panics() {
    let (domain, census) = (Domain::new(), Census::default());
    let x = domain.tvar(census.count(0));
    panics(|| {
        domain.atomically(|tx| {
            busy(tx, &x, &census);
            if true {
                panic!("on purpose")
            }
            Ok(())
        })
    });
    assert_eq!(census.alive(), 1);
}

#[test]
fn what_is_lost_to_a_conflict() {
    let (domain, census) = (Domain::new(), Census::default());
    let (x, other) = (domain.tvar(census.count(0)), domain.tvar(0));
    let mut run = 0;
    domain.atomically(|tx| {
        run += 1;
        tx.read(&other);
        busy(tx, &x, &census);
        if run < 5 {
            thread::scope(|scope| {
                scope.spawn(|| domain.atomically(|tx| Ok(tx.modify(&other, |n| *n += 1))));
            });
        }
        Ok(census.count(8)) // what is returned counts, too
    });
    domain.reclaim();
    assert_eq!((run, census.alive()), (5, 2), "one variable, one object");
}

#[test]
fn what_blocks() {
    let (domain, census) = (Domain::new(), Census::default());
    let x = domain.tvar(census.count(0));
    let outcome = domain.transaction().timeout(std::time::Duration::from_millis(1)).run(|tx| {
        tx.read(&x);
        busy(tx, &x, &census);
        Err::<(), Stop<()>>(tx.retry().into())
    });
    assert!(outcome.is_err());
    assert_eq!(census.alive(), 1);
}

#[test]
fn what_a_refused_put_was_given() {
    let (domain, census) = (Domain::new(), Census::default());
    let name = domain.atomically(|tx| Ok(tx.create(5_u8)));
    domain.atomically(|tx| {
        assert!(tx.put(name, census.count(1)).is_err());
        tx.delete(name).unwrap();
        assert!(tx.put(name, census.count(2)).is_err());
        Ok(())
    });
    let over = domain.now();
    assert!(domain.install(name, over, over, census.count(3)).is_err());
    assert_eq!(census.alive(), 0);
}

#[test]
fn what_a_variable_held_when_its_last_handle_goes() {
    let (domain, census) = (Domain::new(), Census::default());
    let x = domain.tvar(census.count(0));
    let clones = vec![x.clone(); 10];
    drop(x);
    domain.reclaim();
    assert_eq!(census.alive(), 1);
    drop(clones);
    domain.reclaim();
    assert_eq!(census.alive(), 0);
}

#[test]
fn what_many_variables_held() {
    let (domain, census) = (Domain::new(), Census::default());
    for n in 0..1000 {
        let x = domain.tvar(census.count(n));
        domain.atomically(|tx| Ok(tx.write(&x, census.count(n))));
    }
    assert!(census.alive() < 1000, "some go on the way: {} are left", census.alive());
    domain.reclaim();
    assert_eq!(census.alive(), 0);
}

#[test]
fn a_variable_dropped_in_a_transaction_that_still_refers_to_it() {
    let (domain, census) = (Domain::new(), Census::default());
    let mut x = Some(domain.tvar(census.count(1)));
    domain.atomically(|tx| {
        let x = x.take().unwrap();
        let committed = tx.read(&x);
        tx.write(&x, census.count(2));
        let written = tx.read(&x);
        drop(x);
        domain.reclaim();
        for n in 0..300 {
            drop(domain.tvar(census.count(n))); // what is freed would be used again
        }
        domain.reclaim();
        assert!(committed.is_alive() && written.is_alive());
        assert_eq!((committed.value, written.value), (1, 2));
        Ok(())
    });
    domain.reclaim();
    assert_eq!(census.alive(), 0);
}

#[test]
fn a_variable_dropped_in_a_snapshot_that_still_refers_to_it() {
    let (domain, census) = (Domain::new(), Census::default());
    let (x, y) = (domain.tvar(census.count(1)), domain.tvar(census.count(2)));
    let held = domain.hold();
    held.read(|s| {
        let (first, second) = (s.read(&x), s.read(&y));
        drop(x);
        thread::scope(|scope| {
            scope.spawn(|| drop(y));
        });
        domain.reclaim();
        assert!(first.is_alive() && second.is_alive());
    });
    drop(held);
    domain.reclaim();
    assert_eq!(census.alive(), 0);
}

/// Others drop the last handle while this transaction is under way with a reference.
#[test]
fn variables_dropped_by_others_while_they_are_read() {
    watched(|| {
        let (domain, census) = (Domain::new(), Census::default());
        let place = domain.tvar(domain.tvar(census.count(0)));
        let done = std::sync::atomic::AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                for n in 1..10_000 {
                    let fresh = domain.tvar(census.count(n));
                    domain.atomically(|tx| Ok(tx.write(&place, fresh.clone())));
                }
                done.store(true, std::sync::atomic::Ordering::Relaxed);
            });
            scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    domain.snapshot(|s| {
                        let value = s.read(s.read(&place));
                        thread::yield_now();
                        assert!(value.is_alive());
                    });
                }
            });
        });
        domain.reclaim();
        assert_eq!(census.alive(), 1);
    });
}

#[test]
fn everything_there_is_when_the_domain_goes() {
    let census = Census::default();
    let domain = Domain::new();
    let x = domain.tvar(census.count(0));
    for n in 0..50 {
        domain.atomically(|tx| {
            tx.create(census.count(n));
            Ok(tx.write(&x, census.count(n)))
        });
    }
    let held = domain.hold();
    domain.atomically(|tx| Ok(tx.write(&x, census.count(99))));
    drop(held);
    drop(x);
    drop(domain);
    assert_eq!(census.alive(), 0);
}
