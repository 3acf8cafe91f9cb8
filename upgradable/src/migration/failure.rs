//! Objects that could not be converted.

use std::collections::BTreeMap;
use std::sync::Arc;

use upgradable_stm::Handle;

use crate::access::TransformFailure;
use crate::sync::{AtomicUsize, Mutex, Ordering};

/// The objects that a migration could not convert so far, and why.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    of: Mutex<BTreeMap<u64, Arc<TransformFailure>>>,
    len: AtomicUsize,
}

impl Failures {
    /// Enters a failure; the first of an object stands.
    pub(crate) fn enter(&self, failure: TransformFailure) -> Arc<TransformFailure> {
        let mut of = self.of.lock();
        let entered = Arc::clone(of.entry(failure.object).or_insert_with(|| Arc::new(failure)));
        self.len.store(of.len(), Ordering::Relaxed);
        entered
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
        self.of.lock().get(&object.to_bits()).cloned()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    pub(crate) fn all(&self) -> Vec<Arc<TransformFailure>> {
        self.of.lock().values().cloned().collect()
    }
}
