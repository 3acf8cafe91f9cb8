//! A variable whose last handle goes lives on as long as a transaction may refer to it.

use loom::thread;

use super::{Seen, expect_orderly, model};
use crate::domain::Domain;
use crate::tvar::TVar;

/// The reader drops its handle, and uses the value after that.
#[test]
fn variable_drop_against_reader() {
    model(|| {
        let domain = Domain::new();
        let x = domain.tvar(Seen::new(5));
        let reader = thread::spawn({
            let (domain, x) = (domain.clone(), x.clone());
            move || {
                domain.snapshot(|s| {
                    let seen = s.read(&x);
                    drop(x);
                    assert_eq!(seen.get(), 5, "of another variable");
                });
            }
        });
        drop(x);
        domain.reclaim();
        // It may get the same place.
        let next = domain.tvar(Seen::new(6));
        reader.join().unwrap();
        assert_eq!(domain.snapshot(|s| s.read(&next).get()), 6);
        domain.reclaim();
        expect_orderly(&domain);
    });
}

/// The reader has the inner variable from the value of an outer one that is replaced meanwhile.
#[test]
fn variable_in_a_variable() {
    model(|| {
        let domain = Domain::new();
        let inner = domain.tvar(Seen::new(5));
        let outer: TVar<Option<TVar<Seen>>> = domain.tvar(Some(inner));
        let reader = thread::spawn({
            let (domain, outer) = (domain.clone(), outer.clone());
            move || {
                domain.snapshot(|s| {
                    if let Some(inner) = s.read(&outer) {
                        assert_eq!(s.read(inner).get(), 5, "of another variable");
                    }
                });
            }
        });
        domain.atomically(|tx| Ok(tx.write(&outer, None)));
        domain.reclaim();
        let next = domain.tvar(Seen::new(6));
        reader.join().unwrap();
        assert_eq!(domain.snapshot(|s| s.read(&next).get()), 6);
        domain.reclaim();
        expect_orderly(&domain);
    });
}
