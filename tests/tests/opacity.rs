//! Random transactions of the real memory on real threads, recorded and judged.
//!
//! A few threads work on a few objects, so that conflicts abound. They run update transactions with
//! parts that are undone, that give up, block, or panic; snapshots, alone and inside of update
//! transactions; and held snapshots that travel between threads. Meanwhile versions are reclaimed
//! and eras advance. Everything is recorded, also every attempt that aborted, and must be opaque and
//! strictly serializable in the order of the commit timestamps.
//!
//! | Variable | What it sets | Default |
//! | --- | --- | --- |
//! | `HISTORY_TRANSACTIONS` | transactions of each test, in all | 30000 |
//! | `HISTORY_SEED` | the choices made; not how the threads take turns | 1 |
//!
//! `ci/history-mutants.sh` breaks the memory in many ways and sees these tests fail.

use std::env;
use std::ops::AddAssign;
use std::thread;

use upgradable_stm::Domain;
use upgradable_tests::history::check::{Summary, check};
use upgradable_tests::random::Random;

#[path = "opacity/layers.rs"]
mod layers;
#[path = "opacity/worker.rs"]
mod worker;
#[path = "opacity/world.rs"]
mod world;

use layers::{AdmitUntouched, Refusing};
use worker::Worker;
use world::{Shape, World};

/// Worlds that each test makes, of different shapes.
const ROUNDS: u64 = 8;

/// What happens with the eras in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Eras {
    /// There is only one.
    One,
    /// They advance, and whoever comes too late is executed again.
    Refuse,
    /// They advance, and whoever comes too late may commit in the past.
    AdmitLate,
}

/// What became of all rounds of a test.
#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    updates: u64,
    late: u64,
    read_only: u64,
    aborted: u64,
    old_snapshots: u64,
    conflicts: u64,
    eras: u64,
}

impl AddAssign<Summary> for Totals {
    fn add_assign(&mut self, summary: Summary) {
        self.updates += summary.updates;
        self.late += summary.late;
        self.read_only += summary.read_only;
        self.aborted += summary.aborted;
        self.old_snapshots += summary.old_snapshots;
    }
}

fn number(variable: &str, default: u64) -> u64 {
    let Ok(text) = env::var(variable) else { return default };
    text.parse().unwrap_or_else(|_| panic!("{variable}={text} is not a number"))
}

fn domain(eras: Eras) -> Domain {
    let builder = match eras {
        Eras::One => Domain::builder(),
        Eras::Refuse => Domain::builder().layer(Refusing),
        Eras::AdmitLate => Domain::builder().layer(AdmitUntouched::new()),
    };
    builder.build().expect("few domains live at once")
}

/// Runs all rounds and judges each.
fn run(eras: Eras) -> Totals {
    let transactions = number("HISTORY_TRANSACTIONS", 30_000).div_ceil(ROUNDS);
    let seed = number("HISTORY_SEED", 1);
    let mut random = Random::new(seed);
    let mut totals = Totals::default();
    for round in 0..ROUNDS {
        let shape = Shape::new(eras, transactions, round, &mut random);
        let world = World::new(domain(eras), shape);
        let threads = 2 + random.below(3);
        thread::scope(|scope| {
            for _ in 0..threads {
                let random = random.fork();
                let world = &world;
                scope.spawn(move || {
                    Worker::new(world, random).run(transactions / u64::from(threads))
                });
            }
        });
        let (history, conflicts, eras) = world.end();
        match check(&history) {
            Ok(summary) => totals += summary,
            Err(violation) => panic!(
                "{violation}\nin round {round} of {transactions} transactions by {threads} threads, \
                 HISTORY_SEED={seed}, {shape:?}"
            ),
        }
        totals.conflicts += conflicts;
        totals.eras += eras;
    }
    println!("{totals:?}");
    totals
}

/// A run in which nothing happened would pass, too.
fn expect_worth_judging(totals: &Totals) {
    assert!(totals.updates > 0 && totals.read_only > 0, "{totals:?}");
    assert!(totals.conflicts > 0 && totals.aborted > totals.conflicts, "{totals:?}");
    assert!(totals.old_snapshots > 0, "{totals:?}");
}

#[test]
fn transactions_of_one_era_are_opaque() {
    let totals = run(Eras::One);
    expect_worth_judging(&totals);
    assert_eq!((totals.eras, totals.late), (0, 0));
}

#[test]
fn transactions_are_opaque_while_eras_advance() {
    let totals = run(Eras::Refuse);
    expect_worth_judging(&totals);
    assert!(totals.eras > 0 && totals.late == 0, "{totals:?}");
}

#[test]
fn transactions_are_opaque_while_late_commits_are_admitted() {
    let totals = run(Eras::AdmitLate);
    expect_worth_judging(&totals);
    assert!(totals.eras > 0 && totals.late > 0, "{totals:?}");
}
