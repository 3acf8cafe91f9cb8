//! Showing a layer the versions that were written before the floor.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::Range;

use super::frame::{Frame, Grasp};
use super::pending;
use super::slab::Numbered;
use super::slot::{NodePtr, NodeRef};
use super::value;
use crate::clock::CommitTs;
use crate::domain::Domain;
use crate::error::AccessError;
use crate::handle::Handle;
use crate::kind::Kind;
use crate::layer::{NotNewest, Touched, Version};
use crate::reclaim::collector::Guard;
use crate::snapshot::HeldSnapshot;
use crate::sync::{Ordering, fence_after_rmw};

/// So often a transaction looks again at one object. Each look but the last has met a version that
/// was not there before: there is one for each floor that was set since, and one for each late
/// writer of the object. More often means that the layer says it has changed what it has not.
const LOOKS: u32 = 1_000;

/// A version written before the floor, at the moment when a transaction is about to see it.
///
/// ```
/// use upgradable_stm::layer::{Layer, Touch, Touched};
/// use upgradable_stm::{CommitTs, Domain, Kind, Seq};
///
/// /// Turns numbers into texts, lazily: every number of the first era that is touched later.
/// #[derive(Debug)]
/// struct Texts;
///
/// impl Layer for Texts {
///     fn touch(&self, touch: &mut Touch<'_>) -> Touched {
///         let flip = CommitTs::new(touch.at().era(), Seq::ZERO);
///         match touch.value::<u32>() {
///             Some(number) if touch.version().stamp < flip => {
///                 // Whether this one or somebody else's was installed, there is a text now.
///                 let _ = touch.install(flip, number.to_string());
///                 Touched::Again
///             }
///             _ => Touched::AsIs,
///         }
///     }
/// }
///
/// let domain = Domain::builder().layer(Texts).build().unwrap();
/// let name = domain.atomically(|tx| Ok(tx.create(7_u32)));
/// domain
///     .advance_era(|era| domain.set_floor(Kind::of::<u32>(), CommitTs::new(era, Seq::ZERO)))
///     .unwrap();
/// assert_eq!(domain.snapshot(|s| s.get::<String>(name).cloned()).unwrap(), "7");
/// ```
pub struct Touch<'t> {
    frame: &'t Frame<'t>,
    handle: Handle,
    seen: NodeRef<'t>,
    grasp: Grasp,
    swept: bool,
    /// Objects that will come to be with the version that is installed.
    reserved: RefCell<Vec<Reserved>>,
    /// From before the version was found.
    _pin: Guard,
}

/// A slot with a first version that nobody can find.
#[derive(Clone, Copy)]
struct Reserved {
    slot: Numbered,
    node: NodePtr,
}

impl fmt::Debug for Touch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Touch").field("version", &self.version()).finish_non_exhaustive()
    }
}

