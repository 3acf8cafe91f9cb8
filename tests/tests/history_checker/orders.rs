//! Real time, claimed timestamps, what aborted transactions saw, and histories that cannot be
//! judged.

use upgradable_tests::history::History;
use upgradable_tests::history::check::{check, check_graph, check_opacity, check_witness};

use super::{
    ABORTED, Kind, Row, X, Y, accept, agree_with_reference, at, history, r, read_only, reject,
    reject_history, w,
};

fn kind_of<T>(result: Result<T, Box<upgradable_tests::history::Violation>>) -> Option<Kind> {
    result.err().map(|violation| violation.kind())
}

// --- real time ---------------------------------------------------------------------------------

#[test]
fn stale_read_after_real_time_end() {
    reject(
        Kind::StaleRead,
        &[0, 1],
        &[(1, 2, &[w(X, 10)], at(1)), (3, 4, &[r(X, 0)], read_only(0))],
    );
    // Had the two overlapped by a single tick, it would have been legal.
    accept(&[(1, 3, &[w(X, 10)], at(1)), (3, 4, &[r(X, 0)], read_only(0))]);
}

/// T2 misses what T0 wrote, although T1, which ended before T2 began, had seen it.
#[test]
fn stale_read_after_another_reader_had_seen_more() {
    reject(
        Kind::StaleRead,
        &[0, 1, 2],
        &[
            (1, 9, &[w(X, 10)], at(1)),
            (2, 3, &[r(X, 10)], read_only(1)),
            (4, 5, &[r(X, 0)], read_only(0)),
        ],
    );
}

/// The same with readers that abort: each has a snapshot, but not in an order that time allows.
#[test]
fn stale_read_between_aborted_attempts() {
    reject(
        Kind::StaleRead,
        &[0, 1, 2],
        &[(1, 9, &[w(X, 10)], at(1)), (2, 3, &[r(X, 10)], ABORTED), (4, 5, &[r(X, 0)], ABORTED)],
    );
}

#[test]
fn stale_read_in_an_aborted_attempt() {
    reject(
        Kind::StaleRead,
        &[0, 1],
        &[(1, 2, &[w(X, 10)], at(1)), (3, 4, &[r(X, 0), w(X, 11)], ABORTED)],
    );
}

#[test]
fn future_read() {
    reject(
        Kind::FutureRead,
        &[0, 1],
        &[(1, 2, &[r(X, 10)], read_only(1)), (3, 4, &[w(X, 10)], at(1))],
    );
}

#[test]
fn future_read_in_an_aborted_attempt() {
    reject(Kind::FutureRead, &[0, 1], &[(1, 2, &[r(X, 10)], ABORTED), (3, 4, &[w(X, 10)], at(1))]);
}

