//! The objects that a queue is made of.

use arrayvec::ArrayVec;
use upgradable_stm::Handle;

use crate::collections::handle::node;

/// Values of a chunk: it still lies in its slot. This crate's own tests have small ones.
pub(super) const CHUNK: usize = if cfg!(test) { 4 } else { 32 };

/// Values that were pushed one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Chunk {
    /// How many values were pushed before the first one.
    pub(super) before: u64,
    pub(super) values: ArrayVec<Handle, CHUNK>,
    /// The chunk behind this one, which is full then.
    pub(super) next: Option<Handle>,
}

/// Where values are popped: in this chunk, behind so many that are gone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(super) chunk: Handle,
    pub(super) gone: usize,
}

/// Where values are pushed: into this chunk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tail {
    pub(super) chunk: Handle,
}

/// The two ends, which are written, so that this one is not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Root {
    pub(super) head: Handle,
    pub(super) tail: Handle,
}

const _: () = assert!(size_of::<Chunk>() <= 448, "a larger value lies in a box of its own");

node!(Chunk[], "Queue.Chunk", CHUNK);
node!(Head[], "Queue.Head", CHUNK);
node!(Tail[], "Queue.Tail", CHUNK);
node!(Root[], "Queue.Root", CHUNK);

impl Chunk {
    pub(super) fn new(before: u64) -> Self {
        Self { before, values: ArrayVec::new(), next: None }
    }

    /// How many values were pushed before its end.
    pub(super) fn end(&self) -> u64 {
        self.before.wrapping_add(self.values.len() as u64)
    }
}
