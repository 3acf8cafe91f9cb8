//! Two transactions that change one object: neither change is lost.

use loom::thread;

use super::{Seen, expect_orderly, model};
use crate::domain::Domain;
use crate::error::Stop;

#[test]
fn two_committers() {
    model(|| {
        let domain = Domain::new();
        let x = domain.tvar(Seen::new(0));
        let increment = {
            let (domain, x) = (domain.clone(), x.clone());
            move || {
                let committed = domain.transaction().run(|tx| {
                    let next = tx.read(&x).get() + 1;
                    tx.write(&x, Seen::new(next));
                    Ok::<_, Stop<()>>(next)
                });
                let committed = committed.unwrap();
                (committed.ts, committed.value)
            }
        };
        let other = thread::spawn(increment.clone());
        let mine = increment();
        let theirs = other.join().unwrap();
        assert_eq!(domain.snapshot(|s| s.read(&x).get()), 2, "a change was lost");
        let mut order = [mine, theirs];
        order.sort_unstable();
        assert_eq!(order.map(|(_, value)| value), [1, 2], "not in the order of timestamps");
        expect_orderly(&domain);
    });
}

/// One reads what the other writes. Whoever has the later timestamp has seen the other, although
/// their locks do not meet.
#[test]
fn committers_in_timestamp_order() {
    model(|| {
        let domain = Domain::new();
        let (x, y) = (domain.tvar(Seen::new(0)), domain.tvar(Seen::new(0)));
        let writer = thread::spawn({
            let (domain, x) = (domain.clone(), x.clone());
            move || {
                let write = |tx: &crate::Tx<'_>| Ok::<_, Stop<()>>(tx.write(&x, Seen::new(1)));
                domain.transaction().run(write).unwrap().ts
            }
        });
        let copied = domain.transaction().run(|tx| {
            let seen = tx.read(&x).get();
            tx.write(&y, Seen::new(seen));
            Ok::<_, Stop<()>>(seen)
        });
        let copied = copied.unwrap();
        let written = writer.join().unwrap();
        assert_eq!(copied.value == 1, written < copied.ts, "not in the order of timestamps");
        expect_orderly(&domain);
    });
}

/// Two that write the same two objects in opposite order: both end, and neither half of one is seen
/// without the other.
#[test]
fn crossed_writers() {
    model(|| {
        let domain = Domain::new();
        let (x, y) = (domain.tvar(Seen::new(0)), domain.tvar(Seen::new(0)));
        let other = thread::spawn({
            let (domain, x, y) = (domain.clone(), x.clone(), y.clone());
            move || {
                domain.atomically(|tx| {
                    tx.write(&y, Seen::new(2));
                    Ok(tx.write(&x, Seen::new(2)))
                })
            }
        });
        domain.atomically(|tx| {
            tx.write(&x, Seen::new(1));
            Ok(tx.write(&y, Seen::new(1)))
        });
        other.join().unwrap();
        let (x, y) = domain.snapshot(|s| (s.read(&x).get(), s.read(&y).get()));
        assert_eq!(x, y, "half of a transaction");
        expect_orderly(&domain);
    });
}