impl Touch<'_> {
    /// The object.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle
    }

    /// The version.
    #[must_use]
    pub fn version(&self) -> Version {
        Version { kind: self.seen.kind(), stamp: self.seen.stamp() }
    }

    /// The snapshot of the transaction that is about to see it.
    #[must_use]
    pub fn at(&self) -> CommitTs {
        self.frame.at()
    }

    /// Whether it is touched by [`Domain::sweep`](crate::Domain::sweep), not by a transaction.
    #[must_use]
    pub fn is_swept(&self) -> bool {
        self.swept
    }

    /// Whether something lies over it that the [snapshot](Self::at) does not see: then nothing can
    /// be [installed](Self::install) over it any more.
    #[must_use]
    pub fn is_buried(&self) -> bool {
        // The handle names another object once this one has been deleted, and seen by nobody.
        let Ok(numbered) = self.frame.resolve(self.handle) else { return true };
        let newest = self.frame.inner().slot(numbered.slot).wait_unlocked().node();
        newest.map(|newest| newest.ptr()) != Some(self.seen.ptr())
            && self.frame.find(numbered).is_ok_and(|seen| seen.ptr() == self.seen.ptr())
    }

    /// The [snapshot](Self::at) of the transaction, kept for whoever looks on its behalf and may
    /// do so for longer.
    ///
    /// # Panics
    ///
    /// When `domain` is not the one that the object is of.
    #[must_use]
    pub fn hold(&self, domain: &Domain) -> HeldSnapshot {
        let inner = self.frame.inner();
        assert!(std::ptr::eq(inner, &*domain.inner), "an object of another domain is touched");
        let seat = inner.registry.join();
        // The frame keeps the instant live until this announcement does.
        seat.announce_protected(self.at());
        HeldSnapshot::new(domain.clone(), seat, self.at())
    }

    /// Its value, if that is a `T`.
    #[must_use]
    pub fn value<T: Send + Sync + 'static>(&self) -> Option<&T> {
        if self.seen.kind() != Kind::of::<T>() {
            return None;
        }
        // SAFETY: the kind says that the value is a `T`; the version was in its chain after the
        // pin, so it is not reclaimed before the unpin, at the end of `self`. If it lies in its
        // slot it is in hand, so that nobody moves it but `install`, which takes `self` mutably.
        Some(unsafe { value::get(self.seen.ptr()) })
    }

    /// An object that comes to be when the next [`install`](Self::install) succeeds, at the same
    /// instant, and never otherwise. Until then its handle names nothing.
    ///
    /// # Panics
    ///
    /// When the domain holds more than four thousand million objects.
    pub fn create<T: Send + Sync + 'static>(&self, value: T) -> Handle {
        let (context, inner) = (self.frame.context(), self.frame.inner());
        let kind = Kind::of::<T>();
        let slot = match kind.info().map(|info| context.slots.take(info, &inner.slots)) {
            Some(Ok(slot)) => slot,
            _ => panic!("a domain holds at most four thousand million objects"),
        };
        let at = inner.slot(slot.slot);
        let node = if at.has_room() {
            pending::first_version(at, value, kind, context, inner)
        } else {
            pending::new_past_version(value, kind, context, inner)
        };
        self.reserved.borrow_mut().push(Reserved { slot, node });
        Handle::new(slot.number, at.meta().load(Ordering::Relaxed))
    }

    /// Puts a version at the past instant `at` over it, and with it the objects
    /// [created](Self::create).
    ///
    /// Where nobody else can have a reference to the value below, it takes that value's place, and
    /// that goes elsewhere: so a [value](Self::value) is looked at again afterwards.
    ///
    /// # Errors
    ///
    /// [`NotNewest`] when something else lies over it by now, or `at` is before it, or after the
    /// transaction's snapshot.
    pub fn install<T: Send + Sync + 'static>(
        &mut self,
        at: CommitTs,
        value: T,
    ) -> Result<(), NotNewest<T>> {
        let inner = self.frame.inner();
        let reserved = self.reserved.take();
        // Held until it is certain that they come to be: who finds one meanwhile waits.
        for &Reserved { slot, node } in &reserved {
            let node = inner.node(node);
            node.set_stamp(at);
            inner.slot(slot.slot).publish_locked(node);
        }
        let over = self.seen.stamp();
        let installed = self.frame.install(self.handle, over, at, self.grasp, value);
        if installed.is_ok() {
            for new in &reserved {
                inner.slot(new.slot.slot).publish(inner.node(new.node));
            }
            if !reserved.is_empty() {
                inner.watches.wake_all(reserved.iter().map(|new| new.slot.slot));
            }
        } else {
            for new in reserved {
                inner.slot(new.slot.slot).vacate();
                self.discard(new);
            }
        }
        self.seen = installed?;
        Ok(())
    }

    /// Gives a slot back whose object did not come to be. Runs the user's `Drop`.
    fn discard(&self, Reserved { slot, node }: Reserved) {
        self.frame.inner().node(node).set_stamp(CommitTs::NEVER);
        pending::discard_created(slot, node, self.frame.context(), self.frame.inner());
    }
}

impl Drop for Touch<'_> {
    fn drop(&mut self) {
        for new in self.reserved.take() {
            self.discard(new);
        }
    }
}

