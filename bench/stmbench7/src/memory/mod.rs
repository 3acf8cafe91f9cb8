//! What the program takes of memory.
//!
//! What it *holds* it has asked the allocator for and not given back; what is *resident* the
//! allocator has from the system. The second is more: an allocator keeps what it gets back, and
//! parts of pages that threads which have ended have left. How much that is depends on the
//! allocator, and moves for minutes; so a program that grows is told by what it holds.

#[expect(unsafe_code, reason = "an allocator that counts")]
mod raw;

use std::fs;

pub(crate) use raw::{Allocator, count, held};

/// Resident bytes of the process, where the system tells.
pub(crate) fn resident() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = pages.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * 4096
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allocated_is_held_until_it_is_freed() {
        // Other tests allocate meanwhile, but not that much. Nobody writes to it.
        const LARGE: i64 = 1 << 32;
        count();
        let before = held();
        let mut bytes: Vec<u8> = Vec::with_capacity(LARGE as usize);
        assert!((held() - before - LARGE).abs() < LARGE / 4, "allocated");
        drop(bytes);
        assert!((held() - before).abs() < LARGE / 4, "freed");
        bytes = Vec::with_capacity(1);
        bytes.reserve_exact(LARGE as usize);
        assert!((held() - before - LARGE).abs() < LARGE / 4, "grown");
        drop(bytes);
        assert!((held() - before).abs() < LARGE / 4, "freed");
    }
}
