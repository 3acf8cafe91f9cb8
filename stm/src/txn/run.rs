//! Running a closure as a transaction: until it commits, or can't.

use std::convert::Infallible;
use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use super::tx::{Sleep, Tx};
use crate::clock::{CommitTs, Era};
use crate::commit::Refusal;
use crate::contention::{PATIENCE, Turn};
use crate::domain::Domain;
use crate::error::{Retry, Stm, Stop, TxError};
use crate::event::{AbortCause, Event};
use crate::raw::frame::Frame;
use crate::retry::Wake;
use crate::sync::Backoff;

impl Domain {
    /// Runs `update` as a transaction: all of it happens at one instant.
    ///
    /// # Retry safety
    ///
    /// The closure may be executed several times; only the last execution counts. Besides reading
    /// and writing transactional objects it should do nothing that can be noticed outside: for
    /// that there is [`Tx::after_commit`].
    ///
    /// # Panics
    ///
    /// When the closure panics (the transaction is undone, and the panic goes on), and where
    /// [`try_atomically`](Self::try_atomically) would return an error other than
    /// [`TxError::Cancelled`].
    ///
    /// ```
    /// let domain = upgradable_stm::Domain::new();
    /// let x = domain.tvar(1);
    /// let doubled = domain.atomically(|tx| Ok(tx.modify(&x, |n| { *n *= 2; *n })));
    /// assert_eq!(doubled, 2);
    /// ```
    #[inline]
    #[track_caller]
    pub fn atomically<R>(&self, mut update: impl FnMut(&Tx<'_>) -> Stm<R>) -> R {
        let closure = |tx: &Tx<'_>| update(tx).map_err(Stop::<Infallible>::Retry);
        match self.transaction().execute(closure) {
            Ok(committed) => committed.value,
            Err(error) => refused(&error),
        }
    }

    /// Runs `update` as a transaction that it may end without effect, by an error of its own.
    ///
    /// # Retry safety
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
    /// use upgradable_stm::{Domain, Stop, TxError};
    /// let domain = Domain::new();
    /// let x = domain.tvar(1);
    /// let result = domain.try_atomically(|tx| {
    ///     tx.write(&x, 5);
    ///     if *tx.read(&x) > 3 { Err(Stop::Cancel("too much")) } else { Ok(()) }
    /// });
    /// assert_eq!(result, Err(TxError::Cancelled("too much")));
    /// assert_eq!(domain.snapshot(|s| *s.read(&x)), 1);
    /// ```
    #[inline]
    pub fn try_atomically<R, E>(
        &self,
        update: impl FnMut(&Tx<'_>) -> Result<R, Stop<E>>,
    ) -> Result<R, TxError<E>> {
        Ok(self.transaction().execute(update)?.value)
    }

    /// A transaction with options, to be run by [`Transaction::run`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use upgradable_stm::{Domain, Stop, TxError};
    /// let domain = Domain::new();
    /// let x = domain.tvar(1);
    /// let outcome = domain.transaction().timeout(Duration::from_millis(10)).run(|tx| {
    ///     tx.check(*tx.read(&x) == 2)?; // never
    ///     Ok::<_, Stop<()>>(())
    /// });
    /// assert_eq!(outcome.unwrap_err(), TxError::TimedOut);
    /// ```
    #[inline]
    pub fn transaction(&self) -> Transaction<'_> {
        Transaction { domain: self, timeout: None, era: None }
    }
}

#[cold]
#[track_caller]
fn refused(error: &TxError<Infallible>) -> ! {
    panic!("{error}");
}

/// A transaction to be run, with its options.
///
/// ```
/// use upgradable_stm::{Domain, Stop};
/// let domain = Domain::new();
/// let x = domain.tvar(1);
/// let committed = domain.transaction().run(|tx| Ok::<_, Stop<()>>(tx.write(&x, 2))).unwrap();
/// assert_eq!(committed.ts, domain.now());
/// assert_eq!(committed.conflicts, 0);
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "a transaction does nothing until it is run"]
pub struct Transaction<'d> {
    domain: &'d Domain,
    timeout: Option<Duration>,
    era: Option<Era>,
}

/// A transaction that has committed.
///
/// ```
/// use upgradable_stm::{Domain, Stop};
/// let domain = Domain::new();
/// let committed = domain.transaction().run(|_| Ok::<_, Stop<()>>("value")).unwrap();
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

