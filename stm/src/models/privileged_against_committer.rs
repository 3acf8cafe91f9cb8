//! Who is privileged loses at most once to commits that had looked before it noted what it reads.

use std::time::Duration;

use loom::thread;

use super::{Seen, expect_orderly, model};
use crate::domain::Domain;
use crate::error::Stop;
use crate::sync::fence_after_rmw;

/// Whole transactions: one loses and is privileged; another one commits twice beside it.
#[test]
fn privileged_against_committer() {
    model(|| {
        let domain = Domain::new();
        let (x, y) = (domain.tvar(Seen::new(0)), domain.tvar(Seen::new(0)));
        let write = |times: u32| {
            let (domain, x) = (domain.clone(), x.clone());
            thread::spawn(move || {
                for number in 1..=times {
                    domain.atomically(|tx| Ok(tx.write(&x, Seen::new(number))));
                }
            })
        };
        let (mut run, mut opponent) = (0, None);
        let committed = domain.transaction().run(|tx| {
            run += 1;
            if run == 2 {
                opponent = Some(write(2));
            }
            let seen = tx.read(&x).get();
            if run == 1 {
                write(1).join().unwrap();
            }
            tx.write(&y, Seen::new(seen));
            Ok::<_, Stop<()>>(())
        });
        // Once to become privileged, and once to a commit that had looked before the note.
        assert!(committed.unwrap().conflicts <= 2, "a privileged transaction lost twice");
        opponent.unwrap().join().unwrap();
        expect_orderly(&domain);
    });
}

/// The heart of it: the privileged one notes, and then looks at the object; the committer locks
/// the object, and then looks at the notes. One of them sees the other.
#[test]
fn note_against_lock() {
    model(|| {
        let domain = Domain::new();
        let var = domain.tvar(0);
        let slot = var.typed().slot();
        let turn = domain.inner.privilege.enter(Duration::ZERO).expect("nobody has it");
        let committer = thread::spawn({
            let domain = domain.clone();
            move || {
                let slot_ref = domain.inner.slot(slot);
                slot_ref.try_lock().unwrap();
                fence_after_rmw();
                domain.inner.privilege.is_active() && domain.inner.privilege.has_noted(slot)
            }
        });
        domain.inner.privilege.note(slot);
        let sees = domain.inner.slot(slot).head().is_locked();
        let is_seen = committer.join().unwrap();
        assert!(sees || is_seen, "neither saw the other");
        drop(turn);
        domain.inner.slot(slot).unlock(domain.inner.slot(slot).head().node());
    });
}
