//! A global allocator that can count what a thread allocates. The only unsafe code here.
//!
//! Counting is per thread and off unless [`count`] runs, so measured loops pay one test of a
//! thread local per allocation.
#![expect(unsafe_code, reason = "an allocator can only be given by an unsafe impl")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    // Const and without a destructor: reading it allocates nothing and works at thread exit.
    static HEAP: Cell<Option<Heap>> = const { Cell::new(None) };
}

/// Heap memory gained while counting: what was allocated, less what was freed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Heap {
    /// Bytes asked for. The allocator's own overhead is not in it.
    pub(crate) bytes: i64,
    /// Allocations.
    pub(crate) blocks: i64,
}

/// Counts the heap memory that `work` leaves allocated on this thread.
pub(crate) fn count<T>(work: impl FnOnce() -> T) -> (T, Heap) {
    let outer = HEAP.replace(Some(Heap::default()));
    assert!(outer.is_none(), "counting does not nest");
    let made = work();
    let heap = HEAP.take().expect("counting was on");
    (made, heap)
}

/// The system's allocator, with a count.
struct Counting;

#[inline]
fn note(bytes: usize, blocks: i64) {
    if let Some(heap) = HEAP.get() {
        let bytes = heap.bytes + blocks * bytes as i64;
        HEAP.set(Some(Heap { bytes, blocks: heap.blocks + blocks }));
    }
}

// SAFETY: every method hands its arguments to `System`, which implements the trait, and returns
// its result. The count does not touch the memory and does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 1);
        // SAFETY: the caller's promises are those `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 1);
        // SAFETY: the caller's promises are those `System` asks for.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note(layout.size(), -1);
        // SAFETY: the caller's promises are those `System` asks for; `pointer` came from it.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(layout.size(), -1);
        note(size, 1);
        // SAFETY: the caller's promises are those `System` asks for; `pointer` came from it.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Heap, count};

    #[test]
    fn counts_what_stays() {
        let (_kept, heap) = count(|| {
            drop(vec![0u8; 100]);
            let mut kept = vec![0u32; 10];
            kept.resize(20, 1);
            kept.shrink_to_fit();
            kept
        });
        assert_eq!(heap, Heap { bytes: 80, blocks: 1 });
    }
}
