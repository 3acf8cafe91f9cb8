//! A version at a past instant is put over what is newest, and over nothing else: no commit is
//! lost, and none is made on what lies below it.

use loom::thread;

use super::{Seen, expect_orderly, model_within};
use crate::clock::CommitTs;
use crate::domain::Domain;
use crate::handle::Handle;

/// As a layer that transforms lazily does: whoever needs the object puts the new version there.
fn touch(domain: &Domain, name: Handle, flip: CommitTs) {
    loop {
        let (stamp, number) = domain
            .snapshot(|s| (s.version(name).unwrap().stamp, s.get::<Seen>(name).unwrap().get()));
        if stamp >= flip || domain.install(name, stamp, flip, Seen::new(number + 100)).is_ok() {
            return;
        }
    }
}

#[test]
fn install_against_committer() {
    model_within(2, || {
        let domain = Domain::new();
        let name = domain.atomically(|tx| Ok(tx.create(Seen::new(0))));
        let advance = domain.advance_era(|_| {}).unwrap();
        let increment = {
            let (domain, flip) = (domain.clone(), advance.flip);
            move || {
                touch(&domain, name, flip);
                let increment = |seen: &mut Seen| *seen = Seen::new(seen.get() + 1);
                domain.atomically(|tx| Ok(tx.update(name, increment))).unwrap();
            }
        };
        let other = thread::spawn(increment.clone());
        increment();
        other.join().unwrap();
        let number = |s: &crate::Snapshot<'_>| s.get::<Seen>(name).unwrap().get();
        assert_eq!(domain.snapshot(number), 102, "transformed or written not exactly once");
        assert_eq!(advance.before.read(number), 0, "the end of the old era has changed");
        drop(advance);
        domain.reclaim();
        expect_orderly(&domain);
    });
}

/// A snapshot holds what it has read while a version is put over it, at an instant before it.
#[test]
fn install_against_reader() {
    model_within(2, || {
        let domain = Domain::new();
        let name = domain.atomically(|tx| Ok(tx.create(Seen::new(0))));
        let flip = domain.advance_era(|_| {}).unwrap().flip;
        let reader = thread::spawn({
            let domain = domain.clone();
            move || {
                domain.snapshot(|s| {
                    let seen = s.get::<Seen>(name).unwrap();
                    assert!([0, 100, 200, 201].contains(&seen.get()));
                    seen.get();
                });
            }
        });
        touch(&domain, name, flip);
        // Nobody sees the first of these: the chain is worth trimming.
        for number in 200..202 {
            domain.atomically(|tx| Ok(tx.put(name, Seen::new(number)))).unwrap();
        }
        domain.reclaim();
        reader.join().unwrap();
        domain.reclaim();
        expect_orderly(&domain);
    });
}
