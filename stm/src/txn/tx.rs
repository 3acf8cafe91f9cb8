//! The update transaction as its closure sees it.

use std::time::Instant;

use crate::clock::CommitTs;
use crate::commit::{self, Refusal};
use crate::contention::Turn;
use crate::domain::Inner;
use crate::error::{AccessError, Retry};
use crate::event::{AbortCause, Event};
use crate::handle::Handle;
use crate::kind::Kind;
use crate::layer::Version;
use crate::prefetched::Prefetched;
use crate::raw::frame::Frame;
use crate::raw::update::Update;
use crate::retry::{Wake, Watch};
use crate::tvar::TVar;

/// An update transaction.
///
/// Methods take `&self` and references live as long as the transaction: holding what was read
/// does not keep you from writing, also the same object; the reference goes on showing what was
/// read. Functions that take a `&Tx` compose into larger transactions.
///
/// ```
/// use upgradable_stm::{Domain, Stm, TVar, Tx};
///
/// fn transfer(tx: &Tx<'_>, from: &TVar<u32>, to: &TVar<u32>, cents: u32) -> Stm<()> {
///     let balance = tx.read(from);
///     if *balance < cents {
///         return Err(tx.retry()); // until there is enough
///     }
///     tx.write(from, balance - cents);
///     tx.modify(to, |balance| *balance += cents);
///     Ok(())
/// }
///
/// let domain = Domain::new();
/// let [a, b, c] = [100, 0, 0].map(|cents| domain.tvar(cents));
/// domain.atomically(|tx| {
///     transfer(tx, &a, &b, 60)?;
///     transfer(tx, &b, &c, 50)
/// });
/// assert_eq!(domain.snapshot(|s| [&a, &b, &c].map(|v| *s.read(v))), [40, 10, 50]);
/// ```
#[derive(Debug)]
pub struct Tx<'d> {
    core: Update<'d>,
}

impl<'d> Tx<'d> {
    #[inline(always)]
    pub(super) fn new(frame: Frame<'d>, privileged: bool) -> Self {
        Self { core: Update::new(frame, privileged) }
    }

