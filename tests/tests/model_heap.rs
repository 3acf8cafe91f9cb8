//! Sequences of operations on a heap, on one thread, against a model of plain maps that converts
//! everything at each flip: objects, collections, transactions, held snapshots, and upgrades that
//! wait, fail, are promoted and rolled back.
//!
//! `PROPTEST_CASES=20000` tries more of them; `fuzz/` has the same as a target for fuzzers.

use proptest::prelude::*;
use proptest::test_runner::Config;

#[path = "model_heap/draft.rs"]
mod draft;
#[path = "model_heap/item.rs"]
mod item;
#[path = "model_heap/rig.rs"]
mod rig;
#[path = "model_heap/show.rs"]
mod show;
#[path = "model_heap/state.rs"]
mod state;
#[path = "model_heap/stories.rs"]
mod stories;
#[path = "model_heap/types.rs"]
mod types;

use rig::Op;

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_heap_does_what_the_model_does(ops in prop::collection::vec(any::<Op>(), 1..160)) {
        rig::run(&ops);
    }
}
