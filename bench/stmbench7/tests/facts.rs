//! A structure that was just built has the numbers of the specification, sections 16.1 and 16.2,
//! and so it has after a fixed sequence of operations: on every back end, with both versions of
//! the types.
//!
//! The sequence takes a few seconds: by default it runs on one back end.

mod common;

use common::{combinations, printed};

fn compare(first: u8, seed: u32, facts: &str) {
    let some = if std::env::var_os("STMBENCH7_ALL").is_some() { usize::MAX } else { 1 };
    for (backend, types) in combinations(first).into_iter().take(some) {
        let args = format!("facts --seed {seed} -g {backend} --types {types}");
        assert_eq!(printed(&args), facts, "`{args}`");
    }
}

#[test]
fn seed_3() {
    compare(1, 3, include_str!("fixtures/facts-seed3.txt"));
}

#[test]
fn seed_1() {
    compare(2, 1, include_str!("fixtures/facts-seed1.txt"));
}
