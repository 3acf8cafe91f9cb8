//! Versions that lie outside of their slots, and could lie in them.

use std::ops::Range;

use super::frame::Frame;
use super::value;
use crate::handle::Handle;
use crate::kind::Kind;
use crate::sync::Ordering;

impl Frame<'_> {
    /// The objects in the slots with these numbers whose newest version would find room in the
    /// slot if it were written again; a glance.
    pub(crate) fn away(&self, numbers: Range<u32>) -> Vec<(Handle, Kind)> {
        let inner = self.inner();
        let slots = inner.slots.iter_from(numbers.start);
        let slots = slots.take_while(|slot| slot.number < numbers.end);
        let is_away = |slot: super::slab::Numbered| {
            let at = inner.slot(slot.slot);
            let meta = at.meta().load(Ordering::Acquire);
            let newest = at.head().untagged()?;
            let kind = newest.kind();
            let (info, inline) = (kind.info()?, at.inline());
            let fits = info.size <= inner.slots.room(slot.number)
                && value::is_aligned(inline.ptr(), info.align);
            (!newest.is_inline() && at.has_room() && fits)
                .then(|| (Handle::new(slot.number, meta), kind))
        };
        slots.filter_map(is_away).collect()
    }
}
