//! `with`, `try_with`, `back` and `try_back`, with every kind of function, and the conversions
//! that need none.

use std::num::ParseIntError;

use upgradable::{Cx, TransformErrorKind, Upgradable, UpgradeFrom};

use crate::{create, get, put};

#[derive(Clone, Copy, Debug, PartialEq)]
struct Money {
    cents: i64,
}

impl Money {
    fn from_cents(cents: i64) -> Self {
        Self { cents }
    }

    fn from_cents_ref(cents: &i64) -> Self {
        Self { cents: *cents }
    }

    fn to_cents(self) -> i64 {
        self.cents
    }

    fn cents_ref(&self) -> i64 {
        self.cents
    }
}

fn length(text: &str) -> usize {
    text.len()
}

fn stretch(length: &usize, text: Option<&String>) -> String {
    let mut text = text.cloned().unwrap_or_default();
    text.truncate(*length);
    while text.len() < *length {
        text.push('_');
    }
    text
}

fn parse(text: &str) -> Result<u32, ParseIntError> {
    text.parse()
}

fn even(number: u32) -> Result<String, String> {
    if number.is_multiple_of(2) { Ok(number.to_string()) } else { Err(format!("{number} is odd")) }
}

mod v1 {
    use super::Upgradable;

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    #[upgrade(name = "test.Functions")]
    pub(super) struct Functions {
        pub(super) by_value: i64,
        pub(super) by_ref: i64,
        pub(super) by_target: String,
        pub(super) quoted: i64,
        pub(super) closure: u8,
        pub(super) typed: u8,
        pub(super) generic: u8,
        pub(super) generic_ref: u8,
        pub(super) parsed: String,
        pub(super) onto: (u8, u8),
    }
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.Functions", version = 2, from = "v1::Functions")]
struct Functions {
    #[upgrade(with = Money::from_cents, back = Money::to_cents)]
    by_value: Money,
    #[upgrade(with = Money::from_cents_ref, back = Money::cents_ref)]
    by_ref: Money,
    #[upgrade(with = length, back = stretch)]
    by_target: usize,
    #[upgrade(with = "Money::from_cents", back = "Money::to_cents")]
    quoted: Money,
    #[upgrade(with = |n| *n != 0, back = |on| if *on { 1 } else { 0 })]
    closure: bool,
    #[upgrade(with = |n: u8| n.to_string(), back = |text: &str| text.len() as u8)]
    typed: String,
    #[upgrade(with = u64::from, back = |n| *n as u8)]
    generic: u64,
    #[upgrade(with = ToString::to_string, try_back = |text| text.parse::<u8>())]
    generic_ref: String,
    #[upgrade(try_with = parse, try_back = even)]
    parsed: u32,
    #[upgrade(with = |pair| pair.0, back = |first, old| (*first, old.map_or(0, |old| old.1)))]
    onto: u8,
}

fn old_functions() -> v1::Functions {
    v1::Functions {
        by_value: 1,
        by_ref: 2,
        by_target: "abc".to_owned(),
        quoted: 3,
        closure: 1,
        typed: 5,
        generic: 6,
        generic_ref: 7,
        parsed: "8".to_owned(),
        onto: (9, 10),
    }
}

#[test]
fn functions_forward_and_back() {
    let old = old_functions();
    let mut new: Functions = get(&old);
    let expected = Functions {
        by_value: Money { cents: 1 },
        by_ref: Money { cents: 2 },
        by_target: 3,
        quoted: Money { cents: 3 },
        closure: true,
        typed: "5".to_owned(),
        generic: 6,
        generic_ref: "7".to_owned(),
        parsed: 8,
        onto: 9,
    };
    assert_eq!(new, expected);
    new.by_target = 5;
    new.onto = 11;
    let back: v1::Functions = put(&new, &old);
    assert_eq!(back.by_target, "abc__");
    assert_eq!(back.onto, (11, 10));
    assert_eq!(back.typed, 1);
    assert_eq!(back.generic_ref, 7);
    let created: v1::Functions = create(&new).expect("nothing needs an old value");
    assert_eq!((created.by_target.as_str(), created.onto), ("_____", (11, 0)));
}

#[test]
fn functions_that_fail() {
    let mut old = old_functions();
    old.parsed = "eight".to_owned();
    let error = Functions::upgrade_from(&old, &mut Cx::detached()).expect_err("no number");
    assert_eq!(error.path().to_string(), "parsed");
    assert!(matches!(error.kind(), TransformErrorKind::Conversion { .. }));
    let source = std::error::Error::source(&error).expect("the cause is kept");
    assert!(source.downcast_ref::<ParseIntError>().is_some());

    let mut new: Functions = get(&old_functions());
    new.parsed = 9;
    let error = create::<v1::Functions, _>(&new).expect_err("9 is odd");
    let source = std::error::Error::source(&error).expect("the cause is kept");
    assert_eq!(source.to_string(), "9 is odd");
}

#[derive(Clone, Debug, PartialEq)]
struct Metres(f64);
#[derive(Clone, Debug, PartialEq)]
struct Feet(f64);

impl From<Metres> for Feet {
    fn from(metres: Metres) -> Self {
        Self(metres.0 * 3.0)
    }
}

impl From<Feet> for Metres {
    fn from(feet: Feet) -> Self {
        Self(feet.0 / 3.0)
    }
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.Auto")]
struct AutoV1 {
    same: Vec<Metres>,
    widened: u8,
    float: i32,
    both: Metres,
    maybe: u8,
    text: &'static str,
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(version = 2, from = AutoV1)]
struct Auto {
    same: Vec<Metres>,
    widened: i64,
    float: f64,
    both: Feet,
    #[upgrade(back = |n| n.unwrap_or(99))]
    maybe: Option<u8>,
    #[upgrade(back = |text, old| if old == Some(&text.as_str()) { "same" } else { "other" })]
    text: String,
}

#[test]
fn conversions_without_a_word() {
    let old = AutoV1 {
        same: vec![Metres(1.0)],
        widened: 200,
        float: -3,
        both: Metres(2.0),
        maybe: 4,
        text: "t",
    };
    let mut new: Auto = get(&old);
    let expected = Auto {
        same: vec![Metres(1.0)],
        widened: 200,
        float: -3.0,
        both: Feet(6.0),
        maybe: Some(4),
        text: "t".to_owned(),
    };
    assert_eq!(new, expected);
    new.maybe = None;
    new.both = Feet(9.0);
    let back: AutoV1 = put(&new, &old);
    assert_eq!(back, AutoV1 { both: Metres(3.0), maybe: 99, text: "same", ..old.clone() });
    new.widened = 256;
    let error = Auto::put(&new, Some(&old), &mut Cx::detached()).expect_err("256 is no u8");
    assert_eq!(
        error.to_string(),
        "test.Auto 2 -> test.Auto 1 at `widened`: 256 does not fit into `u8`"
    );
}
