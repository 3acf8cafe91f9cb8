//! Running a closure as a transaction on a heap.

use std::convert::Infallible;
use std::time::Duration;

use upgradable_stm::CommitTs;

use super::error::{Abort, Stm, TxError};
use super::snapshot::{HeldSnapshot, Snapshot};
use super::tx::Tx;
use crate::heap::Heap;

impl Heap {
    /// Runs `update` as a transaction: all of it happens at one instant.
    ///
    /// # Retry safety
    ///
    /// The closure may be executed several times; only the last execution counts. Besides reading
    /// and writing objects it should do nothing that can be noticed outside: for that there is
    /// [`Tx::after_commit`].
    ///
    /// # Upgrade safety
    ///
    /// For programs with one code version. An execution after an upgrade finds newer types:
    /// [`AccessError::StaleType`](crate::AccessError::StaleType). A
    /// [`Service`](crate::Service) runs the code that belongs to the types.
    ///
    /// # Errors
    ///
    /// See [`TxError`].
    ///
    /// # Panics
    ///
    /// When the closure panics; the transaction is undone.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable};
    /// # #[derive(Upgradable, Clone)] struct Counter(u64);
    /// let heap = Heap::new();
    /// let counter = heap.atomically(|tx| Ok(tx.create(Counter(1))?))?;
    /// let doubled = heap.atomically(|tx| Ok(tx.modify(counter, |c| { c.0 *= 2; c.0 })?))?;
    /// assert_eq!(doubled, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn atomically<R>(
        &self,
        mut update: impl FnMut(&Tx<'_>) -> Stm<R>,
    ) -> Result<R, TxError<Infallible>> {
        self.try_atomically(|tx| update(tx).map_err(Abort::Interrupt))
    }

    /// Runs `update` as a transaction that it may end without effect, by an error of its own.
    ///
    /// # Retry safety
    ///
    /// As [`atomically`](Self::atomically).
    ///
    /// # Upgrade safety
    ///
    /// As [`atomically`](Self::atomically).
    ///
    /// # Errors
    ///
    /// [`TxError::Cancelled`] with the closure's error; the other variants say what else kept the
    /// transaction from committing.
    ///
    /// # Panics
    ///
    /// When the closure panics; the transaction is undone.
    ///
    /// ```
    /// use upgradable::{Abort, Heap, TxError};
    /// let outcome = Heap::new().try_atomically::<(), _>(|_| Err(Abort::Cancel("too much")));
    /// assert_eq!(outcome, Err(TxError::Cancelled("too much")));
    /// ```
    #[inline]
    pub fn try_atomically<R, E>(
        &self,
        mut update: impl FnMut(&Tx<'_>) -> Result<R, Abort<E>>,
    ) -> Result<R, TxError<E>> {
        let inner = &*self.inner;
        inner.pass_gate();
        let outcome = self
            .domain
            .try_atomically(|core| update(&Tx::new(core, inner)).map_err(Abort::into_core));
        outcome.map_err(|error| self.ended(error.into()))
    }

    /// A transaction with options, to be run by [`Transaction::run`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use upgradable::{Abort, Heap, TxError, Upgradable};
    /// # #[derive(Upgradable, Clone)] struct Flag(bool);
    /// let heap = Heap::new();
    /// let flag = heap.atomically(|tx| Ok(tx.create(Flag(false))?)).unwrap();
    /// let outcome = heap.transaction().timeout(Duration::from_millis(10)).run(|tx| {
    ///     tx.check(tx.read(flag)?.0)?; // never
    ///     Ok::<_, Abort<()>>(())
    /// });
    /// assert_eq!(outcome.unwrap_err(), TxError::TimedOut);
    /// ```
    pub fn transaction(&self) -> Transaction<'_> {
        Transaction { heap: self, timeout: None }
    }

