//! Values without parts: the same again, and wider numbers.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Cx, Profile, UpgradeFrom};
use crate::error::{TransformError, TransformErrorKind};

macro_rules! unchanged {
    ($($type:ty),* $(,)?) => {$(
        impl UpgradeFrom<Self> for $type {
            const PROFILE: Profile = Profile::both_ways();

            #[inline]
            fn upgrade_from(old: &Self, _: &mut Cx<'_>) -> Result<Self, TransformError> {
                Ok(old.clone())
            }

            #[inline]
            fn put(new: &Self, _: Option<&Self>, _: &mut Cx<'_>) -> Result<Self, TransformError> {
                Ok(new.clone())
            }
        }
    )*};
}

unchanged! {
    u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, f32, f64, bool, char, (),
    String, &'static str, Box<str>, Arc<str>, Cow<'static, str>,
    std::path::PathBuf, std::ffi::OsString, std::ffi::CString,
    std::time::Duration, std::time::Instant, std::time::SystemTime, std::cmp::Ordering,
    std::net::IpAddr, std::net::Ipv4Addr, std::net::Ipv6Addr,
    std::net::SocketAddr, std::net::SocketAddrV4, std::net::SocketAddrV6,
    std::num::NonZero<u8>, std::num::NonZero<u16>, std::num::NonZero<u32>,
    std::num::NonZero<u64>, std::num::NonZero<u128>, std::num::NonZero<usize>,
    std::num::NonZero<i8>, std::num::NonZero<i16>, std::num::NonZero<i32>,
    std::num::NonZero<i64>, std::num::NonZero<i128>, std::num::NonZero<isize>,
}

/// `$narrow` may fail: a number goes back only while it is one of the old type.
macro_rules! widened {
    ($($old:ty => $($new:ty),+ ; $narrow:expr;)*) => {$($(
        impl UpgradeFrom<$old> for $new {
            const PROFILE: Profile = Profile::both_ways();

            #[inline]
            fn upgrade_from(old: &$old, _: &mut Cx<'_>) -> Result<Self, TransformError> {
                Ok(Self::from(*old))
            }

            #[inline]
            fn put(
                new: &Self,
                _: Option<&$old>,
                _: &mut Cx<'_>,
            ) -> Result<$old, TransformError> {
                let narrow: fn($new) -> Option<$old> = $narrow;
                narrow(*new).ok_or_else(|| out_of_range(new, stringify!($old)))
            }
        }
    )+)*};
}

widened! {
    u8 => u16, u32, u64, u128, usize, i16, i32, i64, i128, isize; |new| new.try_into().ok();
    u16 => u32, u64, u128, usize, i32, i64, i128; |new| new.try_into().ok();
    u32 => u64, u128, i64, i128; |new| new.try_into().ok();
    u64 => u128, i128; |new| new.try_into().ok();
    i8 => i16, i32, i64, i128, isize; |new| new.try_into().ok();
    i16 => i32, i64, i128, isize; |new| new.try_into().ok();
    i32 => i64, i128; |new| new.try_into().ok();
    i64 => i128; |new| new.try_into().ok();
    char => u32; |new| new.try_into().ok();
}

/// Casts saturate, so a number that comes back unchanged was one of the old type.
macro_rules! floated {
    ($($old:ty => $($new:ty),+;)*) => {$($(
        widened! {
            $old => $new; |new| {
                let old = new as $old;
                (<$new>::from(old).to_bits() == new.to_bits()).then_some(old)
            };
        }
    )+)*};
}

floated! {
    u8 => f32, f64;
    u16 => f32, f64;
    u32 => f64;
    i8 => f32, f64;
    i16 => f32, f64;
    i32 => f64;
    f32 => f64;
}

#[cold]
fn out_of_range(value: &impl std::fmt::Debug, target: &'static str) -> TransformError {
    TransformErrorKind::OutOfRange { value: format!("{value:?}"), target }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put<Old, New: UpgradeFrom<Old>>(new: New) -> Result<Old, String> {
        New::put(&new, None, &mut Cx::detached()).map_err(|error| error.to_string())
    }

    #[test]
    fn numbers_come_back_while_they_fit() {
        assert_eq!(put::<u8, u64>(255), Ok(255));
        assert_eq!(put::<u8, u64>(256), Err("256 does not fit into `u8`".to_owned()));
        assert_eq!(put::<u8, i16>(-1), Err("-1 does not fit into `u8`".to_owned()));
        assert_eq!(put::<char, u32>(0xd800), Err("55296 does not fit into `char`".to_owned()));
        assert_eq!(put::<char, u32>(0x41), Ok('A'));
    }

    #[test]
    fn floats_come_back_when_nothing_is_lost() {
        assert_eq!(put::<i32, f64>(-7.0), Ok(-7));
        assert!(put::<i32, f64>(0.5).is_err());
        assert!(put::<u8, f32>(f32::NAN).is_err());
        assert!(put::<u8, f64>(-0.0).is_err(), "zero has lost its sign");
        assert_eq!(put::<f32, f64>(0.5), Ok(0.5));
        assert!(put::<f32, f64>(0.1).is_err());
        assert!(put::<f32, f64>(1e300).is_err());
        assert!(put::<f32, f64>(f64::INFINITY).is_ok());
    }
}
