//! Versions being written: owned by their transaction until it publishes or drops them.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};

use super::context::Context;
use super::log::Log;
use super::retire;
use super::slab::Numbered;
use super::slot::{NodePtr, NodeRef, SlotPtr, SlotRef};
use super::value;
use crate::clock::CommitTs;
use crate::domain::Inner;
use crate::handle;
use crate::kind::Kind;
use crate::reclaim::active::Live;
use crate::sync::Ordering;

/// An object that was read, and the version that was seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadEntry {
    pub(crate) slot: SlotPtr,
    /// `None`: the object did not exist yet.
    pub(crate) node: Option<NodePtr>,
}

/// An object that will be written, and what with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WriteEntry {
    pub(crate) slot: Numbered,
    pub(crate) node: NodePtr,
    pub(crate) state: WriteState,
    /// Whether the object came to be in this transaction.
    pub(crate) created: bool,
    /// Whether the slot has a handle, not a count of them.
    pub(crate) indexed: bool,
    /// Whether the commit holds the slot.
    pub(crate) locked: bool,
    /// The version below, once the slot is locked.
    pub(crate) over: Option<NodePtr>,
}

/// Who may use the value of a pending version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteState {
    /// Nobody refers to it: it can be changed in place.
    Private,
    /// The closure may hold a reference: to change it means to write another version.
    Shared,
    /// The closure of a `modify` has it.
    Lent,
    /// There is no value: the object will be deleted.
    Tombstone,
}

/// Finds the entry of a slot among the writes of a transaction.
///
/// A word of filter first, since most reads are of objects not written; then a linear search,
/// which beats a map for few entries; then a map.
#[derive(Debug, Default)]
pub(crate) struct WriteIndex {
    filter: Cell<u64>,
    mapped: Cell<bool>,
    map: RefCell<HashMap<usize, usize, BuildHasherDefault<AddressHasher>>>,
}

/// Up to here the search is linear.
const LINEAR: usize = 8;

#[inline(always)]
fn scramble(addr: usize) -> u64 {
    (addr as u64 >> 3).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Addresses need no stronger hash: nobody outside chooses them.
#[derive(Debug, Default)]
pub(crate) struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        }
    }

    fn write_usize(&mut self, addr: usize) {
        self.0 = scramble(addr).rotate_left(20);
    }
}

impl WriteIndex {
    /// Where the entry of `slot` is.
    #[inline(always)]
    pub(crate) fn find(&self, slot: SlotPtr, writes: &Log<WriteEntry>) -> Option<usize> {
        let bit = 1 << (scramble(slot.addr()) >> 58);
        if self.filter.get() & bit == 0 { None } else { self.search(slot, writes) }
    }

    fn search(&self, slot: SlotPtr, writes: &Log<WriteEntry>) -> Option<usize> {
        if writes.len() > LINEAR {
            return self.map.borrow().get(&slot.addr()).copied();
        }
        writes.iter(0).position(|entry| entry.slot.slot == slot)
    }

    /// Whether `slot` is among `writes`, which are the entries in any order.
    #[inline(always)]
    pub(crate) fn contains(&self, slot: SlotPtr, writes: &[WriteEntry]) -> bool {
        let bit = 1 << (scramble(slot.addr()) >> 58);
        if self.filter.get() & bit == 0 {
            return false;
        }
        if writes.len() > LINEAR {
            return self.map.borrow().contains_key(&slot.addr());
        }
        writes.iter().any(|entry| entry.slot.slot == slot)
    }

    /// Adds an entry to `writes`, and says where.
    #[inline(always)]
    pub(crate) fn push(&self, entry: WriteEntry, writes: &Log<WriteEntry>) -> usize {
        let at = writes.len();
        writes.push(entry);
        let addr = entry.slot.slot.addr();
        self.filter.set(self.filter.get() | 1 << (scramble(addr) >> 58));
        if at >= LINEAR {
            self.mapped.set(true);
            if at == LINEAR {
                self.rebuild(writes);
            } else {
                self.map.borrow_mut().insert(addr, at);
            }
        }
        at
    }

    /// After entries were taken away. (The filter may keep bits too many.)
    pub(crate) fn rebuild(&self, writes: &Log<WriteEntry>) {
        let mut map = self.map.borrow_mut();
        map.clear();
        if writes.len() > LINEAR {
            map.extend(writes.iter(0).enumerate().map(|(at, entry)| (entry.slot.slot.addr(), at)));
        }
    }

    #[inline(always)]
    pub(crate) fn clear(&self) {
        if self.filter.replace(0) != 0 && self.mapped.replace(false) {
            self.map.borrow_mut().clear();
        }
    }
}

type Handler = Box<dyn FnOnce()>;

/// What a transaction does after its end.
#[derive(Default)]
pub(crate) struct Handlers {
    /// Whether there are any.
    pub(crate) any: Cell<bool>,
    pub(crate) after_commit: RefCell<Vec<Handler>>,
    pub(crate) after_abort: RefCell<Vec<Handler>>,
}

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handlers").finish_non_exhaustive()
    }
}

