//! The seam that the heap will fill: a transformer that reads another object as of the flip, and
//! creates one.

use std::any::Any;
use std::cell::RefCell;

use upgradable::__host::{CxHost, ObjectToken, create, hosted, read_at_flip};
use upgradable::{
    AnyVersion, Cx, Profile, TransformError, TransformErrorKind, TypeVersion, Upgradable,
    UpgradeFrom,
};

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.host.Rate")]
struct Rate(u32);

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.host.Account")]
struct AccountV1 {
    cents: u32,
    rate: u64,
}

/// Reads the rate, and moves the money to an object of its own.
#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.host.Account", version = 2, from = AccountV1, manual)]
struct Account {
    money: u64,
}

impl UpgradeFrom<AccountV1> for Account {
    const PROFILE: Profile = Profile::one_way("the money is spread").reading_others();

    fn upgrade_from(old: &AccountV1, cx: &mut Cx<'_>) -> Result<Self, TransformError> {
        let rate = cx.field("rate", |cx| read_at_flip::<Rate>(cx, ObjectToken(old.rate)))?;
        let rate: &dyn Any = rate;
        let Some(Rate(rate)) = rate.downcast_ref() else { return Err("not a rate".into()) };
        let ObjectToken(money) = create(cx, Rate(old.cents * rate))?;
        Ok(Self { money })
    }
}

/// A heap of two objects that remembers what is created.
struct Shelf {
    rate: Rate,
    created: RefCell<Vec<Box<dyn AnyVersion>>>,
}

impl CxHost for Shelf {
    fn read_at_flip(
        &self,
        object: ObjectToken,
        wanted: TypeVersion,
    ) -> Result<&dyn AnyVersion, TransformError> {
        assert_eq!(wanted, TypeVersion::of::<Rate>());
        if object == ObjectToken(1) {
            Ok(&self.rate)
        } else {
            Err(TransformError::new(format!("no object {}", object.0)))
        }
    }

    fn create(&self, value: Box<dyn AnyVersion>) -> Result<ObjectToken, TransformError> {
        self.created.borrow_mut().push(value);
        Ok(ObjectToken(100 + self.created.borrow().len() as u64))
    }
}

#[test]
fn a_transformer_reads_and_creates() {
    let shelf = Shelf { rate: Rate(3), created: RefCell::default() };
    let new = Account::upgrade_from(&AccountV1 { cents: 5, rate: 1 }, &mut hosted(&shelf));
    assert_eq!(new.expect("the rate is there"), Account { money: 101 });
    let created: Box<dyn Any> = shelf.created.borrow_mut().pop().expect("one object");
    assert_eq!(created.downcast_ref(), Some(&Rate(15)));
}

#[test]
fn what_the_heap_refuses_has_a_place() {
    let shelf = Shelf { rate: Rate(3), created: RefCell::default() };
    let error = Account::upgrade_from(&AccountV1 { cents: 5, rate: 2 }, &mut hosted(&shelf))
        .expect_err("there is no object 2");
    assert_eq!(error.to_string(), "at `rate`: the conversion failed");
}

#[test]
fn without_a_heap_there_is_an_error() {
    let error = Account::upgrade_from(&AccountV1 { cents: 5, rate: 1 }, &mut Cx::detached())
        .expect_err("no heap");
    assert!(matches!(error.kind(), TransformErrorKind::NoHeap));
    assert!(<Account as UpgradeFrom<AccountV1>>::PROFILE.facts().reads_others());
}
