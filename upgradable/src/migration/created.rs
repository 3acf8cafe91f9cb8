//! What a flip's transformers have created: where it is, only they have said, so a roll back takes
//! it away.

use std::cell::Cell;

use upgradable_stm::Kind;

use crate::sync::{AtomicU64, Mutex, Ordering};

/// The kinds of what was created, and the conversions that brought it into the heap.
///
/// A conversion that creates counts itself as begun before it is installed, and as ended after.
/// Whoever finds as many begun in the end as were ended in the beginning knows that none was
/// installed meanwhile, or that he has seen it: installations release what was counted before.
#[derive(Debug, Default)]
pub(crate) struct Created {
    kinds: Mutex<Vec<Kind>>,
    begun: AtomicU64,
    ended: AtomicU64,
}

impl Created {
    pub(crate) fn kinds(&self) -> Vec<Kind> {
        self.kinds.lock().clone()
    }

    pub(crate) fn contains(&self, kind: Kind) -> bool {
        self.kinds.lock().contains(&kind)
    }

    /// Conversions that create, installed or given up so far.
    pub(crate) fn ended(&self) -> u64 {
        self.ended.load(Ordering::Acquire)
    }

    /// Conversions that create and may be installed.
    pub(crate) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Acquire)
    }
}

/// One conversion.
#[derive(Debug)]
pub(crate) struct Creating<'c> {
    created: &'c Created,
    creates: Cell<bool>,
    counted: Cell<bool>,
}

impl<'c> Creating<'c> {
    pub(crate) fn new(created: &'c Created) -> Self {
        Self { created, creates: Cell::new(false), counted: Cell::new(false) }
    }

    /// Its transformer creates an object of this kind.
    pub(crate) fn note(&self, kind: Kind) {
        self.creates.set(true);
        let mut kinds = self.created.kinds.lock();
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }

    /// It is installed next.
    pub(crate) fn begin(&self) {
        if self.creates.get() {
            self.counted.set(true);
            // Relaxed: the installation releases it.
            self.created.begun.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Creating<'_> {
    fn drop(&mut self) {
        if self.counted.get() {
            // Release: pairs with the Acquire in `ended`: what it has installed is seen.
            self.created.ended.fetch_add(1, Ordering::Release);
        }
    }
}
