//! loom models of lazy migration: one small file a claim.
//!
//! They run under `--cfg loom` (`ci/loom.sh`), with the core's stand-in for the collector. What
//! has threads or time of its own is left out: the sweeper is its sweep, an upgrade is its flip.
//! The tables that are replaced as a whole are behind a lock here.

mod failed_touch_against_late_writer;
mod first_touch_against_first_touch;
mod first_touch_against_late_writer;
mod first_touch_against_sweep;
mod first_touch_against_writer;
mod flip_against_begin;
mod flip_instant_against_trim;
mod late_creator_against_survey;
mod raw;
mod revival_against_the_last_pass;
mod roll_back_against_first_touch;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use raw::Seen;

use crate::error::TransformError;
use crate::heap::Heap;
use crate::lineage::Upgradable;
use crate::migration::record::Migration;
use crate::object::Ref;
use crate::transformer::{Cx, Profile, UpgradeFrom};
use crate::upgrade::Upgrade;

/// Preemptions to explore; more, if `LOOM_MAX_PREEMPTIONS` says so.
const PREEMPTIONS: usize = 2;

/// What the transformer of the models refuses.
const UNFIT: u32 = 13;

/// Runs a model under the usual bound.
fn model(f: impl Fn() + Send + Sync + 'static) {
    model_within(PREEMPTIONS, f);
}

/// Runs a model under a bound of its own.
fn model_within(preemptions: usize, f: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.max(Some(preemptions));
    builder.max_branches = 50_000;
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

mod old {
    use super::Seen;
    use crate::lineage::{Fingerprint, FingerprintBuilder, Origin, Upgradable};

    /// A number. Its transformer adds a hundred.
    #[derive(Clone, Debug)]
    pub(super) struct Cell(pub(super) Seen);

    impl Upgradable for Cell {
        const LINEAGE: &'static str = "model.Cell";
        const VERSION: u32 = 1;
        const FINGERPRINT: Fingerprint = FingerprintBuilder::named::<Self>("model.Cell").finish();
        type Prev = Origin;
    }
}

#[derive(Clone, Debug)]
struct Cell(Seen);

impl Upgradable for Cell {
    const LINEAGE: &'static str = "model.Cell";
    const VERSION: u32 = 2;
    const FINGERPRINT: crate::Fingerprint =
        crate::FingerprintBuilder::named::<Self>("model.Cell 2").finish();
    type Prev = old::Cell;
}

impl UpgradeFrom<old::Cell> for Cell {
    const PROFILE: Profile = Profile::both_ways();

    fn upgrade_from(old: &old::Cell, _: &mut Cx<'_>) -> Result<Self, TransformError> {
        let number = old.0.get();
        if number == UNFIT {
            return Err("it is unfit".into());
        }
        // The value stays while it is looked at.
        loom::thread::yield_now();
        Ok(Self(Seen::new(number.max(old.0.get()) + 100)))
    }

    fn put(new: &Self, _: Option<&old::Cell>, _: &mut Cx<'_>) -> Result<old::Cell, TransformError> {
        Ok(old::Cell(Seen::new(new.0.get() - 100)))
    }
}

/// Begins the upgrade.
fn flip(heap: &Heap) -> Arc<Migration> {
    match heap.inner.begin(Upgrade::to("2").migrate::<old::Cell, Cell>()) {
        Ok(migration) => migration,
        Err(error) => panic!("{error}"),
    }
}

fn create<T: Upgradable>(heap: &Heap, value: T) -> Ref<T> {
    heap.atomically(|tx| Ok(tx.create(value.clone())?)).unwrap()
}

fn cell(heap: &Heap, number: u32) -> Ref<old::Cell> {
    create(heap, old::Cell(Seen::new(number)))
}

/// The number in the new version.
fn look(heap: &Heap, object: Ref<old::Cell>) -> u32 {
    heap.snapshot(|s| {
        let cell = s.read(object.cast::<Cell>()).unwrap();
        let number = cell.0.get();
        loom::thread::yield_now();
        cell.0.get().max(number)
    })
}

/// Adds to the number in the new version.
fn add(heap: &Heap, object: Ref<old::Cell>, number: u32) {
    heap.atomically(|tx| {
        Ok(tx.modify(object.cast(), |cell: &mut Cell| cell.0 = Seen::new(cell.0.get() + number))?)
    })
    .unwrap();
}

/// To be called at the end of a model: the panic of a value that was dropped while somebody used
/// it would otherwise be swallowed like that of any `Drop`.
fn expect_orderly(heap: &Heap) {
    heap.reclaim();
    assert_eq!(heap.stats().drop_panics, 0, "a value was dropped out of order");
}
