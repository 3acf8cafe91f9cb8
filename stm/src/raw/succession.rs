//! Versions at past instants that take the slot as they are installed.
//!
//! An object is read with one look at memory if its newest version lies in its slot. A version that
//! a layer puts over what it found at a [touch](super::touch) is to lie there, too. If the slot is
//! free it does so at once, under the commit lock. If its predecessor lies there, that goes into a
//! block, and the successor takes its place, unless somebody may have a reference to the
//! predecessor's value.
//!
//! # Who may have one
//!
//! The predecessor is below the floor of its kind, `f`, and the successor is stamped `f`.
//!
//! - *Whoever began before the floor stood.* Nobody is left of these, says
//!   [`bygone`](crate::reclaim::bygone).
//! - *Whoever began later* has found the floor, since that was there
//!   [in time](crate::domain::Inner::floors), and compared the very version with it that they see
//!   (see [`Frame::look`]): so they have come by a touch. Before a touch looks at
//!   a version that lies in its slot it notes in the header that it has it in hand, and after a full
//!   fence finds it in the head again, unlocked. The first touch is told so; each later one notes
//!   that the version is shared. The note of the first is taken back only when it has looked for
//!   nobody, and nobody shares; both are when the value is another one, which nobody has seen. Who is
//!   to succeed locks, and after a full fence finds it not shared: its own touch, the first one, is
//!   the only one that has looked. That one is about to end:
//!   [`Touch::install`](super::touch::Touch::install) takes it mutably.
//! - *Whoever installs without a touch* shares the version first, in the same way.
//!
//! # Who may have found the node
//!
//! Who has found an earlier version of the object in a slot that is free now, and does not see that,
//! has a snapshot below it, and so below the successor.
//!
//! A reader without pin may have loaded the head before the lock, and loads stamp and kind while
//! the node changes hands. If it sees the predecessor's, it comes by a touch, which finds the lock
//! or the successor. If it sees one of the successor's, it has acquired the lock with it; and whoever
//! has found a version above the floor of its kind finds the same one in the head again before they
//! use it. What is in a read set has been found so, and one address stands for one version there, too.
//! (loom models `succession_against_...`.)

use super::frame::Frame;
use super::home::go_on_in;
use super::slab::Numbered;
use super::slot::NodeRef;
use super::value;
use crate::clock::CommitTs;
use crate::kind::Kind;
use crate::reclaim::active::Live;
use crate::sync::fence_after_rmw;

/// So many successors go into blocks before one looks again whether anybody has an older snapshot.
const BETWEEN_LOOKS: u32 = if cfg!(any(loom, shuttle, chaos)) { 1 } else { 64 };

impl<'d> Frame<'d> {
    /// Puts a version stamped `at` over `newest`, into the slot, and says where its predecessor lies
    /// now. If that can't be, nothing happens.
    ///
    /// `alone`: the caller was the first to have `newest` in hand, and does not look at it any more.
    /// It has the collector pinned.
    pub(super) fn succeed<T: Send + Sync + 'static>(
        &self,
        numbered: Numbered,
        newest: NodeRef<'d>,
        alone: bool,
        at: CommitTs,
        value: T,
    ) -> Result<NodeRef<'d>, T> {
        let (inner, context, kind) = (self.inner(), self.context(), Kind::of::<T>());
        let slot = inner.slot(numbered.slot);
        let home = slot.inline();
        if !self.fits(numbered, home, kind) {
            return Err(value);
        }
        let block = if !newest.is_inline() {
            None
        } else if alone && self.is_bygone(at) {
            let look = || Live::at_present(&inner.registry, &inner.clock);
            Some(inner.node(context.blocks.take_unseen(newest.size(), look, &inner.blocks)))
        } else {
            return Err(value);
        };
        if slot.try_lock_under(newest) {
            // Pairs with the fence in `grasp`, and with the one in `Floors::set`.
            fence_after_rmw();
            let is_free = match block {
                Some(_) => !newest.is_shared() && inner.floors.is_in_time(newest.kind(), at),
                None => slot.has_room(),
            };
            if is_free {
                #[cfg(chaos)]
                crate::chaos::falter();
                newest.linger();
                if let Some(block) = block {
                    // SAFETY: nobody refers to the value, as the module says, nor to that of the
                    // block, which is fresh and for values of this size.
                    unsafe { go_on_in(newest, block, newest.size(), false) };
                }
                let below = block.unwrap_or(newest);
                // SAFETY: the value fits; the slot's own node has none, or none any more, and is
                // the caller's alone, who holds the slot.
                unsafe { value::put(home.ptr(), value) };
                home.change_kind(kind);
                home.set_prev(Some(below));
                home.set_stamp(at);
                slot.publish(home);
                return Ok(below);
            }
            slot.unlock(Some(newest));
        }
        if let Some(block) = block {
            context.blocks.give(block.ptr(), newest.size(), &inner.blocks);
        }
        Err(value)
    }

    fn fits(&self, slot: Numbered, home: NodeRef<'_>, kind: Kind) -> bool {
        kind.info().is_some_and(|info| {
            info.size <= self.inner().slots.room(slot.number)
                && value::is_aligned(home.ptr(), info.align)
        })
    }

    /// Whether nobody is left who began before floors at this instant stood. Looks now and then.
    fn is_bygone(&self, at: CommitTs) -> bool {
        let (bygone, left) = (&self.inner().bygone, &self.context().successors);
        if !bygone.reaches(at) {
            if left.get() > 0 {
                left.set(left.get() - 1);
            } else {
                left.set(BETWEEN_LOOKS);
                bygone.look(at, &self.inner().contexts);
            }
        }
        bygone.reaches(at)
    }
}
