//! The allocator of the process, and what it counts.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

use crossbeam_utils::CachePadded;
use libmimalloc_sys::{mi_option_set, mi_option_t};
use mimalloc::MiMalloc;

/// So many counters share the work: threads seldom meet at one.
const STRIPES: usize = 64;
/// How long the allocator waits before it gives pages back; it has no name for this in Rust. (That
/// the number is right is what the test of memory at hand says.)
const PURGE_DELAY: mi_option_t = 15;
/// Never.
const NEVER: std::ffi::c_long = -1;

/// Tests share a process, and free what was allocated before one of them counts.
static COUNTS: AtomicBool = AtomicBool::new(cfg!(test));
static HELD: [CachePadded<AtomicI64>; STRIPES] =
    [const { CachePadded::new(AtomicI64::new(0)) }; STRIPES];

/// [`MiMalloc`], for all back ends, so that none is measured by the system's. Counts what is
/// allocated and freed from [`count`] on.
pub(crate) struct Allocator;

/// From now on what is allocated and freed is counted; that costs some time.
pub(crate) fn count() {
    COUNTS.store(true, Ordering::Relaxed);
}

/// By how many bytes more has been allocated than freed since [`count`].
pub(crate) fn held() -> i64 {
    HELD.iter().map(|held| held.load(Ordering::Relaxed)).sum()
}

/// From now on what is freed stays with the process.
pub(crate) fn keep() {
    // SAFETY: it sets a number that the allocator looks at when it frees pages.
    unsafe { mi_option_set(PURGE_DELAY, NEVER) };
}

/// The counter of this thread: each begins with the next one.
fn stripe() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        /// One more than that; it needs no memory of the allocator, and no end.
        static OWN: Cell<usize> = const { Cell::new(0) };
    }
    OWN.with(|own| {
        if own.get() == 0 {
            own.set(NEXT.fetch_add(1, Ordering::Relaxed) % STRIPES + 1);
        }
        own.get() - 1
    })
}

impl Allocator {
    #[inline(always)]
    fn note(at: *mut u8, bytes: i64) {
        if COUNTS.load(Ordering::Relaxed) {
            Self::add(at, bytes);
        }
    }

    /// Outside of what allocates: inside it keeps the compiler from vectorising the loop that fills
    /// what was allocated, as that which writes a text anew.
    #[cold]
    #[inline(never)]
    fn add(at: *mut u8, bytes: i64) {
        if !at.is_null() {
            HELD[stripe()].fetch_add(bytes, Ordering::Relaxed);
        }
    }
}

// SAFETY: everything is done by `MiMalloc`; the counting has no part in it, and does not allocate.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: passed on to the caller.
        let new = unsafe { MiMalloc.alloc(layout) };
        Self::note(new, layout.size() as i64);
        new
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: passed on to the caller.
        let new = unsafe { MiMalloc.alloc_zeroed(layout) };
        Self::note(new, layout.size() as i64);
        new
    }

    #[inline]
    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        Self::note(old, -(layout.size() as i64));
        // SAFETY: passed on to the caller.
        unsafe { MiMalloc.dealloc(old, layout) }
    }

    #[inline]
    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: passed on to the caller.
        let new = unsafe { MiMalloc.realloc(old, layout, size) };
        // Nothing has happened where there is no room.
        Self::note(new, size as i64 - layout.size() as i64);
        new
    }
}
