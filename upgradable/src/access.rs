//! Why an object can't be had.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use upgradable_stm::Kind;

use crate::error::TransformError;
use crate::lineage::{RegistryError, TypeVersion};

/// Why a transaction can't have an object.
///
/// ```
/// use upgradable::{AccessError, Heap, Upgradable};
/// # #[derive(Upgradable, Clone)] struct Tag(u8);
/// let (heap, other) = (Heap::new(), Heap::new());
/// let tag = heap.atomically(|tx| Ok(tx.create(Tag(1))?)).unwrap();
/// assert!(matches!(other.snapshot(|s| s.read(tag).map(|t| t.0)), Err(AccessError::Foreign)));
/// heap.atomically(|tx| Ok(tx.delete(tag)?)).unwrap();
/// assert!(matches!(heap.snapshot(|s| s.read(tag).map(|t| t.0)), Err(AccessError::Deleted)));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum AccessError {
    /// It has been deleted.
    Deleted,
    /// The reference is of another heap, or was made from a word that never was a reference.
    Foreign,
    /// It was created after what this snapshot sees, or never: its transaction did not commit.
    Unborn,
    /// It is of another lineage.
    WrongType(Box<Mismatch>),
    /// The code knows an older version of the type than the object has by now. Code of several
    /// versions runs behind a [`Service`](crate::Service), or looks with [`Ref::cast`].
    ///
    /// [`Ref::cast`]: crate::Ref::cast
    StaleType(Box<Mismatch>),
    /// The code knows a newer version of the type than the heap has: it has not been upgraded to
    /// it.
    NotYet(Box<Mismatch>),
    /// The type contradicts one that the heap knows.
    Unregistered(Arc<RegistryError>),
    /// Its transformer failed. The object is as it was before the upgrade.
    Untransformed(Arc<TransformFailure>),
}

/// Two type versions that should be one.
///
/// ```
/// use upgradable::{AccessError, Heap, Ref, Upgradable};
/// # #[derive(Upgradable, Clone)] struct Tag(u8);
/// # #[derive(Upgradable, Clone)] struct Label(u8);
/// let heap = Heap::new();
/// let tag = heap.atomically(|tx| Ok(tx.create(Tag(1))?)).unwrap();
/// let wrong = heap.snapshot(|s| s.read(Ref::<Label>::from_bits(tag.to_bits())).map(|l| l.0));
/// let Err(AccessError::WrongType(mismatch)) = wrong else { panic!("{wrong:?}") };
/// assert_eq!(mismatch.to_string(), "`Label 1` was asked for, and it is `Tag 1`");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// What the code asked for.
    pub wanted: TypeVersion,
    /// What there is.
    pub found: TypeVersion,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` was asked for, and it is `{}`", self.wanted, self.found)
    }
}

/// An object that could not be transformed, and why.
///
/// ```
/// use upgradable::{AccessError, Heap, Upgrade, Upgradable};
///
/// # mod v1 {
/// #     #[derive(upgradable::Upgradable, Clone)]
/// #     #[upgrade(name = "doc.Price")]
/// #     pub struct Price { pub cents: String }
/// # }
/// #[derive(Upgradable, Clone)]
/// #[upgrade(version = 2, from = v1::Price)]
/// struct Price { #[upgrade(try_with = |text: &str| text.parse::<u32>())] cents: u32 }
///
/// let heap = Heap::new();
/// let free = heap.atomically(|tx| Ok(tx.create(v1::Price { cents: "free".into() })?)).unwrap();
/// heap.upgrade(Upgrade::to("2").migrate::<v1::Price, Price>()).unwrap();
/// let read = heap.snapshot(|s| s.read(free.cast::<Price>()).map(|price| price.cents));
/// let Err(AccessError::Untransformed(failure)) = read else { panic!("{read:?}") };
/// assert_eq!(failure.upgrade(), "2");
/// assert_eq!(failure.error().path().to_string(), "cents");
/// ```
#[derive(Debug)]
pub struct TransformFailure {
    pub(crate) object: u64,
    pub(crate) versions: (TypeVersion, TypeVersion),
    pub(crate) upgrade: Arc<str>,
    pub(crate) error: TransformError,
}

impl TransformFailure {
    /// The object, as [`Ref::to_bits`](crate::Ref::to_bits) gives it.
    #[must_use]
    pub fn object(&self) -> u64 {
        self.object
    }

    /// The version that it has, and the one that it should have.
    #[must_use]
    pub fn versions(&self) -> (TypeVersion, TypeVersion) {
        self.versions
    }

    /// The name of the upgrade, as given to [`Upgrade::to`](crate::Upgrade::to).
    #[must_use]
    pub fn upgrade(&self) -> &str {
        &self.upgrade
    }

    /// What the transformer said.
    #[must_use]
    pub fn error(&self) -> &TransformError {
        &self.error
    }
}

impl PartialEq for TransformFailure {
    fn eq(&self, other: &Self) -> bool {
        self.object == other.object && self.upgrade == other.upgrade
    }
}

impl fmt::Display for TransformFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "object {:#x} could not be transformed by upgrade `{}`: {}",
            self.object, self.upgrade, self.error
        )
    }
}

impl AccessError {
    /// What the core said, with `mismatch` to explain a wrong kind, and `refused` why the heap's
    /// own layer does not show it.
    pub(crate) fn from_core(
        error: upgradable_stm::AccessError,
        mismatch: impl FnOnce(Kind) -> Self,
        refused: impl FnOnce() -> Self,
    ) -> Self {
        use upgradable_stm::AccessError as Core;
        match error {
            Core::Deleted => Self::Deleted,
            Core::Unborn => Self::Unborn,
            Core::WrongKind { found, .. } => mismatch(found),
            Core::Refused => refused(),
            _ => Self::Foreign,
        }
    }
}

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deleted => f.write_str("the object has been deleted"),
            Self::Foreign => f.write_str("the reference is of another heap, or of none"),
            Self::Unborn => f.write_str("the object does not exist in what the transaction sees"),
            Self::WrongType(mismatch) => write!(f, "wrong type: {mismatch}"),
            Self::StaleType(mismatch) => write!(
                f,
                "stale type: {mismatch} by now; use the code of the new version, or `Ref::cast`"
            ),
            Self::NotYet(mismatch) => {
                write!(f, "not yet: {mismatch}; upgrade the heap to it first")
            }
            Self::Unregistered(error) => fmt::Display::fmt(error, f),
            Self::Untransformed(failure) => fmt::Display::fmt(failure, f),
        }
    }
}

impl Error for AccessError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unregistered(error) => Some(&**error),
            Self::Untransformed(failure) => Some(&failure.error),
            _ => None,
        }
    }
}
