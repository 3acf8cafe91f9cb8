//! Memory for variables: pages of slots of one type, that know their domain.
//!
//! A variable's handle is one pointer: to its slot. A page is aligned to its size, so the header of
//! the page, with the domain and the kind of all its slots, is found from the slot's address. A
//! variable keeps its domain alive: it owns one count of it, from creation to its end.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::RefCell;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::mem::{self, ManuallyDrop};
use std::ptr::NonNull;
use std::sync::Arc;

use super::context::{Context, Lent};
use super::pending;
use super::retire;
use super::slot::{self, SlotPtr, VALUE_AT};
use crate::clock::CommitTs;
use crate::domain::Inner;
use crate::kind::{Kind, KindInfo};
use crate::sync::{Mutex, Ordering};

/// Bytes of a page, and its alignment.
const PAGE: usize = 1 << 15;
/// Slots that travel between a context and the pages at once.
const GROUP: usize = if cfg!(any(loom, shuttle)) { 1 } else { 32 };
const CACHED: usize = 4 * GROUP;

/// The beginning of a page.
#[repr(C, align(64))]
#[derive(Debug)]
struct Page {
    domain: *const Inner,
    kind: Kind,
    stride: usize,
}

/// Where the slots begin.
const FIRST: usize = mem::size_of::<Page>();

fn layout() -> Layout {
    Layout::from_size_align(PAGE, PAGE).unwrap_or_else(|_| unreachable!("a power of two"))
}

fn stride_of(info: &KindInfo) -> usize {
    (VALUE_AT + info.size).next_multiple_of(info.align)
}

/// The page of a variable's slot.
#[inline(always)]
fn page_of(slot: SlotPtr) -> NonNull<Page> {
    let page = slot.as_ptr().map_addr(|addr| addr & !(PAGE - 1)).cast::<Page>();
    // SAFETY: a page does not begin at address zero.
    unsafe { NonNull::new_unchecked(page) }
}

/// A variable of a domain: a slot all of whose versions hold a `T`.
///
/// It is valid as long as somebody counts as a handle of it, or a transaction that has got it from
/// a handle runs.
pub(crate) struct Typed<T> {
    slot: SlotPtr,
    holds: PhantomData<fn(T) -> T>,
}

impl<T> Clone for Typed<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Typed<T> {}

impl<T> Typed<T> {
    #[inline(always)]
    pub(crate) fn slot(self) -> SlotPtr {
        self.slot
    }

    /// Whether it is a variable of this domain.
    #[inline(always)]
    pub(crate) fn is_of(self, inner: &Inner) -> bool {
        // SAFETY: slots of variables lie in pages, which live as long as the domain, which the
        // variable keeps alive; the header never changes.
        let domain = unsafe { page_of(self.slot).as_ref() }.domain;
        std::ptr::eq(domain, inner)
    }

    #[inline(always)]
    pub(crate) fn kind(self) -> Kind {
        // SAFETY: as in `is_of`.
        unsafe { page_of(self.slot).as_ref() }.kind
    }

    /// Runs `f` with the variable's domain, without counting.
    pub(crate) fn with_domain<R>(self, f: impl FnOnce(&Arc<Inner>) -> R) -> R {
        f(&domain_of(self.slot))
    }

    /// The count of handles.
    pub(crate) fn with_handles<R>(self, f: impl FnOnce(&crate::sync::AtomicU32) -> R) -> R {
        // SAFETY: the variable keeps its domain alive.
        f(unsafe { self.slot.as_ref() }.meta())
    }
}

/// The domain of a variable, borrowed from the count that the variable owns.
fn domain_of(slot: SlotPtr) -> ManuallyDrop<Arc<Inner>> {
    // SAFETY: the variable owns a count of its domain, which `create` made from an `Arc`; it is not
    // given back here.
    ManuallyDrop::new(unsafe { Arc::from_raw(page_of(slot).as_ref().domain) })
}

impl<T: Send + Sync + 'static> Typed<T> {
    /// A new variable, visible to every snapshot, with one handle.
    pub(crate) fn create(value: T, inner: &Arc<Inner>) -> Self {
        let context = Lent::of(inner);
        let kind = Kind::of::<T>();
        let slot = context.vars.take(kind, inner);
        let at = inner.slot(slot);
        at.meta().store(1, Ordering::Relaxed);
        let node = if at.has_room() {
            pending::first_version(at, value, kind, &context, inner)
        } else {
            pending::new_past_version(value, kind, &context, inner)
        };
        let node = inner.node(node);
        node.set_stamp(CommitTs::ZERO);
        node.set_prev(None);
        at.publish(node);
        mem::forget(Arc::clone(inner));
        Self { slot, holds: PhantomData }
    }
}

#[derive(Debug, Default)]
struct KindState {
    free: Vec<SlotPtr>,
    /// The page that slots are made in, and how many bytes of it are used.
    page: Option<(NonNull<Page>, usize)>,
}

#[derive(Debug, Default)]
struct State {
    kinds: HashMap<Kind, KindState>,
    pages: Vec<NonNull<Page>>,
}

// SAFETY: the state owns its pages, whose headers never change and whose slots are atomics.
unsafe impl Send for State {}

/// The variables of a domain.
#[derive(Debug, Default)]
pub(crate) struct Vars {
    state: Mutex<State>,
}

