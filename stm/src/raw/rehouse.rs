//! Slots of another size for objects that have outgrown theirs.
//!
//! Slots lie in pages, at addresses that follow from their numbers, and are as large as their first
//! value needed. Where the newest versions of many objects of a page have become larger, and lie in
//! blocks, the page as a whole is exchanged for one with larger slots, into which they come home;
//! where all have become smaller, for one with smaller slots.
//!
//! # Protocol
//!
//! Addresses of slots are known to transactions, to whoever cleans up, to lists of free slots, and
//! to those who wait for a change; nowhere else: the logs of what is superseded name slots by their
//! numbers. So a page moves in a *quiet* moment (see [`quiet`](super::quiet)): nobody is in a
//! transaction or will begin one, and nobody cleans up. If somebody does not end soon nothing
//! happens. Then
//!
//! - an object moves with all its versions: the newest one goes into the new slot, and one that
//!   snapshots keep in the old slot goes into a block, as in [`home`](super::home);
//! - a page that holds a version that has been taken out of its chain and not been dropped yet stays
//!   where it is, since whoever drops it knows its address;
//! - free slots change their addresses in the lists that have them, which are all in hand;
//! - who waits is woken, and enters itself under the new address.
//!
//! Who begins afterwards finds the new page: the end of the claim and the begin of the transaction
//! order the two. A held snapshot knows no addresses, and finds its instants again, because stamps
//! move with the versions. (loom models `rehousing_against_reader`, `rehousing_against_writer`,
//! `rehousing_below_a_held_snapshot`.)

use std::ops::Range;
use std::sync::Arc;

use super::block::block_size;
use super::context::{Context, Lent};
use super::home::{Away, above_home, go_on_in};
use super::quiet::{Quiet, Work};
use super::slab::{PAGE, Page, stride_of};
use super::slot::SlotRef;
use super::value;
use crate::domain::Inner;
use crate::kind::Kind;
use crate::sync::Ordering;

/// Pages that move in one quiet moment.
const TOGETHER: usize = 2;
/// A page with fewer objects does not get smaller slots: it is there for what is to come.
const ENOUGH: usize = PAGE / 2;

/// What a page needs.
struct Need {
    stride: usize,
    /// Bytes that blocks or smaller slots give back, less what larger ones take.
    saves: usize,
}

impl Inner {
    /// Exchanges pages of these slots for pages with slots of another size, where that saves
    /// memory. The bytes saved; `None` if somebody is in the way.
    pub(crate) fn rehouse(self: &Arc<Self>, slots: Range<u32>) -> Option<usize> {
        let context = Lent::of(self);
        let mut pages = Page::within(slots);
        let mut saved = 0;
        loop {
            // A glance, to disturb nobody for nothing; and what it has looked at is at hand while
            // others wait.
            context.seat.announce(&self.clock);
            let pin = context.pin();
            let needy = pages.by_ref().filter(|&page| self.need(page).is_some());
            let needy: Vec<usize> = needy.take(TOGETHER).collect();
            drop(pin);
            context.seat.leave();
            if needy.is_empty() {
                break;
            }
            let some = self.quietly(Work::Rehouse(needy), &context);
            self.tidy_for_others();
            saved += some?;
        }
        Some(saved)
    }

    /// Exchanges what pages of these need it. The bytes saved; the moment is quiet.
    pub(super) fn rehouse_pages(
        &self,
        pages: &[usize],
        quiet: &Quiet<'_>,
        context: &Context,
    ) -> usize {
        quiet.slots().for_each(|cache| self.slots.take_free(cache));
        pages.iter().map(|&page| self.rehouse_page(page, context)).sum()
    }

    /// What the page needs, if it can move and that saves memory, at the latest when snapshots
    /// keep no older versions any more.
    fn need(&self, page: usize) -> Option<Need> {
        let old = self.slots.full_page(page)?;
        let (mut stride, mut align, mut freed) = (0, 1, 0);
        let (mut objects, mut only_newest) = (0, true);
        for slot in old.slots() {
            let slot = self.slot(slot);
            let head = slot.head();
            let at_home = (!slot.has_room()).then(|| slot.inline());
            let Some(newest) = head.node() else {
                if at_home.is_some() { return None } else { continue }
            };
            if head.is_locked() {
                return None;
            }
            above_home(slot, newest)?;
            objects += 1;
            only_newest &= newest.prev().is_none() && newest.kind() != Kind::NONE;
            for version in [newest].into_iter().chain(at_home) {
                if let Some(info) = version.kind().info() {
                    stride = stride.max(stride_of(info));
                    align = align.max(info.align);
                }
            }
            if !newest.is_inline() {
                freed += newest.kind().info().map_or(0, |info| block_size(info.size));
            }
        }
        let stride = stride.next_multiple_of(align);
        let saves = if stride > old.stride {
            freed.checked_sub((stride - old.stride) * PAGE)?
        } else if only_newest && objects >= ENOUGH {
            (old.stride - stride) * PAGE
        } else {
            0
        };
        (saves > 0).then_some(Need { stride, saves })
    }

    fn rehouse_page(&self, page: usize, context: &Context) -> usize {
        let (Some(need), Some(old)) = (self.need(page), self.slots.full_page(page)) else {
            return 0;
        };
        let new = Page::new(need.stride);
        for (from, to) in old.slots().zip(new.slots()) {
            self.move_object(self.slot(from), self.slot(to), context);
        }
        self.slots.move_free(page, old, new);
        self.watches.wake_where(|slot| old.holds(slot));
        // SAFETY: no transaction is under way and nobody cleans up; free slots have been moved, and
        // no version in the page waits for its drop. So nobody knows an address in it.
        unsafe { self.slots.replace_page(page, old, new) };
        need.saves
    }

    /// Moves an object, if there is one, to a slot that is large enough; the moment is quiet.
    fn move_object(&self, from: SlotRef<'_>, to: SlotRef<'_>, context: &Context) {
        to.meta().store(from.meta().load(Ordering::Relaxed), Ordering::Relaxed);
        let Some(newest) = from.head().node() else { return };
        // (One that is in no chain has kept the page where it is.)
        let above = above_home(from, newest).flatten();
        // So that a model sees who comes too late.
        #[cfg(loom)]
        from.vacate();
        let home = to.inline();
        if newest.is_inline() {
            // SAFETY: nobody has a reference to the value, since no transaction is under way; the
            // new slot has room for every version of the page, and is private.
            unsafe { go_on_in(newest, home, newest.size(), true) };
            to.publish(home);
            return;
        }
        if let Some(info) = newest.kind().info()
            && value::is_aligned(home.ptr(), info.align)
        {
            // SAFETY: as above.
            unsafe { self.move_in(&Away { slot: from, newest, info, above }, to, context) };
            return;
        }
        // It stays in its block, and so what lies in the slot lies in one. (What was aligned in the
        // old slot is so here.)
        if let Some(above) = above {
            // SAFETY: as above.
            unsafe { go_on_in(from.inline(), home, from.inline().size(), true) };
            above.set_prev(Some(home));
        }
        to.publish(newest);
    }
}
