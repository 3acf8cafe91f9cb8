//! One value, none, or one of two: boxes, options, results, tuples.

use std::marker::PhantomData;
use std::sync::Arc;

use super::{Cx, Part, Profile, UpgradeFrom};
use crate::error::TransformError;

/// Pointers. A shared value is transformed for each of its owners, who then share it no longer.
macro_rules! pointer {
    ($($pointer:ident)*) => {$(
        impl<A, B: UpgradeFrom<A>> UpgradeFrom<$pointer<A>> for $pointer<B> {
            const PROFILE: Profile = B::PROFILE;

            fn upgrade_from(old: &$pointer<A>, cx: &mut Cx<'_>) -> Result<Self, TransformError> {
                Ok($pointer::new(B::upgrade_from(old, cx)?))
            }

            fn put(
                new: &Self,
                old_at_flip: Option<&$pointer<A>>,
                cx: &mut Cx<'_>,
            ) -> Result<$pointer<A>, TransformError> {
                Ok($pointer::new(B::put(new, old_at_flip.map(|old| &**old), cx)?))
            }
        }
    )*};
}

pointer!(Box Arc);

impl<A, B> UpgradeFrom<PhantomData<A>> for PhantomData<B> {
    const PROFILE: Profile = Profile::both_ways();

    fn upgrade_from(_: &PhantomData<A>, _: &mut Cx<'_>) -> Result<Self, TransformError> {
        Ok(PhantomData)
    }

    fn put(
        _: &Self,
        _: Option<&PhantomData<A>>,
        _: &mut Cx<'_>,
    ) -> Result<PhantomData<A>, TransformError> {
        Ok(PhantomData)
    }
}

impl<A, B: UpgradeFrom<A>> UpgradeFrom<Option<A>> for Option<B> {
    const PROFILE: Profile = B::PROFILE;

    fn upgrade_from(old: &Option<A>, cx: &mut Cx<'_>) -> Result<Self, TransformError> {
        old.as_ref().map(|old| B::upgrade_from(old, cx)).transpose()
    }

    fn put(
        new: &Self,
        old_at_flip: Option<&Option<A>>,
        cx: &mut Cx<'_>,
    ) -> Result<Option<A>, TransformError> {
        let old_at_flip = old_at_flip.and_then(Option::as_ref);
        new.as_ref().map(|new| B::put(new, old_at_flip, cx)).transpose()
    }
}

impl<A, B, C, D> UpgradeFrom<Result<A, C>> for Result<B, D>
where
    B: UpgradeFrom<A>,
    D: UpgradeFrom<C>,
{
    const PROFILE: Profile = Profile::both_ways()
        .with_parts(const { &[Part::new(|| B::PROFILE), Part::new(|| D::PROFILE)] });

    fn upgrade_from(old: &Result<A, C>, cx: &mut Cx<'_>) -> Result<Self, TransformError> {
        Ok(match old {
            Ok(old) => Ok(cx.field("Ok", |cx| B::upgrade_from(old, cx))?),
            Err(old) => Err(cx.field("Err", |cx| D::upgrade_from(old, cx))?),
        })
    }

    fn put(
        new: &Self,
        old_at_flip: Option<&Result<A, C>>,
        cx: &mut Cx<'_>,
    ) -> Result<Result<A, C>, TransformError> {
        let (old_ok, old_err) = match old_at_flip {
            Some(Ok(old)) => (Some(old), None),
            Some(Err(old)) => (None, Some(old)),
            None => (None, None),
        };
        Ok(match new {
            Ok(new) => Ok(cx.field("Ok", |cx| B::put(new, old_ok, cx))?),
            Err(new) => Err(cx.field("Err", |cx| D::put(new, old_err, cx))?),
        })
    }
}

macro_rules! tuple {
    ($($old:ident $new:ident $at:tt $name:literal)*) => {
        impl<$($old, $new: UpgradeFrom<$old>),*> UpgradeFrom<($($old,)*)> for ($($new,)*) {
            const PROFILE: Profile = Profile::both_ways()
                .with_parts(const { &[$(Part::new(|| $new::PROFILE)),*] });

            fn upgrade_from(
                old: &($($old,)*),
                cx: &mut Cx<'_>,
            ) -> Result<Self, TransformError> {
                Ok(($(cx.field($name, |cx| $new::upgrade_from(&old.$at, cx))?,)*))
            }

            fn put(
                new: &Self,
                old_at_flip: Option<&($($old,)*)>,
                cx: &mut Cx<'_>,
            ) -> Result<($($old,)*), TransformError> {
                Ok(($(
                    cx.field($name, |cx| {
                        $new::put(&new.$at, old_at_flip.map(|old| &old.$at), cx)
                    })?,
                )*))
            }
        }
    };
}

macro_rules! tuples {
    (@ [$($done:tt)*]) => {};
    (@ [$($done:tt)*] ($($next:tt)*) $($rest:tt)*) => {
        tuple!($($done)* $($next)*);
        tuples!(@ [$($done)* $($next)*] $($rest)*);
    };
    ($($all:tt)*) => { tuples!(@ [] $($all)*); };
}

tuples! {
    (A0 B0 0 "0") (A1 B1 1 "1") (A2 B2 2 "2") (A3 B3 3 "3") (A4 B4 4 "4") (A5 B5 5 "5")
    (A6 B6 6 "6") (A7 B7 7 "7") (A8 B8 8 "8") (A9 B9 9 "9") (A10 B10 10 "10") (A11 B11 11 "11")
}
