//! The Santa Claus problem: nine reindeer, or else three of ten elves, wake Santa and do something
//! together with him; the reindeer come first (Trono 1994; as transactions, Peyton Jones 2007).

use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;

use upgradable_stm::{Domain, Stm, TVar, Tx};

use super::watched;

/// So many may go through before the operator opens it again.
#[derive(Clone)]
struct Gate {
    capacity: u32,
    left: TVar<u32>,
}

impl Gate {
    fn new(domain: &Domain, capacity: u32) -> Self {
        Self { capacity, left: domain.tvar(0) }
    }

    fn pass(&self, domain: &Domain) {
        domain.atomically(|tx| {
            tx.check(*tx.read(&self.left) > 0)?;
            Ok(tx.modify(&self.left, |n| *n -= 1))
        });
    }

    /// Opens it, and waits until all have gone through.
    fn operate(&self, domain: &Domain) {
        domain.atomically(|tx| Ok(tx.write(&self.left, self.capacity)));
        domain.atomically(|tx| tx.check(*tx.read(&self.left) == 0));
    }
}

/// A group that gathers, with the gates by which it comes in and goes out.
struct Group {
    size: u32,
    state: TVar<(u32, Gate, Gate)>,
}

impl Group {
    fn new(domain: &Domain, size: u32) -> Self {
        let gates = (Gate::new(domain, size), Gate::new(domain, size));
        Self { size, state: domain.tvar((size, gates.0, gates.1)) }
    }

    fn join(&self, domain: &Domain) -> (Gate, Gate) {
        domain.atomically(|tx| {
            let (left, inward, outward) = tx.read(&self.state);
            tx.check(*left > 0)?;
            tx.write(&self.state, (left - 1, inward.clone(), outward.clone()));
            Ok((inward.clone(), outward.clone()))
        })
    }

    /// The gates of a group that is complete; the next one may gather.
    fn await_complete(&self, tx: &Tx<'_>, domain: &Domain) -> Stm<(Gate, Gate)> {
        let (left, inward, outward) = tx.read(&self.state);
        tx.check(*left == 0)?;
        let fresh = (Gate::new(domain, self.size), Gate::new(domain, self.size));
        tx.write(&self.state, (self.size, fresh.0, fresh.1));
        Ok((inward.clone(), outward.clone()))
    }
}

#[test]
fn santa_claus() {
    const DELIVERIES: u32 = 20;
    const MEETINGS: u32 = 40;
    watched(|| {
        let domain = Domain::new();
        let (reindeer, elves) = (Group::new(&domain, 9), Group::new(&domain, 3));
        // Times that an elf may still go to see Santa; the quickest three meet each time.
        let visits = domain.tvar(MEETINGS * 3);
        // Who is with Santa now: elves in ones, reindeer in hundreds.
        let together = AtomicI32::new(0);
        let help = |group: &Group, weight: i32| {
            let (inward, outward) = group.join(&domain);
            inward.pass(&domain);
            let now = together.fetch_add(weight, Ordering::SeqCst) + weight;
            assert!(if weight == 1 { now <= 3 } else { now % 100 == 0 }, "{now} are with Santa");
            together.fetch_sub(weight, Ordering::SeqCst);
            outward.pass(&domain);
        };
        let may_visit = || {
            domain.atomically(|tx| {
                Ok(tx.modify(&visits, |n| {
                    let may = *n > 0;
                    *n = n.saturating_sub(1);
                    may
                }))
            })
        };
        thread::scope(|scope| {
            for _ in 0..9 {
                scope.spawn(|| (0..DELIVERIES).for_each(|_| help(&reindeer, 100)));
            }
            for _ in 0..10 {
                scope.spawn(|| {
                    while may_visit() {
                        help(&elves, 1);
                    }
                });
            }
            for _ in 0..DELIVERIES + MEETINGS {
                let (inward, outward) = domain.atomically(|tx| {
                    tx.or_else(
                        |tx| reindeer.await_complete(tx, &domain),
                        |tx| elves.await_complete(tx, &domain),
                    )
                });
                inward.operate(&domain);
                outward.operate(&domain);
            }
        });
        assert_eq!(together.into_inner(), 0);
    });
}
