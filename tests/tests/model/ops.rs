//! What a sequence is made of. Objects are named by numbers, to be taken modulo how many there are.

use proptest::prelude::*;

/// Which type a value has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    Small,
    Large,
}

/// An operation outside of transactions, or a whole transaction.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    CreateVar(Size),
    CloneVar(u8),
    DropVar(u8),
    Transaction(Vec<Step>, End),
    Hold,
    DropHeld(u8),
    Reclaim,
    /// Moves to the next era, and keeps the end of the old one if told so.
    AdvanceEra(bool),
}

/// What a transaction does.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Read(u8),
    Write(u8),
    Replace(u8),
    Modify(u8),
    Create(Size),
    /// More than a transaction can look through one by one.
    CreateMany,
    Get(u8, Size),
    Put(u8, Size),
    Update(u8, Size),
    Delete(u8),
    /// A part, undone if told so.
    Nested(Vec<Step>, bool),
    /// Two parts, of which the first is undone for the second if told so.
    OrElse(Vec<Step>, bool, Vec<Step>),
    AfterCommit,
    /// A snapshot inside of the transaction.
    Snapshot,
    Hold,
    Reclaim,
    /// Once in a transaction: it is executed again in the new era, if it writes.
    AdvanceEra,
}

/// How a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Commit,
    Cancel,
    /// Blocks until the time is over.
    Retry,
    Panic,
    /// A closure of `modify` panics, and that is caught.
    HalfModify(u8),
}

fn size() -> impl Strategy<Value = Size> {
    prop_oneof![Just(Size::Small), Just(Size::Large)]
}

fn step() -> impl Strategy<Value = Step> {
    let leaf = prop_oneof![
        4 => any::<u8>().prop_map(Step::Read),
        4 => any::<u8>().prop_map(Step::Write),
        1 => any::<u8>().prop_map(Step::Replace),
        3 => any::<u8>().prop_map(Step::Modify),
        3 => size().prop_map(Step::Create),
        1 => Just(Step::CreateMany),
        3 => (any::<u8>(), size()).prop_map(|(at, size)| Step::Get(at, size)),
        3 => (any::<u8>(), size()).prop_map(|(at, size)| Step::Put(at, size)),
        2 => (any::<u8>(), size()).prop_map(|(at, size)| Step::Update(at, size)),
        2 => any::<u8>().prop_map(Step::Delete),
        1 => Just(Step::AfterCommit),
        1 => Just(Step::Snapshot),
        1 => Just(Step::Hold),
        1 => Just(Step::Reclaim),
        1 => Just(Step::AdvanceEra),
    ];
    leaf.prop_recursive(2, 12, 4, |step| {
        let steps = || prop::collection::vec(step.clone(), 0..4);
        prop_oneof![
            (steps(), any::<bool>()).prop_map(|(steps, undone)| Step::Nested(steps, undone)),
            (steps(), any::<bool>(), steps())
                .prop_map(|(first, undone, second)| Step::OrElse(first, undone, second)),
        ]
    })
}

fn op() -> impl Strategy<Value = Op> {
    let end = prop_oneof![
        12 => Just(End::Commit),
        1 => Just(End::Cancel),
        1 => Just(End::Retry),
        1 => Just(End::Panic),
        1 => any::<u8>().prop_map(End::HalfModify),
    ];
    prop_oneof![
        2 => size().prop_map(Op::CreateVar),
        1 => any::<u8>().prop_map(Op::CloneVar),
        1 => any::<u8>().prop_map(Op::DropVar),
        9 => (prop::collection::vec(step(), 0..8), end)
            .prop_map(|(steps, end)| Op::Transaction(steps, end)),
        2 => Just(Op::Hold),
        2 => any::<u8>().prop_map(Op::DropHeld),
        2 => Just(Op::Reclaim),
        1 => any::<bool>().prop_map(Op::AdvanceEra),
    ]
}

pub(crate) fn ops() -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(op(), 0..40)
}