#[test]
fn commit_order_against_real_time() {
    // On one object the versions themselves are in the wrong order ...
    reject(Kind::CommitOrder, &[0, 1], &[(1, 2, &[w(X, 10)], at(2)), (3, 4, &[w(X, 20)], at(1))]);
    // ... on two objects only the timestamps tell.
    let on_two: [Row<'_>; 2] = [(1, 2, &[w(X, 10)], at(2)), (3, 4, &[w(Y, 20)], at(1))];
    assert_eq!(kind_of(check_graph(&history(&on_two))), None);
    reject(Kind::CommitOrder, &[0, 1], &on_two);
}

/// A read-only transaction claims a snapshot from before what had already ended. It read nothing
/// that would show it; the claim alone is wrong.
#[test]
fn commit_order_of_a_claimed_snapshot() {
    reject(
        Kind::CommitOrder,
        &[0, 1],
        &[(1, 2, &[w(X, 10)], at(5)), (3, 4, &[r(Y, 0)], read_only(4))],
    );
}

// --- timestamps --------------------------------------------------------------------------------

#[test]
fn duplicate_timestamp() {
    reject(
        Kind::DuplicateTimestamp,
        &[0, 1],
        &[(1, 3, &[w(X, 10)], at(7)), (2, 4, &[w(Y, 20)], at(7))],
    );
}

/// There is a serial order, T1 before T0, but the timestamps say the opposite.
#[test]
fn timestamp_order() {
    let swapped: [Row<'_>; 2] = [(1, 3, &[w(X, 10)], at(1)), (2, 4, &[r(X, 0), w(Y, 20)], at(2))];
    assert_eq!(kind_of(check_graph(&history(&swapped))), None);
    reject(Kind::TimestampOrder, &[0, 1], &swapped);
}

#[test]
fn timestamp_order_of_a_snapshot_that_is_too_new() {
    reject(
        Kind::TimestampOrder,
        &[0, 1],
        &[(1, 4, &[w(X, 10)], at(1)), (2, 3, &[r(X, 0)], read_only(1))],
    );
}

#[test]
fn timestamp_order_of_a_snapshot_that_is_too_old() {
    reject(
        Kind::TimestampOrder,
        &[0, 1],
        &[(1, 4, &[w(X, 10)], at(1)), (2, 3, &[r(X, 10)], read_only(0))],
    );
}

#[test]
fn timestamp_order_against_a_stated_order_of_versions() {
    let mut history = history(&[(1, 3, &[w(X, 10)], at(1)), (2, 4, &[w(X, 20)], at(2))]);
    history.set_version_order(X, vec![20, 10]);
    assert_eq!(kind_of(check_graph(&history)), None);
    reject_history(Kind::TimestampOrder, &[0, 1], &history);
}

// --- aborted attempts --------------------------------------------------------------------------

#[test]
fn torn_snapshot_in_an_aborted_attempt() {
    let torn: [Row<'_>; 2] =
        [(2, 3, &[w(X, 10), w(Y, 11)], at(1)), (1, 4, &[r(X, 0), r(Y, 11)], ABORTED)];
    // Strictly serializable: opacity alone is broken.
    assert_eq!(kind_of(check_graph(&history(&torn))), None);
    assert_eq!(kind_of(check_witness(&history(&torn))), None);
    reject(Kind::TornSnapshot, &[0, 1], &torn);
}

/// The two updates have nothing in common, so another serial order would explain the reader. In the
/// order of the timestamps, which all others follow, it saw the later one and not the earlier.
#[test]
fn torn_snapshot_across_unrelated_updates() {
    let torn: [Row<'_>; 3] = [
        (1, 8, &[w(X, 10)], at(1)),
        (2, 9, &[w(Y, 20)], at(2)),
        (3, 7, &[r(X, 0), r(Y, 20)], ABORTED),
    ];
    reject(Kind::TornSnapshot, &[0, 1, 2], &torn);
}

#[test]
fn opacity_leaves_the_claimed_snapshot_to_the_witness() {
    let history = history(&[(1, 4, &[w(X, 10)], at(1)), (2, 3, &[r(X, 0)], read_only(1))]);
    assert_eq!(kind_of(check_opacity(&history)), None);
    assert_eq!(kind_of(check_witness(&history)), Some(Kind::TimestampOrder));
    agree_with_reference(&history);
}

// --- histories that cannot be judged -----------------------------------------------------------

#[test]
fn malformed_histories_are_not_judged() {
    let malformed = Kind::Malformed;
    reject(malformed, &[0], &[(2, 1, &[], ABORTED)]);
    reject(malformed, &[0], &[(1, 2, &[w(X, 10)], read_only(0))]);
    reject(malformed, &[0], &[(1, 2, &[w(X, 0)], at(1))]);
    reject(malformed, &[0, 1], &[(1, 2, &[w(X, 10)], at(1)), (3, 4, &[w(Y, 10)], ABORTED)]);
}

#[test]
fn a_stated_order_of_versions_must_hold_exactly_the_committed_values() {
    for stated in [vec![10], vec![10, 10], vec![10, 99], vec![10, 20, 20], vec![10, 30]] {
        let mut history = history(&[
            (1, 2, &[w(X, 10)], at(1)),
            (3, 4, &[w(X, 20)], at(2)),
            (5, 6, &[w(X, 30)], ABORTED),
        ]);
        history.set_version_order(X, stated);
        reject_history(Kind::Malformed, &[], &history);
    }
    let mut empty = History::new();
    empty.set_version_order(X, vec![]);
    check(&empty).expect("nothing was stated about nothing");
    empty.set_version_order(X, vec![1]);
    assert_eq!(kind_of(check(&empty)), Some(Kind::Malformed));
    agree_with_reference(&empty);
}