    #[inline(always)]
    pub(super) fn core(&self) -> &Update<'d> {
        &self.core
    }

    #[inline(always)]
    fn frame(&self) -> &Frame<'d> {
        self.core.frame()
    }

    /// The value of a variable, as this transaction sees it.
    ///
    /// # Panics
    ///
    /// If the variable belongs to another domain, or if a closure of [`modify`](Self::modify) is
    /// changing it.
    ///
    /// ```
    /// let domain = upgradable_stm::Domain::new();
    /// let x = domain.tvar(1);
    /// let (before, after) = domain.atomically(|tx| {
    ///     let before = tx.read(&x);
    ///     tx.write(&x, 2);
    ///     Ok((*before, *tx.read(&x)))
    /// });
    /// assert_eq!((before, after), (1, 2));
    /// ```
    #[inline(always)]
    pub fn read<'t, T: Send + Sync + 'static>(&'t self, var: &TVar<T>) -> &'t T {
        var.expect_of(self.frame().inner());
        self.core.read(var.typed())
    }

    /// Writes a variable without looking at it.
    ///
    /// # Panics
    ///
    /// As [`read`](Self::read).
    ///
    /// ```
    /// let domain = upgradable_stm::Domain::new();
    /// let x = domain.tvar(1);
    /// domain.atomically(|tx| Ok(tx.write(&x, 2)));
    /// assert_eq!(domain.snapshot(|s| *s.read(&x)), 2);
    /// ```
    #[inline(always)]
    pub fn write<T: Send + Sync + 'static>(&self, var: &TVar<T>, value: T) {
        var.expect_of(self.frame().inner());
        self.core.write(var.typed(), value);
    }

    /// Changes a variable in place: on a copy, the first time in a transaction.
    ///
    /// # Panics
    ///
    /// As [`read`](Self::read). If `change` panics, the transaction can't commit any more, even
    /// where the panic is caught.
    ///
    /// ```
    /// let domain = upgradable_stm::Domain::new();
    /// let x = domain.tvar(vec![1]);
    /// let len = domain.atomically(|tx| Ok(tx.modify(&x, |list| { list.push(2); list.len() })));
    /// assert_eq!(len, 2);
    /// ```
    #[inline(always)]
    pub fn modify<T, R>(&self, var: &TVar<T>, change: impl FnOnce(&mut T) -> R) -> R
    where
        T: Clone + Send + Sync + 'static,
    {
        var.expect_of(self.frame().inner());
        self.core.modify(var.typed(), change)
    }

    /// Writes a variable and returns what was there.
    ///
    /// # Panics
    ///
    /// As [`read`](Self::read).
    ///
    /// ```
    /// let domain = upgradable_stm::Domain::new();
    /// let x = domain.tvar(1);
    /// assert_eq!(domain.atomically(|tx| Ok(*tx.replace(&x, 2))), 1);
    /// ```
    #[inline(always)]
    pub fn replace<'t, T: Send + Sync + 'static>(&'t self, var: &TVar<T>, value: T) -> &'t T {
        let before = self.read(var);
        self.write(var, value);
        before
    }

    /// Creates an object that is named by a handle and lives until it is deleted.
    ///
    /// If the transaction does not commit, the handle names nothing.
    ///
    /// # Panics
    ///
    /// When the domain holds more than four thousand million objects.
    ///
    /// ```
    /// let domain = upgradable_stm::Domain::new();
    /// let name = domain.atomically(|tx| Ok(tx.create("Ada")));
    /// assert_eq!(domain.snapshot(|s| s.get::<&str>(name).copied()), Ok("Ada"));
    /// ```
    pub fn create<T: Send + Sync + 'static>(&self, value: T) -> Handle {
        self.core.create(value)
    }

    /// The value of the object that a handle names.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if there is no such object, or it is no `T`.
    ///
    /// ```
    /// use upgradable_stm::{AccessError, Domain};
    /// let domain = Domain::new();
    /// domain.atomically(|tx| {
    ///     let name = tx.create(1_u8);
    ///     assert_eq!(tx.get::<u8>(name), Ok(&1));
    ///     assert!(matches!(tx.get::<i8>(name), Err(AccessError::WrongKind { .. })));
    ///     Ok(())
    /// });
    /// ```
    #[inline]
    pub fn get<T: Send + Sync + 'static>(&self, handle: Handle) -> Result<&T, AccessError> {
        self.core.get(handle, Kind::of::<T>())
    }

    /// The same items in the same order, with the objects that come next on their way from memory:
    /// for walks over many objects that lie here and there. See
    /// [`Snapshot::prefetched`](crate::Snapshot::prefetched); nothing is noted as read.
    ///
    /// ```
    /// let domain = upgradable_stm::Domain::new();
    /// let names = domain.atomically(|tx| Ok((0..100_u64).map(|n| tx.create(n)).collect::<Vec<_>>()));
    /// domain.atomically(|tx| {
    ///     for &name in tx.prefetched(&names, |&&name| name) {
    ///         tx.update(name, |number: &mut u64| *number += 1).expect("it is there");
    ///     }
    ///     Ok(())
    /// });
    /// assert_eq!(domain.snapshot(|s| s.get::<u64>(names[99]).copied()), Ok(100));
    /// ```
    pub fn prefetched<I, F>(&self, items: I, handle: F) -> Prefetched<'_, I::IntoIter, F>
    where
        I: IntoIterator,
        F: FnMut(&I::Item) -> Handle,
    {
        Prefetched::new(self.core.frame(), items.into_iter(), handle)
    }

    /// The value of the object that a handle names, not noted as read: the transaction commits
    /// also if the object has changed since, and `retry` does not wait for it.
    ///
    /// The value is of the snapshot, like everything that the transaction sees. It is for
    /// structures where what was peeked at only leads to what is read: an inner node of a search
    /// tree, where every change that leads elsewhere changes the leaf, too. For all else it is
    /// write skew.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    ///
    /// ```
    /// use upgradable_stm::Domain;
    /// let domain = Domain::new();
    /// let name = domain.atomically(|tx| Ok(tx.create(1_u8)));
    /// assert_eq!(domain.atomically(|tx| Ok(tx.peek::<u8>(name).copied())), Ok(1));
    /// ```
    #[inline]
    pub fn peek<T: Send + Sync + 'static>(&self, handle: Handle) -> Result<&T, AccessError> {
        self.core.peek(handle, Kind::of::<T>())
    }

    /// Writes the object that a handle names.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if there is no such object, or it is no `T`; nothing is written then.
    ///
    /// ```
    /// let domain = upgradable_stm::Domain::new();
    /// let name = domain.atomically(|tx| Ok(tx.create(1_u8)));
    /// domain.atomically(|tx| Ok(tx.put(name, 2_u8))).unwrap();
    /// assert_eq!(domain.snapshot(|s| s.get::<u8>(name).copied()), Ok(2));
    /// ```
    pub fn put<T: Send + Sync + 'static>(
        &self,
        handle: Handle,
        value: T,
    ) -> Result<(), AccessError> {
        self.core.put(handle, value, Kind::of::<T>())
    }

    /// Changes the object that a handle names, as [`modify`](Self::modify) does a variable.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if there is no such object, or it is no `T`; `change` does not run then.
    ///
    /// ```
    /// let domain = upgradable_stm::Domain::new();
    /// let name = domain.atomically(|tx| Ok(tx.create(1_u8)));
    /// let count = |n: &mut u8| { *n += 1; *n };
    /// assert_eq!(domain.atomically(|tx| Ok(tx.update(name, count))), Ok(2));
    /// ```
    pub fn update<T, R>(
        &self,
        handle: Handle,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<R, AccessError>
    where
        T: Clone + Send + Sync + 'static,
    {
        self.core.update(handle, Kind::of::<T>(), change)
    }

    /// Deletes the object that a handle names, whatever its type.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if there is no such object.
    ///
    /// ```
    /// use upgradable_stm::{AccessError, Domain};
    /// let domain = Domain::new();
    /// let name = domain.atomically(|tx| Ok(tx.create(1_u8)));
    /// domain.atomically(|tx| Ok(tx.delete(name))).unwrap();
    /// assert_eq!(domain.snapshot(|s| s.get::<u8>(name).copied()), Err(AccessError::Deleted));
    /// ```
    pub fn delete(&self, handle: Handle) -> Result<(), AccessError> {
        self.core.delete(handle)
    }

    /// What the transaction's snapshot sees of an object, own writes left out.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if there is no such object in the snapshot.
    ///
    /// ```
    /// let domain = upgradable_stm::Domain::new();
    /// let name = domain.atomically(|tx| Ok(tx.create(1_u8)));
    /// assert!(domain.atomically(|tx| Ok(tx.version(name))).unwrap().kind.is::<u8>());
    /// ```
    pub fn version(&self, handle: Handle) -> Result<Version, AccessError> {
        self.core.version(handle)
    }

    /// Says that the transaction can't go on before something that it has read has changed:
    /// return it as an error. The thread sleeps until then, and the closure runs again.
    ///
    /// ```
    /// use upgradable_stm::Domain;
    /// let domain = Domain::new();
    /// let ready = domain.tvar(false);
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| {
    ///         domain.atomically(|tx| if *tx.read(&ready) { Ok(()) } else { Err(tx.retry()) })
    ///     });
    ///     domain.atomically(|tx| Ok(tx.write(&ready, true)));
    /// });
    /// ```
    pub fn retry(&self) -> Retry {
        Retry(())
    }

    /// [`retry`](Self::retry) unless `condition` holds.
    ///
    /// # Errors
    ///
    /// [`Retry`] if it does not.
    ///
    /// ```
    /// let domain = upgradable_stm::Domain::new();
    /// let x = domain.tvar(5);
    /// domain.atomically(|tx| {
    ///     tx.check(*tx.read(&x) > 3)?;
    ///     Ok(tx.write(&x, 0))
    /// });
    /// ```
    pub fn check(&self, condition: bool) -> Result<(), Retry> {
        if condition { Ok(()) } else { Err(self.retry()) }
    }

    /// Runs `handler` after this transaction has committed, on this thread, outside of any
    /// transaction: it may begin one. Handlers run in the order in which they were given; those of
    /// an alternative or a nested part that was undone don't run.
    ///
    /// # Retry safety
    ///
    /// An attempt that is executed again gives its handlers up.
    ///
    /// ```
    /// let domain = upgradable_stm::Domain::new();
    /// domain.atomically(|tx| {
    ///     tx.after_commit(|| println!("committed"));
    ///     Ok(())
    /// });
    /// ```
    pub fn after_commit(&self, handler: impl FnOnce() + 'static) {
        let handlers = &self.frame().context().handlers;
        handlers.any.set(true);
        handlers.after_commit.borrow_mut().push(Box::new(handler));
    }

    /// Runs `handler` after this *attempt* has ended without commit, for whatever reason, on this
    /// thread, outside of any transaction.
    ///
    /// # Retry safety
    ///
    /// An attempt that is executed again runs its handlers first.
    ///
    /// ```
    /// use upgradable_stm::{Domain, Stop};
    /// let domain = Domain::new();
    /// let _ = domain.try_atomically::<(), ()>(|tx| {
    ///     tx.after_abort(|| println!("cancelled"));
    ///     Err(Stop::Cancel(()))
    /// });
    /// ```
    pub fn after_abort(&self, handler: impl FnOnce() + 'static) {
        let handlers = &self.frame().context().handlers;
        handlers.any.set(true);
        handlers.after_abort.borrow_mut().push(Box::new(handler));
    }

    /// The instant that this transaction sees.
    ///
    /// ```
    /// let domain = upgradable_stm::Domain::new();
    /// assert_eq!(domain.atomically(|tx| Ok(tx.at())), domain.now());
    /// ```
    #[must_use]
    pub fn at(&self) -> CommitTs {
        self.frame().at()
    }

    /// Ends the attempt by a commit, and leaves the handlers that must run now.
    #[inline(always)]
    pub(super) fn commit(self, turn: &mut Option<Turn<'_>>) -> (Result<CommitTs, Refusal>, After) {
        let lists = self.frame().context();
        let (reads, writes) = (lists.reads.len(), lists.writes.len());
        let outcome = commit::commit(&self.core);
        match outcome {
            Ok(ts) => {
                *turn = None;
                let frame = self.core.frame();
                let (inner, context) = (frame.inner(), frame.context());
                self.core.forget();
                if writes > 0 {
                    if inner.statistics {
                        context.seat.counters.commits.add(1);
                        context.seat.counters.written.add(writes);
                    }
                    inner.emit(|| Event::Committed { ts, reads, writes });
                    // What is dropped now is dropped outside of the transaction.
                    self.core.end();
                    inner.after_update(context);
                }
                let after = self.take_handlers(true);
                self.core.end();
                (outcome, after)
            }
            Err(Refusal::Conflict(cause)) => (outcome, self.abort(cause)),
            Err(Refusal::SeqOver(_)) => (outcome, self.abort(AbortCause::EraOver)),
        }
    }

    /// Ends the attempt without commit.
    pub(super) fn abort(self, cause: AbortCause) -> After {
        let frame = self.core.frame();
        frame.inner().count_abort(&frame.context().seat, cause);
        self.core.discard_all();
        self.core.end();
        self.take_handlers(false)
    }

    /// Ends the attempt, to sleep until something that it has read has changed.
    #[cold]
    pub(super) fn block(self) -> (Sleep<'d>, After) {
        let inner = self.frame().inner();
        let context = self.frame().context();
        if context.reads.is_empty() {
            return (Sleep::Forever, self.abort(AbortCause::Refused));
        }
        let watch = inner.watches.watch(context.reads.iter(0).map(|read| read.slot));
        // With the snapshot still live; see `retry`.
        let unchanged = context.reads.iter(0).all(|read| {
            let head = inner.slot(read.slot).head();
            !head.is_locked() && head.node().map(|node| node.ptr()) == read.node
        });
        context.seat.counters.blocked.add(1);
        let sleep = if unchanged { Sleep::Until(watch) } else { Sleep::Over };
        (sleep, self.abort(AbortCause::Retry))
    }

    #[inline(always)]
    fn take_handlers(&self, committed: bool) -> After {
        let context = self.frame().context();
        if !context.handlers.any.replace(false) {
            return After(Vec::new());
        }
        let handlers = &context.handlers;
        let (mut run, mut drop) =
            (handlers.after_commit.borrow_mut(), handlers.after_abort.borrow_mut());
        let (commit, abort) = (std::mem::take(&mut *run), std::mem::take(&mut *drop));
        After(if committed { commit } else { abort })
    }
}

impl Drop for Tx<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.core.is_running() {
            self.unwind();
        }
    }
}

