//! Objects that could not be converted.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use upgradable_stm::Handle;

use crate::access::TransformFailure;
use crate::sync::{AtomicUsize, Mutex, Ordering};

thread_local! {
    /// Why this thread was refused an object, last.
    static REFUSAL: RefCell<Option<Arc<TransformFailure>>> = const { RefCell::new(None) };
}

/// Keeps the reason of a refusal for whoever explains it, on this thread: the object may have
/// been converted by another one before that.
pub(crate) fn refuse(why: Arc<TransformFailure>) {
    // At the end of the thread it may be gone; then the list of failures must do.
    let before = REFUSAL.try_with(|refusal| refusal.replace(Some(why)));
    drop(before);
}

/// Why this thread was just refused an object.
pub(crate) fn take_refusal() -> Option<Arc<TransformFailure>> {
    REFUSAL.try_with(RefCell::take).ok().flatten()
}

/// The objects that a migration could not convert so far, and why.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    of: Mutex<BTreeMap<u64, Entry>>,
    len: AtomicUsize,
}

#[derive(Debug)]
struct Entry {
    failure: Arc<TransformFailure>,
    /// Whether it is to be tried again. It stays a failure until that has succeeded.
    again: bool,
}

impl Failures {
    /// Enters a failure; it takes the place of an earlier one of the object.
    pub(crate) fn enter(&self, failure: Arc<TransformFailure>) {
        let mut of = self.of.lock();
        let before = of.insert(failure.object, Entry { failure, again: false });
        self.len.store(of.len(), Ordering::Relaxed);
        drop(of);
        drop(before);
    }

    /// Lets an object that is in quarantine be tried again, once.
    pub(crate) fn try_again(&self, object: Handle) {
        if let Some(entry) = self.of.lock().get_mut(&object.to_bits()) {
            entry.again = true;
        }
    }

    /// Why the object is not to be tried again, if so. Who is let through is the only one.
    pub(crate) fn quarantined(&self, object: Handle) -> Option<Arc<TransformFailure>> {
        if self.len() == 0 {
            return None;
        }
        let mut of = self.of.lock();
        let entry = of.get_mut(&object.to_bits())?;
        let again = std::mem::take(&mut entry.again);
        (!again).then(|| Arc::clone(&entry.failure))
    }

    /// Strikes an object out, as it has been converted or deleted.
    pub(crate) fn strike(&self, object: Handle) {
        if self.len() == 0 {
            return;
        }
        let mut of = self.of.lock();
        let struck = of.remove(&object.to_bits());
        self.len.store(of.len(), Ordering::Relaxed);
        drop(of);
        drop(struck);
    }

    /// Why the object could not be converted.
    pub(crate) fn get(&self, object: Handle) -> Option<Arc<TransformFailure>> {
        if self.len() == 0 {
            return None;
        }
        self.of.lock().get(&object.to_bits()).map(|entry| Arc::clone(&entry.failure))
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    pub(crate) fn all(&self) -> Vec<Arc<TransformFailure>> {
        self.of.lock().values().map(|entry| Arc::clone(&entry.failure)).collect()
    }
}
