//! Enums: variants kept, renamed, new and removed, with fields of their own.

use upgradable::{Cx, TransformErrorKind, Upgradable, UpgradeFrom};

use crate::{create, get, put};

mod v1 {
    use super::Upgradable;

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    #[upgrade(name = "test.Status")]
    pub(super) enum Status {
        Open,
        Frozen { why: String, since: u32, code: u8 },
        Moved(u8, String),
        Legacy,
        Lost { why: String },
        Gone(u8),
    }
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(from = v1::Status, removed(
    Legacy => Status::Closed,
    Lost { why: reason } => Status::Blocked { reason: reason.clone(), since: 0, by: None },
    v1::Status::Gone(n) => Self::Moved(u16::from(*n), 0),
))]
enum Status {
    Open,
    #[upgrade(from = "Frozen", removed(code = 7))]
    Blocked {
        #[upgrade(from = "why")]
        reason: String,
        since: u64,
        #[upgrade(default)]
        by: Option<String>,
    },
    #[upgrade(removed(1))]
    Moved(u16, #[upgrade(default = 1)] u8),
    #[upgrade(new, back = |_| v1::Status::Open)]
    Closed,
    #[upgrade(new, try_back = pending_back)]
    Pending {
        days: u8,
    },
}

fn pending_back(status: &Status) -> Result<v1::Status, String> {
    match status {
        Status::Pending { days: 0 } => Ok(v1::Status::Open),
        other => Err(format!("{other:?}")),
    }
}

fn frozen(why: &str) -> v1::Status {
    v1::Status::Frozen { why: why.to_owned(), since: 5, code: 1 }
}

fn blocked(reason: &str, since: u64) -> Status {
    Status::Blocked { reason: reason.to_owned(), since, by: None }
}

#[test]
fn forward() {
    assert_eq!(get::<_, Status>(&v1::Status::Open), Status::Open);
    assert_eq!(get::<_, Status>(&frozen("w")), blocked("w", 5));
    assert_eq!(get::<_, Status>(&v1::Status::Moved(3, "x".to_owned())), Status::Moved(3, 1));
    assert_eq!(get::<_, Status>(&v1::Status::Legacy), Status::Closed);
    let lost = v1::Status::Lost { why: "l".to_owned() };
    assert_eq!(get::<_, Status>(&lost), blocked("l", 0));
    assert_eq!(get::<_, Status>(&v1::Status::Gone(9)), Status::Moved(9, 0));
}

#[test]
fn back_to_kept_and_renamed_variants() {
    assert_eq!(put(&Status::Open, &frozen("w")), v1::Status::Open);
    let back = put(&blocked("changed", 6), &frozen("w"));
    assert_eq!(back, v1::Status::Frozen { why: "changed".to_owned(), since: 6, code: 1 });
    // From another variant, and from nothing, the removed field has its value.
    let expected = v1::Status::Frozen { why: "new".to_owned(), since: 6, code: 7 };
    assert_eq!(put(&blocked("new", 6), &v1::Status::Open), expected);
    assert_eq!(create::<v1::Status, _>(&blocked("new", 6)).expect("a value"), expected);
    // The other removed field has none.
    let old = v1::Status::Moved(3, "x".to_owned());
    assert_eq!(put(&Status::Moved(4, 9), &old), v1::Status::Moved(4, "x".to_owned()));
    let error = create::<v1::Status, _>(&Status::Moved(4, 9)).expect_err("no value");
    assert!(matches!(error.kind(), TransformErrorKind::NoOldValue));
    assert_eq!(error.path().to_string(), "Moved.1");
}

#[test]
fn removed_variants_come_back_unless_changed() {
    assert_eq!(put(&Status::Closed, &v1::Status::Legacy), v1::Status::Legacy);
    assert_eq!(put(&Status::Open, &v1::Status::Legacy), v1::Status::Open);
    let lost = v1::Status::Lost { why: "l".to_owned() };
    assert_eq!(put(&blocked("l", 0), &lost), lost);
    let changed = v1::Status::Frozen { why: "other".to_owned(), since: 0, code: 7 };
    assert_eq!(put(&blocked("other", 0), &lost), changed);
    assert_eq!(put(&Status::Moved(9, 0), &v1::Status::Gone(9)), v1::Status::Gone(9));
}

#[test]
fn new_variants_go_back_as_told() {
    assert_eq!(put(&Status::Closed, &v1::Status::Open), v1::Status::Open);
    assert_eq!(create::<v1::Status, _>(&Status::Pending { days: 0 }).expect("0"), v1::Status::Open);
    let error = create::<v1::Status, _>(&Status::Pending { days: 1 });
    assert!(matches!(error.expect_err("1").kind(), TransformErrorKind::Conversion { .. }));
}

#[test]
fn facts() {
    let facts = <Status as UpgradeFrom<v1::Status>>::PROFILE.facts();
    assert!(facts.is_reversible() && facts.forgets());
    assert!(facts.needs_old(), "`Moved.1` has no value but the old one");
    assert!(!<One as UpgradeFrom<OneV1>>::PROFILE.facts().needs_old());
}

#[test]
fn errors_name_the_variant() {
    let new = Status::Moved(300, 0);
    let error = Status::put(&new, Some(&v1::Status::Gone(1)), &mut Cx::detached());
    assert_eq!(
        error.expect_err("300 is no u8").to_string(),
        "test.Status 2 -> test.Status 1 at `Moved.0`: 300 does not fit into `u8`"
    );
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.One")]
enum OneV1 {
    Only(u8),
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(version = 2, from = OneV1)]
enum One {
    Only(u16),
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.Never")]
enum NeverV1 {}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(from = NeverV1)]
enum Never {}

/// From an enum without variants nothing needs to come.
#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(from = Never)]
enum Sometimes {
    #[upgrade(new)]
    Now,
}

#[test]
fn few_variants() {
    assert_eq!(get::<_, One>(&OneV1::Only(1)), One::Only(1));
    assert_eq!(put(&One::Only(2), &OneV1::Only(1)), OneV1::Only(2));
    assert_eq!(Sometimes::VERSION, 3);
    assert!(create::<Never, _>(&Sometimes::Now).is_err());
}

/// Without `PartialEq`: a removed variant can come back from a variant without fields only.
#[derive(Upgradable, Clone)]
#[upgrade(name = "test.Plain")]
enum PlainV1 {
    On,
    Off,
    Broken,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = PlainV1, removed(Broken => Plain::Off))]
enum Plain {
    On,
    Off,
}

#[derive(Upgradable, Clone)]
#[upgrade(name = "test.Plain", version = 3, from = Plain, removed(Off => Lamp::On { watts: 0 }))]
enum Lamp {
    On {
        #[upgrade(default = 60)]
        watts: u16,
    },
}

#[test]
fn without_equality() {
    assert!(matches!(put::<PlainV1, _>(&Plain::Off, &PlainV1::Broken), PlainV1::Broken));
    assert!(matches!(put::<PlainV1, _>(&Plain::Off, &PlainV1::On), PlainV1::Off));
    assert!(matches!(put::<PlainV1, _>(&Plain::On, &PlainV1::Broken), PlainV1::On));
    assert!(matches!(get::<_, Lamp>(&Plain::Off), Lamp::On { watts: 0 }));
    assert!(matches!(get::<_, Lamp>(&Plain::On), Lamp::On { watts: 60 }));
    let facts = <Lamp as UpgradeFrom<Plain>>::PROFILE.facts();
    assert_eq!(facts.one_way_at(), Some("Lamp"));
    assert!(facts.why_one_way().is_some_and(|why| why.contains("PartialEq")));
}
