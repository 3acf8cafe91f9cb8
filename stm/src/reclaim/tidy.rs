//! The work after updates: dropping what is ready, ending dropped variables, cleaning up.

use std::sync::Arc;

use crate::clock::CommitTs;
use crate::domain::Inner;
use crate::event::Event;
use crate::raw::context::Lent;
use crate::raw::retire::{BATCH, Ready};
use crate::raw::slot::SlotPtr;
use crate::reclaim::active::Live;
use crate::sync::{AtomicUsize, Mutex, Ordering};

/// So many versions may a thread drop after one of its transactions,
const ON_THE_WAY: usize = 4 * BATCH;
/// and so many for each one that it has superseded since the last time: more than it has trimmed
/// since then, so that what waits becomes less.
const FOR_EACH: usize = 4;

/// Slots of [`TVar`](crate::TVar)s without handles, until no transaction can refer to them.
#[derive(Default)]
pub(crate) struct DroppedVars {
    fresh: Mutex<Vec<SlotPtr>>,
    /// With the instant before which transactions could get at them.
    waiting: Mutex<Vec<(SlotPtr, CommitTs)>>,
    waiting_len: AtomicUsize,
}

impl Inner {
    /// The work after an update: trims when it is due, drops what is ready.
    ///
    /// The snapshot is over, the context still in use, and nothing is locked.
    #[inline(always)]
    pub(crate) fn after_update(&self, context: &Lent<'_>) {
        if !context.ended.is_empty() {
            self.drop_ended(context);
        }
        if context.superseded.borrow().is_due() || context.ready.len() >= BATCH {
            self.settle(context);
        }
    }

    /// Drops what the commit has superseded and nobody sees. Runs users' `Drop`.
    #[inline(never)]
    fn drop_ended(&self, context: &Lent<'_>) {
        context.seat.withdraw();
        context.reclaim_ended(self);
    }

    #[cold]
    #[inline(never)]
    fn settle(&self, context: &Lent<'_>) {
        context.seat.withdraw();
        let mut superseded = context.superseded.borrow_mut();
        let most = ON_THE_WAY.max(FOR_EACH * superseded.fresh());
        superseded.settle(self, context, false);
        drop(superseded);
        // Somebody else may have cleaned up after this thread, and left all the dropping to it.
        self.reclaim_ready(&context.ready, most, context);
    }

    /// Drops what has passed the collector. Runs users' `Drop`.
    fn reclaim_ready(&self, ready: &Ready, most: usize, context: &Lent<'_>) -> usize {
        if ready.len() == 0 {
            return 0;
        }
        let versions = ready.reclaim(most, &context.blocks, self);
        context.seat.counters.reclaimed.add(versions);
        self.emit(|| Event::Reclaimed { versions });
        versions
    }

    /// Takes over the slot of a variable without handles.
    pub(crate) fn drop_var(self: &Arc<Self>, slot: SlotPtr) {
        let mut fresh = self.dropped.fresh.lock();
        fresh.push(slot);
        let len = fresh.len();
        drop(fresh);
        // Those that wait are looked at again each time: so the more wait, the less often.
        let waiting = self.dropped.waiting_len.load(Ordering::Relaxed);
        if len >= BATCH + waiting / 2 || self.names.load(Ordering::Relaxed) == 0 {
            self.tidy();
        }
    }

