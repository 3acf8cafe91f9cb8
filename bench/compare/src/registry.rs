//! The list of back ends, each with the workloads it can do.

use crate::backend::{
    Backend, Transactional, arc_swap, async_stm, dashmap, fast_stm, kovan_stm, mvcc_cell, ours,
    parking_lot, plain, stm_core,
};
use crate::measure::Plan;
use crate::workload::scan::Writer;
use crate::workload::{Task, Workload, memory, parallel, scan, single};

/// A back end on the command line and in the tables.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Its name, and that of its package.
    pub(crate) name: &'static str,
    /// What a reader of its numbers must know.
    pub(crate) remark: &'static str,
    prepare: fn(Workload, &Plan) -> Option<Task>,
}

impl Entry {
    /// Makes ready to measure; `None` if the back end cannot do the workload.
    pub(crate) fn prepare(&self, workload: Workload, plan: &Plan) -> Option<Task> {
        (self.prepare)(workload, plan)
    }
}

/// Every back end, in the order of the tables. A new one is a file in `backend` and a line here.
pub(crate) const ENTRIES: &[Entry] = &[
    Entry {
        name: "upgradable-stm",
        remark: "multi-version, opaque; read-only transactions never execute again",
        prepare: full::<ours::Ours>,
    },
    Entry {
        name: "plain",
        remark: "memory without synchronisation: the floor, one thread only, NOT consistent",
        prepare: alone::<plain::Plain>,
    },
    Entry {
        name: "parking_lot",
        remark: "an RwLock per variable, two-phase locking in index order",
        prepare: full::<parking_lot::Locked>,
    },
    Entry {
        name: "arc-swap",
        remark: "one variable at a time",
        prepare: one_variable::<arc_swap::Swapped>,
    },
    Entry {
        name: "dashmap",
        remark: "one variable at a time; a map from number to value",
        prepare: one_variable::<dashmap::Mapped>,
    },
    Entry {
        name: "fast-stm",
        remark: if cfg!(feature = "fast-stm-hash") {
            "not opaque: a transaction may see inconsistent values before it fails; hash logs"
        } else {
            "not opaque: a transaction may see inconsistent values before it fails; faster on \
             long transactions with the feature fast-stm-hash"
        },
        prepare: full::<fast_stm::FastStm>,
    },
    Entry {
        name: "stm-core",
        remark: "not opaque: a transaction may see inconsistent values before it fails",
        prepare: full::<stm_core::StmCore>,
    },
    Entry {
        name: "async-stm",
        remark: "polled once without a runtime",
        prepare: full::<async_stm::AsyncStm>,
    },
    Entry {
        name: "kovan-stm",
        remark: "the newest version this compiler can build",
        prepare: full::<kovan_stm::KovanStm>,
    },
    Entry {
        name: "mvcc_cell",
        remark: "multi-version; vacuumed by each thread after 512 writes",
        prepare: full::<mvcc_cell::MvccCells>,
    },
];

/// What every back end does.
fn one_thread<B: Backend + 'static>(workload: Workload, plan: &Plan) -> Option<Task> {
    match workload {
        Workload::Read1 => Some(single::read_one::<B>(plan)),
        Workload::Rmw => Some(single::add_one::<B>(plan)),
        Workload::Bytes => Some(memory::bytes::<B>()),
        _ => None,
    }
}

/// What a back end with transactions of several variables does on one thread.
fn one_thread_many<B: Transactional + 'static>(workload: Workload, plan: &Plan) -> Option<Task> {
    match workload {
        Workload::Read1000 => Some(single::read_all::<B>(plan)),
        Workload::Mixed1k => Some(single::mixed::<B>(1_000, plan)),
        Workload::Mixed1m => Some(single::mixed::<B>(1_000_000, plan)),
        _ => one_thread::<B>(workload, plan),
    }
}

/// A back end for one thread.
fn alone<B: Transactional + 'static>(workload: Workload, plan: &Plan) -> Option<Task> {
    one_thread_many::<B>(workload, plan)
}

/// A back end without transactions of several variables.
fn one_variable<B: Backend + Sync + 'static>(workload: Workload, plan: &Plan) -> Option<Task> {
    match workload {
        Workload::ThreadsRmw => Some(parallel::add_disjoint::<B>(plan)),
        _ => one_thread::<B>(workload, plan),
    }
}

/// A back end that does everything.
fn full<B: Transactional + Sync + 'static>(workload: Workload, plan: &Plan) -> Option<Task> {
    match workload {
        Workload::Scan => Some(scan::beside::<B>(Writer::Update, plan)),
        Workload::ScanTransfer => Some(scan::beside::<B>(Writer::Transfer, plan)),
        Workload::ThreadsRmw => Some(parallel::add_disjoint::<B>(plan)),
        Workload::ThreadsMixed => Some(parallel::mixed_shared::<B>(plan)),
        _ => one_thread_many::<B>(workload, plan),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{ENTRIES, Entry};
    use crate::measure::{Metric, Plan};
    use crate::workload::Workload;

    const PLAN: Plan = Plan {
        slice: Duration::from_millis(1),
        thread_slice: Duration::from_millis(2),
        scan_slice: Duration::from_millis(10),
        scan_bound: Duration::from_millis(50),
        rounds: 1,
    };

    /// What a workload says on a back end must be possible.
    fn check(entry: &Entry, workload: Workload) {
        let Some(mut task) = entry.prepare(workload, &PLAN) else {
            return;
        };
        let readings = task();
        assert!(!readings.is_empty());
        for (metric, value) in readings {
            let Some(value) = value else {
                assert!(matches!(metric, Metric::Attempts | Metric::ScanTime));
                continue;
            };
            let possible = match metric {
                Metric::Torn => value == 0.0,
                // Memory beside the heap blocks, or a writer that stood still for a moment.
                Metric::Blocks | Metric::Success | Metric::Writes | Metric::WritesAlone => {
                    value >= 0.0
                }
                _ => value > 0.0 && value.is_finite(),
            };
            assert!(possible, "{metric:?} of {} on {} is {value}", workload.name(), entry.name);
        }
    }

    #[test]
    fn every_back_end_can_be_measured() {
        for entry in ENTRIES {
            assert!(entry.prepare(Workload::Read1, &PLAN).is_some(), "{}", entry.name);
            for workload in Workload::RUN_ORDER {
                // A million variables take too long to make for a test.
                if workload != Workload::Mixed1m {
                    check(entry, workload);
                }
            }
        }
    }
}
