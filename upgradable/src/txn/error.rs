//! How transactions end without a result.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;

use upgradable_stm::{MayBlock, Retry, Stop};

use crate::access::AccessError;

/// Why a part of a transaction can't go on: it waits for a change, or can't have an object.
///
/// Functions that are parts of transactions return it by [`Stm`], and pass it on with `?`.
///
/// ```
/// use upgradable::{Interrupt, Ref, Stm, Tx, Upgradable};
///
/// #[derive(Upgradable, Clone)]
/// struct Account { cents: u64 }
///
/// fn withdraw(tx: &Tx<'_>, from: Ref<Account>, cents: u64) -> Stm<()> {
///     tx.check(tx.read(from)?.cents >= cents)?; // until there is enough
///     tx.modify(from, |account| account.cents -= cents)?;
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub enum Interrupt {
    /// Wait until something that was read has changed, then run again.
    Retry(Retry),
    /// An object can't be had.
    Access(AccessError),
}

impl MayBlock for Interrupt {
    fn is_retry(&self) -> bool {
        matches!(self, Self::Retry(_))
    }
}

impl<E> MayBlock for Abort<E> {
    fn is_retry(&self) -> bool {
        matches!(self, Self::Interrupt(Interrupt::Retry(_)))
    }
}

/// The result of a part of a transaction.
///
/// ```
/// use upgradable::{Ref, Stm, Tx, Upgradable};
/// # #[derive(Upgradable, Clone)] struct Counter(u64);
/// fn increment(tx: &Tx<'_>, counter: Ref<Counter>) -> Stm<u64> {
///     Ok(tx.modify(counter, |c| { c.0 += 1; c.0 })?)
/// }
/// ```
pub type Stm<T> = Result<T, Interrupt>;

impl From<Retry> for Interrupt {
    fn from(retry: Retry) -> Self {
        Self::Retry(retry)
    }
}

impl From<AccessError> for Interrupt {
    fn from(error: AccessError) -> Self {
        Self::Access(error)
    }
}

/// Why the closure of [`Heap::try_atomically`](crate::Heap::try_atomically) gave up.
///
/// ```
/// use upgradable::{Abort, Heap, TxError, Upgradable};
/// # #[derive(Upgradable, Clone)] struct Account { cents: u32 }
/// let heap = Heap::new();
/// let account = heap.atomically(|tx| Ok(tx.create(Account { cents: 10 })?)).unwrap();
/// let withdrawn = heap.try_atomically(|tx| {
///     let left = tx.read(account)?.cents.checked_sub(25);
///     let left = left.ok_or(Abort::Cancel("not enough money"))?;
///     tx.write(account, Account { cents: left })?;
///     Ok(())
/// });
/// assert!(matches!(withdrawn, Err(TxError::Cancelled("not enough money"))));
/// ```
#[derive(Debug)]
pub enum Abort<E> {
    /// It can't go on.
    Interrupt(Interrupt),
    /// End the transaction without effect, with this error.
    Cancel(E),
}

impl<E> From<Retry> for Abort<E> {
    fn from(retry: Retry) -> Self {
        Self::Interrupt(retry.into())
    }
}

impl<E> From<AccessError> for Abort<E> {
    fn from(error: AccessError) -> Self {
        Self::Interrupt(error.into())
    }
}

impl<E> From<Interrupt> for Abort<E> {
    fn from(interrupt: Interrupt) -> Self {
        Self::Interrupt(interrupt)
    }
}

/// Why a transaction did not commit.
///
/// ```
/// use upgradable::{Heap, TxError};
/// let heap = Heap::new();
/// let waits = heap.atomically(|tx| Ok(tx.check(false)?)); // nothing it read could change
/// assert!(matches!(waits, Err(TxError::NothingToWaitFor)));
/// ```
#[derive(Debug, PartialEq)]
#[non_exhaustive]
pub enum TxError<E = Infallible> {
    /// The closure ended it with an error of its own.
    Cancelled(E),
    /// The closure could not have an object, and gave up for it.
    Access(AccessError),
    /// The closure waits for a change, but read nothing that could change.
    NothingToWaitFor,
    /// The time given to the transaction was over before it could commit.
    TimedOut,
    /// It was begun inside a transaction or a transformer of the same heap.
    Nested,
    /// A closure given to `modify` panicked, and the panic was caught inside the transaction.
    HalfModified,
    /// The heap has used up all its commit timestamps, in all eras.
    ClockExhausted,
}

