//! The end of versions: retired in batches, reclaimed when nobody can stand on them.
//!
//! A batch goes through the epoch collector, then into the [`Ready`] queue of the context that
//! retired it: so blocks stay with the thread that uses them. Values are dropped from there, at the
//! end of some transaction, outside of every lock of this crate: a user's `Drop` may do what it
//! likes, also run a transaction.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::block::BlockCache;
use super::context::{Context, Lent};
use super::prefetch::AHEAD;
use super::slab::{Numbered, Slab};
use super::slot::{NodePtr, NodeRef, SlotPtr, SlotRef};
use super::value;
use crate::domain::Inner;
use crate::reclaim::collector::Guard;
use crate::sync::{AtomicUsize, Backoff, Mutex, Ordering};

/// Versions in a batch. What a thread holds back, at most.
pub(crate) const BATCH: usize =
    if cfg!(any(loom, shuttle, sanitized, chaos, miri)) { 2 } else { 128 };

/// Versions that one context retired and whose time has come.
#[derive(Debug, Default)]
pub(crate) struct Ready {
    nodes: Mutex<Vec<NodePtr>>,
    len: AtomicUsize,
}

impl Ready {
    pub(super) fn add(&self, batch: Vec<NodePtr>) {
        let mut nodes = self.nodes.lock();
        nodes.extend(batch);
        self.len.store(nodes.len(), Ordering::Relaxed);
    }

    /// How many wait; a glance.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    /// Reclaims what waits, so many versions at most, and returns how many that were. Runs users'
    /// `Drop`.
    pub(crate) fn reclaim(&self, most: usize, cache: &BlockCache, inner: &Inner) -> usize {
        let mut nodes = self.nodes.lock();
        let batch = match nodes.len().checked_sub(most) {
            None | Some(0) => std::mem::take(&mut *nodes),
            Some(stay) => nodes.split_off(stay),
        };
        self.len.store(nodes.len(), Ordering::Relaxed);
        drop(nodes);
        for (at, &node) in batch.iter().enumerate() {
            if let Some(coming) = batch.get(at + AHEAD) {
                coming.prefetch_to_write();
            }
            // SAFETY: it was trimmed (no snapshot sees it) and every thread that was pinned then
            // has unpinned; it was taken from the queue once; the queue is of this domain.
            unsafe { reclaim(node, cache, inner) };
        }
        batch.len()
    }
}

impl Context {
    /// Reclaims what the last commit has ended. Runs users' `Drop`.
    ///
    /// A transaction that such a `Drop` begins has another context, and another list.
    pub(crate) fn reclaim_ended(&self, inner: &Inner) {
        for node in self.ended.iter(0) {
            // SAFETY: the commit has found that nobody can reach it, and noted it once.
            unsafe { reclaim(node, &self.blocks, inner) };
        }
        self.ended.clear();
    }
}

/// Hands a batch of trimmed versions to the collector.
pub(crate) fn retire(batch: Vec<NodePtr>, ready: &Arc<Ready>, guard: &Guard) {
    if batch.is_empty() {
        return;
    }
    let ready = Arc::clone(ready);
    guard.defer(move || ready.add(batch));
    guard.flush();
}

/// Drops the value of a version and recycles its memory.
///
/// # Safety
///
/// The node holds a version of the domain that no thread can reach any more; it is reclaimed once.
pub(crate) unsafe fn reclaim(node: NodePtr, cache: &BlockCache, inner: &Inner) {
    // SAFETY: the domain is alive.
    let header: NodeRef<'_> = unsafe { node.as_ref() };
    let info = header.kind().info();
    if let Some(drop) = info.and_then(|info| info.drop) {
        // SAFETY: the kind names the type of the value, which no thread can reach any more.
        let dropped = catch_unwind(AssertUnwindSafe(|| unsafe { value::drop_value(node, drop) }));
        if dropped.is_err() {
            inner.drop_panics.fetch_add(1, Ordering::Relaxed);
        }
    }
    header.set_prev(None);
    if header.is_inline() {
        header.set_free();
    } else {
        // It keeps its stamp: see `BlockCache::take_unseen`.
        cache.give(node, info.map_or(0, |info| info.size), &inner.blocks);
    }
}

/// Empties a slot and returns what was newest in it. Whoever is trimming it is waited for.
fn empty(slot: SlotRef<'_>) -> Option<NodeRef<'_>> {
    let mut backoff = Backoff::new();
    loop {
        if let Some(newest) = slot.try_lock() {
            slot.vacate();
            return newest;
        }
        backoff.snooze();
    }
}

/// Ends a slot whose last handle is gone, with all its versions. Runs the user's `Drop`.
///
/// # Safety
///
/// No transaction that could have got at the slot by a handle is under way.
pub(crate) unsafe fn reclaim_var(var: SlotPtr, context: &Context, inner: &Inner) {
    let mut node = empty(inner.slot(var));
    while let Some(version) = node {
        node = version.prev();
        // SAFETY: no transaction that could have got at the slot is under way, and it was emptied
        // here, once, while nobody else held it.
        unsafe { reclaim(version.ptr(), &context.blocks, inner) };
    }
}

/// Ends all objects of a domain that no transaction can enter any more. Runs users' `Drop`.
///
/// # Safety
///
/// No transaction of the domain is under way or will begin.
pub(crate) unsafe fn reclaim_slots(slab: &Slab, cache: &BlockCache, inner: &Inner) {
    for Numbered { slot, .. } in slab.iter() {
        let mut node = empty(inner.slot(slot));
        while let Some(version) = node {
            node = version.prev();
            // SAFETY: no transaction is under way, and the version was reachable from this slot
            // only, which is empty now.
            unsafe { reclaim(version.ptr(), cache, inner) };
        }
    }
}

impl Inner {
    /// Ends all objects with handles: the last name of the domain has gone.
    pub(crate) fn end_objects(self: &Arc<Self>) {
        let context = Lent::of(self);
        // SAFETY: transactions borrow a `Domain`, held snapshots own one, and the last has gone.
        unsafe { reclaim_slots(&self.slots, &context.blocks, self) };
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close_names();
        let cache = BlockCache::new();
        // SAFETY: whoever could begin a transaction or refer to a variable keeps the domain alive.
        unsafe { reclaim_slots(&self.slots, &cache, self) };
        let mut contexts = std::mem::take(self.contexts.get_mut());
        let queues = contexts.end();
        // The collector hands everything over when its last handle goes.
        drop(contexts);
        drop(std::mem::take(&mut self.collector));
        for ready in queues {
            ready.reclaim(usize::MAX, &cache, self);
        }
    }
}
