//! The types of the program, in all their versions.

use upgradable::{Cx, Profile, Ref, TransformError, Upgradable, UpgradeFrom};

/// What a pair has seen of an item that could not be had.
pub(crate) const NOTHING: u64 = 999;
/// Items with this tag can't be upgraded.
pub(crate) const STUCK: u8 = 7;
/// The tag that an item gets which had none at the flip.
pub(crate) const NEW_TAG: u8 = 99;

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "model.Item")]
pub(crate) struct Item1 {
    pub(crate) n: u64,
    pub(crate) tag: u8,
}

/// Has lost the last digit, and the tag: what was written comes back without them, what was not
/// comes back with them.
#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "model.Item", version = 2, from = Item1, manual)]
pub(crate) struct Item2 {
    pub(crate) n: u64,
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "model.Item", version = 3, from = Item2, manual)]
pub(crate) struct Item3 {
    pub(crate) n: u64,
    pub(crate) odd: bool,
}

/// Comes with another object.
#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "model.Item", version = 4, from = Item3, manual)]
pub(crate) struct Item4 {
    pub(crate) n: u64,
    pub(crate) note: Option<Ref<Note>>,
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "model.Note")]
pub(crate) struct Note {
    pub(crate) n: u64,
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "model.Pair")]
pub(crate) struct Pair1 {
    pub(crate) item: Ref<Item1>,
    pub(crate) k: u64,
}

/// Has looked at its item as of the flip.
#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "model.Pair", version = 2, from = Pair1, manual)]
pub(crate) struct Pair2 {
    pub(crate) item: Ref<Item1>,
    pub(crate) k: u64,
    pub(crate) seen: u64,
}

impl UpgradeFrom<Item1> for Item2 {
    const PROFILE: Profile = Profile::both_ways();

    fn upgrade_from(old: &Item1, _: &mut Cx<'_>) -> Result<Self, TransformError> {
        if old.tag == STUCK { Err("stuck".into()) } else { Ok(Self { n: old.n / 10 }) }
    }

    fn put(new: &Self, old: Option<&Item1>, _: &mut Cx<'_>) -> Result<Item1, TransformError> {
        Ok(Item1 { n: new.n * 10, tag: old.map_or(NEW_TAG, |old| old.tag) })
    }
}

impl UpgradeFrom<Item2> for Item3 {
    const PROFILE: Profile = Profile::both_ways();

    fn upgrade_from(old: &Item2, _: &mut Cx<'_>) -> Result<Self, TransformError> {
        Ok(Self { n: old.n + 1000, odd: old.n % 2 == 1 })
    }

    fn put(new: &Self, _: Option<&Item2>, _: &mut Cx<'_>) -> Result<Item2, TransformError> {
        Ok(Item2 { n: new.n.saturating_sub(1000) })
    }
}

impl UpgradeFrom<Item3> for Item4 {
    const PROFILE: Profile = Profile::both_ways();

    fn upgrade_from(old: &Item3, cx: &mut Cx<'_>) -> Result<Self, TransformError> {
        Ok(Self { n: old.n, note: Some(cx.create(Note { n: old.n })?) })
    }

    /// Forgets whether the number was odd.
    fn put(new: &Self, _: Option<&Item3>, _: &mut Cx<'_>) -> Result<Item3, TransformError> {
        Ok(Item3 { n: new.n, odd: false })
    }
}

impl UpgradeFrom<Pair1> for Pair2 {
    const PROFILE: Profile = Profile::both_ways().reading_others();

    fn upgrade_from(old: &Pair1, cx: &mut Cx<'_>) -> Result<Self, TransformError> {
        let item = old.item;
        // Of whichever version it was then.
        let seen = (cx.read(item).map(|item| item.n))
            .or_else(|_| cx.read(item.cast::<Item2>()).map(|item| item.n))
            .or_else(|_| cx.read(item.cast::<Item3>()).map(|item| item.n))
            .or_else(|_| cx.read(item.cast::<Item4>()).map(|item| item.n));
        Ok(Self { item, k: old.k, seen: seen.unwrap_or(NOTHING) })
    }

    fn put(new: &Self, _: Option<&Pair1>, _: &mut Cx<'_>) -> Result<Pair1, TransformError> {
        Ok(Pair1 { item: new.item, k: new.k })
    }
}
