//! The numbers that tell the handles of living domains apart.

use std::sync::{Mutex, PoisonError};

use crate::handle::TAGS;

struct Pool {
    free: Vec<u32>,
    next: u32,
    domains: u64,
}

static POOL: Mutex<Pool> = Mutex::new(Pool { free: Vec::new(), next: 1, domains: 0 });

/// A tag, given back when dropped.
pub(crate) struct Tag(pub(crate) u32);

impl Tag {
    /// A free tag, and a number for the domain.
    pub(crate) fn take() -> Option<(Self, u64)> {
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        pool.domains += 1;
        // The least recently used one, so that stale handles stay recognisable for long.
        let tag = if pool.next < TAGS {
            pool.next += 1;
            pool.next - 1
        } else if pool.free.is_empty() {
            return None;
        } else {
            pool.free.remove(0)
        };
        Some((Self(tag), pool.domains))
    }
}

impl Drop for Tag {
    fn drop(&mut self) {
        POOL.lock().unwrap_or_else(PoisonError::into_inner).free.push(self.0);
    }
}
