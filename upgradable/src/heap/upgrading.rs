//! Who begins, promotes or rolls back an upgrade: one thread at a time.

use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::RawThreadId;
use parking_lot::lock_api::GetThreadId;

use crate::sync::Mutex;

/// A lock that knows whether the thread that asks has it: observers are called with it held, and
/// whoever wants it there must be told that it can't be had.
#[derive(Debug, Default)]
pub(crate) struct Upgrading {
    lock: Mutex<()>,
    /// The thread that has the lock; zero if none.
    holder: AtomicUsize,
}

impl Upgrading {
    pub(crate) fn lock(&self) -> Held<'_, impl Sized + '_> {
        let guard = self.lock.lock();
        self.holder.store(this_thread(), Ordering::Relaxed);
        Held { of: self, _guard: guard }
    }

    /// Whether this thread has the lock.
    pub(crate) fn is_mine(&self) -> bool {
        // Relaxed: what this thread has stored it finds, and nobody else stores that. The threads
        // of a model are one; they have no observers.
        cfg!(not(loom)) && self.holder.load(Ordering::Relaxed) == this_thread()
    }
}

/// The lock is held as long as this lives.
#[must_use]
pub(crate) struct Held<'l, G> {
    of: &'l Upgrading,
    _guard: G,
}

impl<G> Drop for Held<'_, G> {
    fn drop(&mut self) {
        self.of.holder.store(0, Ordering::Relaxed);
    }
}

/// A number that no other living thread has, and not zero.
fn this_thread() -> usize {
    RawThreadId.nonzero_thread_id().get()
}
