//! Conversions forward for an upgrade that has been undone.
//!
//! As long as somebody who began before the roll back may convert an object for himself, everybody
//! takes it forward and back ([`Migration::conversion_of`](super::record::Migration::conversion_of)).
//! Such a conversion is a revival: for a moment there is an object of the undone version. Whoever
//! is slow at it may put that over an object that a pass has already behind it, so the pass that
//! ends the roll back has to know of it. (loom: `revival_against_the_last_pass`.)

use crate::sync::{AtomicU64, Ordering};

/// No more of them begin.
const OVER: u64 = 1;
/// One of them.
const ONE: u64 = 2;

/// The revivals that may be installed, and whether there can be more.
///
/// A revival counts itself as begun before it is installed, and as ended after. Whoever finds as
/// many begun in the end as were ended in the beginning knows that none was installed meanwhile.
#[derive(Debug, Default)]
pub(crate) struct Revivals {
    /// In one word with [`OVER`]: whoever begins knows whether that comes too late.
    begun: AtomicU64,
    ended: AtomicU64,
}

impl Revivals {
    /// Begins one, to be installed before what is returned goes; `None` if they are over.
    pub(crate) fn begin(&self) -> Option<Revival<'_>> {
        // Acquire: who is refused sees what the last pass has seen.
        let before = self.begun.fetch_add(ONE, Ordering::Acquire);
        let revival = Revival(self);
        (before & OVER == 0).then_some(revival)
    }

    /// Lets none begin from now on.
    pub(crate) fn end(&self) {
        self.begun.fetch_or(OVER, Ordering::Release);
    }

    /// Lets none begin from now on, unless there have been more than these. Whether that is so.
    pub(crate) fn end_after(&self, ended: u64) -> bool {
        let before = ended * ONE;
        let over = before | OVER;
        let end = self.begun.compare_exchange(before, over, Ordering::Release, Ordering::Relaxed);
        end.map_or_else(|found| found == over, |_| true)
    }

    /// Whether none begins any more.
    pub(crate) fn are_over(&self) -> bool {
        // Acquire: what those have converted who were waited for is seen.
        self.begun.load(Ordering::Acquire) & OVER != 0
    }

    /// Those installed or given up so far.
    pub(crate) fn ended(&self) -> u64 {
        self.ended.load(Ordering::Acquire)
    }
}

/// One conversion, about to be installed.
#[derive(Debug)]
pub(crate) struct Revival<'r>(&'r Revivals);

impl Drop for Revival<'_> {
    fn drop(&mut self) {
        // Release: pairs with the Acquire in `ended`: what it has installed is seen.
        self.0.ended.fetch_add(1, Ordering::Release);
    }
}
