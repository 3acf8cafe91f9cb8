//! Lazy migration: which objects a flip converts, and their first touch.
//!
//! # Invariants
//!
//! 1. An object is converted by the *earliest* flip between the stamp of its version and the
//!    snapshot that looks at it that converts its kind; one version is installed for each flip,
//!    stamped with the flip's own instant. ([`Migrations::touch`])
//! 2. What a conversion sees besides its object is the instant before its flip, which is kept as
//!    a live snapshot while it may be needed. ([`record`])
//! 3. A late writer is judged against the flip that ended its era, and no other. ([`late`])
//! 4. A flip is forgotten only when no version that it would convert is visible to anybody who
//!    begins, nobody is inside its late door, and every flip before it has been forgotten or is
//!    complete. ([`sweep`])
//! 5. When an undone flip is forgotten nobody is left who puts a version of it into the heap.
//!    ([`revival`])

pub(crate) mod conversion;
pub(crate) mod created;
pub(crate) mod failure;
pub(crate) mod late;
#[cfg(not(loom))]
pub(crate) mod limit;
#[cfg(not(loom))]
mod nesting;
pub(crate) mod progress;
pub(crate) mod record;
mod restored;
pub(crate) mod revival;
pub(crate) mod state;
#[cfg(not(loom))]
pub(crate) mod sweep;
#[cfg(all(test, not(loom)))]
mod tests;

use std::cell::OnceCell;
use std::sync::Arc;

use upgradable_stm::layer::{Layer, Touch, Touched, Written};
use upgradable_stm::{CommitTs, Domain, Era, Handle, Kind};

use self::conversion::{AtFlip, Conversion, Installed};
use self::record::Migration;
use crate::access::{AccessError, TransformFailure};
use crate::error::{TransformError, TransformErrorKind};
use crate::heap::types::Types;
use crate::sync::{AtomicBool, Mutex, Ordering, Published};
use crate::transformer::Surroundings;
use crate::upgrade::{OnFailure, UpgradeEvent};

/// The flips of a heap whose conversions may be needed yet, earliest first.
#[derive(Debug)]
pub(crate) struct Migrations {
    pub(crate) types: Types,
    flips: Published<Vec<Arc<Migration>>>,
    /// Held by whoever changes the flips or sets floors by them: a flip becomes complete while
    /// another one begins.
    changing: Mutex<()>,
    /// Some flip's policy asks for its roll back.
    pub(crate) unwanted: AtomicBool,
    #[cfg(not(loom))]
    pub(crate) workers: limit::Workers,
}

/// The heap's layer over its domain.
#[derive(Debug)]
pub(crate) struct Lazily(pub(crate) Arc<Migrations>);

impl Default for Migrations {
    fn default() -> Self {
        Self {
            types: Types::default(),
            flips: Published::new(Vec::new()),
            changing: Mutex::default(),
            unwanted: AtomicBool::new(false),
            #[cfg(not(loom))]
            workers: limit::Workers::default(),
        }
    }
}

impl Migrations {
    /// The flips that may be needed yet.
    pub(crate) fn flips(&self) -> Vec<Arc<Migration>> {
        self.flips.load().to_vec()
    }

    /// Whether the flip may be needed yet.
    fn knows(&self, migration: &Arc<Migration>) -> bool {
        self.flips.load().iter().any(|flip| Arc::ptr_eq(flip, migration))
    }

    /// Adds a flip that is about to happen.
    pub(crate) fn push(&self, migration: Arc<Migration>) {
        let _changing = self.changing.lock();
        let mut flips = self.flips();
        flips.push(migration);
        self.flips.store(flips);
    }

    /// Forgets flips.
    pub(crate) fn remove(&self, gone: &[&Arc<Migration>]) {
        let _changing = self.changing.lock();
        let mut flips = self.flips();
        flips.retain(|flip| !gone.iter().any(|gone| Arc::ptr_eq(flip, gone)));
        self.flips.store(flips);
    }

    /// Forgets everything: the heap is going.
    pub(crate) fn clear(&self) {
        self.flips.store(Vec::new());
        #[cfg(not(loom))]
        self.workers.part();
    }

    /// Sets each kind's floor to the latest flip that converts it and is not complete.
    pub(crate) fn set_floors(&self, domain: &Domain, of: &Migration) {
        // What is set last must know of every flip.
        let _changing = self.changing.lock();
        let flips = self.flips.load();
        let kinds = of.conversions().flat_map(|c| [c.from, c.to]).chain(of.orphans());
        for kind in kinds {
            let converting = flips.iter().filter(|flip| {
                flip.is_unfinished() && (flip.converts(kind) || flip.orphans_are(kind))
            });
            let floor = converting.map(|flip| flip.flip()).max();
            domain.set_floor(kind, floor.unwrap_or(upgradable_stm::CommitTs::ZERO));
        }
    }

