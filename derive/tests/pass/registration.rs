//! Types register themselves, or are registered by hand.

use std::any::Any;

use upgradable::{
    Cx, Fingerprint, Origin, Registry, RegistryError, TransformErrorKind, TypeVersion, Upgradable,
    registered,
};

mod v1 {
    use super::Upgradable;

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    #[upgrade(name = "test.registration.Item")]
    pub(super) struct Item(pub(super) u8);

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    #[upgrade(name = "test.registration.Pair")]
    pub(super) struct Pair<T>(pub(super) T);
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.registration.Item", version = 2, from = v1::Item)]
struct Item(u16);

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.registration.Pair", version = 2, from = v1::Pair<T>)]
struct Pair<T>(T);

#[test]
fn by_itself() {
    let mut found: Vec<_> = registered()
        .filter(|known| known.version().lineage().starts_with("test.registration."))
        .collect();
    found.sort_by_key(|known| known.version());
    let versions: Vec<_> = found.iter().map(|known| known.version()).collect();
    assert_eq!(versions, [TypeVersion::of::<v1::Item>(), TypeVersion::of::<Item>()]);
    assert_eq!(found[1].previous(), Some(versions[0]));
    assert!(found[1].rust_name().ends_with("registration::Item"));
    assert!(found[0].step().is_none());

    let step = found[1].step().expect("version 2 has one");
    let mut cx = Cx::detached();
    let new = step.upgrade(&v1::Item(7), &mut cx).expect("it fits");
    assert_eq!(new.type_version(), versions[1]);
    let old = step.put(new.as_ref(), None, &mut cx).expect("it fits");
    let old: Box<dyn Any> = old;
    assert_eq!(old.downcast_ref::<v1::Item>(), Some(&v1::Item(7)));
    assert!(step.profile().facts().is_reversible());
}

#[test]
fn by_hand_with_all_before() {
    let mut registry = Registry::new();
    registry.register::<Pair<u8>>().expect("no conflict");
    registry.register::<Pair<u8>>().expect("twice is once");
    registry.register::<Pair<String>>().expect("another lineage");
    let names: Vec<_> = registry.iter().map(|known| known.version().to_string()).collect();
    assert_eq!(
        names,
        [
            "test.registration.Pair<String> 1",
            "test.registration.Pair<String> 2",
            "test.registration.Pair<u8> 1",
            "test.registration.Pair<u8> 2",
        ]
    );
    let known = registry.get("test.registration.Pair<u8>", 2).expect("registered");
    let new = known.step().expect("a step").upgrade(&v1::Pair(1_u8), &mut Cx::detached());
    assert_eq!(new.expect("a clone").type_version(), TypeVersion::of::<Pair<u8>>());
    assert!(registry.get("test.registration.Pair<u8>", 3).is_none());
    assert!(registry.get("test.registration.None", 1).is_none());
}

#[test]
fn a_step_takes_only_its_own_version() {
    let step = upgradable::Step::between::<v1::Item, Item>();
    let error = step.upgrade(&Item(1), &mut Cx::detached()).expect_err("already upgraded");
    assert!(matches!(error.kind(), TransformErrorKind::WrongType { .. }));
    let error = step.put(&Item(1), Some(&Item(1)), &mut Cx::detached()).expect_err("no old one");
    assert_eq!(
        error.to_string(),
        "test.registration.Item 2 -> test.registration.Item 1: a value of \
         `test.registration.Item 2` was given to a step from `test.registration.Item 1`"
    );
}

mod conflict {
    pub(super) mod one {
        #[derive(upgradable::Upgradable, Clone)]
        #[upgrade(name = "test.conflict")]
        pub(in super::super) struct Thing<T>(pub(in super::super) T);
    }
    pub(super) mod two {
        #[derive(upgradable::Upgradable, Clone)]
        #[upgrade(name = "test.conflict")]
        pub(in super::super) struct Thing<T>(pub(in super::super) Vec<T>);
    }
}

#[test]
fn two_types_of_one_version_are_refused() {
    let mut registry = Registry::new();
    registry.register::<conflict::one::Thing<u8>>().expect("the first");
    let error = registry.register::<conflict::two::Thing<u8>>().expect_err("the second");
    let text = error.to_string();
    assert!(matches!(error, RegistryError::Conflict { number: 1, .. }));
    assert!(text.contains("one::Thing<u8>") && text.contains("two::Thing<u8>"), "{text}");
    let known = registry.get("test.conflict<u8>", 1).expect("the first is still there");
    assert!(known.rust_name().contains("one"));
    let _ = (conflict::one::Thing(1).0, conflict::two::Thing(vec![1]).0);
}

#[derive(Clone)]
struct Backwards;

impl Upgradable for Backwards {
    const LINEAGE: &'static str = "test.backwards";
    const VERSION: u32 = 1;
    const FINGERPRINT: Fingerprint = Fingerprint::from_bits(1);
    type Prev = Before;
}

#[derive(Clone)]
struct Before;

impl Upgradable for Before {
    const LINEAGE: &'static str = "test.backwards";
    const VERSION: u32 = 2;
    const FINGERPRINT: Fingerprint = Fingerprint::from_bits(2);
    type Prev = Origin;
}

impl upgradable::UpgradeFrom<Before> for Backwards {
    fn upgrade_from(_: &Before, _: &mut Cx<'_>) -> Result<Self, upgradable::TransformError> {
        Ok(Self)
    }
}

#[test]
fn a_lineage_grows() {
    let error = Registry::new().register::<Backwards>().expect_err("2 before 1");
    assert!(matches!(error, RegistryError::Predecessor { .. }));
    assert_eq!(
        error.to_string(),
        "`test.backwards 2` cannot come before `test.backwards 1`: a lineage has one name and grows"
    );
}
