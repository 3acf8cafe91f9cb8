//! The door for late writers: transactions of the era before a flip that commit just before it.

use crate::sync::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// Open from the flip until the migration is about to be complete.
///
/// Who passes counts itself first and looks at the door second; who closes it closes first and
/// looks at the count second. So when the count is zero behind a closed door, nobody is inside,
/// and everything that late writers wrote is published.
#[derive(Debug)]
pub(crate) struct LateDoor {
    open: AtomicBool,
    inside: AtomicUsize,
    admitted: AtomicU64,
}

impl Default for LateDoor {
    fn default() -> Self {
        Self {
            open: AtomicBool::new(true),
            inside: AtomicUsize::new(0),
            admitted: AtomicU64::new(0),
        }
    }
}

impl LateDoor {
    /// Lets a writer in, if the door is open.
    pub(crate) fn enter(&self) -> bool {
        self.inside.fetch_add(1, Ordering::SeqCst);
        if self.open.load(Ordering::SeqCst) {
            self.admitted.fetch_add(1, Ordering::Relaxed);
            return true;
        }
        self.leave();
        false
    }

    /// The writer has published, or failed.
    pub(crate) fn leave(&self) {
        // Release: pairs with the Acquire in `is_empty`: what it published is seen.
        self.inside.fetch_sub(1, Ordering::SeqCst);
    }

    /// Lets nobody in from now on.
    pub(crate) fn close(&self) {
        self.open.store(false, Ordering::SeqCst);
    }

    /// Whether nobody is inside.
    pub(crate) fn is_empty(&self) -> bool {
        self.inside.load(Ordering::SeqCst) == 0
    }

    /// How many were let in.
    pub(crate) fn admitted(&self) -> u64 {
        self.admitted.load(Ordering::Relaxed)
    }
}
