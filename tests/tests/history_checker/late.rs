//! Late commits that share a timestamp: in any order, as long as some order explains everything.

use super::*;

const Z: ObjectId = 3;

fn late(ts: Timestamp) -> Outcome {
    Outcome::CommittedLate { ts }
}

#[test]
fn updates_of_different_objects_may_share_a_timestamp() {
    accept(&[
        (1, 5, &[r(X, 0), w(X, 10)], late(7)),
        (2, 6, &[r(Y, 0), w(Y, 20)], late(7)),
        (3, 8, &[r(X, 10), r(Y, 20)], read_only(7)),
    ]);
}

#[test]
fn they_stand_as_they_read_each_other() {
    // The second by name must be first; the third reads both.
    accept(&[
        (1, 8, &[r(X, 20), w(X, 10)], late(7)),
        (2, 9, &[r(X, 0), w(X, 20)], late(7)),
        (3, 10, &[r(X, 10), r(Y, 0), w(Y, 30)], late(7)),
        (11, 12, &[r(X, 10), r(Y, 30), w(X, 40)], at(8)),
    ]);
}

#[test]
fn they_stand_as_they_missed_each_other() {
    accept(&[
        (1, 8, &[r(Y, 0), w(Y, 10)], late(7)),
        (2, 9, &[r(Y, 0), r(X, 0), w(X, 20)], late(7)),
        (10, 12, &[r(X, 20), r(Y, 10)], read_only(7)),
    ]);
}

#[test]
fn they_stand_as_real_time_demands() {
    accept(&[(5, 6, &[w(X, 10)], late(7)), (1, 2, &[w(Y, 20)], late(7))]);
    reject(
        Kind::LostUpdate,
        &[0, 1],
        &[(5, 6, &[r(X, 0), w(X, 10)], late(7)), (1, 2, &[r(X, 0), w(X, 20)], late(7))],
    );
}

#[test]
fn an_attempt_that_aborted_may_stand_between_them() {
    accept(&[
        (1, 9, &[w(X, 10)], late(7)),
        (2, 9, &[w(Y, 20)], late(7)),
        (3, 9, &[r(X, 0), r(Y, 20)], ABORTED),
    ]);
    // But two that want them in different orders cannot both be right.
    reject(
        Kind::LongFork,
        &[2, 3],
        &[
            (1, 9, &[w(X, 10)], late(7)),
            (2, 9, &[w(Y, 20)], late(7)),
            (3, 9, &[r(X, 0), r(Y, 20)], ABORTED),
            (4, 9, &[r(X, 10), r(Y, 0)], ABORTED),
        ],
    );
}

#[test]
fn a_snapshot_at_their_timestamp_has_all_of_them() {
    reject(
        Kind::TimestampOrder,
        &[1, 2],
        &[
            (1, 9, &[w(X, 10)], late(7)),
            (2, 9, &[w(Y, 20)], late(7)),
            (3, 9, &[r(X, 10), r(Y, 0)], read_only(7)),
        ],
    );
}

#[test]
fn nothing_but_late_commits_may_share_a_timestamp() {
    for (first, second) in [(at(7), late(7)), (late(7), at(7)), (at(7), at(7))] {
        let rows: [Row<'_>; 3] =
            [(1, 9, &[w(X, 10)], late(6)), (1, 9, &[w(Y, 20)], first), (1, 9, &[w(Z, 30)], second)];
        reject(Kind::DuplicateTimestamp, &[1, 2], &rows);
    }
}

#[test]
fn write_skew_among_them_is_found() {
    reject(
        Kind::WriteSkew,
        &[0, 1],
        &[(1, 9, &[r(X, 0), w(Y, 10)], late(7)), (1, 9, &[r(Y, 0), w(X, 20)], late(7))],
    );
}

#[test]
fn a_late_commit_that_missed_an_earlier_one_is_found() {
    let rows: [Row<'_>; 3] = [
        (1, 9, &[r(X, 0), w(Y, 10)], late(7)),
        (2, 9, &[r(Z, 0), w(Z, 20)], late(7)),
        (3, 5, &[r(X, 0), w(X, 30)], at(6)),
    ];
    // There is a serial order, but not that of the timestamps.
    let history = history(&rows);
    assert!(check_graph(&history).is_ok());
    reject_history(Kind::TimestampOrder, &[0, 2], &history);
    assert!(check_witness(&history).is_err() && check_opacity(&history).is_err());
}

#[test]
fn blind_writes_of_one_object_need_a_stated_order() {
    let rows: [Row<'_>; 3] = [
        (1, 9, &[w(X, 10)], late(7)),
        (1, 9, &[w(X, 20)], late(7)),
        (10, 12, &[r(X, 10)], read_only(7)),
    ];
    let mut history = history(&rows);
    let violation = check(&history).expect_err("the order of the versions is not known");
    assert!(
        matches!(*violation, Violation::Malformed(Malformed::SharedTimestamp { object: X, .. })),
        "{violation}"
    );
    assert!(violation.to_string().contains("T1 ("), "{violation}");
    history.set_version_order(X, vec![20, 10]);
    assert!(check(&history).is_ok());
    agree_with_reference(&history);
    history.set_version_order(X, vec![10, 20]);
    reject_history(Kind::StaleRead, &[1, 2], &history);
}

#[test]
fn one_blind_write_comes_after_those_that_had_read() {
    accept(&[
        (1, 9, &[w(X, 10)], late(7)),
        (1, 9, &[r(X, 0), w(X, 20)], late(7)),
        (1, 9, &[r(X, 10), w(X, 30)], late(7)),
        (10, 12, &[r(X, 30)], read_only(7)),
    ]);
}

#[test]
fn late_commits_are_counted() {
    let rows: [Row<'_>; 3] =
        [(1, 9, &[w(X, 10)], late(7)), (1, 9, &[w(Y, 20)], late(7)), (1, 9, &[w(Z, 30)], at(8))];
    let summary = check(&history(&rows)).expect("they have nothing to do with each other");
    assert_eq!((summary.updates, summary.late), (3, 2));
}
