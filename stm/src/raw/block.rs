//! Memory for versions outside their slot: blocks, by size class, recycled within the domain.
//!
//! Each context keeps a few free blocks of each class and trades them with the domain's pool in
//! groups. Blocks go back to the allocator with the domain (type-stable headers).

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::Cell;
use std::mem;
use std::ptr::NonNull;

use super::retire::BATCH;
use super::slot::{self, NodePtr, VALUE_ALIGN, VALUE_AT};
use super::value::LARGEST_INLINE;
use crate::clock::CommitTs;
use crate::reclaim::active::Live;
use crate::sync::Mutex;

const CLASSES: usize = LARGEST_INLINE / VALUE_ALIGN + 1;
/// Blocks that travel between a context and the pool at once.
const GROUP: usize = if cfg!(any(loom, shuttle)) { 1 } else { 32 };
/// A context that has this many free blocks of a class gives a group away. Blocks come back by
/// the batch, so it must be several batches.
const CACHED: usize = GROUP + 4 * BATCH;

/// The bytes of a block for a value of this size.
pub(super) fn block_size(size: usize) -> usize {
    Class::of(size).block_size()
}

#[derive(Clone, Copy, Debug)]
struct Class(usize);

impl Class {
    #[inline(always)]
    fn of(size: usize) -> Self {
        Self(size.div_ceil(VALUE_ALIGN))
    }

    fn block_size(self) -> usize {
        VALUE_AT + self.0 * VALUE_ALIGN
    }
}

/// A list of free blocks, linked through their headers.
#[derive(Debug, Default)]
struct Stack {
    top: Cell<Option<NodePtr>>,
    len: Cell<usize>,
}

// SAFETY: a stack owns the blocks in it, which are plain memory; it is reached through a lock or
// through a context, which one thread at a time has.
unsafe impl Send for Stack {}

impl Stack {
    #[inline(always)]
    fn push(&self, block: NodePtr) {
        // SAFETY: a free block of a living pool.
        let (block, below) = unsafe { (block.as_ref(), self.top.get().map(|top| top.as_ref())) };
        block.set_link(below);
        self.top.set(Some(block.ptr()));
        self.len.set(self.len.get() + 1);
    }

    #[inline(always)]
    fn pop(&self) -> Option<NodePtr> {
        let top = self.top.get()?;
        // SAFETY: a free block of a living pool.
        let below = unsafe { top.as_ref() }.link();
        self.top.set(below.map(|node| node.ptr()));
        self.len.set(self.len.get() - 1);
        Some(top)
    }
}

/// A queue of free blocks, linked through their headers: those that came back first go first.
#[derive(Debug, Default)]
struct Queue {
    ends: Option<(NodePtr, NodePtr)>,
}

impl Queue {
    fn push(&mut self, block: NodePtr) {
        // SAFETY: a free block of a living pool.
        let last = unsafe { block.as_ref() };
        last.set_link(None);
        let first = match self.ends {
            None => block,
            Some((first, before)) => {
                // SAFETY: as above.
                unsafe { before.as_ref() }.set_link(Some(last));
                first
            }
        };
        self.ends = Some((first, block));
    }

    /// Takes over all blocks of another queue.
    fn append(&mut self, other: Self) {
        let Some((first, last)) = other.ends else { return };
        self.ends = match self.ends {
            None => Some((first, last)),
            Some((front, before)) => {
                // SAFETY: free blocks of a living pool.
                let (before, first) = unsafe { (before.as_ref(), first.as_ref()) };
                before.set_link(Some(first));
                Some((front, last))
            }
        };
    }

    /// Takes the first block, if `fits` says so.
    fn pop_if(&mut self, fits: impl FnOnce(NodePtr) -> bool) -> Option<NodePtr> {
        let (first, last) = self.ends.filter(|&(first, _)| fits(first))?;
        // SAFETY: a free block of a living pool.
        let next = unsafe { first.as_ref() }.link();
        self.ends = next.map(|next| (next.ptr(), last));
        Some(first)
    }
}

#[derive(Debug, Default)]
struct ClassPool {
    free: Queue,
    chunks: Vec<(NonNull<u8>, Layout)>,
}

// SAFETY: it owns its chunks, which are plain memory.
unsafe impl Send for ClassPool {}

/// The blocks of a domain.
#[derive(Debug)]
pub(crate) struct BlockPool {
    classes: [Mutex<ClassPool>; CLASSES],
}

