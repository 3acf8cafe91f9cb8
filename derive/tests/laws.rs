//! The laws of lenses, for derived transformers over arbitrary values:
//!
//! - `put(get(s), s) == s`: an upgrade rolled back at once has changed nothing;
//! - `get(put(v, s)) == v`: what was written after the flip survives the way back and forth.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use upgradable::{Cx, TransformErrorKind, Upgradable, UpgradeFrom};

mod v1 {
    use super::{BTreeMap, Upgradable};

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    pub(super) struct Line {
        pub(super) price: u8,
        pub(super) code: u16,
    }

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    pub(super) enum Status {
        Open,
        Frozen { why: String, code: u8 },
        Lost(u8),
        Legacy,
    }

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    pub(super) struct Order {
        pub(super) id: u32,
        pub(super) cents: i64,
        pub(super) legacy: String,
        pub(super) street: String,
        pub(super) city: String,
        pub(super) status: Status,
        pub(super) lines: Vec<Line>,
        pub(super) index: BTreeMap<u8, Option<Line>>,
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Money(i64);

impl Money {
    fn from_cents(cents: i64) -> Self {
        Self(cents)
    }

    fn to_cents(self) -> i64 {
        self.0
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Address {
    street: String,
    town: String,
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(from = v1::Line, removed(code = 0))]
struct Line {
    price: u16,
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(from = v1::Status, removed(
    Legacy => Status::Closed,
    Lost(n) => Status::Blocked { reason: n.to_string() },
))]
enum Status {
    Open,
    #[upgrade(from = "Frozen", removed(code = 0))]
    Blocked {
        #[upgrade(from = "why")]
        reason: String,
    },
    #[upgrade(new, back = |_| v1::Status::Legacy)]
    Closed,
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(from = v1::Order, removed(legacy))]
struct Order {
    id: u64,
    #[upgrade(from = "cents", with = Money::from_cents, back = Money::to_cents)]
    balance: Money,
    #[upgrade(flatten(street, town = "city"))]
    address: Address,
    status: Status,
    lines: Vec<Line>,
    index: BTreeMap<u16, Option<Line>>,
}

fn old_line() -> impl Strategy<Value = v1::Line> {
    any::<(u8, u16)>().prop_map(|(price, code)| v1::Line { price, code })
}

fn line() -> impl Strategy<Value = Line> {
    // Beyond a `u8` now and then.
    prop_oneof![20 => 0_u16..256, 1 => any::<u16>()].prop_map(|price| Line { price })
}

fn old_status() -> impl Strategy<Value = v1::Status> {
    prop_oneof![
        Just(v1::Status::Open),
        ("[0-9]{0,3}", any::<u8>()).prop_map(|(why, code)| v1::Status::Frozen { why, code }),
        any::<u8>().prop_map(v1::Status::Lost),
        Just(v1::Status::Legacy),
    ]
}

fn status() -> impl Strategy<Value = Status> {
    prop_oneof![
        Just(Status::Open),
        "[0-9]{0,3}".prop_map(|reason| Status::Blocked { reason }),
        Just(Status::Closed),
    ]
}

prop_compose! {
    fn old_order()(
        (id, cents) in any::<(u32, i64)>(),
        (legacy, street, city) in (".{0,4}", ".{0,4}", ".{0,4}"),
        status in old_status(),
        lines in vec(old_line(), 0..4),
        index in btree_map(any::<u8>(), proptest::option::of(old_line()), 0..4),
    ) -> v1::Order {
        v1::Order { id, cents, legacy, street, city, status, lines, index }
    }
}

prop_compose! {
    fn order()(
        id in prop_oneof![20 => any::<u32>().prop_map(u64::from), 1 => any::<u64>()],
        balance in any::<i64>().prop_map(Money),
        (street, town) in (".{0,4}", ".{0,4}"),
        status in status(),
        lines in vec(line(), 0..4),
        index in btree_map(0_u16..256, proptest::option::of(line()), 0..4),
    ) -> Order {
        Order { id, balance, address: Address { street, town }, status, lines, index }
    }
}

#[test]
fn they_say_that_they_are_reversible() {
    let facts = <Order as UpgradeFrom<v1::Order>>::PROFILE.facts();
    assert!(facts.is_reversible() && facts.needs_old());
}

proptest! {
    #[test]
    fn back_at_once_changes_nothing(old in old_order()) {
        let mut cx = Cx::detached();
        let new = Order::upgrade_from(&old, &mut cx)?;
        prop_assert_eq!(Order::put(&new, Some(&old), &mut cx)?, old);
    }

    #[test]
    fn back_and_forth_loses_nothing(new in order(), old in old_order()) {
        let mut cx = Cx::detached();
        match Order::put(&new, Some(&old), &mut cx) {
            Ok(back) => prop_assert_eq!(Order::upgrade_from(&back, &mut cx)?, new),
            // A value that has outgrown the old type stays where it is.
            Err(error) => prop_assert!(
                matches!(error.kind(), TransformErrorKind::OutOfRange { .. }), "{}", error
            ),
        }
    }

    #[test]
    fn enums_alone(new in status(), old in old_status()) {
        let mut cx = Cx::detached();
        let forward = Status::upgrade_from(&old, &mut cx)?;
        prop_assert_eq!(&Status::put(&forward, Some(&old), &mut cx)?, &old);
        let back = Status::put(&new, Some(&old), &mut cx)?;
        prop_assert_eq!(&Status::upgrade_from(&back, &mut cx)?, &new);
        let created: v1::Status = Status::put(&new, None, &mut cx)?;
        prop_assert_eq!(&Status::upgrade_from(&created, &mut cx)?, &new);
    }
}
