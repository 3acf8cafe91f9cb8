//! The gate: where transactions wait while an eager upgrade converts the heap.

use crate::sync::{AtomicUsize, Condvar, Mutex, Ordering};

/// Open, but for the time of an eager upgrade.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    /// How many keep it closed.
    closed: AtomicUsize,
    waiting: Mutex<()>,
    opened: Condvar,
}

impl Gate {
    /// Whether transactions must wait.
    ///
    /// A glance: who misses that it has just been closed begins beside the conversion, and sees
    /// each object as the upgrade makes it all the same.
    #[inline(always)]
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed) > 0
    }

    /// Waits until the gate is open.
    #[cold]
    pub(crate) fn wait(&self) {
        let mut waiting = self.waiting.lock();
        while self.is_closed() {
            self.opened.wait(&mut waiting);
        }
    }

    /// Closes the gate until the guard goes.
    pub(crate) fn close(&self) -> Closed<'_> {
        self.closed.fetch_add(1, Ordering::Relaxed);
        Closed(self)
    }
}

/// The gate is closed as long as this lives.
#[must_use]
pub(crate) struct Closed<'g>(&'g Gate);

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        let _waiting = self.0.waiting.lock();
        self.0.closed.fetch_sub(1, Ordering::Relaxed);
        self.0.opened.notify_all();
    }
}
