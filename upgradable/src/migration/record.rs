//! One flip, and what is still to be converted for it.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use upgradable_stm::layer::KindMap;
use upgradable_stm::{CommitTs, Era, Handle, HeldSnapshot, Kind};

use super::conversion::Conversion;
use super::created::Created;
use super::failure::Failures;
use super::late::LateDoor;
use super::progress::Tally;
use super::restored::Restored;
use super::revival::{Revival, Revivals};
use super::state::{Lifecycle, UpgradeState};
#[cfg(not(loom))]
use crate::sync::AtomicUsize;
use crate::sync::{AtomicBool, AtomicU64, Mutex, Ordering};
use crate::upgrade::{Observer, OnFailure, UpgradeEvent};

/// Told of the turns that a migration takes: of flips just before they happen.
pub(crate) type FlipHook = Box<dyn Fn(Turn) + Send + Sync>;

/// What happens to an upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It begins this era.
    Forward(Era),
    /// Its roll back begins this era.
    Back(Era),
    /// It is kept: what was before this era is over.
    Promoted(Era),
}

/// Which way a flip goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Forward,
    Back,
}

/// A flip: of an upgrade, or of its roll back.
pub(crate) struct Migration {
    pub(crate) name: Arc<str>,
    /// Which flip this one undoes, if it is a roll back.
    pub(crate) undoes: Option<Arc<Migration>>,
    conversions: Vec<Conversion>,
    /// By the kind that is converted, one more than the place of its conversion.
    places: KindMap,
    /// Objects found that nothing refers to any more, to be deleted.
    pub(crate) orphaned: Mutex<Vec<Handle>>,
    /// Of these kinds, those that an earlier flip's transformers have created since: they stay.
    pub(crate) spared: Mutex<Vec<Kind>>,
    /// What its transformers have created.
    pub(crate) created: Created,
    /// The current kinds of the heap when it began.
    pub(crate) known: Vec<Kind>,
    pub(crate) restored: Restored,
    /// Values given by hand to objects that failed.
    pub(crate) repairs: Mutex<HashMap<u64, Box<dyn Any + Send>>>,
    pub(crate) on_failure: OnFailure,
    pub(crate) time_limit: Option<Duration>,
    /// Its transformers that nobody waits for any more, and that have not come back.
    #[cfg(not(loom))]
    pub(crate) hanging: Arc<AtomicUsize>,
    /// Whether some transformer reads other objects, or may.
    pub(crate) reads_others: bool,
    /// Why it can't be undone, if so.
    pub(crate) irreversible: Option<Box<str>>,
    instant: OnceLock<Instant>,
    /// When it was undone; zero if it was not.
    undone_at: AtomicU64,
    /// Its conversions since it was undone.
    pub(crate) revivals: Revivals,
    pub(crate) late: LateDoor,
    pub(crate) failures: Failures,
    pub(crate) tally: Tally,
    pub(crate) life: Lifecycle,
    /// Whether nothing is left to convert.
    done: AtomicBool,
    pub(crate) observer: Observer,
    hooks: Mutex<Arc<[FlipHook]>>,
}

/// When a flip was, and what is kept of the time before.
struct Instant {
    flip: CommitTs,
    before: Mutex<Option<HeldSnapshot>>,
}

impl fmt::Debug for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Migration")
            .field("name", &self.name)
            .field("direction", &self.direction())
            .field("flip", &self.instant.get().map(|instant| instant.flip))
            .finish_non_exhaustive()
    }
}

/// What a [`Migration`] is made of.
pub(crate) struct Parts {
    pub(crate) name: Arc<str>,
    pub(crate) undoes: Option<Arc<Migration>>,
    pub(crate) conversions: Vec<Conversion>,
    pub(crate) known: Vec<Kind>,
    pub(crate) on_failure: OnFailure,
    pub(crate) time_limit: Option<Duration>,
    pub(crate) irreversible: Option<Box<str>>,
    pub(crate) observer: Observer,
    pub(crate) hooks: Arc<[FlipHook]>,
}

impl Migration {
    pub(crate) fn new(parts: Parts) -> Self {
        let undoes = parts.undoes;
        let source = |conversion: &Conversion| match undoes {
            None => conversion.from,
            Some(_) => conversion.to,
        };
        let reads_others =
            parts.conversions.iter().any(|conversion| conversion.facts.reads_others());
        let places = KindMap::default();
        for (conversion, place) in parts.conversions.iter().zip(1..) {
            places.set(source(conversion), place);
        }
        Self {
            conversions: parts.conversions,
            places,
            name: parts.name,
            undoes,
            orphaned: Mutex::default(),
            spared: Mutex::default(),
            created: Created::default(),
            known: parts.known,
            restored: Restored::default(),
            repairs: Mutex::default(),
            on_failure: parts.on_failure,
            time_limit: parts.time_limit,
            #[cfg(not(loom))]
            hanging: Arc::default(),
            reads_others,
            irreversible: parts.irreversible,
            instant: OnceLock::new(),
            undone_at: AtomicU64::new(0),
            revivals: Revivals::default(),
            late: LateDoor::default(),
            failures: Failures::default(),
            tally: Tally::default(),
            life: Lifecycle::default(),
            done: AtomicBool::new(false),
            observer: parts.observer,
            hooks: Mutex::new(parts.hooks),
        }
    }

    pub(crate) fn direction(&self) -> Direction {
        if self.undoes.is_none() { Direction::Forward } else { Direction::Back }
    }

    /// Tells the hooks.
    pub(crate) fn turn(&self, turn: Turn) {
        for hook in &*self.hooks() {
            hook(turn);
        }
    }

