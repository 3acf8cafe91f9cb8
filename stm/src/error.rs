//! What can go wrong, and control flow that is not an error.

use std::error::Error;
use std::fmt;

use thiserror::Error;

use crate::kind::Kind;

/// Why a transaction's closure gave up this time: to block until something changes.
///
/// Control flow, not failure: a closure gets one from [`Tx::retry`](crate::Tx::retry) and passes
/// it on with `?`. It can't be made otherwise.
///
/// ```
/// use upgradable_stm::{Domain, Stm, TVar, Tx};
///
/// fn take(tx: &Tx<'_>, place: &TVar<Option<u32>>) -> Stm<u32> {
///     match *tx.read(place) {
///         None => Err(tx.retry()), // wait until somebody puts something there
///         Some(thing) => {
///             tx.write(place, None);
///             Ok(thing)
///         }
///     }
/// }
///
/// let domain = Domain::new();
/// let place = domain.tvar(Some(7));
/// assert_eq!(domain.atomically(|tx| take(tx, &place)), 7);
/// ```
#[derive(Debug)]
#[must_use = "pass it on with `?`, or the transaction goes on as if nothing had been said"]
pub struct Retry(pub(crate) ());

/// The result of a part of a transaction that may block: see [`Retry`].
///
/// ```
/// use upgradable_stm::{Stm, TVar, Tx};
/// fn increment(tx: &Tx<'_>, counter: &TVar<u64>) -> Stm<u64> {
///     Ok(tx.modify(counter, |n| { *n += 1; *n }))
/// }
/// ```
pub type Stm<T> = Result<T, Retry>;

/// Why a closure of [`Domain::try_atomically`](crate::Domain::try_atomically) gave up.
///
/// ```
/// use upgradable_stm::{Domain, Stop};
/// let domain = Domain::new();
/// let account = domain.tvar(10_u32);
/// let withdrawn = domain.try_atomically(|tx| {
///     let balance = *tx.read(&account);
///     tx.write(&account, balance.checked_sub(25).ok_or(Stop::Cancel("not enough money"))?);
///     Ok(())
/// });
/// assert_eq!(withdrawn.unwrap_err().cancelled(), Some("not enough money"));
/// ```
#[derive(Debug)]
pub enum Stop<E> {
    /// Block until something that was read has changed, then run again.
    Retry(Retry),
    /// End the transaction without effect, with this error.
    Cancel(E),
}

impl<E> From<Retry> for Stop<E> {
    fn from(retry: Retry) -> Self {
        Self::Retry(retry)
    }
}

/// Why a transaction did not commit.
///
/// ```
/// use upgradable_stm::{Domain, Stop, TxError};
/// let error = Domain::new().try_atomically::<(), _>(|_| Err(Stop::Cancel("no"))).unwrap_err();
/// assert!(matches!(error, TxError::Cancelled("no")));
/// ```
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TxError<E> {
    /// The closure ended it with an error of its own.
    Cancelled(E),
    /// The closure waits for a change, but read nothing that could change.
    NothingToWaitFor,
    /// The time given to the transaction was over before it could commit.
    TimedOut,
    /// It was begun inside an update transaction of the same domain on the same thread.
    Nested,
    /// A closure given to `modify` panicked, and the panic was caught inside the transaction.
    HalfModified,
    /// The domain has used up all its commit timestamps, in all eras.
    ClockExhausted,
    /// The domain has advanced to a later era than the one this transaction has to run in.
    EraOver,
}

impl<E> TxError<E> {
    /// The closure's own error, if that is what it was.
    ///
    /// ```
    /// use upgradable_stm::TxError;
    /// assert_eq!(TxError::Cancelled(5).cancelled(), Some(5));
    /// assert_eq!(TxError::<u8>::Nested.cancelled(), None);
    /// ```
    pub fn cancelled(self) -> Option<E> {
        match self {
            Self::Cancelled(error) => Some(error),
            _ => None,
        }
    }

    fn advice(&self) -> &'static str {
        match self {
            Self::Cancelled(_) => "the transaction was cancelled by its closure",
            Self::NothingToWaitFor => {
                "the transaction waits for a change but has read nothing: read what it waits for"
            }
            Self::TimedOut => "the transaction's time was over before it could commit",
            Self::Nested => {
                "a transaction was begun inside an update transaction of the same domain: \
                 pass the outer `Tx` on, or use `Tx::nested`"
            }
            Self::HalfModified => {
                "a closure of `modify` panicked and the panic was caught inside the transaction: \
                 let it propagate, or catch it outside"
            }
            Self::ClockExhausted => "the domain has used up all commit timestamps of all eras",
            Self::EraOver => "the domain has advanced to a later era: run the code of the new era",
        }
    }
}

impl<E: fmt::Display> fmt::Display for TxError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled(error) => write!(f, "{}: {error}", self.advice()),
            other => f.write_str(other.advice()),
        }
    }
}

impl<E: Error + 'static> Error for TxError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Cancelled(error) => Some(error),
            _ => None,
        }
    }
}

/// Why a handle does not lead to a value.
///
/// ```
/// use upgradable_stm::{AccessError, Domain};
/// let domain = Domain::new();
/// let number = domain.atomically(|tx| Ok(tx.create(5_u32)));
/// let error = domain.snapshot(|s| s.get::<String>(number).unwrap_err());
/// assert!(matches!(error, AccessError::WrongKind { .. }));
/// assert!(error.to_string().contains("u32"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AccessError {
    /// The object was deleted.
    #[error("the object was deleted; drop the handle")]
    Deleted,
    /// The handle is of another domain, or was never given out.
    #[error("the handle is not of this domain; use it with the domain it was created in")]
    Foreign,
    /// The object was created after this transaction's snapshot, or its creation never committed.
    #[error("the object does not exist yet in this snapshot; begin a new transaction to see it")]
    Unborn,
    /// The [layer](crate::layer) above does not let this transaction see the object.
    #[error("the layer above does not let the object be seen")]
    Refused,
    /// The object is of another type.
    #[error("the object is a {}, not a {}", .found.name(), .expected.name())]
    WrongKind {
        /// The type that was asked for.
        expected: Kind,
        /// The type that it has.
        found: Kind,
    },
}

impl AccessError {
    #[cold]
    pub(crate) fn wrong_kind(expected: Kind, found: Kind) -> Self {
        if found == Kind::NONE { Self::Deleted } else { Self::WrongKind { expected, found } }
    }
}

/// The last era has been reached: the domain cannot advance.
///
/// ```
/// use upgradable_stm::{CommitTs, Domain, Era, Seq};
/// let last = CommitTs::new(Era::LAST, Seq::ZERO);
/// let domain = Domain::builder().starting_at(last).build().unwrap();
/// assert!(domain.advance_era(|_| {}).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "the domain is in its last era ({}) and cannot advance; move its objects to a new domain",
    crate::Era::LAST
)]
pub struct EraExhausted;

/// A domain could not be made: its handles could not be told from those of others.
///
/// There are 4,095 tags for domains. A tag is free again when its domain is gone, unless some slot
/// of it was used for a million objects, one after the other: then its handles are used up.
///
/// ```
/// assert!(upgradable_stm::Domain::builder().build().is_ok());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("all {} tags of domains are taken; drop a domain first", crate::handle::TAGS - 1)]
pub struct TooManyDomains;
