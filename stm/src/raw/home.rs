//! Versions that lie outside of their slots, and could lie in them.
//!
//! An object is read with one look at memory if its newest version lies in its slot. It lies in a
//! block beside it when it was written, or put there at a past instant, while the one before was
//! still there for somebody. It comes home with the next write that finds room; or, without a
//! write, in a quiet moment: then nobody has a reference to a value, or stands on a version, so
//! values may change their places. The newest version goes into the slot, and the one in its
//! place, if snapshots keep that, into a block. Stamps, marks and order stay what they were, so
//! whoever begins afterwards finds the same under every snapshot, and so do the logs, which know
//! slots and stamps. (loom models `homecoming_against_reader`, `homecoming_against_writer`.)

use std::ops::Range;
use std::sync::Arc;

use super::context::{Context, Lent};
use super::frame::Frame;
use super::quiet::Work;
use super::slab::Numbered;
use super::slot::{NodeRef, SlotRef};
use super::value;
use crate::clock::CommitTs;
use crate::domain::Inner;
use crate::handle::Handle;
use crate::kind::{Kind, KindInfo};
use crate::sync::Ordering;

/// So many objects come home in one quiet moment.
const TOGETHER: usize = if cfg!(any(loom, shuttle)) { 2 } else { 128 };

/// A newest version that is away from home, and the way there.
pub(super) struct Away<'d> {
    pub(super) slot: SlotRef<'d>,
    pub(super) newest: NodeRef<'d>,
    pub(super) info: &'static KindInfo,
    /// The version above the one that has its place, if one has.
    pub(super) above: Option<NodeRef<'d>>,
}

impl Away<'_> {
    /// Whether it has been away, or its place taken, since this instant or longer. A glance.
    fn since(&self, at: CommitTs) -> bool {
        self.newest.stamp() <= at || self.above.is_some() && self.slot.inline().stamp() <= at
    }
}

impl Frame<'_> {
    /// The objects in the slots with these numbers whose newest version would find room in the
    /// slot if it were written again, and that has been so since `at`; a glance.
    pub(crate) fn away(&self, numbers: Range<u32>, at: CommitTs) -> Vec<(Handle, Kind)> {
        let inner = self.inner();
        let is_away = |slot: Numbered| {
            let meta = inner.slot(slot.slot).meta().load(Ordering::Acquire);
            let away = inner.away(slot).filter(|away| away.slot.has_room() && away.since(at))?;
            Some((Handle::new(slot.number, meta), away.newest.kind()))
        };
        let _pin = self.context().pin();
        inner.slots_in(numbers).filter_map(is_away).collect()
    }
}

impl Inner {
    fn slots_in(&self, numbers: Range<u32>) -> impl Iterator<Item = Numbered> {
        self.slots.iter_from(numbers.start).take_while(move |slot| slot.number < numbers.end)
    }

    /// The newest version of this slot, if it is away and could come home. The caller has the
    /// collector pinned, or the moment is quiet.
    fn away(&self, slot: Numbered) -> Option<Away<'_>> {
        let at = self.slot(slot.slot);
        let newest = at.head().untagged()?;
        let (info, inline) = (newest.kind().info()?, at.inline());
        let fits = info.size <= self.slots.room(slot.number)
            && value::is_aligned(inline.ptr(), info.align);
        if newest.is_inline() || !fits {
            return None;
        }
        Some(Away { slot: at, newest, info, above: above_home(at, newest)? })
    }

    /// Brings newest versions in the slots with these numbers home that have been away since `at`.
    /// How many; `None` if somebody is in the way of some.
    pub(crate) fn bring_home(self: &Arc<Self>, numbers: Range<u32>, at: CommitTs) -> Option<usize> {
        let context = Lent::of(self);
        let mut slots = self.slots_in(numbers);
        let mut brought = 0;
        loop {
            // A glance, to disturb nobody for nothing; and what it has looked at is at hand while
            // others wait.
            context.seat.announce(&self.clock);
            let pin = context.pin();
            let is_away = |slot| self.away(slot).is_some_and(|away| away.since(at));
            let away = slots.by_ref().filter(|&slot| is_away(slot));
            let away: Vec<u32> = away.take(TOGETHER).map(|slot| slot.number).collect();
            drop(pin);
            context.seat.leave();
            if away.is_empty() {
                return Some(brought);
            }
            let some = self.quietly(Work::Home(away), &context);
            self.tidy_for_others();
            brought += some?;
        }
    }

    /// Brings the newest versions in these slots home. How many; the moment is quiet.
    pub(super) fn come_home(&self, numbers: &[u32], context: &Context) -> usize {
        // The slots may have moved since somebody looked.
        let slot = |number| Some(Numbered { slot: self.slots.slot(number)?, number });
        let away = numbers.iter().filter_map(|&number| self.away(slot(number)?));
        // SAFETY: the moment is quiet, and `away` finds those that fit into their slots.
        away.map(|away| unsafe { self.move_in(&away, away.slot, context) }).count()
    }

    /// Moves a newest version home, into its slot or into the one that its object moves to. A
    /// version that lies in the slot goes into a block.
    ///
    /// # Safety
    ///
    /// The moment is quiet; the version fits into `to`, which is its slot or one without object.
    pub(super) unsafe fn move_in(&self, away: &Away<'_>, to: SlotRef<'_>, context: &Context) {
        let &Away { slot, newest, info, above } = away;
        if let Some(above) = above {
            let lodger = slot.inline();
            let size = lodger.size();
            let block = self.node(context.blocks.take(size, &self.blocks));
            // SAFETY: the moment is quiet, so nobody refers to the value; the block is for values
            // of this size, and fresh.
            unsafe { go_on_in(lodger, block, size, false) };
            above.set_prev(Some(block));
        }
        let home = to.inline();
        // SAFETY: the moment is quiet, so nobody refers to the value; it fits, and the slot's own
        // node has no value, or none any more.
        unsafe { go_on_in(newest, home, info.size, true) };
        to.publish(home);
        newest.set_prev(None);
        // So that a model sees who comes too late.
        #[cfg(loom)]
        newest.set_kind(Kind::NONE, false);
        context.blocks.give(newest.ptr(), info.size, &self.blocks);
    }
}

/// The version above the one that lies in the slot, if that is not the newest. `None`: the one that
/// lies there is in no chain any more, and waits for its drop.
pub(super) fn above_home<'d>(
    slot: SlotRef<'d>,
    newest: NodeRef<'d>,
) -> Option<Option<NodeRef<'d>>> {
    if newest.is_inline() || slot.has_room() {
        return Some(None);
    }
    let mut versions = std::iter::successors(Some(newest), |node| node.prev());
    versions.find(|node| node.prev() == Some(slot.inline())).map(Some)
}

/// Moves a version with its value, its marks and its link. Whoever points to it is to point to the
/// new place; `inline` says whether that is a slot.
///
/// # Safety
///
/// As for [`value::relocate`].
pub(super) unsafe fn go_on_in(from: NodeRef<'_>, to: NodeRef<'_>, size: usize, inline: bool) {
    // SAFETY: passed on to the caller.
    unsafe { value::relocate(from.ptr(), to.ptr(), size) };
    to.set_kind(from.kind(), inline);
    if from.lingers() {
        to.linger();
    }
    to.set_stamp(from.stamp());
    to.set_prev(from.prev());
}