/// A fresh version outside of any slot, with this value.
#[inline(always)]
pub(crate) fn new_version<T>(value: T, kind: Kind, context: &Context, inner: &Inner) -> NodePtr {
    let size = value::stored_size::<T>();
    debug_assert!(kind.info().is_some_and(|info| info.size == size));
    let node = context.blocks.take(size, &inner.blocks);
    // SAFETY: a fresh block of the size class of this kind; nobody else knows it.
    unsafe { value::put(node, value) };
    // SAFETY: the domain is alive.
    unsafe { node.as_ref() }.set_kind(kind, false);
    node
}

/// A fresh version that will be published at a past instant, with this value.
pub(crate) fn new_past_version<T>(
    value: T,
    kind: Kind,
    context: &Context,
    inner: &Inner,
) -> NodePtr {
    let look = || Live::at_present(&inner.registry, &inner.clock);
    let node = context.blocks.take_unseen(value::stored_size::<T>(), look, &inner.blocks);
    // SAFETY: a fresh block of the size class of this kind; nobody else knows it.
    unsafe { value::put(node, value) };
    // SAFETY: the domain is alive.
    unsafe { node.as_ref() }.set_kind(kind, false);
    node
}

/// A fresh version without value.
pub(crate) fn new_tombstone(context: &Context, inner: &Inner) -> NodePtr {
    let node = context.blocks.take(0, &inner.blocks);
    // SAFETY: the domain is alive.
    unsafe { node.as_ref() }.set_kind(Kind::NONE, false);
    node
}

/// Puts the first value of an object into its slot, if there is room, else into a block.
pub(crate) fn first_version<T>(
    slot: SlotRef<'_>,
    value: T,
    kind: Kind,
    context: &Context,
    inner: &Inner,
) -> NodePtr {
    if !slot.has_room() {
        return new_version(value, kind, context, inner);
    }
    let node = slot.inline();
    // SAFETY: the slot was made for values of this size, it is free and the caller's alone.
    unsafe { value::put(node.ptr(), value) };
    node.set_kind(kind, true);
    node.ptr()
}

/// Moves a pending version into its slot, if there is room, and gives its block back at once.
///
/// The caller holds the lock of the slot, and the closure has ended: nobody refers to the value.
#[inline(always)]
pub(crate) fn settle_in<'d>(
    slot: SlotRef<'d>,
    node: NodeRef<'d>,
    slot_size: impl FnOnce() -> usize,
    context: &Context,
    inner: &Inner,
) -> NodeRef<'d> {
    if node.is_inline() || !slot.has_room() {
        return node;
    }
    let Some(info) = node.kind().info() else { return node };
    let inline = slot.inline();
    if info.size > slot_size() || !value::is_aligned(inline.ptr(), info.align) {
        return node;
    }
    // SAFETY: the closure that wrote the value has ended, so nobody refers to it; the slot has room
    // for it, and is held by the caller, so its free node is private.
    unsafe { value::relocate(node.ptr(), inline.ptr(), info.size) };
    inline.set_kind(node.kind(), true);
    context.blocks.give(node.ptr(), info.size, &inner.blocks);
    inline
}

/// Publishes the value of `node` at `ts` in place of that of `over`, which ends, while its version
/// stays where it is, with what lies below it. `false`: the two don't fit, and nothing was done.
///
/// The caller holds the lock of the slot, and found nobody else under way who sees `over`, when it
/// had the lock and `ts`; the closure has ended. So nobody refers to either value: see
/// [`company`](crate::reclaim::company).
#[inline(always)]
pub(crate) fn exchange<'d>(
    slot: SlotRef<'d>,
    over: NodeRef<'d>,
    node: NodeRef<'d>,
    ts: CommitTs,
    context: &Context,
    inner: &Inner,
) -> bool {
    let Some(info) = over.kind().info() else { return false };
    if over.kind() != node.kind() || node.is_inline() || over.lingers() {
        return false;
    }
    if info.drop.is_some() {
        // SAFETY: nobody refers to either value; both are of this size.
        unsafe { value::swap(node.ptr(), over.ptr(), info.size) };
        context.ended.push(node.ptr());
    } else {
        // SAFETY: nobody refers to either value; both are of this size, and the old one needs no
        // drop.
        unsafe { value::relocate(node.ptr(), over.ptr(), info.size) };
        context.blocks.give(node.ptr(), info.size, &inner.blocks);
    }
    over.let_all_go();
    over.set_stamp(ts);
    slot.publish(over);
    true
}