impl Vars {
    fn refill(&self, kind: Kind, inner: &Inner, cache: &mut Vec<SlotPtr>) {
        let mut state = self.state.lock();
        let State { kinds, pages } = &mut *state;
        let of_kind = kinds.entry(kind).or_default();
        let free = of_kind.free.len().saturating_sub(GROUP);
        cache.extend(of_kind.free.drain(free..));
        if !cache.is_empty() {
            return;
        }
        let (page, mut used) = of_kind.page.take().unwrap_or_else(|| {
            let page = new_page(kind, inner);
            pages.push(page);
            (page, FIRST)
        });
        // SAFETY: a page of this domain.
        let stride = unsafe { page.as_ref() }.stride;
        while cache.len() < GROUP && used + stride <= PAGE {
            // SAFETY: within the page.
            let at = unsafe { page.cast::<u8>().byte_add(used) };
            // SAFETY: a slot's own bytes; strides keep the alignment that their values need.
            cache.push(unsafe { slot::init(at, true) });
            used += stride;
        }
        // So that slots are given out in the order of their addresses.
        cache.reverse();
        if used + stride <= PAGE {
            of_kind.page = Some((page, used));
        } else {
            // SAFETY: a page of this domain, all of whose slots have been made.
            debug_assert_eq!(unsafe { slots_in(page, used) }.count(), (PAGE - FIRST) / stride);
        }
    }
}

fn new_page(kind: Kind, inner: &Inner) -> NonNull<Page> {
    let stride = kind.info().map_or(VALUE_AT, stride_of);
    // SAFETY: the layout is not empty.
    let Some(page) = NonNull::new(unsafe { alloc(layout()) }) else { handle_alloc_error(layout()) };
    let page = page.cast::<Page>();
    // SAFETY: a page begins with its header.
    unsafe { page.write(Page { domain: inner, kind, stride }) };
    page
}

/// The slots in the first `used` bytes of a page.
///
/// # Safety
///
/// The page is alive as long as the iterator.
unsafe fn slots_in(page: NonNull<Page>, used: usize) -> impl Iterator<Item = SlotPtr> {
    // SAFETY: the page is alive.
    let stride = unsafe { page.as_ref() }.stride;
    let count = (used - FIRST) / stride;
    // SAFETY: within the page.
    (0..count).map(move |n| unsafe {
        SlotPtr::from_block(page.cast::<u8>().byte_add(FIRST + n * stride))
    })
}

impl Drop for Vars {
    fn drop(&mut self) {
        let State { kinds, pages } = &mut *self.state.get_mut();
        let partly: HashMap<_, _> = kinds.values().filter_map(|state| state.page).collect();
        for page in pages.drain(..) {
            // SAFETY: a page of this domain.
            let stride = unsafe { page.as_ref() }.stride;
            let full = FIRST + (PAGE - FIRST) / stride * stride;
            let used = partly.get(&page).copied().unwrap_or(full);
            // SAFETY: the page is alive till the end of the loop's body.
            for slot in unsafe { slots_in(page, used) } {
                // SAFETY: a slot that was made; the domain is going.
                unsafe { slot::fini(slot) };
            }
            // SAFETY: allocated with this layout, given back once.
            unsafe { dealloc(page.as_ptr().cast(), layout()) };
        }
    }
}

/// The free variables of a context.
#[derive(Debug, Default)]
pub(crate) struct VarCache {
    kinds: RefCell<Vec<(Kind, Vec<SlotPtr>)>>,
}

impl VarCache {
    fn with<R>(&self, kind: Kind, f: impl FnOnce(&mut Vec<SlotPtr>) -> R) -> R {
        let mut kinds = self.kinds.borrow_mut();
        let at = kinds.iter().position(|(of, _)| *of == kind).unwrap_or_else(|| {
            kinds.push((kind, Vec::new()));
            kinds.len() - 1
        });
        f(&mut kinds[at].1)
    }

    fn take(&self, kind: Kind, inner: &Inner) -> SlotPtr {
        self.with(kind, |cache| {
            loop {
                if let Some(slot) = cache.pop() {
                    return slot;
                }
                inner.vars.refill(kind, inner, cache);
            }
        })
    }

    fn give(&self, slot: SlotPtr, kind: Kind, inner: &Inner) {
        self.with(kind, |cache| {
            cache.push(slot);
            if cache.len() > CACHED {
                let surplus = cache.drain(..GROUP);
                inner.vars.state.lock().kinds.entry(kind).or_default().free.extend(surplus);
            }
        });
    }
}

impl Inner {
    /// Ends a variable that no transaction can refer to (the caller has looked at the
    /// announcements for that). Runs the user's `Drop`.
    pub(crate) fn end_var(self: &Arc<Self>, slot: SlotPtr, context: &Context) {
        // SAFETY: as in `is_of`; its own count is given back below.
        let kind = unsafe { page_of(slot).as_ref() }.kind;
        // SAFETY: the last handle had gone before an instant that all live snapshots are at or
        // past, so no transaction that could have got at the slot is under way.
        unsafe { retire::reclaim_var(slot, context, self) };
        context.vars.give(slot, kind, self);
        // The caller holds a count of its own, so this is not the last.
        // SAFETY: the count that `create` made, given back once.
        unsafe { Arc::decrement_strong_count(Arc::as_ptr(self)) };
    }
}
