//! Items in a row, with the objects that come next on their way.

use std::fmt;
use std::iter::{Fuse, FusedIterator};
use std::mem;

use crate::handle::Handle;
use crate::raw::frame::Frame;
use crate::raw::prefetch::AHEAD;
use crate::raw::slot::SlotRef;

/// So many items are taken in advance, and the slots of their objects asked for: their versions are
/// asked for half as far ahead, as the slots have come by then.
const TAKEN: usize = 2 * AHEAD;

/// The items of an iterator, with the objects that come next on their way from memory: what
/// [`Snapshot::prefetched`](crate::Snapshot::prefetched) and
/// [`Tx::prefetched`](crate::Tx::prefetched) return.
pub struct Prefetched<'t, I: Iterator, F> {
    frame: &'t Frame<'t>,
    items: Fuse<I>,
    handle: F,
    /// A ring: what is given out makes room for what is taken.
    taken: [Option<(I::Item, Option<SlotRef<'t>>)>; TAKEN],
    /// The place of the next one in it.
    next: usize,
    /// How many are in it.
    len: usize,
    is_begun: bool,
}

impl<'t, I: Iterator, F: FnMut(&I::Item) -> Handle> Prefetched<'t, I, F> {
    pub(crate) fn new(frame: &'t Frame<'t>, items: I, handle: F) -> Self {
        let taken = [const { None }; TAKEN];
        Self { frame, items: items.fuse(), handle, taken, next: 0, len: 0, is_begun: false }
    }

    #[inline]
    fn take(&mut self) -> Option<(I::Item, Option<SlotRef<'t>>)> {
        let item = self.items.next()?;
        let slot = self.frame.prefetch((self.handle)(&item));
        self.len += 1;
        Some((item, slot))
    }

    fn begin(&mut self) {
        self.is_begun = true;
        for at in 0..TAKEN {
            self.taken[at] = self.take();
        }
        (0..AHEAD).for_each(|at| self.ask_for_version(at));
    }

    #[inline]
    fn ask_for_version(&self, at: usize) {
        if let Some((_, Some(slot))) = &self.taken[at] {
            slot.prefetch_version();
        }
    }
}

impl<I: Iterator, F: FnMut(&I::Item) -> Handle> Iterator for Prefetched<'_, I, F> {
    type Item = I::Item;

    #[inline]
    fn next(&mut self) -> Option<I::Item> {
        if !self.is_begun {
            self.begin();
        }
        let taken = self.take();
        let (given, _) = mem::replace(&mut self.taken[self.next], taken)?;
        self.ask_for_version((self.next + AHEAD) % TAKEN);
        self.next = (self.next + 1) % TAKEN;
        self.len -= 1;
        Some(given)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (least, most) = self.items.size_hint();
        (least.saturating_add(self.len), most.and_then(|most| most.checked_add(self.len)))
    }
}

impl<I: ExactSizeIterator, F: FnMut(&I::Item) -> Handle> ExactSizeIterator
    for Prefetched<'_, I, F>
{
}

impl<I: Iterator, F: FnMut(&I::Item) -> Handle> FusedIterator for Prefetched<'_, I, F> {}

impl<I: Iterator, F> fmt::Debug for Prefetched<'_, I, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prefetched").field("taken", &self.len).finish_non_exhaustive()
    }
}
