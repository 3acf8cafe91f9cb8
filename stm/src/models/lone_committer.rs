//! A commit that finds nobody else under way ends what it supersedes at once, in place: nobody who
//! comes meanwhile, known to it or not, sees half of it or what has gone.

use loom::thread;

use super::{Seen, expect_orderly, model};
use crate::domain::Domain;
use crate::tvar::TVar;

fn write(domain: &Domain, x: &TVar<Seen>, y: &TVar<Seen>, n: u32) {
    domain.atomically(|tx| {
        tx.write(x, Seen::new(n));
        tx.write(y, Seen::new(n));
        Ok(())
    });
}

fn read(domain: &Domain, x: &TVar<Seen>, y: &TVar<Seen>) -> u32 {
    domain.snapshot(|s| {
        let (x, y) = (s.read(x), s.read(y));
        // Both are looked at twice, at the end: they last as long as the snapshot.
        let before = (x.get(), y.get());
        assert_eq!((x.get(), y.get()), before);
        assert_eq!(before.0, before.1, "half of a commit");
        before.0
    })
}

fn read_twice(domain: &Domain, x: &TVar<Seen>, y: &TVar<Seen>) {
    let first = read(domain, x, y);
    assert!(first <= read(domain, x, y), "back in time");
}

#[test]
fn lone_committer_against_newcomer() {
    model(|| {
        let domain = Domain::new();
        let (x, y) = (domain.tvar(Seen::new(0)), domain.tvar(Seen::new(0)));
        // So that the committer knows who is there; the reader comes later.
        write(&domain, &x, &y, 1);
        let reader = thread::spawn({
            let (domain, x, y) = (domain.clone(), x.clone(), y.clone());
            move || assert!(read(&domain, &x, &y) >= 1, "back in time")
        });
        write(&domain, &x, &y, 2);
        reader.join().unwrap();
        expect_orderly(&domain);
    });
}

#[test]
fn lone_committer_against_reader() {
    model(|| {
        let domain = Domain::new();
        let (x, y) = (domain.tvar(Seen::new(0)), domain.tvar(Seen::new(0)));
        // Known to the committer, and between two transactions.
        assert_eq!(read(&domain, &x, &y), 0);
        let reader = thread::spawn({
            let (domain, x, y) = (domain.clone(), x.clone(), y.clone());
            move || {
                read_twice(&domain, &x, &y);
            }
        });
        write(&domain, &x, &y, 1);
        reader.join().unwrap();
        expect_orderly(&domain);
    });
}

/// Somebody who sees an instant from before what is superseded walks past it, to the version below.
#[test]
fn committer_against_old_reader() {
    model(|| {
        let domain = Domain::new();
        let (x, y) = (domain.tvar(Seen::new(0)), domain.tvar(Seen::new(0)));
        let old = domain.hold();
        write(&domain, &x, &y, 1);
        let reader = thread::spawn({
            let (x, y) = (x.clone(), y.clone());
            move || {
                let seen = old.read(|s| (s.read(&x).get(), s.read(&y).get()));
                assert_eq!(seen, (0, 0));
            }
        });
        write(&domain, &x, &y, 2);
        reader.join().unwrap();
        assert_eq!(read(&domain, &x, &y), 2);
        expect_orderly(&domain);
    });
}

/// The same, of an object whose newest version lies in a block, while its slot is free.
#[test]
fn homecoming_committer_against_old_reader() {
    model(|| {
        let domain = Domain::new();
        let name = domain.atomically(|tx| Ok(tx.create(Seen::new(0))));
        let put = {
            let domain = domain.clone();
            move |n| domain.atomically(|tx| Ok(tx.put(name, Seen::new(n)))).unwrap()
        };
        let old = domain.hold();
        put(1);
        assert_eq!(domain.bring_home(0..domain.slots()), Some(1));
        let between = domain.hold();
        put(2);
        drop(between);
        domain.reclaim();
        let reader = thread::spawn({
            let domain = domain.clone();
            move || {
                old.read(|s| assert_eq!(s.get::<Seen>(name).unwrap().get(), 0));
                drop(old);
                domain.reclaim();
            }
        });
        put(3);
        reader.join().unwrap();
        let newest = |s: &crate::Snapshot<'_>| s.get::<Seen>(name).unwrap().get();
        assert_eq!(domain.snapshot(newest), 3);
        expect_orderly(&domain);
    });
}

/// Beside the old instant somebody sees what is superseded.
#[test]
fn committer_against_reader_of_both() {
    model(|| {
        let domain = Domain::new();
        let (x, y) = (domain.tvar(Seen::new(0)), domain.tvar(Seen::new(0)));
        let old = domain.hold();
        write(&domain, &x, &y, 1);
        let reader = thread::spawn({
            let (domain, x, y) = (domain.clone(), x.clone(), y.clone());
            move || {
                read_twice(&domain, &x, &y);
                old.read(|s| assert_eq!(s.read(&x).get(), 0));
            }
        });
        write(&domain, &x, &y, 2);
        reader.join().unwrap();
        expect_orderly(&domain);
    });
}