impl Tx<'_> {
    /// The closure has panicked.
    #[cold]
    fn unwind(&mut self) {
        let frame = self.core.frame();
        frame.inner().count_abort(&frame.context().seat, AbortCause::Panicked);
        self.core.discard_all();
        // They run when the context is free again; a panic in one of them would abort the process.
        let after = self.take_handlers(false);
        self.core.end();
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| after.run_all()));
    }
}

/// How a transaction that said `retry` waits.
#[derive(Debug)]
pub(super) enum Sleep<'w> {
    /// It has read nothing: nothing can wake it.
    Forever,
    /// Something has changed already.
    Over,
    /// Until something that is watched changes.
    Until(Watch<'w>),
}

impl Sleep<'_> {
    /// Sleeps. `None`: for ever, which it does not do.
    pub(super) fn sleep(self, inner: &Inner, deadline: Option<Instant>) -> Option<Wake> {
        match self {
            Self::Forever => None,
            Self::Over => Some(Wake::Changed),
            Self::Until(watch) => {
                inner.emit(|| Event::Blocked { watched: watch.len() });
                let wake = watch.park(deadline);
                if wake == Wake::Changed {
                    inner.emit(|| Event::Woken);
                }
                Some(wake)
            }
        }
    }
}

/// Handlers to run when a transaction has ended and its context is free.
#[must_use]
pub(super) struct After(Vec<Box<dyn FnOnce()>>);

impl After {
    /// Runs all of them. If some panic, the first panic goes on when all have run.
    #[inline(always)]
    pub(super) fn run(self, turn: &mut Option<Turn<'_>>) {
        if !self.0.is_empty() {
            // Who is privileged gives its turn up for the time that they take.
            *turn = None;
            self.run_all();
        }
    }

    #[cold]
    fn run_all(self) {
        let mut first = None;
        for handler in self.0 {
            let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(handler));
            first = first.or(ran.err());
        }
        if let Some(panic) = first {
            std::panic::resume_unwind(panic);
        }
    }
}
