//! A handle never names another object than its own, also when its slot is used again.

use loom::thread;

use super::{Seen, expect_orderly, model, model_within};
use crate::domain::Domain;
use crate::error::AccessError;

#[test]
fn deletion_against_reader() {
    model(|| {
        let domain = Domain::new();
        let name = domain.atomically(|tx| Ok(tx.create(Seen::new(1))));
        let created = domain.now();
        let reader = thread::spawn({
            let domain = domain.clone();
            move || {
                domain.snapshot(|s| match s.get::<Seen>(name) {
                    Ok(seen) => {
                        assert_eq!(seen.get(), 1, "of another object");
                        assert_eq!(s.at(), created, "an object that is deleted");
                    }
                    Err(error) => {
                        // Between the end of the object and that of its generation nothing is
                        // there.
                        assert!(matches!(error, AccessError::Deleted | AccessError::Unborn));
                        assert!(s.at() > created, "an object that it sees is deleted");
                    }
                });
            }
        });
        domain.atomically(|tx| Ok(tx.delete(name))).unwrap();
        domain.reclaim();
        let next = domain.atomically(|tx| Ok(tx.create(Seen::new(2))));
        assert_ne!(next, name);
        reader.join().unwrap();
        assert_eq!(domain.snapshot(|s| s.get::<Seen>(next).map(Seen::get)), Ok(2));
        expect_orderly(&domain);
    });
}

/// The mark of a deletion, which a reader has found, is used for another version meanwhile.
#[test]
fn tombstone_against_reader() {
    model_within(4, || {
        let domain = Domain::new();
        let other = domain.atomically(|tx| Ok(tx.create(())));
        let name = domain.atomically(|tx| Ok(tx.create(Seen::new(1))));
        let before = domain.hold();
        domain.atomically(|tx| Ok(tx.delete(name))).unwrap();
        let reader = thread::spawn({
            let domain = domain.clone();
            move || {
                let found = domain.snapshot(|s| s.get::<()>(name).copied());
                assert!(found.is_err(), "the deleted object, with a value it never had");
            }
        });
        drop(before);
        domain.reclaim();
        domain.atomically(|tx| Ok(tx.put(other, ()))).unwrap();
        reader.join().unwrap();
        expect_orderly(&domain);
    });
}

/// Two create, write and delete objects in the same slots.
#[test]
fn deletion_against_creation() {
    model_within(2, || {
        let domain = Domain::new();
        let work = {
            let domain = domain.clone();
            move |number| {
                let name = domain.atomically(|tx| Ok(tx.create(Seen::new(number))));
                let found = domain.atomically(|tx| {
                    let found = tx.get::<Seen>(name).unwrap().get();
                    tx.delete(name).unwrap();
                    Ok(found)
                });
                assert_eq!(found, number, "of another object");
                domain.reclaim();
                let found = domain.snapshot(|s| s.get::<Seen>(name).map(Seen::get));
                assert!(found.is_err(), "deleted, and there again");
            }
        };
        let other = thread::spawn({
            let work = work.clone();
            move || work(1)
        });
        work(2);
        other.join().unwrap();
        expect_orderly(&domain);
    });
}
