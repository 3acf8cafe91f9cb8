//! Blocking: `retry` waits until something that was read has changed.
//!
//! # Protocol
//!
//! The waiter announces itself (a count), enters itself under every object it has read, and then,
//! after a full fence, checks that each of them is unlocked and still shows the version it has
//! read. If so it sleeps. A committer locks what it writes (a full fence), then reads the count; if
//! it is not zero, it publishes and wakes whoever is entered under what it has written. So either
//! the committer sees the count and, by the lock around the entries, the entry; or the waiter sees
//! the lock or the new version and does not sleep. No wake-up is lost, and a committer that nobody
//! waits for pays one load. (loom model `retry_wakeup`.)
//!
//! The waiter's snapshot is live until the check is over: so no version that it has read has been
//! recycled, and the same address means the same version.

use std::sync::Arc;
use std::time::Instant;

use crate::raw::slot::SlotPtr;
use crate::sync::{AtomicUsize, Condvar, Mutex, Ordering, fence_after_rmw, full_fence};

const BUCKETS: usize = if cfg!(any(loom, shuttle)) { 2 } else { 64 };

type Bucket = Mutex<Vec<(SlotPtr, Arc<Parker>)>>;

/// Who waits on what.
#[derive(Debug)]
pub(crate) struct Watches {
    count: AtomicUsize,
    buckets: [Bucket; BUCKETS],
}

/// One sleeping thread.
#[derive(Debug, Default)]
struct Parker {
    woken: Mutex<bool>,
    changed: Condvar,
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// Something has changed.
    Changed,
    /// The deadline has passed.
    TimedOut,
}

impl Parker {
    fn unpark(&self) {
        *self.woken.lock() = true;
        self.changed.notify_all();
    }

    fn park(&self, deadline: Option<Instant>) -> Wake {
        let mut woken = self.woken.lock();
        while !*woken {
            match deadline {
                None => woken = self.changed.wait(woken),
                Some(deadline) if Instant::now() < deadline => {
                    woken = self.changed.wait_until(woken, deadline);
                }
                Some(_) => return Wake::TimedOut,
            }
        }
        Wake::Changed
    }
}

/// A thread entered under what it waits for; leaves when dropped.
#[derive(Debug)]
pub(crate) struct Watch<'w> {
    watches: &'w Watches,
    /// Each once.
    slots: Vec<SlotPtr>,
    parker: Arc<Parker>,
}

impl Watches {
    pub(crate) fn new() -> Self {
        Self {
            count: AtomicUsize::new(0),
            buckets: std::array::from_fn(|_| Mutex::new(Vec::new())),
        }
    }

    fn bucket(&self, slot: SlotPtr) -> &Bucket {
        &self.buckets[(slot.addr() >> 5) % BUCKETS]
    }

    /// Enters the calling thread under these slots. It must check them afterwards.
    pub(crate) fn watch(&self, slots: impl Iterator<Item = SlotPtr>) -> Watch<'_> {
        let mut slots: Vec<_> = slots.collect();
        slots.sort_unstable();
        slots.dedup();
        let parker = Arc::new(Parker::default());
        for &slot in &slots {
            self.bucket(slot).lock().push((slot, Arc::clone(&parker)));
        }
        self.count.fetch_add(1, Ordering::SeqCst);
        // Pairs with the fence that a committer has between its locks and `is_empty`.
        fence_after_rmw();
        Watch { watches: self, slots, parker }
    }

    /// Whether nobody waits. A full fence must stand between the locks and this.
    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// Wakes who waits on this slot.
    pub(crate) fn wake(&self, slot: SlotPtr) {
        unpark(self.bucket(slot), |watched| watched == slot);
    }

    /// Wakes who waits on these slots, in which something was put without a lock that is a fence.
    pub(crate) fn wake_all(&self, slots: impl Iterator<Item = SlotPtr>) {
        // As the fence of a committer.
        full_fence();
        if !self.is_empty() {
            slots.for_each(|slot| self.wake(slot));
        }
    }

    /// Wakes who waits on such a slot.
    pub(crate) fn wake_where(&self, such: impl Fn(SlotPtr) -> bool) {
        for bucket in &self.buckets {
            unpark(bucket, &such);
        }
    }
}

/// Wakes who is entered in this bucket under such a slot.
fn unpark(bucket: &Bucket, such: impl Fn(SlotPtr) -> bool) {
    for (_, parker) in bucket.lock().iter().filter(|(watched, _)| such(*watched)) {
        parker.unpark();
    }
}

impl Watch<'_> {
    /// How many objects are watched.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Sleeps until woken.
    pub(crate) fn park(&self, deadline: Option<Instant>) -> Wake {
        self.parker.park(deadline)
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.watches.count.fetch_sub(1, Ordering::SeqCst);
        for &slot in &self.slots {
            let mut bucket = self.watches.bucket(slot).lock();
            bucket.retain(|(_, parker)| !Arc::ptr_eq(parker, &self.parker));
        }
    }
}
