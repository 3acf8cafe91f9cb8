//! What generated code names. Not for users; may change in any release, and its name does.
//!
//! The version's last part is in the module's name, so that a derive and a library of different
//! releases do not compile together.

mod apply;
mod compute;
mod describe;
mod route;
mod value;

pub use core::clone::Clone;
pub use core::cmp::PartialEq;
pub use core::default::Default;
pub use core::marker::{Send, Sync};
pub use core::mem::offset_of;
pub use core::ops::Fn;
pub use core::option::Option::{self, None, Some};
pub use core::primitive::{bool, i128, str, u32};
pub use core::result::Result::{self, Err, Ok};
pub use core::{assert, convert::Into};

pub use self::apply::{
    Back, BackByRef, BackByTarget, BackByValue, BackOnto, With, WithByRef, WithByTarget,
    WithByValue, call_back, call_back_onto, call_with, fallible, fallible_like, ok_like,
};
pub use self::compute::{
    Compute, ComputeOfOld, ComputeWithCx, Kind, READS_OTHERS, compute, compute_with_cx,
    profile_of_compute,
};
pub use self::describe::{
    NoVersion, OpaqueShape, Probe, later, lineage_of, name, name_of_version, one_lineage,
    outline_of_version, shape_of_field, shape_of_version, step, version_after,
};
pub use self::route::{
    Pair, PairBothWays, PairByFrom, PairOfOne, PairOfUpgrade, Route, get, profile_of, put,
    unreachable,
};
pub use self::value::{
    Compare, Equality, NoEquality, cloned, comparing, restored, restored_or, same, same_variant,
};
pub use crate::__upgradable_submit as submit;
pub use crate::error::TransformError;
pub use crate::lineage::{
    Fingerprint, FingerprintBuilder, NameBuilder, Origin, Registration, Shape, TypeVersion,
    Upgradable,
};
pub use crate::transformer::{Cx, Part, Profile, UpgradeFrom};

#[cfg(feature = "inventory")]
pub use inventory;

/// Registers a type before `main` runs.
#[cfg(feature = "inventory")]
#[doc(hidden)]
#[macro_export]
macro_rules! __upgradable_submit {
    ($type:ty) => {
        $crate::__private0::inventory::submit! {
            $crate::__private0::Registration::of::<$type>()
        }
    };
}

/// Without `inventory`, types are registered by hand.
#[cfg(not(feature = "inventory"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __upgradable_submit {
    ($type:ty) => {};
}
