//! What is known before anything runs.

use std::collections::BTreeMap;

use upgradable::{Cx, Facts, TransformError, Upgradable, UpgradeFrom};

fn facts<New: UpgradeFrom<Old>, Old>() -> Facts {
    New::PROFILE.facts()
}

macro_rules! versions {
    ($module:ident { $($old:tt)* } [$($removed:tt)*] { $($new:tt)* }) => {
        mod $module {
            #[allow(unused_imports, reason = "some need them")]
            use super::*;

            #[derive(Upgradable, Clone, PartialEq, Eq, PartialOrd, Ord)]
            #[upgrade(name = "test.T")]
            pub(super) struct Old { $($old)* }

            #[derive(Upgradable, Clone, PartialEq, Eq, PartialOrd, Ord)]
            #[upgrade(name = "test.T", version = 2, from = Old $($removed)*)]
            pub(super) struct New { $($new)* }

            pub(super) fn facts() -> Facts {
                super::facts::<New, Old>()
            }
        }
    };
}

versions!(kept { pub(super) a: u8 } [] { a: u16 });
versions!(restored { a: u8, b: u8 } [, removed(b)] { a: u8 });
versions!(valued { a: u8, b: u8 } [, removed(b = 1)] { a: u8 });
versions!(grown { a: u8 } [] { a: u8, #[upgrade(default)] b: u8 });
versions!(cached { a: u8 } [] { a: u8, #[upgrade(skip)] b: u8 });
versions!(computed { a: u8 } [] { a: u8, #[upgrade(compute = |old| old.a)] b: u8 });
versions!(converted { pub(super) a: u8 } [] { #[upgrade(with = |a| a.to_string())] a: String });
versions!(tried { a: u8 } [] { #[upgrade(try_with = |a| i8::try_from(*a))] a: i8 });
versions!(only_from { a: u8 } [] { a: Option<u8> });
versions!(from_with_back { a: u8 } [] { #[upgrade(back = |a| a.unwrap_or(0))] a: Option<u8> });
versions!(reading { a: u8 } [] {
    a: u8,
    #[upgrade(compute = |old, _| Ok::<_, TransformError>(old.a))] b: u8
});
versions!(reading_path { a: u8 } [] { a: u8, #[upgrade(compute = look)] b: u8 });
versions!(reading_typed { a: u8 } [] {
    a: u8,
    #[upgrade(compute = |old: &Old, _: &mut Cx<'_>| Ok::<_, TransformError>(old.a))] b: u8
});
versions!(plain_path { a: u8 } [] { a: u8, #[upgrade(compute = glance)] b: u8 });
versions!(nested_one_way { list: Vec<converted::Old> } [] { list: Vec<converted::New> });
versions!(nested_restored { list: Option<restored::Old> } [] { list: Option<restored::New> });
versions!(key_restored { map: BTreeMap<restored::Old, u8> } [] {
    map: BTreeMap<restored::New, u8>
});
versions!(key_valued { map: BTreeMap<valued::Old, u8> } [] { map: BTreeMap<valued::New, u8> });

fn look(old: &reading_path::Old, _: &mut Cx<'_>) -> Result<u8, TransformError> {
    let _ = old;
    Ok(1)
}

fn glance(_: &plain_path::Old) -> u8 {
    1
}

#[test]
fn ways_back() {
    for reversible in [kept::facts(), valued::facts(), cached::facts(), from_with_back::facts()] {
        assert!(reversible.is_reversible() && !reversible.needs_old() && !reversible.forgets());
    }
    assert!(restored::facts().is_reversible() && restored::facts().needs_old());
    assert!(grown::facts().is_reversible() && grown::facts().forgets());
    assert!(computed::facts().forgets());
    assert_eq!(converted::facts().why_one_way(), Some("`with` has no `back`"));
    assert_eq!(converted::facts().one_way_at(), Some("New.a"));
    assert_eq!(tried::facts().why_one_way(), Some("`try_with` has no `back`"));
    assert_eq!(only_from::facts().one_way_at(), Some("New.a"));
    assert!(only_from::facts().why_one_way().is_some_and(|why| why.contains("add `back`")));
}

#[test]
fn ways_back_of_what_is_nested() {
    assert_eq!(nested_one_way::facts().one_way_at(), Some("New.a"));
    assert!(nested_restored::facts().is_reversible() && nested_restored::facts().needs_old());
    assert_eq!(key_restored::facts().one_way_at(), Some("New.map"));
    assert!(key_valued::facts().is_reversible());
}

#[test]
fn readers() {
    for reading in [reading::facts(), reading_path::facts(), reading_typed::facts()] {
        assert!(reading.reads_others());
    }
    for local in [kept::facts(), computed::facts(), plain_path::facts(), grown::facts()] {
        assert!(!local.reads_others());
    }
}

#[test]
fn without_a_way_back_put_says_why() {
    let new: converted::New = crate::get(&converted::Old { a: 1 });
    let error = crate::create::<converted::Old, _>(&new);
    let message = error.err().expect("back does not").to_string();
    assert_eq!(message, "there is no way back: `with` has no `back`");
}
