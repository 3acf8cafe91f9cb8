//! Sequences: element by element.
//!
//! On the way back, the element at a position is put onto the element that was there at the flip;
//! elements beyond the old length have no partner. A program that reorders or removes elements
//! whose removed fields must come back should keep them in a map, where partners are found by
//! key, or give the removed fields a value: `removed(field = value)`.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Cx, Profile, UpgradeFrom};
use crate::error::TransformError;

fn upgrade_all<'a, A, B, C>(
    old: impl IntoIterator<Item = &'a A>,
    cx: &mut Cx<'_>,
) -> Result<C, TransformError>
where
    A: 'a,
    B: UpgradeFrom<A>,
    C: FromIterator<B>,
{
    let elements = old.into_iter().enumerate();
    elements.map(|(at, old)| cx.index(at, |cx| B::upgrade_from(old, cx))).collect()
}

fn put_all<'a, A, B, C>(
    new: impl IntoIterator<Item = &'a B>,
    old_at_flip: Option<impl IntoIterator<Item = &'a A>>,
    cx: &mut Cx<'_>,
) -> Result<C, TransformError>
where
    A: 'a,
    B: UpgradeFrom<A> + 'a,
    C: FromIterator<A>,
{
    let mut partners = old_at_flip.into_iter().flatten();
    let elements = new.into_iter().enumerate();
    elements.map(|(at, new)| cx.index(at, |cx| B::put(new, partners.next(), cx))).collect()
}

macro_rules! sequence {
    ($($old:ty => $new:ty;)*) => {$(
        impl<A, B: UpgradeFrom<A>> UpgradeFrom<$old> for $new {
            const PROFILE: Profile = B::PROFILE;

            fn upgrade_from(old: &$old, cx: &mut Cx<'_>) -> Result<Self, TransformError> {
                upgrade_all::<A, B, Self>(old.iter(), cx)
            }

            fn put(
                new: &Self,
                old_at_flip: Option<&$old>,
                cx: &mut Cx<'_>,
            ) -> Result<$old, TransformError> {
                put_all::<A, B, $old>(new.iter(), old_at_flip.map(|old| old.iter()), cx)
            }
        }
    )*};
}

sequence! {
    Vec<A> => Vec<B>;
    VecDeque<A> => VecDeque<B>;
    Box<[A]> => Box<[B]>;
    Arc<[A]> => Arc<[B]>;
}

impl<A, B: UpgradeFrom<A>, const N: usize> UpgradeFrom<[A; N]> for [B; N] {
    const PROFILE: Profile = B::PROFILE;

    fn upgrade_from(old: &[A; N], cx: &mut Cx<'_>) -> Result<Self, TransformError> {
        upgrade_all::<A, B, Vec<B>>(old, cx).map(exactly)
    }

    fn put(
        new: &Self,
        old_at_flip: Option<&[A; N]>,
        cx: &mut Cx<'_>,
    ) -> Result<[A; N], TransformError> {
        put_all::<A, B, Vec<A>>(new, old_at_flip, cx).map(exactly)
    }
}

fn exactly<T, const N: usize>(elements: Vec<T>) -> [T; N] {
    match elements.try_into() {
        Ok(array) => array,
        Err(_) => unreachable!("an array of N elements gives N elements"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_keep_their_place() -> Result<(), TransformError> {
        let mut cx = Cx::detached();
        let new = <[u16; 3]>::upgrade_from(&[1_u8, 2, 3], &mut cx)?;
        assert_eq!(new, [1, 2, 3]);
        let old: [u8; 3] = <[u16; 3]>::put(&new, None, &mut cx)?;
        assert_eq!(old, [1, 2, 3]);
        Ok(())
    }

    #[test]
    fn a_failure_tells_its_place() {
        let new: Box<[u16]> = Box::new([1, 2, 300]);
        let failed: Result<Box<[u8]>, _> = UpgradeFrom::put(&new, None, &mut Cx::detached());
        assert_eq!(failed.expect_err("300").to_string(), "at `[2]`: 300 does not fit into `u8`");
    }
}
