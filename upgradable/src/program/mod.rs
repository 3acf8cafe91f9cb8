//! Programs: the code of one version, and the service that runs the code that belongs to the
//! types.

#[cfg(not(loom))]
mod service;
mod terms;

#[cfg(not(loom))]
pub use self::service::Service;

use crate::access::AccessError;
use crate::txn::{Abort, Snapshot, Tx};

/// The code of one version of a program: what it does with a request, as one transaction.
///
/// ```
/// use upgradable::{Abort, Heap, Program, Ref, Service, Tx, Upgradable};
///
/// #[derive(Upgradable, Clone)]
/// struct Counter { hits: u64 }
///
/// struct Count { counter: Ref<Counter> }
///
/// impl Program for Count {
///     type Request = u64;
///     type Response = u64;
///
///     fn execute(&self, tx: &Tx<'_>, by: &u64) -> Result<u64, Abort<u64>> {
///         Ok(tx.modify(self.counter, |counter| {
///             counter.hits += by;
///             counter.hits
///         })?)
///     }
/// }
///
/// let heap = Heap::new();
/// let counter = heap.atomically(|tx| Ok(tx.create(Counter { hits: 0 })?))?;
/// let service = Service::new(heap, Count { counter });
/// service.call(&2)?;
/// assert_eq!(service.call(&3)?, 5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Program: Send + Sync + 'static {
    /// What it is asked. The same in all versions behind one service: what versions understand of
    /// it may differ.
    type Request;

    /// What it answers.
    type Response;

    /// Answers a request, in a transaction.
    ///
    /// # Errors
    ///
    /// [`Abort::Cancel`] with a response: it is given, and the transaction has no effect.
    /// [`Abort::Interrupt`]: the transaction waits for a change, or can't have an object.
    ///
    /// # Retry safety
    ///
    /// May be executed several times for one request; only the last execution counts.
    ///
    /// # Upgrade safety
    ///
    /// Sees objects of the types that belong to this version, and no others. A request that is in
    /// flight when the program is upgraded either commits on this version, just before the flip,
    /// or is executed again on the next one.
    fn execute(
        &self,
        tx: &Tx<'_>,
        request: &Self::Request,
    ) -> Result<Self::Response, Abort<Self::Response>>;

    /// Answers a request that only reads; `None` for any other, as by default. It is asked first.
    ///
    /// # Errors
    ///
    /// The object that it can't have.
    ///
    /// # Retry safety
    ///
    /// Executed once.
    fn query(
        &self,
        snapshot: &Snapshot<'_>,
        request: &Self::Request,
    ) -> Option<Result<Self::Response, AccessError>> {
        let _ = (snapshot, request);
        None
    }
}
