//! Waiting at locks. They are held for an instant only; but a layer that is asked about a late
//! commit is asked under them, and may take its time.

use std::sync::{Barrier, mpsc};
use std::thread;

use upgradable_stm::layer::{Layer, Written};
use upgradable_stm::{AbortCause, Era, Event, Stop, TVar};

use super::*;

/// Keeps a late commit, with its locks, until it is let go.
#[derive(Debug)]
struct Gate {
    entered: Barrier,
    leaves: Barrier,
}

#[derive(Debug)]
struct Gated(Arc<Gate>);

impl Layer for Gated {
    fn admits_late(&self, _: Era, _: &[Written]) -> bool {
        self.0.entered.wait();
        self.0.leaves.wait();
        true
    }
}

/// Runs `work` with a variable; its second argument has somebody lock the variable, the third has
/// it unlocked again, with a 7 in it.
fn with_a_lock(work: impl FnOnce(&TVar<u32>, &dyn Fn(), &dyn Fn()), domain: &Domain, gate: &Gate) {
    let x = domain.tvar(0_u32);
    let (begun, is_begun) = mpsc::channel();
    let (go, goes) = mpsc::channel();
    let late_x = &x;
    thread::scope(|scope| {
        let late = scope.spawn(move || {
            let committed = domain.transaction().run(|tx| {
                begun.send(()).unwrap();
                goes.recv().unwrap();
                Ok::<_, Stop<()>>(tx.write(late_x, 7))
            });
            committed.unwrap().ts.era()
        });
        is_begun.recv().unwrap();
        drop(domain.advance_era(|_| {}).unwrap());
        let lock = || {
            go.send(()).unwrap();
            gate.entered.wait();
        };
        let unlock = || {
            gate.leaves.wait();
        };
        work(&x, &lock, &unlock);
        assert_eq!(late.join().unwrap(), Era::FIRST, "it committed late");
    });
}

fn gated() -> (Domain, Seen, Arc<Gate>) {
    let gate = Arc::new(Gate { entered: Barrier::new(2), leaves: Barrier::new(2) });
    let (builder, seen) = observing();
    (builder.layer(Gated(Arc::clone(&gate))).build().unwrap(), seen, gate)
}

#[test]
fn who_has_read_what_is_locked_at_its_commit_says_so() {
    watched(|| {
        let (domain, seen, gate) = gated();
        let y = domain.tvar(0);
        let work = |x: &TVar<u32>, lock: &dyn Fn(), unlock: &dyn Fn()| {
            let mut run = 0;
            domain.atomically(|tx| {
                run += 1;
                if run == 2 {
                    unlock();
                }
                tx.write(&y, *tx.read(x));
                if run == 1 {
                    lock();
                }
                Ok(())
            });
            assert_eq!(run, 2);
        };
        with_a_lock(work, &domain, &gate);
        let causes: Vec<Event> =
            events(&seen).into_iter().filter(|e| matches!(e, Event::Aborted { .. })).collect();
        assert_eq!(causes, [Event::Aborted { cause: AbortCause::Locked }]);
        let stats = domain.stats();
        assert_eq!((stats.aborts(AbortCause::Locked), stats.conflicts()), (1, 1));
        assert_eq!(domain.snapshot(|s| *s.read(&y)), 7);
    });
}

#[test]
fn reads_and_commits_that_wait_at_a_lock_are_counted() {
    watched(|| {
        let (domain, _, gate) = gated();
        let work = |x: &TVar<u32>, lock: &dyn Fn(), unlock: &dyn Fn()| {
            lock();
            thread::scope(|scope| {
                let reader = scope.spawn(|| domain.snapshot(|s| *s.read(x)));
                let waits = || (domain.stats().read_waits, domain.stats().lock_waits);
                while waits() != (1, 0) {
                    thread::yield_now();
                }
                let writer = scope.spawn(|| domain.atomically(|tx| Ok(tx.write(x, 8))));
                while waits() != (1, 1) {
                    thread::yield_now();
                }
                unlock();
                assert_eq!(reader.join().unwrap(), 7, "what was locked before its snapshot");
                writer.join().unwrap();
                assert_eq!(waits(), (1, 1), "each waited once");
            });
            assert_eq!(domain.snapshot(|s| *s.read(x)), 8);
        };
        with_a_lock(work, &domain, &gate);
    });
}