    /// Converts the object, if some flip demands it.
    fn touch(&self, touch: &mut Touch<'_>) -> Touched {
        let (version, at) = (touch.version(), touch.at());
        let flips = self.flips.load();
        for flip in flips.iter() {
            if let Some(conversion) = flip.conversion_of(version.kind, version.stamp, at) {
                return self.convert(touch, flip, conversion);
            }
            if touch.is_swept() && flip.flip() <= at && flip.orphans_are(version.kind) {
                flip.orphaned.lock().push(touch.handle());
            }
        }
        Touched::AsIs
    }

    fn convert(
        &self,
        touch: &mut Touch<'_>,
        flip: &Arc<Migration>,
        conversion: &Conversion,
    ) -> Touched {
        let object = touch.handle();
        // The way back is open to what can't go forward: nobody has seen it there.
        let undone = flip.is_undone_for(touch.at());
        if undone && flip.failures.get(object).is_some() {
            return Touched::AsIs;
        }
        if flip.failures.len() > 0
            && let Some(value) = flip.repairs.lock().remove(&object.to_bits())
        {
            if let Some(_admitted) = flip.admit()
                && (conversion.repair)(touch, value, flip.flip())
            {
                flip.failures.strike(object);
            }
            return Touched::Again;
        }
        if flip.on_failure == OnFailure::Quarantine
            && !is_worker()
            && let Some(failure) = flip.failures.quarantined(object)
        {
            return refused(touch, failure);
        }
        if touch.is_buried() {
            // It could not be converted, and was deleted then: it stays what it was for those who
            // still see it.
            if undone {
                return Touched::AsIs;
            }
            let gone = || {
                let source = Box::new(AccessError::Deleted);
                failure_of(object, flip, conversion, TransformErrorKind::Host { source }.into())
            };
            return refused(touch, flip.failures.get(object).unwrap_or_else(gone));
        }
        #[cfg(not(loom))]
        if let Some(limit) = flip.time_limit
            && !is_worker()
        {
            if let Err(error) = self.workers.touch(touch, limit, &flip.hanging) {
                let failure = self.fail(object, flip, conversion, error.into());
                return if undone { Touched::AsIs } else { refused(touch, failure) };
            }
            return match flip.failures.get(object) {
                Some(_) if undone => Touched::AsIs,
                Some(failure) => refused(touch, failure),
                None => Touched::Again,
            };
        }
        #[cfg(not(loom))]
        let Some(_nesting) = nesting::Nesting::enter(flip, object) else {
            let error = TransformErrorKind::Circular.into();
            return refused(touch, failure_of(object, flip, conversion, error));
        };
        match self.run(touch, flip, conversion) {
            Ok(true) => {
                let tally = &flip.tally;
                let by = if is_swept(touch) { &tally.by_sweep } else { &tally.by_touch };
                by.add(1);
                flip.failures.strike(object);
                Touched::Again
            }
            Ok(false) => {
                flip.tally.lost.add(1);
                Touched::Again
            }
            // Whoever has given it up has noted that; by now it may have been mended.
            Err(_) if is_given_up() => Touched::Refused,
            // The flip has been forgotten meanwhile: somebody else has converted the object.
            Err(_) if !self.knows(flip) => Touched::Again,
            Err(error) => {
                let failure = self.fail(object, flip, conversion, error);
                if undone { Touched::AsIs } else { refused(touch, failure) }
            }
        }
    }

    /// Runs the conversion, with what it needs to see. If that is not kept any more, the flip has
    /// been completed since it was looked up: then somebody else has converted the object.
    fn run(
        &self,
        touch: &mut Touch<'_>,
        flip: &Arc<Migration>,
        conversion: &Conversion,
    ) -> Installed {
        let (types, created) = (&self.types, &flip.created);
        let around = Surroundings { at_flip: None, flip: flip.flip(), types, created };
        let revival = OnceCell::new();
        let still_wanted = || {
            limit_admission(flip)?;
            Ok(flip.admit().is_some_and(|admitted| revival.set(admitted).is_ok()))
        };
        let Some(undone) = &flip.undoes else {
            if !conversion.facts.reads_others() {
                return (conversion.forward)(touch, around, &still_wanted);
            }
            let Some(before) = flip.before() else { return Ok(false) };
            return before.read(|at_flip| {
                let around = Surroundings { at_flip: Some(at_flip), ..around };
                (conversion.forward)(touch, around, &still_wanted)
            });
        };
        let (Some(then), Some(now)) = (undone.before(), flip.before()) else { return Ok(false) };
        then.read(|before| {
            now.read(|at_flip| {
                let around = Surroundings { at_flip: Some(at_flip), ..around };
                // What a transformer gave to other objects comes back from there: they may have
                // changed although this one has not.
                let unchanged = undone.has_made(touch.handle(), touch.version().stamp)
                    && !conversion.facts.reads_others();
                if unchanged && let Ok(old) = before.version(touch.handle()) {
                    self.note_restored(touch.handle(), old.stamp, flip.flip());
                }
                let at_undone = AtFlip { before, unchanged };
                (conversion.back)(touch, &at_undone, around, &still_wanted)
            })
        })
    }

