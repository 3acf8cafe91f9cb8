//! A version comes home, into the place of one that a snapshot keeps, while somebody reads or writes
//! the object: nobody finds a value half moved, and nothing is lost.

use loom::thread;

use super::{Seen, expect_orderly, model};
use crate::domain::Domain;
use crate::handle::Handle;
use crate::snapshot::HeldSnapshot;

/// An object whose first version, 1, lies at home for a snapshot, and whose newest, 2, is away.
fn away() -> (Domain, Handle, HeldSnapshot) {
    let domain = Domain::new();
    let name = domain.atomically(|tx| Ok(tx.create(Seen::new(1))));
    let old = domain.hold();
    domain.atomically(|tx| Ok(tx.put(name, Seen::new(2)))).unwrap();
    (domain, name, old)
}

fn number(s: &crate::Snapshot<'_>, name: Handle) -> u32 {
    s.get::<Seen>(name).unwrap().get()
}

#[test]
fn homecoming_against_reader() {
    model(|| {
        let (domain, name, old) = away();
        let reader = thread::spawn({
            let domain = domain.clone();
            move || {
                domain.snapshot(|s| {
                    assert_eq!(number(s, name), 2);
                    assert_eq!(number(s, name), 2);
                });
                old.read(|s| assert_eq!(number(s, name), 1));
            }
        });
        let brought = domain.bring_home(0..domain.slots());
        reader.join().unwrap();
        assert!(brought.is_none_or(|brought| brought == 1));
        assert_eq!(domain.snapshot(|s| number(s, name)), 2);
        expect_orderly(&domain);
    });
}

#[test]
fn homecoming_against_writer() {
    model(|| {
        let (domain, name, old) = away();
        let writer = thread::spawn({
            let domain = domain.clone();
            move || {
                let change = |it: &mut Seen| *it = Seen::new(it.get() + 10);
                domain.atomically(|tx| Ok(tx.update(name, change))).unwrap();
            }
        });
        domain.bring_home(0..domain.slots());
        writer.join().unwrap();
        assert_eq!(domain.snapshot(|s| number(s, name)), 12, "a change was lost");
        old.read(|s| assert_eq!(number(s, name), 1));
        expect_orderly(&domain);
    });
}
