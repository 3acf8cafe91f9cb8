//! The seam to the epoch collector: the real one, or a small stand-in for larger loom models.
//!
//! The real collector costs loom so many steps that three threads do not end; two do, with
//! `--cfg loom --cfg crossbeam_loom`. With `--cfg loom` alone this stand-in takes its place. It has
//! the same contract and reclaims as early as the contract allows, which shows most.

#[cfg(any(not(loom), crossbeam_loom))]
pub(crate) use crossbeam_epoch::{Collector, Guard, LocalHandle};

#[cfg(all(loom, not(crossbeam_loom)))]
pub(crate) use stand_in::{Collector, Guard, LocalHandle};

#[cfg(all(loom, not(crossbeam_loom)))]
mod stand_in {
    use std::collections::BTreeSet;
    use std::fmt;
    use std::sync::{Arc, Mutex, PoisonError};

    use crate::sync::{AtomicUsize, Ordering, full_fence};

    type Deferred = Box<dyn FnOnce() + Send>;

    /// Which pins there are, by number, and what waits for the end of those below a number.
    #[derive(Default)]
    struct Pins {
        next: u64,
        active: BTreeSet<u64>,
        waiting: Vec<(u64, Deferred)>,
    }

    #[derive(Default)]
    struct Shared {
        /// Not modelled: its critical sections are no steps of the model.
        pins: Mutex<Pins>,
        /// What a thread did before it unpinned happens before what waited for that.
        unpinned: AtomicUsize,
    }

    impl Shared {
        fn pins<R>(&self, f: impl FnOnce(&mut Pins) -> R) -> R {
            f(&mut self.pins.lock().unwrap_or_else(PoisonError::into_inner))
        }
    }

    #[derive(Clone, Default)]
    pub(crate) struct Collector(Arc<Shared>);

    pub(crate) struct LocalHandle(Arc<Shared>);

    pub(crate) struct Guard {
        shared: Arc<Shared>,
        number: u64,
    }

    impl fmt::Debug for Collector {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("Collector").finish_non_exhaustive()
        }
    }

    impl Collector {
        pub(crate) fn new() -> Self {
            Self::default()
        }

        pub(crate) fn register(&self) -> LocalHandle {
            LocalHandle(Arc::clone(&self.0))
        }
    }

    impl LocalHandle {
        pub(crate) fn pin(&self) -> Guard {
            let number = self.0.pins(|pins| {
                pins.next += 1;
                pins.active.insert(pins.next);
                pins.next
            });
            // As the real one does.
            full_fence();
            Guard { shared: Arc::clone(&self.0), number }
        }
    }

    impl Guard {
        pub(crate) fn defer(&self, f: impl FnOnce() + Send + 'static) {
            self.shared.pins(|pins| pins.waiting.push((pins.next, Box::new(f))));
        }

        /// What was deferred runs as soon as it may, anyway.
        #[expect(clippy::unused_self, reason = "the shape of the real one")]
        pub(crate) fn flush(&self) {}
    }

    impl Drop for Guard {
        fn drop(&mut self) {
            self.shared.unpinned.fetch_add(1, Ordering::AcqRel);
            let ready = self.shared.pins(|pins| {
                pins.active.remove(&self.number);
                let oldest = pins.active.first().copied().unwrap_or(u64::MAX);
                let is_ready = |waiting: &mut (u64, Deferred)| waiting.0 < oldest;
                pins.waiting.extract_if(.., is_ready).collect::<Vec<_>>()
            });
            for (_, deferred) in ready {
                deferred();
            }
        }
    }
}
