//! Parts of a transaction that can be undone on their own: alternatives and nested parts.

use super::tx::Tx;
use crate::error::{Retry, Stop};

/// Results of a closure that may say [`Retry`]: that itself, or a [`Stop`].
///
/// ```
/// use upgradable_stm::{MayBlock, Stop};
/// assert!(!Stop::Cancel(5).is_retry());
/// ```
pub trait MayBlock {
    /// Whether it says so.
    ///
    /// ```
    /// # use upgradable_stm::{MayBlock, Stop};
    /// assert!(!Stop::Cancel("no").is_retry());
    /// ```
    fn is_retry(&self) -> bool;
}

impl MayBlock for Retry {
    fn is_retry(&self) -> bool {
        true
    }
}

impl<E> MayBlock for Stop<E> {
    fn is_retry(&self) -> bool {
        matches!(self, Self::Retry(_))
    }
}

impl Tx<'_> {
    /// Runs `first`; if that says [`retry`](Self::retry), undoes what it wrote and runs `second`.
    /// If both say so the transaction blocks until something that either of them has read changes.
    /// An error other than `Retry` is passed on, and nothing is undone by it.
    ///
    /// # Errors
    ///
    /// What `second` returns if `first` says `Retry`, else what `first` returns.
    ///
    /// ```
    /// use upgradable_stm::{Domain, Stm, TVar, Tx};
    ///
    /// fn take(tx: &Tx<'_>, queue: &TVar<Vec<u32>>) -> Stm<u32> {
    ///     match tx.modify(queue, Vec::pop) {
    ///         Some(item) => Ok(item),
    ///         None => Err(tx.retry()),
    ///     }
    /// }
    ///
    /// let domain = Domain::new();
    /// let (urgent, normal) = (domain.tvar(vec![]), domain.tvar(vec![7]));
    /// let next =
    ///     domain.atomically(|tx| tx.or_else(|tx| take(tx, &urgent), |tx| take(tx, &normal)));
    /// assert_eq!(next, 7);
    /// ```
    pub fn or_else<R, B: MayBlock>(
        &self,
        first: impl FnOnce(&Self) -> Result<R, B>,
        second: impl FnOnce(&Self) -> Result<R, B>,
    ) -> Result<R, B> {
        let savepoint = self.core().savepoint();
        match first(self) {
            Err(stop) if stop.is_retry() => {
                self.core().roll_back_to(savepoint);
                second(self)
            }
            result => result,
        }
    }

    /// Runs a part of the transaction whose writes are undone if it returns an error.
    ///
    /// What it has read stays read: a transaction that blocks later also waits for that.
    ///
    /// # Errors
    ///
    /// What `part` returns.
    ///
    /// ```
    /// let domain = upgradable_stm::Domain::new();
    /// let x = domain.tvar(1);
    /// domain.atomically(|tx| {
    ///     let tried = tx.nested(|tx| {
    ///         tx.write(&x, 2);
    ///         Err::<(), _>("changed my mind")
    ///     });
    ///     assert_eq!(tried, Err("changed my mind"));
    ///     assert_eq!(*tx.read(&x), 1);
    ///     Ok(())
    /// });
    /// ```
    pub fn nested<R, E>(&self, part: impl FnOnce(&Self) -> Result<R, E>) -> Result<R, E> {
        let savepoint = self.core().savepoint();
        let result = part(self);
        if result.is_err() {
            self.core().roll_back_to(savepoint);
        }
        result
    }
}