    pub(crate) fn hooks(&self) -> Arc<[FlipHook]> {
        Arc::clone(&self.hooks.lock())
    }

    /// Lets go of everything that is kept for conversions and for the way back.
    pub(crate) fn end(&self) {
        self.forget_before();
        let hooks = std::mem::take(&mut *self.hooks.lock());
        drop(hooks);
    }

    /// Tells the state that it comes to, and comes to it.
    pub(crate) fn now(&self, state: UpgradeState) {
        self.observer.tell(&UpgradeEvent::Now(state));
        self.life.set(state);
    }

    /// Notes that nothing is left to convert.
    pub(crate) fn finish(&self) {
        self.done.store(true, Ordering::Relaxed);
    }

    /// Whether something may be left to convert.
    pub(crate) fn is_unfinished(&self) -> bool {
        !self.done.load(Ordering::Relaxed)
    }

    /// Fixes the instant, just before the flip. The one before it is kept, for conversions that
    /// look at it, for the way back, and for what late writers have read.
    pub(crate) fn begin(&self, flip: CommitTs, before: HeldSnapshot) {
        let instant = Instant { flip, before: Mutex::new(Some(before)) };
        let first = self.instant.set(instant);
        debug_assert!(first.is_ok(), "a migration flips once");
    }

    /// The flip's instant; the end of time before it has flipped.
    pub(crate) fn flip(&self) -> CommitTs {
        self.instant.get().map_or(CommitTs::NEVER, |instant| instant.flip)
    }

    /// The instant before the flip, as long as it is kept.
    pub(crate) fn before(&self) -> Option<HeldSnapshot> {
        self.instant.get().and_then(|instant| instant.before.lock().clone())
    }

    /// Whether an object has come to be since the flip.
    pub(crate) fn predates(&self, object: Handle) -> bool {
        self.before().is_none_or(|before| before.read(|s| s.version(object).is_err()))
    }

    /// Kinds that only the undone program knows: nothing refers to such objects any more.
    pub(crate) fn orphans(&self) -> Vec<Kind> {
        let created = self.undoes.as_ref().map(|undone| undone.created.kinds());
        created.into_iter().flatten().filter(|&kind| self.is_foreign(kind)).collect()
    }

    /// Whether objects of this kind are [orphans](Self::orphans).
    pub(crate) fn orphans_are(&self, kind: Kind) -> bool {
        let undone = self.undoes.as_ref();
        undone.is_some_and(|undone| undone.created.contains(kind)) && self.is_foreign(kind)
    }

    /// Only transformers knew where they put what they created; all else the program knows.
    fn is_foreign(&self, kind: Kind) -> bool {
        let known = self.undoes.as_ref().is_some_and(|undone| undone.known.contains(&kind));
        !known && self.conversions().all(|c| c.to != kind)
    }

    /// Whether the object's version with this stamp is as this flip made it.
    pub(crate) fn has_made(&self, object: Handle, stamp: CommitTs) -> bool {
        stamp == self.flip() || stamp > self.flip() && self.restored.contains(object, stamp)
    }

    /// Lets go of the instant before the flip.
    pub(crate) fn forget_before(&self) {
        let before = self.instant.get().and_then(|instant| instant.before.lock().take());
        drop(before);
    }

    /// From `at` on, it is as if it had not been.
    pub(crate) fn undo_at(&self, at: CommitTs) {
        // For those who began before that, conversions go on.
        self.done.store(false, Ordering::Relaxed);
        // Relaxed: set before the clock is advanced to the instant that it concerns.
        self.undone_at.store(at.to_bits(), Ordering::Relaxed);
    }

    /// When it was undone, if it was.
    pub(crate) fn undone_at(&self) -> Option<CommitTs> {
        let at = self.undone_at.load(Ordering::Relaxed);
        (at != 0).then(|| CommitTs::from_bits(at))
    }

    /// Lets a converted value be installed before what is returned goes: as a
    /// [revival](super::revival), if it is of an undone version. `None` if those are over.
    pub(crate) fn admit(&self) -> Option<Option<Revival<'_>>> {
        let revives = self.undoes.is_none() && self.undone_at().is_some();
        if revives { self.revivals.begin().map(Some) } else { Some(None) }
    }

    /// Whether it is as if it had not been, for somebody at this instant.
    pub(crate) fn is_undone_for(&self, at: CommitTs) -> bool {
        self.undone_at().is_some_and(|undone| undone <= at)
    }

    pub(crate) fn conversions(&self) -> impl Iterator<Item = &Conversion> {
        self.conversions.iter()
    }

    /// How a version must be converted to be seen at `at`, if this flip demands it.
    ///
    /// What had not been converted when the flip was undone is as it should be. But as long as
    /// somebody who began before that may convert it for himself, it goes forward and back all the
    /// same: a version written over the unconverted one would leave him nothing to see.
    pub(crate) fn conversion_of(
        &self,
        kind: Kind,
        stamp: CommitTs,
        at: CommitTs,
    ) -> Option<&Conversion> {
        if stamp >= self.flip() || self.flip() > at {
            return None;
        }
        match &self.undoes {
            None if self.revivals.are_over() => return None,
            Some(undone) if stamp < undone.flip() => return None,
            _ => {}
        }
        self.conversion(kind)
    }

    /// Whether objects of this kind, stamped before the flip, are converted by it.
    pub(crate) fn converts(&self, kind: Kind) -> bool {
        self.conversion(kind).is_some()
    }

    fn conversion(&self, kind: Kind) -> Option<&Conversion> {
        let before = (self.places.get(kind) as usize).checked_sub(1)?;
        self.conversions.get(before)
    }
}
