//! What belongs to a context is used by its owner or by a claimer, never by both.

use std::sync::Arc;

use loom::thread;

use super::model_within;
use super::raw::Watched;
use crate::clock::{CommitTs, GlobalClock};
use crate::reclaim::active::Registry;

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
