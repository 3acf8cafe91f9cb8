//! Which type versions a program knows.

use std::collections::BTreeMap;
use std::fmt;

use super::{Fingerprint, Predecessor, TypeVersion, Upgradable};
use crate::transformer::Step;

/// What the program knows of one type version: its identity, what came before it, how to get here.
///
/// ```
/// use upgradable::{Registration, Upgradable};
///
/// #[derive(upgradable::Upgradable, Clone)]
/// #[upgrade(name = "doc.Tag")]
/// struct Tag(u8);
///
/// let tag = Registration::of::<Tag>();
/// assert_eq!(tag.version().lineage(), "doc.Tag");
/// assert!(tag.previous().is_none() && tag.step().is_none());
/// # let _ = Tag(1).0;
/// ```
#[derive(Clone, Copy)]
pub struct Registration {
    version: TypeVersion,
    previous: Option<TypeVersion>,
    step: fn() -> Option<Step>,
    rust_name: fn() -> &'static str,
}

impl Registration {
    /// The registration of `T`.
    #[must_use]
    pub const fn of<T: Upgradable>() -> Self {
        Self {
            version: TypeVersion::of::<T>(),
            previous: <T::Prev as Predecessor<T>>::VERSION,
            step: <T::Prev as Predecessor<T>>::step,
            rust_name: std::any::type_name::<T>,
        }
    }

    /// The type's identity.
    #[must_use]
    pub const fn version(&self) -> TypeVersion {
        self.version
    }

    /// The identity of its predecessor.
    #[must_use]
    pub const fn previous(&self) -> Option<TypeVersion> {
        self.previous
    }

    /// The transformer from its predecessor, with the types erased.
    #[must_use]
    pub fn step(&self) -> Option<Step> {
        (self.step)()
    }

    /// The type's name in the program text, for people.
    #[must_use]
    pub fn rust_name(&self) -> &'static str {
        (self.rust_name)()
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration")
            .field("version", &self.version)
            .field("previous", &self.previous)
            .field("rust_name", &self.rust_name())
            .finish()
    }
}

/// The type versions that a program knows, kept free of contradictions.
///
/// [`with_registered`](Self::with_registered) begins with the types that registered themselves,
/// [`new`](Self::new) with none. Generic types never register themselves, since only the program
/// knows their arguments.
///
/// ```
/// use upgradable::{Registry, Upgradable};
///
/// # mod v1 {
/// #     #[derive(upgradable::Upgradable, Clone)]
/// #     #[upgrade(name = "doc.Pair")]
/// #     pub struct Pair<T> { pub left: T }
/// # }
/// #[derive(upgradable::Upgradable, Clone)]
/// #[upgrade(version = 2, from = v1::Pair<T>)]
/// struct Pair<T> { left: T }
///
/// let mut registry = Registry::new();
/// registry.register::<Pair<u8>>()?; // and what came before it
/// let versions: Vec<_> = registry.lineage("doc.Pair<u8>").map(|r| r.version().number()).collect();
/// assert_eq!(versions, [1, 2]);
/// # let _ = Pair { left: 1_u8 }.left;
/// # Ok::<(), upgradable::RegistryError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Registry {
    lineages: BTreeMap<&'static str, BTreeMap<u32, Registration>>,
}

impl Registry {
    /// A registry that knows nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A registry of all types that registered themselves.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Conflict`] when two of them contradict each other.
    pub fn with_registered() -> Result<Self, RegistryError> {
        let mut registry = Self::new();
        for registration in registered() {
            registry.insert(*registration)?;
        }
        Ok(registry)
    }

    /// Registers `T` and all versions before it. Registering twice changes nothing.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Conflict`] when another type is known by the same lineage and number,
    /// [`RegistryError::Predecessor`] when a hand-written description contradicts itself.
    pub fn register<T: Upgradable>(&mut self) -> Result<(), RegistryError> {
        <T::Prev as Predecessor<T>>::register(self)?;
        self.insert(Registration::of::<T>())
    }