impl BlockPool {
    pub(crate) fn new() -> Self {
        Self { classes: std::array::from_fn(|_| Mutex::new(ClassPool::default())) }
    }

    fn refill(&self, class: Class, cache: &Stack) {
        let mut pool = self.classes[class.0].lock();
        for _ in 0..GROUP {
            let Some(block) = pool.free.pop_if(|_| true) else { break };
            cache.push(block);
        }
        if cache.len.get() == 0 {
            pool.make(class, cache);
        }
    }

    /// A block that passes as unseen: the one that has been free for longest, or a new one. More
    /// new ones go to `cache`.
    fn unseen(&self, class: Class, cache: &Stack, live: &Live) -> NodePtr {
        let mut pool = self.classes[class.0].lock();
        pool.free.pop_if(|block| is_unseen(block, live)).unwrap_or_else(|| {
            pool.make(class, cache);
            cache.pop().unwrap_or_else(|| unreachable!("a group was just made"))
        })
    }

    fn take_back(&self, class: Class, cache: &Stack, keep: usize) {
        let mut pool = self.classes[class.0].lock();
        while cache.len.get() > keep {
            let Some(block) = cache.pop() else { break };
            pool.free.push(block);
        }
    }
}

impl BlockPool {
    /// Gives chunks back to the allocator of which every block is free and no reader can be about
    /// to look at one. Returns the bytes.
    ///
    /// Readers without pin that could have found a block in a head have ended when the block
    /// passes as [unseen](is_unseen); readers with a pin, when it has passed the collector, or when
    /// the commit that freed it found nobody else. That leaves whoever cleans up without a
    /// snapshot, and glances at heads: `nobody_cleans` is asked when it is known which blocks are
    /// free, and who begins to clean after that finds them in no head.
    ///
    /// Meanwhile whoever needs a block gets a new one: nobody waits while all are looked at.
    pub(crate) fn shrink(&self, live: &Live, nobody_cleans: impl Fn() -> bool) -> usize {
        let shrink = |pool: &Mutex<ClassPool>| {
            let mut taken = mem::take(&mut *pool.lock());
            let given_back = taken.shrink(live, &nobody_cleans);
            pool.lock().join(taken);
            given_back.into_iter().map(|chunk| chunk.give_back()).sum::<usize>()
        };
        self.classes.iter().map(shrink).sum()
    }
}

impl ClassPool {
    /// Takes the chunks out of which every block is free and unseen.
    fn shrink(&mut self, live: &Live, nobody_cleans: impl Fn() -> bool) -> Vec<FreeChunk> {
        self.chunks.sort_unstable_by_key(|(chunk, _)| chunk.addr());
        // None: somebody else who shrinks has the chunk.
        let chunk_of = |chunks: &[(NonNull<u8>, Layout)], block: NodePtr| {
            let addr = block.block().addr();
            let at = chunks.partition_point(|(chunk, _)| chunk.addr().get() <= addr);
            let at = at.checked_sub(1)?;
            let (chunk, layout) = chunks[at];
            (addr - chunk.addr().get() < layout.size()).then_some(at)
        };
        let mut blocks = Vec::new();
        let mut free = vec![0_usize; self.chunks.len()];
        while let Some(block) = self.free.pop_if(|_| true) {
            if let Some(chunk) = chunk_of(&self.chunks, block)
                && is_unseen(block, live)
            {
                free[chunk] += 1;
            }
            blocks.push(block);
        }
        if !nobody_cleans() {
            free.fill(0);
        }
        for block in blocks {
            if chunk_of(&self.chunks, block).is_none_or(|chunk| free[chunk] < GROUP) {
                self.free.push(block);
            }
        }
        let mut given_back = Vec::new();
        let mut at = 0;
        self.chunks.retain(|&(chunk, layout)| {
            at += 1;
            let stays = free[at - 1] < GROUP;
            if !stays {
                given_back.push(FreeChunk { chunk, layout });
            }
            stays
        });
        given_back
    }

    /// Takes over what another pool of the class has.
    fn join(&mut self, mut other: Self) {
        self.chunks.append(&mut other.chunks);
        self.chunks.shrink_to_fit();
        self.free.append(other.free);
    }

