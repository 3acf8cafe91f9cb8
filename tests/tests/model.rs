//! Sequences of operations on one thread, against a model that keeps every state there ever was.
//!
//! After every operation each held snapshot must show exactly the state of its instant, and the
//! present the newest one. After a reclamation there are no more versions than snapshots that see
//! them. In the end every value has been dropped, once.
//!
//! `PROPTEST_CASES` sets how many sequences are tried.

use proptest::prelude::*;
use proptest::test_runner::Config;

#[path = "model/census.rs"]
mod census;
#[path = "model/ops.rs"]
mod ops;
#[path = "model/rig.rs"]
mod rig;
#[path = "model/transaction.rs"]
mod transaction;

use ops::{Op, ops};
use rig::Rig;

proptest! {
    #![proptest_config(Config {
        cases: Config::default().cases.max(300),
        failure_persistence: None,
        ..Config::default()
    })]

    #[test]
    fn the_memory_does_what_the_model_does(ops in ops(), last in any::<u8>()) {
        let mut rig = Rig::new();
        for op in &ops {
            rig.run(op);
            rig.check();
        }
        rig.end(last);
    }
}

/// The property, for a sequence that is known to be worth it.
fn run(ops: &[Op]) {
    for last in 0..6 {
        let mut rig = Rig::new();
        for op in ops {
            rig.run(op);
            rig.check();
        }
        rig.end(last);
    }
}

#[test]
fn versions_between_two_held_snapshots_go() {
    use ops::{End, Size, Step};
    let write = || Op::Transaction(vec![Step::Write(0)], End::Commit);
    run(&[
        Op::CreateVar(Size::Small),
        write(),
        Op::Hold,
        write(),
        write(),
        Op::Hold,
        write(),
        Op::Reclaim,
        Op::DropHeld(0),
        Op::Reclaim,
    ]);
}
