//! Structs of all three styles: kept, renamed, removed, new, skipped and computed fields.

use upgradable::{Cx, TransformError, TransformErrorKind, Upgradable};

use crate::{create, get, put};

mod v1 {
    use super::Upgradable;

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    #[upgrade(name = "test.Account", version = 1)]
    pub(super) struct Account {
        pub(super) id: u32,
        pub(super) owner: String,
        pub(super) code: u16,
        pub(super) flags: u8,
        pub(super) r#type: char,
        #[upgrade(skip)]
        pub(super) cache: Vec<u8>,
    }

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    pub(super) struct Point(pub(super) u8, pub(super) u8, pub(super) String);

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    pub(super) struct Marker;
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.Account", version = 2, from = v1::Account)]
#[upgrade(removed(code, flags = 0b100))]
struct Account {
    id: u64,
    #[upgrade(from = "owner")]
    holder: String,
    #[upgrade(from = r#type)]
    kind: char,
    #[upgrade(default)]
    note: Option<String>,
    #[upgrade(default = 10 * 10)]
    limit: u32,
    #[upgrade(default = "none")]
    tier: String,
    #[upgrade(compute = rating)]
    rating: u32,
    #[upgrade(compute = |old| old.owner.len())]
    length: usize,
    #[upgrade(compute = |old, cx| cx.field("inner", |_| Ok::<_, TransformError>(old.id + 1)))]
    next: u32,
    #[upgrade(skip, from = "cache")]
    cache: Vec<u8>,
    #[upgrade(skip, default = vec![1])]
    index: Vec<u8>,
    #[upgrade(skip, compute = |old| old.id)]
    memo: u32,
}

fn rating(old: &v1::Account) -> u32 {
    u32::from(old.code) + u32::from(old.flags)
}

fn old_account() -> v1::Account {
    v1::Account { id: 7, owner: "Ada".to_owned(), code: 40, flags: 2, r#type: 'x', cache: vec![9] }
}

#[test]
fn forward() {
    let new: Account = get(&old_account());
    let expected = Account {
        id: 7,
        holder: "Ada".to_owned(),
        kind: 'x',
        note: None,
        limit: 100,
        tier: "none".to_owned(),
        rating: 42,
        length: 3,
        next: 8,
        cache: Vec::new(),
        index: vec![1],
        memo: 7,
    };
    assert_eq!(new, expected);
}

#[test]
fn back_onto_the_old_value() {
    let old = old_account();
    let mut new: Account = get(&old);
    new.holder.push('!');
    new.cache = vec![1, 2, 3];
    let back: v1::Account = put(&new, &old);
    // What was removed comes back; what was skipped does not.
    let expected = v1::Account { owner: "Ada!".to_owned(), cache: Vec::new(), ..old };
    assert_eq!(back, expected);
}

#[test]
fn back_from_nothing() {
    let new: Account = get(&old_account());
    let error = create::<v1::Account, _>(&new).expect_err("`code` has no value of its own");
    assert!(matches!(error.kind(), TransformErrorKind::NoOldValue));
    assert_eq!(error.path().to_string(), "code");
    assert_eq!(
        error.to_string(),
        "test.Account 2 -> test.Account 1 at `code`: a removed field has no value to come back \
         with, as its owner is newer than the flip"
    );
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(from = v1::Point, removed(1 = 200, "2"))]
struct Swapped(#[upgrade(default = 5)] u8, #[upgrade(from = 0)] u16);

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "Point", version = 2, from = v1::Point)]
struct Named {
    #[upgrade(from = "0")]
    x: u16,
    #[upgrade(from = 1)]
    y: u8,
    #[upgrade(from = 2)]
    label: String,
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(from = Named, removed(label = String::new()))]
struct Pair(#[upgrade(from = x)] u32, #[upgrade(from = y)] u8);

#[test]
fn tuples() {
    let old = v1::Point(1, 2, "p".to_owned());
    assert_eq!(get::<_, Swapped>(&old), Swapped(5, 1));
    assert_eq!(put(&Swapped(9, 77), &old), v1::Point(77, 2, "p".to_owned()));
    let named: Named = get(&old);
    assert_eq!(named, Named { x: 1, y: 2, label: "p".to_owned() });
    assert_eq!(put(&named, &old), old);
    assert_eq!(get::<_, Pair>(&named), Pair(1, 2));
    assert_eq!(create::<Named, _>(&Pair(3, 4)).expect("`label` has a value").label, "");
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(from = v1::Marker)]
struct Marker {}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(from = Marker)]
struct MarkerAgain;

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(from = MarkerAgain)]
struct Grown(#[upgrade(default)] u8);

#[test]
fn units() {
    assert_eq!(get::<_, Marker>(&v1::Marker), Marker {});
    assert_eq!(put(&Marker {}, &v1::Marker), v1::Marker);
    assert_eq!(get::<_, MarkerAgain>(&Marker {}), MarkerAgain);
    assert_eq!(get::<_, Grown>(&MarkerAgain), Grown(0));
    assert_eq!(create::<MarkerAgain, _>(&Grown(7)).expect("nothing is needed"), MarkerAgain);
    assert_eq!((Marker::VERSION, MarkerAgain::VERSION, Grown::VERSION), (2, 3, 4));
}

#[test]
fn a_version_becomes_itself() {
    let old = old_account();
    assert_eq!(get::<_, v1::Account>(&old), old);
    assert_eq!(put(&old, &old_account()), old);
    let again = <v1::Account as upgradable::UpgradeFrom<v1::Account>>::upgrade_from(
        &old,
        &mut Cx::detached(),
    );
    assert_eq!(again.expect("a clone"), old);
}
