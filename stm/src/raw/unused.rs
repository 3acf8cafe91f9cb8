//! Chunks of blocks that nobody uses, and how their memory goes back to the allocator.
//!
//! Which chunks those are is found in two walks over the free blocks of a class. The first counts
//! them for their chunks. The second keeps those of chunks that might be free as a whole; a chunk
//! of which all blocks are in hand is. In either walk some blocks are taken at a time, and given
//! back before the next: whoever needs a block finds one, waits for nobody, and may make a count
//! wrong, which the second walk notices.

use std::mem;

use super::block::{BlockPool, Chunk, ClassPool, GROUP, Queue, is_unseen};
use super::slot::NodePtr;
use crate::reclaim::active::Live;
use crate::sync::Mutex;

/// So many blocks are looked at between two questions whether to go on,
const LOOKED_AT: usize = 256;
/// and so many chunks are given back.
const TOGETHER: usize = 16;

impl BlockPool {
    /// Gives chunks back to the allocator of which every block is free and no reader can be about
    /// to look at one. Returns the bytes. Now and then `go_on` is asked, while nothing is locked;
    /// when it says no, nothing more is given back.
    ///
    /// Readers without pin that could have found a block in a head have ended when the block
    /// passes as [unseen](is_unseen); readers with a pin, when it has passed the collector, or when
    /// the commit that freed it found nobody else. That leaves whoever cleans up without a
    /// snapshot, and glances at heads: `nobody_cleans` is asked when all blocks of a chunk are in
    /// hand, and who begins to clean after that finds them in no head.
    pub(crate) fn shrink(
        &self,
        live: &Live,
        nobody_cleans: impl Fn() -> bool,
        mut go_on: impl FnMut() -> bool,
    ) -> usize {
        let mut bytes = 0;
        for pool in &self.classes {
            let unused = unused(pool, live, &nobody_cleans, &mut go_on).unwrap_or_default();
            for (n, unused) in (1_usize..).zip(unused) {
                bytes += unused.0.layout.size();
                drop(unused);
                if n.is_multiple_of(TOGETHER) {
                    // It is nobody's any more: this is for the pace.
                    let _ = go_on();
                }
            }
        }
        bytes
    }
}

/// A chunk of which nobody uses a block any more. Its memory goes back with this.
struct Unused(Chunk);

impl Drop for Unused {
    fn drop(&mut self) {
        // SAFETY: that is what it is.
        unsafe { self.0.give_back() };
    }
}

/// Takes the chunks out of a pool of which every block is free and unseen. Their blocks are in no
/// list any more, and nobody can be about to look at one. `None`: not to go on.
fn unused(
    pool: &Mutex<ClassPool>,
    live: &Live,
    nobody_cleans: impl Fn() -> bool,
    go_on: &mut impl FnMut() -> bool,
) -> Option<Vec<Unused>> {
    let chunks = Chunks::of(&pool.lock().chunks);
    let oldest = live.oldest();
    let mut counted = vec![0; chunks.bases.len()];
    Walk::over(pool).all(go_on, |block| {
        if let Some(chunk) = chunks.find(block).filter(|_| is_unseen(block, oldest)) {
            counted[chunk] += 1;
        }
        false
    })?;
    if !counted.iter().any(|&counted| is_whole(counted)) {
        return None;
    }
    let mut walk = Walk::over(pool);
    let may_be_whole = |block| chunks.find(block).is_some_and(|chunk| is_whole(counted[chunk]));
    walk.all(go_on, |block| is_unseen(block, oldest) && may_be_whole(block))?;
    if !nobody_cleans() {
        return None;
    }
    counted.fill(0);
    walk.kept.iter().filter_map(|&block| chunks.find(block)).for_each(|chunk| counted[chunk] += 1);
    // Nobody waits while the chunks are gone through. One that is not there somebody else has who
    // shrinks, and what lies at its place now is not it.
    let mut all = mem::take(&mut pool.lock().chunks);
    let mut is_unused = vec![false; counted.len()];
    let unused = all.extract_if(.., |chunk| {
        let found = chunks.bases.binary_search(&chunk.base.addr().get());
        let whole = found.ok().filter(|&at| is_whole(counted[at]));
        whole.inspect(|&at| is_unused[at] = true).is_some()
    });
    let unused = unused.map(Unused).collect();
    all.shrink_to_fit();
    walk.kept.retain(|&block| !chunks.find(block).is_some_and(|at| is_unused[at]));
    let mut pool = pool.lock();
    all.append(&mut pool.chunks);
    pool.chunks = all;
    drop(pool);
    Some(unused)
}

/// Whether these are all the blocks of a chunk. The first walk may meet one twice.
fn is_whole(blocks: usize) -> bool {
    blocks >= GROUP
}

/// Where the chunks of a class lie.
struct Chunks {
    /// Addresses, sorted.
    bases: Vec<usize>,
    /// Of each.
    size: usize,
}

impl Chunks {
    fn of(chunks: &[Chunk]) -> Self {
        let mut bases: Vec<_> = chunks.iter().map(|chunk| chunk.base.addr().get()).collect();
        bases.sort_unstable();
        Self { bases, size: chunks.first().map_or(0, |chunk| chunk.layout.size()) }
    }

    /// The chunk that a block lies in. `None`: one made since.
    fn find(&self, block: NodePtr) -> Option<usize> {
        let at = block.block().addr();
        let after = self.bases.partition_point(|&base| base <= at);
        after.checked_sub(1).filter(|&chunk| at - self.bases[chunk] < self.size)
    }
}

/// A walk over the free blocks of a class. What it has in hand goes back in the end, also if
/// somebody panics on the way.
struct Walk<'p> {
    pool: &'p Mutex<ClassPool>,
    /// The way before it.
    ahead: Queue,
    kept: Vec<NodePtr>,
}

impl<'p> Walk<'p> {
    fn over(pool: &'p Mutex<ClassPool>) -> Self {
        Self { pool, ahead: mem::take(&mut pool.lock().free), kept: Vec::new() }
    }

    /// Goes all the way, keeping what `keeps` says. `None`: not to go on.
    fn all(
        &mut self,
        go_on: &mut impl FnMut() -> bool,
        mut keeps: impl FnMut(NodePtr) -> bool,
    ) -> Option<()> {
        while self.some(&mut keeps) {
            if !go_on() {
                return None;
            }
        }
        Some(())
    }

    /// Whether there may be more.
    fn some(&mut self, mut keeps: impl FnMut(NodePtr) -> bool) -> bool {
        let mut seen = Queue::default();
        let mut left = LOOKED_AT;
        while left > 0
            && let Some(block) = self.ahead.pop_if(|_| true)
        {
            if keeps(block) {
                self.kept.push(block);
            } else {
                seen.push(block);
            }
            left -= 1;
        }
        self.pool.lock().free.append(seen);
        left == 0
    }
}

impl Drop for Walk<'_> {
    fn drop(&mut self) {
        let mut rest = mem::take(&mut self.ahead);
        self.kept.drain(..).for_each(|block| rest.push(block));
        self.pool.lock().free.append(rest);
    }
}
