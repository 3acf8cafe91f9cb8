//! The numbers that tell the handles of domains apart.
//!
//! A handle carries the tag of its domain and a generation. There are few tags, so they are used
//! again; the next domain with a tag goes on with the generations where the last one has stopped.
//! So a handle of a domain that is gone names nothing in any later one.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::handle::{self, TAGS};

struct Pool {
    /// Of each tag that is free again, the first generation that has not been used.
    free: VecDeque<u32>,
    next: u32,
    domains: u64,
}

static POOL: Mutex<Pool> = Mutex::new(Pool::new());

impl Pool {
    const fn new() -> Self {
        Self { free: VecDeque::new(), next: 1, domains: 0 }
    }

    /// The first generation for a domain, and a number for it.
    fn take(&mut self) -> Option<(u32, u64)> {
        self.domains += 1;
        let first = if self.next < TAGS {
            self.next += 1;
            handle::first_generation(self.next - 1)
        } else {
            // The least recently used one: then they are used up evenly.
            self.free.pop_front()?
        };
        Some((first, self.domains))
    }

    fn give(&mut self, rest: Option<u32>) {
        self.free.extend(rest);
    }
}

/// The first generation that no slot of a domain has reached.
fn after(meta: u32) -> Option<u32> {
    let has_next = |meta: &u32| !handle::is_used_up(*meta);
    Some(meta).filter(has_next).map(handle::next_generation).filter(has_next)
}

/// A tag, given back when dropped, and the generations that its domain may use.
pub(crate) struct Tag {
    first: u32,
    /// Where the next domain goes on, if anything is left.
    rest: Option<u32>,
}

impl Tag {
    /// A free tag, and a number for the domain.
    pub(crate) fn take() -> Option<(Self, u64)> {
        let (first, number) = POOL.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        Some((Self { first, rest: Some(first) }, number))
    }

    /// What the meta word of a new slot says.
    pub(crate) fn first_generation(&self) -> u32 {
        self.first
    }

    /// The domain has used the generations up to the one of this meta word.
    pub(crate) fn used_up_to(&mut self, meta: u32) {
        self.rest = after(meta);
    }
}

impl Drop for Tag {
    fn drop(&mut self) {
        POOL.lock().unwrap_or_else(PoisonError::into_inner).give(self.rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_goes_on_where_it_has_stopped_and_is_not_used_when_nothing_is_left() {
        let mut pool = Pool::new();
        let all: Vec<u32> = std::iter::from_fn(|| pool.take().map(|(first, _)| first)).collect();
        assert_eq!(all.len() as u32, TAGS - 1);
        let mut used_up = all[7];
        while !handle::is_used_up(used_up) {
            used_up = handle::next_generation(used_up);
        }
        let mut used_to = |meta| {
            pool.give(after(meta));
            pool.take().map(|(first, _)| first)
        };
        assert_eq!(used_to(all[5]), Some(all[5] + 1));
        assert_eq!(used_to(used_up - 2), Some(used_up - 1));
        assert_eq!(used_to(used_up - 1), None, "there is nothing left of it");
        assert_eq!(used_to(used_up), None);
    }
}
