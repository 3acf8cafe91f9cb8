//! Generic types: the same argument on both sides, an upgraded one, bounds, constants, and
//! functions that name an argument.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use upgradable::{Shape, Upgradable, UpgradeFrom};

use crate::{get, put};

mod v1 {
    use super::{BTreeMap, Upgradable};

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    pub(super) struct Line(pub(super) u8);

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    #[upgrade(name = "test.Pair")]
    pub(super) struct Pair<T> {
        pub(super) left: T,
        pub(super) right: Vec<T>,
        pub(super) count: u8,
    }

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    #[upgrade(name = "test.Index")]
    pub(super) struct Index<K: Ord, V, const N: usize>
    where
        V: Default,
    {
        pub(super) map: BTreeMap<K, V>,
        pub(super) array: [V; N],
    }

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    pub(super) enum Either<L, R> {
        Left(L),
        Right { right: R },
        Neither,
    }
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(from = v1::Line)]
struct Line(u32);

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.Pair", version = 2, from = v1::Pair<T>)]
struct Pair<T> {
    left: T,
    #[upgrade(from = "right")]
    others: Vec<T>,
    count: u64,
    #[upgrade(default)]
    extra: Option<T>,
    #[upgrade(skip)]
    cache: Vec<T>,
    #[upgrade(default)]
    kind: PhantomData<T>,
}

#[test]
fn the_same_argument() {
    let old = v1::Pair { left: "l".to_owned(), right: vec!["r".to_owned()], count: 3 };
    let new: Pair<String> = get(&old);
    assert_eq!(new.left, "l");
    assert_eq!(new.others, ["r"]);
    assert_eq!(new.count, 3);
    assert_eq!((new.extra.as_ref(), new.cache.len()), (None, 0));
    assert_eq!(put(&new, &old), old);
}

#[test]
fn an_upgraded_argument() {
    let old = v1::Pair { left: v1::Line(1), right: vec![v1::Line(2)], count: 3 };
    let new: Pair<Line> = get(&old);
    assert_eq!((&new.left, new.others.as_slice()), (&Line(1), [Line(2)].as_slice()));
    assert_eq!(put(&new, &old), old);
    // The type itself unchanged, its argument not.
    let same: v1::Pair<Line> = get(&old);
    assert_eq!(same, v1::Pair { left: Line(1), right: vec![Line(2)], count: 3 });
    assert_eq!(put(&same, &old), old);
    let mut again: Pair<Line> = new.clone();
    again.cache.push(Line(5));
    assert_eq!(get::<_, Pair<Line>>(&again), new);
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(from = v1::Index<K, V, N>)]
struct Index<K: Ord, V, const N: usize>
where
    V: Default,
{
    map: BTreeMap<K, V>,
    array: [V; N],
}

#[test]
fn bounds_and_constants() {
    let old = v1::Index { map: BTreeMap::from([(1_u8, 2_u8)]), array: [3_u8; 2] };
    let new: Index<u16, u32, 2> = get(&old);
    assert_eq!(new, Index { map: BTreeMap::from([(1, 2)]), array: [3, 3] });
    assert_eq!(put(&new, &old), old);
    assert_eq!(<Index<u16, u32, 2>>::LINEAGE, "test.Index<u16, u32, 2>");
    assert_eq!(<Index<u16, u32, 2>>::VERSION, 2);
    assert_ne!(<Index<u16, u32, 2>>::FINGERPRINT, <Index<u16, u32, 3>>::FINGERPRINT);
    assert_ne!(<Index<u16, u32, 2>>::FINGERPRINT, <Index<u16, i32, 2>>::FINGERPRINT);
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(from = v1::Either<L, R>, removed(Neither => Either::Both(None)))]
enum Either<L, R> {
    Left(L),
    #[upgrade(from = "Right")]
    Right {
        right: R,
    },
    #[upgrade(new, back = |_| v1::Either::Neither)]
    Both(Option<(L, R)>),
}

#[test]
fn generic_enums() {
    // The function names no argument, so the arguments may differ.
    let old: v1::Either<u8, v1::Line> = v1::Either::Right { right: v1::Line(1) };
    let new: Either<u8, Line> = get(&old);
    assert_eq!(new, Either::Right { right: Line(1) });
    assert_eq!(put(&new, &old), old);
    let neither: Either<u8, Line> = get(&v1::Either::<u8, v1::Line>::Neither);
    assert_eq!(neither, Either::Both(None));
}

trait Scale {
    fn scale(&self) -> u64;
}

impl Scale for u8 {
    fn scale(&self) -> u64 {
        u64::from(*self) * 10
    }
}

fn scaled<T: Scale>(value: &T) -> u64 {
    value.scale()
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.Fixed")]
struct FixedV1<T> {
    value: T,
    other: Vec<T>,
}

/// `T` is named by the function, so it is one type on both sides.
#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(version = 2, from = FixedV1<T>)]
struct Fixed<T: Scale> {
    #[upgrade(with = scaled::<T>)]
    value: u64,
    other: Vec<T>,
}

#[test]
fn functions_fix_the_argument() {
    let new: Fixed<u8> = get(&FixedV1 { value: 4_u8, other: vec![1] });
    assert_eq!(new, Fixed { value: 40, other: vec![1] });
}

/// An argument more than before.
#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(from = Fixed<u8>)]
struct Tagged<M> {
    value: u64,
    other: Vec<u8>,
    #[upgrade(default)]
    mark: M,
}

#[test]
fn arguments_come_and_go() {
    let new: Tagged<String> = get(&Fixed { value: 1, other: vec![] });
    assert_eq!(new.mark, "");
    assert_eq!(<Tagged<String>>::VERSION, 3);
}

/// A container that has no transformer.
#[derive(Clone, Debug, PartialEq)]
struct Foreign<T>(T);

#[derive(Upgradable, Clone, Debug, PartialEq)]
struct Holds<T> {
    inner: Foreign<T>,
}

#[test]
fn foreign_containers_are_no_obstacle() {
    fn upgradable<T: Upgradable>() -> &'static str {
        T::LINEAGE
    }
    // The derive compiles, and what needs a transformer says so only where it is used.
    assert_eq!(<Holds<u8> as Shape>::NAME, "Holds<u8>");
    assert_eq!(upgradable::<Holds<u8>>(), "Holds<u8>");
    let facts = <Pair<Line> as UpgradeFrom<v1::Pair<v1::Line>>>::PROFILE.facts();
    assert!(facts.is_reversible());
}
