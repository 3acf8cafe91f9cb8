//! One lock for everything.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::slot::Mode;
use super::{Access, Fault};
use crate::backend::local::{LocalTx, NoLevels, Store};
use crate::backend::{Backend, Class, Done, Found, Moment, Work};
use crate::schema::{Roots, Schema};

/// One fair read-write lock: read-only operations share it, all others have it alone.
#[derive(Debug)]
pub(crate) struct Coarse<S: Schema> {
    store: Store<S>,
    lock: RwLock<()>,
    time: AtomicU64,
}

impl<S: Schema> Default for Coarse<S> {
    fn default() -> Self {
        Self { store: Store::new(), lock: RwLock::new(()), time: AtomicU64::new(0) }
    }
}

impl<S: Schema> Coarse<S> {
    fn run<R>(
        &self,
        access: Access,
        run: impl FnOnce(&LocalTx<'_, S, NoLevels>) -> Result<R, Fault>,
    ) -> Result<Done<R>, Fault> {
        let value = run(&LocalTx::new(&self.store, [access; Class::COUNT], NoLevels))?;
        // With the lock still held, and atomically: readers come here together.
        let time = self.time.fetch_add(1, Ordering::Relaxed);
        Ok(Done { value, moment: Moment { time, only_read: false }, conflicts: 0 })
    }
}

impl<S: Schema> Backend<S> for Coarse<S> {
    type Error = Fault;
    type Inside = Fault;
    type Reader<'b> = LocalTx<'b, S, NoLevels>;
    type Writer<'b> = LocalTx<'b, S, NoLevels>;

    fn read<R>(
        &self,
        _: Work,
        run: impl FnMut(&Self::Reader<'_>) -> Result<R, Fault>,
    ) -> Result<Done<R>, Fault> {
        let mut run = run;
        let lock = self.lock.read();
        // SAFETY: others hold the lock for reading at most, so they are `Shared`, too.
        let access = unsafe { Access::new(Mode::Shared) };
        let done = self.run(access, |tx| run(tx));
        RwLockReadGuard::unlock_fair(lock);
        done
    }

    fn write<R>(
        &self,
        _: Work,
        run: impl FnMut(&Self::Writer<'_>) -> Result<R, Fault>,
    ) -> Result<Done<R>, Fault> {
        let mut run = run;
        let lock = self.lock.write();
        // SAFETY: nobody else holds the lock.
        let access = unsafe { Access::new(Mode::Exclusive) };
        let done = self.run(access, |tx| run(tx));
        RwLockWriteGuard::unlock_fair(lock);
        done
    }
}

impl<S: Schema> Found<S> for Coarse<S> {
    fn set_roots(&mut self, roots: Roots<S>) {
        self.store.roots = Some(roots);
    }
}
