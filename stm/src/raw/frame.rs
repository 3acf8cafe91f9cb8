//! Reading under a snapshot.

use std::sync::Arc;

use super::context::Lent;
use super::pending;
use super::slab::Numbered;
use super::slot::{NodePtr, NodeRef, SlotPtr, SlotRef};
use super::value;
use super::var::Typed;
use crate::clock::CommitTs;
use crate::domain::Inner;
use crate::error::AccessError;
use crate::event::Event;
use crate::handle::Handle;
use crate::kind::Kind;
use crate::layer::NotNewest;
use crate::sync::{Backoff, Ordering, fence_after_rmw};

impl Inner {
    /// The slot at an address that came from this domain's lists.
    #[inline(always)]
    pub(crate) fn slot(&self, ptr: SlotPtr) -> SlotRef<'_> {
        // SAFETY: the lists of a domain hold slots of the domain only, and it is alive.
        unsafe { ptr.as_ref() }
    }

    /// The node at an address that came from this domain's lists.
    #[inline(always)]
    pub(crate) fn node(&self, ptr: NodePtr) -> NodeRef<'_> {
        // SAFETY: the lists of a domain hold nodes of the domain only, and it is alive.
        unsafe { ptr.as_ref() }
    }
}

/// How somebody who installs a version has the one below it in hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grasp {
    /// Not at all, or it lies in no slot.
    None,
    /// Beside others.
    Shared(NodePtr),
    /// As the first, and with no reference to it any more.
    Alone(NodePtr),
}

impl Grasp {
    /// The version that is in hand.
    fn node(self) -> Option<NodePtr> {
        match self {
            Self::None => None,
            Self::Shared(node) | Self::Alone(node) => Some(node),
        }
    }
}

/// A snapshot, announced as long as the frame lives.
#[derive(Debug)]
pub(crate) struct Frame<'d> {
    inner: &'d Inner,
    context: Lent<'d>,
    at: CommitTs,
}

impl<'d> Frame<'d> {
    /// Acquires the newest snapshot.
    #[inline(always)]
    pub(crate) fn begin(inner: &'d Arc<Inner>) -> Self {
        let context = Lent::of(inner);
        // A courtesy, which models do without: they see more so.
        if context.seat.is_asked() && !cfg!(any(loom, shuttle)) {
            inner.make_room(&context);
        }
        let at = context.seat.announce(&inner.clock);
        Self { inner, context, at }
    }

    /// A snapshot at an instant that somebody else keeps live for at least `'d`.
    pub(crate) fn begin_at(inner: &'d Arc<Inner>, at: CommitTs) -> Self {
        let context = Lent::of(inner);
        context.seat.announce_protected(at);
        Self { inner, context, at }
    }

