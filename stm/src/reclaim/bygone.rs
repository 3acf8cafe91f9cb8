//! The bygone: instants before which nobody is under way who began before their floors stood.
//!
//! A transaction that began before a flip may have references to values below the
//! [floors](crate::domain::Inner::floors) of that flip that nobody knows of: it has looked at them as
//! they were, without a touch. Such transactions end soon. Whoever begins after the flip, at its
//! instant or later, finds the floors, since they are set before it; and so does whoever begins
//! after the flip at an earlier instant that is held, as the following says.
//!
//! Somebody who has the flip behind them looks at all contexts, after a full fence. If none has
//! announced an instant before the flip, the flip is bygone, once and for all. A transaction that
//! the look missed has a full fence between its announcement and all else, so it sees what the one who
//! looked knew: the floors.
//!
//! The word is written once a flip, so a look at it is cheap, which one at all announcements is
//! not. (loom models `succession_against_old_reader`, `succession_against_held_reader`.)

use crate::clock::CommitTs;
use crate::raw::context::ContextPool;
use crate::sync::{AtomicU64, Mutex, Ordering, full_fence};

/// The latest instant that is found to be bygone.
#[derive(Debug, Default)]
pub(crate) struct Bygone {
    until: AtomicU64,
}

impl Bygone {
    /// Whether `instant` is known to be bygone.
    pub(crate) fn reaches(&self, instant: CommitTs) -> bool {
        // Acquire: what those who have ended did happens before what the caller does.
        self.until.load(Ordering::Acquire) >= instant.to_bits()
    }

    /// Looks whether `instant`, which the clock has reached, is bygone.
    #[cold]
    #[inline(never)]
    pub(crate) fn look(&self, instant: CommitTs, contexts: &Mutex<ContextPool>) {
        // Pairs with the fences in `Seat::announce` and `Seat::announce_protected`.
        full_fence();
        // Whoever has the lock may wait for the caller. Contexts made later are used later.
        let over = contexts
            .try_lock()
            .is_some_and(|contexts| contexts.seats().all(|seat| !seat.looks_before(instant)));
        if over {
            // Release: pairs with `reaches`.
            self.until.fetch_max(instant.to_bits(), Ordering::AcqRel);
        }
    }
}
