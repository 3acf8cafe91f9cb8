//! What belongs to a context is used by its owner or by a claimer, never by both.

use std::sync::Arc;

use loom::thread;

use super::raw::Watched;
use super::{model, model_within};
use crate::clock::{CommitTs, GlobalClock};
use crate::reclaim::active::{Live, Registry};
use crate::sync::{AtomicBool, Ordering};

/// The owner uses the log while its snapshot is announced, and after it has withdrawn it.
#[test]
fn claim_against_owner() {
    model_within(3, || {
        let clock = Arc::new(GlobalClock::starting_at(CommitTs::ZERO));
        let seat = Registry::default().join();
        let log = Arc::new(Watched::new());
        let owner = thread::spawn({
            let (clock, seat, log) = (Arc::clone(&clock), Arc::clone(&seat), Arc::clone(&log));
            move || {
                for _ in 0..2 {
                    let _ = seat.announce(&clock);
                    log.change();
                    seat.withdraw();
                    log.change();
                    seat.leave();
                }
            }
        });
        for _ in 0..2 {
            if seat.claim() {
                log.change();
                seat.release();
            }
        }
        owner.join().unwrap();
        assert!(seat.claim(), "an idle context can be claimed");
        log.change();
    });
}

/// Memory goes back to the allocator, while somebody cleans up in a context whose owner begins: the
/// owner announces before it waits for the cleaner, and the announcement covers the claim.
#[test]
fn claim_against_owner_and_who_gives_memory_back() {
    model(|| {
        let clock = Arc::new(GlobalClock::starting_at(CommitTs::ZERO));
        let registry = Arc::new(Registry::default());
        let seat = registry.join();
        // A block, and whether a head names it.
        let (block, named) = (Arc::new(Watched::new()), Arc::new(AtomicBool::new(true)));
        let owner = thread::spawn({
            let seat = Arc::clone(&seat);
            move || {
                seat.announce_protected(CommitTs::ZERO);
                seat.leave();
            }
        });
        let cleaner = thread::spawn({
            let (registry, block, named) =
                (Arc::clone(&registry), Arc::clone(&block), Arc::clone(&named));
            move || {
                if seat.claim() {
                    let _ = Live::at_present(&registry, &clock);
                    if named.load(Ordering::Relaxed) {
                        block.change();
                    }
                    seat.release();
                }
            }
        });
        named.store(false, Ordering::Relaxed);
        if registry.nobody_cleans() {
            block.change();
        }
        owner.join().unwrap();
        cleaner.join().unwrap();
    });
}
