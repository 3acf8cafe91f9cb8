//! A growing list of plain entries with interior mutability.
//!
//! Transaction methods take `&self`, and user code may run between any two of them. So the lists
//! of a transaction hand out copies, never references.

use std::cell::UnsafeCell;
use std::fmt;

/// A list of `Copy` entries that can be appended to and changed through `&self`.
pub(crate) struct Log<E> {
    entries: UnsafeCell<Vec<E>>,
}

impl<E: Copy> Log<E> {
    pub(crate) fn new() -> Self {
        Self { entries: UnsafeCell::new(Vec::new()) }
    }

    /// The list, for the time of one call that runs no code but `Vec`'s own and that of a closure
    /// over entries, which are plain.
    #[inline(always)]
    fn with<R>(&self, f: impl FnOnce(&mut Vec<E>) -> R) -> R {
        // SAFETY: the type is not `Sync`, and every caller in this module finishes with the list
        // before it returns and runs nothing meanwhile that could call back into it.
        f(unsafe { &mut *self.entries.get() })
    }

    #[inline(always)]
    pub(crate) fn push(&self, entry: E) {
        self.with(|entries| entries.push(entry));
    }

    /// Takes the last entry.
    #[inline(always)]
    pub(crate) fn pop(&self) -> Option<E> {
        self.with(Vec::pop)
    }

    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.with(|entries| entries.len())
    }

    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline(always)]
    pub(crate) fn get(&self, index: usize) -> Option<E> {
        self.with(|entries| entries.get(index).copied())
    }

    #[inline(always)]
    pub(crate) fn set(&self, index: usize, entry: E) {
        self.with(|entries| {
            if let Some(place) = entries.get_mut(index) {
                *place = entry;
            }
        });
    }

    #[inline(always)]
    pub(crate) fn clear(&self) {
        self.with(Vec::clear);
    }

    /// The entries from `start` on, as copies; those added meanwhile included.
    #[inline(always)]
    pub(crate) fn iter(&self, start: usize) -> Iter<'_, E> {
        Iter { log: self, at: start }
    }

    /// All entries, which leaves the list empty.
    pub(crate) fn take(&self) -> Vec<E> {
        self.with(std::mem::take)
    }

    /// The entries themselves, for the time of `f`, which must not use this list.
    #[inline(always)]
    pub(super) fn borrow<R>(&self, f: impl FnOnce(&mut Vec<E>) -> R) -> R {
        self.with(f)
    }

    /// A copy of all entries.
    pub(crate) fn to_vec(&self) -> Vec<E> {
        self.with(|entries| entries.clone())
    }

    /// Puts a list in place of this one.
    pub(crate) fn replace(&self, with: Vec<E>) {
        self.with(|entries| *entries = with);
    }

    /// Gives memory back after an unusually large transaction.
    pub(crate) fn shrink(&self, capacity: usize) {
        self.with(|entries| {
            if entries.capacity() > capacity {
                entries.shrink_to(capacity);
            }
        });
    }
}

impl<E> fmt::Debug for Log<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").finish_non_exhaustive()
    }
}

/// See [`Log::iter`].
pub(crate) struct Iter<'l, E> {
    log: &'l Log<E>,
    at: usize,
}

impl<E: Copy> Iterator for Iter<'_, E> {
    type Item = E;

    #[inline(always)]
    fn next(&mut self) -> Option<E> {
        let entry = self.log.get(self.at)?;
        self.at += 1;
        Some(entry)
    }
}