/// While the layer is asked: updates begun on this thread are nested.
struct Asking<'c> {
    updating: &'c Cell<bool>,
    before: bool,
}

impl<'c> Asking<'c> {
    fn new(updating: &'c Cell<bool>) -> Self {
        Self { updating, before: updating.replace(true) }
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.updating.set(self.before);
    }
}

impl<'d> Frame<'d> {
    /// The version of an object that the snapshot sees, tombstones included: one that is above the
    /// floor, or that the layer leaves as it is.
    ///
    /// What is compared with the floor is what is returned: something else may be there a moment
    /// later, at a past instant that the snapshot sees, and below a floor.
    /// (loom models `look_against_...`.)
    #[inline(always)]
    pub(crate) fn look(&self, slot: Numbered, handle: Handle) -> Result<NodeRef<'d>, AccessError> {
        match self.glance(slot, handle) {
            Some(seen) => Ok(seen),
            None => self.look_closely(slot, handle),
        }
    }

    /// The version, if it is the newest one and there is nothing else to say of it.
    #[inline(always)]
    fn glance(&self, slot: Numbered, handle: Handle) -> Option<NodeRef<'d>> {
        let highest = self.inner().floors.highest();
        let newest = self.newest(self.inner().slot(slot.slot))?;
        self.expect_name(slot, handle).ok()?;
        (highest == CommitTs::ZERO || self.is_above_floor(slot, newest, highest)).then_some(newest)
    }

    #[cold]
    #[inline(never)]
    fn look_closely(&self, slot: Numbered, handle: Handle) -> Result<NodeRef<'d>, AccessError> {
        let highest = self.inner().floors.highest();
        let found = self.find_named(slot, handle);
        if highest == CommitTs::ZERO {
            return found;
        }
        match found {
            Ok(seen) if self.is_above_floor(slot, seen, highest) => Ok(seen),
            Err(AccessError::Unborn) => self.look_for_late(slot, handle),
            Ok(_) => self.touch(slot, handle, false),
            Err(error) => Err(error),
        }
    }

    /// Looks for an object that is not there, once nobody creates it any more in a past that the
    /// snapshot sees.
    fn look_for_late(&self, slot: Numbered, handle: Handle) -> Result<NodeRef<'d>, AccessError> {
        self.look_for_absent();
        self.touch(slot, handle, false)
    }

    /// The version of an object that the snapshot sees, whatever the layer says of it.
    pub(super) fn look_beneath(
        &self,
        slot: Numbered,
        handle: Handle,
    ) -> Result<NodeRef<'d>, AccessError> {
        loop {
            let seen = self.find_named(slot, handle)?;
            // From here on nobody takes its place, so that its address stands for it.
            if self.grasp(slot, seen, seen.stamp()).is_some() {
                return Ok(seen);
            }
        }
    }

    /// Tells the layer that what is not there, now or when it was asked for, is about to be seen
    /// so.
    fn look_for_absent(&self) {
        let inner = self.inner();
        if let Some(layer) = &inner.layer
            && inner.floors.highest() != CommitTs::ZERO
        {
            layer.looks_for_absent(self.at());
        }
    }

    /// The handles of all objects that the snapshot sees.
    pub(crate) fn handles(&self) -> impl Iterator<Item = Handle> {
        self.look_for_absent();
        self.inner().slots.iter().filter_map(|numbered| {
            let slot = self.inner().slot(numbered.slot);
            let meta = slot.meta().load(Ordering::Acquire);
            let version = self.version(slot)?;
            // Acquire, and again: the version is of the object with this generation.
            let same = slot.meta().load(Ordering::Acquire) == meta;
            (same && version.kind() != Kind::NONE).then(|| Handle::new(numbered.number, meta))
        })
    }

    /// Whether a version that was found need not be shown to the layer.
    #[inline]
    fn is_above_floor(&self, slot: Numbered, seen: NodeRef<'d>, highest: CommitTs) -> bool {
        let stamp = seen.stamp();
        if stamp >= highest {
            // One that has come into the place of the one that was found may be above the snapshot.
            return stamp <= self.at();
        }
        // The kind may be that of a successor to what has the stamp, which is in the head then.
        stamp >= self.inner().floors.of(seen.kind()) && self.is_there_still(slot, seen, stamp)
    }

    /// Whether the snapshot sees the same version as before.
    #[inline]
    fn is_there_still(&self, slot: Numbered, seen: NodeRef<'d>, stamp: CommitTs) -> bool {
        self.find(slot).is_ok_and(|again| again.ptr() == seen.ptr() && again.stamp() == stamp)
    }

    /// Shows the layer what the snapshot sees of an object, as long as that is below the floor and
    /// the layer changes it. Returns what is to be seen then.
    #[cold]
    fn touch(
        &self,
        slot: Numbered,
        handle: Handle,
        swept: bool,
    ) -> Result<NodeRef<'d>, AccessError> {
        let inner = self.inner();
        let Some(layer) = &inner.layer else { return self.find_named(slot, handle) };
        for _ in 0..LOOKS {
            let pin = self.context().pin();
            // Before the look: who finds that the floors are gone finds the lock of who has succeeded
            // below them.
            let highest = inner.floors.highest();
            let seen = self.find_named(slot, handle)?;
            let stamp = seen.stamp();
            if seen.kind() == Kind::NONE || self.is_above_floor(slot, seen, highest) {
                return Ok(seen);
            }
            let Some(grasp) = self.grasp(slot, seen, stamp) else { continue };
            let reserved = RefCell::default();
            let mut touch = Touch { frame: self, handle, seen, grasp, swept, reserved, _pin: pin };
            let asking = Asking::new(&self.context().updating);
            #[cfg(chaos)]
            crate::chaos::falter();
            let touched = layer.touch(&mut touch);
            #[cfg(chaos)]
            crate::chaos::falter();
            let seen = inner.node(touch.seen.ptr());
            // What was reserved in vain is dropped while updates are still refused: its drop is
            // the user's.
            drop(touch);
            drop(asking);
            // Unless somebody has put another one over it while the layer decided.
            let is_there = self.find(slot)?.ptr() == seen.ptr();
            match touched {
                Touched::AsIs if is_there => {
                    // Who sweeps has no reference any more.
                    if swept && matches!(grasp, Grasp::Alone(_)) {
                        seen.let_go();
                    }
                    return Ok(seen);
                }
                Touched::Refused if is_there => return Err(AccessError::Refused),
                Touched::AsIs | Touched::Again | Touched::Refused => {}
            }
        }
        self.look_beneath(slot, handle)
    }

    /// Takes a version in hand, if nobody has put another one in its place.
    fn grasp(&self, slot: Numbered, seen: NodeRef<'d>, stamp: CommitTs) -> Option<Grasp> {
        if !seen.is_inline() {
            return Some(Grasp::None);
        }
        let first = seen.take_in_hand();
        // Pairs with the fence in `succeed`.
        fence_after_rmw();
        let grasp = if first { Grasp::Alone(seen.ptr()) } else { Grasp::Shared(seen.ptr()) };
        self.is_there_still(slot, seen, stamp).then_some(grasp)
    }

    /// Shows the layer what lies below the floor in the slots with these numbers.
    pub(crate) fn sweep(&self, numbers: Range<u32>) {
        let highest = self.inner().floors.highest();
        // Those who look at the past themselves as they install find nothing bygone.
        let bygone = &self.inner().bygone;
        if highest <= self.at() && !bygone.reaches(highest) {
            bygone.look(highest, &self.inner().contexts);
        }
        let slots = self.inner().slots.iter_from(numbers.start);
        for slot in slots.take_while(|slot| slot.number < numbers.end) {
            // Acquire: the generation before the version, see `SupersededLog::vacate`.
            let meta = self.inner().slot(slot.slot).meta().load(Ordering::Acquire);
            // Nothing there: nothing to do.
            let Ok(seen) = self.find(slot) else { continue };
            if !self.is_above_floor(slot, seen, highest) {
                let _ = self.touch(slot, Handle::new(slot.number, meta), true);
            }
        }
    }
}
