//! Locking the write set.

use crate::event::Event;
use crate::raw::context::Lent;
use crate::raw::pending::WriteEntry;
use crate::raw::update::Update;
use crate::sync::{Backoff, fence_after_rmw};

/// After so many waits at one lock, look whether somebody is privileged.
const WAITS: u32 = 8;

/// Locks every object that is written, in the order of addresses, and notes the newest versions.
#[inline]
pub(crate) fn lock_all(update: &Update<'_>) {
    let frame = update.frame();
    let (inner, context) = (frame.inner(), frame.context());
    let writes = &context.writes;
    if writes.len() > 1 {
        writes.sort_by_key(|entry| entry.slot.slot.addr());
    }
    while !try_lock_all(update) {
        // Somebody is privileged and has read what is written here.
        unlock_all(update);
        context.seat.counters.made_way.add(1);
        inner.emit(|| Event::MadeWay);
        if Lent::is_only_one() {
            inner.privilege.wait();
        } else {
            crate::sync::yield_now();
        }
    }
}

/// `false`: a privileged transaction has precedence, and some of the locks are held.
#[inline]
fn try_lock_all(update: &Update<'_>) -> bool {
    let frame = update.frame();
    let (inner, context) = (frame.inner(), frame.context());
    let writes = &context.writes;
    for (at, entry) in writes.iter(0).enumerate() {
        let slot = inner.slot(entry.slot.slot);
        let newest = match slot.try_lock() {
            Some(newest) => newest,
            None => {
                let mut backoff = Backoff::new();
                loop {
                    backoff.snooze();
                    if let Some(newest) = slot.try_lock() {
                        break newest;
                    }
                    if backoff.steps() > WAITS && must_make_way(update) {
                        return false;
                    }
                }
            }
        };
        let over = newest.map(|node| node.ptr());
        writes.set(at, WriteEntry { over, locked: true, ..entry });
    }
    // The locks before the looks at who is privileged and who waits.
    fence_after_rmw();
    !must_make_way(update)
}

#[inline(always)]
fn must_make_way(update: &Update<'_>) -> bool {
    let frame = update.frame();
    let privilege = &frame.inner().privilege;
    privilege.is_active()
        && !update.is_privileged()
        && frame.context().writes.iter(0).any(|entry| privilege.has_noted(entry.slot.slot))
}

/// Gives back every lock that is held, with nothing changed.
pub(crate) fn unlock_all(update: &Update<'_>) {
    let frame = update.frame();
    let inner = frame.inner();
    for (at, entry) in frame.context().writes.iter(0).enumerate() {
        if entry.locked {
            frame.context().writes.set(at, WriteEntry { locked: false, ..entry });
            inner.slot(entry.slot.slot).unlock(entry.over.map(|node| inner.node(node)));
        }
    }
}
