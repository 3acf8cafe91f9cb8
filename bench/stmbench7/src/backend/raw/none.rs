//! No synchronisation: one thread.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::slot::Mode;
use super::{Access, Fault};
use crate::backend::local::{LocalTx, NoLevels, Store};
use crate::backend::{Backend, Class, Done, Found, Moment, Work};
use crate::schema::{Roots, Schema};

/// Plain objects for one thread. A second one is turned away.
#[derive(Debug)]
pub(crate) struct Unsynchronised<S: Schema> {
    store: Store<S>,
    busy: AtomicBool,
    time: AtomicU64,
}

impl<S: Schema> Default for Unsynchronised<S> {
    fn default() -> Self {
        Self { store: Store::new(), busy: AtomicBool::new(false), time: AtomicU64::new(0) }
    }
}

impl<S: Schema> Unsynchronised<S> {
    fn run<R>(
        &self,
        mode: Mode,
        run: impl FnOnce(&LocalTx<'_, S, NoLevels>) -> Result<R, Fault>,
    ) -> Result<Done<R>, Fault> {
        assert!(!self.busy.swap(true, Ordering::Acquire), "this back end is for one thread");
        let _busy = Busy(&self.busy);
        // SAFETY: by `busy`, there is no other transaction; and this one writes in no mode but
        // `Exclusive`.
        let access = unsafe { Access::new(mode) };
        let value = run(&LocalTx::new(&self.store, [access; Class::COUNT], NoLevels))?;
        let time = self.time.fetch_add(1, Ordering::Relaxed);
        Ok(Done { value, moment: Moment { time, only_read: false }, conflicts: 0 })
    }
}

struct Busy<'b>(&'b AtomicBool);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl<S: Schema> Backend<S> for Unsynchronised<S> {
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
        self.run(Mode::Shared, |tx| run(tx))
    }

    fn write<R>(
        &self,
        _: Work,
        run: impl FnMut(&Self::Writer<'_>) -> Result<R, Fault>,
    ) -> Result<Done<R>, Fault> {
        let mut run = run;
        self.run(Mode::Exclusive, |tx| run(tx))
    }
}

impl<S: Schema> Found<S> for Unsynchronised<S> {
    fn set_roots(&mut self, roots: Roots<S>) {
        self.store.roots = Some(roots);
    }
}
