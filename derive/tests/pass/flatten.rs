//! `flatten`: old siblings move into a struct of their own.

use upgradable::Upgradable;

use crate::{create, get, put};

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.Person")]
struct PersonV1 {
    name: String,
    street: String,
    town: String,
    house: u8,
    x: u8,
    y: u8,
}

#[derive(Clone, Debug, PartialEq, Default)]
struct Address {
    street: String,
    city: String,
    number: u32,
    country: String,
}

#[derive(Clone, Debug, PartialEq)]
struct At<T>(T, u16);

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(from = PersonV1)]
struct Person {
    name: String,
    #[upgrade(flatten(street, city = "town", number = house, ..))]
    address: Address,
    #[upgrade(flatten(0 = "x", 1 = y))]
    at: At<u8>,
}

fn old() -> PersonV1 {
    PersonV1 {
        name: "Ada".to_owned(),
        street: "Main".to_owned(),
        town: "Here".to_owned(),
        house: 3,
        x: 1,
        y: 2,
    }
}

#[test]
fn forward_and_back() {
    let old = old();
    let mut new: Person = get(&old);
    let address = Address {
        street: "Main".to_owned(),
        city: "Here".to_owned(),
        number: 3,
        country: String::new(),
    };
    assert_eq!(new, Person { name: "Ada".to_owned(), address, at: At(1, 2) });
    assert_eq!(put(&new, &old), old);
    new.address.city = "There".to_owned();
    new.at.1 = 255;
    let expected = PersonV1 { town: "There".to_owned(), y: 255, ..old.clone() };
    assert_eq!(put(&new, &old), expected);
    assert_eq!(create::<PersonV1, _>(&new).expect("nothing needs an old value"), expected);
    new.address.number = 300;
    let error = create::<PersonV1, _>(&new).expect_err("300 is no u8");
    assert_eq!(error.path().to_string(), "house");
}
