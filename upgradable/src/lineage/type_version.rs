//! One step of a lineage, and the trait that describes it.

use std::fmt;

use super::{Fingerprint, Registration, Registry, RegistryError};
use crate::transformer::{Step, UpgradeFrom};

/// A type with a place in a lineage: what a heap can hold and upgrade.
///
/// Derive it. [`macro@crate::Upgradable`] tells the attributes.
///
/// ```
/// use upgradable::{TypeVersion, Upgradable};
///
/// mod v1 {
///     #[derive(upgradable::Upgradable, Clone)]
///     #[upgrade(name = "doc.Account")]
///     pub struct Account { pub cents: u32 }
/// }
/// mod v2 {
///     #[derive(upgradable::Upgradable, Clone)]
///     #[upgrade(name = "doc.Account", version = 2, from = super::v1::Account)]
///     pub struct Account { pub cents: u64 }
/// }
/// # fn main() {
/// assert_eq!(v1::Account::LINEAGE, v2::Account::LINEAGE);
/// assert_eq!(TypeVersion::of::<v2::Account>().to_string(), "doc.Account 2");
/// # }
/// ```
///
/// # Written by hand
///
/// Keep the invariants of the module: the lineage's name is the predecessor's, the version is
/// greater, and the fingerprint changes when the layout does. `impl Shape` too, so that types
/// which contain this one take notice of its changes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not upgradable",
    label = "`{Self}` has no lineage",
    note = "add `#[derive(Upgradable)]` to `{Self}`, also when it is the first version"
)]
pub trait Upgradable: Clone + Send + Sync + 'static {
    /// The name that all versions of the type share, and that storage knows it by.
    const LINEAGE: &'static str;

    /// The number of this version; the first is usually 1.
    const VERSION: u32;

    /// What this version looks like.
    const FINGERPRINT: Fingerprint;

    /// The version before this one, or [`Origin`].
    type Prev: Predecessor<Self>;
}

/// The predecessor of what has none: the first version of a lineage.
///
/// ```
/// use upgradable::{Origin, Upgradable};
///
/// #[derive(upgradable::Upgradable, Clone)]
/// struct Fresh { at: u64 }
///
/// fn is_first<T: Upgradable<Prev = Origin>>() {}
/// is_first::<Fresh>();
/// # let _ = Fresh { at: 1 }.at;
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Origin {}

pub trait Sealed {}
impl Sealed for Origin {}
impl<T: Upgradable> Sealed for T {}

/// What can come before `New` in its lineage: an upgradable type that `New` has a transformer
/// from, or [`Origin`]. Nothing else implements it.
///
/// ```
/// use upgradable::{Predecessor, Upgradable};
///
/// # mod v1 {
/// #     #[derive(upgradable::Upgradable, Clone)]
/// #     pub struct Note { pub text: String }
/// # }
/// #[derive(upgradable::Upgradable, Clone)]
/// #[upgrade(version = 2, from = v1::Note)]
/// struct Note { text: String }
///
/// type Before = <Note as Upgradable>::Prev;
/// let before = <Before as Predecessor<Note>>::VERSION.expect("version 2 has a predecessor");
/// assert_eq!(before.number(), 1);
/// # let _ = Note { text: String::new() }.text;
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot come before `{New}` in a lineage",
    note = "the predecessor must derive `Upgradable`, and `{New}` must implement `UpgradeFrom` \
            of it"
)]
pub trait Predecessor<New>: Sealed {
    /// Which version this is; `None` for [`Origin`].
    const VERSION: Option<TypeVersion>;

    /// The type-erased step to `New`; `None` from [`Origin`].
    fn step() -> Option<Step>;

    /// Registers this version and all before it.
    ///
    /// # Errors
    ///
    /// As [`Registry::register`].
    fn register(registry: &mut Registry) -> Result<(), RegistryError>;
}

impl<New> Predecessor<New> for Origin {
    const VERSION: Option<TypeVersion> = None;

    fn step() -> Option<Step> {
        None
    }

    fn register(_: &mut Registry) -> Result<(), RegistryError> {
        Ok(())
    }
}

impl<Old: Upgradable, New: Upgradable + UpgradeFrom<Old>> Predecessor<New> for Old {
    const VERSION: Option<TypeVersion> = Some(TypeVersion::of::<Old>());

    fn step() -> Option<Step> {
        Some(Step::between::<Old, New>())
    }

    fn register(registry: &mut Registry) -> Result<(), RegistryError> {
        <Old::Prev as Predecessor<Old>>::register(registry)?;
        registry.insert(Registration::of::<Old>())
    }
}

/// The identity of a type across builds, crates and loaded libraries: lineage, number, layout.
///
/// ```
/// use upgradable::{TypeVersion, Upgradable};
///
/// #[derive(upgradable::Upgradable, Clone)]
/// #[upgrade(name = "doc.Tag")]
/// struct Tag(u8);
///
/// let version = TypeVersion::of::<Tag>();
/// assert_eq!((version.lineage(), version.number()), ("doc.Tag", 1));
/// assert_eq!(version.fingerprint(), Tag::FINGERPRINT);
/// # let _ = Tag(1).0;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeVersion {
    lineage: &'static str,
    number: u32,
    fingerprint: Fingerprint,
}

impl TypeVersion {
    /// The version that `T` is.
    #[must_use]
    pub const fn of<T: Upgradable>() -> Self {
        Self { lineage: T::LINEAGE, number: T::VERSION, fingerprint: T::FINGERPRINT }
    }

    /// The lineage's name.
    #[must_use]
    pub const fn lineage(self) -> &'static str {
        self.lineage
    }

    /// The number within the lineage.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.number
    }

    /// The layout.
    #[must_use]
    pub const fn fingerprint(self) -> Fingerprint {
        self.fingerprint
    }
}

/// `bank.Account 2`: without the fingerprint, for people.
impl fmt::Display for TypeVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.lineage, self.number)
    }
}
