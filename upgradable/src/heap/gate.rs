//! The gate: where transactions wait while an eager upgrade converts the heap.

use std::cell::Cell;
use std::marker::PhantomData;

use crate::sync::{AtomicUsize, Condvar, Mutex, Ordering};

thread_local! {
    /// How often this thread is behind a gate.
    static BEHIND: Cell<usize> = const { Cell::new(0) };
}

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

    /// Waits until the gate is open, unless this thread is one of those that keep it closed.
    #[cold]
    pub(crate) fn wait(&self) {
        if BEHIND.get() > 0 {
            return;
        }
        let mut waiting = self.waiting.lock();
        while self.is_closed() {
            self.opened.wait(&mut waiting);
        }
    }

    /// Closes the gate until the guard goes.
    pub(crate) fn close(&self) -> Closed<'_> {
        self.closed.fetch_add(1, Ordering::Relaxed);
        Closed { gate: self, _behind: Behind::enter() }
    }
}

/// The gate is closed as long as this lives.
#[must_use]
pub(crate) struct Closed<'g> {
    gate: &'g Gate,
    _behind: Behind,
}

/// This thread is behind a gate as long as this lives: user code that it calls, the `Drop` of a
/// value or an observer, does not wait for it.
#[must_use]
pub(crate) struct Behind(PhantomData<*const ()>);

impl Behind {
    pub(crate) fn enter() -> Self {
        BEHIND.set(BEHIND.get() + 1);
        Self(PhantomData)
    }
}

impl Drop for Behind {
    fn drop(&mut self) {
        BEHIND.set(BEHIND.get() - 1);
    }
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        let _waiting = self.gate.waiting.lock();
        self.gate.closed.fetch_sub(1, Ordering::Relaxed);
        self.gate.opened.notify_all();
    }
}
