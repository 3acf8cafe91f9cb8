//! Memory for versions outside their slot: blocks, by size class, recycled within the domain.
//!
//! Each context keeps some free blocks of each class and trades them with the domain's pool in
//! groups. Blocks go back to the allocator with the domain (type-stable headers).

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::Cell;
use std::ptr::NonNull;

use super::log::Log;
use super::prefetch::AHEAD;
use super::retire::BATCH;
use super::slot::{self, NodePtr, SlotPtr, VALUE_ALIGN, VALUE_AT};
use super::value::LARGEST_INLINE;
use crate::clock::CommitTs;
use crate::reclaim::active::Live;
use crate::sync::Mutex;

const CLASSES: usize = LARGEST_INLINE / VALUE_ALIGN + 1;
/// Blocks that travel between a context and the pool at once.
pub(super) const GROUP: usize = if cfg!(any(loom, shuttle)) { 1 } else { 32 };
/// A context that has more free blocks of a class than this, and more bytes in them than
/// [`CACHED_BYTES`], gives a group away. Blocks come back by the batch, so it must be several.
const CACHED: usize = GROUP + 4 * BATCH;
/// A large transaction takes as many blocks as it writes objects: it should find those that the one
/// before it has given back, which this processor's cache still has.
const CACHED_BYTES: usize =
    if cfg!(any(loom, shuttle, sanitized, chaos, miri)) { 0 } else { 1 << 18 };

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

    /// So many free blocks a context keeps.
    #[inline(always)]
    fn cached(self) -> usize {
        CACHED.max(CACHED_BYTES / self.block_size())
    }
}

/// Free blocks of a class, the last one to be taken first. Not linked through their headers: who
/// takes one does not wait for its memory.
type Stack = Log<NodePtr>;

/// A queue of free blocks, linked through their headers: those that came back first go first.
#[derive(Debug, Default)]
pub(super) struct Queue {
    ends: Option<(NodePtr, NodePtr)>,
}

impl Queue {
    pub(super) fn push(&mut self, block: NodePtr) {
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
    pub(super) fn append(&mut self, other: Self) {
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
    pub(super) fn pop_if(&mut self, fits: impl FnOnce(NodePtr) -> bool) -> Option<NodePtr> {
        let (first, last) = self.ends.filter(|&(first, _)| fits(first))?;
        // SAFETY: a free block of a living pool.
        let next = unsafe { first.as_ref() }.link();
        self.ends = next.map(|next| (next.ptr(), last));
        Some(first)
    }
}

/// The memory of a group of blocks.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) base: NonNull<u8>,
    pub(super) layout: Layout,
}

impl Chunk {
    /// Fresh memory, with blocks without version.
    fn new(class: Class) -> Self {
        let layout = Layout::from_size_align(class.block_size() * GROUP, VALUE_ALIGN)
            .unwrap_or_else(|_| unreachable!("a group of blocks is a few thousand bytes"));
        // SAFETY: the layout is not empty.
        let base = NonNull::new(unsafe { alloc(layout) });
        let chunk = Self { base: base.unwrap_or_else(|| handle_alloc_error(layout)), layout };
        for place in chunk.places() {
            // SAFETY: a block's own bytes, aligned since all blocks are a multiple of the
            // alignment; the pointer comes from the allocation.
            unsafe { slot::init(place, false) };
        }
        chunk
    }

    fn places(&self) -> impl Iterator<Item = NonNull<u8>> {
        let size = self.layout.size() / GROUP;
        // SAFETY: within the chunk.
        (0..GROUP).map(move |at| unsafe { self.base.byte_add(at * size) })
    }

    /// The blocks, in order.
    fn blocks(&self) -> impl Iterator<Item = SlotPtr> {
        self.places().map(SlotPtr::from_block)
    }

    /// Gives the memory back to the allocator.
    ///
    /// # Safety
    ///
    /// Nobody uses a block of it any more, nor the chunk.
    pub(super) unsafe fn give_back(&self) {
        for block in self.blocks() {
            // So that a model sees who comes too late.
            // SAFETY: the header is there.
            #[cfg(loom)]
            unsafe { block.as_ref() }.inline().set_stamp(CommitTs::ZERO);
            // SAFETY: a header was made there; nobody uses it.
            unsafe { slot::fini(block) };
        }
        // SAFETY: allocated with this layout, given back once.
        unsafe { dealloc(self.base.as_ptr(), self.layout) };
    }
}

#[derive(Debug, Default)]
pub(super) struct ClassPool {
    pub(super) free: Queue,
    pub(super) chunks: Vec<Chunk>,
}

// SAFETY: it owns its chunks, which are plain memory.
unsafe impl Send for ClassPool {}

/// The blocks of a domain.
#[derive(Debug)]
pub(crate) struct BlockPool {
    pub(super) classes: [Mutex<ClassPool>; CLASSES],
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
        if cache.is_empty() {
            pool.make(class, cache);
        }
    }

