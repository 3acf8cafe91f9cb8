//! What happens inside, told to whoever wants to know.

use crate::clock::CommitTs;

/// Something that happened in a domain.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use upgradable_stm::{Domain, Event};
///
/// let seen = Arc::new(Mutex::new(Vec::new()));
/// let sink = Arc::clone(&seen);
/// let observer = move |event: &Event| sink.lock().unwrap().push(*event);
/// let domain = Domain::builder().observer(observer).build().unwrap();
/// let x = domain.tvar(0);
/// domain.atomically(|tx| Ok(tx.write(&x, 1)));
/// assert!(matches!(seen.lock().unwrap()[..], [Event::Committed { reads: 0, writes: 1, .. }]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// An update transaction committed. Transactions that wrote nothing are not reported.
    Committed {
        /// Its commit timestamp.
        ts: CommitTs,
        /// Objects it read (as often as it read them).
        reads: usize,
        /// Objects it wrote.
        writes: usize,
    },
    /// An attempt ended without commit; unless the cause says otherwise it is executed again.
    Aborted {
        /// Why.
        cause: AbortCause,
    },
    /// A transaction has called `retry` and blocks.
    Blocked {
        /// Objects that can wake it.
        watched: usize,
    },
    /// A blocked transaction runs again.
    Woken,
    /// A transaction that lost too often is given precedence.
    Privileged {
        /// How often it has lost.
        conflicts: u32,
    },
    /// A commit made way for a privileged transaction.
    MadeWay,
    /// A read went past newer versions to the one that its snapshot sees.
    Walked {
        /// How many.
        past: usize,
    },
    /// Versions that nobody sees were taken out of their chains.
    Retired {
        /// How many.
        versions: usize,
    },
    /// Values of such versions were dropped and their memory recycled.
    Reclaimed {
        /// How many.
        versions: usize,
    },
    /// The domain has advanced to a new era.
    EraAdvanced {
        /// The instant of the flip.
        flip: CommitTs,
    },
}

/// Why an attempt ended without commit.
///
/// ```
/// use upgradable_stm::AbortCause;
/// assert!(AbortCause::Changed.is_transient());
/// assert!(!AbortCause::Cancelled.is_transient());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AbortCause {
    /// Something it had read was changed by a commit.
    Changed,
    /// Something it had read was being changed by another commit.
    Locked,
    /// An object it wanted to write was deleted by another commit.
    Deleted,
    /// The domain advanced to a later era.
    EraOver,
    /// The closure called `retry`.
    Retry,
    /// The closure returned an error.
    Cancelled,
    /// The closure panicked.
    Panicked,
    /// It could not go on at all: see [`TxError`](crate::TxError).
    Refused,
}

impl AbortCause {
    /// How many causes there are.
    pub(crate) const COUNT: usize = 8;

    /// Whether the transaction is executed again at once.
    ///
    /// ```
    /// assert!(upgradable_stm::AbortCause::Locked.is_transient());
    /// ```
    #[must_use]
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::Changed | Self::Locked | Self::Deleted | Self::EraOver)
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}
