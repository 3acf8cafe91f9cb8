//! What a live snapshot sees stays, and a reader on its way down a chain arrives, whatever is
//! trimmed and recycled meanwhile.

use loom::thread;

use super::{Seen, expect_orderly, model, model_within};
use crate::domain::Domain;

/// The reader must go past versions that are being taken away.
#[test]
fn trim_against_walking_reader() {
    model(|| {
        let domain = Domain::new();
        let x = domain.tvar(Seen::new(0));
        let then = domain.hold();
        domain.atomically(|tx| Ok(tx.write(&x, Seen::new(1))));
        // Or what nobody sees would be exchanged in its place, and nothing be taken away.
        let company = domain.hold();
        let reader = thread::spawn({
            let x = x.clone();
            move || {
                then.read(|s| {
                    let seen = s.read(&x);
                    assert_eq!(seen.get(), 0, "not the version of the snapshot");
                });
            }
        });
        domain.atomically(|tx| Ok(tx.write(&x, Seen::new(2))));
        drop(company);
        domain.reclaim();
        domain.atomically(|tx| Ok(tx.write(&x, Seen::new(3))));
        reader.join().unwrap();
        assert_eq!(domain.snapshot(|s| s.read(&x).get()), 3);
        expect_orderly(&domain);
    });
}

/// The reader acquires a snapshot while somebody looks at the announcements, to drop what no
/// snapshot sees.
#[test]
fn trim_against_announcement() {
    model(|| {
        let domain = Domain::new();
        let x = domain.tvar(Seen::new(0));
        let reader = thread::spawn({
            let (domain, x) = (domain.clone(), x.clone());
            move || {
                domain.snapshot(|s| {
                    let seen = s.read(&x);
                    assert_eq!(u64::from(seen.get()), s.at().to_bits(), "not what it sees");
                    seen.get();
                });
            }
        });
        // In company, so that what is superseded stays until somebody looks.
        let company = domain.hold();
        for number in 1..=2 {
            domain.atomically(|tx| Ok(tx.write(&x, Seen::new(number))));
        }
        drop(company);
        domain.reclaim();
        reader.join().unwrap();
        domain.reclaim();
        assert_eq!(domain.versions(&x), 1, "something is kept for nobody");
        expect_orderly(&domain);
    });
}

/// The reader ends while somebody looks: its last use of a value comes before the value's end.
#[test]
fn trim_against_departure() {
    model(|| {
        let domain = Domain::new();
        let x = domain.tvar(Seen::new(0));
        let then = domain.hold();
        domain.atomically(|tx| Ok(tx.write(&x, Seen::new(1))));
        let reader = thread::spawn({
            let x = x.clone();
            move || {
                assert_eq!(then.read(|s| s.read(&x).get()), 0);
                drop(then);
            }
        });
        domain.reclaim();
        reader.join().unwrap();
        expect_orderly(&domain);
    });
}

/// The reader is an update transaction, whose snapshot is withdrawn before its context is free.
#[test]
fn trim_against_withdrawal() {
    model_within(2, || {
        let domain = Domain::new();
        let (x, y, z) = (domain.tvar(Seen::new(0)), domain.tvar(0), domain.tvar(0));
        let reader = thread::spawn({
            let (domain, x) = (domain.clone(), x.clone());
            move || {
                domain.atomically(|tx| {
                    tx.read(&x).get();
                    // Two make a batch: it is time to trim at the end.
                    tx.write(&y, 1);
                    tx.write(&z, 1);
                    Ok(())
                });
            }
        });
        domain.atomically(|tx| Ok(tx.write(&x, Seen::new(1))));
        domain.reclaim();
        reader.join().unwrap();
        expect_orderly(&domain);
    });
}

/// The reader begins again: who sees its new snapshot does not miss what it did under the old one.
#[test]
fn trim_against_next_announcement() {
    model(|| {
        let domain = Domain::new();
        let x = domain.tvar(Seen::new(0));
        let reader = thread::spawn({
            let (domain, x) = (domain.clone(), x.clone());
            move || {
                domain.snapshot(|s| assert_eq!(u64::from(s.read(&x).get()), s.at().to_bits()));
                domain.snapshot(|s| assert_eq!(u64::from(s.read(&x).get()), s.at().to_bits()));
            }
        });
        domain.atomically(|tx| Ok(tx.write(&x, Seen::new(1))));
        domain.reclaim();
        reader.join().unwrap();
        expect_orderly(&domain);
    });
}
