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

/// Waits a little longer each time: spins, then sleeps.
///
/// The locks of this crate are held for tens of nanoseconds, unless their holder was preempted; so:
/// a few microseconds of spinning. No yields: schedulers of the fair kind take one for a
/// renunciation, and let others have the processor for milliseconds. Who sleeps renounces nothing.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    step: u32,
}

impl Backoff {
    /// Steps of spinning, each twice as long as the one before.
    const SPINS: u32 = 6;

    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Waits once.
    pub(crate) fn snooze(&mut self) {
        if self.step >= Self::SPINS || cfg!(any(loom, shuttle)) {
            nap(self.step.saturating_sub(Self::SPINS));
        } else {
            for _ in 0..1 << self.step {
                spin_loop();
            }
        }
        self.step = self.step.saturating_add(1);
    }

    /// How often it has waited.
    pub(crate) fn steps(&self) -> u32 {
        self.step
    }
}