impl<'d> Transaction<'d> {
    /// Gives up when the transaction has not committed after this time. An execution of the
    /// closure is not interrupted.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use upgradable_stm::{Domain, Stop, TxError};
    /// let domain = Domain::new();
    /// let x = domain.tvar(false);
    /// let wait = domain.transaction().timeout(Duration::from_millis(5)).run(|tx| {
    ///     Ok::<_, Stop<()>>(tx.check(*tx.read(&x))?)
    /// });
    /// assert_eq!(wait.unwrap_err(), TxError::TimedOut);
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Runs only in this era: for code that knows the objects of one era only.
    ///
    /// ```
    /// # use upgradable_stm::{Domain, Era, Stop, TxError};
    /// let domain = Domain::new();
    /// domain.advance_era(|_| {}).unwrap();
    /// let outcome = domain.transaction().era(Era::FIRST).run(|_| Ok::<_, Stop<()>>(()));
    /// assert_eq!(outcome.unwrap_err(), TxError::EraOver);
    /// ```
    pub fn era(mut self, era: Era) -> Self {
        self.era = Some(era);
        self
    }

    /// Runs the transaction. See [`Domain::try_atomically`].
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
    /// # use upgradable_stm::{Domain, Stop};
    /// let domain = Domain::new();
    /// assert!(domain.transaction().run(|_| Ok::<_, Stop<()>>(())).is_ok());
    /// ```
    pub fn run<R, E>(
        self,
        update: impl FnMut(&Tx<'_>) -> Result<R, Stop<E>>,
    ) -> Result<Committed<R>, TxError<E>> {
        self.execute(update)
    }

    #[inline(always)]
    fn execute<R, E>(
        self,
        mut update: impl FnMut(&Tx<'_>) -> Result<R, Stop<E>>,
    ) -> Result<Committed<R>, TxError<E>> {
        let started = self.timeout.map(|_| Instant::now());
        // The first attempt mostly commits, and then nothing need be known of further ones.
        let pause = match self.attempt(&mut update, &mut None) {
            Attempt::Done(outcome) => return outcome,
            Attempt::Paused(pause) => pause,
        };
        self.execute_again(update, started, pause)
    }

    #[cold]
    #[inline(never)]
    fn execute_again<R, E>(
        self,
        mut update: impl FnMut(&Tx<'_>) -> Result<R, Stop<E>>,
        started: Option<Instant>,
        mut pause: Pause<'d>,
    ) -> Result<Committed<R>, TxError<E>> {
        let mut progress = Progress::new(self, started);
        loop {
            if let Some(error) = progress.after(pause) {
                return Err(error);
            }
            pause = match self.attempt(&mut update, &mut progress.turn) {
                Attempt::Done(outcome) => {
                    let conflicts = progress.lost;
                    return outcome.map(|committed| Committed { conflicts, ..committed });
                }
                Attempt::Paused(pause) => pause,
            };
        }
    }

    #[inline(always)]
    fn attempt<R, E>(
        self,
        update: &mut impl FnMut(&Tx<'_>) -> Result<R, Stop<E>>,
        turn: &mut Option<Turn<'d>>,
    ) -> Attempt<'d, R, E> {
        let frame = Frame::begin(&self.domain.inner);
        if frame.context().is_nested() {
            return Attempt::Done(Err(TxError::Nested));
        }
        if self.era.is_some_and(|era| era != frame.at().era()) {
            return Attempt::Done(Err(TxError::EraOver));
        }
        let tx = Tx::new(frame, turn.is_some());
        // Ends before the transaction does, should the closure panic.
        let UntilPanic(turn) = &mut UntilPanic(turn);
        match update(&tx) {
            Ok(value) if !tx.core().is_doomed() => {
                let wrote = !tx.core().frame().context().writes.is_empty();
                let (outcome, after) = tx.commit(turn);
                match outcome {
                    Ok(ts) => {
                        after.run(turn);
                        Attempt::Done(Ok(Committed { value, ts, wrote, conflicts: 0 }))
                    }
                    Err(refusal) => {
                        drop(value);
                        after.run(turn);
                        Attempt::Paused(Pause::Refused(refusal))
                    }
                }
            }
            Ok(_) => {
                tx.abort(AbortCause::Refused).run(turn);
                Attempt::Done(Err(TxError::HalfModified))
            }
            Err(Stop::Cancel(error)) => {
                tx.abort(AbortCause::Cancelled).run(turn);
                Attempt::Done(Err(TxError::Cancelled(error)))
            }
            Err(Stop::Retry(Retry(()))) => {
                let (sleep, after) = tx.block();
                after.run(turn);
                Attempt::Paused(Pause::Blocked(sleep))
            }
        }
    }
}

/// A turn that a panic ends.
struct UntilPanic<'t, 'd>(&'t mut Option<Turn<'d>>);

impl Drop for UntilPanic<'_, '_> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.0.is_some() && thread::panicking() {
            *self.0 = None;
        }
    }
}

/// What one execution of the closure led to.
enum Attempt<'d, R, E> {
    Done(Result<Committed<R>, TxError<E>>),
    Paused(Pause<'d>),
}

/// Why the closure must be executed again.
enum Pause<'d> {
    /// The commit was refused.
    Refused(Refusal),
    /// It waits for a change.
    Blocked(Sleep<'d>),
}

/// A transaction between two executions.
struct Progress<'d> {
    transaction: Transaction<'d>,
    started: Option<Instant>,
    /// Executions lost to conflicts, in all.
    lost: u32,
    /// And since the transaction last slept: what the patience is measured by.
    conflicts: u32,
    /// When the first of these was lost.
    losing_since: Option<Instant>,
    backoff: Backoff,
    turn: Option<Turn<'d>>,
}

