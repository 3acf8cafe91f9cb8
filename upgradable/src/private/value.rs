//! Values on the way back.

use core::marker::PhantomData;
use core::mem::discriminant;

use crate::error::{TransformError, TransformErrorKind};
use crate::lineage::Upgradable;
use crate::transformer::Profile;

/// A removed field, as it was at the flip.
///
/// # Errors
///
/// When there was no old value.
pub fn restored<O: Clone>(old_at_flip: Option<&O>) -> Result<O, TransformError> {
    old_at_flip.cloned().ok_or_else(|| TransformErrorKind::NoOldValue.into())
}

/// A removed field, as it was at the flip, or else a value.
pub fn restored_or<O: Clone>(old_at_flip: Option<&O>, value: impl FnOnce() -> O) -> O {
    old_at_flip.cloned().unwrap_or_else(value)
}

/// A type version that is already what it shall be. That it can be cloned is part of what it is.
pub fn cloned<T: Upgradable>(value: &T) -> T {
    value.clone()
}

/// Whether two values are of one variant.
pub fn same_variant<T>(one: &T, other: &T) -> bool {
    discriminant(one) == discriminant(other)
}

/// Whether a type can be compared: the inherent constant where it can, the trait's where not.
#[derive(Debug)]
pub struct Equality<T>(PhantomData<fn() -> T>);

/// How values are compared, if at all.
pub type Compare<T> = Option<fn(&T, &T) -> bool>;

impl<T: PartialEq> Equality<T> {
    pub const __UPGRADABLE_EQ: Compare<T> = Some(T::eq);
}

pub trait NoEquality {
    type Value;
    const __UPGRADABLE_EQ: Compare<Self::Value> = None;
}

impl<T> NoEquality for Equality<T> {
    type Value = T;
}

/// Whether two values are equal, as far as that can be told.
pub fn same<T>(equal: Compare<T>, one: &T, other: &T) -> bool {
    equal.is_some_and(|equal| equal(one, other))
}

/// The profile of an enum whose removed variants became variants with fields: on the way back,
/// comparison tells whether such a value is still what the removed one became.
pub const fn comparing<T>(equal: Compare<T>) -> Profile {
    if equal.is_some() {
        Profile::both_ways()
    } else {
        Profile::one_way(
            "a removed variant became one with fields, and the type has no `PartialEq` to tell \
             whether a value is still the same",
        )
    }
}
