//! Objects that are as a flip made them, although their versions have later stamps.
//!
//! A roll back has to know whether an object is as its upgrade made it: then it comes back bit for
//! bit, else through the lens. The stamp of its version says so, unless a later upgrade has come
//! and gone meanwhile: then the version is that of the later one's roll back, although nobody has
//! changed the object.

use std::collections::HashMap;

use upgradable_stm::{CommitTs, Handle};

use crate::sync::Mutex;

/// For objects that a later flip's roll back has put back: the stamps of their versions. Only
/// objects from before the flip are here, each once.
#[derive(Debug, Default)]
pub(crate) struct Restored {
    by_object: Mutex<HashMap<u64, CommitTs>>,
}

impl Restored {
    /// Whether the object's version with this stamp is what it was before a later flip.
    pub(crate) fn contains(&self, object: Handle, stamp: CommitTs) -> bool {
        self.by_object.lock().get(&object.to_bits()) == Some(&stamp)
    }

    /// Notes the stamp that the object's version gets as it is put back.
    pub(crate) fn insert(&self, object: Handle, stamp: CommitTs) {
        let mut by_object = self.by_object.lock();
        // Somebody may have been late to put it back.
        let latest = by_object.entry(object.to_bits()).or_insert(stamp);
        *latest = stamp.max(*latest);
    }
}
