//! Maps and sets: by key. Keys that become equal are an error, not a lost entry.
//!
//! On the way back a key has no partner, since partners are found by keys; so keys that need an
//! old value make the map one-way.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, Hash};

use super::{Cx, Part, Profile, UpgradeFrom};
use crate::error::{TransformError, TransformErrorKind};

macro_rules! map {
    ($map:ident [$($bound:path),+] [$($hasher:ident)?] $like:expr) => {
        impl<K, V, L, W $(, $hasher)?> UpgradeFrom<$map<K, V $(, $hasher)?>>
            for $map<L, W $(, $hasher)?>
        where
            K: $($bound +)+,
            L: UpgradeFrom<K> $(+ $bound)+,
            W: UpgradeFrom<V>,
            $($hasher: BuildHasher + Clone,)?
        {
            const PROFILE: Profile = Profile::both_ways().with_parts(
                const { &[Part::key(|| L::PROFILE), Part::new(|| W::PROFILE)] },
            );

            fn upgrade_from(
                old: &$map<K, V $(, $hasher)?>,
                cx: &mut Cx<'_>,
            ) -> Result<Self, TransformError> {
                let mut new: Self = $like(old);
                for (at, (key, value)) in old.iter().enumerate() {
                    let entry = cx.entry(at, |cx| {
                        let (key, value) = (L::upgrade_from(key, cx)?, W::upgrade_from(value, cx)?);
                        distinct(new.insert(key, value).is_none())
                    });
                    entry?;
                }
                Ok(new)
            }

            fn put(
                new: &Self,
                old_at_flip: Option<&$map<K, V $(, $hasher)?>>,
                cx: &mut Cx<'_>,
            ) -> Result<$map<K, V $(, $hasher)?>, TransformError> {
                let mut old: $map<K, V $(, $hasher)?> = $like(new);
                for (at, (key, value)) in new.iter().enumerate() {
                    let entry = cx.entry(at, |cx| {
                        let key = L::put(key, None, cx)?;
                        let partner = old_at_flip.and_then(|old| old.get(&key));
                        let value = W::put(value, partner, cx)?;
                        distinct(old.insert(key, value).is_none())
                    });
                    entry?;
                }
                Ok(old)
            }
        }
    };
}

macro_rules! set {
    ($set:ident [$($bound:path),+] [$($hasher:ident)?] $like:expr) => {
        impl<K, L $(, $hasher)?> UpgradeFrom<$set<K $(, $hasher)?>> for $set<L $(, $hasher)?>
        where
            K: $($bound +)+,
            L: UpgradeFrom<K> $(+ $bound)+,
            $($hasher: BuildHasher + Clone,)?
        {
            const PROFILE: Profile =
                Profile::both_ways().with_parts(const { &[Part::key(|| L::PROFILE)] });

            fn upgrade_from(
                old: &$set<K $(, $hasher)?>,
                cx: &mut Cx<'_>,
            ) -> Result<Self, TransformError> {
                let mut new: Self = $like(old);
                for (at, element) in old.iter().enumerate() {
                    cx.entry(at, |cx| distinct(new.insert(L::upgrade_from(element, cx)?)))?;
                }
                Ok(new)
            }

            fn put(
                new: &Self,
                _: Option<&$set<K $(, $hasher)?>>,
                cx: &mut Cx<'_>,
            ) -> Result<$set<K $(, $hasher)?>, TransformError> {
                let mut old: $set<K $(, $hasher)?> = $like(new);
                for (at, element) in new.iter().enumerate() {
                    cx.entry(at, |cx| distinct(old.insert(L::put(element, None, cx)?)))?;
                }
                Ok(old)
            }
        }
    };
}

map!(BTreeMap [Ord] [] |_| BTreeMap::new());
map!(HashMap [Eq, Hash] [S] |like: &HashMap<_, _, S>| {
    HashMap::with_capacity_and_hasher(like.len(), like.hasher().clone())
});
set!(BTreeSet [Ord] [] |_| BTreeSet::new());
set!(HashSet [Eq, Hash] [S] |like: &HashSet<_, S>| {
    HashSet::with_capacity_and_hasher(like.len(), like.hasher().clone())
});

fn distinct(is_new: bool) -> Result<(), TransformError> {
    if is_new { Ok(()) } else { Err(TransformErrorKind::KeyCollision.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
    struct Parity(u8);

    impl UpgradeFrom<u8> for Parity {
        fn upgrade_from(old: &u8, _: &mut Cx<'_>) -> Result<Self, TransformError> {
            Ok(Self(old % 2))
        }
    }

    #[test]
    fn entries_keep_their_key() -> Result<(), TransformError> {
        let mut cx = Cx::detached();
        let old: HashMap<u8, u8> = (0..10).map(|n| (n, n * n)).collect();
        let new: HashMap<u32, u16> = UpgradeFrom::upgrade_from(&old, &mut cx)?;
        assert_eq!(new[&9], 81);
        let back: HashMap<u8, u8> = UpgradeFrom::put(&new, Some(&old), &mut cx)?;
        assert_eq!(back, old);
        let set: BTreeSet<u16> = UpgradeFrom::upgrade_from(&BTreeSet::from([1_u8, 2]), &mut cx)?;
        assert_eq!(set, BTreeSet::from([1, 2]));
        Ok(())
    }

    #[test]
    fn keys_that_become_equal_are_an_error() {
        let mut cx = Cx::detached();
        let old = BTreeMap::from([(1_u8, 'a'), (2, 'b'), (3, 'c')]);
        let failed: Result<BTreeMap<Parity, char>, _> = UpgradeFrom::upgrade_from(&old, &mut cx);
        let error = failed.expect_err("1 and 3 are odd");
        assert_eq!(error.to_string(), "at `[#2]`: two keys become equal");
        let failed: Result<HashSet<Parity>, _> =
            UpgradeFrom::upgrade_from(&HashSet::from([1_u8, 3]), &mut cx);
        assert!(matches!(failed.expect_err("odd").kind(), TransformErrorKind::KeyCollision));
    }
}
