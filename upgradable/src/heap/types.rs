//! What a heap knows of the types of its objects.

use std::collections::HashMap;
use std::sync::Arc;

use upgradable_stm::layer::KindMap;
use upgradable_stm::{CommitTs, Handle, Kind, Tx};

use crate::access::{AccessError, Mismatch};
use crate::lineage::{Registry, TypeVersion, Upgradable};
use crate::sync::Mutex;

/// Writes an object again, as it is.
pub(crate) type Rewriter = fn(&Tx<'_>, Handle) -> Result<(), upgradable_stm::AccessError>;

/// The types of a heap's objects, and which version of each lineage is the current one.
#[derive(Debug, Default)]
pub(crate) struct Types {
    /// From when on objects of a kind are no longer created: [`CommitTs::NEVER`] while it is
    /// current. Zero: not known yet.
    stale_since: KindMap,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    registry: Registry,
    versions: HashMap<Kind, TypeVersion>,
    rewriters: HashMap<Kind, Rewriter>,
    current: HashMap<&'static str, Kind>,
}

impl Types {
    /// Whether a transaction at `at` may create objects of the type.
    ///
    /// # Errors
    ///
    /// If the lineage has another version now, or the type contradicts one that is known.
    #[inline]
    pub(crate) fn admit<T: Upgradable>(&self, kind: Kind, at: CommitTs) -> Result<(), AccessError> {
        if self.stale_since.get(kind) > at.to_bits() { Ok(()) } else { self.admit_new::<T>(kind) }
    }

    #[cold]
    fn admit_new<T: Upgradable>(&self, kind: Kind) -> Result<(), AccessError> {
        let mut known = self.known.lock();
        let wanted = TypeVersion::of::<T>();
        if let Some(&current) = known.current.get(wanted.lineage())
            && current != kind
        {
            let found = known.versions[&current];
            let mismatch = Box::new(Mismatch { wanted, found });
            return Err(if found.number() > wanted.number() {
                AccessError::StaleType(mismatch)
            } else {
                AccessError::NotYet(mismatch)
            });
        }
        known.learn::<T>(kind).map_err(|error| AccessError::Unregistered(Arc::new(error)))?;
        known.current.insert(wanted.lineage(), kind);
        self.stale_since.set(kind, CommitTs::NEVER.to_bits());
        Ok(())
    }

    /// A copy of what is known, to try something out.
    pub(crate) fn registry(&self) -> Registry {
        self.known.lock().registry.clone()
    }

    /// Enters a type without making it current.
    ///
    /// # Errors
    ///
    /// If the type contradicts one that is known.
    pub(crate) fn learn<T: Upgradable>(&self, kind: Kind) -> Result<(), crate::RegistryError> {
        self.known.lock().learn::<T>(kind)
    }

    /// From `at` on, `to` is the current version of the lineage, and `from` is not.
    pub(crate) fn replace(&self, from: Kind, to: Kind, at: CommitTs) {
        let mut known = self.known.lock();
        if let Some(version) = known.versions.get(&to).copied() {
            known.current.insert(version.lineage(), to);
        }
        self.stale_since.set(from, at.to_bits());
        self.stale_since.set(to, CommitTs::NEVER.to_bits());
    }

    /// The current version of a lineage, if the heap has ever had an object of it.
    pub(crate) fn current(&self, lineage: &str) -> Option<(Kind, TypeVersion)> {
        let known = self.known.lock();
        let kind = *known.current.get(lineage)?;
        Some((kind, *known.versions.get(&kind)?))
    }

    /// Whether a kind is a version of the lineage.
    pub(crate) fn is_of_lineage(&self, kind: Kind, lineage: &str) -> bool {
        self.known.lock().versions.get(&kind).is_some_and(|version| version.lineage() == lineage)
    }

    /// The kinds of the current versions.
    pub(crate) fn current_kinds(&self) -> Vec<Kind> {
        self.known.lock().current.values().copied().collect()
    }

    /// What writes objects of this kind again.
    pub(crate) fn rewriter(&self, kind: Kind) -> Option<Rewriter> {
        self.known.lock().rewriters.get(&kind).copied()
    }

    /// Forgets lineages that have no objects any more.
    pub(crate) fn forget(&self, kinds: &[Kind]) {
        let mut known = self.known.lock();
        known.current.retain(|_, kind| !kinds.contains(kind));
        for &kind in kinds {
            self.stale_since.set(kind, 0);
        }
    }

    /// The error for an object that was asked for as one kind and is of another.
    pub(crate) fn mismatch(&self, wanted: TypeVersion, found: Kind) -> AccessError {
        let Some(&found) = self.known.lock().versions.get(&found) else {
            return AccessError::Foreign;
        };
        let mismatch = Box::new(Mismatch { wanted, found });
        if wanted.lineage() != found.lineage() {
            AccessError::WrongType(mismatch)
        } else if wanted.number() < found.number() {
            AccessError::StaleType(mismatch)
        } else {
            AccessError::NotYet(mismatch)
        }
    }
}

impl Known {
    fn learn<T: Upgradable>(&mut self, kind: Kind) -> Result<(), crate::RegistryError> {
        self.registry.register::<T>()?;
        self.versions.insert(kind, TypeVersion::of::<T>());
        self.rewriters.insert(kind, |tx, object| tx.update(object, |_: &mut T| ()));
        Ok(())
    }
}
