//! What the program takes of memory.
//!
//! What it *holds* it has asked the allocator for and not given back; what is *resident* the
//! allocator has from the system. The second is more: an allocator keeps what it gets back, and
//! parts of pages that threads which have ended have left. How much that is depends on the
//! allocator, and moves for minutes; so a program that grows is told by what it holds.
//!
//! # Memory at hand
//!
//! The system hands memory out when it is first written to, in pieces of up to two megabytes, which it
//! has to clear. Whoever writes waits for that: 4 ms on one virtual machine, which is more than any
//! short operation takes, and an upgrade needs memory for a second version of everything. So what is
//! measured runs with memory [at hand](have_at_hand), as a Java heap of a fixed size is that has been
//! touched beforehand, unless one wants to see what happens without.

#[expect(unsafe_code, reason = "an allocator that counts")]
mod raw;

use std::fs;

pub(crate) use raw::{Allocator, count, held};

/// The memory that is made ready at once.
const PIECE: usize = 16 << 20;
/// What is left to the rest of the machine of what is free: this part.
const LEFT: u64 = 4;

/// Has the system hand out so many bytes beside what the process has, and keeps from now on what is
/// freed. Not more than the machine has free, with some left over. Says how many bytes it were.
pub(crate) fn have_at_hand(bytes: u64) -> u64 {
    raw::keep();
    let bytes = bytes.min(available() / LEFT * (LEFT - 1));
    // Written to, or they would be promised only.
    let pieces: Vec<_> = (0..bytes / PIECE as u64).map(|_| vec![1_u8; PIECE]).collect();
    (pieces.len() * PIECE) as u64
}

/// Bytes that the machine has free, where the system tells.
fn available() -> u64 {
    let facts = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let available = facts.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kilobytes = available.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

/// Resident bytes of the process, where the system tells.
pub(crate) fn resident() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = pages.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * 4096
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_at_hand_stays_so() {
        const MUCH: u64 = 256 << 20;
        let before = resident();
        let made = have_at_hand(MUCH);
        // (Where the machine has that much.)
        assert!(made <= MUCH);
        // Longer than the allocator waits otherwise; it looks when it is asked for something.
        for _ in 0..30 {
            std::thread::sleep(std::time::Duration::from_millis(50));
            drop(vec![1_u8; 1 << 20]);
        }
        assert!(resident() >= before + made / 2, "{} of {made}", resident().saturating_sub(before));
    }

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
