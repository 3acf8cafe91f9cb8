//! Twelve locks: the structure, four classes of attributes, and seven levels of assemblies.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::plan::{Plan, Take};
use super::slot::Mode;
use super::{Access, Fault};
use crate::backend::local::{Levels, LocalTx, Store};
use crate::backend::{Backend, Class, Done, Found, Moment, Work};
use crate::schema::{Roots, Schema};

const MAX_LEVEL: usize = 7;

/// The medium-grained back end.
#[derive(Debug)]
pub(crate) struct Medium<S: Schema> {
    store: Store<S>,
    locks: Locks,
    time: AtomicU64,
}

#[derive(Debug, Default)]
struct Locks {
    structure: RwLock<()>,
    manual: RwLock<()>,
    composites: RwLock<()>,
    documents: RwLock<()>,
    atomics: RwLock<()>,
    /// The base assemblies are level 1.
    levels: [RwLock<()>; MAX_LEVEL + 1],
}

/// A lock, as it is held; dropped to release it.
#[derive(Debug)]
enum Held<'l> {
    No,
    Read(#[expect(dead_code, reason = "held, not looked at")] RwLockReadGuard<'l, ()>),
    Write(#[expect(dead_code, reason = "held, not looked at")] RwLockWriteGuard<'l, ()>),
}

impl<'l> Held<'l> {
    fn take(lock: &'l RwLock<()>, take: Take) -> Self {
        match take {
            Take::No => Self::No,
            Take::Read => Self::Read(lock.read()),
            Take::Write => Self::Write(lock.write()),
        }
    }

    /// What holding the lock of a class says of its objects, while the structure is locked for
    /// reading.
    fn mode(&self) -> Mode {
        match self {
            Self::No => Mode::Guarded,
            Self::Read(_) => Mode::Shared,
            Self::Write(_) => Mode::Owned,
        }
    }
}

/// A lock on one level, taken late.
#[derive(Debug)]
pub(crate) struct LateLevel<'l> {
    locks: &'l Locks,
    take: Take,
    held: RefCell<Vec<(u8, Held<'l>)>>,
}

impl Levels for LateLevel<'_> {
    fn enter(&self, level: u8) -> Option<Access> {
        if self.take == Take::No {
            return None;
        }
        let mut held = self.held.borrow_mut();
        if held.iter().all(|&(other, _)| other != level) {
            held.push((level, Held::take(&self.locks.levels[usize::from(level)], self.take)));
        }
        let mode = if self.take == Take::Write { Mode::Owned } else { Mode::Guarded };
        // SAFETY: the structure is locked for reading. `Guarded` asks for no more. `Owned`: who
        // reads complex assemblies `Shared` holds the locks of all levels for reading, so not now
        // that one is held for writing; another owner holds other levels, and objects of these
        // are counted, too.
        Some(unsafe { Access::new(mode) })
    }
}

impl<S: Schema> Default for Medium<S> {
    fn default() -> Self {
        Self { store: Store::new(), locks: Locks::default(), time: AtomicU64::new(0) }
    }
}

impl<S: Schema> Medium<S> {
    fn run<R>(
        &self,
        work: Work,
        run: impl for<'l> FnOnce(&LocalTx<'l, S, LateLevel<'l>>) -> Result<R, Fault>,
    ) -> Result<Done<R>, Fault> {
        let (plan, locks) = (Plan::of(work), &self.locks);
        let structure = Held::take(&locks.structure, plan.structure);
        let manual = Held::take(&locks.manual, plan.manual);
        let bases = Held::take(&locks.levels[1], plan.bases);
        let composites = Held::take(&locks.composites, plan.composites);
        let documents = Held::take(&locks.documents, plan.documents);
        let atomics = Held::take(&locks.atomics, plan.atomics);
        let levels: Vec<_> = match plan.complexes {
            Take::No => Vec::new(),
            take => (2..=MAX_LEVEL).rev().map(|n| Held::take(&locks.levels[n], take)).collect(),
        };

        let alone = matches!(structure, Held::Write(_));
        let mode = |class: Class| match class {
            _ if alone => Mode::Exclusive,
            Class::Structure => Mode::Shared,
            Class::Manual => manual.mode(),
            Class::Base => bases.mode(),
            Class::Composite => composites.mode(),
            Class::Document => documents.mode(),
            Class::Atomic => atomics.mode(),
            Class::Complex => levels.first().map_or(Mode::Guarded, Held::mode),
        };
        // SAFETY: everybody holds the structure's lock. Who holds it for writing is alone. All
        // others write only objects of classes whose lock they hold for writing, and those
        // `Owned`: so an object of a class that is locked for reading is written by nobody, and
        // in all other cases readers are counted. Objects of the structure are written by nobody.
        let access = |class| unsafe { Access::new(mode(class)) };
        let late = LateLevel { locks, take: plan.one_level, held: RefCell::default() };
        let tx = LocalTx::new(&self.store, Class::ALL.map(access), late);
        let value = run(&tx)?;
        // Before anything is released.
        let time = self.time.fetch_add(1, Ordering::Relaxed);
        Ok(Done { value, moment: Moment { time, only_read: false }, conflicts: 0 })
    }
}

impl<S: Schema> Backend<S> for Medium<S> {
    type Error = Fault;
    type Inside = Fault;
    type Reader<'b> = LocalTx<'b, S, LateLevel<'b>>;
    type Writer<'b> = LocalTx<'b, S, LateLevel<'b>>;

    fn read<R>(
        &self,
        work: Work,
        run: impl FnMut(&Self::Reader<'_>) -> Result<R, Fault>,
    ) -> Result<Done<R>, Fault> {
        let mut run = run;
        self.run(work, |tx| run(tx))
    }

    fn write<R>(
        &self,
        work: Work,
        run: impl FnMut(&Self::Writer<'_>) -> Result<R, Fault>,
    ) -> Result<Done<R>, Fault> {
        let mut run = run;
        self.run(work, |tx| run(tx))
    }
}

impl<S: Schema> Found<S> for Medium<S> {
    fn set_roots(&mut self, roots: Roots<S>) {
        self.store.roots = Some(roots);
    }
}
