//! The door for late writers: transactions of the era before a flip that commit just before it.
//!
//! What a late writer *changes* bears the traces of everybody who has seen it in a later era: it was
//! converted. What it *creates* bears none: that an object is not there can be seen without it, by
//! listing all objects, or by a reference that somebody let out of the transaction. So whoever
//! of a later era is about to look for what is absent says so here first, and from then on late
//! writers that create are refused. Whoever was let in before that holds the locks of what it
//! creates, and the look waits there. (loom: `late_creator_against_survey`.)
//!
//! Nor does an object that can't be converted: whoever touches it is told so, and nothing is put over
//! it. So the first failure closes the door before it is told, and who is about to tell it looks once
//! more. (loom: `failed_touch_against_late_writer`.)

use crate::sync::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};

/// Open from the flip until the migration is about to be complete, or a conversion fails.
///
/// Who passes counts itself first and looks at the door second; who closes it closes first and
/// looks at the count second. So when the count is zero behind a closed door, nobody is inside,
/// and everything that late writers wrote is published.
#[derive(Debug)]
pub(crate) struct LateDoor {
    open: AtomicBool,
    inside: AtomicUsize,
    admitted: AtomicU64,
    /// Whether somebody of a later era has looked which objects there are.
    surveyed: AtomicBool,
}

impl Default for LateDoor {
    fn default() -> Self {
        Self {
            open: AtomicBool::new(true),
            inside: AtomicUsize::new(0),
            admitted: AtomicU64::new(0),
            surveyed: AtomicBool::new(false),
        }
    }
}

impl LateDoor {
    /// Lets a writer in, if the door is open.
    pub(crate) fn enter(&self) -> bool {
        self.inside.fetch_add(1, Ordering::SeqCst);
        // The locks before the look at the door; see `close`.
        fence(Ordering::SeqCst);
        if self.open.load(Ordering::SeqCst) {
            self.admitted.fetch_add(1, Ordering::Relaxed);
            return true;
        }
        self.leave();
        false
    }

    /// Somebody of a later era looks next which objects there are.
    pub(crate) fn survey(&self) {
        self.surveyed.store(true, Ordering::Relaxed);
        // The word before the look, and in `may_create` the locks before the look at the word: one
        // of the two sees the other.
        fence(Ordering::SeqCst);
    }

    /// Whether a writer that holds its locks may still create objects.
    pub(crate) fn may_create(&self) -> bool {
        fence(Ordering::SeqCst);
        !self.surveyed.load(Ordering::Relaxed)
    }

    /// The writer has published, or failed.
    pub(crate) fn leave(&self) {
        // Release: pairs with the Acquire in `is_empty`: what it published is seen.
        self.inside.fetch_sub(1, Ordering::SeqCst);
    }

    /// Lets nobody in from now on. Whoever was let in before has what it writes locked, and who looks
    /// at that next waits for it.
    pub(crate) fn close(&self) {
        self.open.store(false, Ordering::SeqCst);
        // The door before the look at what may be locked, and in `enter` the locks before the look
        // at the door: one of the two sees the other.
        fence(Ordering::SeqCst);
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
