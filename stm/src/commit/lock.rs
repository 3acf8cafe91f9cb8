//! Locking the write set.

use super::Commit;
use crate::event::Event;
use crate::raw::context::Lent;
use crate::raw::prefetch::AHEAD;
use crate::raw::slot::{NodeRef, SlotRef};
use crate::sync::{Backoff, fence_after_rmw};

/// After so many waits at one lock, look whether somebody is privileged.
const WAITS: u32 = 8;

impl<'d> Commit<'_, 'd> {
    /// Locks every object that is written, and notes the newest versions.
    ///
    /// First in the order of writing, without waiting: mostly nobody else wants these locks. Where
    /// somebody does, all are given back and taken in the order of addresses.
    #[inline(always)]
    pub(super) fn lock_all(&mut self) {
        if !self.try_lock_all(false) {
            self.lock_all_in_order();
        }
    }

    #[cold]
    #[inline(never)]
    fn lock_all_in_order(&mut self) {
        self.unlock_all();
        self.writes.sort_unstable_by_key(|entry| entry.slot.slot.addr());
        while !self.try_lock_all(true) {
            self.make_way();
        }
    }

    /// Waits for the privileged transaction that has read what is written here.
    #[cold]
    fn make_way(&mut self) {
        self.unlock_all();
        self.context.seat.counters.made_way.add(1);
        self.inner.emit(|| Event::MadeWay);
        if Lent::is_only_one() {
            self.inner.privilege.wait();
        } else {
            crate::sync::nap(0);
        }
    }

    /// `false`: a privileged transaction has precedence, or a lock is held and `wait` is not; some
    /// of the locks are held.
    #[inline(always)]
    fn try_lock_all(&mut self, wait: bool) -> bool {
        #[cfg(chaos)]
        if !self.update.is_privileged() && crate::chaos::strikes(8) {
            return false;
        }
        for at in 0..self.writes.len() {
            // It was asked for when it was written, which is long ago in a large transaction.
            if let Some(coming) = self.writes.get(at + AHEAD) {
                self.inner.slot(coming.slot.slot).prefetch_to_write();
            }
            let slot = self.inner.slot(self.writes[at].slot.slot);
            let newest = match slot.try_lock() {
                Some(newest) => newest,
                None if !wait => return false,
                None => match self.wait_for_lock(slot) {
                    Some(newest) => newest,
                    None => return false,
                },
            };
            let entry = &mut self.writes[at];
            entry.over = newest.map(|node| node.ptr());
            entry.locked = true;
        }
        // The locks before the looks at who is privileged and who waits.
        fence_after_rmw();
        !self.must_make_way()
    }

    /// `None`: a privileged transaction has precedence.
    #[cold]
    fn wait_for_lock(&self, slot: SlotRef<'d>) -> Option<Option<NodeRef<'d>>> {
        self.context.seat.counters.lock_waits.add(1);
        let mut backoff = Backoff::new();
        loop {
            backoff.snooze();
            if let Some(newest) = slot.try_lock() {
                return Some(newest);
            }
            if backoff.steps() > WAITS && self.must_make_way() {
                return None;
            }
        }
    }

    #[inline(always)]
    fn must_make_way(&self) -> bool {
        let privilege = &self.inner.privilege;
        privilege.is_active()
            && !self.update.is_privileged()
            && !privilege.is_mine()
            && self.writes.iter().any(|entry| privilege.has_noted(entry.slot.slot))
    }

    /// Gives back every lock that is held, with nothing changed.
    #[cold]
    pub(super) fn unlock_all(&mut self) {
        for entry in self.writes.iter_mut().filter(|entry| entry.locked) {
            entry.locked = false;
            let newest = entry.over.map(|node| self.inner.node(node));
            self.inner.slot(entry.slot.slot).unlock(newest);
        }
    }
}