impl<E> TxError<E> {
    /// The closure's own error, if that is what it was.
    ///
    /// ```
    /// use upgradable::TxError;
    /// assert_eq!(TxError::Cancelled(5).cancelled(), Some(5));
    /// assert_eq!(TxError::<u8>::TimedOut.cancelled(), None);
    /// ```
    pub fn cancelled(self) -> Option<E> {
        match self {
            Self::Cancelled(error) => Some(error),
            _ => None,
        }
    }

    /// The same of a transaction that was not cancelled.
    pub(crate) fn without_value(self) -> TxError<Infallible> {
        match self {
            Self::Access(error) => TxError::Access(error),
            Self::Cancelled(_) | Self::ClockExhausted => TxError::ClockExhausted,
            Self::NothingToWaitFor => TxError::NothingToWaitFor,
            Self::TimedOut => TxError::TimedOut,
            Self::Nested => TxError::Nested,
            Self::HalfModified => TxError::HalfModified,
        }
    }

    /// The object that the transaction could not have, if that is why it ended.
    ///
    /// ```
    /// use upgradable::TxError;
    /// assert!(TxError::<u8>::TimedOut.access().is_none());
    /// ```
    #[must_use]
    pub fn access(&self) -> Option<&AccessError> {
        match self {
            Self::Access(error) => Some(error),
            _ => None,
        }
    }
}

impl<E: fmt::Display> fmt::Display for TxError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cancelled(error) => return write!(f, "the transaction was cancelled: {error}"),
            Self::Access(error) => return fmt::Display::fmt(error, f),
            Self::NothingToWaitFor => {
                "the transaction waits for a change but has read nothing: read what it waits for"
            }
            Self::TimedOut => "the transaction's time was over before it could commit",
            Self::Nested => {
                "a transaction was begun inside another one, or inside a transformer, of the same \
                 heap: pass the outer `Tx` on, or use `Tx::nested`; a transformer changes nothing"
            }
            Self::HalfModified => {
                "a closure of `modify` panicked and left an object half changed: let the panic pass"
            }
            Self::ClockExhausted => "the heap has no commit timestamps left: move to a new heap",
        })
    }
}

impl<E: Error + 'static> Error for TxError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Cancelled(error) => Some(error),
            Self::Access(error) => Some(error),
            _ => None,
        }
    }
}

/// What the closure tells the core: its own errors, and those about objects.
pub(crate) type CoreStop<E> = Stop<Given<E>>;

/// What ended a closure for good.
#[derive(Debug)]
pub(crate) enum Given<E> {
    Up(AccessError),
    Cancelled(E),
}

impl<E> Abort<E> {
    pub(crate) fn into_core(self) -> CoreStop<E> {
        match self {
            Self::Interrupt(Interrupt::Retry(retry)) => Stop::Retry(retry),
            Self::Interrupt(Interrupt::Access(error)) => Stop::Cancel(Given::Up(error)),
            Self::Cancel(error) => Stop::Cancel(Given::Cancelled(error)),
        }
    }
}

impl<E> From<upgradable_stm::TxError<Given<E>>> for TxError<E> {
    fn from(error: upgradable_stm::TxError<Given<E>>) -> Self {
        use upgradable_stm::TxError as Core;
        match error {
            Core::Cancelled(Given::Up(error)) => Self::Access(error),
            Core::Cancelled(Given::Cancelled(error)) => Self::Cancelled(error),
            Core::NothingToWaitFor => Self::NothingToWaitFor,
            Core::TimedOut => Self::TimedOut,
            Core::Nested => Self::Nested,
            Core::HalfModified => Self::HalfModified,
            // No transaction of a heap is bound to an era.
            _ => Self::ClockExhausted,
        }
    }
}
