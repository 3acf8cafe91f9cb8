//! How one kind of objects is converted, forward and back, with the types erased.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use upgradable_stm::layer::Touch;
use upgradable_stm::{AccessError, CommitTs, Kind, Snapshot};

use crate::error::{TransformError, TransformErrorKind};
use crate::lineage::{TypeVersion, Upgradable};
use crate::transformer::{Cx, Facts, Profile, Surroundings, UpgradeFrom};

/// Whether a converted value was installed, or somebody else's was.
pub(crate) type Installed = Result<bool, TransformError>;

/// How objects of one kind become objects of another, and how they go back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conversion {
    pub(crate) from: Kind,
    pub(crate) to: Kind,
    pub(crate) versions: (TypeVersion, TypeVersion),
    pub(crate) facts: Facts,
    pub(crate) forward: fn(&mut Touch<'_>, Surroundings<'_>, Admission<'_>) -> Installed,
    pub(crate) back: fn(&mut Touch<'_>, &AtFlip<'_>, Surroundings<'_>, Admission<'_>) -> Installed,
    /// Installs a value given by hand, forward or back.
    pub(crate) repair: fn(&mut Touch<'_>, Box<dyn Any + Send>, CommitTs) -> bool,
}

/// Asked after the conversion and before its installation: whether it still counts, and may be
/// installed.
pub(crate) type Admission<'a> = &'a dyn Fn() -> Installed;

/// What the way back knows of the flip that it undoes.
pub(crate) struct AtFlip<'a> {
    /// The instant before it.
    pub(crate) before: &'a Snapshot<'a>,
    /// Whether the object is as that flip made it.
    pub(crate) unchanged: bool,
}

impl Conversion {
    /// By a transformer.
    pub(crate) fn between<Old: Upgradable, New: Upgradable + UpgradeFrom<Old>>() -> Self {
        Self {
            from: Kind::of::<Old>(),
            to: Kind::of::<New>(),
            versions: (TypeVersion::of::<Old>(), TypeVersion::of::<New>()),
            facts: New::PROFILE.facts(),
            forward: forward::<Old, New>,
            back: back::<Old, New>,
            repair: repair::<Old, New>,
        }
    }

    /// Of a type to itself: each object is written anew.
    pub(crate) fn null<T: Upgradable>() -> Self {
        let version = TypeVersion::of::<T>();
        Self {
            from: Kind::of::<T>(),
            to: Kind::of::<T>(),
            versions: (version, version),
            facts: Profile::both_ways().facts(),
            forward: |touch, around, admission| {
                let Some(value) = touch.value::<T>() else { return Ok(false) };
                let copy = Cx::hosted(&around.of(touch)).catch_panic(|_| Ok(value.clone()))?;
                install(touch, around.flip, copy, admission)
            },
            back: |touch, at_flip, around, admission| {
                let Some(value) = touch.value::<T>() else { return Ok(false) };
                let old = at_flip.value::<T>(touch)?.filter(|_| at_flip.unchanged);
                let copy = || Ok(old.unwrap_or(value).clone());
                let copy = Cx::hosted(&around.of(touch)).catch_panic(|_| copy())?;
                install(touch, around.flip, copy, admission)
            },
            repair: repair::<T, T>,
        }
    }
}

impl<'a> AtFlip<'a> {
    /// What the object held; `None` if it is newer than the flip.
    fn value<T: Upgradable>(&self, touch: &Touch<'_>) -> Result<Option<&'a T>, TransformError> {
        match self.before.get::<T>(touch.handle()) {
            Ok(old) => Ok(Some(old)),
            Err(AccessError::Deleted | AccessError::Unborn) => Ok(None),
            Err(error) => Err(TransformErrorKind::Host { source: Box::new(error) }.into()),
        }
    }
}

fn forward<Old: Upgradable, New: Upgradable + UpgradeFrom<Old>>(
    touch: &mut Touch<'_>,
    around: Surroundings<'_>,
    admission: Admission<'_>,
) -> Installed {
    let Some(old) = touch.value::<Old>() else { return Ok(false) };
    let (from, to) = (TypeVersion::of::<Old>(), TypeVersion::of::<New>());
    let new = Cx::hosted(&around.of(touch)).step(from, to, |cx| {
        cx.catch_panic(|cx| {
            #[cfg(chaos)]
            bad_luck()?;
            New::upgrade_from(old, cx)
        })
    })?;
    install(touch, around.flip, new, admission)
}

fn back<Old: Upgradable, New: Upgradable + UpgradeFrom<Old>>(
    touch: &mut Touch<'_>,
    at_flip: &AtFlip<'_>,
    around: Surroundings<'_>,
    admission: Admission<'_>,
) -> Installed {
    let Some(new) = touch.value::<New>() else { return Ok(false) };
    let old_at_flip = at_flip.value::<Old>(touch)?;
    let (from, to) = (TypeVersion::of::<New>(), TypeVersion::of::<Old>());
    let old = Cx::hosted(&around.of(touch)).step(from, to, |cx| {
        cx.catch_panic(|cx| match old_at_flip {
            // Exactly what it was, whatever the lens would make of it.
            Some(old) if at_flip.unchanged => Ok(old.clone()),
            old_at_flip => New::put(new, old_at_flip, cx),
        })
    })?;
    install(touch, around.flip, old, admission)
}

/// Fails or panics now and then, where a suite asks for it.
#[cfg(chaos)]
fn bad_luck() -> Result<(), TransformError> {
    use upgradable_stm::chaos::{spoils_transformers, strikes};
    if spoils_transformers() && strikes(8) {
        std::panic::resume_unwind(Box::new("bad luck"));
    }
    if spoils_transformers() && strikes(8) { Err("bad luck".into()) } else { Ok(()) }
}

fn repair<Old: Upgradable, New: Upgradable>(
    touch: &mut Touch<'_>,
    value: Box<dyn Any + Send>,
    at: CommitTs,
) -> bool {
    match value.downcast::<New>() {
        Ok(new) => touch.install(at, *new).is_ok(),
        Err(value) => value.downcast::<Old>().is_ok_and(|old| touch.install(at, *old).is_ok()),
    }
}

fn install<T: Upgradable>(
    touch: &mut Touch<'_>,
    at: CommitTs,
    value: T,
    admission: Admission<'_>,
) -> Installed {
    #[cfg(chaos)]
    upgradable_stm::chaos::falter();
    let refused = match admission() {
        Ok(true) => match touch.install(at, value) {
            Ok(()) => return Ok(true),
            Err(upgradable_stm::layer::NotNewest(value)) => (value, Ok(false)),
        },
        refused => (value, refused),
    };
    // Nobody has seen the value; a panic in its drop is nobody's.
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(refused.0))) {
        std::mem::forget(payload);
    }
    refused.1
}
