//! Names and fingerprints in constants of generated code.

use core::marker::PhantomData;

use crate::error::TransformError;
use crate::lineage::{
    Fingerprint, FingerprintBuilder, NameBuilder, Shape, TypeVersion, Upgradable, same_name,
};
use crate::transformer::Cx;

/// What a type says of itself, if anything: the inherent constants where it does, the traits'
/// where not. So a type that lacks something is reported once, where it is needed, and not at
/// every mention.
#[derive(Debug)]
pub struct Probe<T: ?Sized>(PhantomData<T>);

impl<T: Shape> Probe<T> {
    pub const __UPGRADABLE_SHAPE: Option<Fingerprint> = Some(T::SHAPE);
    pub const __UPGRADABLE_OUTLINE: Option<Fingerprint> = Some(T::OUTLINE);
}

pub trait OpaqueShape {
    const __UPGRADABLE_SHAPE: Option<Fingerprint> = None;
    const __UPGRADABLE_OUTLINE: Option<Fingerprint> = None;
}

impl<T: ?Sized> OpaqueShape for Probe<T> {}

impl<T: Upgradable> Probe<T> {
    pub const __UPGRADABLE_LINEAGE: Option<&'static str> = Some(T::LINEAGE);
    pub const __UPGRADABLE_NUMBER: Option<u32> = Some(T::VERSION);
    pub const __UPGRADABLE_VERSION: Option<TypeVersion> = Some(TypeVersion::of::<T>());
}

pub trait NoVersion {
    const __UPGRADABLE_LINEAGE: Option<&'static str> = None;
    const __UPGRADABLE_NUMBER: Option<u32> = None;
    const __UPGRADABLE_VERSION: Option<TypeVersion> = None;
}

impl<T: ?Sized> NoVersion for Probe<T> {}

/// The shape of a field's type: its own, or else how it is written, its layout, and the outlines
/// of its type arguments.
pub const fn shape_of_field<F>(
    own: Option<Fingerprint>,
    written: &str,
    arguments: &[Option<Fingerprint>],
) -> Fingerprint {
    if let Some(own) = own {
        return own;
    }
    let mut shape = FingerprintBuilder::opaque::<F>(written);
    let mut at = 0;
    while at < arguments.len() {
        if let Some(outline) = arguments[at] {
            shape = shape.argument(outline);
        }
        at += 1;
    }
    shape.finish()
}

/// `Shape::NAME` of a type version.
pub const fn name_of_version<T: Upgradable>() -> &'static str {
    T::LINEAGE
}

/// `Shape::SHAPE` of a type version.
pub const fn shape_of_version<T: Upgradable>() -> Fingerprint {
    FingerprintBuilder::named::<T>(T::LINEAGE)
        .count(T::VERSION as u128)
        .nested(T::FINGERPRINT)
        .finish()
}

/// `Shape::OUTLINE` of a type version.
pub const fn outline_of_version<T: Upgradable>() -> Fingerprint {
    FingerprintBuilder::named::<T>(T::LINEAGE).count(T::VERSION as u128).finish()
}

/// The version that follows `old`.
pub const fn version_after(old: Option<u32>) -> u32 {
    match old {
        Some(old) => match old.checked_add(1) {
            Some(version) => version,
            None => panic!("a lineage has too many versions"),
        },
        None => 0,
    }
}

/// The lineage of a predecessor.
pub const fn lineage_of(old: Option<&'static str>) -> &'static str {
    match old {
        Some(name) => name,
        None => "",
    }
}

/// Whether a version and its predecessor, if it has a lineage at all, are of one lineage.
pub const fn one_lineage<New: Upgradable>(old: Option<&'static str>) -> bool {
    match old {
        Some(old) => same_name(New::LINEAGE, old),
        None => true,
    }
}

/// Whether a version comes after its predecessor, if that has a version at all.
pub const fn later<New: Upgradable>(old: Option<u32>) -> bool {
    match old {
        Some(old) => New::VERSION > old,
        None => true,
    }
}

/// Tells an error between which versions it happened.
#[inline]
pub fn step<T>(
    cx: &mut Cx<'_>,
    versions: (Option<TypeVersion>, Option<TypeVersion>),
    f: impl FnOnce(&mut Cx<'_>) -> Result<T, TransformError>,
) -> Result<T, TransformError> {
    match versions {
        (Some(from), Some(to)) => cx.step(from, to, f),
        _ => f(cx),
    }
}

/// Begins the name of a generic type.
pub const fn name(base: &str) -> NameBuilder {
    NameBuilder::new().text(base)
}
