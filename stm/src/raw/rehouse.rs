//! Larger slots for objects that have outgrown theirs.
//!
//! Slots lie in pages, at addresses that follow from their numbers, and are as large as their first
//! value needed. Where the versions of many objects of a page have become larger for good, the page
//! as a whole is exchanged for one with larger slots.
//!
//! # Protocol
//!
//! Addresses of slots are known to transactions, to whoever cleans up, to the logs of what is
//! superseded, to lists of free slots, and to those who wait for a change; nowhere else. So a page
//! moves in a *quiet* moment: every context is claimed, as one is for tidying, so that nobody is in
//! a transaction or will begin one, and nobody cleans up. If somebody does not end soon nothing
//! happens. Then
//!
//! - a page that a log mentions stays where it is, and so does one that has an object with several
//!   versions, with a mark of deletion, or with a version that has been superseded and not dropped
//!   yet;
//! - free slots change their addresses in the lists that have them, which are all in hand;
//! - who waits is woken, and enters itself under the new address.
//!
//! Who begins afterwards finds the new page: the end of the claim and the begin of the transaction
//! order the two. A held snapshot knows no addresses, and finds its instants again, because stamps
//! move with the versions. (loom model `rehousing_against_reader`.)

use std::ops::Range;
use std::sync::Arc;

use super::block::block_size;
use super::context::{Context, Lent};
use super::home::go_on_in;
use super::quiet::{Quiet, Work};
use super::slab::{Page, stride_of};
use super::slot::{NodeRef, SlotRef};
use super::value;
use crate::domain::Inner;
use crate::kind::Kind;
use crate::sync::Ordering;

/// Pages that move in one quiet moment.
const TOGETHER: usize = 2;

/// What a page needs.
struct Need {
    stride: usize,
    /// Bytes that blocks will give back, less what the larger slots take.
    saves: usize,
}

impl Inner {
    /// Exchanges pages of these slots for pages with larger slots, where that saves memory. The
    /// bytes saved; `None` if somebody is in the way.
    pub(crate) fn rehouse(self: &Arc<Self>, slots: Range<u32>) -> Option<usize> {
        let context = Lent::of(self);
        let mut pages = Page::within(slots);
        let mut saved = 0;
        loop {
            // A glance, to disturb nobody for nothing; and what it has looked at is at hand while
            // others wait.
            context.seat.announce(&self.clock);
            let needy = pages.by_ref().filter(|&page| self.need(page).is_some());
            let needy: Vec<usize> = needy.take(TOGETHER).collect();
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
        // What was superseded a moment ago goes first.
        quiet.logs().for_each(|log| _ = log.borrow_mut().settle(self, context, true));
        quiet.slots().for_each(|cache| self.slots.take_free(cache));
        pages.iter().map(|&page| self.rehouse_page(page, quiet, context)).sum()
    }

    /// What the page needs, if it can move and that saves memory.
    fn need(&self, page: usize) -> Option<Need> {
        let old = self.slots.full_page(page)?;
        let (mut stride, mut align, mut freed) = (old.stride, 1, 0);
        for slot in old.slots() {
            let slot = self.slot(slot);
            let Some(version) = movable(slot)? else { continue };
            let info = version.kind().info()?;
            align = align.max(info.align);
            if !version.is_inline() {
                stride = stride.max(stride_of(info));
                freed += block_size(info.size);
            }
        }
        let stride = stride.next_multiple_of(align);
        let saves = freed.checked_sub((stride - old.stride) * old.slots().count())?;
        (stride > old.stride && saves > 0).then_some(Need { stride, saves })
    }

    fn rehouse_page(&self, page: usize, quiet: &Quiet<'_>, context: &Context) -> usize {
        let (Some(need), Some(old)) = (self.need(page), self.slots.full_page(page)) else {
            return 0;
        };
        if quiet.logs().any(|log| log.borrow().mentions(|slot| old.holds(slot))) {
            return 0;
        }
        let new = Page::new(need.stride);
        for (from, to) in old.slots().zip(new.slots()) {
            self.move_object(self.slot(from), self.slot(to), context);
        }
        self.slots.move_free(page, old, new);
        self.watches.wake_where(|slot| old.holds(slot));
        // SAFETY: no transaction is under way and nobody cleans up, and no log mentions a slot of
        // the page; free slots have been moved. So nobody knows an address in it.
        unsafe { self.slots.replace_page(page, old, new) };
        need.saves
    }

    /// Moves an object that has one version at most.
    fn move_object(&self, from: SlotRef<'_>, to: SlotRef<'_>, context: &Context) {
        to.meta().store(from.meta().load(Ordering::Relaxed), Ordering::Relaxed);
        let Some(version) = from.head().node() else { return };
        // So that a model sees who comes too late.
        #[cfg(loom)]
        from.vacate();
        let (inline, info) = (to.inline(), version.kind().info());
        let Some(info) = info.filter(|info| value::is_aligned(inline.ptr(), info.align)) else {
            // It stays in its block. (One in the old slot was aligned there, and so is here.)
            to.publish(version);
            return;
        };
        // SAFETY: the version is the only one of the object, and nobody has a reference to its
        // value, since no transaction is under way; the new slot has room for every version of the
        // page, and is private.
        unsafe { go_on_in(version, inline, info.size, true) };
        to.publish(inline);
        if !version.is_inline() {
            context.blocks.give(version.ptr(), info.size, &self.blocks);
        }
    }
}

/// The only version of an object, or that there is no object. `None`: it can't move now.
fn movable(slot: SlotRef<'_>) -> Option<Option<NodeRef<'_>>> {
    let head = slot.head();
    let Some(version) = head.node() else { return slot.has_room().then_some(None) };
    let alone = version.prev().is_none() && !version.lingers();
    let settled = version.is_inline() || slot.has_room();
    (!head.is_locked() && alone && settled && version.kind() != Kind::NONE).then_some(Some(version))
}
