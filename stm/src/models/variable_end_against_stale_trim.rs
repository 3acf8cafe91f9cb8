//! A variable ends while somebody still means to trim it: the next variable in its slot is whole.

use loom::thread;

use super::{Seen, expect_orderly, model_within};
use crate::domain::Domain;

#[test]
fn variable_end_against_stale_trim() {
    // Three: into the trim after its glance at the old chain, into the end of the variable after
    // the slot is empty, and back into the trim when the next variable is there.
    model_within(3, || {
        let domain = Domain::new();
        let (x, y) = (domain.tvar(Seen::new(0)), domain.tvar(Seen::new(0)));
        let slot = x.typed().slot();
        let other = thread::spawn({
            let (domain, x) = (domain.clone(), x.clone());
            move || {
                drop(x);
                domain.reclaim();
                domain.tvar(Seen::new(7))
            }
        });
        domain.atomically(|tx| Ok(tx.write(&x, Seen::new(1))));
        drop(x);
        // The second commit makes a batch: it is time to trim both.
        domain.atomically(|tx| Ok(tx.write(&y, Seen::new(1))));
        let next = other.join().unwrap();
        if next.typed().slot() == slot {
            assert_eq!(domain.snapshot(|s| s.read(&next).get()), 7);
        }
        expect_orderly(&domain);
    });
}