    /// Runs a read-only transaction on the newest snapshot.
    ///
    /// It never aborts, waits for no one but for the moment of a publication (and for an eager
    /// upgrade), and makes no one wait.
    ///
    /// # Retry safety
    ///
    /// The closure is executed exactly once.
    ///
    /// # Upgrade safety
    ///
    /// As [`atomically`](Self::atomically).
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// let heap = Heap::new();
    /// let tag = heap.atomically(|tx| Ok(tx.create(Tag(5))?)).unwrap();
    /// assert_eq!(heap.snapshot(|s| s.read(tag).map(|tag| tag.0)), Ok(5));
    /// ```
    #[inline(always)]
    pub fn snapshot<R>(&self, read: impl FnOnce(&Snapshot<'_>) -> R) -> R {
        let inner = &*self.inner;
        inner.pass_gate();
        self.domain.snapshot(|core| read(&Snapshot::new(core, inner)))
    }

    /// Keeps the present as a live snapshot, to read from it later and from any thread.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// let heap = Heap::new();
    /// let tag = heap.atomically(|tx| Ok(tx.create(Tag(5))?)).unwrap();
    /// let then = heap.hold();
    /// heap.atomically(|tx| Ok(tx.write(tag, Tag(6))?)).unwrap();
    /// assert_eq!(then.read(|s| s.read(tag).map(|tag| tag.0)), Ok(5));
    /// ```
    #[must_use]
    pub fn hold(&self) -> HeldSnapshot {
        HeldSnapshot::new(self.clone(), self.inner.domain.hold())
    }
}

/// A transaction to be run, with its options.
///
/// ```
/// use upgradable::{Abort, Heap};
/// let heap = Heap::new();
/// let committed = heap.transaction().run(|_| Ok::<_, Abort<()>>(5)).unwrap();
/// assert_eq!((committed.value, committed.conflicts), (5, 0));
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "a transaction does nothing until it is run"]
pub struct Transaction<'h> {
    heap: &'h Heap,
    timeout: Option<Duration>,
}

/// A transaction that has committed.
///
/// ```
/// use upgradable::{Abort, Heap};
/// let committed = Heap::new().transaction().run(|_| Ok::<_, Abort<()>>("value")).unwrap();
/// assert_eq!(committed.value, "value");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Committed<R> {
    /// What the closure returned.
    pub value: R,
    /// When it happened: the commit timestamp, or the snapshot's instant if nothing was written.
    pub ts: CommitTs,
    /// Whether anything was written.
    pub wrote: bool,
    /// How many executions were lost to conflicts before this one.
    pub conflicts: u32,
}

impl Transaction<'_> {
    /// Gives up when the transaction has not committed after this time. An execution of the
    /// closure is not interrupted.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use upgradable::{Abort, Heap};
    /// let heap = Heap::new();
    /// let quick = heap.transaction().timeout(Duration::from_secs(5));
    /// assert!(quick.run(|_| Ok::<_, Abort<()>>(())).is_ok());
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Runs the transaction. See [`Heap::try_atomically`].
    ///
    /// # Retry safety
    ///
    /// The closure may be executed several times.
    ///
    /// # Errors
    ///
    /// See [`TxError`].
    ///
    /// ```
    /// # use upgradable::{Abort, Heap};
    /// assert!(Heap::new().transaction().run(|_| Ok::<_, Abort<()>>(())).is_ok());
    /// ```
    #[inline]
    pub fn run<R, E>(
        self,
        mut update: impl FnMut(&Tx<'_>) -> Result<R, Abort<E>>,
    ) -> Result<Committed<R>, TxError<E>> {
        let inner = &*self.heap.inner;
        inner.pass_gate();
        let mut core = self.heap.domain.transaction();
        if let Some(timeout) = self.timeout {
            core = core.timeout(timeout);
        }
        let outcome = core.run(|core| update(&Tx::new(core, inner)).map_err(Abort::into_core));
        match outcome {
            Ok(committed) => Ok(Committed {
                value: committed.value,
                ts: committed.ts,
                wrote: committed.wrote,
                conflicts: committed.conflicts,
            }),
            Err(error) => Err(self.heap.ended(error.into())),
        }
    }
}
