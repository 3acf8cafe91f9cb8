//! A transaction sees what it has written, and goes on seeing what it has read, while others
//! commit to the same object and its own version settles in the slot.

use loom::thread;

use super::{Seen, expect_orderly, model};
use crate::domain::Domain;

#[test]
fn read_own_write() {
    model(|| {
        let domain = Domain::new();
        let x = domain.tvar(Seen::new(0));
        let other = thread::spawn({
            let (domain, x) = (domain.clone(), x.clone());
            move || domain.atomically(|tx| Ok(tx.modify(&x, |seen| *seen = Seen::new(10))))
        });
        domain.atomically(|tx| {
            let before = tx.read(&x);
            tx.write(&x, Seen::new(1));
            let between = tx.read(&x);
            tx.modify(&x, |seen| *seen = Seen::new(seen.get() + 1));
            assert_eq!([between.get(), tx.read(&x).get()], [1, 2], "not its own write");
            assert!([0, 10].contains(&before.get()), "not what was committed");
            Ok(())
        });
        other.join().unwrap();
        let last = domain.snapshot(|s| s.read(&x).get());
        assert!([2, 10].contains(&last));
        domain.reclaim();
        expect_orderly(&domain);
    });
}
