//! Nested upgradable values in all containers.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::marker::PhantomData;
use std::sync::Arc;

use upgradable::Upgradable;

use crate::{get, put};

mod v1 {
    use super::*;

    #[derive(Upgradable, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub(super) struct Key(pub(super) u8);

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    pub(super) struct Line {
        pub(super) price: u8,
        pub(super) code: u8,
    }

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    pub(super) struct Order {
        pub(super) one: Line,
        pub(super) boxed: Box<Line>,
        pub(super) shared: Arc<Line>,
        pub(super) maybe: Option<Line>,
        pub(super) list: Vec<Line>,
        pub(super) queue: VecDeque<Line>,
        pub(super) slice: Box<[Line]>,
        pub(super) array: [Line; 2],
        pub(super) tuple: (u8, Line, String),
        pub(super) sorted: BTreeMap<Key, Line>,
        pub(super) hashed: HashMap<String, Line>,
        pub(super) set: BTreeSet<Key>,
        pub(super) hash_set: HashSet<Key>,
        pub(super) result: Result<Line, Key>,
        pub(super) deep: Vec<Option<(Key, Box<[Line; 1]>)>>,
        pub(super) kind: PhantomData<Line>,
        pub(super) numbers: Vec<u8>,
    }
}

#[derive(Upgradable, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[upgrade(from = v1::Key)]
struct Key(u16);

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(from = v1::Line, removed(code))]
struct Line {
    price: u32,
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(from = v1::Order)]
struct Order {
    one: Line,
    boxed: Box<Line>,
    shared: Arc<Line>,
    maybe: Option<Line>,
    list: Vec<Line>,
    queue: VecDeque<Line>,
    slice: Box<[Line]>,
    array: [Line; 2],
    tuple: (u32, Line, String),
    sorted: BTreeMap<Key, Line>,
    hashed: HashMap<String, Line>,
    set: BTreeSet<Key>,
    hash_set: HashSet<Key>,
    result: Result<Line, Key>,
    deep: Vec<Option<(Key, Box<[Line; 1]>)>>,
    kind: PhantomData<Line>,
    numbers: Vec<i64>,
}

fn old_line(price: u8) -> v1::Line {
    v1::Line { price, code: price + 100 }
}

fn old_order() -> v1::Order {
    let line = old_line;
    v1::Order {
        one: line(1),
        boxed: Box::new(line(2)),
        shared: Arc::new(line(3)),
        maybe: Some(line(4)),
        list: vec![line(5), line(6)],
        queue: VecDeque::from([line(7)]),
        slice: Box::new([line(8), line(9)]),
        array: [line(10), line(11)],
        tuple: (12, line(13), "t".to_owned()),
        sorted: BTreeMap::from([(v1::Key(1), line(14)), (v1::Key(2), line(15))]),
        hashed: HashMap::from([("a".to_owned(), line(16)), ("b".to_owned(), line(17))]),
        set: BTreeSet::from([v1::Key(3), v1::Key(4)]),
        hash_set: HashSet::from([v1::Key(5)]),
        result: Ok(line(18)),
        deep: vec![None, Some((v1::Key(6), Box::new([line(19)])))],
        kind: PhantomData,
        numbers: vec![20],
    }
}

#[test]
fn everything_is_mapped() {
    let new: Order = get(&old_order());
    let line = |price| Line { price };
    let expected = Order {
        one: line(1),
        boxed: Box::new(line(2)),
        shared: Arc::new(line(3)),
        maybe: Some(line(4)),
        list: vec![line(5), line(6)],
        queue: VecDeque::from([line(7)]),
        slice: Box::new([line(8), line(9)]),
        array: [line(10), line(11)],
        tuple: (12, line(13), "t".to_owned()),
        sorted: BTreeMap::from([(Key(1), line(14)), (Key(2), line(15))]),
        hashed: HashMap::from([("a".to_owned(), line(16)), ("b".to_owned(), line(17))]),
        set: BTreeSet::from([Key(3), Key(4)]),
        hash_set: HashSet::from([Key(5)]),
        result: Ok(line(18)),
        deep: vec![None, Some((Key(6), Box::new([line(19)])))],
        kind: PhantomData,
        numbers: vec![20],
    };
    assert_eq!(new, expected);
}

#[test]
fn everything_comes_back_with_what_was_removed() {
    let old = old_order();
    assert_eq!(put(&get::<_, Order>(&old), &old), old);
}

#[test]
fn partners_are_found_by_place_and_by_key() {
    let old = old_order();
    let mut new: Order = get(&old);
    new.list[1].price = 66;
    new.sorted.remove(&Key(1));
    new.sorted.entry(Key(2)).and_modify(|line| line.price = 77);
    let back: v1::Order = put(&new, &old);
    assert_eq!(back.list[1], v1::Line { price: 66, code: 106 });
    assert_eq!(back.sorted[&v1::Key(2)], v1::Line { price: 77, code: 115 });
    assert_eq!(back.sorted.len(), 1);
}

#[test]
fn elements_newer_than_the_flip_need_values() {
    let old = old_order();
    let mut new: Order = get(&old);
    new.list.push(Line { price: 1 });
    let error = <Order as upgradable::UpgradeFrom<v1::Order>>::put(
        &new,
        Some(&old),
        &mut upgradable::Cx::detached(),
    )
    .expect_err("`code` has no value");
    assert_eq!(
        error.to_string(),
        "Order 2 -> Order 1 at `list[2].code`: a removed field has no value to come back with, \
         as its owner is newer than the flip"
    );
}