    /// A block that passes as unseen: the one that has been free for longest, or a new one. More
    /// new ones go to `cache`.
    fn unseen(&self, class: Class, cache: &Stack, oldest: CommitTs) -> NodePtr {
        let mut pool = self.classes[class.0].lock();
        pool.free.pop_if(|block| is_unseen(block, oldest)).unwrap_or_else(|| {
            pool.make(class, cache);
            cache.pop().unwrap_or_else(|| unreachable!("a group was just made"))
        })
    }

    fn take_back(&self, class: Class, cache: &Stack, keep: usize) {
        let mut pool = self.classes[class.0].lock();
        while cache.len() > keep {
            let Some(block) = cache.pop() else { break };
            pool.free.push(block);
        }
    }
}

impl ClassPool {
    /// Makes a group of new blocks.
    fn make(&mut self, class: Class, cache: &Stack) {
        let chunk = Chunk::new(class);
        for block in chunk.blocks() {
            // SAFETY: the pool is alive.
            cache.push(unsafe { block.as_ref() }.inline().ptr());
        }
        self.chunks.push(chunk);
    }
}

/// Whether no reader without pin can be about to look at the stamp of this free block: it was
/// never published, or whoever could have found it in a head had a snapshot before its last stamp,
/// and has ended: all live ones are at `oldest` or above it.
pub(super) fn is_unseen(block: NodePtr, oldest: CommitTs) -> bool {
    // SAFETY: a free block of a living pool.
    let last = unsafe { block.as_ref() }.stamp();
    last == CommitTs::NEVER || last <= oldest
}

impl Drop for BlockPool {
    fn drop(&mut self) {
        for pool in &mut self.classes {
            for chunk in pool.get_mut().chunks.drain(..) {
                // SAFETY: the domain is going.
                unsafe { chunk.give_back() };
            }
        }
    }
}

/// The free blocks of a context.
#[derive(Debug)]
pub(crate) struct BlockCache {
    classes: [Stack; CLASSES],
    /// The [oldest](Live::oldest) snapshot of the last look: it never gets older.
    oldest: Cell<CommitTs>,
}

impl BlockCache {
    pub(crate) fn new() -> Self {
        Self { classes: std::array::from_fn(|_| Stack::new()), oldest: Cell::new(CommitTs::ZERO) }
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
                let coming = cache.len().checked_sub(AHEAD).and_then(|at| cache.get(at));
                coming.inspect(|coming| coming.prefetch_to_write());
                return block;
            }
            pool.refill(class, cache);
        }
    }

    /// A block for a value of this size that will be stamped with a past instant: none that a
    /// reader without pin may still hold for another version. See [`raw`](super).
    ///
    /// `look` looks at the present; what an earlier look has found is mostly enough.
    pub(crate) fn take_unseen(
        &self,
        size: usize,
        look: impl FnOnce() -> Live,
        pool: &BlockPool,
    ) -> NodePtr {
        let class = Class::of(size);
        let cache = &self.classes[class.0];
        let top = cache.pop();
        if let Some(block) = top
            && is_unseen(block, self.oldest.get())
        {
            return block;
        }
        let oldest = look().oldest();
        self.oldest.set(oldest);
        match top {
            Some(block) if is_unseen(block, oldest) => block,
            seen => {
                if let Some(block) = seen {
                    cache.push(block);
                }
                pool.unseen(class, cache, oldest)
            }
        }
    }

    /// Gives every free block to the pool.
    pub(crate) fn give_all(&self, pool: &BlockPool) {
        for (at, cache) in self.classes.iter().enumerate() {
            if !cache.is_empty() {
                pool.take_back(Class(at), cache, 0);
                cache.shrink(0);
            }
        }
    }

    /// Takes back a block that held a value of this size.
    #[inline(always)]
    pub(crate) fn give(&self, block: NodePtr, size: usize, pool: &BlockPool) {
        let class = Class::of(size);
        let cache = &self.classes[class.0];
        cache.push(block);
        if cache.len() > CACHED && cache.len() > class.cached() {
            pool.take_back(class, cache, class.cached() - GROUP);
        }
    }
}
