//! Planted anomalies, each by its classic name: the checker must reject each one, for that reason.
//! Correct histories that look odd must be accepted.
//!
//! Every planted history is small enough for the reference, so each is also judged by trying all
//! orders.

use upgradable_tests::history::ViolationKind as Kind;
use upgradable_tests::history::check::{
    check, check_graph, check_opacity, check_opacity_graph, check_witness,
};
use upgradable_tests::history::{
    History, Malformed, ObjectId, Op, Outcome, Timestamp, Value, Violation, reference,
};

#[path = "history_checker/agreement.rs"]
mod agreement;
#[path = "history_checker/anomalies.rs"]
mod anomalies;
#[path = "history_checker/faults.rs"]
mod faults;
#[path = "history_checker/late.rs"]
mod late;
#[path = "history_checker/orders.rs"]
mod orders;
#[path = "history_checker/reads.rs"]
mod reads;
#[path = "history_checker/recording.rs"]
mod recording;

const X: ObjectId = 1;
const Y: ObjectId = 2;
const ABORTED: Outcome = Outcome::Aborted;

fn r(object: ObjectId, value: Value) -> Op {
    Op::read(object, value)
}

fn w(object: ObjectId, value: Value) -> Op {
    Op::write(object, value)
}

fn at(ts: Timestamp) -> Outcome {
    Outcome::Committed { ts }
}

fn read_only(snapshot: Timestamp) -> Outcome {
    Outcome::CommittedReadOnly { snapshot }
}

/// An attempt: begin, end, operations, outcome.
type Row<'a> = (u64, u64, &'a [Op], Outcome);

/// Builds a history in which each attempt has a thread of its own.
fn history(attempts: &[Row<'_>]) -> History {
    let mut history = History::new();
    for (thread, &(begin, end, ops, outcome)) in (0..).zip(attempts) {
        history.push(thread, begin, end, ops, outcome);
    }
    history
}

/// The four laws must come out as the reference decides them.
#[track_caller]
fn agree_with_reference(history: &History) {
    if lacks_an_order(history) {
        return; // the reference tries all orders
    }
    let found = [
        check_graph(history).is_ok(),
        check_opacity_graph(history).is_ok(),
        check_witness(history).is_ok(),
        check_opacity(history).is_ok(),
    ];
    let expected = [
        reference::is_serializable(history),
        reference::is_opaque(history),
        reference::is_explained_by_timestamps(history),
        reference::is_opaque_by_timestamps(history),
    ];
    assert_eq!(found, expected, "\n{history}");
}

/// Did the checker refuse to judge because late commits wrote an object blindly?
fn lacks_an_order(history: &History) -> bool {
    matches!(
        check_graph(history).map_err(|violation| *violation),
        Err(Violation::Malformed(Malformed::SharedTimestamp { .. }))
    )
}

#[track_caller]
fn accept(attempts: &[Row<'_>]) {
    let history = history(attempts);
    if let Err(violation) = check(&history) {
        panic!("{violation}\nin\n{history}");
    }
    agree_with_reference(&history);
}

/// Rejects the history for the reason `kind`, in a message that names `culprits`.
#[track_caller]
fn reject(kind: Kind, culprits: &[u32], attempts: &[Row<'_>]) {
    reject_history(kind, culprits, &history(attempts));
}

#[track_caller]
fn reject_history(kind: Kind, culprits: &[u32], history: &History) {
    let violation = check(history).expect_err("a planted anomaly was accepted");
    assert_eq!(violation.kind(), kind, "{violation}\nin\n{history}");
    let message = violation.to_string();
    for culprit in culprits {
        assert!(message.contains(&format!("T{culprit} (")), "T{culprit} is not in: {message}");
    }
    agree_with_reference(history);
}

// --- correct histories -------------------------------------------------------------------------

#[test]
fn the_empty_history_is_correct() {
    accept(&[]);
}

#[test]
fn serial_updates_are_correct() {
    accept(&[
        (1, 2, &[r(X, 0), w(X, 10)], at(1)),
        (3, 4, &[r(X, 10), w(X, 20), r(X, 20), w(X, 21)], at(2)),
        (5, 6, &[r(X, 21), r(Y, 0)], read_only(2)),
    ]);
}

#[test]
fn a_reader_may_keep_an_old_snapshot_while_writers_pass_it() {
    accept(&[
        (1, 20, &[r(X, 0), r(Y, 0)], read_only(0)),
        (2, 4, &[r(X, 0), w(X, 10), w(Y, 11)], at(1)),
        (5, 7, &[r(X, 10), w(X, 20)], at(2)),
        (8, 19, &[r(X, 20), r(Y, 11)], read_only(2)),
        (3, 18, &[r(X, 10), r(Y, 11)], read_only(1)),
    ]);
}

#[test]
fn timestamps_may_differ_from_the_order_of_ends() {
    accept(&[
        (1, 9, &[w(X, 10)], at(1)),
        (2, 3, &[w(Y, 20)], at(2)),
        (4, 8, &[r(X, 10), r(Y, 20)], read_only(2)),
    ]);
}

#[test]
fn an_aborted_attempt_may_lag_behind_what_commits_while_it_runs() {
    accept(&[
        (1, 9, &[r(X, 0), w(X, 5), r(X, 5), r(Y, 0)], ABORTED),
        (2, 4, &[w(X, 10), w(Y, 11)], at(1)),
        (5, 8, &[r(X, 10), r(Y, 11), w(Y, 6)], ABORTED),
    ]);
}

#[test]
fn blind_writes_and_updates_that_write_nothing_are_correct() {
    accept(&[(1, 5, &[w(X, 10)], at(3)), (1, 5, &[w(X, 20)], at(2)), (2, 6, &[r(X, 10)], at(4))]);
}
