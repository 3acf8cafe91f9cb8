//! Who asks for everything while somebody tidies a piece goes away; whoever has the piece in hand
//! does the rest.

use loom::thread;

use super::{Seen, expect_orderly, model};
use crate::domain::Domain;

#[test]
fn piece_against_reclaim() {
    model(|| {
        let domain = Domain::new();
        let x = domain.tvar(Seen::new(0));
        let held = domain.hold();
        domain.atomically(|tx| Ok(tx.write(&x, Seen::new(1))));
        let piece = thread::spawn({
            let domain = domain.clone();
            move || _ = domain.reclaim_some()
        });
        drop(held);
        domain.reclaim();
        piece.join().unwrap();
        assert_eq!(domain.versions(&x), 1, "a version that nobody sees was left");
        expect_orderly(&domain);
    });
}
