//! A value that tells loom how it is used.
#![expect(unsafe_code, reason = "a cell that loom watches is not `Sync` by itself")]

use std::sync::atomic::{AtomicU32, Ordering};

use loom::cell::UnsafeCell;

/// A value that loom watches: created, read and dropped in a proper order, or the model fails.
#[derive(Debug)]
pub(super) struct Seen {
    number: u32,
    life: AtomicU32,
    uses: UnsafeCell<()>,
}

// SAFETY: loom checks that the cell is used in an order that needs no lock; that is its purpose.
unsafe impl Sync for Seen {}

const ALIVE: u32 = 0x600D_600D;
const GONE: u32 = 0xDEAD_DEAD;

impl Seen {
    pub(super) fn new(number: u32) -> Self {
        let uses = UnsafeCell::new(());
        uses.with_mut(|_| ());
        Self { number, life: AtomicU32::new(ALIVE), uses }
    }

    pub(super) fn get(&self) -> u32 {
        assert_eq!(self.life.load(Ordering::Relaxed), ALIVE, "the value has been dropped");
        self.uses.with(|_| ());
        self.number
    }
}

impl Clone for Seen {
    fn clone(&self) -> Self {
        Self::new(self.get())
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        assert_eq!(self.life.swap(GONE, Ordering::Relaxed), ALIVE, "the value is dropped twice");
        self.uses.with_mut(|_| ());
    }
}

/// A place that loom watches: changes of it must be ordered among each other.
#[derive(Debug)]
pub(super) struct Watched(UnsafeCell<()>);

// SAFETY: as for `Seen`.
unsafe impl Sync for Watched {}

impl Watched {
    pub(super) fn new() -> Self {
        Self(UnsafeCell::new(()))
    }

    pub(super) fn change(&self) {
        self.0.with_mut(|_| ());
    }
}
