//! The real thing: `std` atomics, `parking_lot` locks (which ThreadSanitizer understands).

use std::time::Instant;

pub(crate) use std::hint::spin_loop;
pub(crate) use std::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering,
};
pub(crate) use std::thread::yield_now;

pub(crate) use parking_lot::{Mutex, MutexGuard, RwLock};

pub(crate) use std::thread_local;

/// A full fence between an atomic read-modify-write just done and the loads that follow.
///
/// On x86-64 a locked instruction already is one, and a second one would cost as much again.
#[inline(always)]
pub(crate) fn fence_after_rmw() {
    #[cfg(chaos)]
    falter();
    #[cfg(all(target_arch = "x86_64", not(any(miri, sanitized))))]
    std::sync::atomic::compiler_fence(Ordering::SeqCst);
    #[cfg(not(all(target_arch = "x86_64", not(any(miri, sanitized)))))]
    full_fence();
}

/// A full fence.
#[inline]
pub(crate) fn full_fence() {
    #[cfg(chaos)]
    falter();
    // ThreadSanitizer does not understand fences; a read-modify-write of one common word gives
    // it edges at least as strong.
    #[cfg(sanitized)]
    {
        static COMMON: AtomicUsize = AtomicUsize::new(0);
        COMMON.fetch_add(1, Ordering::SeqCst);
    }
    std::sync::atomic::fence(Ordering::SeqCst);
}

/// Gives the processor away now and then. Fences stand where the order of steps counts, between two
/// of them: there the other threads get time to do their worst (`ci/stress.sh`).
#[cfg(chaos)]
fn falter() {
    thread_local! {
        static STATE: std::cell::Cell<u64> = const { std::cell::Cell::new(0x9E37_79B9_7F4A_7C15) };
    }
    let next = |state: &std::cell::Cell<u64>| {
        let next =
            state.get().wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
        state.set(next);
        next
    };
    // At the end of a thread it is gone already.
    let Ok(dice) = STATE.try_with(next) else { return };
    match dice >> 57 {
        0..8 => yield_now(),
        8 => std::thread::sleep(std::time::Duration::from_micros(dice >> 40 & 63)),
        9..24 => (0..dice >> 40 & 511).for_each(|_| spin_loop()),
        _ => {}
    }
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
