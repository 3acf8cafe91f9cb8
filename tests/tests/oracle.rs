//! Lazy equals eager: threads with random transactions on objects whose types are upgraded at
//! random, lazily and in the background; each recorded read, also of transactions that did not
//! commit, must be what a memory shows that converts everything at each flip.
//!
//! `ORACLE_TRANSACTIONS` says how many transactions each test makes; `ORACLE_SEED`, with which
//! seeds it begins.

#[path = "oracle/run.rs"]
mod run;
#[path = "oracle/types.rs"]
mod types;
#[path = "oracle/work.rs"]
mod work;

use std::env;

use run::{Shape, round};
use upgradable_tests::oracle::judge::judge;
use upgradable_tests::oracle::{History, Summary, show};

fn from_env(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |value| value.parse().expect("a number"))
}

/// Runs rounds until there were enough transactions, and judges each.
fn rounds(default: u64, shape: impl Fn(u64) -> Shape) -> Summary {
    let transactions = from_env("ORACLE_TRANSACTIONS", default);
    let first = from_env("ORACLE_SEED", 1);
    let (mut total, mut made) = (Summary::default(), 0);
    for seed in first.. {
        let shape = shape(seed);
        made += u64::from(shape.threads * shape.transactions);
        let history = round(shape);
        match judge(&history) {
            Ok(summary) => total += summary,
            Err(violation) => panic!("{violation}\n{}in {shape:?}", story(&history)),
        }
        if made >= transactions {
            break;
        }
    }
    println!("{total:?}");
    total
}

/// The flips of a history.
fn story(history: &History) -> String {
    let flips = history.flips.iter().map(|flip| {
        let undoes = flip.undoes.map_or(String::new(), |undone| format!(", undoes {undone}"));
        format!("{}: {:?}{undoes}\n", show(flip.at), flip.actions)
    });
    format!("from {:?}\n{}", history.versions, flips.collect::<String>())
}

fn shape(seed: u64) -> Shape {
    Shape {
        seed,
        threads: 2 + (seed % 3) as u32,
        transactions: 150,
        objects: [6, 20, 60][(seed / 3 % 3) as usize],
        blind: false,
        holds: false,
        back: false,
    }
}

#[test]
fn chains_of_upgrades_are_as_if_each_had_converted_everything() {
    let total = rounds(4_000, shape);
    assert!(total.flips > 0 && total.late > 0 && total.parts > 0, "{total:?}");
}

#[test]
fn roll_backs_are_as_if_each_had_converted_everything_back() {
    let total = rounds(4_000, |seed| Shape { back: true, ..shape(seed) });
    assert!(total.roll_backs > 0, "{total:?}");
}

#[test]
fn what_is_written_unseen_and_seen_late_is_in_order() {
    let total = rounds(4_000, |seed| Shape { blind: true, holds: true, ..shape(seed) });
    assert!(total.late > 0, "{total:?}");
}

#[test]
fn instants_of_eras_that_were_undone_can_be_seen_as_long_as_they_are_held() {
    let total = rounds(4_000, |seed| Shape { holds: true, back: true, ..shape(seed) });
    assert!(total.roll_backs > 0, "{total:?}");
}
