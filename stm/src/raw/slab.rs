//! Memory for slots: pages of slots of one size, and the index that finds a slot by its number.
//!
//! Slots are as large as their first value needs. A page holds [`PAGE`] of them; slot number `n`
//! is slot `n % PAGE` of page `n / PAGE`, which the [index](super::page_index) finds.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::ptr::{self, NonNull};

use super::page_index::{PageEntry, PageIndex};
use super::slot::{self, Slot, SlotPtr, VALUE_AT};
use super::var::Typed;
use crate::kind::KindInfo;
use crate::sync::{Mutex, Ordering};

/// Slots in a page.
pub(super) const PAGE: usize = if cfg!(any(loom, shuttle)) { 4 } else { 512 };
/// Slots that travel between a context and the slab at once.
const GROUP: usize = if cfg!(any(loom, shuttle)) { 1 } else { 32 };
const CACHED: usize = 4 * GROUP;

/// A slot and its number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbered {
    pub(crate) slot: SlotPtr,
    pub(crate) number: u32,
}

impl Numbered {
    /// A variable has no number.
    #[inline(always)]
    pub(crate) fn of<T>(typed: Typed<T>) -> Self {
        Self { slot: typed.slot(), number: u32::MAX }
    }
}

/// A slot by a name that lasts. Slots of objects move with their pages, and keep their numbers;
/// those of variables have none, and stay where they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlotName(*mut Slot);

// SAFETY: an address at most, as a `SlotPtr`.
unsafe impl Send for SlotName {}
// SAFETY: as above.
unsafe impl Sync for SlotName {}

impl SlotName {
    /// No slot begins at an odd address.
    const NUMBER: usize = 1;

    pub(crate) fn of(slot: Numbered) -> Self {
        Self(match slot.number {
            u32::MAX => slot.slot.as_ptr(),
            number => ptr::without_provenance_mut((number as usize) << 1 | Self::NUMBER),
        })
    }
}

#[derive(Debug, Default)]
struct ClassState {
    free: Vec<Numbered>,
    /// The page that slots are made in, if it has room left.
    page: Option<usize>,
}

#[derive(Debug, Default)]
struct State {
    classes: HashMap<usize, ClassState>,
    pages: usize,
}

/// The slots of a domain.
#[derive(Debug)]
pub(crate) struct Slab {
    index: PageIndex,
    state: Mutex<State>,
    /// What the meta word of a new slot says.
    first_meta: u32,
}

/// All slot numbers are taken.
#[derive(Debug)]
pub(crate) struct Full;

/// The bytes that a slot for values of this kind takes.
pub(super) fn stride_of(kind: &KindInfo) -> usize {
    (VALUE_AT + kind.size).next_multiple_of(kind.align)
}

fn page_layout(stride: usize) -> Layout {
    // In a model, so that addresses within a page are the same in every execution as far as
    // anything depends on them.
    let align = if cfg!(any(loom, shuttle)) { 4096 } else { 64 };
    Layout::from_size_align(stride * PAGE, align)
        .unwrap_or_else(|_| unreachable!("a stride is below a thousand bytes"))
}

/// The memory of a page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    pub(super) base: NonNull<u8>,
    /// Bytes a slot takes.
    pub(super) stride: usize,
}

impl Page {
    /// The pages that hold the slots with these numbers, whole.
    pub(super) fn within(slots: Range<u32>) -> Range<usize> {
        (slots.start as usize).div_ceil(PAGE)..slots.end as usize / PAGE
    }

    /// Fresh memory, in which no slot has been made.
    fn alloc(stride: usize) -> Self {
        let layout = page_layout(stride);
        // SAFETY: the layout is not empty.
        let base = NonNull::new(unsafe { alloc(layout) });
        Self { base: base.unwrap_or_else(|| handle_alloc_error(layout)), stride }
    }

    /// Fresh memory, with slots without object.
    pub(super) fn new(stride: usize) -> Self {
        let page = Self::alloc(stride);
        for at in 0..PAGE {
            // SAFETY: nobody else knows the page.
            unsafe { page.make(at) };
        }
        page
    }

    /// Where slot `at` lies.
    #[inline(always)]
    fn place(self, at: usize) -> NonNull<u8> {
        debug_assert!(at < PAGE);
        // SAFETY: within the page.
        unsafe { self.base.byte_add(at * self.stride) }
    }

    /// Makes slot `at`, without object.
    ///
    /// # Safety
    ///
    /// It has not been made, and nobody looks for it yet.
    unsafe fn make(self, at: usize) -> SlotPtr {
        // SAFETY: a slot's own bytes, which nobody uses; strides keep the alignment that their
        // values need.
        unsafe { slot::init(self.place(at), true) }
    }