    /// The registration of a lineage's version.
    #[must_use]
    pub fn get(&self, lineage: &str, number: u32) -> Option<&Registration> {
        self.lineages.get(lineage)?.get(&number)
    }

    /// The versions of a lineage, oldest first.
    pub fn lineage(&self, lineage: &str) -> impl Iterator<Item = &Registration> + use<'_> {
        self.lineages.get(lineage).into_iter().flat_map(BTreeMap::values)
    }

    /// All registrations, by lineage and number.
    pub fn iter(&self) -> impl Iterator<Item = &Registration> {
        self.lineages.values().flat_map(BTreeMap::values)
    }

    pub(crate) fn insert(&mut self, new: Registration) -> Result<(), RegistryError> {
        let version = new.version;
        if let Some(previous) = new.previous
            && (previous.lineage() != version.lineage() || previous.number() >= version.number())
        {
            return Err(RegistryError::Predecessor { version, previous });
        }
        let versions = self.lineages.entry(version.lineage()).or_default();
        let known = versions.entry(version.number()).or_insert(new);
        if known.version == version {
            return Ok(());
        }
        Err(RegistryError::Conflict {
            lineage: version.lineage(),
            number: version.number(),
            known: (known.rust_name(), known.version.fingerprint()),
            refused: (new.rust_name(), version.fingerprint()),
        })
    }
}

/// Why a type cannot be registered.
///
/// ```
/// use upgradable::{Registry, RegistryError};
///
/// mod yesterday {
///     #[derive(upgradable::Upgradable, Clone)]
///     #[upgrade(name = "doc.Point")]
///     pub struct Point { pub x: u32 }
/// }
/// mod today {
///     #[derive(upgradable::Upgradable, Clone)]
///     #[upgrade(name = "doc.Point")]
///     pub struct Point { pub x: u64 }
/// }
/// let mut registry = Registry::new();
/// registry.register::<yesterday::Point>()?;
/// let refused = registry.register::<today::Point>();
/// assert!(matches!(refused, Err(RegistryError::Conflict { lineage: "doc.Point", .. })));
/// # Ok::<(), RegistryError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// Two types with one lineage and one number, but different layouts.
    #[error(
        "version {number} of `{lineage}` is two types: `{}` ({}) and `{}` ({}); give the later \
         one a version of its own",
        known.0, known.1, refused.0, refused.1
    )]
    Conflict {
        /// The lineage.
        lineage: &'static str,
        /// The number.
        number: u32,
        /// The type known by it: name in the program text and layout.
        known: (&'static str, Fingerprint),
        /// The type that was refused.
        refused: (&'static str, Fingerprint),
    },

    /// A hand-written description names a predecessor that cannot come before it.
    #[error("`{previous}` cannot come before `{version}`: a lineage has one name and grows")]
    Predecessor {
        /// The version that was refused.
        version: TypeVersion,
        /// The predecessor it names.
        previous: TypeVersion,
    },
}

/// The types that registered themselves: every derived type without parameters, in no order.
///
/// Empty without the feature `inventory`.
///
/// ```
/// # #[cfg(feature = "inventory")] {
/// #[derive(upgradable::Upgradable, Clone)]
/// #[upgrade(name = "doc.Tag")]
/// struct Tag(u8);
///
/// assert!(upgradable::registered().any(|known| known.version().lineage() == "doc.Tag"));
/// # let _ = Tag(1).0;
/// # }
/// ```
pub fn registered() -> impl Iterator<Item = &'static Registration> {
    #[cfg(feature = "inventory")]
    {
        inventory::iter::<Registration>.into_iter()
    }
    #[cfg(not(feature = "inventory"))]
    {
        std::iter::empty()
    }
}

#[cfg(feature = "inventory")]
inventory::collect!(Registration);
