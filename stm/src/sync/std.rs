//! The real thing: `std` atomics, `parking_lot` locks (which ThreadSanitizer understands).

use std::time::Instant;

pub(crate) use std::hint::spin_loop;
pub(crate) use std::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering,
};

pub(crate) use parking_lot::{Mutex, MutexGuard, RwLock};

pub(crate) use std::thread_local;

/// Sleeps for thirty microseconds or so, doubled so many times, and for a millisecond at most.
pub(crate) fn nap(times: u32) {
    std::thread::sleep(std::time::Duration::from_micros(30 << times.min(5)));
}

/// A full fence between an atomic read-modify-write just done and the loads that follow.
///
/// On x86-64 a locked instruction already is one, and a second one would cost as much again.
#[inline(always)]
pub(crate) fn fence_after_rmw() {
    // The order of steps counts between two fences.
    #[cfg(chaos)]
    crate::chaos::falter();
    #[cfg(all(target_arch = "x86_64", not(any(miri, sanitized))))]
    std::sync::atomic::compiler_fence(Ordering::SeqCst);
    #[cfg(not(all(target_arch = "x86_64", not(any(miri, sanitized)))))]
    full_fence();
}

/// A full fence.
#[inline]
pub(crate) fn full_fence() {
    // The order of steps counts between two fences.
    #[cfg(chaos)]
    crate::chaos::falter();
    // ThreadSanitizer does not understand fences; a read-modify-write of one common word gives
    // it edges at least as strong.
    #[cfg(sanitized)]
    {
        static COMMON: AtomicUsize = AtomicUsize::new(0);
        COMMON.fetch_add(1, Ordering::SeqCst);
    }
    std::sync::atomic::fence(Ordering::SeqCst);
}

/// A condition variable in the shape that all three implementations share.
#[derive(Debug, Default)]
pub(crate) struct Condvar(parking_lot::Condvar);

impl Condvar {
    pub(crate) fn wait<'a, T>(&self, mut guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(&mut guard);
        guard
    }

    /// Waits until notified or until `deadline`.
    pub(crate) fn wait_until<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        deadline: Instant,
    ) -> MutexGuard<'a, T> {
        self.0.wait_until(&mut guard, deadline);
        guard
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}
