//! A reader that has loaded a head, and loses its node to another object before it looks at the
//! stamp, does not take that for the version it sees.

use loom::thread;

use super::{Seen, expect_orderly, model};

use crate::domain::Domain;
use crate::handle::Handle;
use crate::snapshot::HeldSnapshot;
use crate::tvar::TVar;

/// An object of which a held snapshot sees the first version, whose newest version lies in a
/// block; and another object.
fn setting() -> (Domain, TVar<Seen>, Handle, HeldSnapshot) {
    let domain = Domain::new();
    let other = domain.atomically(|tx| Ok(tx.create(Seen::new(100))));
    let x = domain.tvar(Seen::new(0));
    let then = domain.hold();
    domain.atomically(|tx| Ok(tx.write(&x, Seen::new(1))));
    (domain, x, other, then)
}

/// Somebody who reads `x` as it was then.
fn reader(x: &TVar<Seen>, then: HeldSnapshot) -> thread::JoinHandle<()> {
    let x = x.clone();
    thread::spawn(move || assert_eq!(then.read(|s| s.read(&x).get()), 0, "of something else"))
}

/// Supersedes the newest version of `x`, so that its block can be used again.
fn recycle(domain: &Domain, x: &TVar<Seen>) {
    domain.atomically(|tx| Ok(tx.write(x, Seen::new(2))));
    domain.reclaim();
}

#[test]
fn fast_read_against_recycling() {
    model(|| {
        let (domain, x, other, then) = setting();
        let reader = reader(&x, then);
        recycle(&domain, &x);
        domain.atomically(|tx| Ok(tx.put(other, Seen::new(101)))).unwrap();
        reader.join().unwrap();
        expect_orderly(&domain);
    });
}

/// The version of the other object that lies in the block now is stamped with a past instant.
#[test]
fn fast_read_against_installing() {
    model(|| {
        let (domain, x, other, then) = setting();
        let reader = reader(&x, then);
        recycle(&domain, &x);
        let over = domain.snapshot(|s| s.version(other)).unwrap().stamp;
        domain.install(other, over, over, Seen::new(101)).unwrap();
        reader.join().unwrap();
        expect_orderly(&domain);
    });
}

/// The block's memory goes back to the allocator.
#[test]
fn fast_read_against_shrinking() {
    model(|| {
        let (domain, x, _, then) = setting();
        let reader = reader(&x, then);
        recycle(&domain, &x);
        let bytes = domain.shrink();
        reader.join().unwrap();
        domain.reclaim();
        assert!(bytes + domain.shrink() > 0, "nobody can look at it any more");
        expect_orderly(&domain);
    });
}
