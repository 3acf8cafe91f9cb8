//! loom models of the core: one small file a claim.
//!
//! They run under `--cfg loom` (`ci/loom.sh`). The larger ones use a stand-in for the collector;
//! those that need the real one say so, and run with `--cfg crossbeam_loom` besides. What each of
//! them guards is listed in `docs/correctness.md`, with what they have found.
//!
//! loom explores every order of the steps of a few threads, up to a number of preemptions, and
//! for each load every store it may read. It does not explore load buffering; it takes `SeqCst`
//! accesses for `AcqRel` ones, so the code under test has fences where it needs a total order.

mod claim_against_owner;
mod close_against_tidy;
mod creation_in_the_past;
mod deletion_against_reader;
mod era_advance_against_commit;
mod fast_read_against_recycling;
mod homecoming;
mod install_against_committer;
mod lone_committer;
mod look;
mod piece_against_reclaim;
mod privileged_against_committer;
mod privileged_against_touch;
mod raw;
mod read_own_write;
mod reader_against_committer;
mod rehousing_against_reader;
mod retry_wakeup;
mod succession;
mod trim_against_walking_reader;
mod two_committers;
mod variable_drop_against_reader;
mod variable_end_against_stale_trim;
mod write_skew;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use raw::Seen;

use crate::domain::Domain;

/// Preemptions to explore; more, if `LOOM_MAX_PREEMPTIONS` says so. loom leaves out some orders
/// that have fewer, so one more than a fault needs is not too much.
const PREEMPTIONS: usize = if cfg!(crossbeam_loom) { 2 } else { 3 };

/// Runs a model under the usual bound.
fn model(f: impl Fn() + Send + Sync + 'static) {
    model_within(PREEMPTIONS, f);
}

/// Runs a model under a bound of its own.
fn model_within(preemptions: usize, f: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.max(Some(preemptions));
    builder.max_branches = 20_000;
    let executions = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    builder.check({
        let executions = Arc::clone(&executions);
        move || {
            executions.fetch_add(1, Ordering::Relaxed);
            f();
        }
    });
    let executions = executions.load(Ordering::Relaxed);
    eprintln!("{executions} executions in {:.1?}", start.elapsed());
}

/// To be called at the end of a model: the panic of a value that was dropped while somebody used
/// it would otherwise be swallowed like that of any `Drop`.
fn expect_orderly(domain: &Domain) {
    assert_eq!(domain.stats().drop_panics, 0, "a value was dropped out of order");
}
