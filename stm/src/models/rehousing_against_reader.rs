//! Objects move to larger slots while somebody reads and writes them: nothing is seen at the old
//! place afterwards, and nothing is lost.

use loom::thread;

use super::{Seen, expect_orderly, model};
use crate::domain::Domain;
use crate::handle::Handle;

/// Larger than what it was.
type Large = (Seen, [u64; 4]);

/// A page of objects that have grown.
fn page() -> (Domain, Vec<Handle>) {
    let domain = Domain::new();
    let names: Vec<Handle> = (0..4).map(|_| domain.atomically(|tx| Ok(tx.create(0_u8)))).collect();
    for (n, &name) in (0..).zip(&names) {
        let stamp = domain.snapshot(|s| s.version(name)).unwrap().stamp;
        domain.install(name, stamp, stamp, (Seen::new(n), [0_u64; 4])).unwrap();
    }
    domain.reclaim();
    (domain, names)
}

fn number(s: &crate::Snapshot<'_>, name: Handle) -> u32 {
    s.get::<Large>(name).unwrap().0.get()
}

#[test]
fn rehousing_against_reader() {
    model(|| {
        let (domain, names) = page();
        let reader = thread::spawn({
            let (domain, name) = (domain.clone(), names[2]);
            move || {
                domain.snapshot(|s| {
                    assert_eq!(number(s, name), 2);
                    assert_eq!(number(s, name), 2);
                });
            }
        });
        domain.rehouse(0..domain.slots());
        reader.join().unwrap();
        assert_eq!(domain.snapshot(|s| number(s, names[2])), 2);
        expect_orderly(&domain);
    });
}

#[test]
fn rehousing_against_writer() {
    model(|| {
        let (domain, names) = page();
        let writer = thread::spawn({
            let (domain, name) = (domain.clone(), names[1]);
            move || {
                let change = |it: &mut Large| it.0 = Seen::new(it.0.get() + 10);
                domain.atomically(|tx| Ok(tx.update(name, change))).unwrap();
            }
        });
        domain.rehouse(0..domain.slots());
        writer.join().unwrap();
        assert_eq!(domain.snapshot(|s| number(s, names[1])), 11, "a change was lost");
        domain.rehouse(0..domain.slots());
        assert_eq!(domain.snapshot(|s| number(s, names[1])), 11);
        expect_orderly(&domain);
    });
}

#[test]
fn rehousing_below_a_held_snapshot() {
    model(|| {
        let domain = Domain::new();
        let names: Vec<Handle> =
            (0..4).map(|n| domain.atomically(|tx| Ok(tx.create(Seen::new(n))))).collect();
        let held = domain.hold();
        domain.atomically(|tx| Ok(tx.create([0_u64; 9])));
        let at = domain.now();
        for (n, &name) in (0..).zip(&names) {
            let over = domain.snapshot(|s| s.version(name)).unwrap().stamp;
            domain.install(name, over, at, (Seen::new(n + 10), [0_u64; 4])).unwrap();
        }
        let reader = thread::spawn({
            let (domain, name) = (domain.clone(), names[2]);
            move || {
                held.read(|s| assert_eq!(s.get::<Seen>(name).unwrap().get(), 2));
                drop(held);
                // Whose end lets the first versions go: in slots that may have moved.
                domain.reclaim();
            }
        });
        domain.rehouse(0..domain.slots());
        reader.join().unwrap();
        assert_eq!(domain.snapshot(|s| number(s, names[2])), 12);
        domain.reclaim();
        expect_orderly(&domain);
    });
}