    /// Ends dropped variables that no transaction can refer to. Runs users' `Drop`.
    fn reclaim_dropped(self: &Arc<Self>, context: &Lent<'_>) -> usize {
        let fresh = std::mem::take(&mut *self.dropped.fresh.lock());
        let mut waiting = std::mem::take(&mut *self.dropped.waiting.lock());
        if fresh.is_empty() && waiting.is_empty() {
            return 0;
        }
        // Whoever announces after this tick has a snapshot at or above it, and no handle. At the
        // end of all time there is no tick, and they wait until nobody is under way.
        let now = self.tick().unwrap_or(CommitTs::NEVER);
        waiting.extend(fresh.into_iter().map(|slot| (slot, now)));
        let mut live = Live::default();
        live.look(&self.registry, &self.clock);
        let (wait, gone): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|&(slot, at)| {
            let may_be_seen = live.any_before(at) && !(at == CommitTs::NEVER && live.is_idle());
            // While a version lingers there is an entry in a log that will end it: in this slot.
            may_be_seen || context.lingers(self.slot(slot))
        });
        self.dropped.waiting_len.store(wait.len(), Ordering::Relaxed);
        self.dropped.waiting.lock().extend(wait);
        for &(slot, _) in &gone {
            self.end_var(slot, context);
        }
        gone.len()
    }

    /// See [`Domain::reclaim`](crate::Domain::reclaim).
    pub(crate) fn tidy(self: &Arc<Self>) {
        loop {
            // Who comes while somebody tidies, or from a `Drop` that the tidying runs, leaves it
            // to them.
            let Some(tidying) = self.tidying.try_lock() else { return };
            self.tidy_up();
            drop(tidying);
            // Somebody may have come just before the end. When no transaction can begin any more
            // there will be nobody else to see to it.
            let orphaned = self.names.load(Ordering::Acquire) == 0;
            if !orphaned || self.dropped.fresh.lock().is_empty() {
                return;
            }
        }
    }

    fn tidy_up(self: &Arc<Self>) {
        let context = Lent::of(self);
        context.company.forget();
        loop {
            let mut is_more = true;
            while is_more {
                is_more = false;
                // The owners of the contexts, and who needs one, wait for one round at most.
                self.contexts.lock().for_each_idle(|log| {
                    is_more |= log.borrow_mut().settle(self, &context, true);
                });
            }
            // What was retired before passes the collector after two turns of the epoch.
            for _ in 0..4 {
                context.pin().flush();
            }
            let queues = self.contexts.lock().queues();
            let versions: usize =
                queues.iter().map(|ready| self.reclaim_ready(ready, usize::MAX, &context)).sum();
            if versions + self.reclaim_dropped(&context) == 0 {
                break;
            }
        }
    }

    /// The last `Domain` has gone: no transaction can begin.
    pub(crate) fn close(self: &Arc<Self>) {
        self.end_objects();
        self.tidy();
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use std::sync::Arc;

    use super::{Lent, ON_THE_WAY};
    use crate::Domain;

    /// Somebody else cleans up after a thread: much becomes ready for it, and it drops that by and
    /// by.
    #[test]
    fn who_has_other_things_to_do_drops_a_limited_number() {
        const VERSIONS: usize = 64 * ON_THE_WAY;
        let (domain, value) = (Domain::new(), Arc::new(()));
        let variables: Vec<_> = (0..VERSIONS).map(|_| domain.tvar(Some(value.clone()))).collect();
        let held = domain.hold();
        for x in &variables {
            domain.atomically(|tx| Ok(tx.write(x, None)));
        }
        drop(held);
        let context = Lent::of(&domain.inner);
        while context.superseded.borrow_mut().settle(&domain.inner, &context, true) {}
        for _ in 0..1000 {
            context.pin().flush();
        }
        assert_eq!((context.ready.len(), Arc::strong_count(&value)), (VERSIONS, VERSIONS + 1));
        drop(context);
        let mut most = 0;
        for x in variables.iter().cycle().take(100 * VERSIONS) {
            let before = Arc::strong_count(&value);
            domain.atomically(|tx| Ok(tx.write(x, None)));
            most = most.max(before - Arc::strong_count(&value));
            if Arc::strong_count(&value) == 1 {
                break;
            }
        }
        assert_eq!(Arc::strong_count(&value), 1);
        assert!((1..=ON_THE_WAY).contains(&most), "{most} were dropped after one transaction");
    }

    /// Transactions that supersede more than a thread drops on the way, each beside a reader who
    /// goes when it has committed: what waits does not become more and more.
    #[test]
    fn who_supersedes_much_drops_much() {
        const VERSIONS: usize = 4 * ON_THE_WAY;
        let (domain, value) = (Domain::new(), Arc::new(()));
        let variables: Vec<_> = (0..VERSIONS).map(|_| domain.tvar(value.clone())).collect();
        for round in 1..=60 {
            let held = domain.hold();
            domain.atomically(|tx| {
                variables.iter().for_each(|x| tx.write(x, value.clone()));
                Ok(())
            });
            drop(held);
            let alive = Arc::strong_count(&value) / VERSIONS;
            assert!(alive < 12, "{alive} times as many values as variables after {round} rounds");
        }
    }
}
