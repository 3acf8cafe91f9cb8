//! Two transactions that each read what the other writes do not both commit on what they read.

use loom::thread;

use super::{Seen, expect_orderly, model};
use crate::domain::Domain;
use crate::tvar::TVar;

/// Of two doctors on call, one may go home as long as the other stays.
#[test]
fn write_skew() {
    fn go_home(domain: &Domain, me: &TVar<Seen>, other: &TVar<Seen>) {
        domain.atomically(|tx| {
            if tx.read(me).get() + tx.read(other).get() == 2 {
                tx.write(me, Seen::new(0));
            }
            Ok(())
        });
    }
    model(|| {
        let domain = Domain::new();
        let (a, b) = (domain.tvar(Seen::new(1)), domain.tvar(Seen::new(1)));
        let other = thread::spawn({
            let (domain, a, b) = (domain.clone(), a.clone(), b.clone());
            move || go_home(&domain, &b, &a)
        });
        go_home(&domain, &a, &b);
        other.join().unwrap();
        let on_call = domain.snapshot(|s| s.read(&a).get() + s.read(&b).get());
        assert_eq!(on_call, 1, "nobody is on call");
        expect_orderly(&domain);
    });
}
