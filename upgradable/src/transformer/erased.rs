//! Transformers with their types erased: what tables of steps are made of.

use std::any::Any;
use std::fmt;

use super::{Cx, Profile, UpgradeFrom};
use crate::error::{TransformError, TransformErrorKind};
use crate::lineage::{TypeVersion, Upgradable};

/// A value of some type version. Every [`Upgradable`] is one.
///
/// ```
/// use upgradable::AnyVersion;
/// use std::any::Any;
///
/// #[derive(upgradable::Upgradable, Clone)]
/// #[upgrade(name = "doc.Tag")]
/// struct Tag(u8);
///
/// let value: Box<dyn AnyVersion> = Box::new(Tag(7));
/// assert_eq!(value.type_version().to_string(), "doc.Tag 1");
/// let any: Box<dyn Any> = value;
/// assert_eq!(any.downcast::<Tag>().map(|tag| tag.0).ok(), Some(7));
/// ```
pub trait AnyVersion: Any + Send + Sync {
    /// Which version it is.
    fn type_version(&self) -> TypeVersion;
}

impl<T: Upgradable> AnyVersion for T {
    fn type_version(&self) -> TypeVersion {
        TypeVersion::of::<T>()
    }
}

impl fmt::Debug for dyn AnyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AnyVersion({})", self.type_version())
    }
}

/// What both directions of a step give.
type Outcome = Result<Box<dyn AnyVersion>, TransformError>;

/// One step of a lineage, both directions, with its types erased.
///
/// Values are told apart by [`TypeVersion`] first and by
/// [`TypeId`](std::any::TypeId) second.
///
/// ```
/// use upgradable::{AnyVersion, Cx, Step};
/// use std::any::Any;
///
/// # mod v1 {
/// #     #[derive(upgradable::Upgradable, Clone)]
/// #     pub struct Tag(pub u8);
/// # }
/// #[derive(upgradable::Upgradable, Clone)]
/// #[upgrade(version = 2, from = v1::Tag)]
/// struct Tag(u16);
///
/// let step = Step::between::<v1::Tag, Tag>();
/// let mut cx = Cx::detached();
/// let new: Box<dyn Any> = step.upgrade(&v1::Tag(7), &mut cx)?;
/// assert_eq!(new.downcast_ref::<Tag>().map(|tag| tag.0), Some(7));
/// assert!(step.upgrade(&Tag(7), &mut cx).is_err()); // not the version it begins with
/// # Ok::<(), upgradable::TransformError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Step {
    from: TypeVersion,
    to: TypeVersion,
    profile: fn() -> Profile,
    upgrade: fn(&dyn AnyVersion, &mut Cx<'_>) -> Outcome,
    put: fn(&dyn AnyVersion, Option<&dyn AnyVersion>, &mut Cx<'_>) -> Outcome,
}

impl Step {
    /// The step from `Old` to `New`.
    #[must_use]
    pub const fn between<Old: Upgradable, New: Upgradable + UpgradeFrom<Old>>() -> Self {
        Self {
            from: TypeVersion::of::<Old>(),
            to: TypeVersion::of::<New>(),
            profile: || New::PROFILE,
            upgrade: |old, cx| {
                let new = New::upgrade_from(concrete::<Old>(old)?, cx)?;
                Ok(Box::new(new))
            },
            put: |new, old_at_flip, cx| {
                let old_at_flip = old_at_flip.map(concrete::<Old>).transpose()?;
                let old = New::put(concrete::<New>(new)?, old_at_flip, cx)?;
                Ok(Box::new(old))
            },
        }
    }

    /// The version that it begins with.
    #[must_use]
    pub const fn from(&self) -> TypeVersion {
        self.from
    }

    /// The version that it leads to.
    #[must_use]
    pub const fn to(&self) -> TypeVersion {
        self.to
    }

    /// What is known of it before it runs.
    pub fn profile(&self) -> Profile {
        (self.profile)()
    }

    /// As [`UpgradeFrom::upgrade_from`].
    ///
    /// # Errors
    ///
    /// As there, and [`WrongType`](TransformErrorKind::WrongType) when `old` is not of the
    /// version that the step begins with.
    pub fn upgrade(
        &self,
        old: &dyn AnyVersion,
        cx: &mut Cx<'_>,
    ) -> Result<Box<dyn AnyVersion>, TransformError> {
        cx.step(self.from, self.to, |cx| (self.upgrade)(old, cx))
    }

    /// As [`UpgradeFrom::put`].
    ///
    /// # Errors
    ///
    /// As there, and [`WrongType`](TransformErrorKind::WrongType) when `new` or `old_at_flip` is
    /// not of its version.
    pub fn put(
        &self,
        new: &dyn AnyVersion,
        old_at_flip: Option<&dyn AnyVersion>,
        cx: &mut Cx<'_>,
    ) -> Result<Box<dyn AnyVersion>, TransformError> {
        cx.step(self.to, self.from, |cx| (self.put)(new, old_at_flip, cx))
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Step")
            .field("from", &self.from)
            .field("to", &self.to)
            .finish_non_exhaustive()
    }
}

fn concrete<T: Upgradable>(value: &dyn AnyVersion) -> Result<&T, TransformError> {
    let (expected, found) = (TypeVersion::of::<T>(), value.type_version());
    let any: &dyn Any = value;
    match any.downcast_ref() {
        Some(value) if expected == found => Ok(value),
        _ => Err(TransformErrorKind::WrongType { expected, found }.into()),
    }
}
