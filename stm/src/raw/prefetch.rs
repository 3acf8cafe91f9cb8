//! Asking for memory before it is used.
//!
//! A walk over many objects waits for memory at each of them, and the processor sees too few of
//! them at once to ask for the next ones meanwhile. [`Prefetched`](crate::Prefetched) does: first
//! for slots, then, when a slot has come, for the version that its head names. So do commits, whoever
//! cleans up after them, and who takes free blocks, in their lists. Without effect where the processor is not an x86-64.

/// So far ahead in a list is what its entries name asked for.
pub(crate) const AHEAD: usize = 8;

/// Asks for the cache line at this address, if there is one, for a reader.
#[inline(always)]
pub(super) fn to_read<T>(at: *const T) {
    ask::<false>(at.cast());
}

/// Asks for the cache line at this address, if there is one, for a writer.
#[inline(always)]
pub(super) fn to_write<T>(at: *const T) {
    ask::<true>(at.cast());
}

#[inline(always)]
fn ask<const TO_WRITE: bool>(at: *const i8) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: a prefetch reads and writes nothing; any address will do.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_ET0, _MM_HINT_T0, _mm_prefetch};
        if TO_WRITE {
            _mm_prefetch::<_MM_HINT_ET0>(at);
        } else {
            _mm_prefetch::<_MM_HINT_T0>(at);
        }
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = at;
}
