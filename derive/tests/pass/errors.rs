//! Errors and panics tell where they came from.

use std::collections::BTreeMap;
use std::panic;

use upgradable::{Cx, Segment, TransformError, TransformErrorKind, Upgradable, UpgradeFrom};

mod v1 {
    use super::{BTreeMap, Upgradable};

    #[derive(Upgradable, Clone)]
    #[upgrade(name = "test.errors.Line")]
    pub(super) struct Line {
        pub(super) price: u8,
    }

    #[derive(Upgradable, Clone)]
    #[upgrade(name = "test.errors.Order")]
    pub(super) struct Order {
        pub(super) lines: BTreeMap<u8, (u8, Vec<Line>)>,
    }
}

#[derive(Upgradable, Clone, Debug)]
#[upgrade(from = v1::Line)]
struct Line {
    #[upgrade(try_with = checked)]
    price: u8,
}

fn checked(price: u8) -> Result<u8, TransformError> {
    match price {
        0 => Err(TransformError::new("free")),
        1 => panic::resume_unwind(Box::new("odd")),
        price => Ok(price),
    }
}

#[derive(Upgradable, Clone, Debug)]
#[upgrade(from = v1::Order)]
struct Order {
    lines: BTreeMap<u8, (u8, Vec<Line>)>,
}

fn order(bad: u8) -> v1::Order {
    let lines = vec![v1::Line { price: 9 }, v1::Line { price: bad }];
    v1::Order { lines: BTreeMap::from([(3, (0, vec![])), (4, (0, lines))]) }
}

#[test]
fn an_error_tells_the_path() {
    let error = Order::upgrade_from(&order(0), &mut Cx::detached()).expect_err("free");
    assert_eq!(error.path().to_string(), "lines[#1].1[1].price");
    let segments: Vec<_> = error.path().segments().collect();
    assert_eq!(segments[0], Segment::Field("lines"));
    assert_eq!(segments[3], Segment::Index(1));
    // The outermost type, as the object is of it.
    let (from, to) = error.step().expect("a step");
    assert_eq!((from.to_string(), to.number()), ("test.errors.Order 1".to_owned(), 2));
    assert!(format!("{error:?}").contains("lines[#1].1[1].price"));
}

#[test]
fn a_panic_tells_the_path() {
    let error =
        Cx::detached().catch_panic(|cx| Order::upgrade_from(&order(1), cx)).expect_err("a panic");
    assert_eq!(error.path().to_string(), "lines[#1].1[1].price");
    assert!(
        matches!(error.kind(), TransformErrorKind::Panicked { message, .. } if message == "odd")
    );
}
