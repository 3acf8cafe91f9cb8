//! The fast checker and the reference must agree on every small history.

use proptest::prelude::*;
use proptest::test_runner::Config as ProptestConfig;
use upgradable_tests::history::check::{check, check_graph, check_opacity, check_witness};
use upgradable_tests::history::model_run::{Config, Fault, run};
use upgradable_tests::history::{History, ObjectId, Op, Outcome, reference};

use super::{agree_with_reference, lacks_an_order};

/// An attempt that can still be changed.
#[derive(Clone, Debug)]
struct Draft {
    begin: u64,
    end: u64,
    ops: Vec<Op>,
    outcome: Outcome,
}

fn build(drafts: &[Draft]) -> History {
    let mut history = History::new();
    for (thread, draft) in (0..).zip(drafts) {
        history.push(thread, draft.begin, draft.end, &draft.ops, draft.outcome);
    }
    history
}

fn drafts(history: &History) -> Vec<Draft> {
    let draft = |attempt: &upgradable_tests::history::Attempt| Draft {
        begin: attempt.begin,
        end: attempt.end,
        ops: history.ops(attempt.id).to_vec(),
        outcome: attempt.outcome,
    };
    history.attempts().iter().map(draft).collect()
}

/// All values that a read of `object` could be given: the initial one and those written to it.
fn plausible(drafts: &[Draft], object: ObjectId) -> Vec<u64> {
    let written = drafts.iter().flat_map(|draft| &draft.ops).filter_map(|op| match *op {
        Op::Write { object: other, value } if other == object => Some(value),
        _ => None,
    });
    std::iter::once(0).chain(written).collect()
}

// --- histories at random -----------------------------------------------------------------------

/// What an attempt is made from: begin, length, operations (is it a write, object, which value),
/// outcome, and a number for its timestamp.
type Plan = (u64, u64, Vec<(bool, ObjectId, usize)>, u8, u64);

/// Outcomes from 5 on are late commits.
fn plan(outcomes: u8) -> impl Strategy<Value = Plan> {
    let op = (any::<bool>(), 0..2_u32, any::<usize>());
    (0..16_u64, 0..12_u64, prop::collection::vec(op, 0..4), 0..outcomes, 0..6_u64)
}

fn from_plans(plans: &[Plan]) -> Vec<Draft> {
    let mut drafts = Vec::new();
    let mut next_value = 1;
    for (number, (begin, length, ops, outcome, ts)) in (0..).zip(plans) {
        let ops = ops.iter().map(|&(is_write, object, _)| {
            next_value += 1;
            if is_write { Op::write(object, next_value) } else { Op::read(object, 0) }
        });
        let ops: Vec<_> = ops.collect();
        let wrote = ops.iter().any(|op| matches!(op, Op::Write { .. }));
        let outcome = match outcome {
            0 => Outcome::Aborted,
            1 | 2 if !wrote => Outcome::CommittedReadOnly { snapshot: ts * 8 + 7 },
            5.. => Outcome::CommittedLate { ts: ts / 2 * 16 + 7 },
            _ => Outcome::Committed { ts: ts * 8 + number },
        };
        drafts.push(Draft { begin: *begin, end: begin + length, ops, outcome });
    }
    for (i, (_, _, choices, _, _)) in plans.iter().enumerate() {
        for (j, &(is_write, object, choice)) in choices.iter().enumerate() {
            let values = plausible(&drafts, object);
            // Prefer old values: in a random history they are more often right.
            let value = values[(choice % (values.len() * 2)).saturating_sub(values.len())];
            if !is_write {
                drafts[i].ops[j] = Op::read(object, value);
            }
        }
    }
    drafts
}

// --- simulated histories, changed --------------------------------------------------------------

/// A change: which one, to which attempt, and two numbers to make it with.
type Change = (u8, usize, usize, u64);

fn change(drafts: &mut [Draft], (what, attempt, position, number): Change) {
    let count = drafts.len();
    let at = attempt % count;
    let position = position % drafts[at].ops.len().max(1);
    match what {
        0 => {
            let Some(Op::Read { object, .. }) = drafts[at].ops.get(position).copied() else {
                return;
            };
            let values = plausible(drafts, object);
            drafts[at].ops[position] = Op::read(object, values[number as usize % values.len()]);
        }
        1 => {
            let other = number as usize % count;
            let (a, b) = (drafts[at].outcome, drafts[other].outcome);
            if a.commit_ts().is_some() && b.commit_ts().is_some() {
                (drafts[at].outcome, drafts[other].outcome) = (b, a);
            }
        }
        2 => drafts[at].begin = drafts[at].begin.saturating_sub(number % 8),
        3 => drafts[at].end = (drafts[at].begin).max(drafts[at].end.saturating_sub(number % 8)),
        4 => drafts[at].begin = drafts[at].end.min(drafts[at].begin + number % 8),
        5 => drafts[at].outcome = Outcome::Aborted,
        6 if position < drafts[at].ops.len() => {
            drafts[at].ops.remove(position);
        }
        7 => {
            if let Outcome::CommittedReadOnly { snapshot } = &mut drafts[at].outcome {
                *snapshot = number % 6;
            }
        }
        8 => drafts[at].outcome = Outcome::Committed { ts: number % 8 },
        // Late, and often at the timestamp of somebody else.
        9 => drafts[at].outcome = Outcome::CommittedLate { ts: number % 8 },
        10 => share_timestamps(drafts),
        _ => drafts[at].ops.push(Op::read(position as u32, 0)),
    }
}