    #[inline(always)]
    fn slot(self, at: usize) -> SlotPtr {
        SlotPtr::from_block(self.place(at))
    }

    /// All slots, in order.
    pub(super) fn slots(self) -> impl Iterator<Item = SlotPtr> {
        (0..PAGE).map(move |at| self.slot(at))
    }

    /// Whether a slot lies here.
    pub(super) fn holds(self, slot: SlotPtr) -> bool {
        let base = self.base.as_ptr().addr();
        (base..base + self.stride * PAGE).contains(&slot.addr())
    }

    /// Ends the slots, and gives the memory back.
    ///
    /// # Safety
    ///
    /// So many slots of it have been made, the first ones, and nobody uses it any more.
    unsafe fn give_back(self, made: usize) {
        for slot in self.slots().take(made) {
            // SAFETY: it was made, and nobody uses it.
            unsafe { slot::fini(slot) };
        }
        // SAFETY: allocated with this layout, given back once.
        unsafe { dealloc(self.base.as_ptr(), page_layout(self.stride)) };
    }
}

impl Slab {
    pub(crate) fn new(first_meta: u32) -> Self {
        Self { index: PageIndex::new(), state: Mutex::new(State::default()), first_meta }
    }

    /// The slot of this number, if it was ever made. Any number may be asked for.
    #[inline(always)]
    pub(crate) fn slot(&self, number: u32) -> Option<SlotPtr> {
        let (page, at) = (number as usize / PAGE, number as usize % PAGE);
        Some(self.index.get(page)?.page_with(at)?.slot(at))
    }

    /// The slot of this name, where it lies now.
    #[inline(always)]
    pub(crate) fn named(&self, SlotName(name): SlotName) -> Option<Numbered> {
        if name.addr() & SlotName::NUMBER == 0 {
            return Some(Numbered {
                slot: SlotPtr::from_block(NonNull::new(name.cast())?),
                number: u32::MAX,
            });
        }
        let number = u32::try_from(name.addr() >> 1).ok()?;
        Some(Numbered { slot: self.slot(number)?, number })
    }

    /// A page all of whose slots have been made.
    pub(super) fn full_page(&self, page: usize) -> Option<Page> {
        self.index.get(page)?.page_with(PAGE - 1)
    }

    /// Puts another page, with the same slots, in the place of this one.
    ///
    /// # Safety
    ///
    /// `old` is this page, and full. Nobody is looking for a slot or knows the address of one of
    /// this page.
    pub(super) unsafe fn replace_page(&self, page: usize, old: Page, new: Page) {
        let Some(entry) = self.index.get(page) else { return };
        // Everybody else is kept out by a claim, whose end orders this.
        entry.set_page(new, PAGE);
        // SAFETY: a full page; the rest is passed on to the caller.
        unsafe { old.give_back(PAGE) };
    }

    /// Takes over the free slots of a context.
    pub(super) fn take_free(&self, cache: &SlotCache) {
        let mut state = self.state.lock();
        for (stride, slots) in cache.classes.take() {
            state.classes.entry(stride).or_default().free.extend(slots);
        }
    }

    /// Goes on with the free slots of `page` at their places in `new`.
    pub(super) fn move_free(&self, page: usize, old: Page, new: Page) {
        let mut state = self.state.lock();
        let free = &mut state.classes.entry(old.stride).or_default().free;
        let of_page = |slot: &mut Numbered| slot.number as usize / PAGE == page;
        let mut moved: Vec<Numbered> = free.extract_if(.., of_page).collect();
        for slot in &mut moved {
            slot.slot = new.slot(slot.number as usize % PAGE);
        }
        state.classes.entry(new.stride).or_default().free.append(&mut moved);
    }

    /// The bytes that a value may take in the slot of this number.
    pub(crate) fn room(&self, number: u32) -> usize {
        self.index.get(number as usize / PAGE).map_or(0, |entry| entry.stride() - VALUE_AT)
    }

    /// All numbers given out so far are below this.
    pub(crate) fn numbers(&self) -> u32 {
        u32::try_from(self.state.lock().pages * PAGE).unwrap_or(u32::MAX)
    }

    /// The pages from this one on, and how many slots have been made in each.
    fn pages(&self, from: usize) -> impl Iterator<Item = (usize, usize)> {
        let made = |page| self.index.get(page).map_or(0, PageEntry::made);
        (from..).map(move |page| (page, made(page))).take_while(|&(_, made)| made > 0)
    }