    #[inline(always)]
    pub(crate) fn inner(&self) -> &'d Inner {
        self.inner
    }

    #[inline(always)]
    pub(crate) fn context(&self) -> &Lent<'d> {
        &self.context
    }

    /// The snapshot's instant.
    #[inline(always)]
    pub(crate) fn at(&self) -> CommitTs {
        self.at
    }

    /// The version of `slot` that the snapshot sees.
    ///
    /// Why the fast path needs neither pin nor check: see [`raw`](super).
    #[inline(always)]
    pub(crate) fn version(&self, slot: SlotRef<'d>) -> Option<NodeRef<'d>> {
        self.newest(slot).or_else(|| self.walk(slot))
    }

    /// The newest version of `slot`, if the snapshot sees that and nobody has the slot in hand.
    #[inline(always)]
    pub(super) fn newest(&self, slot: SlotRef<'d>) -> Option<NodeRef<'d>> {
        slot.head().untagged().filter(|newest| newest.stamp() <= self.at)
    }

    #[cold]
    #[inline(never)]
    fn walk(&self, slot: SlotRef<'d>) -> Option<NodeRef<'d>> {
        let counters = &self.context.seat.counters;
        // Nothing reachable from a head loaded after the pin is recycled before the unpin.
        let pin = self.context.pin();
        let mut head = slot.head();
        if head.is_locked() {
            counters.read_waits.add(1);
            head = slot.wait_unlocked();
        }
        let mut node = head.node();
        let mut past = 0;
        while let Some(version) = node {
            if version.stamp() <= self.at {
                break;
            }
            node = version.prev();
            past += 1;
        }
        // What was found is seen by the snapshot.
        drop(pin);
        if past > 0 {
            counters.walks.add(1);
            counters.longest_walk.raise_to(past);
            self.inner.emit(|| Event::Walked { past });
        }
        node
    }

    /// The value of a typed slot.
    #[inline(always)]
    pub(crate) fn read<T>(&self, typed: Typed<T>) -> &T {
        match self.version(self.inner.slot(typed.slot())) {
            // SAFETY: the slot holds only values of type `T`, and the version is seen by this
            // frame's snapshot, which is announced at least for `'t`.
            Some(version) => unsafe { value::get(version.ptr()) },
            None => unreachable!("the first version of a typed slot is visible to every snapshot"),
        }
    }

    /// The value of a version that this frame sees, if it is a `T`.
    #[inline(always)]
    pub(crate) fn value<'t, T: 'static>(
        &'t self,
        version: NodeRef<'d>,
        kind: Kind,
    ) -> Result<&'t T, AccessError> {
        if version.kind() != kind {
            return Err(AccessError::wrong_kind(kind, version.kind()));
        }
        debug_assert!(kind.is::<T>() && version.stamp() <= self.at);
        // SAFETY: the kind says that the value is a `T`; the version is seen by this frame's
        // snapshot, which is announced at least for `'t`.
        Ok(unsafe { value::get(version.ptr()) })
    }

    /// The slot that a handle names.
    #[inline(always)]
    pub(crate) fn resolve(&self, handle: Handle) -> Result<Numbered, AccessError> {
        let slot = self.slot_of(handle)?;
        self.expect_name(slot, handle)?;
        Ok(slot)
    }

    /// The slot with the number that is in a handle, whether it is the object's or not.
    #[inline(always)]
    pub(crate) fn slot_of(&self, handle: Handle) -> Result<Numbered, AccessError> {
        let number = handle.number();
        let slot = self.inner.slots.slot(number).ok_or(AccessError::Foreign)?;
        Ok(Numbered { slot, number })
    }

    /// The slot of an object that will be looked at, asked for.
    #[inline(always)]
    pub(crate) fn prefetch(&self, handle: Handle) -> Option<SlotRef<'d>> {
        let slot = self.inner.slot(self.slot_of(handle).ok()?.slot);
        slot.prefetch();
        Some(slot)
    }

    /// Whether the slot is that of the object with this handle. What was found in it *before* is
    /// the object's then: the slot of a deleted object has the next generation before another
    /// object is put there. What is found in it *later* need not be: another object may come to be
    /// there at a past instant, which the snapshot sees.
    #[inline(always)]
    pub(crate) fn expect_name(&self, slot: Numbered, handle: Handle) -> Result<(), AccessError> {
        // Acquire: see `SupersededLog::vacate`. The Acquire of the load of the head keeps it
        // behind that. (loom model `creation_in_the_past_against_reader`.)
        let meta = self.inner.slot(slot.slot).meta().load(Ordering::Acquire);
        if meta == handle.meta() {
            Ok(())
        } else if handle.has_tag(meta) {
            Err(AccessError::Deleted)
        } else {
            Err(AccessError::Foreign)
        }
    }

    /// The version of an object that the snapshot sees, tombstones included.
    #[inline(always)]
    pub(crate) fn find(&self, slot: Numbered) -> Result<NodeRef<'d>, AccessError> {
        self.version(self.inner.slot(slot.slot)).ok_or(AccessError::Unborn)
    }

    /// The same, if the slot is that of the object with this handle.
    #[inline(always)]
    pub(crate) fn find_named(
        &self,
        slot: Numbered,
        handle: Handle,
    ) -> Result<NodeRef<'d>, AccessError> {
        let found = self.find(slot);
        self.expect_name(slot, handle)?;
        found
    }

    /// Puts a version stamped `at` over the newest one of an object, which must be stamped `over`.
    ///
    /// # Errors
    ///
    /// The value, if the newest version is another one, or `at` is not between that and the
    /// snapshot.
    pub(crate) fn install_past<T: Send + Sync + 'static>(
        &self,
        handle: Handle,
        over: CommitTs,
        at: CommitTs,
        value: T,
    ) -> Result<(), NotNewest<T>> {
        self.install(handle, over, at, Grasp::None, value).map(|_| ())
    }

    /// The same, by who has the version that is newest, or was, in hand. Where that lies now.
    pub(super) fn install<T: Send + Sync + 'static>(
        &self,
        handle: Handle,
        over: CommitTs,
        at: CommitTs,
        grasp: Grasp,
        value: T,
    ) -> Result<NodeRef<'d>, NotNewest<T>> {
        if over > at || at > self.at() {
            return Err(NotNewest(value));
        }
        // From the look at the newest version to the exchange: it may not come back as another.
        let _pin = self.context.pin();
        let Ok(slot) = self.slot_of(handle) else { return Err(NotNewest(value)) };
        let newest = || {
            let newest = self.inner.slot(slot.slot).wait_unlocked().node();
            self.expect_name(slot, handle).ok()?;
            newest.filter(|node| node.stamp() == over && node.kind() != Kind::NONE)
        };
        let Some(mut found) = newest() else { return Err(NotNewest(value)) };
        if found.is_inline() && grasp.node() != Some(found.ptr()) {
            // From here on nobody else takes its place, so its address stands for it.
            found.share();
            fence_after_rmw();
            match newest() {
                Some(still) => found = still,
                None => return Err(NotNewest(value)),
            }
        }
        let alone = grasp == Grasp::Alone(found.ptr());
        let below = match self.succeed(slot, found, alone, at, value) {
            Ok(below) => below,
            Err(value) => self.install_beside(slot, found, at, value).map_err(NotNewest)?,
        };
        self.context.superseded.borrow_mut().push_past(slot, over);
        Ok(below)
    }

    /// Puts a version stamped `at` over `newest`, in a block. The caller has the collector pinned,
    /// and nobody takes the place of `newest`.
    fn install_beside<T: Send + Sync + 'static>(
        &self,
        slot: Numbered,
        newest: NodeRef<'d>,
        at: CommitTs,
        value: T,
    ) -> Result<NodeRef<'d>, T> {
        let slot = self.inner.slot(slot.slot);
        let node = pending::new_past_version(value, Kind::of::<T>(), &self.context, self.inner);
        let version = self.inner.node(node);
        version.set_prev(Some(newest));
        version.set_stamp(at);
        newest.linger();
        let mut backoff = Backoff::new();
        while !slot.try_install(newest, version) {
            // A lock or a trim that comes and goes does not count; a new version does.
            if slot.wait_unlocked().node() != Some(newest) {
                version.set_prev(None);
                version.set_stamp(CommitTs::NEVER);
                // SAFETY: the version was not published, and its value is taken out for good.
                return Err(unsafe { pending::take_back(node, &self.context, self.inner) });
            }
            backoff.snooze();
        }
        Ok(newest)
    }

    /// The number of versions in the chain of `slot`, for statistics.
    pub(crate) fn chain_len(&self, slot: SlotPtr) -> usize {
        let _pin = self.context.pin();
        let newest = self.inner.slot(slot).wait_unlocked().node();
        std::iter::successors(newest, |node| node.prev()).count()
    }
}

impl Drop for Frame<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.context.seat.leave();
    }
}
