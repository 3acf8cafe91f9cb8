//! The work after updates: dropping what is ready, ending dropped variables, cleaning up.

use std::sync::Arc;

use crate::clock::CommitTs;
use crate::domain::Inner;
use crate::event::Event;
use crate::raw::context::Lent;
use crate::raw::retire::{BATCH, Ready};
use crate::raw::slot::SlotPtr;
use crate::reclaim::active::Live;
use crate::sync::{AtomicUsize, Mutex, MutexGuard, Ordering};

/// So many versions may a thread drop after one of its transactions,
const ON_THE_WAY: usize = 4 * BATCH;
/// and so many for each one that it has superseded since the last time: more than it has trimmed
/// since then, so that what waits becomes less.
const FOR_EACH: usize = 4;
/// So many versions of each context are dropped at once by whoever tidies piece by piece.
const AT_ONCE: usize = 1024;

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
        if self.names.load(Ordering::Relaxed) == 0 {
            // Nobody comes after us.
            self.tidy();
        } else if len >= BATCH + waiting / 2 {
            self.tidy_all(self.tidying.try_lock());
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
        self.tidy_all(self.tidying.try_lock().or_else(|| self.leave_tidying()));
    }

    fn tidy_all(self: &Arc<Self>, tidying: Option<MutexGuard<'_, ()>>) {
        if tidying.is_some() {
            while self.tidy_round(usize::MAX) {}
            drop(tidying);
            self.tidy_for_others();
        }
    }

    /// See [`Domain::reclaim_some`](crate::Domain::reclaim_some).
    pub(crate) fn tidy_some(self: &Arc<Self>) -> bool {
        // Who tidies does it all, or will be asked again.
        let Some(tidying) = self.tidying.try_lock() else { return false };
        let is_more = self.tidy_round(AT_ONCE);
        drop(tidying);
        self.tidy_for_others();
        is_more
    }

    /// Leaves it to whoever tidies, which may be a caller of ours: a `Drop` may have come here.
    /// They are gone already if this returns the lock.
    fn leave_tidying(&self) -> Option<MutexGuard<'_, ()>> {
        // Before the second try, as they look after they have given the lock back: with
        // `tidy_for_others` in one order or the other. If it is the other, the second try finds
        // the lock free.
        self.tidying_left.swap(true, Ordering::AcqRel);
        self.tidying.try_lock()
    }

    /// Does what others have left to us while we tidied.
    pub(crate) fn tidy_for_others(self: &Arc<Self>) {
        if self.tidying_left.swap(false, Ordering::AcqRel) {
            self.tidy();
        }
    }

    /// Trims, drops so many versions at most of those that a context has ready, ends variables.
    /// Whether another round may find more.
    fn tidy_round(self: &Arc<Self>, most: usize) -> bool {
        let context = Lent::of(self);
        context.company.forget();
        let mut is_more = true;
        while is_more {
            is_more = false;
            // The owners of the contexts, and who needs one, wait for one round at most.
            self.contexts.lock().for_each_idle(|log| {
                is_more |= log.borrow_mut().settle(self, &context, true);
            });
            if most < usize::MAX {
                break;
            }
        }
        // What was retired before passes the collector after two turns of the epoch.
        for _ in 0..4 {
            context.pin().flush();
        }
        let queues = self.contexts.lock().queues();
        let versions: usize =
            queues.iter().map(|ready| self.reclaim_ready(ready, most, &context)).sum();
        is_more | (versions + self.reclaim_dropped(&context) > 0)
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
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::thread;

    use super::{AT_ONCE, Lent, Mutex, ON_THE_WAY};
    use crate::{Domain, TVar};

    type Value = Arc<()>;

    /// Variables with this value, emptied beside a reader who has gone since.
    fn left_behind(domain: &Domain, value: &Value, versions: usize) -> Vec<TVar<Option<Value>>> {
        let variables: Vec<_> = (0..versions).map(|_| domain.tvar(Some(value.clone()))).collect();
        let held = domain.hold();
        variables.iter().for_each(|x| domain.atomically(|tx| Ok(tx.write(x, None))));
        drop(held);
        variables
    }

    /// Somebody else cleans up after a thread: much becomes ready for it, and it drops that by and
    /// by.
    #[test]
    fn who_has_other_things_to_do_drops_a_limited_number() {
        const VERSIONS: usize = 64 * ON_THE_WAY;
        let (domain, value) = (Domain::new(), Arc::new(()));
        let variables = left_behind(&domain, &value, VERSIONS);
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

    /// Says when it is dropped, and waits for leave.
    struct Slow(Sender<()>, Arc<Mutex<Receiver<()>>>);

    impl Drop for Slow {
        fn drop(&mut self) {
            self.0.send(()).expect("somebody waits for it");
            self.1.lock().recv().expect("it gets leave");
        }
    }

    /// Who tidied piece by piece had a piece in hand when somebody asked for everything: that one
    /// left it to them, and they went to rest.
    #[test]
    fn who_tidies_a_piece_does_for_others_what_they_leave() {
        let (domain, value) = (Domain::new(), Arc::new(()));
        let ((dropped, is_dropped), (leave, has_leave)) = (channel(), channel());
        let slow = domain.tvar(Some(Slow(dropped, Arc::new(Mutex::new(has_leave)))));
        let others: Vec<_> = (0..10).map(|_| domain.tvar(Some(value.clone()))).collect();
        let held = domain.hold();
        domain.atomically(|tx| Ok(tx.write(&slow, None)));
        drop(held);
        thread::scope(|scope| {
            let piece = scope.spawn(|| domain.reclaim_some());
            is_dropped.recv().expect("it is dropped");
            let held = domain.hold();
            others.iter().for_each(|x| domain.atomically(|tx| Ok(tx.write(x, None))));
            drop(held);
            domain.reclaim();
            assert_eq!(Arc::strong_count(&value), 11, "it is somebody else's turn");
            leave.send(()).expect("it waits");
            piece.join().expect("nothing is wrong");
        });
        assert_eq!(Arc::strong_count(&value), 1);
    }

    /// A version was superseded by one whose value was exchanged since, so its successor's stamp is
    /// newer than its end. Who begins meanwhile makes the look a past one, in which that successor
    /// is not there yet: the version stayed, and its entry in the log was gone.
    #[test]
    fn what_lies_below_an_exchanged_value_is_not_forgotten() {
        let (domain, value) = (Domain::new(), Arc::new(()));
        let name = domain.atomically(|tx| Ok(tx.create(Some(value.clone()))));
        let other = domain.atomically(|tx| Ok(tx.create(0)));
        let old = domain.hold();
        let put = || domain.atomically(|tx| Ok(tx.put(name, None::<Value>))).unwrap();
        put();
        let between = domain.now();
        // Long enough for whoever holds the snapshot not to count as being at work.
        for _ in 0..10_000 {
            domain.atomically(|tx| Ok(tx.put(other, 1))).unwrap();
        }
        put();
        let seat = domain.inner.registry.join();
        seat.begin_after(between);
        drop(old);
        domain.reclaim();
        domain.inner.registry.part(&seat);
        domain.reclaim();
        assert_eq!(Arc::strong_count(&value), 1);
    }

    #[test]
    fn a_piece_is_a_part() {
        const VERSIONS: usize = 10 * AT_ONCE;
        let (domain, value) = (Domain::new(), Arc::new(()));
        let _variables = left_behind(&domain, &value, VERSIONS);
        let mut pieces = 0;
        while domain.reclaim_some() {
            pieces += 1;
            let left = Arc::strong_count(&value) - 1;
            assert!(left + pieces * AT_ONCE >= VERSIONS, "{left} left after {pieces} pieces");
        }
        assert_eq!(Arc::strong_count(&value), 1);
    }
}
