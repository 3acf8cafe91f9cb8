//! Transactions on a heap: [`Tx`] updates, [`Snapshot`] only reads, [`Read`] is what both can.

mod error;
mod run;
mod snapshot;
mod tx;

pub use self::error::{Abort, Interrupt, Stm, TxError};
pub use self::run::{Committed, Transaction};
pub use self::snapshot::{HeldSnapshot, Snapshot};
pub use self::tx::Tx;

use upgradable_stm::CommitTs;

use crate::access::AccessError;
use crate::lineage::Upgradable;
use crate::object::Ref;

/// What a [`Tx`] and a [`Snapshot`] have in common: for functions that only read.
///
/// ```
/// use upgradable::{AccessError, Heap, Read, Ref, Upgradable};
///
/// #[derive(Upgradable, Clone)]
/// struct Account { cents: u64 }
///
/// fn total(of: &[Ref<Account>], reader: &impl Read) -> Result<u64, AccessError> {
///     of.iter().map(|&account| Ok(reader.read(account)?.cents)).sum()
/// }
///
/// let heap = Heap::new();
/// let accounts = heap.atomically(|tx| {
///     let accounts = [tx.create(Account { cents: 1 })?, tx.create(Account { cents: 2 })?];
///     assert_eq!(total(&accounts, tx)?, 3);
///     Ok(accounts)
/// })?;
/// assert_eq!(heap.snapshot(|s| total(&accounts, s))?, 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Read {
    /// The object's value. See [`Tx::read`].
    ///
    /// # Errors
    ///
    /// [`AccessError`] if there is no such object, or it is no `T`.
    fn read<T: Upgradable>(&self, object: Ref<T>) -> Result<&T, AccessError>;

    /// The object's value, for a reader that does not depend on it: a transaction that writes
    /// commits also if the object has changed since. For the inner nodes of collections.
    #[doc(hidden)]
    fn peek<T: Upgradable>(&self, object: Ref<T>) -> Result<&T, AccessError> {
        self.read(object)
    }

    /// The object with this name. See [`Tx::root`].
    ///
    /// # Errors
    ///
    /// [`AccessError::WrongType`] if it is of another lineage.
    fn root<T: Upgradable>(&self, name: &str) -> Result<Option<Ref<T>>, AccessError>;

    /// The instant that is seen.
    fn at(&self) -> CommitTs;

    /// The same objects in the same order, with those that come next on their way from memory. See
    /// [`prefetched_by`](Self::prefetched_by).
    ///
    /// ```
    /// use upgradable::{AccessError, Heap, Read, Ref, Upgradable};
    ///
    /// #[derive(Upgradable, Clone)]
    /// struct Account { cents: u64 }
    ///
    /// fn total(of: &[Ref<Account>], reader: &impl Read) -> Result<u64, AccessError> {
    ///     reader.prefetched(of.iter().copied()).map(|account| Ok(reader.read(account)?.cents)).sum()
    /// }
    ///
    /// let heap = Heap::new();
    /// let accounts = heap.atomically(|tx| {
    ///     (1..=100).map(|cents| Ok(tx.create(Account { cents })?)).collect::<Result<Vec<_>, _>>()
    /// })?;
    /// assert_eq!(heap.snapshot(|s| total(&accounts, s))?, 5050);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn prefetched<T, I>(&self, objects: I) -> impl Iterator<Item = Ref<T>>
    where
        I: IntoIterator<Item = Ref<T>>,
    {
        self.prefetched_by(objects, |&object| object)
    }

    /// The same items in the same order, with the objects that they lead to on their way from
    /// memory before they are given: for walks over many objects that lie here and there.
    ///
    /// An object that nobody has used for long takes some hundred processor cycles to come, and the
    /// next ones can come meanwhile. `items` is asked for sixteen of them in advance, and the objects
    /// are not read, checked or noted in any way. A reader that knows no memory gives the items as
    /// they are, which is the default.
    ///
    /// # Upgrade safety
    ///
    /// Nothing is transformed.
    ///
    /// ```
    /// use upgradable::{Heap, Read, Ref, Upgradable};
    ///
    /// #[derive(Upgradable, Clone)]
    /// struct Account { cents: u64 }
    ///
    /// let heap = Heap::new();
    /// let accounts = heap.atomically(|tx| {
    ///     let account = |cents| Ok((cents, tx.create(Account { cents })?));
    ///     (1..=100).map(account).collect::<Result<Vec<_>, _>>()
    /// })?;
    /// heap.snapshot(|s| {
    ///     for (cents, account) in s.prefetched_by(&accounts, |(_, account)| *account) {
    ///         assert_eq!(s.read(*account).unwrap().cents, *cents);
    ///     }
    /// });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn prefetched_by<T, I>(
        &self,
        items: I,
        object: impl Fn(&I::Item) -> Ref<T>,
    ) -> impl Iterator<Item = I::Item>
    where
        I: IntoIterator,
    {
        let _ = object;
        items.into_iter()
    }
}