/// Makes neighbours in the order of timestamps late commits at one timestamp, which may be right.
fn share_timestamps(drafts: &mut [Draft]) {
    for draft in drafts {
        if let Some(ts) = draft.outcome.commit_ts() {
            draft.outcome = Outcome::CommittedLate { ts: ts | 1 };
        }
    }
}

fn small(fault: Option<Fault>) -> Config {
    Config { threads: 3, attempts: 7, objects: 2, ops_max: 3, fault }
}

proptest! {
    #![proptest_config(ProptestConfig {
        // PROPTEST_CASES asks for more.
        cases: ProptestConfig::default().cases.max(4_000),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn on_random_histories(plans in prop::collection::vec(plan(5), 1..=6)) {
        agree_with_reference(&build(&from_plans(&plans)));
    }

    #[test]
    fn on_random_histories_with_late_commits(plans in prop::collection::vec(plan(12), 1..=6)) {
        agree_with_reference(&build(&from_plans(&plans)));
    }

    #[test]
    fn on_random_histories_with_a_stated_order_of_versions(
        plans in prop::collection::vec(plan(7), 1..=6),
        order in any::<prop::sample::Index>(),
    ) {
        let drafts = from_plans(&plans);
        let mut values: Vec<_> = drafts
            .iter()
            .filter(|draft| draft.outcome.is_committed())
            .filter_map(|draft| {
                plausible(std::slice::from_ref(draft), 0).into_iter().skip(1).last()
            })
            .collect();
        let turn = order.index(values.len().max(1));
        values.rotate_left(turn);
        let mut history = build(&drafts);
        history.set_version_order(0, values);
        agree_with_reference(&history);
    }

    #[test]
    fn on_simulated_histories_with_changes(
        seed in any::<u64>(),
        fault in prop::option::of(prop::sample::select(Fault::ALL.to_vec())),
        changes in prop::collection::vec(
            (0..12_u8, any::<usize>(), any::<usize>(), any::<u64>()),
            0..4,
        ),
    ) {
        let mut drafts = drafts(&run(&small(fault), seed));
        for &each in &changes {
            change(&mut drafts, each);
        }
        agree_with_reference(&build(&drafts));
    }
}

#[test]
fn on_simulated_histories_of_every_fault() {
    let (mut accepted, mut rejected) = (0, 0);
    for fault in Fault::ALL.map(Some).into_iter().chain([None]) {
        for seed in 0..400 {
            let history = run(&small(fault), seed);
            agree_with_reference(&history);
            *if check(&history).is_ok() { &mut accepted } else { &mut rejected } += 1;
        }
    }
    // Neither side may be a rarity, or the agreement says little.
    assert!(accepted > 1_000 && rejected > 1_000, "{accepted} accepted, {rejected} rejected");
}

#[test]
fn on_simulated_histories_with_shared_timestamps() {
    let (mut accepted, mut rejected, mut undecided) = (0, 0, 0);
    for fault in Fault::ALL.map(Some).into_iter().chain([None]) {
        for seed in 0..400 {
            let mut drafts = drafts(&run(&small(fault), seed));
            share_timestamps(&mut drafts);
            let history = build(&drafts);
            agree_with_reference(&history);
            match check(&history) {
                Ok(_) => accepted += 1,
                Err(_) if lacks_an_order(&history) => undecided += 1,
                Err(_) => rejected += 1,
            }
        }
    }
    let counts = format!("{accepted} accepted, {rejected} rejected, {undecided} undecided");
    assert!(accepted > 1_000 && rejected > 1_000, "{counts}");
}

#[test]
fn what_the_timestamps_explain_has_no_cycle() {
    for fault in Fault::ALL {
        for seed in 0..200 {
            let config = Config { attempts: 25, fault: Some(fault), ..Config::default() };
            let history = run(&config, seed);
            if check_witness(&history).is_ok() {
                check_graph(&history).expect("the witness is a serial order");
            }
            if check_opacity(&history).is_ok() {
                let opaque = upgradable_tests::history::check::check_opacity_graph(&history);
                opaque.expect("the points give a serial order");
            }
        }
    }
}

#[test]
fn a_reference_that_always_says_no_would_be_noticed() {
    let history = run(&small(None), 1);
    assert!(reference::is_serializable(&history) && reference::is_opaque(&history));
    assert!(reference::is_explained_by_timestamps(&history));
    assert!(reference::is_opaque_by_timestamps(&history));
}
