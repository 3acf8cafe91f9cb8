//! The one door to nondeterminism: atomics, locks, threads and time.
//!
//! Every other module takes them from here, so that loom and shuttle can put their own in place
//! (`--cfg loom`, `--cfg shuttle`). The three implementations offer the same names; what differs
//! between them is hidden here and nowhere else.

#[cfg(loom)]
#[path = "loom.rs"]
mod imp;
#[cfg(all(shuttle, not(loom)))]
#[path = "shuttle.rs"]
mod imp;
#[cfg(not(any(loom, shuttle)))]
#[path = "std.rs"]
mod imp;

pub(crate) use imp::*;

/// Waits a little longer each time, and gives the processor away before long.
///
/// The locks of this crate are held for tens of nanoseconds, unless their holder was preempted;
/// so: a few hundred nanoseconds of spinning, then yield.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    step: u32,
}

impl Backoff {
    const SPINS: u32 = 3;

    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Waits once.
    pub(crate) fn snooze(&mut self) {
        if self.step < Self::SPINS && !cfg!(any(loom, shuttle)) {
            for _ in 0..1 << self.step {
                spin_loop();
            }
            self.step += 1;
        } else {
            self.step = self.step.saturating_add(1);
            yield_now();
        }
    }

    /// How often it has waited.
    pub(crate) fn steps(&self) -> u32 {
        self.step
    }
}
