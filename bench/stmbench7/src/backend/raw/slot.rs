//! One object, and the count of those who read it.

use std::cell::UnsafeCell;
use std::fmt;
use std::hint;
use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use thiserror::Error;

/// How a transaction may use the objects of a class: see the module above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Shared,
    Guarded,
    Owned,
    Exclusive,
}

/// A mode that somebody vouches for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access(Mode);

impl Access {
    /// # Safety
    ///
    /// As long as the access or a guard made with it is in use, what the mode says of other
    /// transactions holds for every object that it is used on. An `Exclusive` access is used by
    /// one thread.
    pub(crate) unsafe fn new(mode: Mode) -> Self {
        Self(mode)
    }

    pub(crate) fn mode(self) -> Mode {
        self.0
    }
}

/// A use of the objects that the benchmark's own code should never make.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum Fault {
    #[error("there is no such object")]
    Missing,
    #[error("an object is changed while the same transaction reads it")]
    StillRead,
    #[error("an object is changed without its lock")]
    NotLocked,
}

const WRITING: u32 = u32::MAX;

/// A place for an object.
#[derive(Debug)]
pub(crate) struct Slot<T> {
    /// Counted readers, or `WRITING`.
    readers: AtomicU32,
    value: UnsafeCell<T>,
}

// SAFETY: what is in the cell is only reached by way of `Access`, whose maker vouches that
// references to it are either shared or unique; they go to other threads, hence the bounds.
unsafe impl<T: Send + Sync> Sync for Slot<T> {}

impl<T> Slot<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { readers: AtomicU32::new(0), value: UnsafeCell::new(value) }
    }

    #[inline]
    pub(crate) fn read(&self, access: Access) -> Guard<'_, T> {
        let counted = match access.mode() {
            Mode::Shared => Counted::No,
            Mode::Exclusive => {
                let readers = self.readers.load(Ordering::Relaxed);
                self.readers.store(readers + 1, Ordering::Relaxed);
                Counted::Alone(&self.readers)
            }
            Mode::Guarded | Mode::Owned => {
                self.count_reader();
                Counted::Among(&self.readers)
            }
        };
        // SAFETY: nobody holds or makes a unique reference as long as the guard lives: by the
        // mode, no other transaction does at all, or only after having seen a count of 0; and
        // this one, too, looks at the count before it writes (`Shared` never writes).
        Guard { value: unsafe { &*self.value.get() }, counted }
    }

    fn count_reader(&self) {
        let mut turns = Turns::new();
        loop {
            let readers = self.readers.load(Ordering::Relaxed);
            if readers != WRITING
                && self
                    .readers
                    .compare_exchange_weak(
                        readers,
                        readers + 1,
                        Ordering::Acquire,
                        Ordering::Relaxed,
                    )
                    .is_ok()
            {
                return;
            }
            turns.wait();
        }
    }

    #[inline]
    pub(crate) fn write<R>(
        &self,
        access: Access,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<R, Fault> {
        match access.mode() {
            Mode::Shared | Mode::Guarded => return Err(Fault::NotLocked),
            Mode::Exclusive => {
                if self.readers.load(Ordering::Relaxed) != 0 {
                    return Err(Fault::StillRead);
                }
                self.readers.store(WRITING, Ordering::Relaxed);
            }
            Mode::Owned => {
                let mut turns = Turns::new();
                while self
                    .readers
                    .compare_exchange_weak(0, WRITING, Ordering::Acquire, Ordering::Relaxed)
                    .is_err()
                {
                    turns.wait();
                }
            }
        }
        // Also when `change` panics.
        let _writing = Writing(&self.readers);
        // SAFETY: the count was 0 and is `WRITING` now, so that counted readers wait; those who
        // are not counted are excluded by the mode. `change` can't come here again: the count
        // refuses or, `Owned`, never becomes 0.
        Ok(change(unsafe { &mut *self.value.get() }))
    }
}

struct Writing<'s>(&'s AtomicU32);

impl Drop for Writing<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.store(0, Ordering::Release);
    }
}

/// An object that is being read.
pub(crate) struct Guard<'s, T> {
    value: &'s T,
    counted: Counted<'s>,
}

enum Counted<'s> {
    No,
    Alone(&'s AtomicU32),
    Among(&'s AtomicU32),
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Guard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<T> Drop for Guard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        match self.counted {
            Counted::No => {}
            Counted::Alone(readers) => {
                readers.store(readers.load(Ordering::Relaxed) - 1, Ordering::Relaxed);
            }
            Counted::Among(readers) => {
                readers.fetch_sub(1, Ordering::Release);
            }
        }
    }
}

/// Waiting for what takes a few instructions, unless the other thread is not running.
struct Turns(u32);

impl Turns {
    fn new() -> Self {
        Self(0)
    }

    fn wait(&mut self) {
        self.0 += 1;
        if self.0 < 32 { hint::spin_loop() } else { thread::yield_now() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(mode: Mode) -> Access {
        // SAFETY: the slots of these tests are used by one thread; where two use one, both count.
        unsafe { Access::new(mode) }
    }

    #[test]
    fn what_is_read_is_not_written() {
        let slot = Slot::new(1);
        let guard = slot.read(access(Mode::Exclusive));
        assert_eq!(slot.write(access(Mode::Exclusive), |n| *n = 2), Err(Fault::StillRead));
        assert_eq!(*guard, 1);
        drop(guard);
        assert_eq!(slot.write(access(Mode::Exclusive), |n| *n = 2), Ok(()));
        assert_eq!(*slot.read(access(Mode::Shared)), 2);
    }

    #[test]
    fn readers_do_not_write() {
        let slot = Slot::new(1);
        for mode in [Mode::Shared, Mode::Guarded] {
            assert_eq!(slot.write(access(mode), |n| *n = 2), Err(Fault::NotLocked));
        }
    }

    #[test]
    fn owner_and_guarded_readers_take_turns() {
        let slot = Slot::new((0_u64, 0_u64));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..20_000 {
                    slot.write(access(Mode::Owned), |pair| {
                        pair.0 += 1;
                        pair.1 += 1;
                    })
                    .expect("an owner may write");
                }
            });
            for _ in 0..20_000 {
                let pair = slot.read(access(Mode::Guarded));
                assert_eq!(pair.0, pair.1);
            }
        });
        assert_eq!(slot.read(access(Mode::Shared)).0, 20_000);
    }
}