    /// Notes that the object becomes again what it was in its version `old`, by one with the stamp
    /// `now`: for the flips that may have made the old one.
    fn note_restored(&self, object: Handle, old: CommitTs, now: CommitTs) {
        for flip in self.flips.load().iter() {
            if flip.irreversible.is_none() && flip.has_made(object, old) {
                flip.restored.insert(object, now);
            }
        }
    }

    /// Whether some flip converts objects to this kind, and may be undone or undoes another.
    pub(crate) fn may_go_back(&self, kind: Kind) -> bool {
        let flips = self.flips.load();
        flips.iter().any(|flip| flip.conversions().any(|c| c.from == kind || c.to == kind))
    }

    /// Why an object could not be converted, last: for who has not been told.
    #[cold]
    pub(crate) fn noted_failure(&self, object: Handle) -> Option<Arc<TransformFailure>> {
        self.flips().iter().rev().find_map(|flip| flip.failures.get(object))
    }

    /// Notes that an object could not be converted.
    fn fail(
        &self,
        object: Handle,
        flip: &Arc<Migration>,
        conversion: &Conversion,
        error: TransformError,
    ) -> Arc<TransformFailure> {
        let failure = failure_of(object, flip, conversion, error);
        // Before anybody is told: a late writer might change what has failed.
        flip.late.close();
        flip.failures.enter(Arc::clone(&failure));
        if flip.undone_at().is_some() {
            return failure;
        }
        flip.observer.tell(&UpgradeEvent::Failed(Arc::clone(&failure)));
        if flip.on_failure == OnFailure::RollBack && flip.undoes.is_none() {
            self.unwanted.store(true, Ordering::Relaxed);
        }
        failure
    }
}

fn failure_of(
    object: Handle,
    flip: &Migration,
    conversion: &Conversion,
    error: TransformError,
) -> Arc<TransformFailure> {
    let (old, new) = conversion.versions;
    Arc::new(TransformFailure {
        object: object.to_bits(),
        versions: if flip.undoes.is_none() { (old, new) } else { (new, old) },
        upgrade: Arc::clone(&flip.name),
        error,
    })
}

/// The object may not be seen.
fn refused(touch: &Touch<'_>, why: Arc<TransformFailure>) -> Touched {
    if !touch.is_swept() {
        failure::refuse(why);
    }
    Touched::Refused
}

/// Whether the object is touched by a sweep, itself or by way of a transformer's own thread.
fn is_swept(touch: &Touch<'_>) -> bool {
    #[cfg(not(loom))]
    if limit::is_sweeping() {
        return true;
    }
    touch.is_swept()
}

#[cfg(not(loom))]
use limit::{is_given_up, is_worker};

#[cfg(loom)]
fn is_worker() -> bool {
    false
}

#[cfg(loom)]
fn is_given_up() -> bool {
    false
}

#[cfg(not(loom))]
fn limit_admission(flip: &Migration) -> Result<(), TransformError> {
    match flip.time_limit {
        Some(limit) if limit::is_given_up() => Err(TransformErrorKind::TimedOut { limit }.into()),
        _ => Ok(()),
    }
}

#[cfg(loom)]
fn limit_admission(_: &Migration) -> Result<(), TransformError> {
    Ok(())
}

/// A model has the threads that it makes, and no others.
#[cfg(loom)]
impl crate::heap::HeapInner {
    pub(crate) fn migrate_in_background(self: &Arc<Self>) {}

    pub(crate) fn tidy_in_background(self: &Arc<Self>, _: CommitTs) {}
}

impl Layer for Lazily {
    /// The conditions G1 and G2: everything written belongs to a lineage that the flip out of the
    /// writer's era converts and has not been converted, and the flip's transformers read nothing
    /// but their own objects, and have not failed yet. (G3 is the core's.)
    ///
    /// Whoever has seen such an object in the new era has converted it; so nobody has. And of what
    /// it creates nobody has seen that it is not there ([`late`]).
    fn admits_late(&self, era: Era, written: &[Written]) -> bool {
        let flips = self.0.flips.load();
        let ended = |flip: &&Arc<Migration>| era.next() == Some(flip.flip().era());
        let Some(flip) = flips.iter().find(ended) else { return false };
        // A roll back, or what is rolled back, is seen without a trace.
        if flip.undoes.is_some() || flip.undone_at().is_some() || flip.reads_others {
            return false;
        }
        let untouched = written.iter().all(|object| {
            object.newest.is_none_or(|(kind, stamp)| stamp < flip.flip() && flip.converts(kind))
        });
        let creates = written.iter().any(|object| object.newest.is_none());
        let unmissed = !creates || flip.late.may_create();
        untouched && unmissed && flip.late.enter()
    }

    fn looks_for_absent(&self, at: CommitTs) {
        for flip in self.0.flips.load().iter().filter(|flip| flip.flip() <= at) {
            flip.late.survey();
        }
    }

    fn late_ended(&self, era: Era) {
        let flips = self.0.flips.load();
        if let Some(flip) = flips.iter().find(|flip| era.next() == Some(flip.flip().era())) {
            flip.late.leave();
        }
    }

    fn touch(&self, touch: &mut Touch<'_>) -> Touched {
        self.0.touch(touch)
    }
}
