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

/// The types of a heap's objects, and which version of each lineage is current at which instant.
///
/// A transaction lives in the program of its own instant, from begin to end: it creates objects of
/// the versions that were current then, also when an upgrade has overtaken it.
#[derive(Debug, Default)]
pub(crate) struct Types {
    /// Of the kinds that are current now: one more than the instant since when they are. Zero:
    /// not current, or not known yet.
    current_since: KindMap,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    registry: Registry,
    versions: HashMap<Kind, TypeVersion>,
    rewriters: HashMap<Kind, Rewriter>,
    /// The current kinds of each lineage, and since when they were, earliest first.
    current: HashMap<&'static str, Vec<(CommitTs, Kind)>>,
}

impl Types {
    /// Whether a transaction at `at` may create objects of the type.
    ///
    /// # Errors
    ///
    /// If the lineage has another version at `at`, or the type contradicts one that is known.
    #[inline]
    pub(crate) fn admit<T: Upgradable>(&self, kind: Kind, at: CommitTs) -> Result<(), AccessError> {
        // Of what is not current, the greatest number: not before any instant.
        let since = self.current_since.get(kind).wrapping_sub(1);
        if since <= at.to_bits() { Ok(()) } else { self.admit_at::<T>(kind, at) }
    }

    /// [`admit`](Self::admit) for what is not current, and for who is not of the present.
    #[cold]
    fn admit_at<T: Upgradable>(&self, kind: Kind, at: CommitTs) -> Result<(), AccessError> {
        let mut known = self.known.lock();
        let wanted = TypeVersion::of::<T>();
        if let Some(current) = known.current_at(wanted.lineage(), at) {
            if current == kind {
                return Ok(());
            }
            let found = known.versions[&current];
            let mismatch = Box::new(Mismatch { wanted, found });
            return Err(if found.number() > wanted.number() {
                AccessError::StaleType(mismatch)
            } else {
                AccessError::NotYet(mismatch)
            });
        }
        known.learn::<T>(kind).map_err(|error| AccessError::Unregistered(Arc::new(error)))?;
        known.current.insert(wanted.lineage(), vec![(CommitTs::ZERO, kind)]);
        self.current_since.set(kind, CommitTs::ZERO.to_bits() + 1);
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
        if from == to {
            return;
        }
        let mut known = self.known.lock();
        if let Some(version) = known.versions.get(&to).copied() {
            // Of a lineage of which there were no objects `from` was the version all the same.
            let start = || vec![(CommitTs::ZERO, from)];
            known.current.entry(version.lineage()).or_insert_with(start).push((at, to));
        }
        self.current_since.set(from, 0);
        self.current_since.set(to, at.to_bits() + 1);
    }

    /// The current version of a lineage, if the heap has ever had an object of it.
    pub(crate) fn current(&self, lineage: &str) -> Option<(Kind, TypeVersion)> {
        let known = self.known.lock();
        let kind = known.current_at(lineage, CommitTs::NEVER)?;
        Some((kind, *known.versions.get(&kind)?))
    }

    /// Whether a kind is a version of the lineage.
    pub(crate) fn is_of_lineage(&self, kind: Kind, lineage: &str) -> bool {
        self.known.lock().versions.get(&kind).is_some_and(|version| version.lineage() == lineage)
    }

    /// The kinds of the current versions.
    pub(crate) fn current_kinds(&self) -> Vec<Kind> {
        let known = self.known.lock();
        known.current.values().filter_map(|turns| turns.last()).map(|&(_, kind)| kind).collect()
    }

    /// What writes objects of this kind again.
    pub(crate) fn rewriter(&self, kind: Kind) -> Option<Rewriter> {
        self.known.lock().rewriters.get(&kind).copied()
    }

    /// Forgets lineages that have no objects any more.
    pub(crate) fn forget(&self, kinds: &[Kind]) {
        let mut known = self.known.lock();
        let is_gone = |turns: &Vec<(CommitTs, Kind)>| {
            turns.last().is_some_and(|(_, kind)| kinds.contains(kind))
        };
        known.current.retain(|_, turns| !is_gone(turns));
        for &kind in kinds {
            self.current_since.set(kind, 0);
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
    /// The kind that was current at an instant.
    fn current_at(&self, lineage: &str, at: CommitTs) -> Option<Kind> {
        let turns = self.current.get(lineage)?;
        turns.iter().rev().find(|(since, _)| *since <= at).map(|&(_, kind)| kind)
    }

    fn learn<T: Upgradable>(&mut self, kind: Kind) -> Result<(), crate::RegistryError> {
        self.registry.register::<T>()?;
        self.versions.insert(kind, TypeVersion::of::<T>());
        self.rewriters.insert(kind, |tx, object| tx.update(object, |_: &mut T| ()));
        Ok(())
    }
}
