//! Types that contain themselves and one another.

use upgradable::{Upgradable, UpgradeFrom};

use crate::{get, put};

mod v1 {
    use super::Upgradable;

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    pub(super) struct Tree {
        pub(super) weight: u8,
        pub(super) children: Vec<Tree>,
    }

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    pub(super) enum Expr {
        Number(u8),
        Block(Vec<Stmt>),
    }

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    pub(super) struct Stmt {
        pub(super) expr: Box<Expr>,
        pub(super) line: u16,
    }

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    pub(super) struct List<T> {
        pub(super) head: T,
        pub(super) tail: Option<Box<Self>>,
    }
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(from = v1::Tree)]
struct Tree {
    weight: u32,
    children: Vec<Self>,
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(from = v1::Expr)]
enum Expr {
    Number(i64),
    Block(Vec<Stmt>),
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(from = v1::Stmt, removed(line))]
struct Stmt {
    expr: Box<Expr>,
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(from = v1::List<T>)]
struct List<T> {
    head: T,
    #[upgrade(from = "tail")]
    rest: Option<Box<List<T>>>,
}

#[test]
fn one_type() {
    let leaf = |weight| v1::Tree { weight, children: vec![] };
    let old = v1::Tree { weight: 1, children: vec![leaf(2), leaf(3)] };
    let new: Tree = get(&old);
    assert_eq!(new.children[1], Tree { weight: 3, children: vec![] });
    assert_eq!(put(&new, &old), old);
    assert!(<Tree as UpgradeFrom<v1::Tree>>::PROFILE.facts().is_reversible());
}

#[test]
fn two_types() {
    let number = Box::new(v1::Expr::Number(1));
    let old = v1::Expr::Block(vec![v1::Stmt { expr: number, line: 7 }]);
    let new: Expr = get(&old);
    assert_eq!(put(&new, &old), old);
    let facts = <Expr as UpgradeFrom<v1::Expr>>::PROFILE.facts();
    assert!(facts.is_reversible() && facts.needs_old());
    assert_ne!(Expr::FINGERPRINT, v1::Expr::FINGERPRINT);
}

#[test]
fn a_generic_type() {
    let old = v1::List { head: 1_u8, tail: Some(Box::new(v1::List { head: 2, tail: None })) };
    let new: List<u16> = get(&old);
    assert_eq!(new.rest.as_ref().map(|rest| rest.head), Some(2));
    assert_eq!(put(&new, &old), old);
    let same: v1::List<u64> = get(&old);
    assert_eq!(same.tail.as_ref().map(|tail| tail.head), Some(2));
}