impl fmt::Debug for Progress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").field("conflicts", &self.conflicts).finish_non_exhaustive()
    }
}

impl<'d> Progress<'d> {
    fn new(transaction: Transaction<'d>, started: Option<Instant>) -> Self {
        Self {
            transaction,
            started,
            lost: 0,
            conflicts: 0,
            losing_since: None,
            backoff: Backoff::new(),
            turn: None,
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.started.zip(self.transaction.timeout).and_then(|(at, after)| at.checked_add(after))
    }

    /// Waits as the pause demands, or says why the transaction can't go on.
    fn after<E>(&mut self, pause: Pause<'d>) -> Option<TxError<E>> {
        match pause {
            Pause::Refused(refusal) => self.after_refusal(refusal),
            Pause::Blocked(sleep) => {
                // A privileged transaction gives its turn up for the time that it sleeps.
                self.turn = None;
                (self.conflicts, self.losing_since) = (0, None);
                match sleep.sleep(&self.transaction.domain.inner, self.deadline()) {
                    Some(Wake::Changed) => None,
                    Some(Wake::TimedOut) => Some(TxError::TimedOut),
                    None => Some(TxError::NothingToWaitFor),
                }
            }
        }
    }

    fn after_refusal<E>(&mut self, refusal: Refusal) -> Option<TxError<E>> {
        let domain = self.transaction.domain;
        // Of many that run into the end of an era one begins the next.
        if let Refusal::SeqOver(era) = refusal
            && domain.inner.roll_era(era).is_err()
        {
            return Some(TxError::ClockExhausted);
        }
        if self.deadline().is_some_and(|deadline| Instant::now() >= deadline) {
            return Some(TxError::TimedOut);
        }
        self.lost = self.lost.saturating_add(1);
        // Lost so far, since the first of them.
        let before = self.conflicts;
        let since = *self.losing_since.get_or_insert_with(Instant::now);
        self.conflicts = before.saturating_add(1);
        self.turn = self.turn.take().filter(Turn::counts);
        if self.conflicts >= PATIENCE && self.turn.is_none() {
            self.turn = domain.inner.privilege.enter(since.elapsed() / before.max(1));
            if self.turn.is_some() {
                let conflicts = self.conflicts;
                domain.inner.emit(|| Event::Privileged { conflicts });
                domain.inner.count_privileged();
                return None;
            }
        }
        self.backoff.snooze();
        None
    }
}

/// Runs a transaction in the [global domain](Domain::global): see [`Domain::atomically`].
///
/// # Retry safety
///
/// The closure may be executed several times.
///
/// # Panics
///
/// As [`Domain::atomically`].
///
/// ```
/// use upgradable_stm::{TVar, atomically};
/// let x = TVar::new(1);
/// assert_eq!(atomically(|tx| Ok(tx.modify(&x, |n| { *n += 1; *n }))), 2);
/// ```
#[cfg(not(any(loom, shuttle)))]
#[inline]
#[track_caller]
pub fn atomically<R>(update: impl FnMut(&Tx<'_>) -> Stm<R>) -> R {
    Domain::global().atomically(update)
}

/// Runs a transaction in the [global domain](Domain::global): see [`Domain::try_atomically`].
///
/// # Retry safety
///
/// The closure may be executed several times.
///
/// # Errors
///
/// As [`Domain::try_atomically`].
///
/// ```
/// use upgradable_stm::{Stop, try_atomically};
/// assert!(try_atomically::<(), _>(|_| Err(Stop::Cancel("no"))).is_err());
/// ```
#[cfg(not(any(loom, shuttle)))]
#[inline]
pub fn try_atomically<R, E>(
    update: impl FnMut(&Tx<'_>) -> Result<R, Stop<E>>,
) -> Result<R, TxError<E>> {
    Domain::global().try_atomically(update)
}

/// Runs a read-only transaction in the [global domain](Domain::global): see [`Domain::snapshot`].
///
/// # Retry safety
///
/// The closure is executed exactly once.
///
/// ```
/// let x = upgradable_stm::TVar::new(1);
/// assert_eq!(upgradable_stm::snapshot(|s| *s.read(&x)), 1);
/// ```
#[cfg(not(any(loom, shuttle)))]
#[inline]
pub fn snapshot<R>(read: impl FnOnce(&crate::Snapshot<'_>) -> R) -> R {
    Domain::global().snapshot(read)
}