    /// Every slot made so far, with its number.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Numbered> {
        self.iter_from(0)
    }

    /// Every slot made so far, from this number on.
    pub(crate) fn iter_from(&self, from: u32) -> impl Iterator<Item = Numbered> {
        let from = from as usize;
        let numbers = self.pages(from / PAGE).flat_map(move |(page, made)| {
            let skipped = if page == from / PAGE { from % PAGE } else { 0 };
            (skipped..made).map(move |at| page * PAGE + at)
        });
        numbers.filter_map(|number| {
            let number = u32::try_from(number).ok()?;
            Some(Numbered { slot: self.slot(number)?, number })
        })
    }

    /// Makes up to a group of new slots of this stride.
    fn make(&self, state: &mut State, stride: usize) -> Result<Vec<Numbered>, Full> {
        let page = match state.classes.entry(stride).or_default().page {
            Some(page) => page,
            None => {
                let page = state.pages;
                if (page + 1) * PAGE > u32::MAX as usize {
                    return Err(Full);
                }
                let entry = self.index.get_or_make(page).ok_or(Full)?;
                entry.set_page(Page::alloc(stride), 0);
                state.pages += 1;
                page
            }
        };
        let entry = self.index.get(page).ok_or(Full)?;
        let memory = entry.page().ok_or(Full)?;
        let made = entry.made();
        let upto = (made + GROUP).min(PAGE);
        let mut slots = Vec::with_capacity(upto - made);
        for at in made..upto {
            // SAFETY: the slots so far end below; the number is not given out yet.
            let slot = unsafe { memory.make(at) };
            // SAFETY: the slab is alive.
            unsafe { slot.as_ref() }.meta().store(self.first_meta, Ordering::Relaxed);
            let number = u32::try_from(page * PAGE + at).map_err(|_| Full)?;
            slots.push(Numbered { slot, number });
        }
        entry.set_made(upto);
        state.classes.entry(stride).or_default().page = (upto < PAGE).then_some(page);
        Ok(slots)
    }

    fn refill(&self, stride: usize, cache: &mut Vec<Numbered>) -> Result<(), Full> {
        let mut state = self.state.lock();
        let free = &mut state.classes.entry(stride).or_default().free;
        if free.is_empty() {
            *cache = self.make(&mut state, stride)?;
            // So that slots are given out in the order of their addresses.
            cache.reverse();
        } else {
            cache.extend(free.drain(free.len().saturating_sub(GROUP)..));
        }
        Ok(())
    }
}

impl Drop for Slab {
    fn drop(&mut self) {
        for page in 0..self.state.get_mut().pages {
            let Some(entry) = self.index.get(page) else { continue };
            let Some(page) = entry.page() else { continue };
            // SAFETY: so many were made; the domain is going.
            unsafe { page.give_back(entry.made()) };
        }
    }
}

/// The free slots of a context.
#[derive(Debug, Default)]
pub(crate) struct SlotCache {
    classes: RefCell<Vec<(usize, Vec<Numbered>)>>,
}

impl SlotCache {
    /// A slot for a first value of this kind.
    ///
    /// # Errors
    ///
    /// [`Full`] when all numbers are taken.
    pub(crate) fn take(&self, kind: &KindInfo, slab: &Slab) -> Result<Numbered, Full> {
        #[cfg(chaos)]
        crate::chaos::falter();
        let stride = stride_of(kind);
        let mut classes = self.classes.borrow_mut();
        let cache = match classes.iter().position(|(of, _)| *of == stride) {
            Some(at) => &mut classes[at].1,
            None => {
                classes.push((stride, Vec::new()));
                let last = classes.len() - 1;
                &mut classes[last].1
            }
        };
        loop {
            if let Some(slot) = cache.pop() {
                return Ok(slot);
            }
            slab.refill(stride, cache)?;
        }
    }

    /// Takes back a slot of this slab.
    pub(crate) fn give(&self, slot: Numbered, slab: &Slab) {
        let page = slot.number as usize / PAGE;
        let Some(stride) = slab.index.get(page).map(PageEntry::stride) else { return };
        let mut classes = self.classes.borrow_mut();
        match classes.iter_mut().find(|(of, _)| *of == stride) {
            Some((_, cache)) => {
                cache.push(slot);
                if cache.len() > CACHED {
                    let surplus = cache.drain(..GROUP);
                    slab.state.lock().classes.entry(stride).or_default().free.extend(surplus);
                }
            }
            None => classes.push((stride, vec![slot])),
        }
    }
}
