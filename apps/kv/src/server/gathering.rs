//! When a worker lets requests gather before it takes them.
//!
//! Whoever is faster than its clients wakes up for each request, or for two, and pays for going
//! to sleep and waking up each time; its clients pay for waking it. A short pause before the next
//! look lets more of them come, and all are read and answered together. That is what network
//! cards do with interrupts (interrupt moderation). The pause must not be for those who wait for
//! us: it is made only when most of those who have asked lately were not among those just
//! answered, that is while most are on their way to us.

use std::mem;
use std::thread;
use std::time::{Duration, Instant};

/// How long requests gather. One takes 10 to 15 microseconds, on either side.
const PAUSE: Duration = Duration::from_micros(20);
/// What "lately" is: this window of time and the one before it.
const WINDOW: Duration = Duration::from_millis(1);
/// A pause is made when those just answered are less than this part of those who asked lately.
const PART: usize = 4;

/// Who has asked lately.
pub(super) struct Gathering {
    window: Window,
    end: Instant,
    /// Connections that have asked in this window, and in the one before.
    asked: usize,
    asked_before: usize,
    /// Those that have asked since the last look.
    batch: usize,
}

/// The window in which a connection has asked last.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Window(u64);

impl Gathering {
    pub(super) fn new(now: Instant) -> Self {
        Self { window: Window(1), end: now + WINDOW, asked: 0, asked_before: 0, batch: 0 }
    }

    /// A connection has asked, and did so before in the window `last`.
    pub(super) fn note(&mut self, last: &mut Window) {
        self.batch += 1;
        if *last != self.window {
            *last = self.window;
            self.asked += 1;
        }
    }

    /// Ends a batch. Says whether the worker does well to pause before it looks for the next.
    pub(super) fn end_batch(&mut self, now: Instant) -> bool {
        if now >= self.end {
            // Nobody may have come for a long time.
            let is_next = now < self.end + WINDOW;
            self.asked_before = if is_next { self.asked } else { 0 };
            self.asked = 0;
            self.window.0 += 1;
            self.end = now + WINDOW;
        }
        let batch = mem::take(&mut self.batch);
        batch > 0 && batch * PART < self.asked.max(self.asked_before)
    }
}

/// Lets requests gather. Another thread that wants the processor has it meanwhile.
pub(super) fn pause(now: Instant) {
    while now.elapsed() < PAUSE {
        thread::yield_now();
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Gathering, WINDOW, Window};

    /// Clients that ask in turn, some at a time, every 20 microseconds. Returns how many of a
    /// thousand batches were followed by a pause.
    fn pauses(clients: usize, at_a_time: usize, apart: Duration) -> usize {
        let mut now = Instant::now();
        let mut gathering = Gathering::new(now);
        let mut last = vec![Window::default(); clients];
        let mut turns = (0..clients).cycle();
        let mut one_batch = || {
            turns.by_ref().take(at_a_time).for_each(|client| gathering.note(&mut last[client]));
            now += apart;
            gathering.end_batch(now)
        };
        (0..1000).filter(|_| one_batch()).count()
    }

    const OFTEN: Duration = Duration::from_micros(20);

    #[test]
    fn while_most_are_on_their_way_requests_gather() {
        let pauses = pauses(50, 2, OFTEN);
        assert!(pauses > 900, "after {pauses} batches of 1000");
    }

    /// Each of them waits for its answer: none comes while we pause.
    #[test]
    fn nobody_pauses_for_those_who_wait_for_us() {
        assert_eq!(pauses(1, 1, OFTEN), 0);
        assert_eq!(pauses(4, 1, OFTEN), 0);
        assert_eq!(pauses(50, 50, OFTEN), 0);
        assert_eq!(pauses(50, 13, OFTEN), 0);
    }

    /// Many connections, of which one asks every now and then: more would not come.
    #[test]
    fn nobody_pauses_when_little_is_asked() {
        assert_eq!(pauses(50, 1, WINDOW / 3), 0);
        assert_eq!(pauses(50, 1, WINDOW * 3), 0);
    }

    #[test]
    fn who_comes_after_a_silence_is_alone() {
        let now = Instant::now();
        let mut gathering = Gathering::new(now);
        (0..50).for_each(|_| gathering.note(&mut Window::default()));
        gathering.end_batch(now);
        gathering.note(&mut Window::default());
        assert!(!gathering.end_batch(now + WINDOW * 3));
        gathering.note(&mut Window::default());
        assert!(!gathering.end_batch(now + WINDOW * 3));
    }

    #[test]
    fn a_look_in_vain_is_no_batch() {
        let now = Instant::now();
        let mut gathering = Gathering::new(now);
        (0..50).for_each(|_| gathering.note(&mut Window::default()));
        assert!(!gathering.end_batch(now));
        assert!(!gathering.end_batch(now), "nobody came");
    }
}
