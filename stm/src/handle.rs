//! Handles: names of objects in the slots of a domain.

use std::fmt;

/// The name of an object: slot number, tag of the domain, generation of the slot.
///
/// A handle is `Copy`, takes eight bytes, and never names another object than the one it was made
/// for: when an object is deleted, the generation of its slot moves on, and a slot whose
/// generations are used up is not used again. Handles of another living domain differ in the tag;
/// those of a domain that is gone in the tag or the generation.
///
/// ```
/// use upgradable_stm::{Domain, Handle};
/// let domain = Domain::new();
/// let name: Handle = domain.atomically(|tx| Ok(tx.create(String::from("Ada"))));
/// assert_eq!(domain.snapshot(|s| s.get::<String>(name).cloned()).unwrap(), "Ada");
/// assert_eq!(Handle::from_bits(name.to_bits()), name);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle {
    number: u32,
    meta: u32,
}

const GENERATION_BITS: u32 = 20;
/// Domains that can live at once and tell each other's handles apart.
pub(crate) const TAGS: u32 = 1 << (u32::BITS - GENERATION_BITS);

/// The first word of a slot of the domain with this tag.
pub(crate) fn first_generation(tag: u32) -> u32 {
    debug_assert!(tag < TAGS, "tags are twelve bits");
    tag << GENERATION_BITS
}

/// The last generation of a slot. It belongs to no object, so that the handle of the one before it
/// is known to be of a deleted object.
const LAST: u32 = (1 << GENERATION_BITS) - 1;

/// The word of a slot after the end of the object that has this one.
pub(crate) fn next_generation(meta: u32) -> u32 {
    debug_assert!(!is_used_up(meta), "there was no such object");
    meta + 1
}

/// Whether there can be no further object in a slot with this word.
pub(crate) fn is_used_up(meta: u32) -> bool {
    meta & LAST == LAST
}

impl Handle {
    #[inline]
    pub(crate) const fn new(number: u32, meta: u32) -> Self {
        Self { number, meta }
    }

    #[inline]
    pub(crate) const fn number(self) -> u32 {
        self.number
    }

    #[inline]
    pub(crate) const fn meta(self) -> u32 {
        self.meta
    }

    /// Whether both carry the tag of the same domain.
    #[inline]
    pub(crate) const fn has_tag(self, first_generation: u32) -> bool {
        self.meta >> GENERATION_BITS == first_generation >> GENERATION_BITS
    }

    /// The handle as one word, to keep it outside.
    ///
    /// ```
    /// # use upgradable_stm::Handle;
    /// assert_eq!(Handle::from_bits(5).to_bits(), 5);
    /// ```
    #[must_use]
    #[inline]
    pub const fn to_bits(self) -> u64 {
        (self.meta as u64) << 32 | self.number as u64
    }

    /// The handle that [`to_bits`](Self::to_bits) turned into this word. Any other word gives a
    /// handle that names nothing.
    ///
    /// ```
    /// use upgradable_stm::{AccessError, Domain, Handle};
    /// let domain = Domain::new();
    /// let found = domain.snapshot(|s| s.get::<u8>(Handle::from_bits(12345)).copied());
    /// assert!(matches!(found, Err(AccessError::Foreign)));
    /// ```
    #[must_use]
    #[inline]
    pub const fn from_bits(bits: u64) -> Self {
        Self { number: bits as u32, meta: (bits >> 32) as u32 }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({}:{:x})", self.number, self.meta)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_end_before_they_touch_the_tag() {
        let mut meta = first_generation(3);
        let mut objects = 0_u32;
        while !is_used_up(meta) {
            meta = next_generation(meta);
            assert!(Handle::new(0, meta).has_tag(first_generation(3)));
            objects += 1;
        }
        assert_eq!(objects, LAST);
    }

    #[cfg(not(any(loom, shuttle)))]
    #[test]
    fn a_slot_whose_generations_are_used_up_is_not_used_again() {
        use crate::{AccessError, Domain};

        let domain = Domain::new();
        let create_and_delete = || {
            let name = domain.atomically(|tx| Ok(tx.create(0_u32)));
            domain.atomically(|tx| Ok(tx.delete(name))).unwrap();
            domain.reclaim();
            name
        };
        let first = create_and_delete();
        // As if it had been used for a million objects.
        let slot = domain.inner.slot(domain.inner.slots.slot(first.number).unwrap());
        let last = (first.meta | LAST) - 1;
        slot.meta().store(last - 2, crate::sync::Ordering::Relaxed);
        let names = [(); 6].map(|()| create_and_delete());
        let there: Vec<u32> =
            names.iter().filter(|name| name.number == first.number).map(|name| name.meta).collect();
        assert_eq!(there, [last - 2, last - 1, last]);
        let look = |name| domain.snapshot(|s| s.get::<u32>(name).copied());
        assert!(names.iter().all(|&name| look(name) == Err(AccessError::Deleted)));
        assert_eq!(domain.snapshot(|s| s.handles().count()), 0);
    }
}