/// Publishes `node` at `ts` in the slot in place of `over`, which lies in a block and leaves the
/// chain; what lies below it stays. Whoever walks past it goes on, so it is to be retired.
/// `false`: `over` lies in the slot, or has that taken, and nothing was done.
///
/// The caller holds the lock of the slot, and found nobody else under way who sees `over`, when it
/// had the lock and `ts`; the closure has ended.
#[inline(always)]
pub(crate) fn supplant<'d>(
    slot: SlotRef<'d>,
    over: NodeRef<'d>,
    node: NodeRef<'d>,
    ts: CommitTs,
    room: impl FnOnce() -> usize,
    context: &Context,
    inner: &Inner,
) -> bool {
    if over.is_inline() || node.is_inline() || over.lingers() {
        return false;
    }
    let home = settle_in(slot, node, room, context, inner);
    if !home.is_inline() {
        return false;
    }
    home.set_prev(over.prev());
    home.set_stamp(ts);
    slot.publish(home);
    true
}

/// Publishes `node` at `ts` in place of `over`, which ends.
///
/// The caller holds the lock of the slot, in which `over` is the only version, and found nobody
/// else under way when it had the lock and `ts`; the closure has ended. So nobody refers to either
/// value, and nobody will reach `over` again: see [`company`](crate::reclaim::company).
#[inline(always)]
pub(crate) fn replace<'d>(
    slot: SlotRef<'d>,
    over: NodeRef<'d>,
    node: NodeRef<'d>,
    ts: CommitTs,
    room: impl FnOnce() -> usize,
    context: &Context,
    inner: &Inner,
) {
    let info = over.kind().info();
    let drops = info.is_some_and(|info| info.drop.is_some());
    if over.is_inline() && exchange(slot, over, node, ts, context, inner) {
        return;
    }
    let node = settle_in(slot, node, room, context, inner);
    node.set_prev(None);
    node.set_stamp(ts);
    slot.publish(node);
    if drops {
        context.ended.push(over.ptr());
    } else {
        // SAFETY: no thread can reach it since the slot is unlocked; this drops nothing.
        unsafe { retire::reclaim(over.ptr(), &context.blocks, inner) };
    }
}

/// Moves a pending version to where one that is published at a past instant may lie, and gives its
/// block back at once.
///
/// The closure has ended: nobody refers to the value.
pub(crate) fn settle_in_the_past<'d>(
    node: NodeRef<'d>,
    context: &Context,
    inner: &'d Inner,
) -> NodeRef<'d> {
    if node.is_inline() {
        // The first version of an object: whoever had found one before it in this place has ended.
        return node;
    }
    let size = node.size();
    let look = || Live::at_present(&inner.registry, &inner.clock);
    let unseen = context.blocks.take_unseen(size, look, &inner.blocks);
    // SAFETY: the closure that wrote the value has ended, so nobody refers to it; the block is of
    // the same size class, and fresh.
    unsafe { value::relocate(node.ptr(), unseen, size) };
    let settled = inner.node(unseen);
    settled.set_kind(node.kind(), false);
    context.blocks.give(node.ptr(), size, &inner.blocks);
    settled
}

/// Drops a version that was never published. Runs the user's `Drop`.
pub(crate) fn discard(node: NodePtr, context: &Context, inner: &Inner) {
    // SAFETY: an unpublished version of a living domain; its transaction has ended, or nobody
    // refers to it, and it is taken from the lists of the transaction as it goes.
    unsafe { retire::reclaim(node, &context.blocks, inner) };
}

/// Drops the first version of an object that did not come to be, and gives its slot back. Runs the
/// user's `Drop`.
pub(crate) fn discard_created(slot: Numbered, node: NodePtr, context: &Context, inner: &Inner) {
    discard(node, context, inner);
    let at = inner.slot(slot.slot);
    let meta = at.meta();
    // A handle that got out must not name the slot's next object.
    let next = handle::next_generation(meta.load(Ordering::Relaxed));
    meta.store(next, Ordering::Release);
    if !handle::is_used_up(next) {
        context.slots.give(slot, &inner.slots);
    }
}

/// The value of a pending version, to read.
///
/// # Safety
///
/// The value is a `T`; the version is neither changed nor dropped during `'t`.
#[inline(always)]
pub(crate) unsafe fn peek<'t, T>(node: NodePtr) -> &'t T {
    // SAFETY: passed on to the caller.
    unsafe { value::get(node) }
}

/// The value of a pending version, to change.
///
/// # Safety
///
/// The value is a `T`, and nobody else refers to it during `'t`.
#[inline(always)]
pub(crate) unsafe fn borrow_mut<'t, T>(node: NodePtr) -> &'t mut T {
    // SAFETY: passed on to the caller.
    unsafe { value::get_mut(node) }
}

/// Takes the value out of a version that was not published, and recycles the version.
///
/// # Safety
///
/// The version holds a `T`, was never published, and is in no list any more.
pub(crate) unsafe fn take_back<T>(node: NodePtr, context: &Context, inner: &Inner) -> T {
    // SAFETY: it holds a `T`, and whatever was there is forgotten by the recycling below.
    let value = unsafe { value::take(node) };
    context.blocks.give(node, value::stored_size::<T>(), &inner.blocks);
    value
}
