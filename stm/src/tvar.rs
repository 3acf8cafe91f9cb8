//! Transactional variables.

use std::fmt;
use std::sync::Arc;

use crate::domain::{Domain, Inner};
use crate::raw::var::Typed;
use crate::sync::Ordering;

/// A variable that transactions read and write.
///
/// A `TVar` is a handle: clones name the same variable. The variable is freed when its last
/// handle has gone, and no transaction can refer to it any more. A handle keeps the domain's
/// memory, not its objects, alive.
///
/// ```
/// use upgradable_stm::{TVar, atomically};
///
/// let x = TVar::new(1);
/// let y = x.clone(); // the same variable
/// atomically(|tx| Ok(tx.modify(&x, |n| *n += 1)));
/// assert_eq!(atomically(|tx| Ok(*tx.read(&y))), 2);
/// ```
pub struct TVar<T: Send + Sync + 'static> {
    typed: Typed<T>,
}

/// A count of handles that reaches this stays: the variable is never freed, rather than too early.
const SATURATED: u32 = u32::MAX / 2;

impl<T: Send + Sync + 'static> TVar<T> {
    /// A variable of the [global domain](Domain::global).
    ///
    /// ```
    /// let x = upgradable_stm::TVar::new("hello");
    /// assert_eq!(upgradable_stm::snapshot(|s| s.read(&x).len()), 5);
    /// ```
    #[cfg(not(any(loom, shuttle)))]
    pub fn new(value: T) -> Self {
        Self::new_in(Domain::global(), value)
    }

    pub(crate) fn new_in(domain: &Domain, value: T) -> Self {
        Self { typed: Typed::create(value, &domain.inner) }
    }

    /// Whether both name the same variable.
    ///
    /// ```
    /// let x = upgradable_stm::TVar::new(1);
    /// assert!(x.is_same(&x.clone()));
    /// assert!(!x.is_same(&upgradable_stm::TVar::new(1)));
    /// ```
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.typed.slot() == other.typed.slot()
    }

    #[inline(always)]
    pub(crate) fn typed(&self) -> Typed<T> {
        self.typed
    }

    /// Panics unless the variable belongs to this domain.
    #[inline(always)]
    #[track_caller]
    pub(crate) fn expect_of(&self, inner: &Inner) {
        if !self.typed.is_of(inner) {
            foreign();
        }
    }
}

#[cold]
#[track_caller]
fn foreign() -> ! {
    panic!("a `TVar` was used in a transaction of another domain than its own");
}

impl<T: Send + Sync + 'static> Clone for TVar<T> {
    fn clone(&self) -> Self {
        self.typed.with_handles(|count| {
            // Relaxed: a new handle comes from one that is there.
            if count.fetch_add(1, Ordering::Relaxed) >= SATURATED {
                count.store(SATURATED, Ordering::Relaxed);
            }
        });
        Self { typed: self.typed }
    }
}

impl<T: Send + Sync + 'static> Drop for TVar<T> {
    fn drop(&mut self) {
        let is_last = self.typed.with_handles(|count| {
            // AcqRel: what was done through the other handles comes before the end.
            count.load(Ordering::Relaxed) < SATURATED && count.fetch_sub(1, Ordering::AcqRel) == 1
        });
        if is_last {
            // With a count of our own: the variable's may go with the variable, below.
            let inner = self.typed.with_domain(Arc::clone);
            inner.drop_var(self.typed.slot());
        }
    }
}

impl<T: Send + Sync + 'static> fmt::Debug for TVar<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TVar({:#x})", self.typed.slot().addr())
    }
}
