//! A value that tells loom how it is used.
#![expect(unsafe_code, reason = "a cell that loom watches is not `Sync` by itself")]

use std::sync::atomic::{AtomicBool, Ordering};

use loom::cell::UnsafeCell;

/// A number that loom watches: it is made before it is read, and read before it is dropped, each
/// in an order that the program itself has made, or the model fails.
#[derive(Debug)]
pub(super) struct Seen {
    number: u32,
    gone: AtomicBool,
    uses: UnsafeCell<()>,
}

// SAFETY: loom checks that the cell is used in an order that needs no lock; that is its purpose.
unsafe impl Sync for Seen {}

impl Seen {
    pub(super) fn new(number: u32) -> Self {
        let uses = UnsafeCell::new(());
        uses.with_mut(|_| ());
        Self { number, gone: AtomicBool::new(false), uses }
    }

    pub(super) fn get(&self) -> u32 {
        assert!(!self.gone.load(Ordering::Relaxed), "the value has been dropped");
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
        assert!(!self.gone.swap(true, Ordering::Relaxed), "the value is dropped twice");
        self.uses.with_mut(|_| ());
    }
}
