//! The index of pages: from the number of a page to where it lies.
//!
//! Every access by handle goes through it. So it is a table of arrays of one length, each of which
//! comes to be with its first page: shifts and loads, and nothing ever moves. Arrays that double
//! in size would take less memory at first. But which of them a page is in is a logarithm, and the
//! instruction for that may wait, by the register that it happens to write to, for all of the
//! access before it: then accesses in a row don't overlap, and take twice as long.

use std::ptr::{self, NonNull};

use super::slab::Page;
use crate::sync::{AtomicPtr, AtomicUsize, Ordering};

/// Pages in an array.
const ARRAY: usize = if cfg!(any(loom, shuttle)) { 16 } else { 1 << 11 };
/// Arrays in the table: enough for 2^32 slots.
const ARRAYS: usize = if cfg!(any(loom, shuttle)) { 32 } else { 1 << 12 };
/// In the shape of a page: how many slots have been made is below, the stride above.
const MADE_BITS: u32 = 16;
const MADE: usize = (1 << MADE_BITS) - 1;

/// Where a page lies, and what is in it.
#[derive(Debug)]
pub(super) struct PageEntry {
    base: AtomicPtr<u8>,
    /// Bytes a slot takes, and how many slots have been made: together, as whoever looks for a slot
    /// asks for both.
    shape: AtomicUsize,
}

impl PageEntry {
    fn new() -> Self {
        Self { base: AtomicPtr::new(ptr::null_mut()), shape: AtomicUsize::new(0) }
    }

    /// The memory of the page, if it has any yet.
    pub(super) fn page(&self) -> Option<Page> {
        // Relaxed: whoever asks has the lock of the slab's state, or the slab to themselves.
        let base = NonNull::new(self.base.load(Ordering::Relaxed))?;
        Some(Page { base, stride: self.stride() })
    }

    /// The memory of the page, if slot `at` has been made in it.
    #[inline(always)]
    pub(super) fn page_with(&self, at: usize) -> Option<Page> {
        // Acquire: pairs with the Release in `set_shape`: the page has its memory, and the slot has
        // been initialised.
        let shape = self.shape.load(Ordering::Acquire);
        if at >= shape & MADE {
            return None;
        }
        let base = NonNull::new(self.base.load(Ordering::Relaxed))?;
        Some(Page { base, stride: shape >> MADE_BITS })
    }

    /// Bytes a slot takes.
    pub(super) fn stride(&self) -> usize {
        self.shape.load(Ordering::Relaxed) >> MADE_BITS
    }

    /// How many slots have been made. They can be looked at.
    pub(super) fn made(&self) -> usize {
        self.shape.load(Ordering::Acquire) & MADE
    }

    /// Gives the page this memory, in which so many slots have been made. One thread at a time.
    pub(super) fn set_page(&self, page: Page, made: usize) {
        self.base.store(page.base.as_ptr(), Ordering::Relaxed);
        self.set_shape(page.stride, made);
    }

    /// Lets others see so many slots. One thread at a time.
    pub(super) fn set_made(&self, made: usize) {
        self.set_shape(self.stride(), made);
    }

    fn set_shape(&self, stride: usize, made: usize) {
        debug_assert!(made <= MADE);
        // Release: pairs with the Acquire in `page_with`.
        self.shape.store(stride << MADE_BITS | made, Ordering::Release);
    }
}

/// The pages of a slab, by their numbers.
#[derive(Debug)]
pub(super) struct PageIndex {
    arrays: Box<[AtomicPtr<PageEntry>; ARRAYS]>,
}

impl PageIndex {
    pub(super) fn new() -> Self {
        let none = std::iter::repeat_with(|| AtomicPtr::new(ptr::null_mut()));
        let none: Box<[_]> = none.take(ARRAYS).collect();
        Self { arrays: none.try_into().unwrap_or_else(|_| unreachable!("it has this length")) }
    }

    /// The page of this number, if its array has come to be. Any number may be asked for.
    #[inline(always)]
    pub(super) fn get(&self, page: usize) -> Option<&PageEntry> {
        // Acquire: pairs with the Release in `get_or_make`.
        let array = self.arrays.get(page / ARRAY)?.load(Ordering::Acquire);
        if array.is_null() {
            return None;
        }
        // SAFETY: arrays are of this length, and live as long as the index.
        Some(unsafe { &*array.add(page % ARRAY) })
    }

    /// The page of this number, whose array comes to be if it has to; `None` if there is no such
    /// number. One thread at a time.
    pub(super) fn get_or_make(&self, page: usize) -> Option<&PageEntry> {
        let place = self.arrays.get(page / ARRAY)?;
        if place.load(Ordering::Acquire).is_null() {
            let fresh: Box<[PageEntry]> =
                std::iter::repeat_with(PageEntry::new).take(ARRAY).collect();
            // Release: pairs with the Acquire in `get`.
            place.store(Box::into_raw(fresh).cast(), Ordering::Release);
        }
        self.get(page)
    }
}

impl Drop for PageIndex {
    fn drop(&mut self) {
        for place in self.arrays.iter() {
            let array = place.load(Ordering::Relaxed);
            if !array.is_null() {
                // SAFETY: the box that `get_or_make` made, of this length; nobody looks any more.
                drop(unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(array, ARRAY)) });
            }
        }
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_a_page_has_its_own_entry() {
        let index = PageIndex::new();
        let pages = [0, 1, ARRAY - 1, ARRAY, 5 * ARRAY + 7, ARRAY * ARRAYS - 1];
        assert!(pages.iter().all(|&page| index.get(page).is_none()));
        for (made, page) in (1..).zip(pages) {
            index.get_or_make(page).expect("a legal number").set_made(made);
        }
        for (made, page) in (1..).zip(pages) {
            let entry = index.get(page).expect("it was made");
            assert_eq!(entry.made(), made);
            assert!(entry.page().is_none() && entry.page_with(0).is_none(), "no memory yet");
        }
        assert_eq!(index.get(2).map(PageEntry::made), Some(0));
        assert!(index.get(3 * ARRAY).is_none());
        for page in [ARRAY * ARRAYS, usize::MAX] {
            assert!(index.get(page).is_none() && index.get_or_make(page).is_none());
        }
    }

    #[test]
    fn what_has_been_made_and_how_large_it_is_don_t_mix() {
        let entry = PageEntry::new();
        let base = NonNull::<u64>::dangling().cast();
        entry.set_page(Page { base, stride: 984 }, 0);
        assert!(
            entry.page_with(0).is_none() && entry.page().is_some_and(|page| page.stride == 984)
        );
        entry.set_made(512);
        assert_eq!((entry.made(), entry.stride()), (512, 984));
        assert!(entry.page_with(512).is_none());
        assert!(entry.page_with(511).is_some_and(|page| page.stride == 984));
    }
}
