//! Who waits for a change is woken by it: a lost wake-up is a deadlock, which loom reports.

use loom::thread;

use super::{Seen, expect_orderly, model, model_within};
use crate::domain::Domain;
use crate::sync::fence_after_rmw;

#[test]
fn retry_wakeup() {
    model(|| {
        let domain = Domain::new();
        let x = domain.tvar(Seen::new(0));
        let waiter = thread::spawn({
            let (domain, x) = (domain.clone(), x.clone());
            move || {
                domain.atomically(|tx| {
                    tx.check(tx.read(&x).get() == 1)?;
                    Ok(())
                });
            }
        });
        domain.atomically(|tx| Ok(tx.write(&x, Seen::new(1))));
        waiter.join().unwrap();
        expect_orderly(&domain);
    });
}

/// Two wait for different objects under one bucket; each is woken by its own.
#[test]
fn retry_wakeup_of_two() {
    model_within(2, || {
        let domain = Domain::new();
        let vars = [domain.tvar(0), domain.tvar(0), domain.tvar(0)];
        let waiters: Vec<_> = [&vars[0], &vars[2]]
            .into_iter()
            .map(|var| {
                let (domain, var) = (domain.clone(), var.clone());
                thread::spawn(move || domain.atomically(|tx| Ok(tx.check(*tx.read(&var) == 1)?)))
            })
            .collect();
        domain.atomically(|tx| Ok(tx.write(&vars[0], 1)));
        domain.atomically(|tx| Ok(tx.write(&vars[2], 1)));
        for waiter in waiters {
            waiter.join().unwrap();
        }
    });
}

/// A queue of one place, to and fro: each side waits for the other in turn.
#[test]
fn retry_ping_pong() {
    model(|| {
        let domain = Domain::new();
        let place = domain.tvar(None);
        let taker = thread::spawn({
            let (domain, place) = (domain.clone(), place.clone());
            move || {
                domain.atomically(|tx| match *tx.read(&place) {
                    None => Err(tx.retry()),
                    Some(thing) => {
                        tx.write(&place, None);
                        Ok(thing)
                    }
                })
            }
        });
        domain.atomically(|tx| Ok(tx.write(&place, Some(5))));
        domain.atomically(|tx| Ok(tx.check(tx.read(&place).is_none())?));
        assert_eq!(taker.join().unwrap(), 5);
    });
}

/// The heart of it: the waiter enters itself and then looks at the object; the committer locks
/// the object and then looks whether somebody waits. One of them sees the other.
#[test]
fn watch_against_lock() {
    model(|| {
        let domain = Domain::new();
        let var = domain.tvar(0);
        let slot = var.typed().slot();
        let committer = thread::spawn({
            let domain = domain.clone();
            move || {
                let slot = domain.inner.slot(slot);
                slot.try_lock().unwrap();
                fence_after_rmw();
                !domain.inner.watches.is_empty()
            }
        });
        let watch = domain.inner.watches.watch(std::iter::once(slot));
        let sees = domain.inner.slot(slot).head().is_locked();
        let is_seen = committer.join().unwrap();
        assert!(sees || is_seen, "neither saw the other");
        drop(watch);
        domain.inner.slot(slot).unlock(domain.inner.slot(slot).head().node());
    });
}