    /// Makes a group of new blocks.
    fn make(&mut self, class: Class, cache: &Stack) {
        let layout = Layout::from_size_align(class.block_size() * GROUP, VALUE_ALIGN)
            .unwrap_or_else(|_| unreachable!("a group of blocks is a few thousand bytes"));
        // SAFETY: the layout is not empty.
        let Some(chunk) = NonNull::new(unsafe { alloc(layout) }) else {
            handle_alloc_error(layout)
        };
        self.chunks.push((chunk, layout));
        for i in 0..GROUP {
            // SAFETY: within the chunk.
            let at = unsafe { chunk.byte_add(i * class.block_size()) };
            // SAFETY: a block's own bytes, aligned since all blocks are a multiple of the
            // alignment; the pointer comes from the allocation.
            let block = unsafe { slot::init(at, false) };
            // SAFETY: the pool is alive.
            cache.push(unsafe { block.as_ref() }.inline().ptr());
        }
    }
}

/// Whether no reader without pin can be about to look at the stamp of this free block: it was
/// never published, or whoever could have found it in a head had a snapshot before its last stamp,
/// and has ended.
fn is_unseen(block: NodePtr, live: &Live) -> bool {
    // SAFETY: a free block of a living pool.
    let last = unsafe { block.as_ref() }.stamp();
    last == CommitTs::NEVER || !live.any_before(last)
}

impl Drop for BlockPool {
    fn drop(&mut self) {
        for pool in &mut self.classes {
            for (chunk, layout) in pool.get_mut().chunks.drain(..) {
                // SAFETY: the domain is going.
                unsafe { drop_chunk(chunk, layout) };
            }
        }
    }
}

/// A chunk of which all blocks were free and are in no list any more, and nobody can be about to look
/// at one.
#[derive(Debug)]
struct FreeChunk {
    chunk: NonNull<u8>,
    layout: Layout,
}

impl FreeChunk {
    fn give_back(self) -> usize {
        // SAFETY: that is what it is.
        unsafe { drop_chunk(self.chunk, self.layout) };
        self.layout.size()
    }
}

/// Gives a chunk back to the allocator.
///
/// # Safety
///
/// It was made with this layout, and nobody uses a block of it any more.
unsafe fn drop_chunk(chunk: NonNull<u8>, layout: Layout) {
    let size = layout.size() / GROUP;
    for i in 0..GROUP {
        // SAFETY: within the chunk, where a header was made; nobody uses it.
        unsafe { slot::fini(slot::SlotPtr::from_block(chunk.byte_add(i * size))) };
    }
    // SAFETY: allocated with this layout, given back once.
    unsafe { dealloc(chunk.as_ptr(), layout) };
}

/// The free blocks of a context.
#[derive(Debug)]
pub(crate) struct BlockCache {
    classes: [Stack; CLASSES],
}

impl BlockCache {
    pub(crate) fn new() -> Self {
        Self { classes: std::array::from_fn(|_| Stack::default()) }
    }

    /// A block for a value of this size.
    #[inline(always)]
    pub(crate) fn take(&self, size: usize, pool: &BlockPool) -> NodePtr {
        #[cfg(chaos)]
        crate::chaos::falter();
        let class = Class::of(size);
        let cache = &self.classes[class.0];
        loop {
            if let Some(block) = cache.pop() {
                return block;
            }
            pool.refill(class, cache);
        }
    }

    /// A block for a value of this size that will be stamped with a past instant: none that a
    /// reader without pin may still hold for another version. See [`raw`](super).
    ///
    /// `live` is a look at the present.
    pub(crate) fn take_unseen(&self, size: usize, live: &Live, pool: &BlockPool) -> NodePtr {
        let class = Class::of(size);
        let cache = &self.classes[class.0];
        match cache.pop() {
            Some(block) if is_unseen(block, live) => block,
            seen => {
                if let Some(block) = seen {
                    cache.push(block);
                }
                pool.unseen(class, cache, live)
            }
        }
    }

    /// Gives every free block to the pool.
    pub(crate) fn give_all(&self, pool: &BlockPool) {
        for (at, cache) in self.classes.iter().enumerate() {
            if cache.len.get() > 0 {
                pool.take_back(Class(at), cache, 0);
            }
        }
    }

    /// Takes back a block that held a value of this size.
    #[inline(always)]
    pub(crate) fn give(&self, block: NodePtr, size: usize, pool: &BlockPool) {
        let class = Class::of(size);
        let cache = &self.classes[class.0];
        cache.push(block);
        if cache.len.get() > CACHED {
            pool.take_back(class, cache, CACHED - GROUP);
        }
    }
}
